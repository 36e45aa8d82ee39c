"""A policy as the methods without simulation see it: covered amounts, then terms on the year's total."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from arrisk.errors import ModelError
from arrisk.models.losses.cover import Cover
from arrisk.models.losses.portfolio import LossPortfolio
from arrisk.policy.insurance.buyer_limits import grant_cover
from arrisk.policy.insurance.exclusions import BuyerFacts
from arrisk.policy.insurance.layers import cover_buyers, split_order
from arrisk.policy.insurance.premium import price_policy
from arrisk.policy.insurance.steps import BUYER_STEPS
from arrisk.policy.insurance.terms import PolicyTerms

__all__ = ["policy_cover"]


def policy_cover(
    terms: PolicyTerms,
    portfolio: LossPortfolio,
    sales: ArrayLike | None = None,
    facts: BuyerFacts | None = None,
) -> Cover:
    """What a policy pays, for the methods without simulation.

    Parameters
    ----------
    terms : PolicyTerms
    portfolio : LossPortfolio
    sales : array of shape (obligors,), optional
        Needed when the maximum liability is a multiple of a premium on sales.
    facts : BuyerFacts, optional

    Returns
    -------
    Cover

    Raises
    ------
    ModelError
        If a term has no place in such a method; it is named.

    Examples
    --------
    >>> from arrisk.models.losses.portfolio import make_portfolio
    >>> book = make_portfolio(0.02, [100.0, 300.0], 0.6)
    >>> PolicyTerms(insured_share=0.9, buyer_limit=200, aggregate_first_loss=50).cover(book).covered.tolist()
    [90.0, 180.0]
    """
    if terms.downturn_cut > 0 and terms.downturn_share > 0:
        raise ModelError("downturn_cut lets the cover depend on the year: only a simulation can follow it")
    if terms.maximum_liability_multiple is not None:
        terms = terms.with_premium(price_policy(terms, portfolio, sales, facts).paid)
    granted = grant_cover(terms, portfolio, facts)
    steps, rest = split_order(terms, granted)
    if rest is None:
        late = ", ".join(step for step in terms.order[len(steps) :] if step in BUYER_STEPS)
        raise ModelError(
            f"{late} works on single losses behind a term of the year: only a simulation can do that"
        )
    first, most, share = 0.0, math.inf, 1.0
    for step in rest:
        if step == "insured_share":
            share *= float(np.ravel(granted.share)[0])
        elif step == "aggregate_first_loss" and share > 0:
            kept = terms.aggregate_first_loss / share
            first, most = first + kept, max(most - kept, 0.0)
        elif step == "maximum_liability" and share > 0:
            most = min(most, terms.maximum_liability / share)
    return Cover(cover_buyers(terms, granted, portfolio, steps), first, most, share)
