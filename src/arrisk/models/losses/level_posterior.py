"""What counts of a few dependent years leave open: the level of losses and their correlation, jointly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pandas import DataFrame
from scipy import optimize, special, stats

from arrisk.errors import ModelError
from arrisk.models.losses.factor_counts import CountGrid, count_likelihood

__all__ = ["CorrelationPrior", "LevelPosterior", "fit_level_posterior", "level_prior"]

FloatArray = NDArray[np.float64]
LEVEL_CUTS = (0.0, 0.025, 0.1, 0.3, 0.7, 0.9, 0.975, 1.0)
"""Probabilities that part the levels of the cases: finer in the tails, where decisions change."""
RHO_CUTS = (0.0, 0.1, 0.35, 0.65, 0.9, 1.0)
NODES = 49
HIGHEST_RHO = 0.9


@dataclass(frozen=True, slots=True)
class CorrelationPrior:
    """What is held of the asset correlation before the ledger is asked.

    Parameters
    ----------
    low, high : float
        Range that holds it with probability `mass`, as much below as above, 0 <= low <= high < 1; a beta
        law. ``low == high`` takes it as known.
    mass : float
        In (0, 1).

    Raises
    ------
    ModelError
        If the range is not possible.

    Examples
    --------
    >>> prior = CorrelationPrior(0.05, 0.25)
    >>> round(prior.mean, 3), prior.quantile([0.05, 0.95]).round(3).tolist()
    (0.136, [0.05, 0.25])
    """

    low: float = 0.05
    high: float = 0.25
    mass: float = 0.9

    def __post_init__(self) -> None:
        if not (0 <= self.low <= self.high < 1 and 0 < self.mass < 1):
            raise ModelError(
                "a correlation has a range with 0 <= low <= high < 1 and a mass between 0 and 1, got "
                f"{self.low} to {self.high} with {self.mass}"
            )
        if self.low == 0 < self.high:
            raise ModelError("a range from exactly 0 has no beta law; start it a little above, such as 0.005")

    @property
    def known(self) -> bool:
        """Whether it is taken as one number."""
        return self.low == self.high

    @property
    def shape(self) -> tuple[float, float]:
        """The two parameters of the beta law; not a number when it is known."""
        return (np.nan, np.nan) if self.known else _beta_shape(self.low, self.high, self.mass)

    @property
    def mean(self) -> float:
        """Mean of the law."""
        a, b = self.shape
        return self.low if self.known else a / (a + b)

    @property
    def spread(self) -> float:
        """Standard deviation of the law."""
        a, b = self.shape
        return 0.0 if self.known else float(np.sqrt(a * b / (a + b + 1)) / (a + b))

    def quantile(self, probability: ArrayLike) -> FloatArray:
        """Quantiles of the law."""
        at = np.asarray(probability, dtype=float)
        return np.full(at.shape, self.low) if self.known else special.betaincinv(*self.shape, at)

    def density(self, rho: ArrayLike) -> FloatArray:
        """Density of the law; not a number when it is known."""
        a, b = self.shape
        return np.asarray(stats.beta.pdf(np.asarray(rho, dtype=float), a, b), dtype=float)

    def cells(self, rho: FloatArray) -> FloatArray:
        """Mean density around each value of a grid: finite where the density is not."""
        edges = _edges(rho)
        return np.asarray(np.diff(special.betainc(*self.shape, edges)) / np.diff(edges), dtype=float)

    def nodes(self, size: int = NODES) -> tuple[FloatArray, FloatArray]:
        """Correlations and their probabilities, both of shape (size,); one of each when it is known."""
        if self.known:
            return np.array([self.low]), np.ones(1)
        a, b = self.shape
        top = min(float(self.quantile(1 - 1e-6)), HIGHEST_RHO)
        edges = np.linspace(0.0, np.sqrt(top), size + 1) ** 2
        below = special.betainc(a, b, edges)
        inside = np.diff(special.betainc(a + 1, b, edges)) * a / (a + b)
        mass = np.maximum(np.diff(below), 1e-300)
        middle = np.where(mass > 1e-200, inside / mass, (edges[1:] + edges[:-1]) / 2)
        return np.clip(middle, edges[:-1], edges[1:]), mass / mass.sum()

    def describe(self) -> str:
        """The prior in words."""
        if self.known:
            return f"asset correlation {self.low:.2f}, taken as known"
        return f"asset correlation between {self.low:.2f} and {self.high:.2f} with {self.mass:.0%}, beta law"


def _beta_shape(low: float, high: float, mass: float) -> tuple[float, float]:
    """The beta law with these quantiles."""
    tails = np.array([0.5 - mass / 2, 0.5 + mass / 2])
    ends = np.array([low, high])
    middle, spread = ends.mean(), (high - low) / (2 * stats.norm.ppf(tails[1]))
    size = max(middle * (1 - middle) / spread**2 - 1, 0.5)

    def off(logs: FloatArray) -> FloatArray:
        a, b = np.exp(logs)
        return np.asarray(special.betainc(a, b, ends) - tails, dtype=float)

    start = np.log([middle * size, (1 - middle) * size])
    found = optimize.root(off, start, tol=1e-12)
    if not found.success or np.abs(off(found.x)).max() > 1e-6:
        raise ModelError(f"no beta law has {mass:.0%} of its mass between {low} and {high}")
    a, b = np.exp(found.x)
    return float(a), float(b)


@dataclass(frozen=True, slots=True)
class LevelPosterior:
    """Joint posterior of the yearly probability of being lost and the asset correlation.

    Parameters
    ----------
    level : array of shape (levels,)
        Probabilities, ascending.
    rho : array of shape (correlations,)
        Asset correlations, ascending.
    mass : array of shape (levels, correlations)
        Posterior probabilities; they sum to 1.
    prior : CorrelationPrior
    """

    level: FloatArray
    rho: FloatArray
    mass: FloatArray
    prior: CorrelationPrior

    @property
    def mean_level(self) -> float:
        """Posterior mean of the level: the chance that a customer is lost next year."""
        return float(self.mass.sum(axis=1) @ self.level)

    @property
    def mean_rho(self) -> float:
        """Posterior mean of the asset correlation."""
        return float(self.mass.sum(axis=0) @ self.rho)

    def level_quantile(self, probability: ArrayLike) -> FloatArray:
        """Quantiles of the level."""
        return _quantile(self.level, self.mass.sum(axis=1), probability)

    def rho_quantile(self, probability: ArrayLike) -> FloatArray:
        """Quantiles of the asset correlation."""
        return _quantile(self.rho, self.mass.sum(axis=0), probability)

    def cases(
        self, central: float, levels: ArrayLike = LEVEL_CUTS, correlations: ArrayLike = RHO_CUTS
    ) -> DataFrame:
        """A rectangle of cases with posterior weights.

        Parameters
        ----------
        central : float
            Level that counts as scale 1.
        levels, correlations : sequence of float
            Probabilities from 0 to 1 that part each into classes, by its own posterior.

        Returns
        -------
        DataFrame
            scale (level over `central`), rho, weight: one row a cell, at the mean of its classes. So the
            weighted means of both are those of the posterior.
        """
        rows, level = _classes(self.level, self.mass.sum(axis=1), levels)
        columns, rho = _classes(self.rho, self.mass.sum(axis=0), correlations)
        weight = rows @ self.mass @ columns.T
        return DataFrame(
            {
                "scale": np.repeat(level / central, rho.size),
                "rho": np.tile(rho, level.size),
                "weight": (weight / weight.sum()).ravel(),
            }
        )


def fit_level_posterior(
    trials: ArrayLike, events: ArrayLike, prior: CorrelationPrior | None = None
) -> LevelPosterior:
    """Joint posterior of level and correlation from yearly counts.

    Parameters
    ----------
    trials, events : int array of shape (years,)
        Customers at risk and, of them, lost, by year; without a year the prior comes back.
    prior : CorrelationPrior, optional

    Returns
    -------
    LevelPosterior

    Notes
    -----
    The prior of the level given rho is Jeffreys' rule with the information of a year's rate: one over the
    standard deviation of that rate. At rho = 0 this is Beta(1/2, 1/2); with many customers and rho > 0 it is
    nearly flat in the normal quantile. Years are no independent trials of customers: at rho = 0.15 one year
    of 10,000 customers says less of the level than five years of 100.

    On made-up counts (`benchmarks/coverage_losses.py`) the 95% range of the level held the truth in 90% to
    100% of cases where the correlation lay inside the prior's range, and in 73% to 88% at 0.3, far above it;
    counting customer-years as independent held it in 41% to 73% at 0.05 and in 15% to 53% above.

    Examples
    --------
    >>> alone = fit_level_posterior([183], [8], CorrelationPrior(0.0, 0.0))
    >>> alone.level_quantile([0.025, 0.975]).round(3).tolist()
    [0.021, 0.081]
    >>> fit_level_posterior([183], [8]).level_quantile([0.025, 0.975]).round(3).tolist()
    [0.01, 0.225]
    """
    held = prior or CorrelationPrior()
    rho, chance = held.nodes()
    grid = count_likelihood(trials, events, rho)
    return LevelPosterior(grid.level, rho, _joint(grid, chance), held)


def level_prior(grid: CountGrid) -> FloatArray:
    """Prior mass of the levels given each correlation, shape (levels, correlations); columns sum to 1."""
    density = np.exp(-(grid.probit**2) / 2) / np.sqrt(2 * np.pi)
    prior = (density * np.gradient(grid.probit))[:, None] / grid.spread
    return np.asarray(prior / prior.sum(axis=0), dtype=float)


def _joint(grid: CountGrid, chance: FloatArray) -> FloatArray:
    """Posterior mass over levels and correlations."""
    mass = np.exp(grid.log_likelihood - grid.log_likelihood.max()) * level_prior(grid) * chance
    return np.asarray(mass / mass.sum(), dtype=float)


def _edges(values: FloatArray) -> FloatArray:
    """Ends of the cells of a grid: half-way between its values."""
    middle = (values[1:] + values[:-1]) / 2
    return np.concatenate([values[:1], middle, values[-1:]])


def _quantile(values: FloatArray, mass: FloatArray, probability: ArrayLike) -> FloatArray:
    at = np.asarray(probability, dtype=float)
    if values.size == 1:
        return np.full(at.shape, values[0])
    below = np.concatenate([[0.0], np.cumsum(mass)]) / mass.sum()
    return np.asarray(np.interp(at, below, _edges(values)), dtype=float)


def _classes(values: FloatArray, mass: FloatArray, cuts: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Share of each grid value in each class, shape (classes, values), and the mean of each class."""
    ends = np.asarray(cuts, dtype=float)
    if ends.ndim != 1 or ends.size < 2 or ends[0] != 0 or ends[-1] != 1 or (np.diff(ends) <= 0).any():
        raise ModelError(f"classes are parted by probabilities that rise from 0 to 1, got {ends.tolist()}")
    if values.size == 1:
        return np.ones((1, 1)), values.copy()
    above = np.cumsum(mass) / mass.sum()
    below = np.concatenate([[0.0], above[:-1]])
    inside = np.minimum(above, ends[1:, None]) - np.maximum(below, ends[:-1, None])
    share = np.clip(inside, 0.0, None) / np.maximum(above - below, 1e-300)
    held = share * mass
    return share, held @ values / held.sum(axis=1)
