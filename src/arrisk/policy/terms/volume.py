"""How sales, risk and days to payment move when the days of the terms do: arithmetic on arrays.

Sales follow the days of the terms at a constant relative rate, so that going there and back changes nothing.
The sales that come with longer terms, and go with shorter ones, are those of buyers who need the credit: they
default more often than the grade, by a multiple of its hazard.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.policy.grade_terms.ranges import as_share

__all__ = ["caught_of_mix", "days_taken", "sales_ratio"]

STEP = 30.0
Floats = NDArray[np.float64]


def sales_ratio(elasticity: ArrayLike, change_days: ArrayLike) -> Floats:
    """Sales on other terms over sales today; arrays broadcast.

    Parameters
    ----------
    elasticity : array_like
        Relative change of sales for 30 days more; above -1.
    change_days : array_like
        Days of the other terms less those of today.

    Raises
    ------
    ValueError
        If an elasticity is not above -1.

    Examples
    --------
    >>> sales_ratio(0.1, [0, 30, 60, -30]).round(4).tolist()
    [1.0, 1.1, 1.21, 0.9091]
    """
    rate = np.asarray(elasticity, dtype=float)
    if not (rate > -1).all():
        raise ValueError(f"elasticity = {elasticity!r}: sales cannot fall by more than all of them")
    return np.asarray((1.0 + rate) ** (np.asarray(change_days, dtype=float) / STEP), dtype=float)


def caught_of_mix(caught: ArrayLike, ratio: ArrayLike, extra_pd_ratio: ArrayLike) -> Floats:
    """Share of the sales on other terms that a default catches; arrays broadcast.

    Parameters
    ----------
    caught : array_like
        Of the grade's sales today, were they on those terms: a probability.
    ratio : array_like
        From `sales_ratio`.
    extra_pd_ratio : array_like
        Hazard of the sales won or lost over that of the grade, from 0.

    Returns
    -------
    array
        Probability. Of shorter terms that drive away more risk than there is: 0.

    Raises
    ------
    ValueError
        If a probability is none, or a ratio negative.

    Examples
    --------
    A tenth more sales that fail twice as often, and those gone again:

    >>> float(caught_of_mix(0.02, 1.1, 2.0).round(6)), float(caught_of_mix(0.02, 0.9, 2.0).round(6))
    (0.021782, 0.017822)
    """
    own, share = as_share("caught", caught), np.asarray(ratio, dtype=float)
    times = np.asarray(extra_pd_ratio, dtype=float)
    if not ((share > 0).all() and (times >= 0).all()):
        raise ValueError(f"ratio = {ratio!r}, extra_pd_ratio = {extra_pd_ratio!r}: may not be negative")
    marginal = 1.0 - (1.0 - own) ** times
    return np.asarray(np.clip((own + (share - 1.0) * marginal) / share, 0.0, 1.0), dtype=float)


def days_taken(terms: ArrayLike, today: ArrayLike, delay: ArrayLike, slope: ArrayLike) -> Floats:
    """Days from delivery to payment on other terms; arrays broadcast.

    Parameters
    ----------
    terms, today : array_like
        Days of the other terms and of today's.
    delay : array_like
        Days from the due date to payment today; negative is early.
    slope : array_like
        Days later that a payment comes for one day of terms more: 1 keeps the delay, 0 the day of payment.

    Examples
    --------
    >>> days_taken([30, 60, 90], 60, 12, 0.8).tolist()
    [48.0, 72.0, 96.0]
    """
    base = np.asarray(today, dtype=float)
    moved = np.asarray(slope, dtype=float) * (np.asarray(terms, dtype=float) - base)
    return np.asarray(np.maximum(base + np.asarray(delay, dtype=float) + moved, 0.0), dtype=float)
