"""Draws of customers and assumptions that all discount schemes share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from arrisk.policy.assumptions import KNOWN, TYPICAL_SOURCE, Assumption, find
from arrisk.policy.discount.history import DiscountHistory

__all__ = ["USUAL_TERMS", "Draws", "Reference", "choose_assumptions", "draw", "draw_point", "with_value"]

NAMES = ("take_up", "default_relief", "sales_effect", "already_early", "cost_of_capital", "gross_margin")
ELASTICITY = "take_up_elasticity"
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reference:
    """The scheme that `take_up` and `sales_effect` are stated for."""

    rate: float
    days: int

    @property
    def words(self) -> str:
        """The terms as they are spoken of."""
        return f"{100 * self.rate:g}% within {self.days} days"


USUAL_TERMS = (Reference(0.01, 10), Reference(0.02, 10))
"""Terms that published studies are about."""


@dataclass(frozen=True, slots=True)
class Draws:
    """Draws that all schemes share.

    Parameters
    ----------
    weights : array, n x customers
        Bootstrap weights of customers.
    take_up, take_up_now : array, n x segments
        Fraction of offered sales that takes the reference scheme: of a whole segment, and of those who are
        offered it now.
    take_up_elasticity : array, n
        Change of the log-odds of taking per log of the annual return to the customer.
    default_relief, sales_effect, already_early, cost_of_capital, gross_margin : arrays, n
        See `arrisk.policy.arithmetic.scheme_value`; `sales_effect` is stated for the reference scheme.
    """

    weights: Floats
    take_up: Floats
    take_up_now: Floats
    take_up_elasticity: Floats
    default_relief: Floats
    sales_effect: Floats
    already_early: Floats
    cost_of_capital: Floats
    gross_margin: Floats


def choose_assumptions(given: Iterable[Assumption]) -> tuple[Assumption, ...]:
    """The assumptions of a discount, in a fixed order; a typical elasticity when none is given.

    Raises
    ------
    StudyError
        If one is missing.
    """
    given = tuple(given)
    known = KNOWN[ELASTICITY]
    typical = Assumption(ELASTICITY, known.value, known.low, known.high, known.unit, TYPICAL_SOURCE)
    elasticity = next((a for a in given if a.name == ELASTICITY), typical)
    return (*(find(given, name) for name in NAMES), elasticity)


def draw(
    history: DiscountHistory, assumptions: Iterable[Assumption], size: int, rng: np.random.Generator
) -> Draws:
    """Draw assumptions (triangular, mode at the value) and weights of customers (Bayesian bootstrap)."""
    values = {
        a.name: rng.triangular(a.low, a.value, a.high, size) if a.is_range else np.full(size, float(a.value))
        for a in assumptions
    }
    return _assemble(history, values, rng.standard_exponential((size, history.customers)))


def draw_point(history: DiscountHistory, assumptions: Iterable[Assumption], size: int = 1) -> Draws:
    """No randomness: every assumption at its value, every customer counted once; `size` equal rows."""
    values = {a.name: np.full(size, float(a.value)) for a in assumptions}
    return _assemble(history, values, np.ones((size, history.customers)))


def with_value(draws: Draws, name: str, values: Floats) -> Draws:
    """Replace one assumption; take-up then holds for all segments, also where the ledger shows it."""
    if name == "take_up":
        everywhere = np.repeat(values[:, None], draws.take_up.shape[1], axis=1)
        return replace(draws, take_up=everywhere, take_up_now=everywhere)
    changed: dict[str, Floats] = {name: values}
    return replace(draws, **changed)


def _assemble(history: DiscountHistory, values: Mapping[str, Floats], weights: Floats) -> Draws:
    now = np.repeat(values["take_up"][:, None], len(history.segments), axis=1)
    whole = now.copy()
    for k in range(len(history.segments)):
        if history.was_offered(k):
            now[:, k] = (weights @ history.taken[k]) / (weights @ history.offered[k])
        if history.has_evidence(k):
            whole[:, k] = now[:, k]
    others = {name: v for name, v in values.items() if name != "take_up"}
    return Draws(weights=weights, take_up=whole, take_up_now=now, **others)
