"""Rates by age behind the covariates: thin ages pooled, and a constant tail that never says never."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrisk.models.hazard.counts import ItemDays

__all__ = ["AgeRates", "BandRates", "band_rates", "pooled_rates"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
ENOUGH = 10
ROUNDS = 60
FAR_AGE = 2**40


@dataclass(frozen=True, slots=True, eq=False)
class AgeRates:
    """Rates of payment by group and age, of an item with no effect of covariates or calendar.

    Attributes
    ----------
    first : int
        Age of the first column, whose rate is that of all earlier ages; the last one is the tail.
    rates : array of float, shape (groups, ages)
        Cumulated hazard of one day, above zero.
    tail_from : int
        Age from which the rate is constant: of the last column.
    """

    first: int
    rates: Floats
    tail_from: int

    def at(self, group: Ints, age: Ints) -> Floats:
        """Rates at ages; the two arrays are broadcast."""
        place = np.clip(age - self.first, 0, self.rates.shape[1] - 1)
        return np.asarray(self.rates[group, place], dtype=float)


@dataclass(frozen=True, slots=True, eq=False)
class BandRates:
    """Daily rates in bands of age.

    Attributes
    ----------
    edges : tuple of int
        Ages at which a new rate begins.
    rates : array of float, shape (rows, len(edges) + 1)
    """

    edges: tuple[int, ...]
    rates: Floats

    def at(self, row: Ints, age: Ints) -> Floats:
        """Rates at ages; the two arrays are broadcast."""
        return np.asarray(self.rates[row, np.searchsorted(np.array(self.edges), age, side="right")])


def pooled_rates(
    days: ItemDays, ratio: Floats, group: Ints, groups: int, ends: tuple[float, float]
) -> AgeRates:
    """Rates of payment by age given the effects of covariates, of ages with few payments together.

    Parameters
    ----------
    days : ItemDays
    ratio : array of float, shape (profiles,)
        Hazard ratio of each profile, calendar included; 0 where nothing can happen.
    group : array of int, shape (profiles,)
    groups : int
    ends : tuple of float
        Rates of all groups before the first age and after the last.

    Returns
    -------
    AgeRates

    Notes
    -----
    Neighbouring ages of a group are taken together until they hold 10 payments. A rate is the maximum of the
    likelihood with half a payment and one item-day added, so that it is never zero.
    """
    profile, age, count = days.events[1].profile, days.events[1].age, days.events[1].count.astype(float)
    ages = days.at_risk.shape[1]
    exposure = np.array([days.at_risk.T @ np.where(group == g, ratio, 0.0) for g in range(groups)])
    place = group[profile] * ages + age
    paid = np.bincount(place, count, groups * ages).astype(float).reshape(groups, ages)
    block = np.array([_blocks_of_ages(row) for row in paid])
    block += (np.cumsum(block.max(axis=1) + 1) - block.max(axis=1) - 1)[:, None]
    exposed = 1.0 + np.bincount(block.ravel(), exposure.reshape(groups, ages).ravel())
    rates = _top(exposed, ratio[profile], block[group[profile], age], count)[block]
    early, late = (np.full((groups, 1), rate) for rate in ends)
    return AgeRates(days.first - 1, np.hstack([early, rates, late]), days.first + ages)


def band_rates(
    first: Ints, last: Ints, event: Flags, row: Ints, rows: int, edges: tuple[int, ...], prior: float = 0.5
) -> BandRates:
    """Rates in bands of age: events over item-days.

    Parameters
    ----------
    first, last : array of int, shape (n,)
        Ages at risk, both included.
    event : array of bool, shape (n,)
        Whether the stretch ended in an event.
    row : array of int, shape (n,)
    rows : int
    edges : tuple of int
    prior : float
        Events added to a row, shared by its bands in proportion to their item-days, with one item-day each.

    Examples
    --------
    >>> rates = band_rates(np.array([0]), np.array([9]), np.array([True]), np.array([0]), 1, (5,))
    >>> rates.at(np.array([0]), np.array([2, 7])).round(3).tolist()
    [0.042, 0.208]
    """
    low, high = np.array([-FAR_AGE, *edges]), np.array([*edges, FAR_AGE])
    within = np.maximum(np.minimum(last[:, None] + 1, high) - np.maximum(first[:, None], low), 0)
    band = np.searchsorted(np.array(edges), last, side="right")
    exposed = np.array([within[row == r].sum(axis=0) for r in range(rows)], dtype=float)
    events = np.array([np.bincount(band[event & (row == r)], minlength=high.size) for r in range(rows)])
    share = exposed / np.maximum(exposed.sum(axis=1, keepdims=True), 1.0)
    rates = (events + prior * share) / (exposed + 1.0)
    whole = (events.sum(axis=1, keepdims=True) + prior) / (exposed.sum(axis=1, keepdims=True) + 1.0)
    return BandRates(edges, np.where(exposed > 0, rates, whole * (exposed.sum(axis=1, keepdims=True) > 0)))


def _blocks_of_ages(paid: Floats) -> Ints:
    """Number of the block of each age; the last one has as many payments as the others."""
    gone = np.cumsum(paid)
    block = np.zeros(paid.size, dtype=np.int64)
    start, number = 0, 0
    while start < paid.size:
        before = gone[start - 1] if start else 0.0
        stop = int(np.searchsorted(gone, before + ENOUGH)) + 1
        if stop >= paid.size or gone[-1] - gone[stop - 1] < ENOUGH:
            stop = paid.size
        block[start:stop] = number
        start, number = stop, number + 1
    return block


def _top(exposed: NDArray[Any], ratio: Floats, where: Ints, count: Floats) -> Floats:
    """Rate v of each block: the root of ``sum of c k(v u) + 1/2 = v exposed``.

    With ``k(m) = m / (1 - exp(-m))``: the score of the complementary log-log likelihood.
    """
    size = exposed.size
    rate = np.asarray((np.bincount(where, weights=count, minlength=size) + 0.5) / exposed, dtype=float)
    for _ in range(ROUNDS):
        mu = rate[where] * ratio
        stay = np.exp(-mu)
        k = mu / -np.expm1(-mu)
        value = np.bincount(where, weights=count * k, minlength=size) + 0.5 - rate * exposed
        slope = np.bincount(where, weights=count * k * (1.0 - k * stay), minlength=size)
        move = np.clip(value / (rate * exposed - slope), -1.0, 1.0)
        rate = rate * np.exp(move)
        if np.abs(move).max(initial=0.0) < 1e-10:
            break
    return np.asarray(rate, dtype=float)
