"""Survival counts: how long items stood open, by age, cell and cause, with entry and censoring.

One collapse of the ledger in the engine; every curve of time to payment is made from these counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.errors import LedgerError
from arrisk.ledger.book import Snapshot
from arrisk.ledger.days import as_date, day_number
from arrisk.ledger.statements import KINDS
from arrisk.ledger.survival_statements import OPEN, survival_counts, survival_left_out

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CAUSES", "NOT_GIVEN", "SurvivalCounts", "make_survival_counts", "unpaid_share"]

Clock = Literal["issue", "due"]
Measure = Literal["items", "amount"]
CAUSES = {
    OPEN: "open",
    KINDS["payment"]: "paid",
    KINDS["credit_note"]: "credited",
    KINDS["write_off"]: "written off",
}
NOT_GIVEN = "not given"
FIGURES = ["entry", "exit", "cause", "items", "amount"]
CREDITS, UNDATED, EARLIER = (
    "credits (amount not positive)",
    "without a due date",
    "closed before the window",
)
SHOWN_DAYS: dict[str, tuple[int, ...]] = {"issue": (30, 60, 90), "due": (0, 30, 60)}
MOST_CELLS = 6
LEFT_UNPAID = 0.02
MOST_DAYS = 180


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalCounts:
    """How many items, and how much money, were watched from when to when, and how that ended.

    Attributes
    ----------
    table : DataFrame
        One column an attribute of `by`, then `entry` and `exit` (days on the clock), `cause` ("open", "paid",
        "credited", "written off"), `items` and `amount` (currency units, exact to the minor unit). What it
        counts is at risk on the days ``entry < day <= exit``: the entry is the last day not watched, so the
        day of issue counts. Sorted by all but the last two columns.

        `items` counts each item once, at the date and for the cause that `Snapshot.items` gives. `amount` is
        cut into slices: each settlement leaves on its own date for its own cause (discounts count as paid),
        and the rest is open at the as-of date. A row may have items or an amount alone. Without `amounts`
        there is no such column.
    excluded : DataFrame
        reason, items, amount: what has no curve. With the table it sums to all that was invoiced.
    as_of : Timestamp
    currency : str
    clock : {"issue", "due"}
    by : tuple of str
    since : Timestamp or None
        First day watched.
    """

    table: pd.DataFrame
    excluded: pd.DataFrame
    as_of: pd.Timestamp
    currency: str
    clock: Clock
    by: tuple[str, ...]
    since: pd.Timestamp | None = None

    @property
    def conventions(self) -> str:
        """The conventions in words."""
        start = "issue" if self.clock == "issue" else "the due date"
        watched = f", watched from {self.since:%Y-%m-%d}" if self.since is not None else ""
        left_out = [f"{row.items:,} {row.reason}" for row in self.excluded.itertuples()]
        return (
            f"Days since {start}, open items followed to {self.as_of:%Y-%m-%d}{watched}; amounts in "
            f"{self.currency}, each settlement on its own day. Unpaid: share not yet paid (Kaplan-Meier; "
            "credited and written-off items leave unpaid on their day). Items left out: "
            f"{', '.join(left_out) or 'none'}."
        )

    def cells(self) -> dict[str, pd.DataFrame]:
        """The rows of each cell, the cell with most items first; "all" when there is but one."""
        if not self.by:
            return {"all": self.table}
        parts = {", ".join(map(str, key)): part for key, part in self.table.groupby(list(self.by), sort=True)}
        return dict(sorted(parts.items(), key=lambda part: -part[1]["items"].sum()))

    def to_table(self, name: str = "survival_counts") -> Table:
        """One row a cell: items by how they ended, the amount, and the share of items unpaid by age."""
        days = SHOWN_DAYS[self.clock]
        rows = []
        for cell, part in self.cells().items():
            ended = part.groupby("cause")["items"].sum().reindex(list(CAUSES.values()), fill_value=0)
            unpaid = unpaid_share(part).reindex(days, method="ffill")
            reached = np.array(days) <= part["exit"].max()
            money = part[part.columns.intersection(["amount"])].sum()
            rows.append((cell, part["items"].sum(), *ended, *money, *unpaid.where(reached)))
        ends = [cause.replace(" ", "_") for cause in CAUSES.values()]
        shares = [f"unpaid_after_{d}" for d in days]
        amount = self.table.columns.intersection(["amount"])
        columns = [" and ".join(self.by) or "cell", "items", *ends, *amount, *shares]
        formats: dict[str, Format] = dict.fromkeys(["items", *ends], "integer")  # type: ignore[arg-type]
        formats |= {"amount": "money", **dict.fromkeys(shares, "percent")}  # type: ignore[dict-item]
        frame = pd.DataFrame(rows, columns=columns)
        return Table(name, "How items ended and how many are unpaid", frame, self.conventions, formats)

    def plot(self, ax: Axes | None = None, measure: Measure = "items") -> Axes:
        """Share still unpaid by age in the largest cells: a quick look, without intervals.

        Raises
        ------
        LedgerError
            If amounts are asked for and were not counted.
        """
        if measure not in self.table:
            raise LedgerError(f"these counts hold no {measure!r}; make them with amounts=True")
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.subplots()[1]
        shares = {
            cell: unpaid_share(part, measure)
            for cell, part in list(self.cells().items())[:MOST_CELLS]
            if part[measure].sum() > 0
        }
        for cell, share in shares.items():
            day = [share.index[0] - 1, *share.index] if len(share) else []
            ax.step(day, [1.0, *share] if len(share) else [], where="post", label=cell)
        if shares:
            ax.set_xlim(*_shown_days(shares))
        ax.set(xlabel=f"days since {'issue' if self.clock == 'issue' else 'the due date'}", ylim=(0, 1.02))
        ax.set_ylabel(f"unpaid, share of {'the amount' if measure == 'amount' else 'items'}")
        ax.yaxis.set_major_formatter(lambda y, _: f"{y:.0%}")
        ax.set_title(self._finding(shares))
        if len(shares) > 1:
            ax.legend(title=" and ".join(self.by))
        return stamp(ax, self.as_of)

    def _finding(self, shares: dict[str, pd.Series]) -> str:
        """Who is slowest, in one sentence."""
        day = SHOWN_DAYS[self.clock][1]
        since = "issue" if self.clock == "issue" else "the due date"
        at = {c: s[s.index <= day].iloc[-1] for c, s in shares.items() if len(s) and s.index[0] <= day}
        if not at:
            return f"Nothing was watched for {day} days after {since}"
        low, high = min(at, key=lambda c: at[c]), max(at, key=lambda c: at[c])
        told = f"{at[low]:.0%}" if low == high else f"{at[low]:.0%} ({low}) to {at[high]:.0%} ({high})"
        return f"{day} days after {since} {told} is unpaid"

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def _shown_days(shares: dict[str, pd.Series]) -> tuple[int, int]:
    """From the first day to the one by which hardly anything is unpaid, at most half a year."""
    first = min(int(share.index[0]) for share in shares.values())
    few = [share.index[share <= LEFT_UNPAID] for share in shares.values()]
    last = max(int(days[0]) if len(days) else MOST_DAYS for days in few)
    return max(first - 1, -MOST_DAYS), max(1, min(last, MOST_DAYS))


def unpaid_share(counts: pd.DataFrame, measure: Measure = "items") -> pd.Series:
    """Share still unpaid after each day, of rows of a `SurvivalCounts` table.

    Parameters
    ----------
    counts : DataFrame
        entry, exit, cause, items, amount.
    measure : {"items", "amount"}

    Returns
    -------
    Series
        By day, from the first day watched to the last on which something left.

    Notes
    -----
    Kaplan and Meier (1958): the product of ``1 - paid / at risk`` over the days; see
    `arrisk.models.timing.curves.kaplan_meier` for intervals.

    Examples
    --------
    >>> counts = pd.DataFrame({"entry": [-1, -1], "exit": [0, 2], "cause": ["paid", "open"],
    ...     "items": [1, 3], "amount": [10.0, 30.0]})
    >>> unpaid_share(counts).to_dict()
    {0: 0.75, 1: 0.75, 2: 0.75}
    """
    some = counts[counts[measure] != 0]
    if some.empty:
        return pd.Series(dtype=float)
    first = int(some["entry"].min()) + 1
    size = int(some["exit"].max()) - first + 1

    def by_day(rows: pd.DataFrame, place: str) -> NDArray[np.float64]:
        days = rows[place].to_numpy(dtype=np.int64) - first
        return np.bincount(days + (place == "entry"), rows[measure], size + 1)[:size].astype(float)

    begun, gone = np.cumsum(by_day(some, "entry")), np.cumsum(by_day(some, "exit"))
    at_risk = begun - np.concatenate([[0.0], gone[:-1]])
    paid = by_day(some[some["cause"] == "paid"], "exit")
    hazard = np.divide(paid, at_risk, out=np.zeros(size), where=at_risk > 1e-9)
    share = np.cumprod(1.0 - np.clip(hazard, 0.0, 1.0))
    return pd.Series(share, index=np.arange(first, first + size))


def make_survival_counts(
    snapshot: Snapshot,
    by: str | Sequence[str] | None = None,
    clock: Clock = "issue",
    since: str | dt.date | pd.Timestamp | None = None,
    issued: tuple[str | dt.date | pd.Timestamp, str | dt.date | pd.Timestamp] | None = None,
    amounts: bool = True,
) -> SurvivalCounts:
    """Count how long items stood open, by age, cell and cause, as known at the snapshot.

    Parameters
    ----------
    snapshot : Snapshot
        What is open at its date is censored there.
    by : str or sequence of str, optional
        Attributes of customers (segment, ..., customer_id) or of items (salesperson, department, currency).
    clock : {"issue", "due"}
        Day 0 is the day of issue, or the due date: days before it are negative, and an item is watched from
        its issue on, so it enters at minus its terms.
    since : date, optional
        First day watched (left truncation): items issued before enter at the age they had then, and what left
        before is not counted.
    issued : tuple of two dates, optional
        Only items issued from the first to the last of these days.
    amounts : bool
        Count amounts too; items alone take a quarter of the time.

    Returns
    -------
    SurvivalCounts

    Raises
    ------
    LedgerError
        If the clock or an attribute is unknown, or `since` is after the snapshot.

    Notes
    -----
    Credits and items without an amount are left out and counted; so are items without a due date on the due
    clock. An item dated after the snapshot is not yet known. What is settled before its issue leaves on the
    day of issue. A settlement that was reversed by the date never left: a reversal takes back the latest
    settlements of its kind (cash, discount, write-off), and an item that came back is open, or closed at its
    last closing. In a foreign currency this may leave a cell a minor unit below zero.

    Examples
    --------
    >>> import arrisk as ar
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["c", "c"],
    ...     "issue_date": ["2025-01-01", "2025-01-11"], "amount": [5.0, 7.0]})
    >>> events = pd.DataFrame({"invoice_id": ["1", "2"], "date": ["2025-01-11", "2025-01-21"],
    ...     "kind": ["payment", "payment"], "amount": [5.0, 3.0]})
    >>> ledger = ar.read_ledger({"invoices": invoices, "events": events}, currency="EUR")
    >>> print(make_survival_counts(ledger.as_of("2025-01-31")).table.to_string(index=False))
     entry  exit cause  items  amount
        -1    10  paid      1     8.0
        -1    20  open      1     4.0
    """
    names = (by,) if isinstance(by, str) else tuple(dict.fromkeys(by or ()))
    _check(snapshot, names, clock)
    start = None if since is None else as_date(since)
    if start is not None and start > snapshot.date:
        raise LedgerError(f"since={start:%Y-%m-%d} is after the snapshot ({snapshot.date:%Y-%m-%d})")
    begin = None if start is None else day_number(start)
    cohort = None if issued is None else (day_number(issued[0]), day_number(issued[1]))
    cells = snapshot.query(survival_counts(snapshot.day, clock, names, begin, cohort, amounts))
    every = snapshot.query(survival_left_out(clock, cohort))
    table, excluded = (
        _table(snapshot, cells, names),
        _left_out(every, cells, snapshot.scale, begin is not None),
    )
    return SurvivalCounts(
        table=table if amounts else table.drop(columns="amount"),
        excluded=excluded if amounts else excluded.drop(columns="amount"),
        as_of=snapshot.date,
        currency=snapshot.currency,
        clock=clock,
        by=names,
        since=start,
    )


def _check(snapshot: Snapshot, names: tuple[str, ...], clock: str) -> None:
    if clock not in ("issue", "due"):
        raise LedgerError(f"clock {clock!r}: allowed are 'due' and 'issue'")
    for name in names:
        snapshot.attribute(name)
        if name in FIGURES:
            raise LedgerError(f"the attribute {name!r} has the name of a column of the result")


def _table(snapshot: Snapshot, cells: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """Cells with the attributes under their names, causes in words and money in currency units."""
    columns = {}
    for k, name in enumerate(names):
        column = cells[f"cell_{k}"]
        if name == "customer_id":
            column = _customer_ids(snapshot, column)
        column = column.astype(object)
        columns[name] = column.where(column.notna(), NOT_GIVEN).to_numpy()
    words = np.array([CAUSES.get(code, "") for code in range(max(CAUSES) + 1)], dtype=object)
    columns["entry"] = cells["entry_day"].to_numpy(dtype=np.int64)
    columns["exit"] = cells["exit_day"].to_numpy(dtype=np.int64)
    columns["cause"] = words[cells["cause"].to_numpy(dtype=np.int64)]
    columns["items"] = cells["items"].to_numpy(dtype=np.int64)
    columns["amount"] = cells["amount"].to_numpy(dtype=np.int64) / snapshot.scale
    keys = [*names, "entry", "exit", "cause"]
    return pd.DataFrame(columns).sort_values(keys, ignore_index=True)


def _customer_ids(snapshot: Snapshot, numbers: pd.Series) -> pd.Series:
    """Customers by name: the engine counts them by number, which is faster."""
    known = snapshot.query("SELECT customer, customer_id FROM customers")
    names = pd.Series(known["customer_id"].to_numpy(dtype=object), index=known["customer"].to_numpy(np.int64))
    return names.reindex(numbers.to_numpy(np.int64)).reset_index(drop=True)


def _left_out(every: pd.DataFrame, cells: pd.DataFrame, scale: int, windowed: bool) -> pd.DataFrame:
    """What the counts leave out, by reason."""
    owed, timed = (every[c].to_numpy(dtype=np.int64) == 1 for c in ("owed", "on_clock"))
    figures = every[["items", "amount"]].to_numpy(dtype=np.int64)
    counted = cells[["items", "amount"]].to_numpy(dtype=np.int64).sum(axis=0)
    rows = {CREDITS: figures[~owed].sum(axis=0), UNDATED: figures[owed & ~timed].sum(axis=0)}
    kept = {reason: row for reason, row in rows.items() if row.any()}
    if windowed:
        kept[EARLIER] = figures[owed & timed].sum(axis=0) - counted
    return pd.DataFrame(
        {
            "reason": list(kept),
            "items": [int(row[0]) for row in kept.values()],
            "amount": [float(row[1] / scale) for row in kept.values()],
        }
    )
