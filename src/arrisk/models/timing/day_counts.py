"""Items as whole-day rows and the counts by day that every curve is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError

__all__ = ["DayRows", "Floats", "Ints", "day_rows", "flags"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Days = NDArray[np.integer[Any]]
LONGEST_DAYS = 36_525
CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class DayRows:
    """Checked whole-day rows: at risk on ``start <= day <= exit``; a row stands for `counts` items.

    `exit` keeps the integer type it came in where differences fit: ten million days of two bytes are not
    copied.
    """

    start: Ints | None
    exit: Days
    weights: Floats | None
    counts: Ints | None
    first: int
    length: int

    def days(self) -> Ints:
        """Every day from the first at risk to the last exit."""
        return np.arange(self.first, self.first + self.length)

    def number(self, rows: NDArray[np.bool_] | None = None) -> int:
        """Items that the picked rows (or all) stand for."""
        if self.counts is None:
            return int(self.exit.size if rows is None else rows.sum())
        return int(self.counts.sum() if rows is None else self.counts[rows].sum())

    def per_row(self, weighted: bool = True) -> Floats | Ints | None:
        """Weight (or count) of each row; None when each is one."""
        return self.weights if weighted and self.weights is not None else self.counts

    def leaving(self, kind: NDArray[Any], kinds: int, weighted: bool = True) -> Floats:
        """Weight (or count) of the rows of each kind by the day they left, shape (kinds, days)."""
        by_day = _tally(self.exit, self.first, self.length, self.per_row(weighted), kind, kinds)
        return by_day.reshape(self.length, kinds).T

    def at_risk(self, left: Floats | None = None, weighted: bool = True) -> Floats:
        """Weight (or count) at risk on each day; `left` is what left by day, where it is known already."""
        w = self.per_row(weighted)
        gone = _tally(self.exit, self.first, self.length, w) if left is None else left
        out = gone[::-1].cumsum()[::-1]
        if self.start is None:
            return out
        begun = _tally(self.start, self.first, self.length, w).cumsum()
        # What is watched later than a day has not begun by it.
        return np.asarray(out - (gone.sum() - begun), dtype=float)


def _tally(
    day: Days,
    first: int,
    length: int,
    weights: Floats | Ints | None,
    kind: NDArray[Any] | None = None,
    kinds: int = 1,
) -> Floats:
    """Weight (or number) of rows by day and kind, in chunks that stay in the cache."""
    out = np.zeros(length * kinds)
    width = day.dtype.type if out.size <= np.iinfo(day.dtype).max else np.int64
    for low in range(0, day.size, CHUNK):
        rows = slice(low, low + CHUNK)
        code = day[rows] - width(first) if first else day[rows].astype(width, copy=False)
        if kind is not None:
            code = code * width(kinds)
            np.add(code, kind[rows], out=code, casting="unsafe")
        out += np.bincount(code, None if weights is None else weights[rows], out.size)
    return out


def day_rows(
    duration: ArrayLike,
    entry: ArrayLike | None,
    weights: ArrayLike | None,
    counts: ArrayLike | None = None,
) -> DayRows:
    """Check whole days, entries, weights and counts, and lay them out for counting.

    Parameters
    ----------
    duration : array of int, shape (n,)
        Last day at risk, in days; may be 0 or negative.
    entry : array of int, shape (n,), optional
        Last day before the item was watched.
    weights : array of float, shape (n,), optional
        One per row, not negative: of all that the row stands for.
    counts : array of int, shape (n,), optional
        How many items each row stands for; one by default, and at least one in all.

    Raises
    ------
    ModelError
        When there are no items, or a value is missing, fractional, out of range or out of order.

    Examples
    --------
    >>> day_rows([0, 2], None, None).at_risk().tolist()
    [2.0, 1.0, 1.0]
    >>> day_rows([0, 2], None, None, counts=[5, 1]).at_risk().tolist()
    [6.0, 1.0, 1.0]
    """
    exit_, lowest, highest = _whole_days(duration, "duration")
    if not exit_.size:
        raise ModelError("no items: a curve needs at least one")
    start = None
    if entry is not None:
        start = _whole_days(entry, "entry")[0].astype(np.int64) + 1
        if start.shape != exit_.shape:
            raise ModelError(f"entry has {start.size} values for {exit_.size} durations")
        if bool((start > exit_).any()):
            bad = int(np.flatnonzero(start > exit_)[0])
            raise ModelError(
                f"{int((start > exit_).sum())} items have entry >= duration (first: {start[bad] - 1} and "
                f"{exit_[bad]}); an item watched from the day it closed has entry = duration - 1"
            )
    w = None if weights is None else np.asarray(weights, dtype=float)
    if w is not None and (w.shape != exit_.shape or not np.isfinite(w).all() or bool((w < 0).any())):
        raise ModelError("weights must be finite, not negative, and one per item")
    first = min(lowest, 0) if start is None else int(start.min())
    length = highest - first + 1
    return DayRows(start, _safe(exit_, length), w, _counts(counts, exit_.size), first, length)


def _counts(counts: ArrayLike | None, size: int) -> Ints | None:
    if counts is None:
        return None
    raw = np.asarray(counts)
    whole = raw.astype(np.int64) if raw.dtype.kind in "iu" else _whole_floats(raw)
    if whole is None or whole.shape != (size,) or bool((whole < 0).any()) or not whole.any():
        raise ModelError("counts must be whole, not negative, one per row, and not all zero")
    return whole


def flags(values: ArrayLike, rows: DayRows, name: str = "event") -> NDArray[np.bool_]:
    """Check one flag a row, none missing.

    Examples
    --------
    >>> flags([1, 0], day_rows([3, 5], None, None)).tolist()
    [True, False]
    """
    raw = np.asarray(values)
    if raw.shape != rows.exit.shape:
        raise ModelError(f"{name} has {raw.size} values for {rows.exit.size} durations")
    if raw.dtype.kind not in "bui" and bool(np.asarray(pd.isna(raw)).any()):
        raise ModelError(f"{name} must be true or false, none missing")
    return np.asarray(raw, dtype=bool)


def _whole_days(values: ArrayLike, name: str) -> tuple[Days, int, int]:
    """Whole days, with the lowest and the highest."""
    raw = np.asarray(values)
    whole = raw if raw.dtype.kind in "iu" else _whole_floats(raw)
    if raw.ndim != 1 or whole is None:
        raise ModelError(f"{name} must be one whole number of days per item, none missing")
    low, high = (int(whole.min()), int(whole.max())) if whole.size else (0, 0)
    if max(high, -low) > LONGEST_DAYS:
        raise ModelError(f"{name} reaches {max(high, -low)} days: more than a century is a wrong date")
    return whole, low, high


def _safe(days: Days, length: int) -> Days:
    """The days in their own type where the distance of any two fits into it, else in eight bytes."""
    narrow = days.dtype.kind == "i" and length <= np.iinfo(days.dtype).max
    return days if narrow else days.astype(np.int64)


def _whole_floats(raw: NDArray[Any]) -> Ints | None:
    """Whole numbers of another type as integers; None when one is missing or fractional."""
    try:
        numbers = raw.astype(float)
    except (TypeError, ValueError):
        return None
    if not np.isfinite(numbers).all() or bool((numbers != np.floor(numbers)).any()):
        return None
    return np.asarray(np.clip(numbers, -(2.0**62), 2.0**62), dtype=np.int64)
