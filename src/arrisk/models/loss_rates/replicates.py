"""Rates with every customer left out in turn: what intervals of rates and of amounts are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.intervals import Interval, clopper_pearson, jackknife_logit, upper_bound
from arrisk.models.loss_rates.loss_counts import CELLS_AT_ONCE, LossCounts, leave_one_out

__all__ = ["MINIMUM_LOSERS", "NEVER_SEEN", "Replicates", "complete_rates", "leave_each_out", "too_young"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NEVER_SEEN = "never seen: no bound"
"""How an interval is made for a bucket in which no customer ever stood."""
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
    exposed, hit, followed : array of bool, shape (customers, buckets)
        See `LossCounts`.
    horizon : int
        Months that `followed` stands for.
    shared : array of bool, shape (segments, buckets), optional
        Rates that draw on customers of other segments too; by default none.
    history : Replicates, optional
        What they were before they looked forward.
    outlook : callable, optional
        What looking forward did, see `look_forward`.
    """

    rates: Floats
    without: Floats
    segment: Ints
    exposed: NDArray[np.bool_]
    hit: NDArray[np.bool_]
    followed: NDArray[np.bool_]
    horizon: int
    shared: NDArray[np.bool_] | None = None
    history: Replicates | None = None
    outlook: Callable[[Floats], Floats] | None = None

    def transform(self, change: Callable[[Floats], Floats]) -> Replicates:
        """The same with a function applied to arrays of rates of shape (..., segments, buckets)."""
        return replace(self, rates=change(self.rates), without=change(self.without))

    def look_forward(self, change: Callable[[Floats], Floats]) -> Replicates:
        """The same with a change of each rate by itself that never falls as the rate rises.

        The ends of an interval, and bounds made from counts of customers, then go through it as rates do.
        """
        earlier = self.outlook

        def outlook(rates: Floats) -> Floats:
            return change(rates if earlier is None else earlier(rates))

        return replace(self.transform(change), history=self.history or self, outlook=outlook)

    def looked(self, share: float | Floats) -> Floats:
        """A rate (one, or one a bucket) as it looks forward in each place, shape (segments, buckets)."""
        level = np.array(np.broadcast_to(share, self.rates.shape), dtype=float)
        return level if self.outlook is None else self.outlook(level)

    def identified(self) -> NDArray[np.bool_]:
        """Segments with enough customers that lost, shape (segments,)."""
        lost = self.hit.any(axis=1)
        return np.bincount(self.segment[lost], minlength=len(self.rates)) >= MINIMUM_LOSERS

    def tried(self, inside: NDArray[np.bool_], bucket: int | None) -> tuple[int, int]:
        """Losers, and customers that count in a bound: all losers, and those others that were followed.

        Parameters
        ----------
        inside : array of bool, shape (customers,)
        bucket : int or None
            None: whatever bucket they stood in.
        """
        hit, long = (_any_or_one(part, bucket) & inside for part in (self.hit, self.followed))
        return int(hit.sum()), int((hit | long).sum())

    def bound(self, inside: NDArray[np.bool_], bucket: int | None, level: float) -> Interval:
        """The largest share lost that customers do not rule out, as `tried` counts them; with nobody
        followed nothing is ruled out.
        """
        losers, trials = self.tried(inside, bucket)
        if losers == trials:
            return Interval(0.0, 1.0, level, too_young(self.horizon))
        words = (
            f"one-sided Clopper-Pearson, {losers} of {trials} customers followed {self.horizon} months lost"
        )
        return replace(upper_bound(losers, trials, level), method=words)

    def interval_of_rate(self, segment: int, bucket: int, level: float) -> Interval:
        """Jackknife on the logit scale where it exists, else exact on customers."""
        if self.history is not None:
            span = self.history.interval_of_rate(segment, bucket, level)
            low, high = (float(self.looked(end)[segment, bucket]) for end in span)
            return replace(span, low=low, high=high)
        rate, without = float(self.rates[segment, bucket]), self.without[:, segment, bucket]
        bearing = self._bearing(segment, bucket)
        stood = bearing & self.exposed[:, bucket]
        if not stood.any():
            return Interval(0.0, 1.0, level, NEVER_SEEN)
        if np.isnan(rate):
            return self.bound(stood, bucket, level)
        used = bearing & (self.exposed[:, bucket] | (without != rate))
        return self._interval(rate, without[used], stood, bucket, level)

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
        span = self._interval(mean, left_out[owed], owed, None, level)
        if self.outlook is None or "jackknife" in span.method:
            return mean, span
        low, high = (float((self.looked(end) * weights).sum()) / total for end in span)
        return mean, replace(span, low=min(low, mean), high=max(high, mean))

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
            hit = _any_or_one(self.hit, bucket)
            events, trials = int((hit & inside).sum()), int(inside.sum())
            if events == 0:
                span = self.bound(inside, bucket, level)
                return replace(span, high=max(span.high, rate))
            exact = clopper_pearson(events, trials, level)
            return Interval(min(exact.low, rate), max(exact.high, rate), level, "Clopper-Pearson, customers")


def too_young(horizon: int) -> str:
    """Why a bound is the whole balance."""
    return f"the ledger is too young: nobody was followed {horizon} months"


def _any_or_one(cells: NDArray[np.bool_], bucket: int | None) -> NDArray[np.bool_]:
    """Of one bucket, or of any, shape (customers,)."""
    return np.asarray(cells.any(axis=1) if bucket is None else cells[:, bucket], dtype=bool)


def complete_rates(rates: Floats) -> Floats:
    """Fill buckets that were never seen: the rate of the next older one, all where none is older.

    Parameters
    ----------
    rates : array of shape (..., buckets)
        NaN where nothing was ever seen.

    Examples
    --------
    >>> complete_rates(np.array([0.01, np.nan, 0.3, np.nan]))
    array([0.01, 0.3 , 0.3 , 1.  ])
    """
    out = np.array(rates, dtype=float)
    older = np.ones(out.shape[:-1])
    for bucket in reversed(range(out.shape[-1])):
        older = np.where(np.isnan(out[..., bucket]), older, out[..., bucket])
        out[..., bucket] = older
    return out


def leave_each_out(counts: LossCounts) -> Replicates:
    """Rates of counts with and without each customer; missing in segments with too few losses.

    Where a method leans on the whole ledger, leaving a customer out changes other segments too.
    """
    rates = complete_rates(counts.rates(counts.totals()))
    customers = np.arange(counts.customers.size)
    without = np.repeat(rates[None], customers.size, axis=0)
    if counts.pooled and len(counts.segments) > 1:
        without = complete_rates(_without_pooled(counts))
    without[customers, counts.segment] = complete_rates(leave_one_out(counts))
    elsewhere = np.arange(len(rates))[None, :, None] != counts.segment[:, None, None]
    shared = ((without != rates) & elsewhere).any(axis=0)
    found = Replicates(
        rates, without, counts.segment, counts.exposed, counts.hit, counts.followed, counts.horizon, shared
    )
    known = found.identified()[:, None]
    return found.transform(lambda values: np.where(known, values, np.nan))


def _without_pooled(counts: LossCounts) -> Floats:
    """Rates of all segments without each customer's part in the sums of all."""
    totals = counts.totals()
    size = totals.shape[1] // 2
    width = max(1, CELLS_AT_ONCE // totals.size)
    parts = []
    for start in range(0, counts.customers.size, width):
        rows = counts.terms[start : start + width].toarray()
        sums = np.repeat(totals[None], len(rows), axis=0)
        sums[:, :, size:] -= rows[:, None, :]
        parts.append(counts.rates(sums))
    return np.concatenate(parts)
