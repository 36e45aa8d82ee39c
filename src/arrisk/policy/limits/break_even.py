"""The margin and the default risk at which a change of a limit earns nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from arrisk.policy.limits.limit import BookRisk, Line, value_line

if TYPE_CHECKING:
    from arrisk.policy.limits.customers import LimitInputs

__all__ = ["break_even_of_change", "turning_hazard", "turning_rate"]

YEAR = 365
DOUBLINGS = 12
HALVINGS = 40
Floats = NDArray[np.float64]


def turning_rate(line: Line, today: float, new: float) -> float:
    """Margin less cost of money, a year and a unit of exposure, at which two limits are worth the same.

    Not a number where both let through the same.

    Examples
    --------
    All that is gained is lost at a rate of hazard times loss given default.

    >>> line = Line(np.array([100.0]), rate=0.10, hazard=0.05, lgd=0.6)
    >>> round(turning_rate(line, 50.0, 100.0), 6)
    0.03
    """
    year = value_line(line, [today, new])
    more = float(year.exposure[1] - year.exposure[0])
    cost = year.loss + year.capital
    return float(cost[1] - cost[0]) / more if more != 0 else float("nan")


def turning_hazard(line: Line, today: float, new: float) -> float:
    """Failures a year at which two limits are worth the same; not a number when none up to 4,096 times is.

    Examples
    --------
    >>> line = Line(np.array([100.0]), rate=0.03, hazard=0.01, lgd=0.6)
    >>> round(turning_hazard(line, 50.0, 100.0), 6)
    0.05
    """

    def more(factor: float) -> float:
        value = value_line(replace(line, hazard=factor * line.hazard), [today, new]).value
        return float(value[1] - value[0])

    side = np.sign(more(0.0))
    high = next((2.0**k for k in range(DOUBLINGS + 1) if np.sign(more(2.0**k)) == -side), None)
    if side == 0 or high is None or line.hazard == 0:
        return float("nan")
    low = 0.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if np.sign(more(middle)) == side else (low, middle)
    return high * line.hazard


def break_even_of_change(
    inputs: LimitInputs, today: Floats, new: Floats, risks: list[BookRisk]
) -> tuple[Floats, Floats]:
    """Break-even margin and default risk of moving each customer from today's limit to the new one.

    Parameters
    ----------
    inputs : LimitInputs
    today, new : array of shape (customers,)
        Infinite for none.
    risks : list of BookRisk

    Returns
    -------
    margin : array of shape (customers,)
        Fraction of sales at which the change earns nothing: a raise pays above it, a cut below it.
    risk : array of shape (customers,)
        Chance of default within the horizon at which it earns nothing: a raise pays below it. Not a number
        where the limit stays, nothing is let through either way or no risk turns it.
    """
    margin, risk = np.full(today.size, np.nan), np.full(today.size, np.nan)
    capital = float(inputs.draws["cost_of_capital"][0])
    table = inputs.table
    moved = (today != new) & ~table["in_default"].to_numpy() & (table["sales"] > 0).to_numpy()
    for k in np.flatnonzero(moved & (table["usual"] > 0).to_numpy()).tolist():
        line, row = inputs.line(k, risk=risks[k]), table.iloc[k]
        rate = turning_rate(line, today[k], new[k])
        margin[k] = (rate + capital) * row["usual"] / row["sales"]
        hazard = turning_hazard(line, today[k], new[k])
        risk[k] = -np.expm1(-hazard * inputs.horizon_days / YEAR)
    return margin, risk
