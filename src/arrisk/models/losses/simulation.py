"""Simulated default events of a year: exact, sparse, the same for any number of workers."""

from __future__ import annotations

import math

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import special

from arrisk.errors import ModelError
from arrisk.models.losses.events import LossEvents
from arrisk.models.losses.portfolio import Dependence, LossPortfolio

__all__ = ["simulate_losses"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
CHUNK = 5_000
PD_GROUP_RATIO = 1.5
CERTAIN = 50.0


def simulate_losses(
    portfolio: LossPortfolio,
    dependence: Dependence,
    draws: int = 20_000,
    seed: int = 0,
    n_jobs: int = 1,
) -> LossEvents:
    """Simulate the defaults of a year under common factors, storing defaults only.

    Parameters
    ----------
    portfolio : LossPortfolio
    dependence : Dependence
    draws : int
        Simulated years.
    seed : int
        One child seed per chunk of years, so the result does not depend on `n_jobs`.
    n_jobs : int
        Workers.

    Returns
    -------
    LossEvents

    Raises
    ------
    ModelError
        If there are no draws.

    Notes
    -----
    Given the factor, obligors of a group (similar PDs) are hit as a Poisson process whose rate makes a hit
    exactly as likely as the largest PD of the group; each hit is kept with the ratio of the obligor's PD to
    that. This is exact and costs work per default, not per obligor.

    Examples
    --------
    >>> from arrisk.models.losses.portfolio import make_portfolio
    >>> runs = simulate_losses(make_portfolio(0.02, [100.0] * 50, 0.5), Dependence(0.15), draws=2000, seed=1)
    >>> bool(abs(runs.totals().mean() - 50) < 10)
    True
    """
    if draws < 1:
        raise ModelError(f"need at least one draw, got {draws}")
    sizes = [min(CHUNK, draws - start) for start in range(0, draws, CHUNK)]
    seeds = np.random.SeedSequence(seed).spawn(len(sizes))
    parts = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(_chunk)(portfolio.pd, dependence.rho, size, child)
        for size, child in zip(sizes, seeds, strict=True)
    )
    draw = np.concatenate([part[0] + CHUNK * i for i, part in enumerate(parts)])
    who = np.concatenate([part[1] for part in parts])
    factor = np.concatenate([part[2] for part in parts])
    start = np.concatenate([[0], np.cumsum(np.bincount(draw, minlength=draws))]).astype(np.int64)
    weight = np.full(draws, 1 / draws)
    return LossEvents(portfolio, dependence, weight, factor, start, who, portfolio.lgd[who], seed)


def _chunk(
    chance: FloatArray, rho: float, size: int, seed: np.random.SeedSequence
) -> tuple[IntArray, IntArray, FloatArray]:
    """Events of `size` years: (year within the chunk, obligor), sorted, and the factor of each year."""
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal(size)
    edge = special.ndtri(chance) / math.sqrt(1 - rho)
    shift = math.sqrt(rho / (1 - rho)) * factor
    years, names = [], []
    for group in _pd_groups(chance):
        ceiling = special.ndtr(edge[group].max() - shift)
        with np.errstate(divide="ignore"):
            rate = np.minimum(-np.log1p(-ceiling), CERTAIN)
        hits = rng.poisson(rate * group.size)
        year = np.repeat(np.arange(size), hits)
        who = group[rng.integers(0, group.size, year.size)]
        pair = _distinct(year * chance.size + who)
        year, who = pair // chance.size, pair % chance.size
        keep = rng.random(pair.size) * ceiling[year] < special.ndtr(edge[who] - shift[year])
        years.append(year[keep])
        names.append(who[keep])
    year, who = np.concatenate(years), np.concatenate(names)
    order = np.argsort(year * chance.size + who)
    return year[order].astype(np.int64), who[order].astype(np.int64), factor


def _distinct(values: IntArray) -> IntArray:
    """Sorted distinct values; sorting beats the hash table of `numpy.unique` on millions of keys."""
    ordered = np.sort(values)
    first = np.ones(ordered.size, dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return np.asarray(ordered[first], dtype=np.int64)


def _pd_groups(chance: FloatArray) -> list[IntArray]:
    """Obligors with a positive PD, in groups whose PDs differ by at most a fixed ratio."""
    alive = np.flatnonzero(chance > 0)
    if alive.size == 0:
        return [np.array([0], dtype=np.int64)]
    step = np.floor(np.log(chance[alive]) / math.log(PD_GROUP_RATIO)).astype(np.int64)
    return [alive[step == value] for value in np.unique(step)]
