"""Items as whole-day rows and the counts by day that every curve is made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError

__all__ = ["DayRows", "Floats", "Ints", "day_rows"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LONGEST_DAYS = 36_525


@dataclass(frozen=True, slots=True)
class DayRows:
    """Checked whole-day rows: at risk on ``start <= day <= exit``; a row stands for `counts` items."""

    start: Ints | None
    exit: Ints
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

    def sums(self, rows: NDArray[np.bool_], weighted: bool = True) -> Floats:
        """Weight (or count) of the picked rows by the day they left."""
        each = self.per_row(weighted)
        w = None if each is None else each[rows]
        return np.bincount(self.exit[rows] - self.first, weights=w, minlength=self.length).astype(float)

    def at_risk(self, weighted: bool = True) -> Floats:
        """Weight (or count) at risk on each day."""
        w = self.per_row(weighted)
        out = np.bincount(self.exit - self.first, weights=w, minlength=self.length)[::-1].cumsum()[::-1]
        if self.start is None:
            return out.astype(float)
        late = np.bincount(self.start - self.first, weights=w, minlength=self.length + 1).cumsum()
        total = self.exit.size if w is None else w.sum()
        return np.asarray(out - (total - late[: self.length]), dtype=float)


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
    exit_ = _whole_days(duration, "duration")
    if not exit_.size:
        raise ModelError("no items: a curve needs at least one")
    start = None
    if entry is not None:
        start = _whole_days(entry, "entry") + 1
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
    first = int(min(exit_.min(), 0) if start is None else start.min())
    return DayRows(start, exit_, w, _counts(counts, exit_.size), first, int(exit_.max()) - first + 1)


def _counts(counts: ArrayLike | None, size: int) -> Ints | None:
    if counts is None:
        return None
    raw = np.asarray(counts)
    whole = raw.astype(np.int64) if np.issubdtype(raw.dtype, np.number) else np.full(0, -1)
    if raw.shape != (size,) or bool((whole != raw).any()) or bool((whole < 0).any()) or not whole.any():
        raise ModelError("counts must be whole, not negative, one per row, and not all zero")
    return whole


def _whole_days(values: ArrayLike, name: str) -> Ints:
    raw = np.asarray(values)
    as_float = raw.astype(float)
    if raw.ndim != 1 or not np.isfinite(as_float).all() or bool((as_float != np.floor(as_float)).any()):
        raise ModelError(f"{name} must be one whole number of days per item, none missing")
    if raw.size and bool((np.abs(as_float) > LONGEST_DAYS).any()):
        longest = np.abs(as_float).max()
        raise ModelError(f"{name} reaches {longest:.0f} days: more than a century is a wrong date")
    return as_float.astype(np.int64)
