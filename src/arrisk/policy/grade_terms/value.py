"""Exact arithmetic of one sale on account to a customer who may fail while the money is out.

A sale of 1 costs ``1 - margin`` on the day of delivery. Of the price, `advance` is paid on that day and the
rest after `days`, discounted at an effective annual rate; with probability `pd` the customer fails while the
money is out, and then ``1 - lgd`` of the rest comes, `workout_days` later. So

    value = margin - (1 - advance) * cost,      cost = 1 - v(days) * (1 - pd * (1 - (1 - lgd) * v(workout)))

where ``v(d) = (1 + cost_of_capital) ** (-d / year)``. All that a grade needs follows from `cost`, which is
also the margin below which the sale loses money. With no interest and nothing recovered it is the rule of
Brealey and Myers, Principles of Corporate Finance, that credit is granted when the chance of being paid is
above cost over revenue (`arrisk.policy.granting.grant_or_refuse`).

Sales are taken as given: nobody buys more on longer terms, or leaves when asked to pay in advance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from arrisk.policy.arithmetic import discount_factor
from arrisk.policy.grade_terms.ranges import as_days, as_margin, as_rate, as_share

__all__ = ["break_even_pd", "credit_cost", "pd_within", "sale_value", "turning_points"]

YEAR = 365
Floats = NDArray[np.float64]


def pd_within(pd: ArrayLike, horizon_days: float, days: ArrayLike) -> Floats:
    """Probability of default within `days`, from that within a horizon at a constant hazard.

    Raises
    ------
    ValueError
        If a probability lies outside 0 to 1, days are negative, or the horizon is not positive.

    Examples
    --------
    >>> pd_within(0.19, 180, [90, 180]).round(6).tolist()
    [0.1, 0.19]
    """
    if not horizon_days > 0:
        raise ValueError(f"horizon_days = {horizon_days!r}: a probability needs a time to happen in")
    share = as_share("pd", pd)
    return np.asarray(1.0 - (1.0 - share) ** (as_days("days", days) / horizon_days), dtype=float)


def credit_cost(
    pd: ArrayLike,
    days: ArrayLike,
    *,
    lgd: ArrayLike,
    cost_of_capital: ArrayLike,
    secured: ArrayLike = 0.0,
    secured_lgd: ArrayLike = 0.0,
    workout_days: float = 0.0,
    year: int = YEAR,
) -> Floats:
    """What selling on account costs, a unit of the price: waiting and expected loss; arrays broadcast.

    Parameters
    ----------
    pd : array_like
        Probability that the customer fails within `days`.
    days : array_like
        From delivery to payment: the term and the usual delay.
    lgd : array_like
        Lost of an unsecured claim on a failed customer, fraction.
    cost_of_capital : array_like
        Effective annual rate.
    secured : array_like
        Fraction of the claim that is secured (guarantee, insurance, retained title).
    secured_lgd : array_like
        Lost of the secured part, fraction.
    workout_days : float
        How much later than a payment a recovery comes.
    year : int
        Days in a year of the rate.

    Returns
    -------
    array
        Fraction of the price; also the least margin at which the sale does not lose money.

    Raises
    ------
    ValueError
        If a share lies outside 0 to 1, or days or the rate are negative.

    Examples
    --------
    A failure in fifty, 60% lost, 60 days at 8%: 1.26% of waiting and 1.19% of loss.

    >>> float(credit_cost(0.02, 60, lgd=0.6, cost_of_capital=0.08).round(6))
    0.024421
    """
    lost = _lost(lgd, cost_of_capital, workout_days, year)
    kept = _lost(secured_lgd, cost_of_capital, workout_days, year)
    share = as_share("secured", secured)
    later = discount_factor(as_rate(cost_of_capital), as_days("days", days), year=year)
    return np.asarray(1.0 - later * (1.0 - as_share("pd", pd) * (lost - share * (lost - kept))), dtype=float)


def sale_value(margin: ArrayLike, cost: ArrayLike, advance: ArrayLike = 0.0) -> Floats:
    """Net present value of a sale of 1, with a share of the price paid on delivery.

    Parameters
    ----------
    margin : array_like
        Price less variable cost, over price.
    cost : array_like
        From `credit_cost`.
    advance : array_like
        Fraction of the price paid on delivery.

    Examples
    --------
    >>> float(sale_value(0.05, 0.08).round(6)), float(sale_value(0.05, 0.08, advance=0.5).round(6))
    (-0.03, 0.01)
    """
    return np.asarray(
        as_margin(margin) - (1.0 - as_share("advance", advance)) * np.asarray(cost), dtype=float
    )


def break_even_pd(
    margin: ArrayLike,
    days: ArrayLike,
    *,
    lgd: ArrayLike,
    cost_of_capital: ArrayLike,
    workout_days: float = 0.0,
    year: int = YEAR,
) -> Floats:
    """Probability of default while the money is out at which a sale on account is worth nothing.

    Parameters as in `credit_cost` and `sale_value`.

    Returns
    -------
    array
        Fraction. Above 1: no probability turns the sale, as even a customer sure to fail brings its cost
        back; below 0: waiting alone costs more than the margin.

    Examples
    --------
    Brealey and Myers' order, revenue 1200 and cost 1000: paid with at least 5/6, so failing with at most 1/6.

    >>> float(break_even_pd(200 / 1200, 0, lgd=1.0, cost_of_capital=0.0).round(6))
    0.166667
    """
    lost = _lost(lgd, cost_of_capital, workout_days, year)
    later = discount_factor(as_rate(cost_of_capital), as_days("days", days), year=year)
    room = (as_margin(margin) - 1.0 + later) / later
    with np.errstate(divide="ignore", invalid="ignore"):
        out = np.where(lost > 0, room / lost, np.where(room >= 0, np.inf, -np.inf))
    return np.asarray(out, dtype=float)


def turning_points(
    margin: float,
    pd: float,
    days: float,
    *,
    lgd: float,
    cost_of_capital: float,
    workout_days: float = 0.0,
    year: int = YEAR,
) -> dict[str, float]:
    """Value of each input at which the sale is worth nothing, the others as they are.

    Returns
    -------
    dict
        `margin`, `pd`, `lgd` (fractions) and `cost_of_capital` (effective annual rate); NaN where no value
        within its natural range (0 to 1; a rate from 0) turns it.

    Examples
    --------
    >>> turn = turning_points(0.05, 0.02, 60, lgd=0.6, cost_of_capital=0.08)
    >>> {name: round(value, 4) for name, value in turn.items()}
    {'margin': 0.0244, 'pd': 0.0632, 'lgd': nan, 'cost_of_capital': 0.2695}
    """
    later = float(discount_factor(as_rate(cost_of_capital), days, year=year))
    after = float(discount_factor(cost_of_capital, workout_days, year=year))
    rates = {"lgd": lgd, "cost_of_capital": cost_of_capital, "workout_days": workout_days, "year": year}
    lost = np.nan if pd == 0 else 1 - (1 - (margin - 1 + later) / (later * pd)) / after
    return {
        "margin": float(credit_cost(pd, days, **rates)),  # type: ignore[arg-type]
        "pd": _share_or_nan(float(break_even_pd(margin, days, **rates))),  # type: ignore[arg-type]
        "lgd": _share_or_nan(lost),
        "cost_of_capital": _turning_rate(margin, pd, days, lgd, workout_days, year),
    }


def _turning_rate(margin: float, pd: float, days: float, lgd: float, workout: float, year: int) -> float:
    """Rate at which the discounted receipts are worth the cost: a root, unless the recovery comes at once."""

    def left(rate: float) -> float:
        return margin - float(
            credit_cost(pd, days, lgd=lgd, cost_of_capital=rate, workout_days=workout, year=year)
        )

    if left(0.0) < 0:
        return float("nan")
    high = 1.0
    while left(high) > 0:
        high *= 4
        if high > 1e6:
            return float("nan")
    return float(optimize.brentq(left, 0.0, high, xtol=1e-14))


def _share_or_nan(value: float) -> float:
    return value if 0 <= value <= 1 else float("nan")


def _lost(lgd: ArrayLike, cost_of_capital: ArrayLike, workout_days: float, year: int) -> Floats:
    """Lost of a claim once the wait for the recovery is counted."""
    after = discount_factor(as_rate(cost_of_capital), as_days("workout_days", workout_days), year=year)
    return np.asarray(1.0 - (1.0 - as_share("lgd", lgd)) * after, dtype=float)
