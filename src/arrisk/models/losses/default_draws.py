"""Who defaults in a year, given the factors: Poisson hits on groups of alike obligors, thinned exactly."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from arrisk.models.losses.portfolio import Dependence, LossPortfolio

__all__ = ["DefaultModel", "draw_defaults", "expected_hits", "make_default_model"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
PD_GROUP_RATIO = 1.5
CERTAIN = 50.0
MANY = 1_000
SMALL_GROUP = 40


@dataclass(frozen=True, slots=True)
class DefaultModel:
    """A portfolio as the simulation needs it.

    Parameters
    ----------
    edge : array of shape (obligors,)
        Value below which an obligor's own factor is a default when the common factors are 0.
    common, own : float
        What one unit of the common factor, and of the industry's, moves that edge by.
    groups : tuple of int arrays
        Obligors with a positive probability, alike in it and, with industry factors, of one industry.
    kind : int array of shape (groups,)
        Industry of each group; 0 without industry factors.
    industries : int
        Number of industry factors; 0 for none.
    """

    edge: FloatArray
    common: float
    own: float
    groups: tuple[IntArray, ...]
    kind: IntArray
    industries: int

    def shift(self, factor: FloatArray, industry: FloatArray | None, group: int) -> FloatArray:
        """What the factors take off the edge of a group's obligors in each year."""
        moved = self.common * factor
        return moved if industry is None else moved + self.own * industry[:, self.kind[group]]


def make_default_model(portfolio: LossPortfolio, dependence: Dependence) -> DefaultModel:
    """Group the obligors, and turn correlations into loadings."""
    rest = 1 - dependence.rho - dependence.industry_rho
    several = dependence.industry_rho > 0
    groups, kind = [], []
    for code in np.unique(portfolio.industry) if several else [0]:
        inside = portfolio.industry == code if several else np.ones(len(portfolio), dtype=bool)
        found = _pd_groups(np.where(inside, portfolio.pd, 0.0))
        groups += found
        kind += [int(code)] * len(found)
    return DefaultModel(
        special.ndtri(portfolio.pd) / math.sqrt(rest),
        math.sqrt(dependence.rho / rest),
        math.sqrt(dependence.industry_rho / rest),
        tuple(groups),
        np.array(kind, dtype=np.int64),
        len(portfolio.industries) if several else 0,
    )


def expected_hits(model: DefaultModel, factor: FloatArray) -> float:
    """About how many hits a year has to go through, at given values of the common factor."""
    total = 0.0
    for group in model.groups:
        total += float(
            _rate(special.ndtr(model.edge[group].max() - model.common * factor)).mean() * group.size
        )
    return total


def draw_defaults(
    model: DefaultModel,
    factor: FloatArray,
    industry: FloatArray | None,
    rng: np.random.Generator,
    compiled: bool = False,
) -> tuple[IntArray, NDArray[np.int32]]:
    """Number of defaults of each year, and the obligors, sorted by year, then obligor.

    Given the factors, obligors of a group (similar probabilities) are hit as a Poisson process whose rate
    makes a hit exactly as likely as the largest probability of the group; hits are thinned to the obligor's
    own probability. This is exact and costs work per default, not per obligor.

    Notes
    -----
    In a small book doubles are dropped first, and each obligor that was hit is kept with the ratio of the
    probabilities; in a large one every hit is kept with the ratio of the rates, and doubles are one default.
    `compiled` takes the loops of `kernels` for a large book: the same draws, sooner.
    """
    groups = _years_of_groups(model, factor, industry)
    if model.edge.size < MANY:
        return _draw_few(groups, model.edge, factor.size, rng)
    return (_draw_compiled if compiled else _draw_many)(groups, model.edge, factor.size, rng)


@dataclass(frozen=True, slots=True)
class _Years:
    """A group's years: what the factors take off its edge, its largest probability and the rate of hits."""

    group: IntArray
    shift: FloatArray
    ceiling: FloatArray
    rate: FloatArray


def _years_of_groups(
    model: DefaultModel, factor: FloatArray, industry: FloatArray | None
) -> Iterator[_Years]:
    for number, group in enumerate(model.groups):
        shift = model.shift(factor, industry, number)
        ceiling = special.ndtr(model.edge[group].max() - shift)
        yield _Years(group, shift, ceiling, _rate(ceiling))


def _draw_few(
    groups: Iterator[_Years], edge: FloatArray, years: int, rng: np.random.Generator
) -> tuple[IntArray, NDArray[np.int32]]:
    kept = [np.zeros(0, dtype=np.int64)]
    for at in groups:
        size = at.group.size
        year = np.repeat(np.arange(years), rng.poisson(at.rate * size))
        pair = _distinct(year * size + rng.integers(0, size, year.size))
        year, who = pair // size, at.group[pair % size]
        taken = rng.random(pair.size) * at.ceiling[year] < special.ndtr(edge[who] - at.shift[year])
        kept.append(year[taken] * edge.size + who[taken])
    return _split(np.sort(np.concatenate(kept)), edge.size, years)


def _draw_many(
    groups: Iterator[_Years], edge: FloatArray, years: int, rng: np.random.Generator
) -> tuple[IntArray, NDArray[np.int32]]:
    kept = [np.zeros(0, dtype=np.int64)]
    for at in groups:
        counts, spot = _spots(at, rng)
        year, place = np.repeat(np.arange(years), counts), spot.astype(np.int64)
        who = at.group[place]
        # The rate that makes a hit as likely as Phi(x) is -log(1 - Phi(x)).
        taken = (spot - place) * at.rate[year] < -special.log_ndtr(at.shift[year] - edge[who])
        kept.append(year[taken] * edge.size + who[taken])
    return _split(_distinct(np.concatenate(kept)), edge.size, years)


def _draw_compiled(
    groups: Iterator[_Years], edge: FloatArray, years: int, rng: np.random.Generator
) -> tuple[IntArray, NDArray[np.int32]]:
    from arrisk.models.losses import kernels

    marks = np.zeros((years, -(-edge.size // kernels.BITS)), dtype=np.uint64)
    most = 0
    for at in groups:
        counts, spot = _spots(at, rng)
        most += kernels.thin_hits(counts, spot, at.rate, at.shift, edge[at.group], at.group, marks)
    counts, obligor = np.empty(years, dtype=np.int64), np.empty(most, dtype=np.int32)
    return counts, obligor[: kernels.read_marks(marks, counts, obligor)]


def _spots(at: _Years, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
    """Number of hits of each year, and where each falls: its whole part is a place, the rest is luck."""
    counts = rng.poisson(at.rate * at.group.size)
    spot = rng.random(int(counts.sum()))
    spot *= at.group.size
    return counts, spot


def _split(pair: IntArray, size: int, years: int) -> tuple[IntArray, NDArray[np.int32]]:
    return np.bincount(pair // size, minlength=years), (pair % size).astype(np.int32)


def _rate(ceiling: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.asarray(np.minimum(-np.log1p(-ceiling), CERTAIN))


def _distinct(values: IntArray) -> IntArray:
    """Sorted distinct values; sorting beats the hash table of `numpy.unique` on millions of keys."""
    ordered = np.sort(values)
    first = np.ones(ordered.size, dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return np.asarray(ordered[first], dtype=np.int64)


def _pd_groups(chance: FloatArray) -> list[IntArray]:
    """Obligors with a positive PD, in groups whose PDs differ by at most a fixed ratio."""
    alive = np.flatnonzero(chance > 0)
    step = np.floor(np.log(chance[alive]) / math.log(PD_GROUP_RATIO)).astype(np.int64)
    groups = [alive[step == value] for value in np.unique(step)]
    return groups if chance.size < MANY else _joined(groups, alive.size // SMALL_GROUP)


def _joined(groups: list[IntArray], least: int) -> list[IntArray]:
    """Small groups joined with the next: a year's draw for a group costs as much as many hits."""
    joined = groups[:1]
    for group in groups[1:]:
        if min(joined[-1].size, group.size) < least:
            joined[-1] = np.sort(np.concatenate([joined[-1], group]))
        else:
            joined.append(group)
    return joined
