"""The price of a discount a year: by its terms, and by the days that customers really gain."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import pandas as pd

from arrisk.display import Format, Table, frame_html
from arrisk.policy.arithmetic import Base, discount_cost

__all__ = ["DiscountPrice", "price_discount"]


@dataclass(frozen=True, slots=True)
class DiscountPrice:
    """Annual cost of a discount by its terms and in fact; make one with `price_discount`.

    Parameters
    ----------
    rate : float
        Fraction of the price.
    terms_days : float
        Net less discount days.
    actual_days : float
        Days the money really comes sooner; 0 or less when it does not.
    year, base, compound
        See `arrisk.policy.arithmetic.discount_cost`.
    """

    rate: float
    terms_days: float
    actual_days: float
    year: int
    base: Base
    compound: bool

    @property
    def by_terms(self) -> float:
        """Annual cost had everybody paid on the net day, fraction."""
        return self._over(self.terms_days)

    @property
    def actual(self) -> float:
        """Annual cost for the days really gained, fraction; unbounded when none is."""
        return self._over(self.actual_days)

    @property
    def convention(self) -> str:
        """Base, day count and compounding in words."""
        base = "what is paid" if self.base == "paid" else "the list price"
        return f"related to {base}, {self.year} days, {'compound' if self.compound else 'simple'}"

    def finding(self) -> str:
        """Both costs in one sentence."""
        lead = (
            f"{100 * self.rate:g}% costs {self.by_terms:.2%} a year by its terms ({self.terms_days:g} days)"
        )
        if self.actual_days <= 0:
            return f"{lead}, but the money comes no sooner: all of it is given away ({self.convention})"
        return (
            f"{lead}, {self.actual:.2%} for the {self.actual_days:g} days really gained ({self.convention})"
        )

    @property
    def table(self) -> pd.DataFrame:
        """The price under every convention: base, year, compounding, by_terms, actual."""
        rows = []
        bases: tuple[Base, ...] = ("price", "paid")
        for base, year, compound in product(bases, (360, 365), (False, True)):
            other = DiscountPrice(self.rate, self.terms_days, self.actual_days, year, base, compound)
            kind = "compound" if compound else "simple"
            rows.append((base, year, kind, other.by_terms, other.actual))
        return pd.DataFrame(rows, columns=["base", "year", "interest", "by_terms", "actual"])

    def to_table(self, name: str = "discount_price") -> Table:
        """The price under every convention, ready to be shown."""
        note = "Annual cost of the discount; base: related to the list price or to what is paid."
        formats: dict[str, Format] = {"year": "integer", "by_terms": "percent", "actual": "percent"}
        return Table(name, self.finding(), self.table, note, formats)

    def _over(self, days: float) -> float:
        if days <= 0:
            return float("inf") if self.rate > 0 else 0.0
        return discount_cost(self.rate, days, year=self.year, base=self.base, compound=self.compound)

    def __repr__(self) -> str:
        return f"DiscountPrice: {self.finding()}"

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def price_discount(
    rate: float,
    discount_days: float,
    net_days: float,
    *,
    paid_days: tuple[float, float] | None = None,
    year: int = 365,
    base: Base = "paid",
    compound: bool = False,
) -> DiscountPrice:
    """Annual cost of ``rate / discount_days net net_days``, by the terms and by the days really gained.

    Parameters
    ----------
    rate : float
        Discount, fraction of the price; 0 <= rate < 1.
    discount_days, net_days : float
        Of the terms; the net day is later.
    paid_days : (float, float), optional
        Days to payment in fact, without the discount and with it (fractions of a day allowed). By default
        the terms: net days, discount days.
    year, base, compound
        See `arrisk.policy.arithmetic.discount_cost`.

    Raises
    ------
    ValueError
        If the net day is not after the discount day, or the rate is outside its range.

    Examples
    --------
    Customers who would have paid 20 days late make it cheaper, those early anyway make it pure cost:

    >>> round(price_discount(0.02, 10, 30, paid_days=(50, 10)).actual, 4)
    0.1862
    >>> price_discount(0.02, 10, 30, paid_days=(9, 9)).actual
    inf
    """
    if net_days <= discount_days:
        raise ValueError(f"net_days = {net_days!r}: later than the discount day, {discount_days!r}")
    late, early = paid_days or (net_days, discount_days)
    price = DiscountPrice(rate, net_days - discount_days, late - early, year, base, compound)
    discount_cost(rate, price.terms_days, year=year, base=base, compound=compound)  # refuses a wrong rate
    return price
