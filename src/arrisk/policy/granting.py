"""Exact arithmetic of granting credit and changing its terms, with every convention an argument.

The books differ in what a receivable ties up (price or variable cost), the year (360 or 365 days) and
rounding; each is a keyword here, and a result names what it was computed with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from arrisk.policy.carrying import collection_years

__all__ = [
    "Carry",
    "GrantOrRefuse",
    "PolicyChange",
    "grant_or_refuse",
    "granting_value",
    "policy_change",
    "switch_to_credit",
]

Carry = Literal["cost", "price", "incremental"]


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """What a change of credit policy adds to a year's profit, part by part (currency units)."""

    contribution: float
    carrying_cost: float
    bad_debt: float
    discounts: float
    convention: str

    @property
    def profit(self) -> float:
        """Contribution less carrying cost, bad debt and discounts."""
        return self.contribution - self.carrying_cost - self.bad_debt - self.discounts


def policy_change(
    sales: tuple[float, float],
    collection_days: tuple[float, float],
    *,
    variable_cost: float,
    cost_of_capital: float,
    bad_debt: tuple[float, float] = (0.0, 0.0),
    discounts: tuple[float, float] = (0.0, 0.0),
    carry: Carry = "cost",
    year: int = 365,
    turnover_digits: int | None = None,
) -> PolicyChange:
    """Profit of a change of credit policy; every pair is (before, after).

    Parameters
    ----------
    sales : (float, float)
        Annual sales, currency units.
    collection_days : (float, float)
        Average days to collect.
    variable_cost : float
        Fraction of sales.
    cost_of_capital : float
        Simple annual rate.
    bad_debt, discounts : (float, float)
        Fractions of all sales.
    carry : {"cost", "price", "incremental"}
        What a receivable ties up: the variable cost of all sales (Gitman), their price, or the price of
        old sales and the variable cost of new ones (Brigham, eq. 27-3).
    year : int
        Days in a year.
    turnover_digits : int, optional
        Round the turnover (year / days) as some books do; by default it is exact.

    Examples
    --------
    Dodd Tool (Gitman), 365 days:

    >>> round(policy_change((600e3, 630e3), (30, 45), variable_cost=.6, cost_of_capital=.15,
    ...                     bad_debt=(.01, .02)).profit)
    2848
    """
    before, after = sales
    years = [collection_years(days, year, turnover_digits) for days in collection_days]
    tied = {
        "cost": variable_cost * (after * years[1] - before * years[0]),
        "price": after * years[1] - before * years[0],
        "incremental": before * (years[1] - years[0]) + variable_cost * (after - before) * years[1],
    }
    if carry not in tied:
        raise ValueError(f"carry = {carry!r}: allowed are {', '.join(tied)}")
    rounding = "" if turnover_digits is None else f", turnover rounded to {turnover_digits} digits"
    return PolicyChange(
        contribution=(after - before) * (1 - variable_cost),
        carrying_cost=tied[carry] * cost_of_capital,
        bad_debt=after * bad_debt[1] - before * bad_debt[0],
        discounts=after * discounts[1] - before * discounts[0],
        convention=(
            f"receivables carried at {carry}, {collection_days[0]:g} to {collection_days[1]:g} days of "
            f"{year}{rounding}"
        ),
    )


def switch_to_credit(
    price: float, variable_cost: float, quantity: tuple[float, float], *, period_rate: float
) -> tuple[float, float]:
    """Cost and net present value of selling on one period's credit instead of for cash, for ever.

    Parameters
    ----------
    price, variable_cost : float
        Per unit, currency units.
    quantity : (float, float)
        Units a period (for cash, on credit).
    period_rate : float
        Rate per period.

    Returns
    -------
    (float, float)
        Cost of the switch (a period's cash sales forgone and the cost of the extra units) and its NPV
        (Ross, Corporate Finance, appendix 20A).

    Examples
    --------
    >>> switch_to_credit(175, 130, (1000, 1100), period_rate=0.02)
    (188000.0, 37000.0)
    """
    before, after = quantity
    cost = price * before + variable_cost * (after - before)
    gain = (price - variable_cost) * (after - before) / period_rate
    return float(cost), float(gain - cost)


@dataclass(frozen=True, slots=True)
class GrantOrRefuse:
    """Expected profit of granting credit: on this order, on a repeat, on both, and the break-even chance."""

    first: float
    repeat: float
    total: float
    break_even: float


def grant_or_refuse(
    revenue: float,
    cost: float,
    pays: float,
    *,
    pays_again: float | None = None,
    repeat_factor: float = 1.0,
) -> GrantOrRefuse:
    """Expected profit of granting credit on an order that may bring a second one (Brealey and Myers).

    Parameters
    ----------
    revenue, cost : float
        Present values of the order, currency units.
    pays, pays_again : float
        Chance that the customer pays this order, and a second one once the first was paid.
    repeat_factor : float
        Present value of 1 at the time of the second order.

    Examples
    --------
    >>> g = grant_or_refuse(1200, 1000, .8, pays_again=.95)
    >>> round(g.first), round(g.repeat), round(g.total), round(g.break_even, 4)
    (-40, 140, 72, 0.8333)
    """
    first = pays * (revenue - cost) - (1 - pays) * cost
    repeat = 0.0 if pays_again is None else pays_again * (revenue - cost) - (1 - pays_again) * cost
    return GrantOrRefuse(first, repeat, first + pays * repeat_factor * max(repeat, 0.0), cost / revenue)


def granting_value(
    gain: float, loss: float, *, paid: float, defaulted: float, periods: int, factor: float
) -> float:
    """Value of an account whose chance to pay is uncertain and learnt from its payments.

    Each period credit is granted or refused; the first default ends the account. The chance to pay has a
    Beta(`paid`, `defaulted`) prior. The wider it is, the more a first order teaches, so two priors with one
    mean are not worth the same.

    Parameters
    ----------
    gain, loss : float
        Profit of an order that is paid and loss of one that is not, currency units.
    paid, defaulted : float
        Parameters of the prior, both greater than 0.
    periods : int
        Orders that could follow each other.
    factor : float
        Present value of 1 a period later.

    Raises
    ------
    ValueError
        If a parameter of the prior is not positive.

    Examples
    --------
    >>> round(granting_value(200, 1000, paid=4, defaulted=1, periods=20, factor=1 / 1.1), 2)
    193.06
    """
    if paid <= 0 or defaulted <= 0:
        raise ValueError(f"prior Beta({paid:g}, {defaulted:g}): both parameters greater than 0")
    value = 0.0
    for done in reversed(range(periods)):
        chance = (paid + done) / (paid + done + defaulted)
        value = max(0.0, chance * (gain + factor * value) - (1 - chance) * loss)
    return value
