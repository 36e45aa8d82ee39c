"""Running totals of customers through time: what had been seen of each by the end of any day.

A step is something that becomes known of a customer on a day; what was known on an evening is the sum, or
the extreme, of the steps up to it. Totals are of whole numbers, so they are exact and free of the order of
rows, and all questions are answered by one search in sorted keys.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Clock", "Evenings", "least_active", "running_largest", "running_sums"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Clock:
    """Customer and day as one sortable whole number.

    Attributes
    ----------
    first, last : int
        Days (day numbers) that must be told apart; earlier and later ones fall on the ends.
    """

    first: int
    last: int

    @property
    def span(self) -> int:
        """Keys of a customer."""
        return self.last - self.first + 3

    def key(self, code: Ints, day: Ints) -> Ints:
        """Key of customers (numbered from 0) and days, shape (n,)."""
        place = np.clip(day - self.first + 1, 0, self.span - 1)
        return np.asarray(code * self.span + place, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Evenings:
    """Questions: what was known of a customer at the end of a day.

    Attributes
    ----------
    code, day : array of int, shape (questions,)
    clock : Clock
    """

    code: Ints
    day: Ints
    clock: Clock

    @property
    def key(self) -> Ints:
        """Keys of the questions."""
        return self.clock.key(self.code, self.day)

    def seen(self, sorted_keys: Ints) -> tuple[Ints, Ints]:
        """Place of the customer's first step, and of the first step not yet seen, for each question."""
        start = np.searchsorted(sorted_keys, self.code * self.clock.span, side="left")
        return start.astype(np.int64), np.searchsorted(sorted_keys, self.key, side="right").astype(np.int64)


def running_sums(evenings: Evenings, code: Ints, day: Ints, *values: Floats) -> tuple[Floats, ...]:
    """Sums of the steps that were known, one array of shape (questions,) for each of the values.

    Parameters
    ----------
    evenings : Evenings
    code, day : array of int, shape (steps,)
        Whose step, and the day on which it became known.
    *values : arrays of whole numbers, shape (steps,)

    Examples
    --------
    >>> asked = Evenings(np.array([0, 1, 1]), np.array([9, 4, 5]), Clock(0, 9))
    >>> running_sums(asked, np.array([1, 1]), np.array([5, 2]), np.array([10.0, 1.0]))[0].tolist()
    [0.0, 1.0, 11.0]
    """
    keys = evenings.clock.key(code, day)
    order = np.argsort(keys, kind="stable")
    start, stop = evenings.seen(keys[order])
    out = []
    for value in values:
        total = np.concatenate([[0.0], np.cumsum(value[order])])
        out.append(total[stop] - total[start])
    return tuple(out)


def running_largest(evenings: Evenings, code: Ints, day: Ints, value: Ints) -> Floats:
    """Largest value of the steps that were known, shape (questions,); missing without one.

    Examples
    --------
    >>> asked = Evenings(np.array([0, 1, 1]), np.array([9, 4, 5]), Clock(0, 9))
    >>> running_largest(asked, np.array([1, 1]), np.array([5, 2]), np.array([3, 7])).tolist()
    [nan, 7.0, 7.0]
    """
    keys = evenings.clock.key(code, day)
    order = np.argsort(keys, kind="stable")
    start, stop = evenings.seen(keys[order])
    if not len(value):
        return np.full(len(start), np.nan)
    low, high = int(value.min()), int(value.max())
    step = code[order] * (high - low + 1)
    top = np.maximum.accumulate(step + (value[order] - low)) - step + low
    return np.where(stop > start, top[np.maximum(stop - 1, 0)], np.nan)


def least_active(evenings: Evenings, code: Ints, begin: Ints, end: Ints, value: Ints) -> Floats:
    """Least value of the stretches that hold at each evening, shape (questions,); missing without one.

    Parameters
    ----------
    evenings : Evenings
    code, begin, end : array of int, shape (stretches,)
        Whose stretch, its first day, and the first day after it.
    value : array of int, shape (stretches,)

    Notes
    -----
    Among the questions in order each stretch covers a run, which two blocks of a power of two cover too; the
    least value is written on blocks and handed down to their halves.

    Examples
    --------
    >>> asked = Evenings(np.array([0, 0, 0]), np.array([1, 5, 9]), Clock(0, 9))
    >>> least_active(asked, np.array([0, 0]), np.array([0, 4]), np.array([6, 9]), np.array([7, 3])).tolist()
    [7.0, 3.0, nan]
    """
    keys = evenings.key
    order = np.argsort(keys, kind="stable")
    left = np.searchsorted(keys[order], evenings.clock.key(code, begin), side="left")
    right = np.searchsorted(keys[order], evenings.clock.key(code, end), side="left")
    some = right > left
    left, right = left[some], right[some]
    out = np.full(len(keys), np.nan)
    out[order] = _least_over_runs(len(keys), left, right, value[some].astype(float))
    return np.where(np.isinf(out), np.nan, out)


def _least_over_runs(size: int, left: Ints, right: Ints, value: Floats) -> Floats:
    level = np.frexp((right - left).astype(float))[1] - 1  # the largest block that fits
    least = np.full(size, np.inf)
    for power in range(int(level.max(initial=0)), -1, -1):
        mine, width = level == power, 1 << power
        np.minimum.at(least, left[mine], value[mine])
        np.minimum.at(least, right[mine] - width, value[mine])
        if power:
            half, whole = width >> 1, least.copy()
            least[half:] = np.minimum(least[half:], whole[: size - half])
    return least
