"""Statements that collapse a ledger to cells of customer and period, for any dates; see `statements`.

All join a relation `calendar` (`customer_calendar`) that says of a day in which period it falls. Periods are
the numbers of increasing dates: what happens on a day is seen from the first date on or after it, and what
is never seen falls into one period more than there are dates. Periods increase with days, so the later of
two days falls into the greater of their periods.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.spells import CAUSES
from arrisk.ledger.statements import KINDS, OWED

__all__ = [
    "LATE_DAYS",
    "WINDOW_DAYS",
    "customer_calendar",
    "disputed_cells",
    "issued_cells",
    "known_customers",
    "late_cells",
    "ordered_cells",
    "overdue_cells",
    "settled_cells",
    "settlement_cells",
]

LATE_DAYS = (0, 30, 60, 90)
WINDOW_DAYS = (90, 365)
OUT = [f"out_{n}" for n in WINDOW_DAYS]
Span = tuple[int, int]


def customer_calendar(days: NDArray[np.int64]) -> pd.DataFrame:
    """Periods by day.

    Parameters
    ----------
    days : array of int, shape (dates,)
        Day numbers of the dates, increasing.

    Returns
    -------
    DataFrame
        day: from before the longest window of the first date to the day after the last date; a day outside
        counts as the nearest. period: of the day. late_k: of the first day on which what is due on the day is
        more than k days overdue, for `LATE_DAYS`. out_n: of the first day whose last n days leave the day
        out, for `WINDOW_DAYS`.

    Examples
    --------
    >>> calendar = customer_calendar(np.array([100, 200])).set_index("day")
    >>> calendar.loc[[100, 101, 201], ["period", "late_0", "late_90", "out_90"]].to_numpy().tolist()
    [[0, 1, 1, 1], [1, 1, 1, 1], [2, 2, 2, 2]]
    """
    last = int(days[-1])
    day = np.arange(int(days[0]) - max(*LATE_DAYS, *WINDOW_DAYS) - 1, last + 2, dtype=np.int64)

    def period(of: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.where(day > last, len(days), np.searchsorted(days, of)).astype(np.int64)

    late = {f"late_{k}": period(day + k + 1) for k in LATE_DAYS}
    out = {f"out_{n}": period(day + n) for n in WINDOW_DAYS}
    return pd.DataFrame({"day": day, "period": period(day), **late, **out})


def _falls(day: str, alias: str, span: Span) -> str:
    """Join the calendar under an alias; outside its span the nearest day counts, a missing one is never."""
    first, last = span
    inside = f"CASE WHEN {day} <= {first} THEN {first} WHEN {day} <= {last} THEN {day} ELSE {last} END"
    return f" JOIN calendar AS {alias} ON {alias}.day = {inside}"


def _collapse(rows: str, keys: Sequence[str], sums: Sequence[str]) -> str:
    grouped = ", ".join(["customer", *keys])
    return f"SELECT {grouped}, {', '.join(sums)} FROM ({rows}) AS cells GROUP BY {grouped}"


def _sum(value: str, name: str) -> str:
    return f"CAST(SUM({value}) AS BIGINT) AS {name}"


def known_customers() -> str:
    """One row a customer: number, identifier, first day on which anything was known of it; by number.

    Examples
    --------
    >>> known_customers()
    'SELECT customer, customer_id, first_day FROM customers ORDER BY customer'
    """
    return "SELECT customer, customer_id, first_day FROM customers ORDER BY customer"


def issued_cells(span: Span) -> str:
    """What was invoiced: side, period known, periods in which it leaves the windows; amount, items.

    Parameters
    ----------
    span : (int, int)
        First and last day of the calendar.

    Examples
    --------
    >>> issued_cells((10, 500)).endswith("GROUP BY customer, side, period, out_90, out_365")
    True
    """
    out = ", ".join(f"w.{name}" for name in OUT)
    rows = (
        f"SELECT i.customer, i.side, k.period, {out}, i.amount FROM items AS i"
        f"{_falls('i.since', 'k', span)}{_falls('i.issue_day', 'w', span)} WHERE i.amount <> 0"
    )
    return _collapse(rows, ["side", "period", *OUT], [_sum("amount", "amount"), "COUNT(*) AS items"])


def settlement_cells(span: Span) -> str:
    """What changed balances after the invoice, cash not applied included: owed (1 or 0), period; amount.

    Examples
    --------
    >>> settlement_cells((10, 500)).endswith("GROUP BY customer, owed, period")
    True
    """
    owed = f"CASE WHEN m.side = {OWED} THEN 1 ELSE 0 END AS owed"
    rows = (
        f"SELECT m.customer, {owed}, k.period, m.amount FROM movements AS m"
        f"{_falls('m.day', 'k', span)} WHERE m.kind <> {KINDS['invoice']}"
    )
    return _collapse(rows, ["owed", "period"], [_sum("amount", "amount")])


def settled_cells(span: Span) -> str:
    """Closed spells of items owed: period known, of the item's next spell, and leaving the windows.

    Sums: items (closed), settled (other than by credit notes) and of these with a due date: dated, late,
    days_late.

    Examples
    --------
    >>> settled_cells((10, 500)).endswith("GROUP BY customer, period, again, out_90, out_365")
    True
    """
    settled = f"s.cause <> {CAUSES['credited']}"
    dated = f"CASE WHEN {settled} THEN s.end_event_day - s.due_day END AS days"
    rows = (
        f"SELECT s.customer, k.period, n.period AS again, {', '.join(f'w.{out}' for out in OUT)}, "
        f"CASE WHEN {settled} THEN 1 ELSE 0 END AS is_settled, {dated} FROM spells AS s"
        f"{_falls('s.end_day', 'k', span)}{_falls('s.next_day', 'n', span)}"
        f"{_falls('s.end_event_day', 'w', span)} "
        f"WHERE s.side = {OWED} AND s.amount > 0 AND s.end_day IS NOT NULL"
    )
    sums = [
        "COUNT(*) AS items",
        _sum("is_settled", "settled"),
        "COUNT(days) AS dated",
        _sum("CASE WHEN days > 0 THEN 1 ELSE 0 END", "late"),
        _sum("COALESCE(days, 0)", "days_late"),
    ]
    return _collapse(rows, ["period", "again", *OUT], sums)


def late_cells(span: Span) -> str:
    """Spells of items owed that a date saw overdue: first period overdue, period closed; due_day, items.

    `due_day` is that of the oldest.

    Examples
    --------
    >>> late_cells((10, 500)).endswith("GROUP BY customer, late, period")
    True
    """
    late = "CASE WHEN d.late_0 < b.period THEN b.period ELSE d.late_0 END AS late"
    spells = (
        f"SELECT s.customer, {late}, k.period, s.due_day FROM spells AS s{_falls('s.start_day', 'b', span)}"
        f"{_falls('s.due_day', 'd', span)}{_falls('s.end_day', 'k', span)} "
        f"WHERE s.side = {OWED} AND s.due_day IS NOT NULL"
    )
    rows = f"SELECT customer, late, period, due_day FROM ({spells}) AS spans WHERE late < period"
    return _collapse(rows, ["late", "period"], ["MIN(due_day) AS due_day", "COUNT(*) AS items"])


def overdue_cells(span: Span) -> str:
    """Movements of items that a date saw overdue: period known, periods more than k days overdue; amount.

    The movements of an item that was closed by the first date after its due day sum to nothing overdue.

    Examples
    --------
    >>> overdue_cells((10, 500)).endswith("GROUP BY customer, period, late_0, late_30, late_60, late_90")
    True
    """
    late = [f"late_{k}" for k in LATE_DAYS]
    seen = (
        f"SELECT s.item, {', '.join(f'd.{name}' for name in late)} FROM spells AS s"
        f"{_falls('s.due_day', 'd', span)}{_falls('s.end_day', 'k', span)} "
        f"WHERE s.side = {OWED} AND s.due_day IS NOT NULL AND s.next_day IS NULL AND d.late_0 < k.period"
    )
    rows = (
        f"SELECT m.customer, k.period, {', '.join(f'o.{name}' for name in late)}, m.amount "
        f"FROM movements AS m JOIN ({seen}) AS o ON m.item = o.item{_falls('m.day', 'k', span)}"
    )
    return _collapse(rows, ["period", *late], [_sum("amount", "amount")])


def disputed_cells(span: Span) -> str:
    """Movements of items ever in dispute: period known, periods in which it opens and closes; amount.

    Examples
    --------
    >>> disputed_cells((10, 500)).endswith("GROUP BY customer, period, opened, closed")
    True
    """
    rows = (
        "SELECT m.customer, k.period, o.period AS opened, c.period AS closed, m.amount FROM movements AS m "
        f"JOIN items AS i ON m.item = i.item{_falls('m.day', 'k', span)}"
        f"{_falls('i.dispute_opened', 'o', span)}{_falls('i.dispute_closed', 'c', span)} "
        f"WHERE i.side = {OWED} AND i.dispute_opened IS NOT NULL"
    )
    return _collapse(rows, ["period", "opened", "closed"], [_sum("amount", "amount")])


def ordered_cells(span: Span) -> str:
    """Orders: period of the order, period cancelled, periods in which it leaves the windows; amount.

    Examples
    --------
    >>> ordered_cells((10, 500)).endswith("GROUP BY customer, period, cancelled, out_90, out_365")
    True
    """
    out = ", ".join(f"k.{name}" for name in OUT)
    rows = (
        f"SELECT o.customer, k.period, c.period AS cancelled, {out}, o.amount "
        f"FROM orders AS o{_falls('o.order_day', 'k', span)}{_falls('o.cancelled_day', 'c', span)}"
    )
    return _collapse(rows, ["period", "cancelled", *OUT], [_sum("amount", "amount")])
