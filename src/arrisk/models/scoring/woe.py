"""Weight of evidence and information value of counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError

__all__ = ["information_value", "weight_of_evidence"]

Floats = NDArray[np.float64]


def weight_of_evidence(events: ArrayLike, nonevents: ArrayLike, smoothing: float = 0.0) -> Floats:
    """ln(share of the non-events / share of the events) of each bin: higher is better.

    Parameters
    ----------
    events, nonevents : array, shape (k,)
        Counts, or sums of weights, by bin; together all rows.
    smoothing : float
        Customers put into each bin besides those counted, at the average rate: as many as hold so many of
        the rarer of events and non-events. A bin with e events where the average customer would give m then
        stands at ``(e + smoothing) / (m + smoothing)`` times the average (when events are the rarer), the
        posterior mean under a Gamma prior of mean 1 and shape `smoothing`. An empty bin is at 0, the average.

    Returns
    -------
    array, shape (k,)

    Raises
    ------
    ModelError
        If there are no events or no non-events at all; or, without smoothing, a bin has only one of them.

    Examples
    --------
    >>> weight_of_evidence([135, 105, 14, 46], [139, 164, 49, 348]).round(4).tolist()
    [-0.8181, -0.4014, 0.4055, 1.1763]
    >>> weight_of_evidence([5, 5, 0], [5, 15, 0], smoothing=0.5).round(4).tolist()
    [-0.6061, 0.3747, 0.0]
    """
    bad, good = np.asarray(events, dtype=float), np.asarray(nonevents, dtype=float)
    if not bad.sum() > 0 or not good.sum() > 0:
        raise ModelError("evidence needs both events and non-events")
    added = smoothing / min(bad.sum(), good.sum())
    up, down = good / good.sum() + added, bad / bad.sum() + added
    empty = (up == 0) & (down == 0)
    if ((up == 0) != (down == 0)).any():
        raise ModelError("a bin without events (or without non-events) has no weight of evidence unsmoothed")
    out = np.zeros(bad.shape)
    out[~empty] = np.log(up[~empty] / down[~empty])
    return out


def information_value(events: ArrayLike, nonevents: ArrayLike, woe: ArrayLike) -> float:
    """Sum over bins of (share of non-events - share of events) times the weight of evidence.

    Examples
    --------
    >>> bad, good = [135, 105, 14, 46], [139, 164, 49, 348]
    >>> round(information_value(bad, good, weight_of_evidence(bad, good)), 7)
    0.6660115
    """
    bad, good = np.asarray(events, dtype=float), np.asarray(nonevents, dtype=float)
    return float(((good / good.sum() - bad / bad.sum()) * np.asarray(woe, dtype=float)).sum())
