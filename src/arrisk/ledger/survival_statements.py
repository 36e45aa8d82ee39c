"""The statement that collapses a ledger to survival counts: what left when, and why, by age on a clock.

It counts items by their last spell, and amounts by settlement. What is still open of an amount is a sum of
movements, and so are the settlements, but for those that were taken back later: a reversal undoes the latest
settlements of its kind (cash, discount, write-off), and what it undoes never left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from arrisk.ledger.statements import KINDS, OWED, cell_of

__all__ = ["ISSUE_DAY", "OPEN", "survival_counts", "survival_left_out"]

OPEN = 0
CREDIT_NOTE, WRITE_OFF, PAYMENT = KINDS["credit_note"], KINDS["write_off"], KINDS["payment"]
CAUSE = f"CASE WHEN kind IN ({CREDIT_NOTE}, {WRITE_OFF}) THEN kind ELSE {PAYMENT} END"
POOL = f"CASE WHEN kind = {CREDIT_NOTE} THEN {PAYMENT} ELSE kind END"
SETTLED = f"side = {OWED} AND kind <> {KINDS['invoice']}"
EARLY = "CASE WHEN event_day < issue_day THEN issue_day ELSE event_day END"
CLOCKS = {
    "issue": "o.issue_day",
    "due": "o.due_day",
    "due_or_issue": "COALESCE(o.due_day, o.issue_day)",
}
ISSUE_DAY = "(issue day)"
OWN_CELLS = {"customer_id": "o.customer", ISSUE_DAY: "o.issue_day"}


class _Scheme(NamedTuple):
    """What all parts of the statement have in common: the day, the clock, the attributes, the window."""

    as_of: int
    clock: str
    cells: tuple[str, ...]
    joins: str
    since: int | None
    issued: tuple[int, int] | None

    @property
    def keys(self) -> str:
        """The columns that make a cell of the result."""
        names = [f"cell_{k}" for k in range(len(self.cells))]
        return ", ".join([*names, "entry_day", "exit_day", "cause"])

    @property
    def entry(self) -> str:
        """The last day on which an item was not yet watched."""
        if self.since is None:
            return "-1" if self.clock == "issue" else f"o.issue_day - {CLOCKS[self.clock]} - 1"
        begin = f"CASE WHEN o.issue_day < {self.since} THEN {self.since} ELSE o.issue_day END"
        return f"{begin} - {CLOCKS[self.clock]} - 1"

    def chosen(self, day: str | None = None) -> str:
        """Condition for the items that have the clock, in the cohort, and left (on `day`) in the window."""
        tests = ["due_day IS NOT NULL"] if self.clock == "due" else []
        if self.issued is not None:
            tests.append(f"issue_day BETWEEN {self.issued[0]} AND {self.issued[1]}")
        if day is not None and self.since is not None:
            tests.append(f"{day} >= {self.since}")
        return "".join(f" AND {test}" for test in tests)

    def collapse(self, rows: str, items: str = "0", amount: str = "0") -> str:
        """Sum rows (item, customer, issue_day, due_day, left_day, cause, amount) to cells."""
        shown = [f"{cell} AS cell_{k}" for k, cell in enumerate(self.cells)]
        shown += [
            f"{self.entry} AS entry_day",
            f"o.left_day - {CLOCKS[self.clock]} AS exit_day",
            "o.cause, o.amount",
        ]
        inner = f"SELECT {', '.join(shown)} FROM ({rows}) AS o{self.joins}"
        return (
            f"SELECT {self.keys}, CAST({items} AS BIGINT) AS n, CAST({amount} AS BIGINT) AS minor "
            f"FROM ({inner}) AS one GROUP BY {self.keys}"
        )


def survival_counts(
    as_of: int,
    clock: Literal["issue", "due", "due_or_issue"] = "issue",
    by: Sequence[str] = (),
    since: int | None = None,
    issued: tuple[int, int] | None = None,
    amounts: bool = True,
) -> str:
    """One row a cell: cell_0, cell_1, ... (the attributes), entry_day, exit_day, cause, items, amount.

    Parameters
    ----------
    as_of : int
        The day on which the statement is run; what is open then is censored on it.
    clock : {"issue", "due", "due_or_issue"}
        Day 0. Without a due date an item is not on the second; on the third it is due when issued.
    by : sequence of str
        Attributes of customers or items. Of "customer_id" the result has the number; `ISSUE_DAY` is the
        day of issue.
    since : int, optional
        First day watched.
    issued : tuple of int, optional
        First and last day of issue.
    amounts : bool
        Without them only items are counted, which is faster, and the amounts are zero.

    Examples
    --------
    >>> "due_day IS NOT NULL" in survival_counts(20_000, "due")
    True
    """
    cells = [cell_of(None if name in OWN_CELLS else name, "o") for name in by]
    names = [OWN_CELLS.get(n) or c.select.removesuffix(" AS cell, ") for n, c in zip(by, cells, strict=True)]
    scheme = _Scheme(
        int(as_of),
        clock,
        tuple(names),
        "".join(dict.fromkeys(cell.join for cell in cells)),
        since,
        issued,
    )
    keys = scheme.keys
    if not amounts:
        return f"SELECT {keys}, n AS items, minor AS amount FROM ({_items(scheme)}) AS parts"
    parts = [_items(scheme), _settlements(scheme), _open_amounts(scheme), _taken_back(scheme)]
    return (
        f"WITH {_moved(scheme)} SELECT {keys}, CAST(SUM(n) AS BIGINT) AS items, "
        f"CAST(SUM(minor) AS BIGINT) AS amount FROM ({' UNION ALL '.join(parts)}) AS parts "
        f"GROUP BY {keys} HAVING SUM(n) <> 0 OR SUM(minor) <> 0"
    )


def _items(scheme: _Scheme) -> str:
    """Each item once, by its last spell."""
    left_day = f"COALESCE(end_event_day, {scheme.as_of})"
    rows = (
        f"SELECT item, customer, issue_day, due_day, {left_day} AS left_day, "
        f"COALESCE(cause, {OPEN}) AS cause, amount FROM spells "
        f"WHERE side = {OWED} AND amount > 0 AND next_day IS NULL{scheme.chosen(left_day)}"
    )
    return scheme.collapse(rows, items="COUNT(*)")


def _settlements(scheme: _Scheme) -> str:
    """Amounts settled, those taken back later included."""
    rows = (
        f"SELECT item, customer, issue_day, due_day, {EARLY} AS left_day, {CAUSE} AS cause, amount "
        f"FROM movements WHERE {SETTLED}{scheme.chosen(EARLY)}"
    )
    return scheme.collapse(rows, amount="SUM(-amount)")


def _open_amounts(scheme: _Scheme) -> str:
    """What is still open: the sum of all movements."""
    rows = (
        f"SELECT item, customer, issue_day, due_day, {scheme.as_of} AS left_day, {OPEN} AS cause, amount "
        f"FROM movements WHERE side = {OWED}{scheme.chosen()}"
    )
    return scheme.collapse(rows, amount="SUM(amount)")


def _moved(scheme: _Scheme) -> str:
    """Settlements of items with a reversal, and what was settled in all after each of them.

    Within a day settlements stand before reversals, so that the total is never below zero.
    """
    keys = "item, customer, issue_day, due_day, pool, day, undo, event_day, cause"
    order = "PARTITION BY item, pool ORDER BY day, undo, event_day, cause"
    moves = (
        f"SELECT item, customer, issue_day, due_day, {POOL} AS pool, day, "
        f"CASE WHEN amount > 0 THEN 1 ELSE 0 END AS undo, event_day, {CAUSE} AS cause, amount FROM movements "
        f"WHERE {SETTLED} AND item IN (SELECT item FROM movements WHERE {SETTLED} AND amount > 0)"
        f"{scheme.chosen()}"
    )
    summed = f"SELECT {keys}, SUM(-amount) AS settled FROM ({moves}) AS one GROUP BY {keys}"
    running = f"SUM(settled) OVER ({order} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    return f"moved AS (SELECT {keys}, settled, {running} AS total FROM ({summed}) AS summed)"


def _taken_back(scheme: _Scheme) -> str:
    """What to add to settlements and reversals so that only what was never taken back is left.

    Of a total, what was never taken back is the least that it came to later; the step of that from one
    settlement to the next is what the settlement leaves.
    """
    order = "PARTITION BY item, pool ORDER BY day, undo, event_day, cause"
    kept = (
        "SELECT item, customer, issue_day, due_day, event_day, cause, settled, "
        f"MIN(total) OVER ({order} ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS kept, "
        f"LAG(total, 1) OVER ({order}) AS before FROM moved"
    )
    before = "CASE WHEN before IS NULL THEN 0 WHEN before < kept THEN before ELSE kept END"
    rows = (
        f"SELECT item, customer, issue_day, due_day, {EARLY} AS left_day, cause, "
        f"kept - ({before}) - settled AS amount FROM ({kept}) AS kept "
        f"WHERE kept - ({before}) <> settled{scheme.chosen(EARLY)}"
    )
    return scheme.collapse(rows, amount="SUM(amount)")


def survival_left_out(clock: Literal["issue", "due"], issued: tuple[int, int] | None = None) -> str:
    """Items and amounts by whether a curve can hold them: a positive amount (owed), and on the clock."""
    on_clock = "1" if clock == "issue" else "CASE WHEN due_day IS NULL THEN 0 ELSE 1 END"
    shown = f"CASE WHEN amount > 0 THEN 1 ELSE 0 END AS owed, {on_clock} AS on_clock, amount"
    cohort = "" if issued is None else f" WHERE issue_day BETWEEN {issued[0]} AND {issued[1]}"
    return (
        "SELECT owed, on_clock, CAST(COUNT(*) AS BIGINT) AS items, CAST(SUM(amount) AS BIGINT) AS amount "
        f"FROM (SELECT {shown} FROM items{cohort}) AS all_items GROUP BY owed, on_clock"
    )
