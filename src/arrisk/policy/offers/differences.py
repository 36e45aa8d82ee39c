"""Which clauses make the difference between two insurance offers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import pandas as pd

from arrisk.display import money
from arrisk.policy.insurance.clauses import CLAUSES
from arrisk.policy.insurance.steps import STEPS
from arrisk.policy.insurance.terms import PolicyTerms
from arrisk.policy.offers.clause_words import describe_term
from arrisk.policy.offers.split import PERMUTATIONS, split_cost
from arrisk.policy.offers.years import CaseYears

__all__ = ["DIFFERENCE_COLUMNS", "differing", "explain_difference", "mix_terms"]

DIFFERENCE_COLUMNS = ("offer", "against", "clause", "words", "here", "there", "share", "share_error")
MORE: Mapping[str, tuple[str, ...]] = {
    "premium": ("premium_rate", "premium_base"),
    "order": ("order",),
    "bonus": ("bonus_ratio",),
    "profit_share": ("profit_share_ratio",),
    "malus": ("malus_ratio",),
    "waiting_days": ("insolvent_share",),
    "downturn_cut": ("downturn_share", "downturn_buyers"),
}
GROUPS: Mapping[str, tuple[str, ...]] = {
    name: (*CLAUSES.get(name, {}), *MORE.get(name, ())) for name in dict.fromkeys((*MORE, *CLAUSES))
}
"""The fields of a policy that one clause of an offer settles together; every field but the name is in one."""


def explain_difference(
    here: Any,
    there: Any,
    years: CaseYears,
    currency: str = "",
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> pd.DataFrame:
    """Share the difference of cost of two offers of one kind out among the clauses in which they differ.

    Parameters
    ----------
    here, there : PolicyTerms or routes of funding
        Of the same class.
    years : CaseYears
    currency : str
    permutations, seed
        See `split_cost`.

    Returns
    -------
    DataFrame
        offer, against, clause, words; here and there (the clause in words); share (what the clause adds to
        the cost of `here` over that of `there`, a year; the shares add up exactly to the difference) and its
        Monte Carlo error. Largest first, whatever the sign.
    """
    names = differing(here, there)
    found = split_cost(
        names,
        lambda subsets: years.costs(mix_terms(there, here, taken) for taken in subsets),
        years.events.weight,
        permutations,
        seed,
    )
    rows = [
        (
            here.name,
            there.name,
            name,
            describe_term(name),
            tell_fields(here, name, currency),
            tell_fields(there, name, currency),
            years.mean(found.shared[k]) + 0.0,
            math.hypot(years.error(found.shared[k]), float(found.order_error[k])),
        )
        for k, name in enumerate(names)
    ]
    table = pd.DataFrame(rows, columns=list(DIFFERENCE_COLUMNS))
    return table.sort_values("share", key=abs, ascending=False, kind="stable", ignore_index=True)


def differing(one: Any, two: Any) -> tuple[str, ...]:
    """Clauses in which two offers of one kind differ.

    Examples
    --------
    >>> differing(PolicyTerms(premium_rate=0.002), PolicyTerms(premium_rate=0.003, fees=100.0))
    ('premium', 'fees')
    """
    if not isinstance(one, PolicyTerms):
        given = [f.name for f in fields(one) if f.name != "name"]
        return tuple(name for name in given if getattr(one, name) != getattr(two, name))
    first, second = _same_steps(one, two)
    return tuple(
        name for name, group in GROUPS.items() if any(getattr(first, f) != getattr(second, f) for f in group)
    )


def mix_terms(base: Any, other: Any, taken: frozenset[str]) -> Any:
    """The offer `base` with these clauses of `other`.

    Examples
    --------
    >>> mix_terms(PolicyTerms(fees=1.0), PolicyTerms(fees=2.0, premium_rate=0.1), frozenset({"fees"})).fees
    2.0
    """
    if not isinstance(base, PolicyTerms) or not isinstance(other, PolicyTerms):
        return replace(base, **{f: getattr(other, f) for f in taken})
    first, second = _same_steps(base, other)
    return replace(first, **{f: getattr(second, f) for name in taken for f in GROUPS[name]})


def tell_fields(terms: Any, clause: str, currency: str) -> str:
    """What an offer says under a clause, in a few words.

    Examples
    --------
    >>> tell_fields(PolicyTerms(premium_rate=0.003), "premium", "EUR")
    '0.3% of sales'
    >>> tell_fields(PolicyTerms(), "maximum_liability", "EUR")
    'none'
    """
    if clause == "premium":
        return f"{100 * terms.premium_rate:.4g}% of {terms.premium_base.replace('_', ' ')}"
    if clause == "order":
        return ", ".join(step.replace("_", " ") for step in terms.order)
    if not isinstance(terms, PolicyTerms):
        return _tell(clause, getattr(terms, clause), currency)
    idle = CLAUSES[clause]
    if any(value is False for value in idle.values()):
        return "no" if getattr(terms, clause) is False else "yes"
    told = [_tell(f, getattr(terms, f), currency) for f in idle if getattr(terms, f) != idle[f]]
    return " or ".join(told) or "none"


def _tell(name: str, value: Any, currency: str) -> str:
    if isinstance(value, str):
        return value
    if value is None or value == math.inf:
        return "none"
    if isinstance(value, Mapping | tuple):
        return f"{len(value)} named"
    if name.endswith("_multiple"):
        return f"{value:.3g} times the premium"
    if name.endswith("_days"):
        return f"{value:.3g} days"
    if name == "buyers":
        return f"the {value} largest"
    return f"{100 * value:.4g}%" if value <= 1 else money(float(value), currency)


def _same_steps(one: PolicyTerms, two: PolicyTerms) -> tuple[PolicyTerms, PolicyTerms]:
    """Both policies with the steps of both in their orders, so that any mixture of them is a policy."""
    return _with_steps(one, two.order), _with_steps(two, one.order)


def _with_steps(terms: PolicyTerms, steps: tuple[str, ...]) -> PolicyTerms:
    """Steps that are missing go where they stand in the list of all steps: they are idle there."""
    order = list(terms.order)
    for step in (s for s in STEPS if s in steps and s not in order):
        later = [s for s in order if STEPS.index(s) > STEPS.index(step)]
        order.insert(order.index(later[0]) if later else len(order), step)
    return terms if tuple(order) == terms.order else replace(terms, order=tuple(order))


def grouped_fields() -> set[str]:
    """Fields of a policy that some clause settles."""
    return {f for group in GROUPS.values() for f in group} & {f.name for f in fields(PolicyTerms)}
