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
MANY = 2_000
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

    `compiled` takes the loops of `kernels` instead of numpy's sorting: the same draws, sooner.

    Notes
    -----
    Given the factors, obligors of a group (similar probabilities) are hit as a Poisson process whose rate
    makes a hit exactly as likely as the largest probability of the group; each hit is kept with the ratio of
    the obligor's probability to that. This is exact and costs work per default, not per obligor.
    """
    hits = _hit_groups(model, factor, industry, rng)
    return (_keep_compiled if compiled else _keep)(hits, model.edge, factor.size, rng)


@dataclass(frozen=True, slots=True)
class _Hits:
    """Hits on a group: number in each year, places in the group; what each hit is as likely as."""

    group: IntArray
    counts: IntArray
    where: NDArray[np.int32]
    ceiling: FloatArray
    shift: FloatArray


def _hit_groups(
    model: DefaultModel, factor: FloatArray, industry: FloatArray | None, rng: np.random.Generator
) -> Iterator[_Hits]:
    for number, group in enumerate(model.groups):
        shift = model.shift(factor, industry, number)
        ceiling = special.ndtr(model.edge[group].max() - shift)
        counts = rng.poisson(_rate(ceiling) * group.size)
        where = rng.integers(0, group.size, int(counts.sum()), dtype=np.int32)
        yield _Hits(group, counts, where, ceiling, shift)


def _keep(
    groups: Iterator[_Hits], edge: FloatArray, years: int, rng: np.random.Generator
) -> tuple[IntArray, NDArray[np.int32]]:
    kept = [np.zeros(0, dtype=np.int64)]
    for hit in groups:
        size = hit.group.size
        pair = _distinct(np.repeat(np.arange(years), hit.counts) * size + hit.where)
        year, who = pair // size, hit.group[pair % size]
        luck = rng.random(pair.size)
        taken = luck * hit.ceiling[year] < special.ndtr(edge[who] - hit.shift[year])
        kept.append(year[taken] * edge.size + who[taken])
    pair = np.sort(np.concatenate(kept))
    return np.bincount(pair // edge.size, minlength=years), (pair % edge.size).astype(np.int32)


def _keep_compiled(
    groups: Iterator[_Hits], edge: FloatArray, years: int, rng: np.random.Generator
) -> tuple[IntArray, NDArray[np.int32]]:
    from arrisk.models.losses import kernels

    marks = np.zeros((years, -(-edge.size // kernels.BITS)), dtype=np.uint64)
    kept = 0
    for hit in groups:
        found = kernels.distinct_hits(hit.counts, hit.where, hit.group.size)
        luck = rng.random(found)
        kept += kernels.thin_hits(
            hit.counts, hit.where, luck, hit.ceiling, hit.shift, edge[hit.group], hit.group, marks
        )
    counts, obligor = np.empty(years, dtype=np.int64), np.empty(kept, dtype=np.int32)
    kernels.read_marks(marks, counts, obligor)
    return counts, obligor


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
    return groups if alive.size < MANY else _joined(groups, alive.size // SMALL_GROUP)


def _joined(groups: list[IntArray], least: int) -> list[IntArray]:
    """Small groups joined with the next: a year's draw for a group costs as much as many hits."""
    joined = [groups[0]]
    for group in groups[1:]:
        if min(joined[-1].size, group.size) < least:
            joined[-1] = np.sort(np.concatenate([joined[-1], group]))
        else:
            joined.append(group)
    return joined
