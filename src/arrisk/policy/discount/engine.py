"""Draws of a book valued under every scheme, chunk by chunk: common random numbers for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray

from arrisk.policy.assumptions import Assumption
from arrisk.policy.discount.book import Book
from arrisk.policy.discount.draws import Draws, Reference, draw
from arrisk.policy.discount.expected import expect_days, expect_takers, speed_groups, sum_classes
from arrisk.policy.discount.history import DiscountHistory
from arrisk.policy.discount.lookup import count_takers, value_schemes
from arrisk.policy.discount.outcomes import Outcome, draw_outcome, prepare
from arrisk.policy.discount.plan import Plan, Steps, make_plan
from arrisk.policy.discount.response import reluctance, threshold_return
from arrisk.policy.discount.tally import Factors
from arrisk.policy.discount.value import Values, stack_values

__all__ = ["CHUNK", "Offered", "expect_offers", "make_offered", "simulate_offers"]

CHUNK = 100
Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Offered:
    """Schemes on a part of a book; make one with `make_offered`.

    Parameters
    ----------
    book : Book
        The invoices that the schemes are for.
    rows : array of int
        Their numbers in the whole book.
    plan : Plan
    running : bool
        Whether these are the invoices of the running scheme: take-up is then that of those offered now.
    group, group_segment : array of int
        Speed group of each customer, and segment of each group.
    """

    book: Book
    rows: Ints
    plan: Plan
    running: bool
    group: Ints
    group_segment: Ints

    def factors(self, draws: Draws, number: int) -> Factors:
        """One draw of the assumptions."""
        take_up = draws.take_up_now if self.running else draws.take_up
        names = [f for f in Factors.__dataclass_fields__ if f != "take_up"]
        return Factors(take_up[number], **{name: float(getattr(draws, name)[number]) for name in names})

    def outcome(self, whole: Outcome) -> Outcome:
        """The part of a draw that concerns these invoices."""
        if len(self.rows) == len(whole.day):
            return whole
        place = np.full(len(whole.day), -1)
        place[self.rows] = np.arange(len(self.rows))
        mine = place[whole.lost] >= 0
        return Outcome(whole.day[self.rows], place[whole.lost[mine]], whole.until[mine], whole.severity[mine])


def make_offered(
    history: DiscountHistory,
    thresholds: Sequence[float],
    offers: Sequence[Steps],
    reference: Reference,
    *,
    running: bool = False,
) -> Offered:
    """Lay out schemes (steps of day and rate) on a history's book, or on what the running scheme covers."""
    book = history.book
    rows = np.flatnonzero(book.offered) if running else np.arange(len(book.amount))
    edges = np.sort(np.asarray(thresholds, dtype=float))
    part = book.only(rows, np.searchsorted(edges, book.amount[rows], side="right"))
    days = expect_days(part, history.timing, len(edges))
    group, group_segment = speed_groups(history.timing, book.segment)
    plan = make_plan(part, days, edges, offers, reference)
    return Offered(part, rows, plan, running, group, group_segment)


def expect_offers(history: DiscountHistory, offered: Offered, draws: Draws) -> Values:
    """Values without chance in what customers do: arrays n x segments x thresholds x offers."""
    days = expect_days(offered.book, history.timing, offered.plan.shape[1])
    plan, parts = offered.plan, []
    known = {k: sum_classes(plan, days, k) for k in np.unique(draws.cost_of_capital).tolist()}
    for number in range(len(draws.weights)):
        factors = offered.factors(draws, number)
        tally = expect_takers(plan, days, known[factors.cost_of_capital], factors)
        parts.append(value_schemes(plan, tally, factors))
    return _shape(parts, offered.plan)


def simulate_offers(
    history: DiscountHistory,
    offers: Sequence[Offered],
    assumptions: tuple[Assumption, ...],
    draws: int,
    seed: int,
    n_jobs: int,
) -> list[Values]:
    """Value schemes on common draws: of each of `offers` arrays draws x segments x thresholds x schemes."""
    # Threads: a process of its own takes longer to start than most grids take, and memory for each.
    sizes = [min(CHUNK, draws - start) for start in range(0, draws, CHUNK)]
    seeds = np.random.SeedSequence(seed).spawn(len(sizes))
    parts = joblib.Parallel(n_jobs=n_jobs, prefer="threads")(
        joblib.delayed(_simulate_chunk)(history, offers, assumptions, size, child)
        for size, child in zip(sizes, seeds, strict=True)
    )
    return [stack_values([p[k] for p in parts], np.concatenate) for k in range(len(offers))]


def _simulate_chunk(
    history: DiscountHistory,
    offers: Sequence[Offered],
    assumptions: tuple[Assumption, ...],
    size: int,
    seed: np.random.SeedSequence,
) -> list[Values]:
    rng = np.random.default_rng(seed)
    draws = draw(history, assumptions, size, rng)
    book, timing = history.book, history.timing
    known, curves = prepare(book, timing), timing.curves(draws.weights)
    paid, chance = curves.paid_share(), curves.default_chance()
    parts: list[list[Values]] = [[] for _ in offers]
    for number in range(size):
        outcome = draw_outcome(
            book, timing, known, paid[number], curves.defaulted[number], curves.severity[number],
            chance[number], rng,
        )  # fmt: skip
        luck, within = rng.random((2, history.customers))
        for part, offered in zip(parts, offers, strict=True):
            factors = offered.factors(draws, number)
            part.append(value_draw(offered, outcome, draws.weights[number], factors, luck, within))
    return [_shape(part, o.plan) for part, o in zip(parts, offers, strict=True)]


def value_draw(
    offered: Offered, outcome: Outcome, weights: Floats, factors: Factors, luck: Floats, within: Floats
) -> Values:
    """Value every scheme on one draw.

    Parameters
    ----------
    offered : Offered
    outcome : Outcome
        Of the whole book.
    weights : array, customers
        A year's sales are reweighted by customer, those of a segment keeping their sum; what is open is as
        it is.
    factors : Factors
    luck, within : arrays, customers
        Uniform numbers: who takes, and the order of customers equally fast.
    """
    book, plan = offered.book, offered.plan
    scale = weight_sales(offered, weights)
    needed = needed_take_up(offered, scale, factors, luck, within)
    rank = np.zeros(len(needed), dtype=np.int64)
    for segment, returns in enumerate(plan.returns):
        mine = book.segment == segment
        limit = threshold_return(needed[mine], np.array(factors.take_up[segment]), factors.take_up_elasticity)
        rank[mine] = np.searchsorted(returns, limit, side="right")
    amount = book.amount * np.repeat(scale, book.number)
    tally = count_takers(plan, book, offered.outcome(outcome), amount, rank, factors.cost_of_capital)
    return value_schemes(plan, tally, factors)


def weight_sales(offered: Offered, weights: Floats) -> Floats:
    """Weight of every customer's amounts in one draw."""
    book = offered.book
    if book.kind == "open":
        return np.ones(len(weights))
    held = book.held
    size = offered.plan.shape[0]
    total, drawn = (np.bincount(book.segment, x, size) for x in (held, held * weights))
    return np.asarray(weights * (total / np.where(drawn > 0, drawn, 1.0))[book.segment], dtype=float)


def needed_take_up(offered: Offered, scale: Floats, factors: Factors, luck: Floats, within: Floats) -> Floats:
    """Take-up above which each customer takes, in one draw."""
    book, segments = offered.book, offered.plan.shape[0]
    held = np.bincount(offered.group, book.held * scale, len(offered.group_segment))
    base = np.concatenate([[0.0], np.bincount(offered.group_segment, held, segments).cumsum()])
    size = np.maximum(np.diff(base), 1e-9)[offered.group_segment]
    low = (np.concatenate([[0.0], held.cumsum()[:-1]]) - base[offered.group_segment]) / size
    faster = low[offered.group] + within * (held / size)[offered.group]
    return reluctance(factors.already_early, np.maximum(faster, 0.0), luck)


def _shape(parts: Sequence[Values], plan: Plan) -> Values:
    return stack_values(parts).each(lambda x: x.reshape(len(parts), *plan.shape))
