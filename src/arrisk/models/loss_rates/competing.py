"""Loss rates from competing risks: the chance of being written off in the end, by days overdue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from arrisk.errors import ModelError
from arrisk.models.loss_rates.customer_moves import sum_by_customer
from arrisk.models.loss_rates.loss_counts import (
    FOLLOWED_MONTHS,
    LossCounts,
    check_horizon,
    words_of_bounds,
)
from arrisk.models.loss_rates.month_ends import RECOVERIES, Recoveries
from arrisk.models.loss_rates.segments import segment_customers
from arrisk.models.loss_rates.slices import STILL_OPEN, MoneySlices, check_edges, read_slices

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["Ages", "bucket_rates", "count_competing", "eventual_loss", "money_by_age"]

Floats = NDArray[np.float64]
Ages = Literal["history", "today", "arrival"]
SERIES = 4
"""Begun, settled, lost, censored."""
ROUNDING = 1e-11


def count_competing(
    snapshot: Snapshot,
    months: int | None = None,
    longest: int = 730,
    tail_loss: float | None = None,
    ages: Ages = "history",
    edges: Sequence[int] = (30, 60, 90),
    by: str | None = None,
    horizon: int = FOLLOWED_MONTHS,
    recoveries: Recoveries = "known",
) -> LossCounts:
    """How long money stood open and how that ended by customer, ready to become rates.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used; what is open then is censored.
    months : int, optional
        Use only what happened in the last so many months: older money enters at the age it had then. All of
        the ledger by default.
    longest : int
        Days overdue up to which endings are counted day by day.
    tail_loss : float, optional
        Share lost of what is open after `longest` days. By default that of all that ended later than the last
        edge.
    ages : {"history", "today", "arrival"}
        How the days of a bucket are averaged: by the money that stood open on each of them in the window, by
        today's open money (where a bucket is empty today, by the window), or as the bucket is reached, on
        the day before its first.
    edges : sequence of int
        Days overdue at which a bucket ends.
    by : str, optional
        An attribute of customers that makes the segments.
    horizon : int
        Months that a balance must have been followed before its customer counts in a bound.
    recoveries : {"known", "developed"}
        What is taken off write-offs: what came back by the as-of date, or what comes back in the end
        (`develop_recoveries`); intervals take its curve as given.

    Returns
    -------
    LossCounts
        Rate of a bucket: mean over its days of the chance of being written off in the end (`eventual_loss`).

    Raises
    ------
    ModelError
        If an argument is not allowed or nothing was ever owed.
    """
    check_horizon(horizon)
    edges = check_edges(edges)
    _check(months, longest, tail_loss, ages, edges)
    since = None if months is None else snapshot.date - pd.DateOffset(months=months) + pd.Timedelta(days=1)
    slices = read_slices(snapshot, since, recoveries)
    first = min(int(slices.entry.min()), -1)
    given = _today_by_age(slices, first, longest) if ages == "today" else None

    def rates(sums: Floats, tail: float | None = tail_loss) -> Floats:
        return bucket_rates(sums, first, edges, tail, ages, given)

    terms = money_by_age(slices, first, longest, edges[-1])
    exposed, hit = _seen(slices, edges)
    segments, segment = segment_customers(snapshot, slices.customers, by)
    everyone = np.asarray(terms.sum(axis=0), dtype=float).reshape(-1)
    extremes = np.stack([rates(everyone, 0.0), rates(everyone, 1.0)])
    return LossCounts(
        "competing",
        edges,
        slices.customers,
        by,
        segments,
        segment,
        terms,
        rates,
        exposed,
        hit,
        slices.followed(edges, np.ones(slices.owner.size, dtype=bool), horizon),
        slices.today(edges),
        _conventions(snapshot, since, longest, tail_loss, ages, edges, extremes[:, -1])
        | {"recoveries": RECOVERIES[recoveries], "bounds": words_of_bounds(horizon)},
        _facts(snapshot, since, slices, longest, extremes),
        horizon=horizon,
    )


def money_by_age(slices: MoneySlices, first: int, longest: int, last_edge: int) -> sparse.csr_array:
    """Sums by customer that chances of loss by age are made of.

    Parameters
    ----------
    slices : MoneySlices
    first, longest : int
        Days overdue of the first and the last column of each series.
    last_edge : int
        Days overdue after which an ending tells of the tail.

    Returns
    -------
    sparse array of shape (customers, 4 x days + 2)
        By days overdue: money that began to be watched after the day, was settled on it (recoveries of what
        was written off with it), was lost on it, and was censored on it. Then what was lost and what ended
        after the last edge. Currency units.
    """
    days = longest - first + 1
    watched = slices.entry < longest
    net = slices.net_loss()
    ended = slices.cause != STILL_OPEN
    counted = watched & ended & (slices.exit <= longest)
    late = ended & (slices.exit > last_edge)
    leave = np.minimum(slices.exit, longest) - first
    parts = [
        (watched, slices.entry - first, slices.amount),
        (counted, days + leave, slices.amount - net),
        (counted & (net > 0), 2 * days + leave, net),
        (watched & ~counted, 3 * days + leave, slices.amount),
        (late & (net > 0), np.full_like(leave, SERIES * days), net),
        (late, np.full_like(leave, SERIES * days + 1), slices.amount),
    ]
    owners = np.concatenate([slices.owner[rows] for rows, _, _ in parts])
    columns = np.concatenate([column[rows] for rows, column, _ in parts])
    values = np.concatenate([amount[rows] for rows, _, amount in parts])
    return sum_by_customer(owners, columns, values, (slices.customers.size, SERIES * days + 2))


def eventual_loss(at_risk: Floats, settled: Floats, lost: Floats, tail_loss: Floats) -> Floats:
    """Chance of being lost in the end for money that is open after each day.

    Parameters
    ----------
    at_risk, settled, lost : arrays of shape (..., days)
        Money at risk on each day, and of it what was settled and what was lost on it.
    tail_loss : array of shape (...)
        Share lost of what is open after the last day.

    Returns
    -------
    array of shape (..., days)

    Notes
    -----
    Aalen and Johansen (1978), given that money is open: with the hazards of a day, ``l = lost / at risk`` and
    ``h = (lost + settled) / at risk``, the chance before it is ``l + (1 - h)`` times the chance after it. On
    a day without money at risk nothing happens.

    Examples
    --------
    >>> eventual_loss(np.array([10.0, 8.0]), np.array([2.0, 4.0]), np.array([0.0, 2.0]), np.array(1.0))
    array([0.5, 1. ])
    """
    out, chance = np.empty(at_risk.shape), np.asarray(tail_loss, dtype=float)
    seen = at_risk > 0
    lose = np.divide(lost, at_risk, out=np.zeros(at_risk.shape), where=seen)
    stay = 1.0 - lose - np.divide(settled, at_risk, out=np.zeros(at_risk.shape), where=seen)
    for day in range(at_risk.shape[-1] - 1, -1, -1):
        out[..., day] = chance
        chance = lose[..., day] + np.maximum(stay[..., day], 0.0) * chance
    return out


def bucket_rates(
    sums: Floats,
    first: int,
    edges: Sequence[int],
    tail_loss: float | None,
    ages: Ages,
    given: Floats | None = None,
) -> Floats:
    """Loss rates by bucket from sums made by `money_by_age`.

    Parameters
    ----------
    sums : array of shape (..., 4 x days + 2)
    first : int
        Days overdue of the first column.
    edges, tail_loss, ages
        As in `count_competing`.
    given : array of shape (days,), optional
        Today's money by days overdue.

    Returns
    -------
    array of shape (..., buckets)
        Missing where no money was ever at risk in a bucket, or nothing ended late and the tail is not given.
    """
    series = np.maximum(sums[..., :-2].reshape(*sums.shape[:-1], SERIES, -1), 0.0)
    begun, settled, lost, censored = (series[..., k, :] for k in range(SERIES))
    gone = settled + lost + censored
    at_risk = np.cumsum(begun, axis=-1) - begun - (np.cumsum(gone, axis=-1) - gone)
    at_risk = np.where(at_risk > ROUNDING * begun.sum(axis=-1, keepdims=True), at_risk, 0.0)
    chance = eventual_loss(at_risk, settled, lost, _tail(sums, tail_loss))
    standing = np.maximum(at_risk - settled - lost, 0.0)
    days = first + np.arange(begun.shape[-1])
    place = np.searchsorted([0, *edges], days, side="left")
    out = []
    for bucket in range(len(edges) + 2):
        inside = place == bucket
        weights = standing * inside
        if ages == "arrival":
            weights = begun * inside if bucket == 0 else standing * (days == [0, *edges][bucket - 1])
        elif given is not None and (given * inside).sum() > 0:
            weights = np.broadcast_to(given * inside, chance.shape)
        total = weights.sum(axis=-1)
        mean = np.divide(
            (weights * chance).sum(axis=-1), total, out=np.full(total.shape, np.nan), where=total > 0
        )
        out.append(mean)
    return np.asarray(np.clip(np.stack(out, axis=-1), 0.0, 1.0), dtype=float)


def _tail(sums: Floats, tail_loss: float | None) -> Floats:
    """Share lost of what is open after the longest age; all of it where nothing is known to end so late."""
    if tail_loss is not None:
        return np.full(sums.shape[:-1], tail_loss)
    lost, ended = np.maximum(sums[..., -2], 0.0), np.maximum(sums[..., -1], 0.0)
    share = np.divide(lost, ended, out=np.ones(lost.shape), where=ended > 0)
    return np.asarray(np.clip(share, 0.0, 1.0), dtype=float)


def _check(months: int | None, longest: int, tail: float | None, ages: str, edges: Sequence[int]) -> None:
    if months is not None and months < 1:
        raise ModelError(f"months={months}: at least 1, or None for all")
    if longest <= edges[-1]:
        raise ModelError(f"longest={longest} days must lie beyond the last edge, {edges[-1]}")
    if tail is not None and not 0 <= tail <= 1:
        raise ModelError(f"tail loss is a fraction between 0 and 1, got {tail}")
    if ages not in get_args(Ages):
        raise ModelError(f"ages is one of {get_args(Ages)}, not {ages!r}")


def _today_by_age(slices: MoneySlices, first: int, longest: int) -> Floats:
    """Today's open money of all customers by days overdue, the longest with all that is older."""
    rows = slices.cause == STILL_OPEN
    place = np.clip(slices.exit[rows], first, longest) - first
    return np.bincount(place, slices.amount[rows], longest - first + 1).astype(float)


def _seen(slices: MoneySlices, edges: Sequence[int]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether customers had money at risk in each bucket, and lost of it."""
    buckets = len(edges) + 2
    young = np.searchsorted([0, *edges], slices.entry + 1, side="left")
    old = slices.bucket(edges)
    lost = slices.net_loss() > 0
    exposed, hit = (np.zeros((slices.customers.size, buckets), dtype=bool) for _ in range(2))
    for bucket in range(buckets):
        there = (young <= bucket) & (old >= bucket) & (slices.amount > 0)
        exposed[slices.owner[there], bucket] = True
        hit[slices.owner[there & lost], bucket] = True
    return exposed, hit


def _facts(
    snapshot: Snapshot, since: pd.Timestamp | None, slices: MoneySlices, longest: int, extremes: Floats
) -> dict[str, Any]:
    old = (slices.cause == STILL_OPEN) & (slices.exit > longest)
    return {
        "window": (since if since is not None else snapshot.first_date, snapshot.date),
        "longest": longest,
        "open_beyond_longest": float(slices.amount[old].sum()),
        "rates_if_no_tail_is_lost": extremes[0],
        "rates_if_all_tail_is_lost": extremes[1],
    }


def _conventions(
    snapshot: Snapshot,
    since: pd.Timestamp | None,
    longest: int,
    tail: float | None,
    ages: Ages,
    edges: Sequence[int],
    extremes: Floats,
) -> dict[str, str]:
    begin = since if since is not None else snapshot.first_date
    share = f"as what ended over {edges[-1]} days overdue" if tail is None else f"given, {tail:.2%}"
    low, high = extremes
    return {
        "rates": "chance of being written off in the end against being paid or credited (Aalen-Johansen)",
        "window": f"{begin:%Y-%m-%d} to {snapshot.date:%Y-%m-%d}; older money enters at the age it had then",
        "clock": "days since due, each settlement on its own day; open money censored on the as-of date",
        "ages": {
            "history": "days of a bucket weighted by the money that stood open on them in the window",
            "today": "days of a bucket weighted by today's open money of all customers",
            "arrival": "chance when money reaches the bucket",
        }[ages],
        "tail": f"open {longest} days overdue: {share}; were none or all of it lost, the rate over "
        f"{edges[-1]} days would be {low:.2%} or {high:.2%}",
        "unit": "items: each settlement by itself",
        "credit notes": "settled",
        "undated items": "due when issued",
    }
