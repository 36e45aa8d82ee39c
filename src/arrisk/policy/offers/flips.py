"""The number in an offer that would make another offer the cheapest."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from arrisk.errors import ModelError
from arrisk.policy.offers.clause_terms import clause_fields, drop_clause, price_field
from arrisk.policy.offers.clause_words import describe_term
from arrisk.policy.offers.differences import tell_fields
from arrisk.policy.offers.years import CaseYears

__all__ = ["FLIP_COLUMNS", "find_flips"]

FLIP_COLUMNS = ("offer", "clause", "words", "now", "turns_at", "sentence")
STEPS = 14
HIGHEST_TIMES = 10.0


def find_flips(
    terms: Any,
    clauses: pd.DataFrame,
    years: CaseYears,
    target: float,
    rival: str,
    currency: str = "",
) -> pd.DataFrame:
    """Find how far one number of an offer must move until the offer costs as much as its rival.

    Parameters
    ----------
    terms : PolicyTerms
        The offer.
    clauses : DataFrame
        Of `cost_clauses`.
    years : CaseYears
    target : float
        Cost of the rival, a year: the cheapest other way.
    rival : str
        Its name.
    currency : str

    Returns
    -------
    DataFrame
        offer, clause, words, now, turns_at (both in words), sentence: for the premium rate, and when the
        rival is cheaper for each clause that could make up for the difference by itself.
    """
    cost = years.mean(years.cost(terms))
    rows = [_rate_flip(terms, years, cost, target, rival)]
    if cost > target:
        for row in clauses.to_dict("records"):
            if row["alone"] >= cost - target:
                rows.append(_clause_flip(terms, str(row["clause"]), years, target, rival, currency))
    return pd.DataFrame(rows, columns=list(FLIP_COLUMNS))


def _rate_flip(terms: Any, years: CaseYears, cost: float, target: float, rival: str) -> tuple[str, ...]:
    price = price_field(terms)
    clause = "premium" if price == "premium_rate" else price
    now, words = tell_fields(terms, clause, ""), describe_term(clause)
    today = float(getattr(terms, price))

    def gap(rate: float) -> float:
        return years.mean(years.cost(replace(terms, **{price: rate}))) - target

    far = 0.0 if cost > target else HIGHEST_TIMES * max(today, 1e-6)
    found = _root(lambda at: gap(today + at * (far - today)))
    if found is None:
        side = f"Even at no {words} it costs more than {rival}"
        if cost <= target:
            side = f"It costs less than {rival} even at {HIGHEST_TIMES:g} times its {words}"
        return (terms.name, clause, words, now, "", f"{side}.")
    rate = today + found * (far - today)
    told = f"{100 * rate:.3g}%"
    way = f"cheaper than {rival} below" if cost > target else f"cheaper than {rival} up to"
    return (terms.name, clause, words, now, told, f"It is {way} a {words} of {told}.")


def _clause_flip(
    terms: Any, clause: str, years: CaseYears, target: float, rival: str, currency: str
) -> tuple[str, ...]:
    words, now = describe_term(clause), tell_fields(terms, clause, currency)

    def gap(part: float) -> float:
        return years.mean(years.cost(_moved(terms, clause, part))) - target

    found = _root(gap) if _has_number(terms, clause) else None
    if found is None:
        told = "without it"
        return (terms.name, clause, words, now, told, f"Without its {words} it is cheaper than {rival}.")
    told = f"about {tell_fields(_moved(terms, clause, found), clause, currency)}"
    return (terms.name, clause, words, now, told, f"With the {words} at {told} it costs as much as {rival}.")


def _moved(terms: Any, clause: str, part: float) -> Any:
    """The terms with the amount of a clause moved a part of the way to nothing."""
    changed: dict[str, Any] = {}
    for field, idle in clause_fields(terms, clause).items():
        value = getattr(terms, field)
        if _is_number(value) and value != idle:
            far = idle is None or not math.isfinite(idle)
            moved = value / max(1 - part, 1e-9) if far else value + part * (idle - value)
            changed[field] = round(moved) if field == "buyers" else moved
    try:
        return replace(terms, **changed)
    except ModelError:
        return drop_clause(terms, clause)


def _has_number(terms: Any, clause: str) -> bool:
    values = [getattr(terms, field) for field in clause_fields(terms, clause)]
    return any(_is_number(v) for v in values) and not any(isinstance(v, Mapping) and v for v in values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))


def _root(gap: Callable[[float], float]) -> float | None:
    """Where a cost that falls or rises from 0 to 1 meets its target; None when it does not."""
    start, end = gap(0.0), gap(1.0)
    if start * end > 0:
        return None
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if gap(middle) * start > 0 else (low, middle)
    return (low + high) / 2
