"""One past provision and what came of its balances; and how far past provisions were off, by customer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from arrisk.errors import ModelError
from arrisk.models.intervals import Interval, jackknife
from arrisk.models.provision.item_shares import matched, share_items
from arrisk.models.provision.provision import Provision

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["Bias", "PastProvision", "estimate_bias", "look_back", "outcome_range"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PastProvision:
    """A provision of a past day and what has come of its balances since.

    Attributes
    ----------
    provision : Provision
        From what was known on its day.
    outcome : Interval
        Range of the loss itself, as it could be told on that day; see `outcome_range`.
    owed, provided, lost, still_open, expected_more : arrays of shape (buckets,)
        By the bucket of that day, currency units: owed, provided (missing where there was no rate), written
        off since net of recoveries, open now, and provided now for what is open.
    customers : DataFrame
        lost and expected_more by customer that owed something.
    lost_items : Series
        Written off since net of recoveries, by item.
    """

    provision: Provision
    outcome: Interval
    owed: Floats
    provided: Floats
    lost: Floats
    still_open: Floats
    expected_more: Floats
    customers: pd.DataFrame = field(repr=False)
    lost_items: pd.Series = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bias:
    """Provided over realised on all past days together: above 1, too much was provided.

    Attributes
    ----------
    ratio : float or None
        Sum of provisions over the sum of `expected` realised losses; None if there is nothing to divide by.
    low, high : float or None
        Its interval, delete-one-customer jackknife on the log scale.
    if_nothing_more, if_all_open : float or None
        The ratio if nothing more is lost, and if all that is still open is lost.
    customers, losers : int
        Customers that owed something on one of the days; those of them with a loss.
    days : int
        Past days with an amount.
    days_apart : float
        How many days' worth of losses are different money: the losses, each counted once, over the mean of
        the days.
    level : float
    """

    ratio: float | None
    low: float | None
    high: float | None
    if_nothing_more: float | None
    if_all_open: float | None
    customers: int
    losers: int
    days: int
    days_apart: float
    level: float


def look_back(then: Snapshot, provision: Provision, now: pd.DataFrame) -> PastProvision:
    """What came of the balances of a past day.

    Parameters
    ----------
    then : Snapshot
    provision : Provision
        Of that day.
    now : DataFrame
        Items of the later day, as `share_items` gives them.
    """
    items = share_items(then, provision)
    items = items[(items["open"] > 0).to_numpy()].reset_index(drop=True)
    later, scale = matched(items, now), float(then.scale)
    lost = (later["written_off"] - items["written_off"]) - (later["recovered"] - items["recovered"])
    sums = {"owed": items["open"], "lost": lost, "still_open": later["open"], "more": later["allowance"]}
    width = len(provision.rates.buckets)
    bucket = items["bucket"].to_numpy()
    cells = {
        name: np.bincount(bucket, values, minlength=width).astype(float) / scale
        for name, values in sums.items()
    }
    provided = provision.table["provision"].to_numpy(dtype=float).reshape(-1, width).sum(axis=0)
    owner = items["customer_id"].astype(str).to_numpy()
    customers = pd.DataFrame({"lost": lost / scale, "expected_more": later["allowance"] / scale})
    lost_items = pd.Series(lost.to_numpy() / scale, index=items["item"].to_numpy())
    return PastProvision(
        provision, _outcome(provision), cells["owed"], provided, cells["lost"], cells["still_open"],
        cells["more"], customers.groupby(owner).sum(), lost_items[lost_items != 0],
    )  # fmt: skip


def outcome_range(expected: ArrayLike, owed: ArrayLike, spread: float, level: float = 0.95) -> Interval:
    """Range of the loss itself when customers are lost one by one.

    Parameters
    ----------
    expected : array of shape (customers,)
        Expected loss of each customer, currency units.
    owed : array of shape (customers,)
        What each owes.
    spread : float
        Standard error of the sum of `expected`, from the rates.
    level : float
        Two-sided coverage.

    Returns
    -------
    Interval
        Currency units, within nothing and all that is owed.

    Notes
    -----
    The interval of a provision is about rates; what is lost also depends on which customers fail. A loss
    between 0 and B with mean e has at most the variance e (B - e), that of all or nothing (Bhatia and Davis,
    American Mathematical Monthly 107, 2000). The variances of independent customers and of the rates add up,
    and a gamma distribution with that mean and variance gives the quantiles. It is wide where single
    customers rarely lose all they owe, and too narrow where they fail together.

    Examples
    --------
    >>> span = outcome_range([2.0] * 100, [100.0] * 100, spread=0.0)
    >>> round(span.low), round(span.high)
    (25, 553)
    """
    mean, most = np.asarray(expected, dtype=float), np.asarray(owed, dtype=float)
    if mean.shape != most.shape or (mean < 0).any() or (mean > most * (1 + 1e-9)).any() or spread < 0:
        raise ModelError("an expected loss lies between nothing and what is owed, for each customer")
    total, whole = float(mean.sum()), float(most.sum())
    words = "gamma, variance of all-or-nothing losses by customer and of the rates"
    if total <= 0:
        return Interval(0.0, 0.0, level, words)
    variance = float((mean * np.maximum(most - mean, 0.0)).sum()) + spread**2
    if variance <= 0:
        return Interval(total, total, level, words)
    law = stats.gamma(total**2 / variance, scale=variance / total)
    low, high = (float(law.ppf(0.5 + sign * level / 2)) for sign in (-1, 1))
    return Interval(low, min(max(high, total), whole), level, words)


def _outcome(provision: Provision) -> Interval:
    """Range of the loss of a provision; only a bound where that is all there is."""
    total, counts = provision.total, provision.rates.counts
    if total.value is None:
        return Interval(total.low, total.high, total.level, total.method)
    expected = (np.where(counts.today > 0, provision.net_rates, 0.0) * counts.today).sum(axis=1)
    owed = counts.today.sum(axis=1)
    return outcome_range(expected, owed, _standard_error(provision, float(owed.sum())), total.level)


def _standard_error(provision: Provision, owed: float) -> float:
    """Of the amount, back from its interval, which was made on the logit scale."""
    total = provision.total
    if total.value is None or not 0 < total.value < owed:
        return 0.0
    ends = np.clip([total.low / owed, total.high / owed], 1e-12, 1 - 1e-12)
    width = float(np.diff(special.logit(ends))[0])
    share = total.value / owed
    return owed * share * (1 - share) * width / (2 * float(stats.norm.ppf(0.5 + total.level / 2)))


def estimate_bias(past: Sequence[PastProvision], level: float = 0.95) -> Bias:
    """Provided over realised on all past days that had an amount, with customers left out in turn."""
    given = [day for day in past if day.provision.total.value is not None]
    names = sorted({name for day in given for name in day.customers.index})
    realised = _by_customer([day.customers.sum(axis=1) for day in given], names)
    hit = _by_customer([day.customers["lost"] for day in given], names) > 0
    lost = float(sum(day.lost.sum() for day in given))
    still_open = float(sum(day.still_open.sum() for day in given))
    provided = float(sum(day.provided.sum() for day in given))
    whole = float(realised.sum())
    ratio, span = _ratio(provided, whole), None
    if ratio is not None and ratio > 0 and len(names) > 1:
        span = _ratio_interval(given, names, whole - realised, ratio, level)
    return Bias(
        ratio,
        None if span is None else math.exp(span.low),
        None if span is None else math.exp(span.high),
        _ratio(provided, lost),
        _ratio(provided, lost + still_open),
        len(names),
        int(hit.sum()),
        len(given),
        _days_apart(given),
        level,
    )


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _by_customer(amounts: Sequence[pd.Series], names: Sequence[str]) -> Floats:
    """Amounts summed over days, shape (customers,)."""
    out = pd.Series(0.0, index=list(names))
    for given in amounts:
        out = out.add(given, fill_value=0.0)
    return np.asarray(out.reindex(pd.Index(names)), dtype=float)


def _ratio_interval(
    given: Sequence[PastProvision], names: Sequence[str], realised: Floats, ratio: float, level: float
) -> Interval | None:
    """Interval of the log of the ratio; `realised` is the sum without each customer."""
    provided = sum(_without_each(day.provision, names) for day in given)
    usable = (realised > 0) & (provided > 0)
    if not usable.all():
        return None
    return jackknife(math.log(ratio), np.log(provided / realised), level)


def _without_each(provision: Provision, names: Sequence[str]) -> Floats:
    """The amount without each customer, its balance and its part in the rates left out.

    What was judged customer by customer, and the share of each balance that is secured, stay as they are.
    """
    counts, found = provision.rates.counts, provision.rates.replicates
    without, rate = np.nan_to_num(found.without), found.rates[counts.segment]
    judged = provision.assessed.inside[:, None]
    loss = np.where(counts.today > 0, provision.net_rates, 0.0) * counts.today
    priced = (counts.today > 0) & (rate > 0)
    share = np.divide(provision.net_rates, rate, out=np.ones(rate.shape), where=priced)
    pool = np.where(judged, 0.0, share * counts.today)
    balances = np.zeros((len(counts.segments), counts.buckets))
    np.add.at(balances, counts.segment, pool)
    whole = np.einsum("csb,sb->c", without, balances)
    own = (without[np.arange(counts.customers.size), counts.segment] * pool).sum(axis=1)
    known = np.where(judged, loss, 0.0).sum(axis=1)
    amounts = pd.Series(whole - own + known.sum() - known, index=counts.customers.astype(str))
    value = provision.total.value
    return np.asarray(amounts.reindex(pd.Index(names)).fillna(0.0 if value is None else value), dtype=float)


def _days_apart(given: Sequence[PastProvision]) -> float:
    """Losses of single items, each counted once, over the mean loss of a day."""
    sums = [float(day.lost_items.clip(lower=0).sum()) for day in given]
    if not sum(sums) > 0:
        return 0.0
    every = pd.concat([day.lost_items for day in given]).clip(lower=0)
    return float(every.groupby(level=0).max().sum() / (sum(sums) / len(sums)))
