"""Recoveries by month since the write-off: exact sums, and what they say of the share not recovered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError
from arrisk.models.recovery.write_offs import WriteOffs

__all__ = [
    "MONTH",
    "TAIL_MONTHS",
    "MonthCells",
    "count_months",
    "expect_further",
    "received_share",
    "share_left",
    "unrecovered",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MONTH = 365 / 12
"""Days in a month since the write-off."""
TAIL_MONTHS = 12
"""Months after the end of a curve at which its tail is taken to come, for present values."""
CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class MonthCells:
    """Sums by customer and month since the write-off, currency units, shape (customers, months).

    Attributes
    ----------
    reached : array
        Written off so long ago that the month is over.
    standing : array
        Of that not recovered when the month began.
    recovered : array
        Of that recovered within the month.
    """

    reached: Floats
    standing: Floats
    recovered: Floats


def count_months(write_offs: WriteOffs, months: int) -> MonthCells:
    """Collapse write-offs to sums by customer and month since.

    Cash on the day of the write-off counts in the first month. A month counts for a write-off once it is
    over: what came in the running one is left out of these sums, so that no age is seen in part.

    Parameters
    ----------
    write_offs : WriteOffs
    months : int
        Longest age looked at.

    Raises
    ------
    ModelError
        If there is not at least one month.
    """
    if months < 1 or int(months) != months:
        raise ModelError(f"months is a whole number of at least 1, got {months}")
    w, size = write_offs, (write_offs.customers.size, months)
    whole = np.minimum(w.age // MONTH, months).astype(np.int64)
    since = (w.back_day - w.booked[w.lot]).astype(float)
    month = np.maximum(np.ceil(since / MONTH), 1.0).astype(np.int64) - 1
    seen = month < whole[w.lot]
    cell = w.owner[w.lot][seen] * months + month[seen]
    back = np.bincount(cell, w.back[seen], size[0] * size[1]).reshape(size)
    reached, settled = np.zeros(size), np.zeros(size)
    for k in range(months):
        old = whole > k
        reached[:, k] = np.bincount(w.owner[old], w.amount[old], size[0])
        before = seen & old[w.lot] & (month < k)
        settled[:, k] = np.bincount(w.owner[w.lot][before], w.back[before], size[0])
    return MonthCells(reached / w.scale, (reached - settled) / w.scale, back / w.scale)


def unrecovered(standing: ArrayLike, recovered: ArrayLike) -> Floats:
    """Share of a write-off not recovered at its beginning and after each month.

    Chain-ladder on what is not recovered: of what stood when a month began, the share that did not come back
    within it (ratio of sums), chained over months. It never rises, never leaves [0, 1], and where write-offs
    of different age make up the months it is the product-limit estimate of E. L. Kaplan and P. Meier (JASA
    53, 1958) with every euro a life.

    Parameters
    ----------
    standing, recovered : arrays of shape (..., months)
        As in `MonthCells`, summed over customers. Nothing standing: nothing recovered.

    Returns
    -------
    array of shape (..., months + 1)

    Examples
    --------
    >>> unrecovered([100, 90, 40], [10, 0, 10])
    array([1.   , 0.9  , 0.9  , 0.675])
    """
    u, r = np.asarray(standing, dtype=float), np.asarray(recovered, dtype=float)
    rate = np.divide(r, u, out=np.zeros(np.broadcast_shapes(r.shape, u.shape)), where=u > 0)
    kept = np.cumprod(1.0 - np.clip(rate, 0.0, 1.0), axis=-1)
    return np.concatenate([np.ones((*kept.shape[:-1], 1)), kept], axis=-1)


def share_left(survival: Floats, age: ArrayLike) -> Floats:
    """Share not recovered at ages in months, straight between whole months and flat after the last.

    Parameters
    ----------
    survival : array of shape (..., months + 1)
    age : array of shape (ages,)

    Returns
    -------
    array of shape (..., ages)

    Examples
    --------
    >>> share_left(np.array([1.0, 0.9, 0.5]), [0, 0.5, 1.5, 9])
    array([1.  , 0.95, 0.7 , 0.5 ])
    """
    last = survival.shape[-1] - 1
    place = np.clip(np.asarray(age, dtype=float), 0.0, last)
    low = np.minimum(place.astype(np.int64), max(last - 1, 0))
    high = np.minimum(low + 1, last)
    return np.asarray(survival[..., low] + (place - low) * (survival[..., high] - survival[..., low]))


def received_share(survival: Floats, rate: float) -> Floats:
    """Present value, at the beginning, of what comes back of one euro.

    Parameters
    ----------
    survival : array of shape (..., months + 1)
    rate : float
        Discount rate a year, compounded; cash of a month comes in its middle.

    Returns
    -------
    array of shape (...)

    Examples
    --------
    >>> float(received_share(np.array([1.0, 0.8, 0.5]), 0.1).round(4))
    0.4957
    """
    middle = np.arange(survival.shape[-1] - 1) + 0.5
    return np.asarray(-np.diff(survival, axis=-1) @ _factor(middle, rate), dtype=float)


def expect_further(
    outstanding: ArrayLike, age: ArrayLike, survival: Floats, tail: float, rate: float | None = None
) -> tuple[Floats, Floats]:
    """What is expected to come back yet of amounts of given ages, and its present value.

    Parameters
    ----------
    outstanding, age : arrays of shape (n,)
        Not recovered, and months since the write-off.
    survival : array of shape (..., months + 1)
    tail : float
        Share of what is left after the last month that comes back later, `TAIL_MONTHS` after it.
    rate : float, optional
        Discount rate a year, compounded; cash of a month is taken to come in the middle of what is left of
        it. Without a rate the present value is the amount.

    Returns
    -------
    tuple of two arrays of shape (..., n)

    Examples
    --------
    >>> amount, value = expect_further([100.0], [0.0], np.array([1.0, 0.6]), 0.0, 0.10)
    >>> amount.round(2), value.round(2)
    (array([40.]), array([39.84]))
    """
    money, at = np.asarray(outstanding, dtype=float), np.asarray(age, dtype=float)
    left = share_left(survival, at)
    amount, value = np.zeros(left.shape), np.zeros(left.shape)
    last = survival.shape[-1] - 1
    for month in range(1, last + 1):
        begin = np.clip(at, month - 1, month)
        part = share_left(survival, begin) - survival[..., month, None]
        amount += part
        value += part * _factor((begin + month) / 2 - at, rate)
    end = survival[..., -1, None] * tail
    value += end * _factor(np.maximum(last - at, 0.0) + TAIL_MONTHS, rate)
    per_euro = np.divide(money, left, out=np.zeros(left.shape), where=left > 0)
    return per_euro * (amount + end), per_euro * value


def _factor(months: Floats, rate: float | None) -> Floats:
    waits = np.maximum(months, 0.0)
    return np.ones_like(waits) if rate is None else np.asarray((1.0 + rate) ** (-waits / 12.0), dtype=float)
