"""Whether loss rates by segment told later losses better than the rates of all customers together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.ledger.days import dates, month_end, month_index
from arrisk.models.intervals import Interval, jackknife
from arrisk.models.loss_rates.credible_rates import make_credible
from arrisk.models.loss_rates.loss_counts import LossCounts
from arrisk.models.loss_rates.loss_rates import estimate_rates
from arrisk.models.loss_rates.replicates import MINIMUM_LOSERS
from arrisk.models.loss_rates.segments import segment_customers

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["PastDay", "lost_since", "past_days", "segment_gain", "squared_errors"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FIRST_YEAR = 12
"""Months of history that rates of a past day rest on at least."""


@dataclass(frozen=True, slots=True, eq=False)
class PastDay:
    """What was known on a past day, and what was lost since of what was owed then.

    Attributes
    ----------
    then : Snapshot
        The ledger as it was known on that day.
    counts : LossCounts
        Of that day, all customers in one segment.
    lost : array of shape (customers,)
        Of what each customer owed on that day: written off since, net of recoveries, currency units.
    """

    then: Snapshot
    counts: LossCounts
    lost: Floats


def past_days(
    snapshot: Snapshot, count: Callable[..., LossCounts], followed: int, every: int
) -> list[PastDay]:
    """Month ends `every` months apart, at least `followed` months back, that had losses to learn from.

    Parameters
    ----------
    snapshot : Snapshot
        What was lost since is read from it.
    count : callable
        Counting function of a method.
    followed, every : int
        Months.

    Returns
    -------
    list of PastDay
        Latest first. Days within a year of the first entry, days on which fewer than two customers had lost
        anything, and days of whose balances nothing was lost since, are left out.
    """
    last = int(month_index([snapshot.day + 1])[0]) - 1 - followed
    first = int(month_index([pd.Timestamp(snapshot.first_date).value // 86_400_000_000_000])[0])
    days = pd.DatetimeIndex(dates(month_end(np.arange(last, first + FIRST_YEAR - 2, -every))))
    found = []
    for day in days:
        then = snapshot.as_of(day)
        try:
            counts = count(then)
        except ModelError:
            continue
        lost = lost_since(then, snapshot, counts)
        if int(counts.hit.any(axis=1).sum()) >= MINIMUM_LOSERS and lost.sum() > 0:
            found.append(PastDay(then, counts, lost))
    return found


def lost_since(then: Snapshot, now: Snapshot, counts: LossCounts) -> Floats:
    """Of what customers owed then, what was written off since, net of recoveries, shape (customers,)."""
    keys = ["invoice_id", "instalment"]
    sums = ["written_off_amount", "recovered_amount"]
    items = then.items[then.items["open_amount"] > 0]
    both = items[["customer_id", *keys, *sums]].merge(now.items[[*keys, *sums]], on=keys, suffixes=("", "_now"))
    net = (both[f"{sums[0]}_now"] - both[sums[0]]) - (both[f"{sums[1]}_now"] - both[sums[1]])
    lost = net.groupby(both["customer_id"].astype(str)).sum().reindex(counts.customers, fill_value=0.0)
    return np.asarray(np.clip(lost.to_numpy(dtype=float), 0.0, counts.today.sum(axis=1)), dtype=float)


def segment_gain(days: Sequence[PastDay], by: str, level: float = 0.95) -> tuple[float, Interval]:
    """Share of the squared error that rates by segment would have spared.

    Parameters
    ----------
    days : sequence of PastDay
        At least one.
    by : str
        The attribute of customers that makes the segments.
    level : float
        Of the interval.

    Returns
    -------
    gain : float
        1 - error by segment / error of all customers together; negative when segments told it worse.
    interval : Interval
        Each customer left out of the rates of every past day and of what they are compared with.

    Notes
    -----
    The error is ``sum B (y - p)^2`` over customers, with the balance B, the share y of it that was lost and
    the share p that rates predict from its ages: it is smallest in expectation for the true p. Rates by
    segment are credible (`make_credible`) and scaled to the total of the pooled ones, so that only the
    division between segments is judged and not the level.
    """
    parts = [(day.counts.customers, *_errors_of_day(day, by, level)) for day in days]
    names = np.unique(np.concatenate([people for people, _, _ in parts]))
    whole = np.sum([total for _, total, _ in parts], axis=0)
    without = np.repeat(whole[None], names.size, axis=0)
    for people, total, less in parts:
        without[np.searchsorted(names, people)] += less - total
    gain = 1.0 - whole[1] / whole[0]
    share = np.divide(without[:, 1], without[:, 0], out=np.ones(names.size), where=without[:, 0] > 0)
    return float(gain), jackknife(float(gain), 1.0 - share, level)


def squared_errors(
    today: Floats, lost: Floats, segment: Ints, rates: Floats, without: Floats
) -> tuple[float, Floats]:
    """Squared error of rates against what was lost, with all customers and with each left out.

    Parameters
    ----------
    today : array of shape (customers, buckets)
        Owed on the past day.
    lost : array of shape (customers,)
    segment : array of int, shape (customers,)
    rates : array of shape (segments, buckets)
    without : array of shape (customers, segments, buckets)
        Rates with each customer left out.

    Returns
    -------
    float and array of shape (customers,)
        In currency units. The error is a quadratic form of the rates of a segment, so leaving each customer
        out costs no pass over the others.
    """
    owed = today.sum(axis=1)
    mix = np.divide(today, owed[:, None], out=np.zeros_like(today), where=owed[:, None] > 0)
    share = np.divide(lost, owed, out=np.zeros_like(owed), where=owed > 0)
    size, buckets = rates.shape
    square, cross = np.zeros((size, buckets, buckets)), np.zeros((size, buckets))
    np.add.at(square, segment, owed[:, None, None] * mix[:, :, None] * mix[:, None, :])
    np.add.at(cross, segment, (owed * share)[:, None] * mix)
    constant = float((owed * share**2).sum())

    def error(values: Floats) -> Any:
        return (
            constant
            - 2 * np.einsum("...sb,sb->...", values, cross)
            + np.einsum("...sb,sbd,...sd->...", values, square, values)
        )

    own = without[np.arange(owed.size), segment]
    left = error(without) - owed * (share - (mix * own).sum(axis=1)) ** 2
    return float(error(rates)), np.asarray(left, dtype=float)


def _errors_of_day(day: PastDay, by: str, level: float) -> tuple[Floats, Floats]:
    """Errors of pooled and of segments' rates, shape (2,), and without each customer, (customers, 2)."""
    counts, then = day.counts, day.then
    segments, segment = segment_customers(then, counts.customers, by)
    pooled = estimate_rates(counts, then.date, then.currency, level).replicates
    shape = (len(segments), counts.buckets)
    rates = np.broadcast_to(pooled.rates, shape)
    without = np.broadcast_to(pooled.without, (len(counts.customers), *shape))
    together = squared_errors(counts.today, day.lost, segment, rates, without)
    if len(segments) == 1:
        return np.full(2, together[0]), np.repeat(together[1][:, None], 2, axis=1)
    divided = replace(counts, by=by, segments=segments, segment=segment)
    own = make_credible(estimate_rates(divided, then.date, then.currency, level)).replicates
    scaled = _same_total(own.rates, own.without, rates, without, divided)
    apart = squared_errors(counts.today, day.lost, segment, *scaled)
    return np.array([together[0], apart[0]]), np.column_stack([together[1], apart[1]])


def _same_total(
    rates: Floats, without: Floats, pooled: Floats, pooled_without: Floats, counts: LossCounts
) -> tuple[Floats, Floats]:
    """Rates by segment scaled to the total of the pooled ones, with all customers and with each left out."""
    balances, place = counts.balances(), np.arange(counts.customers.size)

    def total(values: Floats) -> Floats:
        owned = (values[place, counts.segment] * counts.today).sum(axis=1)
        return np.asarray(np.einsum("csb,sb->c", values, balances) - owned, dtype=float)

    wanted, given = total(pooled_without), total(without)
    factor = np.divide(wanted, given, out=np.ones_like(given), where=given > 0)
    whole = float((rates * balances).sum())
    scale = float((pooled * balances).sum()) / whole if whole > 0 else 1.0
    return rates * scale, without * factor[:, None, None]
