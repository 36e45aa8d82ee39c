"""What a year of a grade's sales is worth on given terms, by draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from arrisk.policy.grade_terms.book import GradeBook
from arrisk.policy.grade_terms.value import credit_cost, sale_value
from arrisk.policy.terms.inputs import TermsInputs
from arrisk.policy.terms.volume import caught_of_mix, days_taken, sales_ratio

__all__ = ["TermsWorth", "break_even_elasticity", "value_terms"]

SEARCH = (-0.5, 2.0)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class TermsWorth:
    """A year of one grade on some terms, by draw; currency units a year, of shape (1 + draws,).

    Parameters
    ----------
    value : array
        Net present value of the year's sales: margin less waiting less expected loss.
    loss : array
        The expected loss in it.
    sales : array
    days : array
        From delivery to payment, mean by sales.
    """

    value: Floats
    loss: Floats
    sales: Floats
    days: Floats


def value_terms(
    book: GradeBook,
    inputs: TermsInputs,
    grade: int,
    terms: float | None,
    elasticity: ArrayLike | None = None,
) -> TermsWorth:
    """Value a year of a grade's sales, all on some terms or each on today's.

    Parameters
    ----------
    book : GradeBook
        Sales by today's terms, and the usual delay.
    inputs : TermsInputs
    grade : int
        Row of the book.
    terms : float or None
        Days; None leaves every sale on its terms of today.
    elasticity : array_like, optional
        In place of the draws.

    Returns
    -------
    TermsWorth

    Notes
    -----
    Sales ``s`` on ``d`` days become ``s (1 + e) ** ((terms - d) / 30)``. They are paid after
    ``d + delay + slope (terms - d)`` days. A default catches them over the terms and the overrun, the sales
    won or lost at `extra_pd_ratio` times the grade's hazard. Each is worth what `sale_value` says.
    """
    base, seen = inputs.base, book.table.iloc[grade]
    rate = inputs.elasticity if elasticity is None else np.asarray(elasticity, dtype=float)
    value, loss, sold, waited = (np.zeros_like(base.margin) for _ in range(4))
    own = book.sold[book.sold["grade"] == seen["grade"]]
    for days, sales in zip(own["days"], own["sales"], strict=True):
        asked = float(days) if terms is None else float(terms)
        ratio = sales_ratio(rate, asked - days)
        out = days_taken(asked, days, seen["delay"], inputs.slope)
        caught = caught_of_mix(base.caught(grade, asked), ratio, inputs.extra_pd_ratio)
        money = sales * ratio
        value += money * sale_value(base.margin, _cost(inputs, caught, out))
        loss += money * (_cost(inputs, caught, out) - _cost(inputs, np.zeros_like(caught), out))
        sold += money
        waited += money * out
    return TermsWorth(value, loss, sold, waited / np.where(sold > 0, sold, 1.0))


def _cost(inputs: TermsInputs, caught: Floats, days: Floats) -> Floats:
    base = inputs.base
    return credit_cost(caught, days, lgd=base.lgd, cost_of_capital=base.cost_of_capital)


def break_even_elasticity(book: GradeBook, inputs: TermsInputs, grade: int, terms: float) -> float:
    """Elasticity at which some terms are worth on average over the draws what today's are.

    Returns
    -------
    float
        Relative change of sales per 30 days; NaN when none from -50% to +200% does it.
    """
    now = float(value_terms(book, inputs, grade, None).value[1:].mean())

    def gain(elasticity: float) -> float:
        return float(value_terms(book, inputs, grade, terms, elasticity).value[1:].mean()) - now

    grid = np.array([SEARCH[0], -0.2, -0.05, 0.0, 0.05, 0.2, 0.5, SEARCH[1]])
    found = np.array([gain(e) for e in grid])
    turns = np.flatnonzero(np.sign(found[:-1]) * np.sign(found[1:]) < 0)
    if not turns.size:
        return float("nan")
    # Of several crossings the one nearest to no effect at all is the number that a reader needs.
    first = turns[np.argmin(np.abs(grid[turns] + grid[turns + 1]))]
    return float(optimize.brentq(gain, grid[first], grid[first + 1], xtol=1e-10))
