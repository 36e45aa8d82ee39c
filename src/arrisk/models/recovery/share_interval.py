"""The range of a share of money that rests on few customers of very different size."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from arrisk.errors import ModelError
from arrisk.models.intervals import Interval, clopper_pearson, jackknife_logit, upper_bound

__all__ = ["FEWEST", "equal_customers", "share_interval"]

FEWEST = 5
"""Customers on either side of a share below which a jackknife is not trusted."""


def equal_customers(weights: ArrayLike) -> float:
    """How many customers of equal size a total is worth: (sum w)^2 / sum w^2 (L. Kish, 1965).

    Examples
    --------
    >>> equal_customers([1, 1, 1]), round(equal_customers([8, 1, 1]), 2)
    (3.0, 1.52)
    """
    w = np.asarray(weights, dtype=float)
    squares = float((w**2).sum())
    return float(w.sum()) ** 2 / squares if squares > 0 else 0.0


def share_interval(
    share: float, without: ArrayLike, weights: ArrayLike, bearing: int, level: float = 0.95
) -> Interval:
    """Interval of a share of money between 0 and 1.

    Parameters
    ----------
    share : float
        Of all customers together.
    without : array of shape (customers,)
        The share without each customer.
    weights : array of shape (customers,)
        Money of each customer that the share is taken of.
    bearing : int
        Customers that something came back from.
    level : float
        Two-sided coverage.

    Returns
    -------
    Interval
        The delete-one-customer jackknife on the logit scale. Where fewer than `FEWEST` customers bear it, the
        exact interval of Clopper and Pearson for so many customers of equal size: no other distribution on
        [0, 1] with that mean varies more than the yes or no it assumes, so it errs to the wide side. Where
        nothing came back, the one-sided bound.

    Notes
    -----
    `benchmarks/coverage_recovery.py` measures the coverage, on made-up books and on sample ledgers.

    Examples
    --------
    >>> round(share_interval(0.0, [0.0] * 3, [8, 1, 1], bearing=0).high, 3)
    0.862
    """
    money = np.asarray(weights, dtype=float)
    n = equal_customers(money)
    if n == 0:
        return Interval(0.0, 1.0, level, "nobody to tell")
    if bearing == 0 and share == 0:
        bound = upper_bound(0, n, level)
        return Interval(0.0, bound.high, level, f"{bound.method}, {n:.1f} customers of equal size")
    try:
        if bearing < FEWEST:
            raise ModelError("too few for a jackknife")
        return jackknife_logit(share, without, level, "effective")
    except ModelError:
        exact = clopper_pearson(min(share * n, n), n, level)
        return Interval(exact.low, exact.high, level, f"{exact.method}, {n:.1f} customers of equal size")
