"""Curves over the asset correlation: counts with the level fitted, averaged out, and with a prior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from arrisk.models.losses.factor_counts import CountGrid, factor_terms
from arrisk.models.losses.level_posterior import CorrelationPrior, level_prior

__all__ = ["CorrelationCurves", "Range", "correlation_curves", "information", "rho_grid"]

FloatArray = NDArray[np.float64]
HIGHEST_RHO = 0.81
GRID = 55
MOST_COUNTED = 1500
STEP = 1e-3


@dataclass(frozen=True, slots=True)
class Range:
    """An estimate and the ends of its interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CorrelationCurves:
    """Curves over the asset correlation, all of shape (correlations,).

    Parameters
    ----------
    rho : array
        Ascending from 0.
    profile : array
        Log-likelihood with the level fitted at each correlation, highest 0.
    averaged : array
        Log-likelihood with the level averaged over its prior, highest 0: as the residual likelihood of a
        variance, it charges for the level having been fitted to the same few years.
    posterior : array
        Density with the prior; not a number when the prior takes the correlation as known.
    """

    rho: FloatArray
    profile: FloatArray
    averaged: FloatArray
    posterior: FloatArray

    def by_profile(self, level: float) -> Range:
        """Maximum likelihood with its profile-likelihood interval."""
        return _drop(self.rho, self.profile, level)

    def by_average(self, level: float) -> Range:
        """Maximum and likelihood interval with the level averaged out."""
        return _drop(self.rho, self.averaged, level)

    def by_posterior(self, level: float) -> Range:
        """Posterior mean with its equal-tailed interval."""
        below = np.concatenate([[0.0], np.cumsum(np.diff(self.rho) * _middle(self.posterior))])
        ends = np.interp([0.5 - level / 2, 0.5 + level / 2], below / below[-1], self.rho)
        mean = float(np.trapezoid(self.posterior * self.rho, self.rho))
        return Range(mean, float(ends[0]), float(ends[1]))

    @property
    def posterior_spread(self) -> float:
        """Standard deviation of the posterior."""
        mean, square = (np.trapezoid(self.posterior * self.rho**power, self.rho) for power in (1, 2))
        return float(np.sqrt(max(square - mean**2, 0.0)))

    @property
    def statistic(self) -> float:
        """Likelihood-ratio statistic against no correlation."""
        return float(max(-2 * self.profile[0], 0.0))

    @property
    def p_value(self) -> float:
        """Chance of such a statistic without correlation: half the tail of one degree of freedom, because 0
        is the end of the range (Self and Liang, 1987); 1 when 0 fits best.
        """
        return 1.0 if self.statistic <= 0 else float(stats.chi2.sf(self.statistic, 1)) / 2


def rho_grid(size: int = GRID) -> FloatArray:
    """Correlations from 0 on, denser near 0.

    Examples
    --------
    >>> rho_grid(4).round(2).tolist()
    [0.0, 0.09, 0.36, 0.81]
    """
    return np.asarray(np.linspace(0.0, np.sqrt(HIGHEST_RHO), size) ** 2, dtype=float)


def correlation_curves(grid: CountGrid, prior: CorrelationPrior) -> CorrelationCurves:
    """The three curves of a likelihood over levels and correlations (`rho_grid`)."""
    rho = grid.rho
    profile = _peaks(grid)
    averaged = special.logsumexp(grid.log_likelihood, axis=0, b=level_prior(grid))
    averaged = averaged - averaged.max()
    density = np.full(rho.size, np.nan)
    if not prior.known:
        density = prior.cells(rho) * np.exp(averaged)
        density = density / np.trapezoid(density, rho)
    return CorrelationCurves(rho, profile - profile.max(), averaged, density)


def information(level: float, rho: float, size: int) -> float:
    """Expected information of one year's count on the correlation, the level being unknown as well.

    Parameters
    ----------
    level, rho : float
        Where it is worked out.
    size : int
        Customers at risk; more than 1,500 count as so many, when the factor is all there is to see.
    """
    n = min(max(size, 1), MOST_COUNTED)
    at, near = float(special.ndtri(level)), min(STEP, rho / 2 if rho > 0 else STEP)
    low = max(rho - near, 0.0)
    middle = np.exp(_log_pmf(n, at, rho))
    by_level = (_log_pmf(n, at + STEP, rho) - _log_pmf(n, at - STEP, rho)) / (2 * STEP)
    by_rho = (_log_pmf(n, at, rho + near) - _log_pmf(n, at, low)) / (rho + near - low)
    ll, lr, rr = (float((middle * a * b).sum()) for a, b in _pairs(by_level, by_rho))
    return max(rr - lr**2 / ll, 0.0)


def _pairs(a: FloatArray, b: FloatArray) -> tuple[tuple[FloatArray, FloatArray], ...]:
    return (a, a), (a, b), (b, b)


def _log_pmf(n: int, probit: float, rho: float) -> FloatArray:
    """Log-probability of 0, 1, ..., n lost customers."""
    k = np.arange(n + 1)
    log_hit, log_miss, weight = factor_terms(np.array([probit]), rho, n)
    choose = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    given = choose[:, None] + k[:, None] * log_hit + (n - k)[:, None] * log_miss
    return np.asarray(special.logsumexp(given, axis=1, b=weight), dtype=float)


def _peaks(grid: CountGrid) -> FloatArray:
    """Highest log-likelihood at each correlation, by a parabola through the best level and its neighbours."""
    values, x = grid.log_likelihood, grid.probit
    best = np.clip(values.argmax(axis=0), 1, x.size - 2)
    column = np.arange(values.shape[1])
    left, middle, right = (values[best + step, column] for step in (-1, 0, 1))
    before, after = x[best] - x[best - 1], x[best + 1] - x[best]
    slope_left, slope_right = (middle - left) / before, (right - middle) / after
    bend = (slope_right - slope_left) / (before + after)
    slope = (slope_left * after + slope_right * before) / (before + after)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.where(bend < 0, -slope / (2 * bend), 0.0)
    step = np.clip(step, -before, after)
    return np.asarray(np.maximum(middle + slope * step + bend * step**2, middle), dtype=float)


def _drop(rho: FloatArray, curve: FloatArray, level: float) -> Range:
    """Where a log-likelihood is highest, and where it has dropped by half the chi-square quantile."""
    fine = np.linspace(0.0, np.sqrt(rho[-1]), 2001)
    heights = np.interp(fine, np.sqrt(rho), curve)
    inside = fine[heights >= heights.max() - stats.chi2.ppf(level, 1) / 2]
    return Range(float(fine[heights.argmax()] ** 2), float(inside[0] ** 2), float(inside[-1] ** 2))


def _middle(values: FloatArray) -> FloatArray:
    return np.asarray((values[1:] + values[:-1]) / 2, dtype=float)
