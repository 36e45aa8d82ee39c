"""Every customer at many dates: what was known of it at the end of each, in one pass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html
from arrisk.errors import LedgerError, LookAheadError
from arrisk.ledger.book import Snapshot
from arrisk.ledger.days import as_date, dates, day_number, month_end, month_index

__all__ = ["PANEL_COLUMNS", "CustomerPanel", "make_customer_panel", "panel_days"]

WINDOWS = (90, 365)
OVERDUE_DAYS = (0, 30, 60, 90)
COUNTED = ("invoices", "settled", "oldest")

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
    """
    numbers = panel_days(snapshot, days, months)
    parts = [_customers_on(snapshot.as_of(pd.Timestamp(day))) for day in dates(numbers)]
    return CustomerPanel(pd.concat(parts, ignore_index=True), snapshot.date, snapshot.currency)


def _customers_on(snapshot: Snapshot) -> pd.DataFrame:
    """One date of the panel, from the items, orders and unapplied cash of its snapshot."""
    items = snapshot.items
    owed, credits = items[items["amount"] > 0], items[items["amount"] < 0]
    parts = [_open_position(owed), *(_windows(owed, snapshot, days) for days in WINDOWS)]
    cash = snapshot.unapplied.set_index("customer_id")["amount"]
    parts.append(
        pd.DataFrame({"credit_amount": _sums(credits, -credits["open_amount"]).add(cash, fill_value=0)})
    )
    index = pd.Index(sorted(snapshot.customers["customer_id"]), name="customer_id")
    out = pd.concat([part.reindex(index) for part in parts], axis=1)
    counts = [c for c in PANEL_COLUMNS if c.endswith("_items") or c.startswith(COUNTED)]
    amounts = [c for c in PANEL_COLUMNS if c not in counts and not c.startswith(("mean", "late"))]
    out[counts] = out[counts].fillna(0).astype(np.int32)
    out[amounts] = (out[amounts].fillna(0) * snapshot.scale).round() / snapshot.scale
    out = out.reset_index()
    out.insert(1, "date", dates(np.full(len(out), snapshot.day)))
    return out[["customer_id", "date", *PANEL_COLUMNS]]


def _sums(items: pd.DataFrame, amount: pd.Series) -> pd.Series:
    return amount.groupby(items["customer_id"]).sum()


def _open_position(owed: pd.DataFrame) -> pd.DataFrame:
    held = owed[owed["open_amount"] != 0]
    late = held["days_overdue"]
    more = {f"overdue_{k}" if k else "overdue_amount": held[late > k] for k in OVERDUE_DAYS}
    disputed = held[held["disputed"].astype(bool)]
    return pd.DataFrame(
        {
            "open_amount": _sums(held, held["open_amount"]),
            **{name: _sums(part, part["open_amount"]) for name, part in more.items()},
            "open_items": held.groupby("customer_id").size(),
            "overdue_items": held[late > 0].groupby("customer_id").size(),
            "oldest_overdue_days": late[late > 0].groupby(held["customer_id"]).max(),
            "disputed_amount": _sums(disputed, disputed["open_amount"]),
        }
    )


def _windows(owed: pd.DataFrame, snapshot: Snapshot, days: int) -> pd.DataFrame:
    start = snapshot.date - pd.Timedelta(days=days)
    issued = owed[owed["issue_date"] > start]
    invoiced = _sums(issued, issued["amount"])
    settled = owed[owed["close_kind"].isin(["paid", "written_off"]) & (owed["closed_date"] > start)]
    late = (settled["closed_date"] - settled["due_date"]).dt.days
    by = late.groupby(settled["customer_id"])
    orders = snapshot.orders
    placed = orders[(orders["order_date"] > start) & orders["cancelled_date"].isna()]
    out = {
        f"invoiced_{days}": invoiced,
        f"invoices_{days}": issued.groupby("customer_id").size(),
        f"ordered_{days}": invoiced if orders.empty else _sums(placed, placed["amount"]),
        f"settled_{days}": settled.groupby("customer_id").size(),
        f"mean_days_late_{days}": by.mean(),
        f"late_share_{days}": (late > 0)[late.notna()].groupby(settled["customer_id"]).mean(),
    }
    return pd.DataFrame({name: column for name, column in out.items() if name in PANEL_COLUMNS})
