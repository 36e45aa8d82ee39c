"""Likelihood of a complementary log-log hazard on counts, with one free effect of each age and stratum.

With ``mu = exp(a + z b)`` an item-day ends with probability ``1 - exp(-mu)``. Counts n at risk and d events
give ``sum of d log(exp(mu) - 1) - n mu``. The second sum runs over all counts, but `mu` is there a product of
a factor of the profile and one of the age, so that it takes products of matrices alone; the first runs over
the events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from arrisk.models.hazard.counts import ItemDays
from arrisk.models.timing.day_counts import Floats, Ints

__all__ = ["Block", "Part", "Summit", "make_blocks", "part_of", "summit_of"]

HIGHEST = 50.0


@dataclass(frozen=True, slots=True)
class Block:
    """Counts of one stratum at the ages whose effect is finite.

    Parameters
    ----------
    ages : array of int, shape (a,)
        Columns of the counts: those at which some of the items at risk leave, but not all.
    sure : array of int
        Columns at which all at risk leave: their effect is infinite and their likelihood one.
    z : array, shape (profiles, k)
    at_risk : array or sparse matrix, shape (profiles, a)
    profile, age, count : array, shape (events,)
        Events, sorted by age; `age` counts in `ages`.
    """

    ages: Ints
    sure: Ints
    z: Floats
    at_risk: Any
    profile: Ints
    age: Ints
    count: Floats

    @property
    def item_days(self) -> float:
        """Items at risk, summed over the ages."""
        return float(self.at_risk.sum())

    def by_age(self, values: Floats) -> Any:
        """Values of the events as a sparse matrix, shape (a, profiles)."""
        ends = np.searchsorted(self.age, np.arange(self.ages.size + 1))
        shape = (self.ages.size, self.z.shape[0])
        return sparse.csr_array((values, self.profile, ends), shape=shape)


@dataclass(frozen=True, slots=True)
class Part:
    """Log-likelihood, score and information of one block.

    `age_score` and `age_information` have one value an age (the information of the ages is diagonal), `mixed`
    has shape (ages, k).
    """

    log_likelihood: float
    score: Floats
    information: Floats
    age_score: Floats
    age_information: Floats
    mixed: Floats


@dataclass(frozen=True, slots=True)
class Summit:
    """Sums over the blocks with the age effects eliminated.

    `information` is the Schur complement: what is known of the coefficients when the ages are free.
    """

    log_likelihood: float
    score: Floats
    information: Floats
    full_information: Floats


def make_blocks(days: ItemDays, z: Floats, cause: int, kept: NDArray[np.bool_]) -> list[Block]:
    """Lay out the counts of one cause by stratum, on the kept profiles."""
    seen = days.events[cause]
    out = []
    for rows in days.blocks():
        inside = np.flatnonzero(kept[rows]) + rows.start
        number = np.full(rows.stop - rows.start + 1, -1)
        number[inside - rows.start] = np.arange(inside.size)
        mine = (seen.profile >= rows.start) & (seen.profile < rows.stop)
        mine[mine] = number[seen.profile[mine] - rows.start] >= 0
        profile, age = number[seen.profile[mine] - rows.start], seen.age[mine]
        whole = inside.size == rows.stop - rows.start
        at_risk = days.at_risk[rows] if whole else days.at_risk[inside]
        out.append(_block(at_risk, z[inside], profile, age, seen.count[mine]))
    return out


def _block(at_risk: Any, z: Floats, profile: Ints, age: Ints, count: Ints) -> Block:
    length = at_risk.shape[1]
    events = np.bincount(age, weights=count, minlength=length)
    exposed = np.asarray(at_risk.sum(axis=0)).ravel()
    finite = (events > 0) & (events < exposed)
    sure = np.flatnonzero((events > 0) & (events >= exposed))
    ages = np.flatnonzero(finite)
    inside = finite[age]
    order = np.flatnonzero(inside)
    order = order[np.argsort(age[order], kind="stable")]
    number = np.cumsum(finite) - 1
    used = at_risk if ages.size == length else at_risk[:, ages]
    return Block(ages, sure, z, used, profile[order], number[age[order]], count[order].astype(float))


def part_of(block: Block, beta: Floats, effects: Floats) -> Part:
    """Log-likelihood, score and information at coefficients and age effects."""
    linear = block.z @ beta
    u, v = np.exp(np.minimum(linear, HIGHEST)), np.exp(np.minimum(effects, HIGHEST))
    by_profile, by_age = u * (block.at_risk @ v), v * (block.at_risk.T @ u)
    mu = u[block.profile] * v[block.age]
    leave = -np.expm1(-mu)
    k = mu / leave
    value = block.count @ (np.log(leave) + mu) - by_profile.sum()
    first, second = block.count * k, block.count * k * (1.0 - k * (1.0 - leave))
    sizes = {"minlength": u.size}
    row_score = np.bincount(block.profile, weights=first, **sizes) - by_profile
    row_weight = by_profile - np.bincount(block.profile, weights=second, **sizes)
    age_score = np.bincount(block.age, weights=first, minlength=v.size) - by_age
    age_weight = by_age - np.bincount(block.age, weights=second, minlength=v.size)
    mixed = v[:, None] * (block.at_risk.T @ (u[:, None] * block.z)) - block.by_age(second) @ block.z
    information = (block.z * row_weight[:, None]).T @ block.z
    return Part(float(value), block.z.T @ row_score, information, age_score, age_weight, np.asarray(mixed))


def summit_of(parts: list[Part], ridge: float) -> Summit:
    """Sum the parts and eliminate the age effects."""
    k = parts[0].score.size
    value, score, full, info = 0.0, np.zeros(k), np.zeros((k, k)), np.zeros((k, k))
    for part in parts:
        share = part.mixed / part.age_information[:, None]
        value += part.log_likelihood
        score += part.score - share.T @ part.age_score
        full += part.information
        info += part.information - share.T @ part.mixed
    return Summit(value, score, info + ridge * np.eye(k), full)
