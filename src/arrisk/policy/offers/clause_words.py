"""Clauses of a policy in plain words, with their amounts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from arrisk.display import money
from arrisk.policy.insurance.terms import PolicyTerms

__all__ = ["TERM_WORDS", "describe_clause", "describe_cost", "describe_term"]

Phrase = Callable[[PolicyTerms, str], str]
TERM_WORDS: Mapping[str, str] = {
    "premium": "premium rate",
    "minimum_premium": "minimum premium",
    "fees": "fixed fees",
    "limit_fee": "fee for each limit",
    "buyer_limit": "limit per buyer",
    "named_limits": "limits by name",
    "discretionary_limit": "discretionary limit",
    "buyers": "selection of the largest buyers",
    "only_buyers": "selection of buyers",
    "excluded_buyers": "excluded buyers",
    "non_qualifying_loss": "gate for small losses",
    "threshold": "threshold",
    "insured_share": "insured share",
    "each_and_every": "excess on each loss",
    "aggregate_first_loss": "first loss of the year",
    "maximum_liability": "maximum liability",
    "underlying_limit": "limit of the policy below",
    "waiting_days": "waiting period",
    "payment_days": "wait for the money",
    "discretionary_share": "share without a named limit",
    "discretionary_condition": "condition of the discretionary limit",
    "bonus": "bonus",
    "profit_share": "profit share",
    "malus": "malus",
    "downturn_cut": "right to cut limits",
    "disputes_excluded": "exclusion of disputes",
    "related_excluded": "exclusion of the own group",
    "maximum_extension_days": "end of cover for late buyers",
    "order": "order of the clauses",
    "rate": "rate of interest",
    "premium_rate": "premium rate of the insurance",
    "first_loss": "first loss of the year",
    "advance_rate": "advance rate",
    "limit": "limit of the line",
    "service_fee": "service fee",
    "minimum_fee": "least service fee",
    "protection_fee": "fee for bearing failures",
    "covered_share": "share borne by the factor",
    "customer_limit": "limit per customer",
    "line_fee": "fee on what is not drawn",
    "setup_fee": "set-up fee",
    "setup_cost": "cost of setting up",
    "running_cost": "running cost",
    "least_pool": "smallest pool taken",
    "fee": "fee on the face value",
    "share_of_sales": "part of the sales that can be sold",
    "office_saving": "work saved in the office",
}


def _liability(terms: PolicyTerms, currency: str) -> str:
    fixed, multiple = terms.maximum_liability, terms.maximum_liability_multiple
    parts = [money(fixed, currency)] if math.isfinite(fixed) else []
    parts += [f"{multiple:g} times the premium"] if multiple is not None else []
    return f"The maximum liability of {' or '.join(parts)}"


PHRASES: Mapping[str, Phrase] = {
    "minimum_premium": lambda t, c: f"The minimum premium of {money(t.minimum_premium, c)}",
    "fees": lambda t, c: f"The fixed fee of {money(t.fees, c)}",
    "limit_fee": lambda t, c: f"The fee of {money(t.limit_fee, c)} for each limit",
    "buyer_limit": lambda t, c: f"The limit of {money(t.buyer_limit, c)} per buyer",
    "named_limits": lambda t, c: f"The list of {len(t.named_limits)} limits by name",
    "discretionary_limit": lambda t, c: f"The discretionary limit of {money(t.discretionary_limit, c)}",
    "discretionary_share": lambda t, c: (
        f"The lower share of {_percent(t.discretionary_share)} without a limit"
    ),
    "buyers": lambda t, c: f"Cover of the {t.buyers} largest balances only",
    "disputes_excluded": lambda t, c: "The exclusion of disputed amounts",
    "related_excluded": lambda t, c: "The exclusion of buyers of the own group",
    "maximum_extension_days": lambda t, c: (
        f"The end of cover for buyers more than {t.maximum_extension_days:g} days late"
    ),
    "non_qualifying_loss": lambda t, c: f"The gate of {money(t.non_qualifying_loss, c)} for small losses",
    "threshold": lambda t, c: f"The threshold of {money(t.threshold, c)} on each loss",
    "insured_share": lambda t, c: f"Your own share of {_percent(1 - t.insured_share)} of each covered loss",
    "each_and_every": lambda t, c: f"The excess of {money(t.each_and_every, c)} on each loss",
    "aggregate_first_loss": lambda t, c: f"The first loss of {money(t.aggregate_first_loss, c)}",
    "maximum_liability": _liability,
    "waiting_days": lambda t, c: f"The waiting period of {t.waiting_days:g} days",
    "payment_days": lambda t, c: f"The wait of {t.payment_days:g} days for the money",
    "downturn_cut": lambda t, c: f"The right to cut limits by {_percent(t.downturn_cut)} in a downturn",
    "bonus": lambda t, c: f"The bonus of {_percent(t.bonus)} of the premium",
    "profit_share": lambda t, c: f"The profit share of {_percent(t.profit_share)}",
    "malus": lambda t, c: f"The malus of {_percent(t.malus)} of the premium",
}


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.4g}%"


def describe_term(clause: str) -> str:
    """Name of a clause for a reader.

    Examples
    --------
    >>> describe_term("aggregate_first_loss")
    'first loss of the year'
    """
    return TERM_WORDS.get(clause, clause.replace("_", " "))


def describe_clause(terms: Any, clause: str, currency: str) -> str:
    """A clause with its amount, as the subject of a sentence.

    Examples
    --------
    >>> describe_clause(PolicyTerms(aggregate_first_loss=50_000), "aggregate_first_loss", "EUR")
    'The first loss of EUR 50,000'
    """
    if not isinstance(terms, PolicyTerms):
        value = float(getattr(terms, clause))
        return f"The {describe_term(clause)} of {_percent(value) if value <= 1 else money(value, currency)}"
    if clause in PHRASES:
        return PHRASES[clause](terms, currency)
    said = next((c.text for c in terms.clauses() if c.name == clause), describe_term(clause))
    return f"The clause '{said}'"


def describe_cost(subject: str, cost: float, error: float, currency: str, aside: str = "") -> str:
    """What a clause costs, in one sentence.

    Examples
    --------
    >>> describe_cost("The first loss of EUR 50,000", 12_300.0, 90.0, "EUR",
    ...               "41% of years it eats everything")
    'The first loss of EUR 50,000 costs EUR 12,300 a year (41% of years it eats everything)'
    """
    more = f" ({aside})" if aside else ""
    if abs(cost) < max(2 * error, 0.5):
        return f"{subject} costs next to nothing{more}"
    verb = "costs" if cost > 0 else "saves"
    return f"{subject} {verb} {money(_rounded(abs(cost)), currency)} a year{more}"


def _rounded(amount: float) -> float:
    """Three figures: the rest is beyond what a model of next year's losses can say."""
    return float(f"{amount:.3g}")
