"""Where a worth crosses zero along one assumption, within all that the assumption could be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arrisk.policy.assumptions import Assumption

__all__ = ["REACH", "find_crossings", "possible_values"]

REACH = {
    "take_up": (0.01, 0.99),
    "default_relief": (0.0, 1.0),
    "sales_effect": (0.0, 0.10),
    "already_early": (0.0, 0.99),
    "cost_of_capital": (0.0, 0.60),
    "gross_margin": (0.0, 1.0),
    "take_up_elasticity": (0.0, 5.0),
}
STEPS = 121
Floats = NDArray[np.float64]


def possible_values(a: Assumption) -> Floats:
    """Evenly spaced values over all that an assumption could be, at least its range."""
    least, most = REACH[a.name]
    return np.linspace(min(least, a.low), max(most, a.high), STEPS)


def find_crossings(values: Floats, worth: Floats) -> list[float]:
    """Values at which a worth changes its sign, linear between two of them.

    Examples
    --------
    >>> find_crossings(np.array([0.0, 1.0, 2.0]), np.array([-1.0, 3.0, 3.0]))
    [0.25]
    """
    at = np.flatnonzero(worth[:-1] * worth[1:] < 0)
    share = worth[at] / (worth[at] - worth[at + 1])
    return [float(v) for v in values[at] + share * (values[at + 1] - values[at])]
