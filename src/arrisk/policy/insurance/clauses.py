"""The clauses that a policy has: each in words, and the same policy without it.

The interface for whoever prices clauses: ``terms.clauses()`` gives a `Clause` for each clause that is set, in
a fixed order; ``clause.name`` is stable, ``clause.text`` says it in words, and ``terms.without(clause.name)``
is the policy without that clause: every field that belongs to it at its idle value, the order of application
kept. The premium rate is the price and not a clause. ``retain(events, terms.without(name), sales)`` against
``retain(events, terms, sales)`` is then what the clause costs. Disputes and buyers of the own group are
outside unless a policy says otherwise, so these two clauses are set by default.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from arrisk.errors import ModelError

if TYPE_CHECKING:
    from arrisk.policy.insurance.terms import PolicyTerms

__all__ = ["CLAUSES", "Clause", "list_clauses", "without_clause"]

CLAUSES: Mapping[str, Mapping[str, Any]] = {
    "buyers": {"buyers": None},
    "only_buyers": {"only_buyers": None},
    "excluded_buyers": {"excluded_buyers": ()},
    "disputes_excluded": {"disputes_excluded": False},
    "related_excluded": {"related_excluded": False},
    "maximum_extension_days": {"maximum_extension_days": math.inf},
    "underlying_limit": {"underlying_limit": 0.0, "underlying_limits": {}},
    "buyer_limit": {"buyer_limit": math.inf},
    "named_limits": {"named_limits": {}},
    "discretionary_limit": {"discretionary_limit": math.inf},
    "discretionary_condition": {"discretionary_condition": "", "discretionary_buyers": None},
    "discretionary_share": {"discretionary_share": None},
    "downturn_cut": {"downturn_cut": 0.0},
    "non_qualifying_loss": {"non_qualifying_loss": 0.0},
    "threshold": {"threshold": 0.0},
    "insured_share": {"insured_share": 1.0},
    "each_and_every": {"each_and_every": 0.0},
    "aggregate_first_loss": {"aggregate_first_loss": 0.0},
    "maximum_liability": {"maximum_liability": math.inf, "maximum_liability_multiple": None},
    "waiting_days": {"waiting_days": 0.0},
    "payment_days": {"payment_days": 0.0},
    "minimum_premium": {"minimum_premium": 0.0},
    "fees": {"fees": 0.0},
    "limit_fee": {"limit_fee": 0.0},
    "bonus": {"bonus": 0.0},
    "profit_share": {"profit_share": 0.0},
    "malus": {"malus": 0.0},
}
"""Clause by clause, the fields that belong to it and the values at which it is not there."""

WORDS: Mapping[str, str] = {
    "buyers": "only the {buyers} largest balances are insured",
    "disputes_excluded": "disputed amounts are not covered",
    "related_excluded": "buyers of the own group are not covered",
    "maximum_extension_days": "a buyer more than {maximum_extension_days:g} days overdue is not covered",
    "buyer_limit": "at most {buyer_limit:,.0f} is covered of any buyer",
    "discretionary_limit": "at most {discretionary_limit:,.0f} is covered of a buyer without a named limit",
    "discretionary_share": "the insurer bears {discretionary_share:.4g} of the loss of such a buyer",
    "downturn_cut": "in the worst {downturn_share:.3g} of years limits are cut by {downturn_cut:.3g} for "
    "{downturn_buyers:.3g} of the buyers, the riskiest first",
    "non_qualifying_loss": "a covered loss below {non_qualifying_loss:,.0f} is not paid at all",
    "threshold": "{threshold:,.0f} is taken off each loss",
    "insured_share": "the insurer bears {insured_share:.4g} of a covered loss",
    "each_and_every": "an excess of {each_and_every:,.0f} is taken off each loss",
    "aggregate_first_loss": "the first {aggregate_first_loss:,.0f} of the year's covered losses is kept",
    "waiting_days": "a protracted default waits {waiting_days:g} days; the part {insolvent_share:.4g} of the "
    "claims, insolvencies, does not",
    "payment_days": "the money comes {payment_days:g} days after the loss is established",
    "minimum_premium": "the premium is at least {minimum_premium:,.0f} a year",
    "fees": "fees of {fees:,.0f} a year",
    "limit_fee": "a fee of {limit_fee:,.0f} a year for each limit",
    "bonus": "{bonus:.4g} of the premium comes back when claims are at most {bonus_ratio:.4g} of it",
    "profit_share": "{profit_share:.4g} comes back of what claims leave of {profit_share_ratio:.4g} of the "
    "premium",
    "malus": "{malus:.4g} of the premium is added when claims exceed {malus_ratio:.4g} of it",
}
"""Clauses in words, filled in with the fields of the policy."""


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
    if name in OWN_WORDS:
        return OWN_WORDS[name](terms)
    return WORDS[name].format(**{field: getattr(terms, field) for field in terms.__dataclass_fields__})


def _named(terms: PolicyTerms) -> str:
    refused = sum(limit == 0 for limit in terms.named_limits.values())
    granted = len(terms.named_limits) - refused
    return f"{granted} {_plural('buyer', granted)} with a limit of their own, {refused} refused"


def _only(terms: PolicyTerms) -> str:
    count = len(terms.only_buyers or ())
    return (
        f"only {count} {_plural('buyer', count)} named in the policy {'is' if count == 1 else 'are'} insured"
    )


def _excluded(terms: PolicyTerms) -> str:
    count = len(terms.excluded_buyers)
    return (
        f"{count} {_plural('buyer', count)} named in the policy {'is' if count == 1 else 'are'} not insured"
    )


def _condition(terms: PolicyTerms) -> str:
    said = terms.discretionary_condition or "buyers without a named limit must fulfil a condition"
    if terms.discretionary_buyers is None:
        return said
    count = len(terms.discretionary_buyers)
    return f"{said}: {count} {_plural('buyer', count)} {'does' if count == 1 else 'do'}"


def _underlying(terms: PolicyTerms) -> str:
    named = len(terms.underlying_limits)
    more = f" (by name for {named} {_plural('buyer', named)})" if named else ""
    return f"pays only what the limit of another policy, {terms.underlying_limit:,.0f}{more}, does not cover"


def _maximum(terms: PolicyTerms) -> str:
    fixed, multiple = terms.maximum_liability, terms.maximum_liability_multiple
    parts = [f"{fixed:,.0f}"] if math.isfinite(fixed) else []
    parts += [f"{multiple:g} times the premium"] if multiple is not None else []
    return f"the insurer pays at most {' or '.join(parts)} a year{', the lower' * (len(parts) > 1)}"


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


OWN_WORDS: Mapping[str, Callable[[PolicyTerms], str]] = {
    "only_buyers": _only,
    "excluded_buyers": _excluded,
    "underlying_limit": _underlying,
    "named_limits": _named,
    "discretionary_condition": _condition,
    "maximum_liability": _maximum,
}
