"""The mean of the worst draws: expected shortfall, with its Monte Carlo error."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError

__all__ = ["expected_shortfall"]

Floats = NDArray[np.float64]


def expected_shortfall(losses: ArrayLike, share: float) -> tuple[Floats, Floats]:
    """Mean of the largest `share` of the losses, for each column, and its Monte Carlo error.

    The estimator of Acerbi and Tasche (2002): when ``share * draws`` is not whole, the draw at the edge
    counts in part, so that the measure stays coherent. The error is that of the influence function.

    Parameters
    ----------
    losses : array of shape (draws,) or (draws, options)
        A gain is a negative loss.
    share : float
        Above 0, at most 1; at 1 it is the mean.

    Returns
    -------
    (array, array), of shape () or (options,)

    Raises
    ------
    ModelError
        If the share is impossible or there are no draws.

    Examples
    --------
    >>> tail, _ = expected_shortfall([4.0, 2.0, 0.0, -6.0], 0.375)
    >>> float(tail.round(6))
    3.333333
    """
    values = np.asarray(losses, dtype=float)
    if not 0 < share <= 1:
        raise ModelError(f"share = {share!r}: above 0, at most 1")
    n = len(values)
    if n == 0:
        raise ModelError("no draws to take a tail of")
    count = share * n
    needed = min(n, math.ceil(count - 1e-9))
    ranked = np.sort(np.partition(values, n - needed, axis=0)[n - needed :], axis=0)[::-1]
    weights = np.clip(count - np.arange(needed), 0.0, 1.0)
    above = np.maximum(values - ranked[-1], 0.0)
    spread = above.std(axis=0, ddof=1) if n > 1 else np.full(values.shape[1:], np.nan)
    return np.asarray(weights @ ranked / weights.sum()), np.asarray(spread / (share * math.sqrt(n)))
