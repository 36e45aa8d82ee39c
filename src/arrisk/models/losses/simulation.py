"""Simulated default events of a year: exact, sparse, the same for any number of workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import special

from arrisk.errors import ModelError
from arrisk.models.losses.compiled import take_compiled
from arrisk.models.losses.default_draws import (
    DefaultModel,
    draw_defaults,
    expected_hits,
    make_default_model,
)
from arrisk.models.losses.events import LossEvents
from arrisk.models.losses.factor_draws import SAMPLINGS, SHIFT, FactorDraws, draw_factor
from arrisk.models.losses.portfolio import Dependence, LossPortfolio
from arrisk.models.losses.severity import SeverityLaw, make_severity

__all__ = ["iterate_events", "map_events", "simulate_losses"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
T = TypeVar("T")
CHUNK = 5_000
LEAST_CHUNK = 50
CHUNK_HITS = 600_000
SAMPLE = 200
FACTOR_KEY = 2**32 - 1


def simulate_losses(
    portfolio: LossPortfolio,
    dependence: Dependence,
    draws: int = 20_000,
    seed: int = 0,
    n_jobs: int = 1,
    sampling: str = "mixture",
    kernel: str = "auto",
    shift: float = SHIFT,
) -> LossEvents:
    """Simulate the defaults of a year under common factors, storing defaults only.

    Parameters
    ----------
    portfolio : LossPortfolio
    dependence : Dependence
    draws : int
        Simulated years.
    seed : int
        One child seed per chunk of years, so the result does not depend on `n_jobs`. The same seed gives the
        same common factor to every portfolio.
    n_jobs : int
        Workers.
    sampling : {"mixture", "plain"}
        "mixture": stratified draws of the common factor, half of them where the bad years are; each year has
        a weight (see `draw_factor`). "plain": independent years of equal weight.
    kernel : {"auto", "numpy", "numba"}
        "auto" takes numba where it is installed; the draws are the same.
    shift : float
        Where the second half of the mixture lies.

    Returns
    -------
    LossEvents

    Raises
    ------
    ModelError
        If there are no draws, or a word is unknown.

    Examples
    --------
    >>> from arrisk.models.losses.portfolio import make_portfolio
    >>> runs = simulate_losses(make_portfolio(0.02, [100.0] * 50, 0.5), Dependence(0.15), draws=2000, seed=1)
    >>> mean, error = runs.mean(runs.totals())
    >>> bool(abs(mean - 50) < 4 * error), bool(error < 2)
    (True, True)
    """
    years = _plan(portfolio, dependence, draws, seed, sampling, kernel, shift)
    parts = Parallel(n_jobs=n_jobs, prefer="threads")(delayed(_draw)(years, k) for k in range(years.chunks))
    start = np.concatenate([[0], np.cumsum(np.concatenate([part.counts for part in parts]))])
    who = np.concatenate([part.obligor for part in parts])
    lost = np.concatenate([part.severity for part in parts])
    factor = np.concatenate([part.factor for part in parts])
    weight = years.factor.weight if years.factor else np.full(draws, 1 / draws)
    return LossEvents(portfolio, dependence, weight, factor, start, who, lost, seed, sampling)


def iterate_events(
    portfolio: LossPortfolio,
    dependence: Dependence,
    draws: int = 20_000,
    seed: int = 0,
    sampling: str = "mixture",
    kernel: str = "auto",
    shift: float = SHIFT,
) -> Iterator[LossEvents]:
    """The defaults of `simulate_losses` chunk by chunk, for work that need not store them all.

    Returns
    -------
    iterator of LossEvents
        The weights of all chunks together add up to 1. Sums per year of all chunks, one after the other, are
        those of the whole run.

    Examples
    --------
    >>> from arrisk.models.losses.portfolio import make_portfolio
    >>> book = make_portfolio(0.02, [100.0] * 50, 0.5)
    >>> sum(float(part.weight.sum()) for part in iterate_events(book, Dependence(0.15), 20_000)).__round__(9)
    1.0
    """
    years = _plan(portfolio, dependence, draws, seed, sampling, kernel, shift)
    return (_events(years, k) for k in range(years.chunks))


def map_events(
    work: Callable[[LossEvents], T],
    portfolio: LossPortfolio,
    dependence: Dependence,
    draws: int = 20_000,
    seed: int = 0,
    n_jobs: int = 1,
    sampling: str = "mixture",
    kernel: str = "auto",
    shift: float = SHIFT,
) -> list[T]:
    """Do the same work on each chunk of `iterate_events`, by several workers; results in the order of chunks.

    Examples
    --------
    >>> from arrisk.models.losses.portfolio import make_portfolio
    >>> book = make_portfolio(0.02, [100.0] * 50, 0.5)
    >>> totals = np.concatenate(map_events(LossEvents.totals, book, Dependence(0.15), draws=12_000, n_jobs=2))
    >>> totals.shape
    (12000,)
    """
    years = _plan(portfolio, dependence, draws, seed, sampling, kernel, shift)
    tasks = (delayed(lambda k: work(_events(years, k)))(k) for k in range(years.chunks))
    return list(Parallel(n_jobs=n_jobs, prefer="threads")(tasks))


@dataclass(frozen=True, slots=True)
class _Years:
    """All that the chunks of a run share."""

    portfolio: LossPortfolio
    dependence: Dependence
    model: DefaultModel
    severity: SeverityLaw
    factor: FactorDraws | None
    draws: int
    chunk: int
    seed: int
    sampling: str
    compiled: bool

    @property
    def chunks(self) -> int:
        return -(-self.draws // self.chunk)

    def years(self, number: int) -> slice:
        return slice(number * self.chunk, min((number + 1) * self.chunk, self.draws))


@dataclass(frozen=True, slots=True)
class _Part:
    counts: IntArray
    obligor: NDArray[np.int32]
    severity: NDArray[np.floating]
    factor: FloatArray


def _plan(
    portfolio: LossPortfolio,
    dependence: Dependence,
    draws: int,
    seed: int,
    sampling: str,
    kernel: str,
    shift: float,
) -> _Years:
    if draws < 1:
        raise ModelError(f"need at least one draw, got {draws}")
    if sampling not in SAMPLINGS:
        raise ModelError(f"sampling {sampling!r} is unknown; known are {', '.join(SAMPLINGS)}")
    model, factor = make_default_model(portfolio, dependence), None
    sample = special.ndtri((np.arange(SAMPLE) + 0.5) / SAMPLE)
    if sampling == "mixture":
        key = np.random.SeedSequence(seed, spawn_key=(FACTOR_KEY,))
        factor = draw_factor(draws, key, shift if dependence.rho > 0 else 0.0)
        sample = factor.factor[:: max(draws // SAMPLE, 1)]
    hits = expected_hits(model, sample)
    chunk = int(np.clip(CHUNK_HITS / max(hits, 1.0), LEAST_CHUNK, CHUNK))
    law = make_severity(portfolio)
    fast = take_compiled(kernel, hits * draws)
    return _Years(portfolio, dependence, model, law, factor, draws, chunk, seed, sampling, fast)


def _draw(years: _Years, number: int) -> _Part:
    """One chunk. The plain common factor comes first from the chunk's seed; the rest has seeds of its own."""
    inside = years.years(number)
    child = np.random.SeedSequence(years.seed, spawn_key=(number,))
    rng = np.random.default_rng(child)
    industry_seed, severity_seed = child.spawn(2)
    size, model = inside.stop - inside.start, years.model
    factor = years.factor.factor[inside] if years.factor else rng.standard_normal(size)
    industry = None
    if model.industries:
        industry = np.random.default_rng(industry_seed).standard_normal((size, model.industries))
    counts, obligor = draw_defaults(model, factor, industry, rng, years.compiled)
    lost = years.severity.draw(obligor, np.random.default_rng(severity_seed), years.compiled)
    return _Part(counts, obligor, lost, factor)


def _events(years: _Years, number: int) -> LossEvents:
    part, inside = _draw(years, number), years.years(number)
    start = np.concatenate([[0], np.cumsum(part.counts)])
    weight = years.factor.weight[inside] if years.factor else np.full(part.factor.size, 1 / years.draws)
    return LossEvents(
        years.portfolio,
        years.dependence,
        weight,
        part.factor,
        start,
        part.obligor,
        part.severity,
        years.seed,
        years.sampling,
    )
