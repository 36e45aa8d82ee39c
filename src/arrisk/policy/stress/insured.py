"""What a policy pays on the failures of a stressed year, and when the money comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.models.losses.events import LossEvents
from arrisk.policy.insurance.terms import (
    PolicyTerms,
    apply_terms,
    insured_base,
    insured_buyers,
    share_recovery,
)

if TYPE_CHECKING:
    from arrisk.models.losses.portfolio import LossPortfolio

__all__ = ["Cover", "Indemnity", "insured_receivables", "pay_claims"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cover:
    """A policy in force, and how long its money takes.

    Parameters
    ----------
    terms : PolicyTerms
    waiting_days : float
        From failure to the insurer's payment.
    """

    terms: PolicyTerms
    waiting_days: float


@dataclass(frozen=True, slots=True, eq=False)
class Indemnity:
    """What the insurer pays on each failure, currency units, shape (failures,).

    Parameters
    ----------
    paid : array
        In cash, after the waiting period.
    borne : array
        Of the loss, once what is recovered later has been shared; never more than the loss.
    """

    paid: Floats
    borne: Floats


def pay_claims(events: LossEvents, cover: Cover | None, sales: ArrayLike) -> Indemnity:
    """Take the failures of simulated years through a policy.

    Parameters
    ----------
    events : LossEvents
    cover : Cover or None
        None is no insurance.
    sales : array of shape (obligors,)
        Of a year, for premiums on sales (which fix the maximum liability).

    Returns
    -------
    Indemnity
    """
    if cover is None:
        return Indemnity(np.zeros(events.obligor.size), np.zeros(events.obligor.size))
    terms, exposure = cover.terms, events.portfolio.exposure
    inside = insured_buyers(terms, exposure)
    premium = terms.premium(insured_base(terms, exposure, np.asarray(sales, dtype=float)))
    covered = np.where(inside[events.obligor], events.balance, 0.0)
    paid = apply_terms(covered, terms.with_premium(premium), events.draw).indemnity
    back, _ = share_recovery(events.balance - events.loss, paid, events.balance)
    return Indemnity(paid, np.clip(paid - back, 0.0, events.loss))


def insured_receivables(portfolio: LossPortfolio, terms: PolicyTerms) -> float:
    """Receivables within the buyers' limits, times the insured share, currency units.

    Examples
    --------
    >>> from arrisk.models.losses.portfolio import make_portfolio
    >>> book = make_portfolio(0.02, [100.0, 900.0], 0.5)
    >>> insured_receivables(book, PolicyTerms(insured_share=0.9, buyer_limit=500.0))
    540.0
    """
    inside = insured_buyers(terms, portfolio.exposure)
    return float(terms.insured_share * np.minimum(portfolio.exposure, terms.buyer_limit)[inside].sum())
