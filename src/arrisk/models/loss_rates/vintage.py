"""Loss rates of vintages: the losses of invoice months or quarters, completed by the chain ladder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from arrisk.display import money
from arrisk.errors import ModelError
from arrisk.ledger.days import dates
from arrisk.models.loss_rates.customer_moves import sum_by_customer
from arrisk.models.loss_rates.loss_counts import (
    FOLLOWED_MONTHS,
    LossCounts,
    check_horizon,
    words_of_bounds,
)
from arrisk.models.loss_rates.mack import additive_error, check_triangle, fit_mack
from arrisk.models.loss_rates.month_ends import RECOVERIES, Recoveries
from arrisk.models.loss_rates.segments import segment_customers
from arrisk.models.loss_rates.slices import STILL_OPEN, MoneySlices, check_edges, read_slices
from arrisk.models.triangle import development_factors, month_blocks

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["Development", "Period", "Vintages", "complete_losses", "count_vintages", "vintage_rates"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Period = Literal["month", "quarter"]
Development = Literal["chain_ladder", "additive"]
MONTHS: dict[str, int] = {"month": 1, "quarter": 3}
LEAST_PERIODS = 4
TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Vintages:
    """How the sums of vintages lie in a row of terms.

    Attributes
    ----------
    periods : int
        Months or quarters of issue.
    buckets : int
    """

    periods: int
    buckets: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """Lost by vintage and age; sold by vintage; open at the end of each age by vintage, age and bucket;
        what left each bucket but the last for an older one, and what left it at all."""
        n, b = self.periods, self.buckets
        return n * n, n, n * n * b, b - 1, b - 1

    def split(self, sums: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """The parts of sums of shape (..., terms), none below zero."""
        parts = np.split(np.maximum(sums, 0.0), np.cumsum(self.sizes)[:-1], axis=-1)
        lead, n = sums.shape[:-1], self.periods
        lost, sold, owed, older, left = parts
        return lost.reshape(*lead, n, n), sold, owed.reshape(*lead, n, n, self.buckets), older, left


def count_vintages(
    snapshot: Snapshot,
    period: Period = "month",
    months: int | None = None,
    development: Development = "chain_ladder",
    edges: Sequence[int] = (30, 60, 90),
    by: str | None = None,
    horizon: int = FOLLOWED_MONTHS,
    recoveries: Recoveries = "known",
) -> LossCounts:
    """Losses of vintages by customer, ready to be completed and become rates.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    period : {"month", "quarter"}
        Length of a vintage and of a step of its age; periods are counted back from the as-of date.
    months : int, optional
        Use only what was issued in the last so many months; all of the ledger by default.
    development : {"chain_ladder", "additive"}
        "chain_ladder": a vintage's loss grows by the development factors; where it has lost nothing yet, or
        no vintage had by that age, it grows by the share of sales that others lost at that age. "additive":
        by that share throughout, which is steadier when losses are few.
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
        Rate of a bucket: see `vintage_rates`.

    Raises
    ------
    ModelError
        If the ledger is younger than four periods, or an argument is not allowed.
    """
    check_horizon(horizon)
    edges = check_edges(edges)
    _check(period, months, development)
    slices = read_slices(snapshot, recoveries=recoveries)
    ends = _periods(slices, MONTHS[period], months)
    if ends.size - 1 < LEAST_PERIODS:
        seen = f"{ends.size - 1} {period}s of issue"
        raise ModelError(f"a triangle needs at least {LEAST_PERIODS} periods, the ledger has {seen}")
    layout = Vintages(ends.size - 1, len(edges) + 2)
    inside = slices.issued > ends[0]
    terms = _terms(slices, inside, ends, layout, edges)
    segments, segment = segment_customers(snapshot, slices.customers, by)
    stood = slices.stood(edges, inside)
    losers = np.bincount(slices.owner[inside], slices.net_loss()[inside], slices.customers.size) > 0
    facts = _facts(terms, layout, ends, development)
    return LossCounts(
        "vintage",
        edges,
        slices.customers,
        by,
        segments,
        segment,
        terms,
        lambda sums: vintage_rates(sums, layout, development),
        stood,
        stood & losers[:, None],
        slices.followed(edges, inside, horizon),
        slices.today(edges),
        _conventions(facts, period, development, snapshot.currency)
        | {"recoveries": RECOVERIES[recoveries], "bounds": words_of_bounds(horizon)},
        facts,
        horizon=horizon,
    )


def complete_losses(lost: Floats, sold: Floats, development: Development = "chain_ladder") -> Floats:
    """Losses of vintages at all ages, known or expected.

    Parameters
    ----------
    lost : array of shape (..., periods, periods)
        Lost of each vintage at each age; what lies in the future is not read.
    sold : array of shape (..., periods)
    development : {"chain_ladder", "additive"}
        See `count_vintages`.

    Returns
    -------
    array of shape (..., periods, periods)
        Cumulated. No loss comes after the last age.

    Examples
    --------
    Of 100 sold the first vintage lost 2 in the first period and 2 in the second.

    >>> complete_losses(np.array([[2.0, 2.0], [3.0, 0.0]]), np.array([100.0, 100.0])).tolist()
    [[2.0, 4.0], [3.0, 6.0]]
    >>> complete_losses(np.array([[2.0, 2.0], [3.0, 0.0]]), np.array([100.0, 100.0]), "additive").tolist()
    [[2.0, 4.0], [3.0, 5.0]]
    """
    n = sold.shape[-1]
    known = _known(n)
    out = np.where(known, np.cumsum(np.where(known, lost, 0.0), axis=-1), np.nan)
    factors = development_factors(out)
    for age in range(n - 1):
        base = sold[..., : n - 1 - age].sum(axis=-1)
        came = lost[..., : n - 1 - age, age + 1].sum(axis=-1)
        share = np.divide(came, base, out=np.zeros(base.shape), where=base > 0)
        before, factor = out[..., age], factors[..., age, None]
        grows = (before > 0) & np.isfinite(factor) & (development == "chain_ladder")
        more = np.where(grows, before * (np.nan_to_num(factor) - 1.0), sold * share[..., None])
        out[..., age + 1] = np.where(known[:, age + 1], out[..., age + 1], before + more)
    return np.asarray(out, dtype=float)


def vintage_rates(sums: Floats, layout: Vintages, development: Development = "chain_ladder") -> Floats:
    """Loss rates by bucket from the sums of vintages.

    Parameters
    ----------
    sums : array of shape (..., terms)
    layout : Vintages
    development : {"chain_ladder", "additive"}

    Returns
    -------
    array of shape (..., buckets)

    Notes
    -----
    At the end of each period past, the later loss of a vintage (its ultimate less what it had lost by then)
    lies on the money it had open then. It is shared over the buckets in proportion to open money divided by
    the share of sales that reaches the bucket, because the chance of loss grows as others pay; no more than
    was open can be lost. The rate of a bucket is what fell on it over what was open in it, both summed over
    vintages and ages. The share that reaches a bucket is the product, over the buckets before, of what left
    them for an older one over what left them; what was written off left for an older one.
    """
    lost, sold, owed, older, left = layout.split(sums)
    later = _later(lost, complete_losses(lost, sold, development))
    passed = np.divide(older, left, out=np.ones(left.shape), where=left > 0)
    reach = np.concatenate([np.ones((*passed.shape[:-1], 1)), np.cumprod(passed, axis=-1)], axis=-1)
    falls = _spread(later, owed, reach).sum(axis=(-3, -2))
    balance = owed.sum(axis=(-3, -2))
    rate = np.divide(falls, balance, out=np.full(balance.shape, np.nan), where=balance > 0)
    return np.asarray(np.clip(rate, 0.0, 1.0), dtype=float)


def _known(periods: int) -> NDArray[np.bool_]:
    """Which ages of which vintages lie in the past, shape (periods, periods)."""
    return np.add.outer(np.arange(periods), np.arange(periods)) < periods


def _later(lost: Floats, full: Floats) -> Floats:
    """What vintages lose after each age past, zero at ages to come, shape (..., vintages, ages)."""
    known = _known(lost.shape[-1])
    by_then = np.cumsum(np.where(known, lost, 0.0), axis=-1)
    return np.where(known, np.maximum(full[..., -1:] - by_then, 0.0), 0.0)


def _spread(later: Floats, owed: Floats, reach: Floats) -> Floats:
    """Later losses of vintages shared over the money they had open; never more than that."""
    weight = owed / np.maximum(reach, TINY)[..., None, None, :]
    total = weight.sum(axis=-1, keepdims=True)
    share = np.divide(weight, total, out=np.zeros(weight.shape), where=total > 0)
    return np.asarray(np.minimum(later[..., None] * share, owed), dtype=float)


def _check(period: str, months: int | None, development: str) -> None:
    if period not in get_args(Period) or development not in get_args(Development):
        allowed = f"period is one of {get_args(Period)}, development one of {get_args(Development)}"
        raise ModelError(f"{allowed}, not {period!r} and {development!r}")
    if months is not None and months < MONTHS[period] * LEAST_PERIODS:
        raise ModelError(f"months={months}: at least {MONTHS[period] * LEAST_PERIODS}, or None for all")


def _periods(slices: MoneySlices, step: int, months: int | None) -> Ints:
    """Day numbers that end the periods, counted back from the as-of date to before the first issue."""
    first = int(slices.issued.min())
    ends = month_blocks(slices.day, first - 31 * step, 0)[::-1][::step][::-1]
    ends = ends[max(int(np.searchsorted(ends, first, side="left")) - 1, 0) :]
    return ends if months is None else ends[-(months // step + 1) :]


def _terms(
    slices: MoneySlices, inside: NDArray[np.bool_], ends: Ints, layout: Vintages, edges: Sequence[int]
) -> sparse.csr_array:
    """Sums by customer as `Vintages` lays them out."""
    n, buckets = layout.periods, layout.buckets
    begin = np.concatenate([[0], np.cumsum(layout.sizes)])
    origin = np.searchsorted(ends, slices.issued, side="left") - 1
    age = np.searchsorted(ends, slices.left, side="left") - 1 - origin
    net, reached = slices.net_loss(), slices.reached(edges)
    waiting = inside & (slices.cause == STILL_OPEN)
    parts = [
        (inside & (net > 0), origin * n + age, net),
        (inside, begin[1] + origin, slices.amount),
    ]
    for period in range(n):
        was_open = inside & (origin <= period) & (waiting | (origin + age > period))
        bucket = np.searchsorted([0, *edges], ends[period + 1] - slices.due, side="left")
        place = begin[2] + (origin * n + period - origin) * buckets + bucket
        parts.append((was_open, place, slices.amount))
    for k in range(buckets - 1):
        older = inside & (reached > k)
        settled = inside & (reached == k) & ~waiting
        parts.append((older, np.full(origin.size, begin[3] + k), slices.amount))
        parts.append((older | settled, np.full(origin.size, begin[4] + k), slices.amount))
    owners, columns, values = (
        np.concatenate(part)
        for part in zip(*((slices.owner[r], c[r], v[r]) for r, c, v in parts), strict=True)
    )
    return sum_by_customer(
        owners.astype(np.int64), columns.astype(np.int64), values, (slices.customers.size, int(begin[-1]))
    )


def _facts(terms: sparse.csr_array, layout: Vintages, ends: Ints, development: Development) -> dict[str, Any]:
    """The triangle of all customers, its chain ladder, and how what it expects falls on open money."""
    sums = np.asarray(terms.sum(axis=0), dtype=float).reshape(-1)
    lost, sold, _, _, _ = layout.split(sums)
    n = layout.periods
    triangle = np.where(_known(n), np.cumsum(lost, axis=-1), np.nan)
    later = _later(lost, complete_losses(lost, sold, development))[np.arange(n), n - 1 - np.arange(n)]
    mack = fit_mack(triangle)
    by_customer = np.asarray(terms[:, : n * n].sum(axis=1), dtype=float).reshape(-1)
    days = pd.DatetimeIndex(dates(ends))
    return {
        "window": (days[0] + pd.Timedelta(days=1), days[-1]),
        "months": n,
        "triangle": pd.DataFrame(triangle, index=pd.Index(days[1:], name="issued_by")),
        "sales": sold,
        "expected_later_loss": float(later.sum()),
        "by_factors": mack.total,
        "mack_error": mack.total_error,
        "by_shares": additive_error(lost, sold),
        "chain_ladder": mack,
        "checks": check_triangle(triangle),
        "periods_with_losses": int((np.nanmax(triangle, axis=1) > 0).sum()),
        "largest_loser_share": float(by_customer.max() / by_customer.sum())
        if by_customer.sum() > 0
        else None,
    }


def _conventions(
    facts: dict[str, Any], period: Period, development: Development, currency: str
) -> dict[str, str]:
    start, end = facts["window"]
    return {
        "rates": "what vintages lost or will lose after each period past, over what they had open then",
        "window": f"invoices of {start:%Y-%m-%d} to {end:%Y-%m-%d}, {facts['months']} {period}s of issue",
        "development": {
            "chain_ladder": "volume-weighted development factors of net write-offs; without a loss to grow, "
            "the share of sales that others lost at that age",
            "additive": "share of sales lost at each age by the vintages that have reached it",
        }[development],
        "tail": f"no loss after {facts['months']} {period}s",
        "from vintages to buckets": "within a vintage and age in proportion to open money over the share of "
        "sales that reaches the bucket; at most what was open",
        "expected later loss": f"{money(facts['expected_later_loss'], currency)} of all vintages together, "
        "whatever they have open: the chain ladder's own total, beside that of the rates",
        "model-based error": _words_of_error(facts, currency, period),
        "assumptions": _words_of_checks(facts, period),
        "unit": "items: each settlement by itself",
        "credit notes": "settled",
        "undated items": "due when issued",
    }


def _words_of_error(facts: dict[str, Any], currency: str, period: Period) -> str:
    later, error = facts["by_shares"]
    words = [
        f"{money(error, currency)} of the {money(later, currency)} that shares of sales expect (additive)"
    ]
    if facts["mack_error"] > 0:
        grown = (
            f"the {money(facts['by_factors'], currency)} that factors expect where there is a loss to grow"
        )
        words.append(f"{money(facts['mack_error'], currency)} of {grown} (Mack)")
    else:
        words.append(f"too few {period}s with losses for Mack's")
    return (
        f"standard errors {', '.join(words)}; they take vintages as independent, and customers that lose in "
        "several of them make them too small"
    )


def _words_of_checks(facts: dict[str, Any], period: Period) -> str:
    words = [f"losses in {facts['periods_with_losses']} of {facts['months']} {period}s"]
    if facts["largest_loser_share"] is not None:
        words.append(f"{facts['largest_loser_share']:.0%} of them one customer's")
    verdicts = {True: "no sign", False: "a sign", None: "too few figures to tell"}
    for name, holds in zip(facts["checks"]["check"], facts["checks"]["holds"], strict=True):
        told = {
            "calendar effects": "of calendar effects",
            "successive factors": "of factors that depend on the last",
        }
        words.append(f"{verdicts[None if pd.isna(holds) else bool(holds)]} {told[name]}")
    return "; ".join(words)
