"""Part of the premium that comes back after a good year, or is added after a bad one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from arrisk.policy.insurance.terms import PolicyTerms

__all__ = ["loss_ratio", "premium_change"]

FloatArray = NDArray[np.float64]


def loss_ratio(claims: ArrayLike, premium: float) -> FloatArray:
    """Claims of a year over its premium; unbounded when there are claims and no premium.

    Examples
    --------
    >>> loss_ratio([0.0, 50.0], 100.0).tolist()
    [0.0, 0.5]
    """
    paid = np.asarray(claims, dtype=float)
    if premium > 0:
        return paid / premium
    return np.where(paid > 0, np.inf, 0.0)


def premium_change(terms: PolicyTerms, claims: ArrayLike, premium: float) -> FloatArray:
    """What is added to a year's premium (negative: comes back) for its claims.

    Parameters
    ----------
    terms : PolicyTerms
    claims : array of shape (years,)
        Borne by the insurer, net of its recoveries, currency units.
    premium : float
        Premium of the year before fees.

    Returns
    -------
    array of shape (years,)
        The bonus when the loss ratio is at most `bonus_ratio`; the share `profit_share` of what claims leave
        of `profit_share_ratio` times the premium; the malus when the loss ratio exceeds `malus_ratio`. No
        more than the premium comes back.

    Examples
    --------
    >>> from arrisk.policy.insurance.terms import PolicyTerms
    >>> terms = PolicyTerms(profit_share=0.2, profit_share_ratio=0.6, malus=0.25, malus_ratio=1.0)
    >>> premium_change(terms, [0.0, 30_000.0, 90_000.0, 120_000.0], 100_000.0).tolist()
    [-12000.0, -6000.0, 0.0, 25000.0]
    """
    paid = np.asarray(claims, dtype=float)
    ratio = loss_ratio(paid, premium)
    change = np.where(ratio > terms.malus_ratio, terms.malus * premium, 0.0)
    change -= np.where(ratio <= terms.bonus_ratio, terms.bonus * premium, 0.0)
    change -= terms.profit_share * np.maximum(terms.profit_share_ratio * premium - paid, 0.0)
    return np.asarray(np.maximum(change, -premium) + 0.0, dtype=float)
