"""Exact arithmetic of cash discounts, with every convention an argument.

One question has several textbook answers because the books differ in the year (360 or 365 days), the base
(list price or the price paid), and compounding. Here none of these is silent: each is a keyword. Changes of
credit terms are in `arrisk.policy.granting`, receivables in `arrisk.policy.carrying`, tax in
`arrisk.policy.vat`.

Days are *accelerated* days: how much sooner the money really comes. A payer who was late anyway makes a
discount cheaper than its terms say; one who was early anyway makes it pure cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Base",
    "DiscountProfit",
    "affordable_rate",
    "discount_cost",
    "discount_factor",
    "discount_profit",
    "factoring_benefit",
    "scheme_value",
]

Base = Literal["paid", "price"]


def discount_cost(
    rate: float,
    accelerated_days: float,
    *,
    year: int = 365,
    base: Base = "paid",
    compound: bool = False,
) -> float:
    """Annual cost of paying `rate` to have the money `accelerated_days` sooner.

    Parameters
    ----------
    rate : float
        Discount, fraction of the price; 0 <= rate < 1.
    accelerated_days : float
        Days the money really comes sooner; greater than 0. From the terms alone: net less discount days.
    year : int
        Days in a year: 360 or 365.
    base : {"paid", "price"}
        Relate the discount to what is paid, d/(1-d), or to the list price, d.
    compound : bool
        Effective annual rate instead of a simple one.

    Returns
    -------
    float
        Fraction per year.

    Raises
    ------
    ValueError
        If the rate or the days are outside their range.

    Examples
    --------
    2/10 net 30:

    >>> round(discount_cost(0.02, 20), 4), round(discount_cost(0.02, 20, compound=True), 4)
    (0.3724, 0.4459)
    """
    _check_fraction("rate", rate)
    if base not in get_args(Base):
        raise ValueError(f"base = {base!r}: allowed are {', '.join(get_args(Base))}")
    if accelerated_days <= 0:
        raise ValueError(f"accelerated_days = {accelerated_days!r}: money that comes no sooner has no price")
    per_period = rate / (1 - rate) if base == "paid" else rate
    periods = year / accelerated_days
    return float((1 + per_period) ** periods - 1 if compound else per_period * periods)


def discount_factor(cost_of_capital: ArrayLike, days: ArrayLike, *, year: int = 365) -> NDArray[np.float64]:
    """Present value of 1 paid after `days`, at an effective annual rate; arrays broadcast.

    Examples
    --------
    >>> float(discount_factor(0.08, 365).round(6))
    0.925926
    """
    rate, when = np.asarray(cost_of_capital, dtype=float), np.asarray(days, dtype=float)
    return np.asarray((1.0 + rate) ** (-when / year), dtype=float)


@dataclass(frozen=True, slots=True)
class DiscountProfit:
    """A year of a discount: financing saved, discount given away, the difference (currency units)."""

    saving: float
    cost: float

    @property
    def net(self) -> float:
        """Saving less cost."""
        return self.saving - self.cost


def discount_profit(
    sales: float,
    *,
    take_up: float,
    rate: float,
    accelerated_days: float,
    cost_of_capital: float,
    year: int = 365,
) -> DiscountProfit:
    """Simple-interest profit of a discount in a year, as examiners compute it.

    Parameters
    ----------
    sales : float
        Annual credit sales, currency units.
    take_up : float
        Fraction of sales that takes it.
    rate : float
        Discount, fraction of the price.
    accelerated_days : float
        Average days those sales are paid sooner.
    cost_of_capital : float
        Simple annual rate.
    year : int
        Days in a year.

    Examples
    --------
    >>> round(discount_profit(50e6, take_up=.2, rate=.01, accelerated_days=50, cost_of_capital=.06).net)
    -17808
    """
    _check_fraction("rate", rate)
    if not 0 <= take_up <= 1:
        raise ValueError(f"take_up = {take_up!r}: a fraction from 0 to 1")
    taken = sales * take_up
    return DiscountProfit(taken * accelerated_days / year * cost_of_capital, taken * rate)


def scheme_value(
    rate: ArrayLike,
    *,
    take_up: ArrayLike,
    discount_pv: ArrayLike,
    late_pv: ArrayLike,
    early_pv: ArrayLike = 1.0,
    already_early: ArrayLike = 0.0,
    loss_rate: ArrayLike = 0.0,
    default_relief: ArrayLike = 0.0,
    sales_effect: ArrayLike = 0.0,
    variable_cost: ArrayLike = 0.0,
) -> NDArray[np.float64]:
    """Change of present value per unit of offered sales when a discount is offered; arrays broadcast.

    The takers, a share `take_up` of sales, pay ``1 - rate`` on the discount day for certain. Without the
    offer, a share `already_early` of them would have paid early all the same and the others late, and
    these would have lost ``default_relief * loss_rate``. Extra sales cost `variable_cost` at once and are
    taken up and paid as the others are.

    Parameters
    ----------
    rate : array_like
        Discount, fraction of the price.
    take_up : array_like
        Fraction of offered sales that takes the discount.
    discount_pv, late_pv, early_pv : array_like
        Present value of 1 paid on the discount day, as late as otherwise, and by an already early payer
        (see `discount_factor`).
    already_early : array_like
        Fraction of takers who would have paid early anyway.
    loss_rate : array_like
        Expected loss, fraction of sales (default probability times loss given default).
    default_relief : array_like
        Part of that loss that takers would have caused and paying early removes: 0 when takers would never
        have defaulted, 1 when they default like the rest.
    sales_effect : array_like
        Extra sales, fraction of sales.
    variable_cost : array_like
        Fraction of sales; matters for extra sales only.

    Examples
    --------
    >>> early, late = discount_factor(0.08, [10, 60])
    >>> float(scheme_value(0.01, take_up=0.3, discount_pv=early, late_pv=late).round(6))
    0.000146
    """
    taken, extra = np.asarray(take_up, dtype=float), np.asarray(sales_effect, dtype=float)
    paid_early = (1 - np.asarray(rate, dtype=float)) * np.asarray(discount_pv, dtype=float)
    late = np.asarray(late_pv, dtype=float)
    otherwise = _taker_pv(late, early_pv, already_early, loss_rate, default_relief)
    mix = taken * paid_early + (1 - taken) * (1 - np.asarray(loss_rate, dtype=float)) * late
    gain = taken * (paid_early - otherwise) + extra * (mix - np.asarray(variable_cost, dtype=float))
    return np.asarray(gain, dtype=float)


def _taker_pv(
    late: NDArray[np.float64],
    early_pv: ArrayLike,
    already_early: ArrayLike,
    loss_rate: ArrayLike,
    default_relief: ArrayLike,
) -> NDArray[np.float64]:
    """Present value of 1 owed by a taker had there been no offer."""
    early = np.asarray(already_early, dtype=float)
    lost = np.asarray(default_relief, dtype=float) * np.asarray(loss_rate, dtype=float)
    return np.asarray(
        early * np.asarray(early_pv, dtype=float) + (1 - early) * (1 - lost) * late, dtype=float
    )


def affordable_rate(
    cost_of_capital: float,
    *,
    discount_days: float,
    late_days: float,
    early_days: float | None = None,
    already_early: float = 0.0,
    take_up: float = 1.0,
    loss_rate: float = 0.0,
    default_relief: float = 0.0,
    sales_effect: float = 0.0,
    variable_cost: float = 0.0,
    year: int = 365,
) -> float:
    """Largest discount that does not lose money, under the model of `scheme_value`.

    Parameters
    ----------
    cost_of_capital : float
        Effective annual rate.
    discount_days, late_days : float
        Days to payment with the discount and without it.
    early_days : float, optional
        Days to payment of already early payers; needed when `already_early` is not 0.
    already_early, take_up, loss_rate, default_relief, sales_effect, variable_cost : float
        See `scheme_value`.
    year : int
        Days in a year.

    Returns
    -------
    float
        Fraction of the price; negative when even a free acceleration would lose money.

    Raises
    ------
    ValueError
        If nobody takes it up, or `already_early` comes without `early_days`.

    Examples
    --------
    >>> round(affordable_rate(0.06, discount_days=10, late_days=30), 5)
    0.00319
    """
    if take_up <= 0:
        raise ValueError("take_up = 0: an offer that nobody takes has no affordable rate")
    if already_early and early_days is None:
        raise ValueError("already_early needs early_days: when do those payers pay?")
    pv = discount_factor(cost_of_capital, [discount_days, late_days, early_days or 0.0], year=year)
    at_zero, slope = (
        float(
            scheme_value(
                rate,
                take_up=take_up,
                discount_pv=pv[0],
                late_pv=pv[1],
                early_pv=pv[2],
                already_early=already_early,
                loss_rate=loss_rate,
                default_relief=default_relief,
                sales_effect=sales_effect,
                variable_cost=variable_cost,
            )
        )
        for rate in (0.0, 1.0)
    )
    return at_zero / (at_zero - slope)  # the value is linear in the rate


def factoring_benefit(
    sales: float,
    receivables: float,
    *,
    reduction: float,
    overdraft_rate: float,
    fee_rate: float,
    advance_share: float,
    advance_rate: float,
    admin_saving: float = 0.0,
) -> float:
    """Annual benefit of factoring over financing all receivables by overdraft (simple interest).

    Parameters
    ----------
    sales, receivables, admin_saving : float
        Currency units per year, currency units, currency units per year.
    reduction : float
        Fraction by which receivables fall.
    overdraft_rate, advance_rate : float
        Simple annual rates.
    fee_rate : float
        Fraction of sales.
    advance_share : float
        Fraction of the remaining receivables that the factor advances; the rest stays on overdraft.

    Examples
    --------
    >>> round(factoring_benefit(15.6e6, 3.8e6, reduction=.3, overdraft_rate=.08, fee_rate=.005,
    ...                         advance_share=.8, advance_rate=.09, admin_saving=20e3))
    11920
    """
    left = receivables * (1 - reduction)
    finance = left * (advance_share * advance_rate + (1 - advance_share) * overdraft_rate)
    return receivables * overdraft_rate - finance - fee_rate * sales + admin_saving


def _check_fraction(name: str, value: Any) -> None:
    if not 0 <= value < 1:
        raise ValueError(f"{name} = {value!r}: a fraction from 0 up to, not including, 1")
