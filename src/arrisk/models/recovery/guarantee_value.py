"""What a guarantee or another security is worth, and the discount, price or limit it stands for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.display import Table, frame_html, money
from arrisk.errors import ModelError
from arrisk.models.intervals import Interval

__all__ = ["GuaranteeValue", "value_guarantee"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GuaranteeValue:
    """Present values of a security over the exposure path given, currency units.

    Attributes
    ----------
    loss_without, loss_with : float
        Expected loss without and with the security.
    cost : float
        What the security costs.
    low, high : float
        Range of `value`, from the ranges of the losses given default; both `value` without them.
    price : float
        Value over the present value of sales: the discount on the price that asking for the security is worth
        (negative: it costs more than it saves).
    limit_factor : float
        Times the limit at which the expected loss with the security is what it is without at the limit;
        infinite where nothing is lost with it. The cost of the security is not in it.
    years : float
        Length of the path.
    """

    loss_without: float
    loss_with: float
    cost: float
    low: float
    high: float
    price: float
    limit_factor: float
    years: float

    @property
    def saved(self) -> float:
        """Expected loss that the security removes."""
        return self.loss_without - self.loss_with

    @property
    def value(self) -> float:
        """Expected loss that it removes, less its cost."""
        return self.saved - self.cost

    @property
    def value_a_year(self) -> float:
        """The value spread evenly over the years of the path."""
        return self.value / self.years

    def finding(self) -> str:
        """What the security is worth and the price it stands for, in one sentence."""
        amount = f"{money(self.value_a_year)} a year ({money(self.low / self.years)} to "
        amount += f"{money(self.high / self.years)})"
        if self.value <= 0:
            return f"The security costs more than it saves: {amount}"
        return f"The security is worth {amount}, as much as a discount of {self.price:.2%} on the price"

    def to_table(self, name: str = "guarantee_value") -> Table:
        """The figures behind the value."""
        rows = [
            ("expected loss without the security", self.loss_without),
            ("expected loss with it", self.loss_with),
            ("its cost", self.cost),
            ("value", self.value),
            ("value, low", self.low),
            ("value, high", self.high),
            ("value a year", self.value_a_year),
            ("equal discount on the price, %", 100 * self.price),
            ("equal limit, times", self.limit_factor),
        ]
        note = "Present values in currency units. The range is that of the losses given default alone."
        frame = pd.DataFrame(rows, columns=["figure", "value"])
        return Table(name, self.finding(), frame, note, {"value": "number"})

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def value_guarantee(
    exposure: ArrayLike,
    pd_a_year: ArrayLike,
    lgd_without: float,
    lgd_with: float,
    sales_a_year: float,
    cost_a_year: float = 0.0,
    discount_rate: float = 0.0,
    months_a_step: float = 1.0,
    ranges: tuple[Interval, Interval] | None = None,
) -> GuaranteeValue:
    """Price equivalence of a security: the expected loss it removes, as a discount or a limit.

    Parameters
    ----------
    exposure : array of shape (steps,)
        Owed in each step, currency units.
    pd_a_year : float or array of shape (steps,)
        Probability of default within a year, of a customer alive; the hazard is constant within a step.
    lgd_without, lgd_with : float
        Loss given default without and with the security, fractions; a figure discounted to the default.
    sales_a_year : float
        Sales to the customer while it is alive, currency units.
    cost_a_year : float
        Of the security (fee, registration, watching), paid while the customer is alive.
    discount_rate : float
        A year, compounded.
    months_a_step : float
    ranges : pair of Interval, optional
        Of the two losses given default. The range of the value takes the least favourable and the most
        favourable pair of ends, so it errs to the wide side.

    Returns
    -------
    GuaranteeValue
        Losses, sales and costs fall in the middle of their step.

    Raises
    ------
    ModelError
        If an argument is out of range.

    Examples
    --------
    >>> year = value_guarantee([100_000.0], 0.02, 0.85, 0.55, sales_a_year=600_000, months_a_step=12)
    >>> round(year.saved, 2), round(year.limit_factor, 4)
    (600.0, 1.5455)
    >>> round(100 * year.price, 4)
    0.101
    """
    owed = np.asarray(exposure, dtype=float).reshape(-1)
    chance = np.broadcast_to(np.asarray(pd_a_year, dtype=float), owed.shape)
    _check(owed, chance, (lgd_without, lgd_with), sales_a_year, cost_a_year, discount_rate, months_a_step)
    step = months_a_step / 12.0
    kept = (1.0 - chance) ** step
    alive = np.concatenate([[1.0], np.cumprod(kept)])
    worth = (1.0 + discount_rate) ** (-(np.arange(owed.size) + 0.5) * step)
    at_stake = float(owed @ ((alive[:-1] - alive[1:]) * worth))
    years_alive = float(((alive[:-1] + alive[1:]) / 2 * step) @ worth)
    cost = cost_a_year * years_alive
    value = at_stake * (lgd_without - lgd_with) - cost
    low = high = value
    if ranges is not None:
        low = min(at_stake * (ranges[0].low - ranges[1].high) - cost, value)
        high = max(at_stake * (ranges[0].high - ranges[1].low) - cost, value)
    return GuaranteeValue(
        at_stake * lgd_without,
        at_stake * lgd_with,
        cost,
        low,
        high,
        value / (sales_a_year * years_alive),
        lgd_without / lgd_with if lgd_with > 0 else float("inf"),
        owed.size * step,
    )


def _check(
    owed: Floats,
    chance: Floats,
    lgd: tuple[float, float],
    sales: float,
    cost: float,
    rate: float,
    months: float,
) -> None:
    if owed.size == 0 or not (owed >= 0).all():
        raise ModelError("exposure is one amount of at least 0 a step")
    if not ((chance >= 0) & (chance < 1)).all():
        raise ModelError(f"a probability lies between 0 and 1, got {chance.min()} to {chance.max()}")
    if not all(value >= 0 for value in lgd):
        raise ModelError(f"a loss given default is a fraction of at least 0, got {lgd}")
    if not (sales > 0 and cost >= 0 and rate > -1 and months > 0):
        raise ModelError("sales and months a step are above 0, the cost at least 0, the rate above -1")
