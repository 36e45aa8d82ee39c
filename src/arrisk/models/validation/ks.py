"""Kolmogorov-Smirnov statistic of a score: the widest gap between events and non-events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.validation.discrimination import checked
from arrisk.models.validation.resampling import Seed, customer_codes, weight_blocks

__all__ = ["Ks", "ks", "ks_by_customer"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ks:
    """Widest gap between the shares of events and of non-events scored at most so high.

    Parameters
    ----------
    value, low, high : float
        In [0, 1], with the interval at `level`.
    at : float
        Score at which the gap is widest; the lowest of several.
    bias : float
        By how much a maximum over so few defaulters overstates the gap, as the resamples do.
    level : float
    method : str
    """

    value: float
    low: float
    high: float
    at: float
    bias: float
    level: float
    method: str


def ks(event: ArrayLike, score: ArrayLike) -> float:
    """Largest distance of the two distribution functions, in either direction.

    Examples
    --------
    >>> ks([0, 0, 1, 1], [1, 2, 2, 3])
    0.5
    """
    happened, scores = checked(event, score)
    order, ends = _sorted(scores)
    return float(np.abs(_gaps(np.ones((1, scores.size)), happened[order], ends)).max())


def ks_by_customer(
    event: ArrayLike,
    score: ArrayLike,
    customers: ArrayLike,
    seed: Seed,
    draws: int = 500,
    level: float = 0.95,
) -> Ks:
    """KS with an interval from resampling whole customers, which is on the safe side.

    Raises
    ------
    ModelError
        If only one class, a value is missing, or most resamples lack a class.

    Notes
    -----
    A maximum is too large on average, and too large twice in a resample: percentiles of the resampled
    maximum hold the truth in less than 80% of books with 40 defaulters. Each end here errs with at most half
    of 1 - level instead. Upwards: KS exceeds the gap at any fixed score, so a normal reach with the error of
    the gap at `at` is enough. Downwards: KS is overstated by at most the largest error of the gap at any
    score, whose quantile is resampled.

    Examples
    --------
    >>> k = ks_by_customer([0, 0, 1, 1] * 5, [1, 2, 2, 3] * 5, range(20), seed=1)
    >>> k.value, k.at, k.low < 0.5 < k.high
    (0.5, 1.0, True)
    """
    happened, scores = checked(event, score)
    _, groups = customer_codes(customers, happened.size)
    order, ends = _sorted(scores)
    up = happened[order]
    gap = _gaps(np.ones((1, up.size)), up, ends)[0]
    top = int(np.abs(gap).argmax())
    value = float(abs(gap[top]))
    found = [_errors(_gaps(w[:, order], up, ends), gap, top) for w in weight_blocks(customers, draws, seed)]
    errors = np.concatenate(found)
    errors = errors[np.isfinite(errors).all(axis=1)]
    if 2 * len(errors) < draws:
        raise ModelError(f"{draws - len(errors)} of {draws} resamples of customers lack a class")
    widest, fixed, largest = errors.T
    low = max(0.0, value - float(np.quantile(widest, 0.5 + level / 2)))
    high = min(1.0, value + float(stats.norm.ppf(0.5 + level / 2)) * float(fixed.std(ddof=1)))
    return Ks(
        value=value,
        low=low,
        high=high,
        at=float(scores[order][ends[top]]),
        bias=float(largest.mean()) - value,
        level=level,
        method=f"{len(errors)} resamples of {groups} customers, conservative",
    )


def _sorted(scores: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Order of the rows and the last of each run of equal scores."""
    order = np.argsort(scores, kind="stable")
    return order, np.flatnonzero(np.append(np.diff(scores[order]) > 0, True))


def _gaps(weights: Floats, up: NDArray[np.bool_], ends: NDArray[np.int64]) -> Floats:
    """Share of non-events less share of events up to each score, shape (draws, scores)."""
    events = np.cumsum(weights * up, axis=1)[:, ends]
    others = np.cumsum(weights * ~up, axis=1)[:, ends]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(others / others[:, -1:] - events / events[:, -1:], dtype=float)


def _errors(gaps: Floats, gap: Floats, top: int) -> Floats:
    """Of each draw: largest error towards the widest gap, error at its score, and the largest gap."""
    sign = np.sign(gap[top]) or 1.0
    error = sign * (gaps - gap)
    return np.column_stack([error.max(axis=1), error[:, top], np.abs(gaps).max(axis=1)])
