"""Whether items expected to be paid later are paid later: the C-index, with censoring weighted away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from arrisk.errors import ModelError
from arrisk.models.jackknife import jackknife_reach
from arrisk.models.validation.censoring import followed, in_view
from arrisk.models.validation.estimates import Estimate
from arrisk.models.validation.resampling import customer_codes

__all__ = ["concordance", "concordance_difference", "sums_below"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def concordance(
    days: ArrayLike,
    event: ArrayLike,
    predicted: ArrayLike,
    horizon: int | None = None,
    customers: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Share of pairs in the right order, one paid by the horizon and the other later.

    Parameters
    ----------
    days : array of int, shape (n,)
        Day of the event, or last day in view.
    event : array of bool, shape (n,)
    predicted : array, shape (n,)
        Expected days, or anything else that is larger for an item expected later.
    horizon : int, optional
        Last day whose events count; by default the last day seen.
    customers : array, shape (n,), optional
        Items of one customer are not independent: the interval sums their influence. By default every row
        is on its own.
    level : float

    Returns
    -------
    Estimate
        Symmetric in the log-odds; without ends when the order is perfect, for which there is no such scale.

    Raises
    ------
    ModelError
        If lengths differ, a value is missing, or no pair can be compared.

    Notes
    -----
    Uno, Cai, Pencina, D'Agostino and Wei (Statistics in Medicine 30, 2011): a pair whose first event is on
    day t counts 1 / G(t)^2, G(t) the chance of being in view on day t (`in_view`), so that the value does
    not depend on the censoring. Equal predictions count one half. Items paid on the same day are no pair; one
    that left the view in the evening of that day is later. Their `tau` with a strict sign is horizon + 1.
    The interval takes G as known. O(n log n).

    Items open on an as-of day are rows with day 1 the day after it and predictions given that they were open:
    the clock starts there, so that nothing is truncated from the left.

    Examples
    --------
    Of five pairs four are in order, one has equal predictions.

    >>> concordance([1, 2, 3, 3], [True, True, True, False], [10, 20, 20, 40]).value
    0.9166666666666666
    """
    pairs = _pairs(days, event, predicted, horizon)
    influence, groups = _by_customer(pairs.influence, customers)
    method = f"Uno et al., {_rows(groups, customers)}, logit scale"
    value = pairs.value
    if not 0 < value < 1 or groups < 2:
        return Estimate("concordance", value, np.nan, np.nan, level, f"no interval: value {value:g}")
    reach = float(jackknife_reach(-influence, level)) * groups / (groups - 1) / (value * (1 - value))
    centre = float(special.logit(value))
    low, high = (float(special.expit(centre + sign * reach)) for sign in (-1, 1))
    return Estimate("concordance", value, low, high, level, method)


def concordance_difference(
    days: ArrayLike,
    event: ArrayLike,
    one: ArrayLike,
    other: ArrayLike,
    horizon: int | None = None,
    customers: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """C-index of one prediction less that of another on the same items; arguments as in `concordance`.

    Examples
    --------
    >>> d = concordance_difference([1, 2, 3, 4], [True] * 4, [1, 2, 3, 4], [1, 2, 4, 3])
    >>> round(d.value, 4), d.low < d.value < d.high
    (0.1667, True)
    """
    first, second = (_pairs(days, event, p, horizon) for p in (one, other))
    influence, groups = _by_customer(first.influence - second.influence, customers)
    value = first.value - second.value
    method = f"Uno et al., paired, {_rows(groups, customers)}"
    if groups < 2:
        return Estimate("difference of concordance", value, np.nan, np.nan, level, "one customer")
    reach = float(jackknife_reach(-influence, level)) * groups / (groups - 1)
    low, high = max(-1.0, value - reach), min(1.0, value + reach)
    return Estimate("difference of concordance", value, low, high, level, method)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The value, and the influence of each item on it."""

    value: float
    influence: Floats


def _pairs(days: ArrayLike, event: ArrayLike, predicted: ArrayLike, horizon: int | None) -> _Pairs:
    exit_, happened = followed(days, event)
    scores = np.asarray(predicted, dtype=float)
    if scores.shape != exit_.shape or not np.isfinite(scores).all():
        raise ModelError("there must be one prediction for each item, with none missing")
    counted = happened & (exit_ <= (exit_.max() if horizon is None else horizon))
    weight = np.where(counted, in_view(exit_, happened).on(exit_) ** -2.0, 0.0)
    # Events of a day come before those that leave the view in its evening.
    key = 2 * exit_ + ~happened
    order = np.argsort(key, kind="stable")
    rank = np.unique(scores, return_inverse=True)[1].astype(np.int64)
    sorted_key, sorted_rank, sorted_weight = key[order], rank[order], weight[order]
    before = np.searchsorted(sorted_key, key, side="left")
    upto = np.searchsorted(sorted_key, key, side="right")
    later = exit_.size - upto
    every = np.full(exit_.size, exit_.size)
    ones = np.ones(exit_.size)
    not_above = [
        sums_below(sorted_rank, ones, every, rank + k) - sums_below(sorted_rank, ones, upto, rank + k)
        for k in (0, 1)
    ]
    ordered = weight * (later - 0.5 * (not_above[0] + not_above[1]))
    behind = 0.5 * sum(sums_below(sorted_rank, sorted_weight, before, rank + k) for k in (0, 1))
    earlier = np.concatenate([[0.0], np.cumsum(sorted_weight)])[before]
    total = float((weight * later).sum())
    if not total > 0:
        raise ModelError("no pair can be compared: nothing was paid before something else was open")
    value = float(ordered.sum()) / total
    influence = (ordered - value * weight * later + behind - value * earlier) / total
    return _Pairs(value, np.asarray(influence, dtype=float))


def sums_below(rank: Ints, weights: Floats, position: Ints, limit: Ints) -> Floats:
    """Sum of the weights among the first `position` entries whose rank is below `limit`, for many queries.

    Parameters
    ----------
    rank : array of int, shape (n,)
        Not negative.
    weights : array, shape (n,)
    position, limit : array of int, shape (queries,)
        Positions are at most n.

    Returns
    -------
    array, shape (queries,)

    Notes
    -----
    A wavelet matrix: entries are sorted stably bit by bit and each query follows its span through the bits
    of its limit. O((n + queries) log(largest rank)).

    Examples
    --------
    >>> rank, weights = np.array([2, 0, 1]), np.array([1.0, 10.0, 100.0])
    >>> sums_below(rank, weights, np.array([2, 3, 3]), np.array([3, 1, 2]))
    array([ 11.,  10., 110.])
    """
    low, high = np.zeros(position.size, dtype=np.int64), np.asarray(position, dtype=np.int64)
    total = np.zeros(position.size)
    for bit in reversed(range(int(max(rank.max(initial=0), limit.max(initial=0))).bit_length())):
        zero = (rank >> bit) & 1 == 0
        count = np.concatenate([[0], np.cumsum(zero)])
        weight = np.concatenate([[0.0], np.cumsum(weights * zero)])
        above = (limit >> bit) & 1 == 1
        total += np.where(above, weight[high] - weight[low], 0.0)
        low, high = (np.where(above, count[-1] + e - count[e], count[e]) for e in (low, high))
        order = np.concatenate([np.flatnonzero(zero), np.flatnonzero(~zero)])
        rank, weights = rank[order], weights[order]
    return total


def _by_customer(influence: Floats, customers: ArrayLike | None) -> tuple[Floats, int]:
    if customers is None:
        return influence, influence.size
    code, groups = customer_codes(customers, influence.size)
    return np.bincount(code, influence, groups).astype(np.float64), groups


def _rows(groups: int, customers: ArrayLike | None) -> str:
    return f"{groups} independent rows" if customers is None else f"{groups} customers"
