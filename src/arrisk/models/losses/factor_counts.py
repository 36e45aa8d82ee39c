"""How likely counts of lost customers are when a common factor makes whole years good or bad."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from arrisk.errors import ModelError

__all__ = ["CountGrid", "count_likelihood", "factor_terms", "level_grid", "yearly_spread"]

FloatArray = NDArray[np.float64]
FACTOR_REACH = 8.0
FACTOR_NODES = ((500, 129), (5_000, 321), (50_000, 961))
MOST_NODES = 2401
LOWEST_PROBIT, HIGHEST_PROBIT = -6.5, 4.0
LEVELS = 151


@dataclass(frozen=True, slots=True)
class CountGrid:
    """Log-likelihood of yearly counts over levels and correlations.

    Parameters
    ----------
    probit : array of shape (levels,)
        Normal quantile of the probability of being lost within a year, ascending.
    rho : array of shape (correlations,)
        Asset correlations.
    log_likelihood : array of shape (levels, correlations)
        Of all years together, binomial coefficients left out.
    spread : array of shape (levels, correlations)
        Standard deviation of the rate of one year, at the mean number of customers.
    """

    probit: FloatArray
    rho: FloatArray
    log_likelihood: FloatArray
    spread: FloatArray

    @property
    def level(self) -> FloatArray:
        """Probability of being lost within a year, shape (levels,)."""
        return np.asarray(special.ndtr(self.probit), dtype=float)


def level_grid(trials: int, events: int, size: int = LEVELS) -> FloatArray:
    """Normal quantiles of levels: dense around the observed rate, reaching everything possible.

    Examples
    --------
    >>> grid = level_grid(200, 8, 5)
    >>> bool((np.diff(grid) > 0).all()), float(grid[0]), float(grid[-1])
    (True, -6.5, 4.0)
    """
    middle = float(special.ndtri((events + 0.5) / (trials + 1)))
    density = math.exp(-middle * middle / 2) / math.sqrt(2 * math.pi)
    rate = (events + 0.5) / (trials + 1)
    width = 2.0 * math.sqrt(rate * (1 - rate) / (trials + 1)) / density
    low, high = (math.asinh((end - middle) / width) for end in (LOWEST_PROBIT, HIGHEST_PROBIT))
    grid = middle + width * np.sinh(np.linspace(low, high, size))
    grid[[0, -1]] = LOWEST_PROBIT, HIGHEST_PROBIT
    return np.asarray(grid, dtype=float)


def count_likelihood(
    trials: ArrayLike, events: ArrayLike, rho: Sequence[float] | FloatArray, probit: ArrayLike | None = None
) -> CountGrid:
    """Log-likelihood of yearly counts under one common factor a year.

    Parameters
    ----------
    trials, events : int array of shape (years,)
        Customers at risk and, of them, lost.
    rho : sequence of float
        Asset correlations looked at, in [0, 1).
    probit : array of shape (levels,), optional
        Normal quantiles of the levels looked at; `level_grid` by default.

    Returns
    -------
    CountGrid

    Raises
    ------
    ModelError
        If counts or correlations are not possible.

    Notes
    -----
    Given the factor Z of a year, each customer is lost on its own with probability
    ``Phi((Phi^-1(p) - sqrt(rho) Z) / sqrt(1 - rho))`` (Vasicek, 2002), so a year's count is a mixture of
    binomial laws; years have factors of their own. Customers count as alike. The integral is a sum over an
    even grid of Z, which converges faster than any power for so smooth an integrand.

    Examples
    --------
    >>> grid = count_likelihood([200, 210], [8, 2], [0.0, 0.1])
    >>> grid.log_likelihood.shape == (grid.probit.size, 2)
    True
    """
    n, k = _checked(trials, events)
    correlations = np.asarray(rho, dtype=float)
    if correlations.ndim != 1 or not ((correlations >= 0) & (correlations < 1)).all():
        raise ModelError("asset correlations lie in [0, 1)")
    levels = level_grid(int(n.sum()), int(k.sum())) if probit is None else np.asarray(probit, dtype=float)
    kinds, times = np.unique(np.column_stack([n, k]), axis=0, return_counts=True)
    size = float(n.mean()) if n.size and n.sum() > 0 else 1.0
    largest = int(n.max(initial=1))
    found = np.zeros((levels.size, correlations.size))
    spread = np.zeros_like(found)
    for j, correlation in enumerate(correlations):
        log_hit, log_miss, weight = factor_terms(levels, float(correlation), largest)
        for (trial, event), often in zip(kinds, times, strict=True):
            of_year = event * log_hit + (trial - event) * log_miss
            highest = of_year.max(axis=1, keepdims=True)
            found[:, j] += often * (np.log(np.exp(of_year - highest) @ weight) + highest[:, 0])
        spread[:, j] = yearly_spread(log_hit, weight, size)
    return CountGrid(levels, correlations, found, spread)


def yearly_spread(log_hit: FloatArray, weight: FloatArray, size: float) -> FloatArray:
    """Standard deviation of the rate of one year among `size` customers, shape (levels,)."""
    hit = np.exp(log_hit)
    mean, square = hit @ weight, hit**2 @ weight
    common = np.maximum(square - mean**2, 0.0)
    return np.asarray(np.sqrt(common + np.maximum(mean - square, 1e-300) / max(size, 1.0)), dtype=float)


def factor_terms(probit: FloatArray, rho: float, customers: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Log-probabilities of being lost and not, shape (levels, nodes), and weights of the factor's nodes.

    The more customers, the better a count tells the factor, and the closer the nodes lie.
    """
    size = next((nodes for most, nodes in FACTOR_NODES if customers <= most), MOST_NODES)
    if rho == 0:
        nodes, weight = np.zeros(1), np.ones(1)
    else:
        nodes = np.linspace(-FACTOR_REACH, FACTOR_REACH, size)
        weight = np.exp(-nodes * nodes / 2)
        weight /= weight.sum()
    at = (probit[:, None] - math.sqrt(rho) * nodes[None, :]) / math.sqrt(1 - rho)
    return special.log_ndtr(at), special.log_ndtr(-at), weight


def _checked(trials: ArrayLike, events: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    n, k = (np.asarray(values, dtype=float) for values in (trials, events))
    if n.ndim != 1 or n.shape != k.shape or not np.isfinite(n).all() or not np.isfinite(k).all():
        raise ModelError("trials and events are one count a year each")
    if not ((k >= 0) & (k <= n) & (n == np.round(n)) & (k == np.round(k))).all():
        raise ModelError("a year has whole counts with 0 <= events <= trials")
    return n.astype(np.int64), k.astype(np.int64)
