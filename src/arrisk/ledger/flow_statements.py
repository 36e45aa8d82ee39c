"""Statements that collapse a ledger to flows: what items did from month to month, in cells of items alike.

What an item owes at a month end is a sum of its movements, and its state there depends only on its due day
(and on a dispute). So movements summed by (due day, month in which the item became known, month, kind) are an
exact statistic of every flow of money, and closings counted by the same keys of every flow of items. That
holds for items that stand open once and are never disputed; the others are few and told apart.

What was before the window is told as of one month: the one before it. The statements of odd items also read a
relation `calendar` of (day, month) for the days of the window. Each statement reads a relation once, so that
no engine keeps a copy of it.
"""

from __future__ import annotations

from arrisk.ledger.statements import OWED, cell_of

__all__ = ["flow_closings", "flow_movements", "odd_closings", "odd_movements"]

Among = tuple[int, int] | None
KEYS = "due_day, undated, since_month, month, kind"
APART_KEYS = f"item, number, opened, closed, {KEYS}"
SEVERAL = "number > 0 OR next_day IS NOT NULL"
SUMS = "CAST(SUM(amount) AS BIGINT) AS amount, COUNT(*) AS counted"
ENDS = "0 AS amount, COUNT(*) AS counted"


def flow_movements(first: int, by: str | None = None, customers: Among = None) -> str:
    """What moved, and so how many items began, in cells of items owed.

    Parameters
    ----------
    first : int
        Month index of the first month of the window.
    by : str, optional
        An attribute of items or customers.
    customers : tuple of int, optional
        See `cell_of`.

    Returns
    -------
    str
        A statement with the columns [cell,] due_day, undated (issue day of items without a due day),
        since_month, month, kind, amount (minor units), counted (movements: of kind 0, items that began).
    """
    cell = cell_of(by, "m", customers)
    rows = (
        f"SELECT {cell.select}{_clock('m')}, {_moved(first)} FROM movements AS m{cell.join} "
        f"WHERE m.side = {OWED}"
    )
    return _grouped(f"{cell.key}{KEYS}", rows, SUMS)


def odd_movements(first: int, by: str | None = None, customers: Among = None) -> str:
    """The part of `flow_movements` that are items disputed, or that stood open more than once, told apart.

    Parameters
    ----------
    first, by, customers
        As in `flow_movements`.

    Returns
    -------
    str
        As in `flow_movements`, and item (missing unless it stood open more than once), number (0), opened and
        closed (months of the dispute).
    """
    cell = cell_of(by, "m", customers)
    found = (
        "SELECT item, MAX(number) AS latest, MAX(dispute_opened) AS dispute_opened, MAX(dispute_closed) AS "
        f"dispute_closed FROM spells WHERE side = {OWED} AND amount <> 0 "
        "AND (number > 0 OR dispute_opened IS NOT NULL) GROUP BY item"
    )
    odd = (
        f"SELECT t.item, CASE WHEN t.latest > 0 THEN t.item END AS told, {_dispute('t', first)} "
        f"FROM ({found}) AS t{_dispute_days('t')}"
    )
    rows = (
        f"SELECT {cell.select}o.told AS item, 0 AS number, o.opened, o.closed, {_clock('m')}, "
        f"{_moved(first)} FROM ({odd}) AS o JOIN movements AS m ON o.item = m.item{cell.join}"
    )
    return _grouped(f"{cell.key}{APART_KEYS}", rows, SUMS)


def flow_closings(first: int, by: str | None = None, customers: Among = None) -> str:
    """How many items owed ended that stood open once and were not disputed, in cells of items alike.

    Parameters
    ----------
    first, by, customers
        As in `flow_movements`.

    Returns
    -------
    str
        The keys of `flow_movements` (kind is the cause), amount (0), counted.
    """
    cell = cell_of(by, "s", customers)
    rows = (
        f"SELECT {cell.select}{_clock('s')}, {_ended(first)} FROM spells AS s{cell.join} "
        f"WHERE s.side = {OWED} AND s.amount <> 0 AND s.end_day IS NOT NULL AND s.number = 0 "
        "AND s.next_day IS NULL AND s.dispute_opened IS NULL"
    )
    return _grouped(f"{cell.key}{KEYS}", rows, ENDS)


def odd_closings(first: int, by: str | None = None, customers: Among = None) -> str:
    """How many of the other items ended, told apart.

    Parameters
    ----------
    first, by, customers
        As in `flow_movements`.

    Returns
    -------
    str
        As in `flow_closings` with the further keys of `odd_movements`; number is that of the spell.
    """
    cell = cell_of(by, "s", customers)
    odd = (
        "SELECT item, customer, due_day, issue_day, since_month, end_month, cause, number, dispute_opened, "
        f"dispute_closed, CASE WHEN {SEVERAL} THEN item END AS told FROM spells "
        f"WHERE side = {OWED} AND amount <> 0 AND ({SEVERAL} OR dispute_opened IS NOT NULL)"
    )
    rows = (
        f"SELECT {cell.select}s.told AS item, CASE WHEN s.told IS NULL THEN 0 ELSE s.number END AS number, "
        f"{_dispute('s', first)}, {_clock('s')}, {_ended(first)} "
        f"FROM ({odd}) AS s{_dispute_days('s')}{cell.join} WHERE s.end_month IS NOT NULL"
    )
    return _grouped(f"{cell.key}{APART_KEYS}", rows, ENDS)


def _grouped(keys: str, rows: str, sums: str) -> str:
    return f"SELECT {keys}, {sums} FROM ({rows}) AS flows GROUP BY {keys}"


def _clock(relation: str) -> str:
    return (
        f"{relation}.due_day, CASE WHEN {relation}.due_day IS NULL THEN {relation}.issue_day END AS undated"
    )


def _month(calendar: str, first: int) -> str:
    return f"COALESCE({calendar}.month, {first - 1})"


def _window(month: str, first: int) -> str:
    return f"CASE WHEN {month} < {first} THEN {first - 1} ELSE {month} END"


def _moved(first: int) -> str:
    return (
        f"{_window('m.since_month', first)} AS since_month, {_window('m.month', first)} AS month, m.kind, "
        "m.amount"
    )


def _ended(first: int) -> str:
    return (
        f"{_window('s.since_month', first)} AS since_month, {_window('s.end_month', first)} AS month, "
        "s.cause AS kind"
    )


def _dispute(relation: str, first: int) -> str:
    return (
        f"CASE WHEN {relation}.dispute_opened IS NOT NULL THEN {_month('d', first)} END AS opened, "
        f"CASE WHEN {relation}.dispute_closed IS NOT NULL THEN {_month('u', first)} END AS closed"
    )


def _dispute_days(relation: str) -> str:
    return (
        f" LEFT JOIN calendar AS d ON {relation}.dispute_opened = d.day"
        f" LEFT JOIN calendar AS u ON {relation}.dispute_closed = u.day"
    )
