"""What a policy pays on the failures of a stressed year, and when the money comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.policy.grade_terms.inputs import given_or_typical
from arrisk.policy.insurance.buyer_limits import grant_cover
from arrisk.policy.insurance.downturn_cuts import downturn_years
from arrisk.policy.insurance.layers import make_layer
from arrisk.policy.insurance.steps import run_steps
from arrisk.policy.insurance.terms import PolicyTerms

if TYPE_CHECKING:
    from arrisk.models.losses.events import LossEvents
    from arrisk.models.losses.portfolio import LossPortfolio
    from arrisk.policy.study import Study

__all__ = ["Indemnity", "insured_receivables", "pay_claims", "usual_policy"]

Floats = NDArray[np.float64]
TERMS = (
    "insured_share",
    "buyer_limit",
    "non_qualifying_loss",
    "each_and_every",
    "aggregate_first_loss",
    "maximum_liability_multiple",
    "premium_rate",
    "minimum_premium",
    "waiting_days",
)


@dataclass(frozen=True, slots=True, eq=False)
class Indemnity:
    """What the insurer pays on each failure, shape (failures,).

    Parameters
    ----------
    paid : array
        In cash, currency units.
    borne : array
        Of the loss, once what is recovered later has been shared; never more than the loss.
    wait : array
        Days from the failure until the cash comes.
    """

    paid: Floats
    borne: Floats
    wait: Floats


def pay_claims(
    events: LossEvents, policy: PolicyTerms | None, sales: ArrayLike, rng: np.random.Generator
) -> Indemnity:
    """Take the failures of simulated years through a policy.

    Parameters
    ----------
    events : LossEvents
    policy : PolicyTerms or None
        None is no insurance.
    sales : array of shape (obligors,)
        Of a year, for premiums on sales (which fix the maximum liability).
    rng : Generator
        Draws which claims are insolvencies, for which nobody waits.

    Returns
    -------
    Indemnity

    Notes
    -----
    As `arrisk.policy.insurance.layers.pay_layers` has it for years: first loss and maximum liability fall on
    the losses of a year in proportion, recoveries are shared as a balance was paid, and limits are those cut
    in a downturn where the factor of the year is bad and the policy says so.
    """
    size = events.obligor.size
    if policy is None:
        return Indemnity(np.zeros(size), np.zeros(size), np.full(size, np.inf))
    layer, who = make_layer(policy, events.portfolio, np.asarray(sales, dtype=float)), events.obligor
    usual, worst = layer.granted[0], layer.granted[-1]
    values: dict[str, float | Floats] = {
        step: value[who] if isinstance(value, np.ndarray) else value
        for step, value in usual.step_values(layer.terms).items()
    }
    if worst is not usual:
        bad = downturn_years(policy, events.factor)[events.draw]
        values["buyer_limit"] = np.where(bad, worst.limit[who], usual.limit[who])
    order = layer.terms.order
    after = run_steps(events.balance * usual.insurable[who], order, values, events.draw, "pro rata")
    paid = np.asarray(after[("covered", *order)[-1]], dtype=float)
    at_once = rng.random(size) < policy.insolvent_share
    wait = np.where(at_once, 0.0, policy.waiting_days) + policy.payment_days
    return Indemnity(paid, np.minimum(paid * events.severity, events.loss), wait)


def insured_receivables(portfolio: LossPortfolio, policy: PolicyTerms) -> float:
    """Receivables within the buyers' limits, times the insured share, currency units.

    Examples
    --------
    >>> from arrisk.models.losses.portfolio import make_portfolio
    >>> book = make_portfolio(0.02, [100.0, 900.0], 0.5)
    >>> insured_receivables(book, PolicyTerms(insured_share=0.9, buyer_limit=500.0))
    540.0
    """
    granted = grant_cover(policy, portfolio)
    return float((granted.share * np.minimum(portfolio.exposure * granted.insurable, granted.limit)).sum())


def usual_policy(study: Study, name: str = "whole turnover") -> PolicyTerms:
    """A whole-turnover policy on the terms of the study's assumptions, or typical ones.

    Parameters
    ----------
    study : Study
        Gives insured_share, buyer_limit, waiting_days and the like.
    name : str

    Returns
    -------
    PolicyTerms
    """
    given: dict[str, Any] = {term: given_or_typical(study, term).value for term in TERMS}
    return PolicyTerms(name, **given)
