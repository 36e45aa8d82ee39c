"""The tally of a draw: amounts of takers by reluctance, threshold and day, from which schemes are looked up.

A customer takes whatever is worth more than his reluctance. So amounts are counted once by the number of the
first return that he takes, the thresholds reached and the class of the day, and cumulated; every scheme then
is a few numbers of the result, however many there are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrisk.policy.arithmetic import discount_factor
from arrisk.policy.discount.book import Book
from arrisk.policy.discount.outcomes import Outcome
from arrisk.policy.discount.plan import Plan
from arrisk.policy.discount.response import take_up_at
from arrisk.policy.discount.tally import Factors, Tally, Terms
from arrisk.policy.discount.timing import DAYS
from arrisk.policy.discount.value import Values

__all__ = ["count_takers", "value_schemes"]

YEAR = 365
Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]


def count_takers(
    plan: Plan, book: Book, outcome: Outcome, amount: Floats, rank: Ints, cost_of_capital: float
) -> Tally:
    """Tally one draw.

    Parameters
    ----------
    plan, book, outcome
        See there.
    amount : array, invoices
        Amounts under the draw's weights of customers.
    rank : array, customers
        Number of the first return of the segment that the customer takes; as many as there are for never.
    cost_of_capital : float
    """
    segments, thresholds, _ = plan.shape
    ranks, classes = max(map(len, plan.returns)) + 1, plan.classes
    factor = discount_factor(cost_of_capital, np.arange(DAYS))
    kind = np.searchsorted(plan.edges, np.arange(DAYS), side="left")
    mine = ((book.segment * ranks + rank) * (thresholds + 1)) * classes
    where = np.repeat(mine, book.number) + book.reached * classes
    key, worth = where + kind.take(outcome.day), amount * factor.take(outcome.day)
    size, shape = segments * ranks * (thresholds + 1) * classes, (segments, ranks, thresholds + 1, classes)
    rows = outcome.lost
    lost = np.bincount(where[rows] + kind[outcome.until], worth[rows] * outcome.severity, size)
    sums = [np.bincount(key, w, size) for w in (amount, worth, amount * outcome.day)] + [lost]
    grids = [_cumulate(np.asarray(x, dtype=float).reshape(shape)) for x in sums]
    at = (plan.segment, plan.place, plan.threshold)
    total, present, gone = (grids[k][:, -1].sum(axis=2) for k in (0, 1, 3))
    return Tally(Terms(*(g[at] for g in grids)), total, present - gone)


def _cumulate(sums: Floats) -> Floats:
    """All who take at a return, with all that reaches a threshold: segments x ranks x thresholds x days."""
    beyond = sums[:, :, :0:-1].cumsum(axis=2)[:, :, ::-1]
    return np.asarray(beyond.cumsum(axis=1), dtype=float)


def value_schemes(plan: Plan, tally: Tally, factors: Factors) -> Values:
    """Value the schemes of a plan on a tally: arrays of length schemes.

    Notes
    -----
    `arrisk.policy.arithmetic.scheme_value`, invoice by invoice: takers pay less the discount on the last day
    of their step, or on their usual day if that comes first. What they would have lost is saved, as far as
    `default_relief` goes, when both the usual day and the default come later. Extra sales are in
    proportion to the average price cut, paid as the sales are, and cost their variable cost at once.
    """
    got, on_day = tally.terms, discount_factor(factors.cost_of_capital, plan.day)
    all_amount, early_amount = got.amount.sum(axis=1), (got.amount * plan.within).sum(axis=1)
    moved = all_amount - early_amount
    paid = (got.present * plan.within).sum(axis=1) + on_day * moved
    cut = (got.present * plan.rates).sum(axis=1) + plan.rate * on_day * moved
    usual, lost = got.present.sum(axis=1), got.lost.sum(axis=1)
    saved = factors.default_relief * (lost - (got.lost * plan.within).sum(axis=1))
    time = ((got.time - plan.day[:, None] * got.amount) * (1 - plan.within)).sum(axis=1)
    paid, cut, usual, lost, saved, time, taken, early = (
        plan.sum_terms(x) for x in (paid, cut, usual, lost, saved, time, all_amount, early_amount)
    )
    extra = factors.sales_effect * _price_cut(plan, factors)
    each = (tally.present, tally.amount)
    present, amount = (np.repeat(x.ravel(), plan.shape[2]) for x in each)
    mix = present - (usual - lost) + paid - cut
    value = paid - usual + saved - cut + extra * (mix - (1 - factors.gross_margin) * amount)
    return Values(value, cut / plan.top * (1 + extra), time / YEAR, taken, early)


def _price_cut(plan: Plan, factors: Factors) -> Floats:
    """Average price cut of each scheme, relative to that of the reference scheme."""
    base = factors.take_up[plan.segment]
    share = take_up_at(base, factors.take_up_elasticity, plan.log_return)
    return plan.sum_terms(share * plan.rate / (np.maximum(base, 1e-9) * plan.reference.rate))
