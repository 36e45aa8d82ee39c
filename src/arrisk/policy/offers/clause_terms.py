"""Clauses of any terms on offer, a policy's or a route of funding's: which are set, and how to drop one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from arrisk.policy.insurance.clauses import CLAUSES
from arrisk.policy.insurance.terms import PolicyTerms

__all__ = ["ROUTE_IDLE", "clause_fields", "clause_names", "drop_clause", "price_field"]

Terms = TypeVar("Terms")
LIMITS = frozenset({"buyer_limit", "named_limits", "discretionary_limit"})
ROUTE_IDLE: Mapping[str, Any] = {
    "advance_rate": 1.0,
    "limit": math.inf,
    "service_fee": 0.0,
    "minimum_fee": 0.0,
    "protection_fee": 0.0,
    "covered_share": 1.0,
    "customer_limit": math.inf,
    "line_fee": 0.0,
    "setup_fee": 0.0,
    "setup_cost": 0.0,
    "running_cost": 0.0,
    "least_pool": 0.0,
    "fee": 0.0,
    "share_of_sales": 1.0,
    "premium_rate": 0.0,
    "minimum_premium": 0.0,
    "insured_share": 1.0,
    "first_loss": 0.0,
}
"""Fields of routes of funding that are clauses, and the values at which they are not there."""


def clause_names(terms: Any) -> tuple[str, ...]:
    """Clauses that are set and can be taken away: not the limits when the premium is a rate of them.

    Examples
    --------
    >>> clause_names(PolicyTerms(aggregate_first_loss=2_000.0, disputes_excluded=False,
    ...                          related_excluded=False))
    ('insured_share', 'aggregate_first_loss')
    """
    if not isinstance(terms, PolicyTerms):
        given = {f.name for f in fields(terms)}
        return tuple(
            n for n, idle in ROUTE_IDLE.items() if n in given and getattr(terms, n) not in (idle, None)
        )
    names = tuple(clause.name for clause in terms.clauses())
    if terms.premium_base != "limits":
        return names
    return tuple(n for n in names if not LIMITS & set(CLAUSES[n]))


def clause_fields(terms: Any, clause: str) -> Mapping[str, Any]:
    """Fields that belong to a clause, and the values at which it is not there."""
    if isinstance(terms, PolicyTerms):
        return CLAUSES[clause]
    return {clause: ROUTE_IDLE[clause]}


def drop_clause(terms: Terms, clause: str) -> Terms:
    """The same terms without one clause."""
    return replace(terms, **clause_fields(terms, clause))  # type: ignore[type-var]


def price_field(terms: Any) -> str:
    """The field that is the price: a premium rate, or a rate of interest."""
    return "premium_rate" if isinstance(terms, PolicyTerms) else "rate"
