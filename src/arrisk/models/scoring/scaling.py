"""From a probability to points and a grade."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["GRADES", "PointScale", "grade_of"]

Floats = NDArray[np.float64]
DAYS_PER_YEAR = 365
MIN_PROBABILITY = 1e-9

GRADES: dict[str, float] = {"A": 0.03, "B": 0.10, "C": 0.30, "D": 1.0}
"""Highest probability of default within a year of each grade: about three times that of the grade before, and
fixed, so that grades compare over time and between ledgers."""


@dataclass(frozen=True, slots=True)
class PointScale:
    """Linear points on the log-odds: `base` at odds of `odds` good to one bad, `double` points to double.

    Examples
    --------
    >>> scale = PointScale()
    >>> round(scale.factor, 4), round(scale.offset, 4)
    (28.8539, 501.8622)
    >>> scale.points([1 / 31, 1 / 61]).round(6).tolist()
    [600.0, 620.0]
    """

    base: float = 600.0
    odds: float = 30.0
    double: float = 20.0

    @property
    def factor(self) -> float:
        """Points a unit of log-odds."""
        return self.double / math.log(2.0)

    @property
    def offset(self) -> float:
        """Points at even odds."""
        return self.base - self.factor * math.log(self.odds)

    def points(self, probability: ArrayLike) -> Floats:
        """Points of probabilities of default."""
        p = np.clip(np.asarray(probability, dtype=float), MIN_PROBABILITY, 1 - MIN_PROBABILITY)
        return np.asarray(self.offset + self.factor * np.log((1 - p) / p), dtype=float)


def grade_of(
    probability: ArrayLike, horizon_days: int, bounds: Mapping[str, float] = GRADES
) -> NDArray[np.object_]:
    """Grade of probabilities over a horizon, by fixed yearly bounds.

    The probability is carried to a year at a constant hazard: ``1 - (1 - p) ** (365 / horizon)``.

    Examples
    --------
    >>> grade_of([0.004, 0.05, 0.5], 365).tolist()
    ['A', 'B', 'D']
    """
    p = np.asarray(probability, dtype=float)
    yearly = 1.0 - (1.0 - p) ** (DAYS_PER_YEAR / horizon_days)
    names = np.array(list(bounds), dtype=object)
    return np.asarray(names[np.searchsorted(list(bounds.values())[:-1], yearly, side="left")])
