"""Limits that the insurer cuts when the common factor is bad: just when the losses are high."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import special

from arrisk.policy.insurance.buyer_limits import BuyerTerms

if TYPE_CHECKING:
    from arrisk.models.losses.portfolio import LossPortfolio
    from arrisk.policy.insurance.terms import PolicyTerms

__all__ = ["cut_limits", "downturn_years"]

FloatArray = NDArray[np.float64]


def downturn_years(terms: PolicyTerms, factor: FloatArray) -> NDArray[np.bool_]:
    """Years whose common factor (standard normal, low is bad) is among the worst `downturn_share`.

    Examples
    --------
    >>> from arrisk.policy.insurance.terms import PolicyTerms
    >>> downturn_years(PolicyTerms(downturn_cut=0.5, downturn_share=0.05), np.array([-2.0, -1.0])).tolist()
    [True, False]
    """
    return np.asarray(factor < special.ndtri(terms.downturn_share), dtype=bool)


def cut_limits(terms: PolicyTerms, granted: BuyerTerms, portfolio: LossPortfolio) -> BuyerTerms:
    """What is granted after the cut of a downturn.

    Notes
    -----
    Without a limit, the cut is taken from the balance. Buyers with the highest probabilities of default are
    cut first; the number of those cut is rounded.
    """
    count = round(terms.downturn_buyers * len(portfolio))
    worst = np.zeros(len(portfolio), dtype=bool)
    worst[np.argsort(-portfolio.pd, kind="stable")[:count]] = True
    open_ended = np.maximum(portfolio.exposure - granted.underlying, 0.0)
    today = np.where(np.isfinite(granted.limit), granted.limit, open_ended)
    limit = np.where(worst, (1 - terms.downturn_cut) * today, granted.limit)
    return BuyerTerms(granted.insurable, limit, granted.share, granted.underlying, granted.named)
