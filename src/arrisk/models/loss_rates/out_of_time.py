"""Whether loss rates by segment told later losses better than the rates of all customers together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

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

__all__ = ["PastDay", "lost_since", "past_days", "score_rates", "segment_gain"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TINY = 1e-12
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
    lost : array of shape (customers, buckets)
        Of what was owed on that day: written off since, net of recoveries, currency units.
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
    """Of what customers owed then, what was written off since, net of recoveries.

    Returns
    -------
    array of shape (customers, buckets)
        By the bucket of that day, currency units, at most what was owed.
    """
    keys = ["invoice_id", "instalment"]
    sums = ["written_off_amount", "recovered_amount"]
    items = then.items[then.items["open_amount"] > 0]
    late = items["days_overdue"].fillna((then.date - items["issue_date"]).dt.days)
    bucket = np.searchsorted([0, *counts.edges], late.to_numpy(dtype=float), side="left")
    known = items[["customer_id", *keys, *sums]].assign(bucket=bucket)
    both = known.merge(now.items[[*keys, *sums]], on=keys, suffixes=("", "_now"))
    lost, back = (both[f"{name}_now"] - both[name] for name in sums)
    owner = np.searchsorted(counts.customers.astype(str), both["customer_id"].astype(str).to_numpy(dtype=str))
    flat = owner * counts.buckets + both["bucket"].to_numpy()
    net = np.bincount(flat, (lost - back).to_numpy(dtype=float), counts.today.size).reshape(
        counts.today.shape
    )
    return np.asarray(np.clip(net, 0.0, counts.today), dtype=float)


def segment_gain(days: Sequence[PastDay], by: str, level: float = 0.95) -> tuple[float, Interval]:
    """How much more rates by segment had set aside where money was lost later.

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
        0.1: of a unit of money that was lost, they had set aside 10% more than the rates of all customers
        together at the same total, in the geometric mean; negative when less.
    interval : Interval
        Each customer left out of the rates of every past day and of what was lost since.

    Notes
    -----
    ``log(1 + gain)`` is the mean of ``log(rate by segment / rate of all)`` over the money lost: half the fall
    of the Poisson deviance a unit of it, because rates by segment (credible, `make_credible`) are scaled to
    the total of the others. So only the division between segments is judged and not the level. The deviance
    is smallest in expectation for the true rates (Gneiting, Journal of the American Statistical Association
    106, 2011).
    """
    parts = [(day.counts.customers, *_scores_of_day(day, by, level)) for day in days]
    names = np.unique(np.concatenate([people for people, _, _ in parts]))
    whole = np.sum([total for _, total, _ in parts], axis=0)
    without = np.repeat(whole[None], names.size, axis=0)
    for people, total, less in parts:
        without[np.searchsorted(names, people)] += less - total
    log_gain = float(whole[0] / whole[1])
    lost = without[:, 1]
    left_out = np.divide(without[:, 0], lost, out=np.zeros_like(lost), where=lost > 0)
    span = jackknife(log_gain, left_out, level)
    low, high = (float(np.expm1(end)) for end in span)
    return float(np.expm1(log_gain)), replace(span, low=low, high=high)


def score_rates(lost: Floats, segment: Ints, ratio: Floats, without: Floats) -> tuple[Floats, Floats]:
    """Sum of lost money x log of the ratio of two rates, and of lost money; with and without each customer.

    Parameters
    ----------
    lost : array of shape (customers, buckets)
    segment : array of int, shape (customers,)
    ratio : array of shape (segments, buckets)
        Rate by segment over the rate of all.
    without : array of shape (customers, segments, buckets)
        The same with each customer left out.

    Returns
    -------
    arrays of shape (2,) and (customers, 2)
    """
    cells = np.zeros(ratio.shape)
    np.add.at(cells, segment, lost)
    logs = np.log(without)
    own = (lost * logs[np.arange(len(lost)), segment]).sum(axis=1)
    left = np.einsum("csb,sb->c", logs, cells) - own
    total = float(cells.sum())
    return np.array([(cells * np.log(ratio)).sum(), total]), np.column_stack([left, total - lost.sum(axis=1)])


def _scores_of_day(day: PastDay, by: str, level: float) -> tuple[Floats, Floats]:
    counts, then = day.counts, day.then
    segments, segment = segment_customers(then, counts.customers, by)
    shape = (len(segments), counts.buckets)
    pooled = estimate_rates(counts, then.date, then.currency, level).replicates
    rates = np.broadcast_to(pooled.rates, shape)
    without = np.broadcast_to(pooled.without, (len(counts.customers), *shape))
    if len(segments) == 1:
        return score_rates(day.lost, segment, np.ones(shape), np.ones(without.shape))
    divided = replace(counts, by=by, segments=segments, segment=segment)
    own = make_credible(estimate_rates(divided, then.date, then.currency, level)).replicates
    scaled, scaled_without = _same_total(own.rates, own.without, rates, without, divided)
    return score_rates(day.lost, segment, _ratio(scaled, rates), _ratio(scaled_without, without))


def _ratio(own: Floats, every: Floats) -> Floats:
    """Of rates; one where nobody had lost anything: then segments say no more than all."""
    return np.maximum(np.nan_to_num(own), TINY) / np.maximum(np.nan_to_num(every), TINY)


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
