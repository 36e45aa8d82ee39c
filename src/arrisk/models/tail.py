"""The mean of the worst draws: expected shortfall, with its Monte Carlo error; draws may have weights."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError

__all__ = ["expected_shortfall", "mean_error", "weighted_mean", "weighted_quantile"]

Floats = NDArray[np.float64]
ROUNDING = 1e-12


def expected_shortfall(
    losses: ArrayLike, share: float, weight: ArrayLike | None = None, strata: ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Mean of the largest `share` of the losses, for each column, and its Monte Carlo error.

    The estimator of Acerbi and Tasche (2002): when ``share * draws`` is not whole, the draw at the edge
    counts in part, so that the measure stays coherent. The error is that of the influence function.

    Parameters
    ----------
    losses : array of shape (draws,) or (draws, options)
        A gain is a negative loss.
    share : float
        Above 0, at most 1; at 1 it is the mean.
    weight : array of shape (draws,), optional
        Probability that each draw stands for; equal by default.
    strata : array of shape (draws,), optional
        See `mean_error`.

    Returns
    -------
    (array, array), of shape () or (options,)

    Raises
    ------
    ModelError
        If the share is impossible, there are no draws or the weights do not fit.

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
    if weight is not None or strata is not None:
        return _weighted_tail(values, share, check_weight(weight, n), strata)
    count = share * n
    needed = min(n, math.ceil(count - 1e-9))
    ranked = np.sort(np.partition(values, n - needed, axis=0)[n - needed :], axis=0)[::-1]
    weights = np.clip(count - np.arange(needed), 0.0, 1.0)
    above = np.maximum(values - ranked[-1], 0.0)
    spread = above.std(axis=0, ddof=1) if n > 1 else np.full(values.shape[1:], np.nan)
    return np.asarray(weights @ ranked / weights.sum()), np.asarray(spread / (share * math.sqrt(n)))


def weighted_mean(
    values: ArrayLike, weight: ArrayLike | None = None, strata: ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Mean of the draws, for each column, and its Monte Carlo error (see `mean_error`).

    Examples
    --------
    >>> float(weighted_mean([1.0, 5.0], [0.75, 0.25])[0])
    2.0
    """
    seen = np.asarray(values, dtype=float)
    likely = check_weight(weight, len(seen))
    mean = likely @ seen
    return np.asarray(mean), mean_error(seen - mean, likely, strata)


def weighted_quantile(values: ArrayLike, level: float, weight: ArrayLike | None = None) -> float:
    """Smallest value that is not exceeded with at least probability `level`.

    Examples
    --------
    >>> weighted_quantile([1.0, 2.0, 9.0], 0.9, [0.5, 0.4, 0.1])
    2.0
    """
    seen = np.asarray(values, dtype=float)
    order = np.argsort(seen)
    reached = np.cumsum(check_weight(weight, seen.size)[order])
    at = int(np.searchsorted(reached, level - ROUNDING))
    return float(seen[order[min(at, seen.size - 1)]])


def mean_error(deviations: ArrayLike, weight: ArrayLike, strata: ArrayLike | None = None) -> Floats:
    """Standard error of a weighted mean of draws.

    Parameters
    ----------
    deviations : array of shape (draws,) or (draws, options)
        Each draw's influence: its distance from the mean, for a mean.
    weight : array of shape (draws,)
        Probability that each draw stands for.
    strata : array of shape (draws,), optional
        What stratified draws were sorted by, one draw a stratum: neighbours in this order differ by chance
        alone, nearly, so the error comes from their differences (collapsed strata; on the safe side, as
        the strata differ a little too). None for independent draws.

    Returns
    -------
    array of shape () or (options,)

    Examples
    --------
    >>> float(mean_error([-1.0, 1.0, -1.0, 1.0], [0.25] * 4).round(4))
    0.5774
    >>> float(mean_error([-3.0, -1.0, 1.0, 3.0], [0.25] * 4, strata=[1, 2, 3, 4]).round(4))
    0.7071
    """
    share = np.asarray(weight, dtype=float)
    off = np.asarray(deviations, dtype=float)
    n = len(share)
    if n < 2:
        return np.full(off.shape[1:], np.nan)
    parts = off * share.reshape(-1, *[1] * (off.ndim - 1))
    if strata is None:
        return np.asarray(np.sqrt((parts**2).sum(axis=0) * n / (n - 1)))
    apart = np.diff(parts[np.argsort(np.asarray(strata), kind="stable")], axis=0)
    return np.asarray(np.sqrt((apart**2).sum(axis=0) / 2 * n / (n - 1)))


def check_weight(weight: ArrayLike | None, draws: int) -> Floats:
    """The weights, equal by default; an error when they are not probabilities that add up to 1."""
    if weight is None:
        return np.full(draws, 1 / draws)
    likely = np.asarray(weight, dtype=float)
    if likely.shape != (draws,):
        raise ModelError(f"{likely.shape} weights do not go with {draws} draws")
    if not (likely >= 0).all() or abs(float(likely.sum()) - 1) > 1e-6:
        raise ModelError(f"weights are probabilities that add up to 1, got a sum of {likely.sum():g}")
    return likely


def _weighted_tail(
    values: Floats, share: float, weight: Floats, strata: ArrayLike | None
) -> tuple[Floats, Floats]:
    columns = values.reshape(len(values), -1)
    order = np.argsort(-columns, axis=0, kind="stable")
    ranked = np.take_along_axis(columns, order, axis=0)
    before = np.cumsum(weight[order], axis=0) - weight[order]
    counted = np.clip(share - before, 0.0, weight[order])
    tail = (counted * ranked).sum(axis=0) / counted.sum(axis=0)
    inside = np.maximum((before < share - ROUNDING).sum(axis=0), 1)
    edge = ranked[inside - 1, np.arange(columns.shape[1])]
    above = np.maximum(columns - edge, 0.0)
    error = mean_error(above - weight @ above, weight, strata) / share
    shape = values.shape[1:]
    return tail.reshape(shape), np.asarray(error).reshape(shape)
