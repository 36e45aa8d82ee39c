"""From cells of items alike to transitions between states, on plain arrays.

Within a cell all items share their state at every month end. Each month the cell's opening balance, or what
is new, goes somewhere: it is paid, credited, written off, or stays and is then found in the state of the
month end. Balances between months in which anything happened are filled in, so the work is in proportion to
the months that cells stood open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arrisk.ledger.statements import KINDS
from arrisk.portfolio.ageing import NO_DATE, NOT_DUE, bucket_names
from arrisk.portfolio.flow_cells import FlowCells

__all__ = [
    "Transitions",
    "destination_names",
    "make_transitions",
    "open_names",
    "origin_names",
    "sum_transitions",
]

Ints = NDArray[np.int64]
DISPUTED, NEW, REOPENED = "disputed", "new", "reopened"
PAID, CREDITED, WRITTEN_OFF = "paid", "credited", "written off"
KIND_ENDS = {"payment": 0, "discount": 0, "credit_note": 1, "write_off": 2}
ENDS = np.array([KIND_ENDS.get(name, -1) for name in sorted(KINDS, key=KINDS.__getitem__)])


def open_names(edges: Sequence[int]) -> list[str]:
    """States in which an item is open: not due, the buckets, no due date, disputed."""
    return [NOT_DUE, *bucket_names(edges), NO_DATE, DISPUTED]


def origin_names(edges: Sequence[int]) -> list[str]:
    """States from which money comes in a month: the open ones, new, reopened."""
    return [*open_names(edges), NEW, REOPENED]


def destination_names(edges: Sequence[int]) -> list[str]:
    """States to which it goes: the open ones, paid, credited, written off."""
    return [*open_names(edges), PAID, CREDITED, WRITTEN_OFF]


@dataclass(frozen=True, slots=True)
class Transitions:
    """What went from where to where, one entry a row and no row twice.

    Attributes
    ----------
    cell, month, origin, destination : arrays of int
        Place in the cells' labels, month of the window (0 is the first), place in `origin_names` and
        `destination_names`.
    items, amount : arrays of int
        Items that ended in the destination, and minor units.
    """

    cell: Ints
    month: Ints
    origin: Ints
    destination: Ints
    items: Ints
    amount: Ints


@dataclass(frozen=True, slots=True)
class _Steps:
    """Months in which something happened in a group of items alike; one entry a group and month, in order.

    `row` is a row of the cells that stands for the group, `until` the month before the group's next step.
    """

    row: Ints
    month: Ints
    until: Ints
    before: Ints
    after: Ints
    standing: Ints
    settled: Ints
    ended: Ints


def make_transitions(cells: FlowCells, edges: Sequence[int]) -> Transitions:
    """Exact transitions of all months of the window.

    Parameters
    ----------
    cells : FlowCells
        From `read_exact_flow_cells`.
    edges : sequence of int
        Days overdue at which a bucket ends.

    Raises
    ------
    LedgerError
        If the edges are not usable.
    """
    steps = _steps(cells)
    places = {name: k for k, name in enumerate(origin_names(edges))}
    ends = len(open_names(edges))
    origin = _states(cells, steps.row, steps.month - 1, edges)
    origin = np.where(steps.before == 0, places[REOPENED], origin)
    origin = np.where(cells.since[steps.row] == steps.month, places[NEW], origin)
    settled = np.where((origin == places[REOPENED])[:, None], np.maximum(steps.settled, 0), steps.settled)
    columns = [_stays(cells, steps, origin, edges)]
    for k in range(settled.shape[1]):
        end = np.full(len(origin), ends + k)
        columns.append((steps.row, steps.month, origin, end, steps.ended[:, k], settled[:, k]))
    row, month, origin, end, items, amount = (np.concatenate(c) for c in zip(*columns, strict=True))
    seen = (month >= cells.first) & ((items != 0) | (amount != 0))
    where = (cells.cell[row[seen]], month[seen] - cells.first, origin[seen], end[seen])
    return sum_transitions(Transitions(*where, items[seen], amount[seen]))


def _steps(cells: FlowCells) -> _Steps:
    keys = ("item", "closed", "opened", "since", "dated", "clock_day", "cell")
    order = np.lexsort((cells.number, cells.month, *(getattr(cells, key) for key in keys)))
    group = np.zeros(len(order), dtype=bool)
    group[:1] = True
    for key in keys:
        values = getattr(cells, key)[order]
        group[1:] |= values[1:] != values[:-1]
    month = cells.month[order]
    step = group.copy()
    step[1:] |= month[1:] != month[:-1]
    starts = np.flatnonzero(step)
    number = np.cumsum(step) - 1
    amount, end = cells.amount[order], ENDS[cells.kind[order]]
    settled, ended = (np.zeros((len(starts), ENDS.max() + 1), dtype=np.int64) for _ in range(2))
    leaves = end >= 0
    np.add.at(settled, (number[leaves], end[leaves]), -amount[leaves])
    counted = leaves & (cells.items[order] != 0)
    np.add.at(ended, (number[counted], end[counted]), cells.items[order][counted])
    begun = np.where(leaves, 0, cells.items[order])
    moved, joined = (np.add.reduceat(v, starts) if len(starts) else v for v in (amount, begun))
    first = group[starts]
    after = _running(moved, first)
    single = cells.item[order][starts] >= 0
    standing = np.where(single, after != 0, _running(joined - ended.sum(axis=1), first))
    last = np.append(first[1:], True)[: len(first)]
    until = np.where(last, cells.last, np.append(month[starts][1:], 0)[: len(starts)] - 1)
    if single.any():
        is_new = cells.since[order][starts] == month[starts]
        happened = (after == 0) & (is_new | (settled != 0).any(axis=1))
        ended[single] = _last_ends(cells, order, number, len(starts))[single] * happened[single, None]
    return _Steps(order[starts], month[starts], until, after - moved, after, standing, settled, ended)


def _last_ends(cells: FlowCells, order: Ints, number: Ints, size: int) -> Ints:
    """Of items told by themselves, the cause of the last spell that ended in the month; rows are in order."""
    out = np.zeros((size, ENDS.max() + 1), dtype=np.int64)
    rows = np.flatnonzero((cells.items[order] != 0) & (ENDS[cells.kind[order]] >= 0))
    place = np.full(size, -1)
    place[number[rows]] = rows  # the last of a month is the one that stays
    found = place >= 0
    out[np.flatnonzero(found), ENDS[cells.kind[order][place[found]]]] = 1
    return out


def _running(values: Ints, first: NDArray[np.bool_]) -> Ints:
    """Running totals that begin anew at each first entry of a group."""
    total = np.cumsum(values)
    starts = np.flatnonzero(first)
    before = np.concatenate([[0], total])[starts]
    return np.asarray(total - np.repeat(before, np.diff(starts, append=len(values))), dtype=np.int64)


def _states(cells: FlowCells, row: Ints, month: Ints, edges: Sequence[int]) -> Ints:
    """Place in `open_names` of rows of the cells at the ends of months."""
    names = open_names(edges)
    day = cells.days[np.clip(month - cells.first + 1, 0, len(cells.days) - 1)]
    age = day - cells.clock_day[row]
    place = np.where(age <= 0, 0, 1 + np.searchsorted(np.asarray(edges), age, side="left"))
    place = np.where(cells.dated[row], place, names.index(NO_DATE))
    disputed = (cells.opened[row] <= month) & (cells.closed[row] > month)
    return np.where(disputed, names.index(DISPUTED), place).astype(np.int64)


def _stays(
    cells: FlowCells, steps: _Steps, origin: Ints, edges: Sequence[int]
) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints]:
    """What is open at each month end: row, month, where it came from, its state, items, amount."""
    stands = np.flatnonzero(steps.after != 0)
    start = np.maximum(steps.month, cells.first - 1)[stands]
    length = steps.until[stands] - start + 1
    at = np.repeat(stands, length)
    month = np.arange(len(at)) - np.repeat(np.cumsum(length) - length, length) + np.repeat(start, length)
    row = steps.row[at]
    came = np.where(month == steps.month[at], origin[at], _states(cells, row, month - 1, edges))
    return row, month, came, _states(cells, row, month, edges), steps.standing[at], steps.after[at]


def sum_transitions(found: Transitions) -> Transitions:
    """Add up rows that say the same from where to where, in order of cell, month and states."""
    where = (found.cell, found.month, found.origin, found.destination)
    order = np.lexsort(where[::-1])
    sizes = [int(values.max(initial=0)) + 1 for values in where]
    key = np.ravel_multi_index([values[order] for values in where], sizes)
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    if not len(starts):
        return found
    items, amount = (np.add.reduceat(v[order], starts) for v in (found.items, found.amount))
    kept = (items != 0) | (amount != 0)
    cell, month, origin, end = (values[order][starts][kept] for values in where)
    return Transitions(cell, month, origin, end, items[kept], amount[kept])
