"""The annual rate of dated cash flows: what a way of funding costs, whatever its fees are called."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from arrisk.errors import ModelError

__all__ = ["effective_rate", "simple_rate"]

YEAR = 365
LOWEST, HIGHEST = -0.99, 1000.0


def effective_rate(days: ArrayLike, amounts: ArrayLike, year: int = YEAR) -> float:
    """Effective annual rate of dated flows: at it, their present value is nothing.

    Parameters
    ----------
    days : array of shape (flows,)
        Days from the start.
    amounts : array of shape (flows,)
        Received (positive) and paid (negative), currency units.
    year : int
        Days that count as a year.

    Returns
    -------
    float
        Fraction a year, compounded yearly.

    Raises
    ------
    ModelError
        If the flows do not change sign once, so that no rate, or more than one, would do.

    Notes
    -----
    Solves ``sum(amount / (1 + rate) ** (day / year)) = 0``, the annual percentage rate of Directive
    2008/48/EC, annex I. Flows that change sign once have exactly one such rate.

    Examples
    --------
    >>> round(effective_rate([0, 365], [100.0, -108.0]), 6)
    0.08
    """
    when, flows = np.asarray(days, dtype=float), np.asarray(amounts, dtype=float)
    if when.shape != flows.shape or when.ndim != 1:
        raise ModelError("need one day for each amount")
    order = np.argsort(when, kind="stable")
    totals = np.array([flows[when == day].sum() for day in np.unique(when[order])])
    moving = np.sign(totals[np.abs(totals) > 1e-12])
    if (np.diff(moving) != 0).sum() != 1:
        raise ModelError("a rate needs money received first and paid later, or the other way round, once")

    def value(rate: float) -> float:
        return float((flows * (1 + rate) ** (-when / year)).sum())

    return float(optimize.brentq(value, LOWEST, HIGHEST, xtol=1e-13))


def simple_rate(cost: float, cash: float, days: float = YEAR, year: int = YEAR) -> float:
    """Cost over the cash it is paid for, times the year over the days: no compounding.

    Examples
    --------
    >>> round(simple_rate(2.0, 98.0, days=36, year=360), 4)
    0.2041
    """
    if not (cash > 0 and days > 0):
        raise ModelError(f"cash and days are above 0, got {cash} and {days}")
    return cost / cash * year / days
