"""Likelihood of a complementary log-log hazard on counts, with one free effect of each age and stratum.

With ``mu = exp(a + z b)`` an item-day ends with probability ``1 - exp(-mu)``. Counts n at risk and d events
give ``sum of d log(exp(mu) - 1) - n mu``. The second sum runs over all counts, but `mu` is there a product of
a factor of the profile and one of the age, so that it takes products of matrices alone; the first runs over
the events.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from arrisk.models.hazard.counts import Events, ItemDays
from arrisk.models.timing.day_counts import Floats, Ints

__all__ = ["Block", "Part", "Summit", "ages_with_events", "columns_of", "make_blocks", "part_of", "summit_of"]

HIGHEST = 50.0
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Block:
    """Counts of one stratum at the ages whose effect is finite.

    Parameters
    ----------
    ages : array of int, shape (a,)
        Columns of the counts: those at which some of the items at risk leave, but not all. Where all leave
        the effect is infinite and the likelihood one.
    z : array, shape (profiles, k)
    at_risk : array or sparse matrix, shape (profiles, a)
    profile, age, count : array, shape (events,)
        Events, sorted by age; `age` counts in `ages`.
    """

    ages: Ints
    z: Floats
    at_risk: Any
    profile: Ints
    age: Ints
    count: Floats

    @property
    def item_days(self) -> float:
        """Items at risk, summed over the ages."""
        return float(self.at_risk.sum())

    @property
    def left_by_age(self) -> Floats:
        """Events at each age."""
        return self.over_age(self.count)

    @property
    def left_by_profile(self) -> Floats:
        """Events of each profile."""
        return self.over_profile(self.count)

    def over_age(self, values: Floats) -> Floats:
        """Values of the events summed by age."""
        return np.asarray(np.bincount(self.age, weights=values, minlength=self.ages.size), dtype=float)

    def over_profile(self, values: Floats) -> Floats:
        """Values of the events summed by profile."""
        return np.asarray(np.bincount(self.profile, weights=values, minlength=self.z.shape[0]), dtype=float)

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


def ages_with_events(days: ItemDays, cause: int, kept: Flags) -> tuple[Flags, Flags]:
    """Ages at which some of those at risk leave for the cause, and of these the ages at which all do.

    Two arrays of shape (strata, ages), on the kept profiles.
    """
    seen = days.events[cause]
    shape = (days.strata, days.at_risk.shape[1])
    there = kept[seen.profile]
    place = days.stratum[seen.profile[there]] * shape[1] + seen.age[there]
    left = np.bincount(place, weights=seen.count[there], minlength=shape[0] * shape[1]).reshape(shape)
    at_risk = np.zeros(shape)
    for row, rows in zip(at_risk, days.blocks(), strict=True):
        row[:] = kept[rows].astype(float) @ days.at_risk[rows]
    return left > 0, (left > 0) & (left >= at_risk)


def make_blocks(days: ItemDays, z: Floats, cause: int, kept: Flags, ages: Flags) -> list[Block]:
    """Lay out the counts of one cause by stratum, on the kept profiles and the marked ages."""
    none = np.zeros(0, dtype=np.int64)
    seen = days.events.get(cause, Events(none, none, none))
    out = []
    for rows, used in zip(days.blocks(), ages, strict=True):
        inside = np.flatnonzero(kept[rows]) + rows.start
        number = np.full(rows.stop - rows.start, -1)
        number[inside - rows.start] = np.arange(inside.size)
        low, high = np.searchsorted(seen.profile, [rows.start, rows.stop])
        profile, age = number[seen.profile[low:high] - rows.start], seen.age[low:high]
        there = np.flatnonzero((profile >= 0) & used[age])
        # A sort of two-byte numbers is several times faster; no table of counts has more ages.
        order = there[np.argsort(age[there].astype(np.uint16), kind="stable")]
        at_risk = days.at_risk[rows] if inside.size == number.size else days.at_risk[inside]
        at_risk = at_risk if used.all() else at_risk[:, np.flatnonzero(used)]
        left = (profile[order], (np.cumsum(used) - 1)[age[order]], seen.count[low:high][order].astype(float))
        out.append(Block(np.flatnonzero(used), z[inside], at_risk, *left))
    return out


def columns_of(block: Block, chosen: Flags) -> Block:
    """The block with some of the terms."""
    return block if chosen.all() else replace(block, z=np.ascontiguousarray(block.z[:, chosen]))


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
    row_score, row_weight = block.over_profile(first) - by_profile, by_profile - block.over_profile(second)
    age_score, age_weight = block.over_age(first) - by_age, by_age - block.over_age(second)
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
