"""Standard errors of the chain ladder and checks of what it assumes, after Mack.

Pure functions on cumulated triangles. T. Mack, "Distribution-free calculation of the standard error of chain
ladder reserve estimates", ASTIN Bulletin 23 (1993); the checks from "Measuring the variability of chain
ladder reserve estimates", CAS Forum (1994), appendices G and H.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from arrisk.models.triangle import development_factors

__all__ = ["ChainLadder", "additive_error", "check_triangle", "fit_mack"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ChainLadder:
    """Ultimates of a triangle by its development factors, and how far they may err.

    Attributes
    ----------
    factors, variance : arrays of shape (periods - 1,)
        Development factors and Mack's sigma squared; missing where nothing had come.
    ultimate, later, error : arrays of shape (periods,)
        By period of origin: ultimate amount, what of it is still to come, and its standard error; missing
        where the factors have nothing to work on.
    total, total_error : float
        Sum of what is still to come and its standard error.
    """

    factors: Floats
    variance: Floats
    ultimate: Floats
    later: Floats
    error: Floats
    total: float
    total_error: float


def fit_mack(triangle: ArrayLike) -> ChainLadder:
    """Chain ladder with Mack's standard errors.

    Parameters
    ----------
    triangle : array of shape (periods, periods)
        Cumulated amounts, missing in the future. No amount comes after the last column.

    Notes
    -----
    ``mse(R_i) = U_i^2 sum_k s_k^2 / f_k^2 (1 / C_ik + 1 / sum_j C_jk)`` over the development still ahead, and
    for the total ``sum_i mse(R_i) + U_i sum_{j > i} U_j sum_k 2 s_k^2 / f_k^2 / sum_j C_jk``. The variance of
    a step with a single period is ``min(s_{k-1}^4 / s_{k-2}^2, s_{k-1}^2, s_{k-2}^2)``. A period of origin of
    which nothing has come, or that still goes through a step of which nothing is known, is left out. Where
    nothing came of any period by either end of a step, its factor is 1.

    Examples
    --------
    >>> nan = np.nan
    >>> claims = [[10, 15, 18, 19], [12, 17, 21, nan], [11, 18, nan, nan], [13, nan, nan, nan]]
    >>> found = fit_mack(claims)
    >>> round(found.total, 2), round(found.total_error, 2)
    (18.66, 2.31)
    """
    cumulated = np.asarray(triangle, dtype=float)
    factors, n = development_factors(cumulated), len(cumulated)
    variance = _variances(cumulated, factors)
    known = np.isfinite(cumulated[:, 1:])
    base = np.where(known, cumulated[:, :-1], 0.0).sum(axis=0)
    idle = ~np.isfinite(factors) & (np.where(known, cumulated[:, 1:], 0.0).sum(axis=0) == 0)
    factors, variance = np.where(idle, 1.0, factors), np.where(idle, 0.0, variance)
    usable = np.isfinite(factors) & np.isfinite(variance) & (factors > 0)
    step = np.divide(variance, factors**2, out=np.full(n - 1, np.nan), where=usable)
    weight = np.divide(step, base, out=np.zeros(n - 1), where=base > 0)
    ultimate, error, shared = (np.full(n, np.nan) for _ in range(3))
    for row in range(n):
        age = n - 1 - row
        if cumulated[row, age] <= 0 or np.isnan(step[age:]).any():
            continue
        path = cumulated[row, age] * np.cumprod(np.concatenate([[1.0], factors[age:]]))
        ultimate[row] = path[-1]
        shared[row] = weight[age:].sum()
        error[row] = path[-1] * math.sqrt((step[age:] / path[:-1]).sum() + shared[row])
    later = ultimate - cumulated[np.arange(n), n - 1 - np.arange(n)]
    grows = np.flatnonzero(np.isfinite(ultimate))
    rest = ultimate[grows].sum() - np.cumsum(ultimate[grows])
    square = (error[grows] ** 2 + 2.0 * ultimate[grows] * rest * shared[grows]).sum()
    total_error = math.sqrt(square) if grows.size else np.nan
    return ChainLadder(factors, variance, ultimate, later, error, float(np.nansum(later)), float(total_error))


def additive_error(lost: ArrayLike, sold: ArrayLike) -> tuple[float, float]:
    """What vintages are still expected to lose by the additive method, and its standard error.

    Parameters
    ----------
    lost : array of shape (periods, periods)
        Lost of each vintage at each age, not cumulated; what lies in the future is not read.
    sold : array of shape (periods,)

    Returns
    -------
    tuple of float
        The error is missing with fewer than three periods.

    Notes
    -----
    Losses of an age are independent with mean ``v s`` and variance ``v q`` for sales v; with S the sales of
    the vintages known at an age and V those still to reach it, ``mse = sum q (V + V^2 / S)``, q estimated as
    Mack does sigma squared and, where a single vintage is known, as the least of the two ages before.
    M. Merz and M. V. Wuethrich, Stochastic Claims Reserving Methods in Insurance (2008), additive method.

    Examples
    --------
    >>> later, error = additive_error([[2, 4, 1], [4, 6, 0], [3, 0, 0]], [100, 100, 100])
    >>> round(later, 3), round(error, 3)
    (7.0, 3.873)
    """
    cells, sales = np.asarray(lost, dtype=float), np.asarray(sold, dtype=float)
    n = sales.size
    spread: list[float] = []
    later = error = 0.0
    for age in range(1, n):
        known, ahead = sales[: n - age], float(sales[n - age :].sum())
        base = float(known.sum())
        if base <= 0:
            continue
        share = float(cells[: n - age, age].sum()) / base
        rows = known > 0
        off = (cells[: n - age, age][rows] - known[rows] * share) ** 2 / known[rows]
        spread.append(
            float(off.sum() / (rows.sum() - 1)) if rows.sum() > 1 else min(spread[-2:], default=np.nan)
        )
        later += ahead * share
        error += spread[-1] * (ahead + ahead**2 / base)
    return later, math.sqrt(error)


def check_triangle(triangle: ArrayLike, level: float = 0.95) -> pd.DataFrame:
    """What Mack's model assumes of a triangle, held against it.

    Returns
    -------
    DataFrame
        check, seen, low, high, holds. "calendar effects": the sum over diagonals of the smaller number of
        factors below or above the median of their column, and the range at `level` if calendar periods make
        no difference. "successive factors": rank correlation of each factor with the one before, and its
        range at 50%, as Mack advises, if there is none. Figures and `holds` are missing where the triangle
        is too small to tell.
    """
    ratios = _ratios(np.asarray(triangle, dtype=float))
    rows = []
    for name, (seen, mean, variance), width in (
        ("calendar effects", _calendar_effects(ratios), level),
        ("successive factors", _correlation(ratios), 0.5),
    ):
        reach = float(stats.norm.ppf(0.5 + width / 2)) * math.sqrt(variance) if variance > 0 else np.nan
        low, high = mean - reach, mean + reach
        holds = None if math.isnan(reach) else bool(low <= seen <= high)
        rows.append((name, seen if holds is not None else np.nan, low, high, holds))
    frame = pd.DataFrame(rows, columns=["check", "seen", "low", "high", "holds"])
    return frame.astype({"holds": "boolean"})


def _ratios(cumulated: Floats) -> Floats:
    """Single development factors; missing without a base."""
    before, after = cumulated[:, :-1], cumulated[:, 1:]
    ratios = np.divide(after, before, out=np.full(after.shape, np.nan), where=np.nan_to_num(before) > 0)
    return np.asarray(ratios, dtype=float)


def _variances(cumulated: Floats, factors: Floats) -> Floats:
    """Mack's sigma squared by step, extrapolated where a single period is known."""
    ratios = _ratios(cumulated)
    seen = np.isfinite(ratios)
    spread = np.where(seen, cumulated[:, :-1] * (np.where(seen, ratios, 0.0) - factors) ** 2, 0.0).sum(axis=0)
    number = seen.sum(axis=0)
    out = np.divide(spread, number - 1, out=np.full(number.size, np.nan), where=number > 1)
    for k in np.flatnonzero(number == 1):
        before = out[:k][np.isfinite(out[:k])][-2:]
        if before.size == 2:
            older, old = before
            out[k] = min(old**2 / older if older > 0 else 0.0, older, old)
    return np.asarray(out, dtype=float)


def _calendar_effects(ratios: Floats) -> tuple[float, float, float]:
    """Mack (1994), appendix H: the statistic, its mean and its variance."""
    seen = np.isfinite(ratios)
    some = seen.any(axis=0)
    median = np.full(ratios.shape[1], np.nan)
    median[some] = np.nanmedian(ratios[:, some], axis=0)
    diagonal = np.add.outer(np.arange(ratios.shape[0]), np.arange(ratios.shape[1]))
    size = ratios.shape[0]
    small = np.bincount(diagonal[seen & (ratios < median)], minlength=size)[:size]
    large = np.bincount(diagonal[seen & (ratios > median)], minlength=size)[:size]
    n = (small + large).astype(float)
    chance = special.comb(n - 1, np.floor((n - 1) / 2)) / 2**n
    mean = np.where(n > 0, n / 2 - chance * n, 0.0)
    variance = np.where(n > 0, n * (n - 1) * (0.25 - chance) + mean - mean**2, 0.0)
    return float(np.minimum(small, large).sum()), float(mean.sum()), float(variance.sum())


def _correlation(ratios: Floats) -> tuple[float, float, float]:
    """Mack (1994), appendix G: the weighted rank correlation of successive factors, 0, and its variance."""
    total = weights = 0.0
    for k in range(1, ratios.shape[1]):
        both = np.isfinite(ratios[:, k - 1]) & np.isfinite(ratios[:, k])
        pairs = int(both.sum())
        if pairs < 2:
            continue
        first, second = (stats.rankdata(ratios[both, j]) for j in (k - 1, k))
        total += (pairs - 1) * (1 - 6 * float(((first - second) ** 2).sum()) / (pairs**3 - pairs))
        weights += pairs - 1
    return (total / weights, 0.0, 1.0 / weights) if weights else (np.nan, 0.0, 0.0)
