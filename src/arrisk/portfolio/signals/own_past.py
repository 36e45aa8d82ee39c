"""A customer against its own past: running median and spread of a panel, from earlier days alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["GAP_DAYS", "LEAST_DAYS", "WINDOW_DAYS", "own_past", "unusual"]

Floats = NDArray[np.float64]
WINDOW_DAYS, GAP_DAYS, LEAST_DAYS = 365, 28, 180
TO_NORMAL = 1.4826


def own_past(values: Floats, days: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Median and spread of each customer's own past on each day.

    Parameters
    ----------
    values : array, shape (days, customers)
        Missing before a customer is known, or when there is no value.
    days : array, shape (days,)
        Day numbers, ascending.

    Returns
    -------
    (array, array), shape (days, customers)
        Median, and 1.4826 times the median absolute deviation, of the values on days from `WINDOW_DAYS` to
        `GAP_DAYS` before; missing unless the first value is at least `LEAST_DAYS` older than the last day
        of that window.

    Notes
    -----
    The gap keeps a beginning slowdown out of the past that it is compared with.

    Examples
    --------
    >>> days = np.arange(0, 400, 7)
    >>> middle, spread = own_past(np.arange(58.0)[:, None], days)
    >>> float(middle[40, 0]), bool(np.isnan(middle[20, 0]))
    (18.0, True)
    """
    middle, spread = np.full_like(values, np.nan), np.full_like(values, np.nan)
    seen = np.isfinite(values)
    first = np.where(seen.any(axis=0), days[seen.argmax(axis=0)], np.iinfo(np.int64).max - WINDOW_DAYS)
    begin = np.searchsorted(days, days - WINDOW_DAYS, side="left")
    end = np.searchsorted(days, days - GAP_DAYS, side="right")
    for t in range(len(days)):
        part = values[begin[t] : end[t]]
        old = (first <= days[t] - GAP_DAYS - LEAST_DAYS) & seen[begin[t] : end[t]].any(axis=0)
        if not old.any():
            continue
        past = part[:, old]
        median = np.nanmedian(past, axis=0)
        middle[t, old] = median
        spread[t, old] = TO_NORMAL * np.nanmedian(np.abs(past - median), axis=0)
    return middle, spread


def unusual(values: Floats, middle: Floats, spread: Floats, least: Floats | float) -> Floats:
    """Distance above the own past in its spread, which is taken to be at least `least`.

    Examples
    --------
    >>> unusual(np.array([[20.0]]), np.array([[5.0]]), np.array([[0.0]]), 5.0).tolist()
    [[3.0]]
    """
    return np.asarray((values - middle) / np.maximum(spread, least), dtype=float)
