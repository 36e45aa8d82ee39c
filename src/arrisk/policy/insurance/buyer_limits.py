"""What a policy grants each buyer: whether it is insured, its limit, its insured share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from arrisk.models.losses.portfolio import LossPortfolio
    from arrisk.policy.insurance.exclusions import BuyerFacts
    from arrisk.policy.insurance.terms import PolicyTerms

__all__ = ["BuyerTerms", "buyer_terms", "grant_cover", "insured_buyers"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BuyerTerms:
    """Terms buyer by buyer.

    Parameters
    ----------
    insurable : array of shape (buyers,)
        Share of the balance that can be covered; 0 for a buyer outside the policy.
    limit : array of shape (buyers,)
        Most that is covered; 0 is refused, infinite is no limit.
    share : array of shape (buyers,)
        Fraction that the insurer bears.
    underlying : array of shape (buyers,)
        Limit of the policy that pays first; 0 when there is none.
    named : bool array of shape (buyers,)
        Whether the limit was granted by name.
    """

    insurable: FloatArray
    limit: FloatArray
    share: FloatArray
    underlying: FloatArray
    named: NDArray[np.bool_]

    @property
    def insured(self) -> NDArray[np.bool_]:
        """Buyers of whom anything can be covered."""
        return (self.insurable > 0) & (self.limit > 0)

    def step_values(self, terms: PolicyTerms) -> dict[str, float | FloatArray]:
        """The term of each step of a policy: by buyer, or one number for all."""
        values: dict[str, float | FloatArray] = {step: float(getattr(terms, step)) for step in terms.order}
        own = {"buyer_limit": self.limit, "insured_share": self.share, "underlying_limit": self.underlying}
        return {**values, **{step: by_buyer for step, by_buyer in own.items() if step in values}}


def buyer_terms(terms: PolicyTerms, names: ArrayLike) -> BuyerTerms:
    """Look up what a policy grants each of a list of customers.

    Parameters
    ----------
    terms : PolicyTerms
    names : array of str, shape (buyers,)
        Customer ids; "" is a buyer that nobody named.

    Returns
    -------
    BuyerTerms
        By name alone: `buyers` (so many largest) and `BuyerFacts` come in with `grant_cover`.

    Examples
    --------
    >>> from arrisk.policy.insurance.terms import PolicyTerms
    >>> terms = PolicyTerms(named_limits={"a": 9e5, "b": 0}, discretionary_limit=5e4, discretionary_share=0.8)
    >>> found = buyer_terms(terms, ["a", "b", "c"])
    >>> found.limit.tolist(), found.share.tolist()
    ([900000.0, 0.0, 50000.0], [0.9, 0.9, 0.8])
    """
    who = np.asarray(names).astype(str)
    granted = _look_up(terms.named_limits, who)
    named = ~np.isnan(granted)
    limit = np.where(named, granted, terms.discretionary_limit)
    if terms.discretionary_buyers is not None:
        limit[~named & ~np.isin(who, terms.discretionary_buyers)] = 0.0
    given = terms.insured_share if terms.discretionary_share is None else terms.discretionary_share
    share = np.where(named, terms.insured_share, given)
    first = _look_up(terms.underlying_limits, who)
    inside = ~np.isin(who, terms.excluded_buyers)
    if terms.only_buyers is not None:
        inside &= np.isin(who, terms.only_buyers)
    return BuyerTerms(
        inside.astype(float),
        np.minimum(limit, terms.buyer_limit),
        share,
        np.where(np.isnan(first), terms.underlying_limit, first),
        named,
    )


def grant_cover(terms: PolicyTerms, portfolio: LossPortfolio, facts: BuyerFacts | None = None) -> BuyerTerms:
    """What a policy grants each customer of a portfolio, exclusions and selection included."""
    found = buyer_terms(terms, portfolio.name)
    insurable = found.insurable * insured_buyers(terms, portfolio.exposure)
    if facts is not None:
        insurable = insurable * facts.insurable(terms)
    return BuyerTerms(insurable, found.limit, found.share, found.underlying, found.named)


def insured_buyers(terms: PolicyTerms, exposure: FloatArray) -> NDArray[np.bool_]:
    """Which balances a policy selects: all, or so many of the largest."""
    inside = np.ones(exposure.size, dtype=bool)
    if terms.buyers is not None:
        inside[:] = False
        inside[np.argsort(-exposure, kind="stable")[: terms.buyers]] = True
    return inside


def _look_up(amounts: Mapping[str, float], names: NDArray[np.str_]) -> FloatArray:
    """The amount of each name; not a number where there is none."""
    if not amounts:
        return np.full(names.shape, np.nan)
    known = pd.Series({str(name): float(amount) for name, amount in amounts.items()})
    place = known.index.get_indexer(pd.Index(names.astype(object)))
    return np.where(place >= 0, known.to_numpy()[place], np.nan)
