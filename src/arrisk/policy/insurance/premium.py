"""What a policy costs a year before its claims: premium on a named base, minimum, fees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError
from arrisk.policy.insurance.buyer_limits import BuyerTerms, grant_cover, insured_buyers

if TYPE_CHECKING:
    from arrisk.models.losses.portfolio import LossPortfolio
    from arrisk.policy.insurance.exclusions import BuyerFacts
    from arrisk.policy.insurance.terms import PolicyTerms

__all__ = ["BASE_WORDS", "Premium", "count_limits", "insured_base", "price_policy"]

FloatArray = NDArray[np.float64]
MONTHS = 12
BASE_WORDS = {
    "sales": "insured sales of a year",
    "balances": "average insured balances",
    "monthly_balances": "insured balances declared at the end of each month, added up",
    "limits": "limits granted",
}


@dataclass(frozen=True, slots=True)
class Premium:
    """What a policy costs a year before its claims.

    Parameters
    ----------
    base : float
        What the rate is applied to, currency units.
    base_words : str
        What that is.
    rated : float
        Rate times base.
    paid : float
        The same, at least the minimum premium; the maximum liability is a multiple of it.
    limits : int
        Limits that cost a fee.
    fees : float
        Fixed and for limits.
    """

    base: float
    base_words: str
    rated: float
    paid: float
    limits: int
    fees: float

    @property
    def total(self) -> float:
        """Premium and fees."""
        return self.paid + self.fees

    def finding(self) -> str:
        """The arithmetic in one sentence."""
        least = f", the minimum, as the rate gives {self.rated:,.0f}" if self.paid > self.rated else ""
        return (
            f"Premium {self.paid:,.0f} on {self.base:,.0f} ({self.base_words}){least}; fees {self.fees:,.0f}"
        )


def price_policy(
    terms: PolicyTerms,
    portfolio: LossPortfolio,
    sales: ArrayLike | None = None,
    facts: BuyerFacts | None = None,
    declared: ArrayLike | None = None,
) -> Premium:
    """Work out the premium and the fees of a year.

    Parameters
    ----------
    terms : PolicyTerms
    portfolio : LossPortfolio
        Whose exposure is the average balance, when none are declared.
    sales : array of shape (obligors,), optional
        Sales of a year; needed when the premium is on sales.
    facts : BuyerFacts, optional
        Excluded buyers bring no premium.
    declared : array of shape (months, obligors), optional
        Balances at the ends of months, brought to a year when they are not twelve.

    Returns
    -------
    Premium

    Raises
    ------
    ModelError
        If the base that the policy names is not given or not finite.

    Examples
    --------
    >>> from arrisk.models.losses.portfolio import make_portfolio
    >>> from arrisk.policy.insurance.terms import PolicyTerms
    >>> book = make_portfolio(0.02, [100.0, 300.0], 0.6)
    >>> price_policy(PolicyTerms(premium_rate=0.001, premium_base="monthly_balances"), book).paid
    4.8
    """
    granted = grant_cover(terms, portfolio, facts)
    base = _base(terms, granted, portfolio, sales, declared)
    limits = count_limits(terms, granted)
    return Premium(
        base,
        BASE_WORDS[terms.premium_base],
        terms.premium_rate * base,
        terms.paid_premium(base),
        limits,
        terms.fees + terms.limit_fee * limits,
    )


def count_limits(terms: PolicyTerms, granted: BuyerTerms) -> int:
    """Limits that cost a fee: those granted by name, or one for each insured buyer when none are named and
    there is no discretionary limit. Refused and discretionary limits cost nothing.

    Examples
    --------
    >>> from arrisk.policy.insurance.buyer_limits import buyer_terms
    >>> from arrisk.policy.insurance.terms import PolicyTerms
    >>> terms = PolicyTerms(named_limits={"a": 9e5, "b": 0}, discretionary_limit=5e4)
    >>> count_limits(terms, buyer_terms(terms, ["a", "b", "c"]))
    1
    """
    if terms.named_limits:
        return sum(limit > 0 for limit in terms.named_limits.values())
    return 0 if np.isfinite(terms.discretionary_limit) else int(granted.insured.sum())


def insured_base(terms: PolicyTerms, exposure: FloatArray, sales: FloatArray) -> float:
    """What the premium rate is applied to, of the largest balances that the policy selects.

    Examples
    --------
    >>> from arrisk.policy.insurance.terms import PolicyTerms
    >>> insured_base(PolicyTerms(buyers=1), np.array([10.0, 90.0]), np.array([500.0, 300.0]))
    300.0
    """
    amounts = sales if terms.premium_base == "sales" else exposure
    return float(amounts[insured_buyers(terms, exposure)].sum())


def _base(
    terms: PolicyTerms,
    granted: BuyerTerms,
    portfolio: LossPortfolio,
    sales: ArrayLike | None,
    declared: ArrayLike | None,
) -> float:
    if terms.premium_base == "limits":
        amounts = granted.limit
    elif terms.premium_base == "sales":
        if sales is None:
            raise ModelError("the premium is on sales: give the sales of a year by obligor")
        amounts = np.asarray(sales, dtype=float)
    else:
        months = portfolio.exposure[None, :] if declared is None else np.asarray(declared, dtype=float)
        if months.ndim != 2 or len(months) == 0:
            raise ModelError(f"declared balances are months by obligors, got the shape {months.shape}")
        times = MONTHS if terms.premium_base == "monthly_balances" else 1
        amounts = times * months.mean(axis=0)
    if amounts.shape != portfolio.exposure.shape:
        raise ModelError(
            f"{amounts.shape} {terms.premium_base} do not go with {portfolio.exposure.shape} obligors"
        )
    base = float(amounts[granted.insured].sum())
    if not np.isfinite(base):
        raise ModelError(f"the premium base, {BASE_WORDS[terms.premium_base]}, is {base}: it must be finite")
    return base
