"""Items at risk and events by cell, age and day of the calendar: all that a hazard regression needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from arrisk.errors import ModelError
from arrisk.models.hazard.cells import checked_codes, renumbered
from arrisk.models.timing.day_counts import DayRows, Ints, day_rows

__all__ = ["DayClasses", "Events", "ItemDays", "ItemRows", "count_item_days", "count_rows", "item_days"]

CHUNK = 4_000_000
DENSE = 50_000_000
FILLED = 0.1


@dataclass(frozen=True, slots=True)
class DayClasses:
    """Class of each calendar day for each payment run, and the run of each row.

    Parameters
    ----------
    codes : array of int, shape (runs, days)
        Class of each day, from `first_day` on.
    first_day : int
        Day number of the first column.
    run : array of int, shape (n,)
        Row of `codes` that each item follows.
    """

    codes: Ints
    first_day: int
    run: Ints

    @property
    def classes(self) -> int:
        """Classes of days, numbered from zero."""
        return int(self.codes.max(initial=0)) + 1


@dataclass(frozen=True, slots=True)
class PlacedDays:
    """Classes of days in one row, and the place in it of the age 0 of each item."""

    codes: Ints
    origin: Ints
    classes: int

    def at(self, ages: Any) -> Ints:
        """Class of the day on which each item has the given age."""
        return np.asarray(self.codes[self.origin + ages], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class ItemRows:
    """The checked rows behind the counts; `base` is the number of the (stratum, cell) of each row."""

    days: DayRows
    cause: Ints
    base: Ints
    base_cell: Ints
    base_stratum: Ints
    calendar: PlacedDays | None

    def take(self, chosen: Any) -> ItemRows:
        """Some of the rows, in the order given."""
        start, counts, placed = self.days.start, self.days.counts, self.calendar
        days = replace(
            self.days,
            exit=self.days.exit[chosen],
            start=None if start is None else start[chosen],
            counts=None if counts is None else counts[chosen],
        )
        if placed is not None:
            placed = replace(placed, origin=placed.origin[chosen])
        return replace(self, days=days, cause=self.cause[chosen], base=self.base[chosen], calendar=placed)

    def between(self, low: int, high: int) -> tuple[ItemRows, Any]:
        """What is seen of the rows at the ages `low` to `high`, and which rows that are."""
        seen = np.flatnonzero((self.start <= high) & (self.days.exit >= low))
        rows = self.take(seen)
        cause = np.where(rows.days.exit <= high, rows.cause, 0)
        start, exit_ = np.maximum(rows.start, low), np.minimum(rows.days.exit, high)
        days = replace(rows.days, start=start, exit=exit_, first=low, length=high - low + 1)
        return replace(rows, days=days, cause=cause), seen

    @property
    def start(self) -> Ints:
        """First age at risk of each row."""
        if self.days.start is not None:
            return self.days.start
        return np.full(self.days.exit.size, self.days.first)


@dataclass(frozen=True, slots=True)
class Events:
    """Events of one cause: `count` items of profile `profile` left at the age in column `age`."""

    profile: Ints
    age: Ints
    count: Ints


@dataclass(frozen=True, slots=True)
class ItemDays:
    """Items at risk and events by profile and age.

    A profile is an occurring combination of stratum, cell and, with a calendar, class of the day; profiles
    are sorted by stratum, cell and class.

    Parameters
    ----------
    cell, stratum, day_class : array of int, shape (profiles,)
        `day_class` is 0 throughout without a calendar.
    at_risk : array or sparse matrix of float, shape (profiles, ages)
        Items at risk; the columns are the ages `first` to `first` + ages - 1. Sparse where few are not zero.
    events : dict of int to Events
        By cause.
    first : int
        Age of the first column, in days.
    cells, strata, classes : int
        How many there are, occurring or not.
    rows : ItemRows
        What was counted; clustered errors need it.
    """

    cell: Ints
    stratum: Ints
    day_class: Ints
    at_risk: Any
    events: dict[int, Events]
    first: int
    cells: int
    strata: int
    classes: int
    rows: ItemRows

    @property
    def ages(self) -> Ints:
        """Ages of the columns, in days."""
        return np.arange(self.first, self.first + self.at_risk.shape[1])

    @property
    def n(self) -> int:
        """Items counted."""
        return self.rows.days.number()

    def blocks(self) -> list[slice]:
        """Profiles of each stratum."""
        ends = np.searchsorted(self.stratum, np.arange(self.strata + 1))
        return [slice(int(a), int(b)) for a, b in pairwise(ends)]


def count_item_days(
    exit: ArrayLike,
    cause: ArrayLike,
    cell: ArrayLike,
    cells: int,
    entry: ArrayLike | None = None,
    counts: ArrayLike | None = None,
    stratum: ArrayLike | None = None,
    origin: ArrayLike | None = None,
    calendar: DayClasses | None = None,
) -> ItemDays:
    """Count items at risk and events, without expanding items into days unless the calendar asks for it.

    Parameters
    ----------
    exit : array of int, shape (n,)
        Age at which each item left or was last seen, in days; it is at risk on ``entry < age <= exit``.
    cause : array of int, shape (n,)
        0 when still open, otherwise the code of the cause.
    cell : array of int, shape (n,)
        Number of the combination of covariates, from 0 to `cells` - 1; see `arrisk.models.hazard.cells`.
    cells : int
    entry : array of int, shape (n,), optional
        Last age before the item was watched; by default all are watched from age 0, or from the first exit if
        that is earlier.
    counts : array of int, shape (n,), optional
        Items that each row stands for; one by default.
    stratum : array of int, shape (n,), optional
        Number of the group with age effects of its own, from 0.
    origin : array of int, shape (n,), optional
        Day number of age 0 of each item; needed with a calendar.
    calendar : DayClasses, optional
        Item i at age t then falls into class ``codes[run_i, origin_i + t - first_day]``.

    Returns
    -------
    ItemDays

    Raises
    ------
    ModelError
        When days are not whole or out of order, shapes or codes do not fit, or the calendar does not cover
        all days at risk.

    Examples
    --------
    Two items leave at age 1, a third is open at age 2.

    >>> days = count_item_days([1, 1, 2], [1, 1, 0], [0, 0, 0], 1)
    >>> days.at_risk.tolist(), days.events[1].count.tolist()
    ([[3.0, 3.0, 1.0]], [2])
    """
    rows, strata = _checked(exit, cause, cell, cells, entry, counts, stratum, origin, calendar)
    return count_rows(rows, cells, strata)


def count_rows(rows: ItemRows, cells: int, strata: int) -> ItemDays:
    """Count checked rows, or some of them; see `count_item_days`."""
    base, present = renumbered(rows.base, rows.base_cell.size)
    if present.size < rows.base_cell.size:
        cell, stratum = rows.base_cell[present], rows.base_stratum[present]
        rows = replace(rows, base=base, base_cell=cell, base_stratum=stratum)
    if rows.calendar is None:
        return _plain(rows, cells, strata)
    return _with_calendar(rows, rows.calendar, cells, strata)


def _checked(
    exit: ArrayLike,
    cause: ArrayLike,
    cell: ArrayLike,
    cells: int,
    entry: ArrayLike | None,
    counts: ArrayLike | None,
    stratum: ArrayLike | None,
    origin: ArrayLike | None,
    calendar: DayClasses | None,
) -> tuple[ItemRows, int]:
    days = day_rows(exit, entry, None, counts)
    n = days.exit.size
    of_cell, of_cause = checked_codes(cell, "cell", n, cells), checked_codes(cause, "cause", n)
    strata, joint = 1, of_cell
    if stratum is not None:
        of_stratum = checked_codes(stratum, "stratum", n)
        strata = int(of_stratum.max()) + 1
        joint = of_stratum * cells + of_cell
    base, present = renumbered(joint, strata * cells)
    placed = None if calendar is None else _placed(calendar, origin, days)
    return ItemRows(days, of_cause, base, present % cells, present // cells, placed), strata


def _placed(calendar: DayClasses, origin: ArrayLike | None, days: DayRows) -> PlacedDays:
    """The calendar in one row."""
    day = np.asarray(origin)
    if day.shape != days.exit.shape or not np.issubdtype(day.dtype, np.integer):
        raise ModelError("a calendar needs the origin of each item: the whole day number of its age 0")
    day = day.astype(np.int64, copy=False)
    _covers(calendar, day, days)
    codes = np.ascontiguousarray(calendar.codes).ravel()
    place = calendar.run * calendar.codes.shape[1] + day - calendar.first_day
    return PlacedDays(codes, place, calendar.classes)


def _covers(calendar: DayClasses, origin: Ints, days: DayRows) -> None:
    """Refuse a calendar that lacks a run or a day at risk."""
    checked_codes(calendar.run, "run", origin.size, calendar.codes.shape[0])
    low = int((origin + (days.first if days.start is None else days.start)).min())
    high = int((origin + days.exit).max())
    last = calendar.first_day + calendar.codes.shape[1] - 1
    if low < calendar.first_day or high > last:
        raise ModelError(
            f"the calendar covers the days {calendar.first_day} to {last}; items are at risk on {low} to "
            f"{high}"
        )


def _plain(rows: ItemRows, cells: int, strata: int) -> ItemDays:
    """Counts without a calendar: exits by profile and age, summed from the right."""
    days, size, length = rows.days, rows.base_cell.size, rows.days.length
    place = rows.base * length + (days.exit - days.first)
    left = np.bincount(place, weights=days.counts, minlength=size * length).reshape(size, length)
    at_risk = np.cumsum(left[:, ::-1], axis=1, dtype=float)[:, ::-1]
    if days.start is not None:
        came = rows.base * length + (days.start - days.first)
        entered = np.bincount(came, weights=days.counts, minlength=size * length).reshape(size, length)
        # At risk are those that leave on this age or later, less those that enter later still.
        total = entered.sum(axis=1, keepdims=True, dtype=float)
        at_risk = at_risk - (total - np.cumsum(entered, axis=1, dtype=float))
    events = _events(rows.cause, place, days.counts, (size, length))
    none = np.zeros(size, dtype=np.int64)
    profiles = (rows.base_cell, rows.base_stratum, none)
    return ItemDays(*profiles, np.ascontiguousarray(at_risk), events, days.first, cells, strata, 1, rows)


def _events(cause: Ints, place: Ints, counts: Ints | None, shape: tuple[int, int]) -> dict[int, Events]:
    """Events of each cause by place in the table of counts."""
    out = {}
    for code in np.flatnonzero(np.bincount(cause, minlength=1)):
        if code == 0:
            continue
        picked = np.flatnonzero(cause == code)
        each = None if counts is None else counts[picked]
        seen = np.bincount(place[picked], weights=each, minlength=shape[0] * shape[1])
        where = np.flatnonzero(seen)
        out[int(code)] = Events(where // shape[1], where % shape[1], seen[where].astype(np.int64))
    return out


def _with_calendar(rows: ItemRows, calendar: PlacedDays, cells: int, strata: int) -> ItemDays:
    """Counts by class of the day as well: items expanded into days, some millions at a time."""
    days = rows.days
    classes, length = calendar.classes, days.length
    shape = (rows.base_cell.size * classes, length)
    at_risk = _expanded(rows, calendar, shape)
    last: Ints = calendar.at(days.exit)
    place = (rows.base * classes + last) * length + (days.exit - days.first)
    events = _events(rows.cause, place, days.counts, shape)
    held = np.asarray(at_risk.sum(axis=1)).ravel() > 0
    number = np.cumsum(held) - 1
    events = {k: Events(number[e.profile], e.age, e.count) for k, e in events.items()}
    kept = np.flatnonzero(held)
    base = kept // classes
    profiles = (rows.base_cell[base], rows.base_stratum[base], kept % classes)
    return ItemDays(*profiles, _packed(at_risk[kept]), events, days.first, cells, strata, classes, rows)


def _expanded(rows: ItemRows, calendar: PlacedDays, shape: tuple[int, int]) -> Any:
    """Items at risk by (stratum, cell, class) and age, from item-days."""
    size = shape[0] * shape[1]
    dense = np.zeros(size) if size <= DENSE else None
    parts = []
    counts = rows.days.counts
    for some, each, of_day, age in item_days(rows, calendar):
        place = (np.repeat(rows.base[some], each) * calendar.classes + of_day) * shape[1] + age
        count = None if counts is None else np.repeat(counts[some], each)
        if dense is not None:
            dense += np.bincount(place, weights=count, minlength=size)
            continue
        which, inverse = np.unique(place, return_inverse=True)
        data = np.bincount(inverse, weights=count).astype(float)
        parts.append(sparse.csr_array((data, (which // shape[1], which % shape[1])), shape=shape))
    return dense.reshape(shape) if dense is not None else sum(parts[1:], parts[0])


def item_days(rows: ItemRows, calendar: PlacedDays) -> Iterator[tuple[slice, Ints, Ints, Ints]]:
    """Expand items into days, some millions at a time.

    Yields
    ------
    some : slice
        Rows of the chunk.
    each : array of int
        Days at risk of each of them.
    day_class, age : array of int, shape (each.sum(),)
        Class and age of every item-day; the age counts from the first.
    """
    days, start = rows.days, rows.start
    at_risk = days.exit - start + 1
    ends = np.cumsum(at_risk)
    day = calendar.origin + start
    low = 0
    while low < ends.size:
        before = int(ends[low - 1]) if low else 0
        high = max(low + 1, int(np.searchsorted(ends, before + CHUNK, side="right")))
        some = slice(low, high)
        each = at_risk[some]
        step = np.arange(int(each.sum())) - np.repeat(ends[some] - each - before, each)
        yield (
            some,
            each,
            calendar.codes[np.repeat(day[some], each) + step],
            np.repeat(start[some] - days.first, each) + step,
        )
        low = high


def _packed(at_risk: Any) -> Any:
    """A sparse matrix where few entries are not zero."""
    if sparse.issparse(at_risk):
        return at_risk
    return sparse.csr_array(at_risk) if np.count_nonzero(at_risk) < FILLED * at_risk.size else at_risk
