"""What a policy leaves to bear in simulated years, and what its year costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError
from arrisk.models.losses.events import LossEvents
from arrisk.policy.insurance.terms import (
    Payments,
    PolicyTerms,
    apply_terms,
    insured_base,
    insured_buyers,
    share_recovery,
)

__all__ = ["NO_INSURANCE", "Retained", "retain"]

FloatArray = NDArray[np.float64]
NO_INSURANCE = "self-insure"


@dataclass(frozen=True, slots=True)
class Retained:
    """One structure on one set of simulated losses.

    Parameters
    ----------
    name : str
        Structure.
    premium, base : float
        Premium with fees a year, and the insured base it is a rate of, currency units.
    retained, insured : arrays of shape (draws,)
        Loss of each year kept, and borne by the insurer net of its recoveries; they add up to the loss.
    limit_binds : float
        Chance that the maximum liability cuts the payments of a year.
    first_loss_unused : float
        Chance that the covered losses of a year do not exceed the aggregate first loss.
    """

    name: str
    premium: float
    base: float
    retained: FloatArray
    insured: FloatArray
    limit_binds: float
    first_loss_unused: float


def retain(
    events: LossEvents, terms: PolicyTerms | None, sales: ArrayLike, name: str | None = None
) -> Retained:
    """Take every simulated default through a policy.

    Parameters
    ----------
    events : LossEvents
        Defaults with balances and losses.
    terms : PolicyTerms or None
        None is no insurance.
    sales : array of shape (obligors,)
        Sales of a year by obligor, for premiums on sales.

    Returns
    -------
    Retained

    Notes
    -----
    Indemnity is paid on the balance; what is recovered later is shared in proportion (see `share_recovery`),
    so the insurer's net payment on a default is never more than the loss. Chances count each simulated year
    with its weight.

    Examples
    --------
    >>> from arrisk.models.losses.portfolio import Dependence, make_portfolio
    >>> from arrisk.models.losses.simulation import simulate_losses
    >>> runs = simulate_losses(make_portfolio(0.05, [100.0] * 20, 0.5), Dependence(0.1), draws=500, seed=1)
    >>> kept = retain(runs, PolicyTerms(insured_share=0.8, premium_rate=0.01), [400.0] * 20)
    >>> round(kept.premium, 2), bool(np.allclose(kept.retained, 0.2 * runs.totals()))
    (80.0, True)
    """
    total = events.totals()
    if terms is None:
        return Retained(name or NO_INSURANCE, 0.0, 0.0, total, np.zeros_like(total), 0.0, math.nan)
    turnover = np.asarray(sales, dtype=float)
    if turnover.shape != events.portfolio.exposure.shape:
        raise ModelError(f"{turnover.shape} sales do not go with {events.portfolio.exposure.shape} obligors")
    inside = insured_buyers(terms, events.portfolio.exposure)
    base = insured_base(terms, events.portfolio.exposure, turnover)
    premium = terms.premium(base)
    covered = np.where(inside[events.obligor], events.balance, 0.0)
    fixed = terms.with_premium(premium)
    paid = apply_terms(covered, fixed, events.draw)
    recovered = events.balance - events.loss
    back, _ = share_recovery(recovered, paid.indemnity, events.balance)
    insured = events.totals(np.maximum(paid.indemnity - back, 0.0))
    insured = np.minimum(insured, total)
    binds, unused = _aggregate_chances(events, paid, fixed)
    return Retained(name or terms.name, premium, base, total - insured, insured, binds, unused)


def _aggregate_chances(events: LossEvents, paid: Payments, terms: PolicyTerms) -> tuple[float, float]:
    binds, unused = 0.0, math.nan
    if "maximum_liability" in terms.order and math.isfinite(terms.maximum_liability):
        asked = events.totals(paid.before("maximum_liability"))
        binds = float(events.weight @ (asked > terms.maximum_liability))
    if "aggregate_first_loss" in terms.order and terms.aggregate_first_loss > 0:
        reached = events.totals(paid.before("aggregate_first_loss"))
        unused = float(events.weight @ (reached <= terms.aggregate_first_loss))
    return binds, unused
