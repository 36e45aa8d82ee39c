"""Losses of a year given what a scenario says: who fails, or how bad the year of whom is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from arrisk.errors import ModelError
from arrisk.models.losses.events import LossEvents
from arrisk.models.losses.portfolio import Dependence, LossPortfolio
from arrisk.models.losses.severity import SeverityLaw, make_severity

__all__ = ["Condition", "simulate_given"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CELLS = 2_000_000
FLOOR = 1e-300


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """What is given about a year.

    Parameters
    ----------
    failed : int array
        Positions of the customers that fail for certain.
    common : float or None
        Value of the common factor; None leaves it open.
    fixed : array of shape (obligors,)
        Probability of default given the scenario; missing where it follows the factors.
    """

    failed: Ints
    common: float | None
    fixed: Floats

    @classmethod
    def nothing(cls, obligors: int) -> Condition:
        """Any year."""
        return cls(np.zeros(0, dtype=np.int64), None, np.full(obligors, np.nan))


def simulate_given(
    portfolio: LossPortfolio,
    dependence: Dependence,
    given: Condition,
    draws: int = 4000,
    seed: int = 0,
) -> LossEvents:
    """Simulate years in which the scenario happens.

    Parameters
    ----------
    portfolio : LossPortfolio
    dependence : Dependence
    given : Condition
    draws : int
    seed : int
        One child seed per chunk of years.

    Returns
    -------
    LossEvents
        With the weights of the years.

    Raises
    ------
    ModelError
        If there are no draws, or the condition does not fit the customers.

    Notes
    -----
    A failure is news about the year: where customers fail for certain, factors are drawn around the value
    that makes their failing most likely, and weighted by how likely they are to fail under each (importance
    sampling of the factors given the failures). Where the common factor is given, the others follow
    from Vasicek's conditional probability of default. Given the factors customers fail independently.

    Examples
    --------
    >>> from arrisk.models.losses.portfolio import make_portfolio
    >>> book = make_portfolio(0.02, [100.0, 50.0], 0.5)
    >>> sure = Condition(np.array([0]), None, np.full(2, np.nan))
    >>> bool((simulate_given(book, Dependence(0.15), sure, 100).totals() >= 50).all())
    True
    """
    if draws < 1 or given.fixed.shape != portfolio.pd.shape:
        raise ModelError(
            f"need at least one draw and {len(portfolio)} probabilities, got {draws} draws and "
            f"{given.fixed.size}"
        )
    size = max(1, min(draws, CELLS // max(len(portfolio), 1)))
    sizes = [min(size, draws - start) for start in range(0, draws, size)]
    seeds = np.random.SeedSequence(seed).spawn(len(sizes))
    centre = _centre(portfolio, dependence, given)
    law = make_severity(portfolio)
    parts = [
        _chunk(portfolio, dependence, given, centre, law, n, s) for n, s in zip(sizes, seeds, strict=True)
    ]
    first = np.cumsum([0, *sizes[:-1]])
    draw = np.concatenate([part[0] + at for part, at in zip(parts, first, strict=True)])
    who, severity, factor, logs = (np.concatenate([part[k] for part in parts]) for k in (1, 2, 3, 4))
    weight = np.exp(logs - logs.max())
    start = np.concatenate([[0], np.cumsum(np.bincount(draw, minlength=draws))]).astype(np.int64)
    return LossEvents(portfolio, dependence, weight / weight.sum(), factor, start, who, severity, seed)


def chance_given(pd: Floats, dependence: Dependence, system: Floats) -> Floats:
    """Probability of default given ``sqrt(rho) Z + sqrt(industry_rho) Z_k``, shapes broadcast."""
    own = math.sqrt(1 - dependence.rho - dependence.industry_rho)
    return np.asarray(special.ndtr((special.ndtri(pd) - system) / own), dtype=float)


def _centre(book: LossPortfolio, dependence: Dependence, given: Condition) -> Floats:
    """Most likely factors (common, industries) given who fails; zero when nobody does."""
    size = 1 + len(book.industries)
    sure = given.failed[np.isnan(given.fixed[given.failed])]
    if not sure.size or given.common is not None:
        return np.zeros(size)
    loading = math.sqrt(dependence.rho), math.sqrt(dependence.industry_rho)
    own = math.sqrt(1 - dependence.rho - dependence.industry_rho)
    edge = special.ndtri(np.maximum(book.pd[sure], FLOOR))
    industry = book.industry[sure]

    def unlikely(z: Floats) -> float:
        system = loading[0] * z[0] + loading[1] * z[1 + industry]
        return float(z @ z / 2 - special.log_ndtr((edge - system) / own).sum())

    return np.asarray(optimize.minimize(unlikely, np.zeros(size)).x, dtype=float)


def _chunk(
    book: LossPortfolio,
    dependence: Dependence,
    given: Condition,
    centre: Floats,
    law: SeverityLaw,
    size: int,
    seed: np.random.SeedSequence,
) -> tuple[Ints, Ints, Floats, Floats, Floats]:
    """Year, obligor and severity of the failures of some years; their common factors and log-weights."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((size, centre.size))
    factor = noise + centre
    logs = ((noise**2 - factor**2) / 2).sum(axis=1)
    if given.common is not None:
        factor[:, 0] = given.common
    system = math.sqrt(dependence.rho) * factor[:, :1]
    system = system + math.sqrt(dependence.industry_rho) * factor[:, 1 + book.industry]
    chance = chance_given(book.pd, dependence, system)
    if centre.any():
        sure = given.failed[np.isnan(given.fixed[given.failed])]
        logs = logs + np.log(np.maximum(chance[:, sure], FLOOR)).sum(axis=1)
    chance = np.where(np.isnan(given.fixed), chance, given.fixed)
    chance[:, given.failed] = 1.0
    found = np.nonzero(rng.random(chance.shape) < chance)
    year, who = (np.asarray(place, dtype=np.int64) for place in found)
    severity = law.draw(who.astype(np.int32), rng).astype(np.float64)
    return year, who, severity, np.asarray(factor[:, 0], dtype=np.float64), np.asarray(logs, dtype=np.float64)
