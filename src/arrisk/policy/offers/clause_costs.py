"""What each clause of an insurance offer costs the insured a year."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import reduce
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from arrisk.errors import ModelError
from arrisk.policy.offers.clause_terms import clause_fields, clause_names, drop_clause
from arrisk.policy.offers.clause_words import describe_clause, describe_cost, describe_term
from arrisk.policy.offers.split import PERMUTATIONS, split_cost
from arrisk.policy.offers.years import CaseYears, Outcome

__all__ = ["CLAUSE_COLUMNS", "cost_clauses", "ease", "keep_only"]

CLAUSE_COLUMNS = (
    "offer", "clause", "words", "share", "share_error", "alone", "alone_error", "eased", "sentence",
)  # fmt: skip
Terms = TypeVar("Terms")


def cost_clauses(
    terms: Any, years: CaseYears, currency: str = "", permutations: int = PERMUTATIONS, seed: int = 0
) -> pd.DataFrame:
    """Cost a policy, or a route of funding, clause by clause.

    Parameters
    ----------
    terms : PolicyTerms or a route of funding
    years : CaseYears
        Simulated years of all cases, the same for every policy.
    currency : str
    permutations, seed
        See `split_cost`.

    Returns
    -------
    DataFrame
        One row a clause, dearest first: offer, clause, words; share (order-free part of the difference
        between the terms and the same at the bare rate; the shares add up to it exactly), alone
        (cost with the clause less cost without it), each with its error; eased (what half of the clause would
        save: an amount kept halved, a limit doubled, an insured share brought half way to one); sentence.
        Currency units a year, capital included; a negative cost is a saving.
    """
    names = clause_names(terms)
    found = split_cost(
        names,
        lambda subsets: years.costs(keep_only(terms, kept) for kept in subsets),
        years.events.weight,
        permutations,
        seed,
    )
    outcome, cost = years.outcome(terms), years.cost(terms)
    rows = []
    for k, name in enumerate(names):
        share, alone = years.mean(found.shared[k]), years.mean(found.alone[k])
        error = math.hypot(years.error(found.shared[k]), float(found.order_error[k]))
        eased = ease(terms, name)
        gain = math.nan if eased is None or alone <= 0 else years.mean(cost - years.cost(eased))
        told = describe_cost(
            describe_clause(terms, name, currency), share, error, currency, _aside(outcome, name)
        )
        alone_error = years.error(found.alone[k])
        rows.append((terms.name, name, describe_term(name), share, error, alone, alone_error, gain, told))
    table = pd.DataFrame(rows, columns=list(CLAUSE_COLUMNS))
    return table.sort_values("share", ascending=False, kind="stable", ignore_index=True)


def keep_only(terms: Terms, kept: Iterable[str]) -> Terms:
    """The terms with these clauses only.

    Examples
    --------
    >>> from arrisk.policy.insurance.terms import PolicyTerms
    >>> keep_only(PolicyTerms(fees=10.0, minimum_premium=500.0), ["fees"]).minimum_premium
    0.0
    """
    stay = frozenset(kept)
    return reduce(drop_clause, (n for n in clause_names(terms) if n not in stay), terms)


def ease(terms: Terms, clause: str) -> Terms | None:
    """The terms with a clause brought half way to nothing; None when a clause has no amount.

    Examples
    --------
    >>> from arrisk.policy.insurance.terms import PolicyTerms
    >>> ease(PolicyTerms(aggregate_first_loss=50_000.0), "aggregate_first_loss").aggregate_first_loss
    25000.0
    >>> ease(PolicyTerms(buyer_limit=50_000.0), "buyer_limit").buyer_limit
    100000.0
    """
    changed: dict[str, Any] = {}
    for field, idle in clause_fields(terms, clause).items():
        value = getattr(terms, field)
        if value == idle or isinstance(value, bool | str | tuple):
            continue
        changed[field] = _half_way(value, idle)
    if not changed:
        return None
    try:
        return replace(terms, **changed)  # type: ignore[type-var]
    except ModelError:
        return None


def _half_way(value: Any, idle: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: 2 * amount for name, amount in value.items()}
    if idle is None or not np.isfinite(idle):
        return 2 * value
    return type(value)((value + idle) / 2)


def _aside(kept: Outcome, clause: str) -> str:
    """How often a clause of the year bites."""
    if clause == "aggregate_first_loss" and kept.first_loss_unused == kept.first_loss_unused:
        return f"{kept.first_loss_unused:.0%} of years it eats everything"
    if clause == "maximum_liability":
        return f"it cuts the payments in {100 * kept.limit_binds:.2g}% of years"
    return ""
