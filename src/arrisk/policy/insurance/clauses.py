"""The clauses that a policy has: each in words, and the same policy without it.

The interface for whoever prices clauses: ``terms.clauses()`` gives a `Clause` for each clause that is set, in
a fixed order; ``clause.name`` is stable, ``clause.text`` says it in words, and ``terms.without(clause.name)``
is the policy without that clause: every field that belongs to it at its idle value, the order of application
kept. The premium rate is the price and not a clause. ``retain(events, terms.without(name), sales)`` against
``retain(events, terms, sales)`` is then what the clause costs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from arrisk.errors import ModelError

if TYPE_CHECKING:
    from arrisk.policy.insurance.terms import PolicyTerms

__all__ = ["CLAUSES", "Clause", "list_clauses", "without_clause"]

CLAUSES: Mapping[str, Mapping[str, Any]] = {
    "buyer_limit": {"buyer_limit": math.inf},
    "buyers": {"buyers": None},
    "non_qualifying_loss": {"non_qualifying_loss": 0.0},
    "threshold": {"threshold": 0.0},
    "insured_share": {"insured_share": 1.0},
    "each_and_every": {"each_and_every": 0.0},
    "aggregate_first_loss": {"aggregate_first_loss": 0.0},
    "maximum_liability": {"maximum_liability": math.inf, "maximum_liability_multiple": None},
    "minimum_premium": {"minimum_premium": 0.0},
    "fees": {"fees": 0.0},
}
"""Clause by clause, the fields that belong to it and the values at which it is not there."""

WORDS: Mapping[str, str] = {
    "buyer_limit": "at most {buyer_limit:,.0f} is covered per buyer",
    "buyers": "only the {buyers} largest balances are insured",
    "non_qualifying_loss": "a covered loss below {non_qualifying_loss:,.0f} is not paid at all",
    "threshold": "{threshold:,.0f} is taken off each loss",
    "insured_share": "the insurer bears {insured_share:.0%} of a covered loss",
    "each_and_every": "an excess of {each_and_every:,.0f} is taken off each loss",
    "aggregate_first_loss": "the first {aggregate_first_loss:,.0f} of the year's covered losses is kept",
    "minimum_premium": "the premium is at least {minimum_premium:,.0f} a year",
    "fees": "fees of {fees:,.0f} a year",
}


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of a policy.

    Parameters
    ----------
    name : str
        Stable name, for `PolicyTerms.without`.
    text : str
        What it says, for a reader.
    """

    name: str
    text: str


def list_clauses(terms: PolicyTerms) -> tuple[Clause, ...]:
    """The clauses that are set (see `PolicyTerms.clauses`)."""
    return tuple(Clause(name, _text(terms, name)) for name in CLAUSES if _is_set(terms, name))


def without_clause(terms: PolicyTerms, name: str) -> PolicyTerms:
    """The policy without one clause (see `PolicyTerms.without`)."""
    if name not in CLAUSES:
        raise ModelError(f"clause {name!r}: allowed are {', '.join(CLAUSES)}")
    return replace(terms, **CLAUSES[name])


def _is_set(terms: PolicyTerms, name: str) -> bool:
    return any(getattr(terms, field) != idle for field, idle in CLAUSES[name].items())


def _text(terms: PolicyTerms, name: str) -> str:
    if name == "maximum_liability":
        fixed, multiple = terms.maximum_liability, terms.maximum_liability_multiple
        parts = [f"{fixed:,.0f}"] if math.isfinite(fixed) else []
        parts += [f"{multiple:g} times the premium"] if multiple is not None else []
        return f"the insurer pays at most {' or '.join(parts)} a year{', the lower' * (len(parts) > 1)}"
    return WORDS[name].format(**{field: getattr(terms, field) for field in CLAUSES[name]})
