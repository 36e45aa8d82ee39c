"""What makes a sale on account bearable: payment in advance, security, a price, a shorter term, a limit."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.policy.grade_terms.ranges import as_days, as_margin, as_share
from arrisk.policy.grade_terms.value import YEAR, credit_cost

__all__ = ["advance_share", "limit_months", "longest_term", "price_surcharge", "secured_share"]

MONTHS = 12
Floats = NDArray[np.float64]


def advance_share(margin: ArrayLike, cost: ArrayLike) -> Floats:
    """Share of the price to be paid on delivery so that the sale loses nothing: ``1 - margin / cost``.

    Returns
    -------
    array
        Fraction in [0, 1]; 0 where open account does not lose; NaN where the margin is negative, as then even
        a sale paid in full on delivery loses.

    Examples
    --------
    >>> advance_share([0.10, 0.05, -0.01], 0.08).round(6).tolist()
    [0.0, 0.375, nan]
    """
    m, c = np.broadcast_arrays(as_margin(margin), np.asarray(cost, dtype=float))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(m >= c, 0.0, 1.0 - m / c)
    return np.asarray(np.where(m < 0, np.nan, share), dtype=float)


def secured_share(
    margin: ArrayLike,
    pd: ArrayLike,
    days: ArrayLike,
    *,
    lgd: ArrayLike,
    secured_lgd: ArrayLike,
    cost_of_capital: ArrayLike,
    workout_days: float = 0.0,
    year: int = YEAR,
) -> Floats:
    """Share of the claim to be secured so that the sale loses nothing; the customer pays for security.

    Parameters as in `credit_cost` and `sale_value`.

    Returns
    -------
    array
        Fraction in [0, 1]; 0 where open account does not lose; NaN where full security is not enough, as
        when waiting alone costs more than the margin.

    Examples
    --------
    Cost 8% unsecured and 0.8% secured, margin 5%: three of the 7.2 points must go.

    >>> float(secured_share(.05, .1, 0, lgd=.8, secured_lgd=.08, cost_of_capital=0).round(6))
    0.416667
    """

    def cost(loss: ArrayLike) -> Floats:
        return credit_cost(
            pd, days, lgd=loss, cost_of_capital=cost_of_capital, workout_days=workout_days, year=year
        )

    m, plain, full = np.broadcast_arrays(as_margin(margin), cost(lgd), cost(secured_lgd))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (plain - m) / (plain - full)
    enough = (m >= full) & (plain > full)
    return np.asarray(np.where(m >= plain, 0.0, np.where(enough, share, np.nan)), dtype=float)


def price_surcharge(cost: ArrayLike) -> Floats:
    """Rise of the price that makes a sale on account worth as much as one paid on delivery at the old price.

    Returns
    -------
    array
        Fraction of the price, ``cost / (1 - cost)``; infinite where nothing of the price is worth anything.

    Examples
    --------
    >>> float(price_surcharge(0.02).round(6))
    0.020408
    """
    c = np.asarray(cost, dtype=float)
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(c < 1, c / np.where(c < 1, 1 - c, 1.0), np.inf), dtype=float)


def longest_term(terms: ArrayLike, bearable: ArrayLike) -> Floats:
    """Longest of the offered terms up to which all are bearable.

    Parameters
    ----------
    terms : array of shape (terms,)
        Days, increasing.
    bearable : array of bool, shape (..., terms)
        Whether a sale on each term is.

    Returns
    -------
    array of shape (...)
        Days; NaN where not even the shortest is bearable.

    Raises
    ------
    ValueError
        If the terms do not increase.

    Examples
    --------
    >>> longest_term([14, 30, 60], [[True, True, False], [False, False, False]]).tolist()
    [30.0, nan]
    """
    offered = as_days("terms", terms)
    if offered.ndim != 1 or not offered.size or (np.diff(offered) <= 0).any():
        raise ValueError(f"terms = {terms!r}: offered terms are days that increase")
    count = np.cumprod(np.asarray(bearable, dtype=bool), axis=-1).sum(axis=-1)
    return np.asarray(np.where(count > 0, offered[np.maximum(count - 1, 0)], np.nan), dtype=float)


def limit_months(
    margin: ArrayLike, yearly_pd: ArrayLike, *, lgd: ArrayLike, risk_budget: ArrayLike, most: ArrayLike
) -> Floats:
    """Credit limit in months of sales, so that a year's expected loss at the limit keeps to a risk budget.

    An account that stands at its limit all year loses ``limit * yearly_pd * lgd`` on average; the budget
    allows `risk_budget` of the margin that its sales earn in the year. So the limit is
    ``12 * risk_budget * margin / (yearly_pd * lgd)`` months of sales, and never above `most`.

    Parameters
    ----------
    margin, lgd : array_like
        Fractions.
    yearly_pd : array_like
        Probability of default within a year; take the upper end of its interval.
    risk_budget : array_like
        Fraction of the year's margin that may be lost.
    most : array_like
        Months of sales that the terms need.

    Notes
    -----
    The budget is a choice, not an estimate. With a probability of default that does not depend on how much
    is owed, and no price on risk, every unit of credit is worth the same: the best limit by expected value
    is either none or all that the customer buys. Only an appetite for risk makes it finite.

    Examples
    --------
    >>> limit_months(0.3, [0.02, 0.5], lgd=0.8, risk_budget=0.1, most=3.0).round(6).tolist()
    [3.0, 0.9]
    """
    loss = as_share("yearly_pd", yearly_pd) * as_share("lgd", lgd)
    earned = MONTHS * as_share("risk_budget", risk_budget) * np.maximum(as_margin(margin), 0.0)
    loss, earned, cap = np.broadcast_arrays(loss, earned, as_days("most", most))
    with np.errstate(divide="ignore", invalid="ignore"):
        months = np.where(loss > 0, earned / loss, np.inf)
    return np.asarray(np.minimum(months, cap), dtype=float)
