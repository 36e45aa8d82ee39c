"""Cells of items alike, month by month: the few thousand rows that flows and provisions are made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import LedgerError
from arrisk.ledger.book import Snapshot
from arrisk.ledger.days import day_number, month_end, month_index
from arrisk.ledger.flow_statements import flow_closings, flow_movements, odd_closings, odd_movements
from arrisk.ledger.statements import KINDS
from arrisk.portfolio.ageing import check_attribute

__all__ = ["NEVER", "FlowCells", "read_exact_flow_cells", "read_flow_cells"]

Ints = NDArray[np.int64]
NEVER = np.iinfo(np.int64).max
NO_ITEM = -1
NOT_GIVEN = "not given"
TOLD_APART = ("item", "number", "opened", "closed")


@dataclass(frozen=True, slots=True)
class FlowCells:
    """Movements and closings of items owed, summed over items alike; see `arrisk.ledger.flow_statements`.

    Attributes
    ----------
    labels : array of str
        Values of the attribute, sorted; one empty text without one.
    days : array of int
        Day numbers at which the book is seen: the end of the month before the window, the month ends in it,
        and the as-of date instead of the last one.
    first : int
        Month index of the first month of the window; `days[k]` belongs to month `first - 1 + k`.
    cell, clock_day, dated, since, opened, closed, item, number, month, kind, amount, items : arrays
        One entry a row: place in `labels`, due day (issue day where `dated` is False), month in which the
        items became known, months of a dispute (`NEVER` if none), the item where it is told apart (else -1)
        and its spell, month, kind, minor units, and items that began (kind 0) or ended.
    """

    labels: NDArray[Any]
    days: Ints
    first: int
    cell: Ints
    clock_day: Ints
    dated: NDArray[np.bool_]
    since: Ints
    opened: Ints
    closed: Ints
    item: Ints
    number: Ints
    month: Ints
    kind: Ints
    amount: Ints
    items: Ints

    @property
    def month_ends(self) -> Ints:
        """Days at which months of the window end."""
        return self.days[1:]

    @property
    def last(self) -> int:
        """Month index of the last month."""
        return self.first + len(self.days) - 2

    def without_disputes(self) -> FlowCells:
        """The same cells with disputed items among the others."""
        never = np.full_like(self.opened, NEVER)
        return replace(self, opened=never, closed=never)


def read_flow_cells(
    snapshot: Snapshot,
    months: int | None = None,
    by: str | None = None,
    customers: tuple[int, int] | None = None,
) -> FlowCells:
    """Read what moved and what began: the cells of a snapshot in which amounts are exact for all items.

    Parameters
    ----------
    snapshot : Snapshot
    months : int, optional
        Length of the window up to the as-of date; all by default, and never more.
    by : str, optional
        An attribute of customers or items.
    customers : tuple of int, optional
        With an attribute of customers, a range of their numbers (the last one not included); it bounds what
        is in memory.

    Raises
    ------
    LedgerError
        If the attribute or the number of months is not usable.
    """
    first, days = _window(snapshot, months)
    rows = snapshot.query(flow_movements(first, check_attribute(snapshot, by), customers))
    return _cells(_begun(rows), first, days)


def read_exact_flow_cells(
    snapshot: Snapshot,
    months: int | None = None,
    by: str | None = None,
    customers: tuple[int, int] | None = None,
) -> FlowCells:
    """Read the cells of a snapshot in which amounts, items and states are exact.

    Items that were disputed or stood open more than once are taken out of the cells of the others and told by
    themselves. Parameters and errors are those of `read_flow_cells`.
    """
    first, days = _window(snapshot, months)
    known = check_attribute(snapshot, by)
    moved, closed = (
        snapshot.query(make(first, known, customers)) for make in (flow_movements, flow_closings)
    )
    days_by_month = _calendar(snapshot, first)
    odd, ended = (
        snapshot.query(make(first, known, customers), calendar=days_by_month)
        for make in (odd_movements, odd_closings)
    )
    moved, odd = _begun(moved), _begun(odd)
    out = odd.assign(amount=-odd["amount"], counted=-odd["counted"]).drop(columns=list(TOLD_APART))
    return _cells(pd.concat([moved, closed, out, odd, ended], ignore_index=True), first, days)


def _window(snapshot: Snapshot, months: int | None) -> tuple[int, Ints]:
    """First month of the window, and the days at which the book is seen."""
    if months is not None and months < 1:
        raise LedgerError(f"months={months}: at least 1")
    begin, now = month_index([day_number(snapshot.first_date), snapshot.day]).tolist()
    first = begin if months is None else max(now - months + 1, begin)
    return first, np.array([*month_end(np.arange(first - 1, now)), snapshot.day], dtype=np.int64)


def _calendar(snapshot: Snapshot, first: int) -> pd.DataFrame:
    """The month of each day of the window."""
    days = np.arange(int(month_end(first - 1)) + 1, snapshot.day + 1)
    return pd.DataFrame({"day": days, "month": month_index(days)}, dtype="int32")


def _begun(moved: pd.DataFrame) -> pd.DataFrame:
    """Of all movements count those with which items began."""
    return moved.assign(counted=moved["counted"].where(moved["kind"] == KINDS["invoice"], 0))


def _cells(rows: pd.DataFrame, first: int, days: Ints) -> FlowCells:
    def whole(name: str, nothing: int = 0) -> Ints:
        if name not in rows:
            return np.full(len(rows), nothing, dtype=np.int64)
        return rows[name].to_numpy(dtype=np.int64, na_value=nothing)

    cell, labels = np.zeros(len(rows), dtype=np.int64), np.array([""], dtype=object)
    if "cell" in rows:
        names = rows["cell"].astype(object).where(rows["cell"].notna(), NOT_GIVEN).astype(str)
        codes, found = pd.factorize(names, sort=True)
        cell, labels = codes.astype(np.int64), np.asarray(found, dtype=object)
    dated = rows["due_day"].notna().to_numpy()
    return FlowCells(
        labels=labels,
        days=days,
        first=first,
        cell=cell,
        clock_day=np.where(dated, whole("due_day"), whole("undated")),
        dated=dated,
        since=whole("since_month"),
        opened=whole("opened", NEVER),
        closed=whole("closed", NEVER),
        item=whole("item", NO_ITEM),
        number=whole("number"),
        month=whole("month"),
        kind=whole("kind"),
        amount=whole("amount"),
        items=whole("counted"),
    )
