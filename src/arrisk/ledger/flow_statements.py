"""Statements that collapse a ledger to flows: what items did from month to month, in cells of items alike.

What an item owes at a month end is a sum of its movements, and its state there depends only on its due day
(and on a dispute). So movements summed by (due day, month in which the item became known, month, kind) are an
exact statistic of every flow of money, and closings counted by the same keys of every flow of items. That
holds for items that stand open once and are never disputed. The others are few; `odd_flow_cells` tells them
apart.

Both read, besides `movements` and `spells`, a relation `calendar` of (day, month) for the days of the window.
What was before it is told as of one month: the one before the window.
"""

from __future__ import annotations

from arrisk.ledger.statements import KINDS, OWED, cell_of

__all__ = ["flow_cells", "odd_flow_cells"]

INVOICE = KINDS["invoice"]
SUMS = "CAST(SUM(amount) AS BIGINT) AS amount, CAST(SUM(counted) AS BIGINT) AS counted"
KEYS = "clock_day, dated, since_month, month, kind"
ODD_KEYS = f"item, number, opened, closed, {KEYS}"
BEGUN = f"m.amount, CASE WHEN m.kind = {INVOICE} THEN 1 ELSE 0 END AS counted"
ENDED = "s.cause AS kind, 0 AS amount, 1 AS counted"
DISPUTES = (
    "CASE WHEN {0}.dispute_opened IS NOT NULL THEN COALESCE({1}.month, {3}) END AS opened, "
    "CASE WHEN {0}.dispute_closed IS NOT NULL THEN COALESCE({2}.month, {3}) END AS closed"
)


def flow_cells(first: int, by: str | None = None) -> str:
    """Items owed in cells: what moved, how many items began, and how many ordinary ones ended.

    Parameters
    ----------
    first : int
        Month index of the first month of the window.
    by : str, optional
        An attribute of items or customers.

    Returns
    -------
    str
        A statement with the columns [cell,] clock_day (due day, or issue day when there is none), dated (1 if
        it is a due day), since_month, month, kind, amount (minor units), counted: items that became
        known (kind 0) or were closed by this cause (other kinds). Amounts and beginnings are those of all
        items, ends those of items that stood open once and were not disputed.
    """
    moves, spells = cell_of(by, "m"), cell_of(by, "s")
    return _grouped(
        f"{moves.key}{KEYS}",
        f"SELECT {moves.select}{_clock('m')}, {_month('k', first)} AS since_month, {_moved(first)}, {BEGUN} "
        f"FROM movements AS m LEFT JOIN calendar AS k ON m.since = k.day{moves.join} WHERE m.side = {OWED}",
        f"SELECT {spells.select}{_clock('s')}, {_month('k', first)} AS since_month, "
        f"{_month('e', first)} AS month, {ENDED} FROM spells AS s LEFT JOIN calendar AS k ON s.since = k.day "
        f"LEFT JOIN calendar AS e ON s.end_day = e.day{spells.join} WHERE s.side = {OWED} AND s.amount <> 0 "
        "AND s.end_day IS NOT NULL AND s.number = 0 AND s.next_day IS NULL AND s.dispute_opened IS NULL",
    )


def odd_flow_cells(first: int, by: str | None = None) -> str:
    """The part of `flow_cells` that are items disputed, or that stood open more than once, told exactly.

    Parameters
    ----------
    first, by
        As in `flow_cells`.

    Returns
    -------
    str
        As in `flow_cells`, and item (missing unless it stood open more than once), number (of the spell that
        ended, of such an item), opened and closed (months of the dispute).
    """
    moves, spells = cell_of(by, "m"), cell_of(by, "s")
    before = first - 1
    days = (
        "SELECT item, MAX(number) AS latest, MAX(dispute_opened) AS dispute_opened, MAX(dispute_closed) AS "
        f"dispute_closed FROM spells WHERE side = {OWED} AND amount <> 0 AND (number > 0 OR next_day IS NOT "
        "NULL OR dispute_opened IS NOT NULL) GROUP BY item"
    )
    odd = (
        f"SELECT t.item, CASE WHEN t.latest > 0 THEN t.item END AS several, "
        f"{DISPUTES.format('t', 'd', 'u', before)} FROM ({days}) AS t "
        "LEFT JOIN calendar AS d ON t.dispute_opened = d.day "
        "LEFT JOIN calendar AS u ON t.dispute_closed = u.day"
    )
    return f"WITH odd AS ({odd}) " + _grouped(
        f"{moves.key}{ODD_KEYS}",
        f"SELECT {moves.select}o.several AS item, 0 AS number, o.opened, o.closed, {_clock('m')}, "
        f"{_month('k', first)} AS since_month, {_moved(first)}, {BEGUN} FROM odd AS o "
        f"JOIN movements AS m ON o.item = m.item LEFT JOIN calendar AS k ON m.since = k.day{moves.join}",
        f"SELECT {spells.select}o.several AS item, CASE WHEN o.several IS NULL THEN 0 ELSE s.number END AS "
        f"number, o.opened, o.closed, {_clock('s')}, {_month('k', first)} AS since_month, "
        f"{_month('e', first)} AS month, {ENDED} FROM odd AS o JOIN spells AS s ON o.item = s.item "
        "LEFT JOIN calendar AS k ON s.since = k.day LEFT JOIN calendar AS e ON s.end_day = e.day"
        f"{spells.join} WHERE s.end_day IS NOT NULL",
    )


def _grouped(keys: str, *parts: str) -> str:
    rows = " UNION ALL ".join(parts)
    return f"SELECT {keys}, {SUMS} FROM ({rows}) AS flows GROUP BY {keys}"


def _clock(relation: str) -> str:
    return (
        f"COALESCE({relation}.due_day, {relation}.issue_day) AS clock_day, "
        f"CASE WHEN {relation}.due_day IS NULL THEN 0 ELSE 1 END AS dated"
    )


def _month(calendar: str, first: int) -> str:
    return f"COALESCE({calendar}.month, {first - 1})"


def _moved(first: int) -> str:
    return f"CASE WHEN m.month < {first} THEN {first - 1} ELSE m.month END AS month, m.kind"
