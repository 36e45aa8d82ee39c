"""Rates with every customer left out in turn: what intervals of rates and of amounts are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.intervals import Interval, clopper_pearson, jackknife_logit, upper_bound

__all__ = ["Replicates"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MINIMUM_LOSERS = 2
"""Customers with a loss below which rates are not identified: deleting one must leave a loss."""


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """Loss rates, and the same with each customer left out.

    Attributes
    ----------
    rates : array of shape (segments, buckets)
        NaN where nothing was ever seen or too few customers lost.
    without : array of shape (customers, segments, buckets)
    segment : array of int, shape (customers,)
    exposed, hit : array of bool, shape (customers, buckets)
        See `LossCounts`.
    shared : array of bool, shape (segments, buckets), optional
        Rates that draw on customers of other segments too; by default none.
    """

    rates: Floats
    without: Floats
    segment: Ints
    exposed: NDArray[np.bool_]
    hit: NDArray[np.bool_]
    shared: NDArray[np.bool_] | None = None

    def transform(self, change: Callable[[Floats], Floats]) -> Replicates:
        """The same with a function applied to arrays of rates of shape (..., segments, buckets)."""
        return replace(self, rates=change(self.rates), without=change(self.without))

    def identified(self) -> NDArray[np.bool_]:
        """Segments with enough customers that lost, shape (segments,)."""
        lost = self.hit.any(axis=1)
        return np.bincount(self.segment[lost], minlength=len(self.rates)) >= MINIMUM_LOSERS

    def interval_of_rate(self, segment: int, bucket: int, level: float) -> Interval:
        """Jackknife on the logit scale where it exists, else exact on customers."""
        rate = float(self.rates[segment, bucket])
        inside = self._bearing(segment, bucket) & self.exposed[:, bucket]
        if np.isnan(rate):
            return self._bound(inside, bucket, level)
        return self._interval(rate, self.without[inside, segment, bucket], inside, bucket, level)

    def interval_of_mean(self, weights: Floats, level: float) -> tuple[float, Interval]:
        """The weighted mean rate and its interval; weights are money, shape (segments, buckets).

        Raises
        ------
        ModelError
            If the weights are negative or sum to nothing, or a rate that carries weight is missing.
        """
        weights = np.asarray(weights, dtype=float)
        total = float(weights.sum())
        if (weights < 0).any() or total <= 0:
            raise ModelError("weights are amounts of at least 0, and one of them is more")
        carries = weights > 0
        if np.isnan(self.rates[carries]).any():
            raise ModelError("a segment that owes money has no rate: pool it, or read its bound")
        rates, without = np.where(carries, self.rates, 0.0), np.where(carries, self.without, 0.0)
        mean = float((rates * weights).sum()) / total
        left_out = np.einsum("csb,sb->c", np.nan_to_num(without), weights) / total
        owed = self._bearing_on(carries) & np.asarray(self.exposed.any(axis=1))
        return mean, self._interval(mean, left_out[owed], owed, None, level)

    def _bearing(self, segment: int, bucket: int) -> NDArray[np.bool_]:
        """Customers that the rate of a segment rests on."""
        if self.shared is not None and self.shared[segment, bucket]:
            return np.ones(self.segment.size, dtype=bool)
        return np.asarray(self.segment == segment)

    def _bearing_on(self, cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
        if self.shared is not None and self.shared[cells].any():
            return np.ones(self.segment.size, dtype=bool)
        owing = np.asarray(cells.any(axis=1), dtype=bool)
        return np.asarray(owing[self.segment], dtype=bool)

    def _interval(
        self, rate: float, without: Floats, inside: NDArray[np.bool_], bucket: int | None, level: float
    ) -> Interval:
        try:
            return jackknife_logit(rate, without, level, "effective")
        except ModelError:
            hit = self.hit.any(axis=1) if bucket is None else self.hit[:, bucket]
            events, trials = int((hit & inside).sum()), int(inside.sum())
            if events == 0:
                return self._bound(inside, bucket, level, at_least=rate)
            exact = clopper_pearson(events, trials, level)
            return Interval(min(exact.low, rate), max(exact.high, rate), level, "Clopper-Pearson, customers")

    def _bound(
        self, inside: NDArray[np.bool_], bucket: int | None, level: float, at_least: float = 0.0
    ) -> Interval:
        hit = self.hit.any(axis=1) if bucket is None else self.hit[:, bucket]
        if not inside.any():
            return Interval(0.0, 1.0, level, "no balance was ever seen: no bound")
        bound = upper_bound(int((hit & inside).sum()), int(inside.sum()), level)
        return Interval(0.0, max(bound.high, at_least), level, f"{bound.method}, customers")
