"""When states turn on: onsets on a grid of days, with a silent time after each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["days_on", "onsets"]


def onsets(
    on: NDArray[np.bool_], days: NDArray[np.int64], known: NDArray[np.bool_], refractory_days: int
) -> NDArray[np.bool_]:
    """Where a state turns on and was not reported lately.

    Parameters
    ----------
    on : array of bool, shape (days, customers)
    days : array, shape (days,)
        Day numbers, ascending.
    known : array of bool, shape (days, customers)
        Whether the customer has a row that day. A state that is on already on the first day of the grid has
        no known beginning and is no onset; one on in the first row of a customer that comes later is.
    refractory_days : int
        No second onset of the same customer within so many days after one.

    Returns
    -------
    array of bool, shape (days, customers)

    Examples
    --------
    >>> on = np.array([[0, 1, 1, 0, 1, 0, 1]], dtype=bool).T
    >>> onsets(on, 7 * np.arange(7), np.ones_like(on), 21).ravel().astype(int).tolist()
    [0, 1, 0, 0, 0, 0, 1]
    """
    out = np.zeros_like(on)
    if not len(days):
        return out
    before = on[0] & known[0]
    last = np.full(on.shape[1], np.iinfo(np.int64).min // 2)
    for t in range(1, len(days)):
        now = on[t] & known[t]
        fresh = now & ~before & (days[t] - last > refractory_days)
        out[t], last[fresh], before = fresh, days[t], now
    return out


def days_on(on: NDArray[np.bool_], days: NDArray[np.int64]) -> NDArray[np.int64]:
    """Days since each state that is on at the last day turned on, 0 for those that are off.

    Examples
    --------
    >>> days_on(np.array([[1, 0], [0, 1], [1, 1]], dtype=bool), np.array([0, 7, 14])).tolist()
    [0, 7]
    """
    off = ~on
    last_off = np.where(off.any(axis=0), len(days) - 1 - off[::-1].argmax(axis=0), -1)
    begun = days[np.minimum(last_off + 1, len(days) - 1)]
    return np.where(on[-1], days[-1] - begun, 0)
