"""Mean, quantiles and tail means of simulated losses, each with its Monte Carlo error."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pandas import DataFrame
from scipy import stats

from arrisk.errors import ModelError

__all__ = ["loss_measures"]

FloatArray = NDArray[np.float64]
LEVELS = (0.95, 0.99, 0.995)


def loss_measures(totals: ArrayLike, levels: Sequence[float] = LEVELS, confidence: float = 0.95) -> DataFrame:
    """Mean, quantiles and tail means of simulated totals, each with its Monte Carlo range.

    Parameters
    ----------
    totals : array of shape (draws,)
        Loss per simulated year.
    levels : sequence of float
        Quantile levels, for example 0.99.
    confidence : float
        Coverage of the Monte Carlo ranges.

    Returns
    -------
    DataFrame
        One row per measure: term ("expected", "quantile_99", "tvar_99"), estimate, mc_low, mc_high, mc_error
        (standard error). Quantile ranges come from order statistics and need no density; tail means use the
        variance of Manistre and Hancock (2005).

    Examples
    --------
    >>> list(loss_measures([0.0, 0.0, 10.0, 30.0], levels=[0.5]).term)
    ['expected', 'quantile_50', 'tvar_50']
    """
    values = np.sort(np.asarray(totals, dtype=float))
    if values.size == 0:
        raise ModelError("no draws to measure")
    z = float(stats.norm.ppf(0.5 + confidence / 2))
    error = float(values.std(ddof=1)) / math.sqrt(values.size) if values.size > 1 else math.nan
    mean = float(values.mean())
    rows: list[tuple[str, float, float, float, float]] = [
        ("expected", mean, mean - z * error, mean + z * error, error)
    ]
    for level in levels:
        name = f"{level * 100:g}"
        point, low, high = _quantile(values, level, confidence)
        rows.append((f"quantile_{name}", point, low, high, (high - low) / (2 * z)))
        tail, error = _tail_mean(values, level)
        rows.append((f"tvar_{name}", tail, tail - z * error, tail + z * error, error))
    return DataFrame(rows, columns=["term", "estimate", "mc_low", "mc_high", "mc_error"])


def _quantile(ordered: FloatArray, level: float, confidence: float) -> tuple[float, float, float]:
    """Order statistic at `level` and the pair of order statistics that covers the true quantile."""
    n = ordered.size
    at = math.ceil(level * n) - 1
    tail = (1 - confidence) / 2
    low = int(stats.binom.ppf(tail, n, level)) - 1
    high = int(stats.binom.ppf(1 - tail, n, level))
    low, high = max(low, 0), min(high, n - 1)
    return float(ordered[max(at, 0)]), float(ordered[low]), float(ordered[high])


def _tail_mean(ordered: FloatArray, level: float) -> tuple[float, float]:
    """Mean of the worst ``1 - level`` of the draws, the boundary draw counted in part, and its error."""
    n = ordered.size
    weight = n * (1 - level)
    whole = math.floor(weight + 1e-9)
    top = ordered[n - whole :]
    edge = float(ordered[max(n - whole - 1, 0)])
    mean = (float(top.sum()) + max(weight - whole, 0.0) * edge) / weight
    spread = float(top.var(ddof=1)) if whole > 1 else 0.0
    return mean, math.sqrt((spread + level * (mean - edge) ** 2) / weight)
