"""One draw of the assumptions, and the amounts of takers that schemes are valued from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Factors", "Tally", "Terms"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Factors:
    """One draw of the assumptions; `take_up` by segment."""

    take_up: Floats
    take_up_elasticity: float
    default_relief: float
    sales_effect: float
    already_early: float
    cost_of_capital: float
    gross_margin: float


@dataclass(frozen=True, slots=True)
class Terms:
    """Amounts of the customers of each term by class of day, terms x classes.

    Parameters
    ----------
    amount, present, time : arrays
        Amount, its present value and its days when paid as without an offer.
    lost : array
        Present value lost by default, by class of the earlier of the usual day and that of the default.
    """

    amount: Floats
    present: Floats
    time: Floats
    lost: Floats


@dataclass(frozen=True, slots=True)
class Tally:
    """The terms of a plan, and of all customers the amount and the present value got without an offer.

    Parameters
    ----------
    terms : Terms
    amount, present : arrays, segments x thresholds
    """

    terms: Terms
    amount: Floats
    present: Floats
