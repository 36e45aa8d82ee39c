"""What it costs to carry receivables, with basis, day count and compounding as arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Basis", "CarryingCost", "carrying_cost", "collection_years"]

Basis = Literal["price", "cost"]


@dataclass(frozen=True, slots=True)
class CarryingCost:
    """A year of carrying receivables (currency units), and how it was computed.

    Parameters
    ----------
    receivables : float
        Standing on average, at the selling price.
    investment : float
        What they tie up: their price, or the variable cost of the goods behind them.
    cost : float
        Of financing the investment for a year.
    convention : str
        Basis, day count and compounding in words.
    """

    receivables: float
    investment: float
    cost: float
    convention: str


def carrying_cost(
    sales: float,
    days: float,
    *,
    cost_of_capital: float,
    basis: Basis = "price",
    variable_cost: float = 1.0,
    year: int = 365,
    compound: bool = False,
    turnover_digits: int | None = None,
) -> CarryingCost:
    """Cost of waiting `days` for a year's sales.

    Parameters
    ----------
    sales : float
        Annual credit sales, currency units.
    days : float
        From sale to payment on average; 0 or more.
    cost_of_capital : float
        Per year: simple, or effective when `compound`.
    basis : {"price", "cost"}
        A receivable ties up its price (what its payment would earn elsewhere) or the variable cost of the
        goods sold (what was really spent).
    variable_cost : float
        Fraction of sales; needed for the basis "cost".
    year : int
        Days in a year: 360 or 365.
    compound : bool
        Interest on interest within the days waited: ``(1 + k)^(days / year) - 1`` of each sale instead of
        ``k * days / year``.
    turnover_digits : int, optional
        Round the turnover (year / days) as some books do; by default it is exact.

    Raises
    ------
    ValueError
        If the days are negative or the basis is unknown.

    Examples
    --------
    >>> carrying_cost(730e3, 50, cost_of_capital=0.08).cost
    8000.0
    >>> at_cost = carrying_cost(730e3, 50, cost_of_capital=0.08, basis="cost", variable_cost=0.7)
    >>> round(at_cost.cost), at_cost.convention
    (5600, 'carried at variable cost, 50 days of 365, simple interest')
    """
    if days < 0:
        raise ValueError(f"days = {days!r}: 0 or more, customers cannot pay before they buy")
    shares = {"price": 1.0, "cost": variable_cost}
    if basis not in shares:
        raise ValueError(f"basis = {basis!r}: allowed are {', '.join(shares)}")
    waited = collection_years(days, year, turnover_digits)
    tied = sales * shares[basis]
    interest = (1 + cost_of_capital) ** waited - 1 if compound else cost_of_capital * waited
    words = ("price" if basis == "price" else "variable cost", "compound" if compound else "simple")
    rounding = "" if turnover_digits is None else f", turnover rounded to {turnover_digits} digits"
    return CarryingCost(
        receivables=sales * waited,
        investment=tied * waited,
        cost=tied * interest,
        convention=f"carried at {words[0]}, {days:g} days of {year}, {words[1]} interest{rounding}",
    )


def collection_years(days: float, year: int = 365, turnover_digits: int | None = None) -> float:
    """Years to collect: days over the year, by a rounded turnover when wanted.

    Examples
    --------
    >>> collection_years(45, 365, 1) == 1 / 8.1
    True
    """
    if turnover_digits is None or days == 0:
        return days / year
    return 1 / round(year / days, turnover_digits)
