"""Mean, quantiles and tail means of simulated losses, each with its Monte Carlo error."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pandas import DataFrame
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.tail import check_weight, expected_shortfall, mean_error, weighted_mean

__all__ = ["loss_measures"]

FloatArray = NDArray[np.float64]
LEVELS = (0.95, 0.99, 0.995)
ROUNDING = 1e-12


def loss_measures(
    totals: ArrayLike,
    levels: Sequence[float] = LEVELS,
    confidence: float = 0.95,
    weight: ArrayLike | None = None,
    strata: ArrayLike | None = None,
) -> DataFrame:
    """Mean, quantiles and tail means of simulated totals, each with its Monte Carlo range.

    Parameters
    ----------
    totals : array of shape (draws,)
        Loss per simulated year.
    levels : sequence of float
        Quantile levels, for example 0.99.
    confidence : float
        Coverage of the Monte Carlo ranges.
    weight : array of shape (draws,), optional
        Probability that each year stands for (``events.weight``); equal by default.
    strata : array of shape (draws,), optional
        What stratified years were sorted by (``events.strata``); None for independent years.

    Returns
    -------
    DataFrame
        One row per measure: term ("expected", "quantile_99", "tvar_99"), estimate, mc_low, mc_high, mc_error
        (standard error). Quantile ranges need no density: they are the quantiles at the ends of the range of
        the chance of a larger loss (Woodruff 1952), or order statistics when draws are independent and alike.

    Raises
    ------
    ModelError
        If there are no draws, or the weights do not fit.

    Examples
    --------
    >>> list(loss_measures([0.0, 0.0, 10.0, 30.0], levels=[0.5]).term)
    ['expected', 'quantile_50', 'tvar_50']
    """
    values = np.asarray(totals, dtype=float)
    if values.size == 0:
        raise ModelError("no draws to measure")
    likely = check_weight(weight, values.size)
    alike = strata is None and float(np.ptp(likely)) < ROUNDING / values.size
    z = float(stats.norm.ppf(0.5 + confidence / 2))
    order = np.argsort(values, kind="stable")
    rows = [("expected", *_ranged(*weighted_mean(values, likely, strata), z))]
    for level in levels:
        name = f"{level * 100:g}"
        if alike:
            found = _order_statistics(values[order], level, confidence)
        else:
            found = _woodruff(values, order, likely, strata, level, z)
        rows.append((f"quantile_{name}", *found, (found[2] - found[1]) / (2 * z)))
        tail = expected_shortfall(values, 1 - level, None if alike else likely, strata)
        rows.append((f"tvar_{name}", *_ranged(*tail, z)))
    return DataFrame(rows, columns=["term", "estimate", "mc_low", "mc_high", "mc_error"])


def _ranged(estimate: FloatArray, error: FloatArray, z: float) -> tuple[float, float, float, float]:
    at, off = float(estimate), float(error)
    return at, at - z * off, at + z * off, off


def _order_statistics(ordered: FloatArray, level: float, confidence: float) -> tuple[float, float, float]:
    """Order statistic at `level` and the pair of order statistics that covers the true quantile."""
    n = ordered.size
    at = math.ceil(level * n - 1e-9) - 1
    tail = (1 - confidence) / 2
    low = int(stats.binom.ppf(tail, n, level)) - 1
    high = int(stats.binom.ppf(1 - tail, n, level))
    low, high = max(low, 0), min(high, n - 1)
    return float(ordered[max(at, 0)]), float(ordered[low]), float(ordered[high])


def _woodruff(
    values: FloatArray,
    order: NDArray[np.intp],
    weight: FloatArray,
    strata: ArrayLike | None,
    level: float,
    z: float,
) -> tuple[float, float, float]:
    """Weighted quantile, and the quantiles at the ends of the range of the chance not to exceed it."""
    reached, ranked = np.cumsum(weight[order]), values[order]

    def at(chance: float) -> float:
        return float(ranked[min(int(np.searchsorted(reached, chance - ROUNDING)), ranked.size - 1)])

    point = at(level)
    below = (values <= point).astype(float)
    error = float(mean_error(below - weight @ below, weight, strata))
    off = z * error if math.isfinite(error) else 0.0
    return point, at(max(level - off, 0.0)), at(min(level + off, 1.0))
