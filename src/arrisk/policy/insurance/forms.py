"""The usual forms of credit insurance: each builds the terms of a policy; a programme is several at once."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from arrisk.errors import ModelError
from arrisk.policy.insurance.steps import TOP_UP_ORDER
from arrisk.policy.insurance.terms import PolicyTerms

__all__ = ["Programme", "excess_of_loss", "selective", "single_buyer", "top_up", "whole_turnover"]


@dataclass(frozen=True, slots=True)
class Programme:
    """Several policies held at once, as a first policy and a top-up over its limits.

    Parameters
    ----------
    name : str
    layers : tuple of PolicyTerms
        Each pays on its own; they must not cover the same part of a balance.

    Raises
    ------
    ModelError
        If there is no layer.

    Examples
    --------
    >>> first = whole_turnover(buyer_limit=200_000)
    >>> [layer.name for layer in Programme("both", (first, top_up(first, 300_000))).layers]
    ['whole turnover', 'top-up']
    """

    name: str
    layers: tuple[PolicyTerms, ...]

    def __post_init__(self) -> None:
        if not self.layers:
            raise ModelError(f"programme {self.name!r} has no policy")


def whole_turnover(name: str = "whole turnover", **terms: Any) -> PolicyTerms:
    """Every buyer is insured, within its limit.

    Examples
    --------
    >>> whole_turnover(insured_share=0.9, discretionary_limit=20_000).buyers is None
    True
    """
    return PolicyTerms(name, **terms)


def selective(buyers: int | Iterable[str], name: str = "selective", **terms: Any) -> PolicyTerms:
    """Only some buyers are insured: so many of the largest balances, or those named.

    Examples
    --------
    >>> selective(20).buyers, selective(["C1", "C7"]).only_buyers
    (20, ('C1', 'C7'))
    """
    if isinstance(buyers, int):
        return PolicyTerms(name, buyers=buyers, **terms)
    return PolicyTerms(name, only_buyers=tuple(buyers), **terms)


def single_buyer(buyer: str, limit: float, name: str = "single buyer", **terms: Any) -> PolicyTerms:
    """One buyer is insured up to a limit.

    Examples
    --------
    >>> policy = single_buyer("C1", 2e6, premium_rate=0.01, premium_base="limits")
    >>> policy.named_limits, policy.only_buyers
    ({'C1': 2000000.0}, ('C1',))
    """
    return PolicyTerms(name, named_limits={buyer: limit}, only_buyers=(buyer,), **terms)


def excess_of_loss(
    first_loss: float, maximum: float = math.inf, name: str = "excess of loss", **terms: Any
) -> PolicyTerms:
    """The losses of a year above a first loss are insured, up to a maximum.

    Examples
    --------
    >>> excess_of_loss(500_000, 5_000_000).aggregate_first_loss
    500000
    """
    return PolicyTerms(name, aggregate_first_loss=first_loss, maximum_liability=maximum, **terms)


def top_up(first: PolicyTerms, limit: float, name: str = "top-up", **terms: Any) -> PolicyTerms:
    """What the buyer limits of a first policy leave is insured, up to a further limit.

    Buyers whom the first policy refuses or leaves out are outside here too.

    Raises
    ------
    ModelError
        If the first policy has no buyer limit, so that it leaves nothing.

    Examples
    --------
    >>> more = top_up(whole_turnover(buyer_limit=500_000), 250_000, insured_share=0.9)
    >>> more.underlying_limit, more.buyer_limit
    (500000, 250000)
    """
    others = min(first.discretionary_limit, first.buyer_limit)
    if math.isinf(others) and not first.named_limits:
        raise ModelError(f"{first.name!r} has no buyer limit that a top-up could stand over")
    named = {who: min(most, first.buyer_limit) for who, most in first.named_limits.items()}
    refused = tuple(who for who, most in named.items() if most == 0)
    fulfil = first.discretionary_buyers
    given: dict[str, Any] = {
        "order": TOP_UP_ORDER,
        "buyers": first.buyers,
        "only_buyers": first.only_buyers,
        "discretionary_buyers": None if fulfil is None else (*fulfil, *named),
    }
    terms = {**given, **terms}
    excluded = (*first.excluded_buyers, *refused, *terms.pop("excluded_buyers", ()))
    return PolicyTerms(
        name,
        buyer_limit=limit,
        underlying_limit=others,
        underlying_limits=named,
        excluded_buyers=excluded,
        **terms,
    )
