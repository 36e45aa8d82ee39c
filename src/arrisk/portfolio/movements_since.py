"""What moved the open balance since a day: opening, invoices, cash, credits, write-offs, closing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Table, frame_html, money, stamp
from arrisk.errors import LedgerError, LookAheadError
from arrisk.ledger.book import Snapshot
from arrisk.ledger.days import as_date, day_number
from arrisk.ledger.statements import CREDIT, KINDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BalanceBridge", "make_bridge", "month_before"]

OPENING, CLOSING, CREDITS = "opening balance", "closing balance", "credit notes"
LINES = {
    "invoice": "invoiced",
    "payment": "cash received",
    "discount": "discounts taken",
    "credit_note": CREDITS,
}
LINES |= {"write_off": "written off"}


@dataclass(frozen=True, slots=True, eq=False)
class BalanceBridge:
    """From the open balance of one day to that of a later one.

    Attributes
    ----------
    table : DataFrame
        line (opening balance, invoiced, cash received, discounts taken, credit notes, written off, closing
        balance) and amount, signed, in currency units: the lines between the balances are what changed them,
        and they add up exactly.
    since, as_of : Timestamp
        Movements known after `since` up to `as_of`.
    currency : str
    """

    table: pd.DataFrame
    since: pd.Timestamp
    as_of: pd.Timestamp
    currency: str

    def amount(self, line: str) -> float:
        """The amount of a line."""
        return float(self.table.loc[self.table["line"] == line, "amount"].iloc[0])

    def finding(self) -> str:
        """Whether more was invoiced than left, in one sentence."""
        opening, closing = self.amount(OPENING), self.amount(CLOSING)
        change = closing - opening
        if change == 0:
            return f"The open balance is what it was on {self.since:%Y-%m-%d}"
        left = self.amount("invoiced") - change
        return (
            f"{money(self.amount('invoiced'), self.currency)} invoiced, {money(left)} left the book: the "
            f"balance {'rose' if change > 0 else 'fell'} by {money(abs(change))}"
        )

    def to_table(self, name: str = "movements") -> Table:
        """The bridge ready to be shown."""
        note = (
            f"Amounts in {self.currency}, movements known after {self.since:%Y-%m-%d} up to "
            f"{self.as_of:%Y-%m-%d}; cash not yet applied is cash received; credit items are credit notes. "
            "The lines add up to the closing balance exactly."
        )
        return Table(name, self.finding(), self.table, note, {"amount": "money"})

    def plot(self, ax: Axes | None = None) -> Axes:
        """The lines as steps from the opening to the closing balance, in thousands."""
        import matplotlib.pyplot as plt

        ax = plt.gca() if ax is None else ax
        amounts = self.table["amount"].to_numpy(dtype=float) / 1000
        ends = np.append(np.cumsum(amounts[:-1]), amounts[-1])
        starts = np.concatenate([[0.0], ends[:-2], [0.0]])
        colours = np.where(amounts > 0, "#D55E00", "#009E73")
        colours[[0, -1]] = "#0072B2"
        ax.bar(self.table["line"].str.replace(" ", "\n"), ends - starts, bottom=starts, color=colours)
        ax.axhline(0, color="0.3", linewidth=0.7)
        ax.set_title(self.finding())
        ax.set_ylabel(f"open, thousand {self.currency}")
        ax.yaxis.set_major_formatter("{x:,.0f}")
        return stamp(ax, self.as_of, f"since {self.since:%Y-%m-%d}")

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def month_before(day: pd.Timestamp) -> pd.Timestamp:
    """The same day a month before; the month end before a month end.

    Examples
    --------
    >>> month_before(pd.Timestamp("2025-02-28")), month_before(pd.Timestamp("2025-03-30"))
    (Timestamp('2025-01-31 00:00:00'), Timestamp('2025-02-28 00:00:00'))
    """
    before: pd.Timestamp = day - (pd.offsets.MonthEnd(1) if day.is_month_end else pd.DateOffset(months=1))
    return before.as_unit("s")


def make_bridge(snapshot: Snapshot, since: str | dt.date | pd.Timestamp | None = None) -> BalanceBridge:
    """Add up what changed the open balance after a day.

    Parameters
    ----------
    snapshot : Snapshot
    since : date, optional
        Movements known after it count; a month before by default.

    Returns
    -------
    BalanceBridge
        A day before the ledger begins has an opening balance of zero.

    Raises
    ------
    LookAheadError
        If the day is after the snapshot's date.

    Examples
    --------
    >>> import arrisk as ar
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["c", "c"],
    ...     "issue_date": ["2025-01-10", "2025-02-10"], "amount": [60.0, 40.0]})
    >>> events = pd.DataFrame({"invoice_id": ["1"], "date": ["2025-02-12"], "kind": ["payment"],
    ...     "amount": [25.0]})
    >>> ledger = ar.read_ledger({"invoices": invoices, "events": events}, currency="EUR")
    >>> make_bridge(ledger.as_of("2025-02-28")).table["amount"].tolist()
    [60.0, 40.0, -25.0, 0.0, 0.0, 0.0, 75.0]
    """
    start = month_before(snapshot.date) if since is None else as_date(since)
    if start > snapshot.date:
        raise LookAheadError(f"movements since {start:%Y-%m-%d} are not known on {snapshot.date:%Y-%m-%d}")
    day = day_number(start)
    found = snapshot.query(
        f"SELECT side, kind, CASE WHEN day > {day} THEN 1 ELSE 0 END AS later, "
        "CAST(SUM(amount) AS BIGINT) AS amount FROM movements "
        f"GROUP BY side, kind, CASE WHEN day > {day} THEN 1 ELSE 0 END"
    )
    lines = dict.fromkeys([OPENING, *LINES.values()], 0)
    names = {number: LINES[kind] for kind, number in KINDS.items()}
    for side, kind, later, amount in found.to_numpy(dtype=np.int64).tolist():
        is_credit = side == CREDIT and kind == KINDS["invoice"]
        line = OPENING if not later else CREDITS if is_credit else names[kind]
        lines[line] += amount
    lines[CLOSING] = sum(lines.values())
    if lines[CLOSING] != snapshot.open_minor:
        raise LedgerError("the movements do not add up to the open balance")
    table = pd.DataFrame({"line": list(lines), "amount": np.array(list(lines.values())) / snapshot.scale})
    return BalanceBridge(table, start, snapshot.date, snapshot.currency)
