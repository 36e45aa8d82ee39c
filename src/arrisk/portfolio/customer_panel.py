"""Every customer at many dates: what was known of it at the end of each, in one pass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.errors import LedgerError, LookAheadError
from arrisk.ledger.book import Snapshot
from arrisk.ledger.days import as_date, day_number, month_end, month_index
from arrisk.portfolio.customer_figures import LATE_DAYS, age_figures, all_figures
from arrisk.portfolio.customer_grid import CustomerGrid, Figures, customers_at

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PANEL_COLUMNS", "CustomerPanel", "customer_ages", "make_customer_panel", "panel_days"]

PANEL_COLUMNS: dict[str, str] = {
    "open_amount": "amount open, credits not deducted, currency units",
    "overdue_amount": "open amount past its due date",
    "overdue_30": "open amount more than 30 days past its due date",
    "overdue_60": "open amount more than 60 days past its due date",
    "overdue_90": "open amount more than 90 days past its due date",
    "open_items": "items with something open",
    "overdue_items": "items with something open past their due date",
    "oldest_overdue_days": "days past due of the oldest open item, 0 when none is overdue",
    "invoiced_90": "amount of the items issued in the last 90 days",
    "invoiced_365": "amount of the items issued in the last 365 days",
    "invoices_90": "number of the items issued in the last 90 days",
    "invoices_365": "number of the items issued in the last 365 days",
    "ordered_90": "amount ordered in the last 90 days and not cancelled; while no order is known, invoiced",
    "ordered_365": "the same of the last 365 days",
    "settled_90": "items closed in the last 90 days, other than by credit notes",
    "settled_365": "items closed in the last 365 days, other than by credit notes",
    "mean_days_late_90": "mean days from due to settlement of these, negative when early; missing when none",
    "mean_days_late_365": "the same of the last 365 days",
    "late_share_365": "share of those settled in the last 365 days that were settled after their due date",
    "disputed_amount": "open amount in dispute",
    "credit_amount": "open credits and cash not applied, positive when owed to the customer",
}


@dataclass(frozen=True, slots=True, eq=False)
class CustomerPanel:
    """Customers at dates, each as it was known then.

    Attributes
    ----------
    table : DataFrame
        customer_id, date and the columns of `PANEL_COLUMNS`, sorted by date and customer; a customer has rows
        from the first day on which anything was known of it.
    as_of : Timestamp
        The snapshot's date.
    currency : str
    """

    table: pd.DataFrame
    as_of: pd.Timestamp
    currency: str

    @property
    def latest(self) -> pd.DataFrame:
        """The rows of the last date."""
        last = self.table["date"] == self.table["date"].max()
        rows: pd.DataFrame = self.table[last].reset_index(drop=True)
        return rows

    def to_table(self, name: str = "customers", top: int = 15) -> Table:
        """The customers with the largest overdue amounts at the last date."""
        columns = ["customer_id", "open_amount", "overdue_amount", "overdue_60", "oldest_overdue_days"]
        columns += ["invoiced_90", "mean_days_late_90", "mean_days_late_365"]
        last = self.latest.sort_values(["overdue_amount", "customer_id"], ascending=[False, True])
        formats: dict[str, Format] = dict.fromkeys(
            ("open_amount", "overdue_amount", "overdue_60", "invoiced_90"), "money"
        ) | dict.fromkeys(("mean_days_late_90", "mean_days_late_365"), "days")  # type: ignore[assignment]
        owing = int((last["overdue_amount"] > 0).sum())
        note = (
            f"The first {min(top, len(last))} of {len(last):,} customers; {owing:,} have something overdue."
        )
        title = f"Customers by overdue amount ({self.currency})"
        return Table(name, title, last.head(top)[columns].reset_index(drop=True), note, formats)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Share of the customers that owe something with an item more than 0, 30, 60, 90 days overdue."""
        import matplotlib.pyplot as plt

        ax = plt.gca() if ax is None else ax
        owing = self.table[self.table["open_amount"] > 0]
        late = {k: (owing["oldest_overdue_days"] > k).groupby(owing["date"]).mean() for k in LATE_DAYS}
        colours = plt.get_cmap("cividis")(np.linspace(0.9, 0.1, len(late)))
        for (k, share), colour in zip(late.items(), colours, strict=True):
            ax.plot(share.index, 100 * share, color=colour, label=f"over {k} days")
        ax.set_ylabel("customers that owe, %")
        ax.set_ylim(bottom=0)
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        said = (
            f"{late[0].iloc[-1]:.0%} of the customers that owe are overdue" if len(owing) else "Nothing owed"
        )
        ax.set_title(said)
        return stamp(ax, self.as_of)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def panel_days(
    snapshot: Snapshot, days: Sequence[str | dt.date | pd.Timestamp] | None = None, months: int = 36
) -> np.ndarray:
    """Day numbers of a panel: the days given, or the last month ends and the snapshot's own date.

    Parameters
    ----------
    snapshot : Snapshot
    days : sequence of date, optional
        Increasing, from the first day on which anything was known to the snapshot's date.
    months : int
        Without `days`: at most so many; month ends before the first movement are left out.

    Raises
    ------
    LedgerError
        If the days do not increase, there is none, or nothing was known on the first.
    LookAheadError
        If the last day is after the snapshot's date.
    """
    first = day_number(snapshot.first_date)
    if days is None:
        if months < 1:
            raise LedgerError(f"months={months}: at least 1")
        now = int(month_index([snapshot.day])[0])
        start = max(now - months + 1, int(month_index([first])[0]))
        return np.array([*month_end(np.arange(start, now)), snapshot.day], dtype=np.int64)
    chosen = np.array([day_number(day) for day in days], dtype=np.int64)
    if not len(chosen) or (np.diff(chosen) <= 0).any():
        raise LedgerError("days: give one or more, increasing")
    if chosen[-1] > snapshot.day:
        raise LookAheadError(
            f"a snapshot of {snapshot.date:%Y-%m-%d} cannot look ahead to {as_date(days[-1]):%Y-%m-%d}"
        )
    if chosen[0] < first:
        raise LedgerError(f"days: nothing was known before {snapshot.first_date:%Y-%m-%d}")
    return chosen


def make_customer_panel(
    snapshot: Snapshot,
    days: Sequence[str | dt.date | pd.Timestamp] | None = None,
    months: int = 36,
) -> CustomerPanel:
    """Features of every customer at many dates, each from what was known at its end.

    Parameters
    ----------
    snapshot : Snapshot
    days : sequence of date, optional
        Month ends, weeks, any increasing dates up to the snapshot's.
    months : int
        Without `days`: the last so many month ends, the last being the snapshot's own date.

    Returns
    -------
    CustomerPanel

    Raises
    ------
    LedgerError
        If the days do not increase, or nothing was known on the first.
    LookAheadError
        If a day is after the snapshot's date.

    Notes
    -----
    Items are those owed; credits and cash not applied are in `credit_amount` alone, so that open amounts
    less credits are the open balance. A window of n days ending on day t holds the days t-n+1 to t. What
    counts in it is known by t and dated in it: an item by its issue date, an order by its date until the day
    on which it is cancelled, a settlement by the date of the event that closed the item. An item is settled
    as it is known on t: one that was reopened is not, until it is closed again, and one whose closure was
    restated counts once, with the date and the cause it has by then. Days late are of settled items that
    have a due date.

    Examples
    --------
    >>> import arrisk as ar
    >>> ledger = ar.read_ledger({"invoices": pd.DataFrame({"invoice_id": ["1"], "customer_id": ["c"],
    ...     "issue_date": ["2025-01-01"], "due_date": ["2025-01-31"], "amount": [5.0]})}, currency="EUR")
    >>> panel = make_customer_panel(ledger.as_of("2025-03-31"), ["2025-01-31", "2025-02-28", "2025-03-31"])
    >>> panel.table[["overdue_amount", "oldest_overdue_days"]].to_numpy().tolist()
    [[0.0, 0.0], [5.0, 28.0], [5.0, 59.0]]
    """
    numbers = panel_days(snapshot, days, months)
    return CustomerPanel(customers_at(snapshot, numbers, _figures), snapshot.date, snapshot.currency)


def _figures(grid: CustomerGrid) -> Figures:
    found = all_figures(grid)
    return {name: found[name] for name in PANEL_COLUMNS}


def customer_ages(
    snapshot: Snapshot,
    days: Sequence[str | dt.date | pd.Timestamp] | None = None,
    months: int = 36,
) -> pd.DataFrame:
    """Open amount and oldest overdue item of every customer at many dates: what an age of customers needs.

    Parameters
    ----------
    snapshot, days, months
        As in `make_customer_panel`.

    Returns
    -------
    DataFrame
        customer_id, date, open_amount (currency units, credits not deducted), oldest_overdue_days (0 when
        none is overdue), by date and customer.
    """
    return customers_at(snapshot, panel_days(snapshot, days, months), age_figures)
