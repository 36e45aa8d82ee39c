"""From a probability to points and a grade, and from terms to reasons in plain words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.models.features.catalogue import FEATURES

__all__ = ["GRADES", "PREDICTORS", "TERMS", "PointScale", "grade_of", "predictors", "reasons"]

Floats = NDArray[np.float64]
DAYS_PER_YEAR = 365
MIN_PROBABILITY = 1e-9

GRADES: dict[str, float] = {"A": 0.03, "B": 0.10, "C": 0.30, "D": 1.0}
"""Highest probability of default within a year of each grade: about three times that of the grade before, and
fixed, so that grades compare over time and between ledgers."""

# Term: the feature, its bounds, its unit for the fit, and how it is told. In the order in which terms enter.
PREDICTORS: dict[str, tuple[str, float, float, float, str]] = {
    term: (f.name, f.low, f.high, f.step, f.words)
    for term, f in (
        ("oldest_overdue", FEATURES["oldest_overdue_days"]),
        ("days_late", FEATURES["mean_days_late"]),
        ("late_trend", FEATURES["trend_days_late"]),
        ("order_change", FEATURES["order_change"]),
    )
}


TERMS: dict[str, str] = {
    "oldest_overdue": "oldest open item overdue, each 30 days",
    "days_late": "mean days late over a year, each 30 days",
    "late_trend": "days late risen in the last 90 days, each 30 days",
    "order_change": "orders faster in the last 90 days, each factor of 2.7",
}
"""Terms in words, with the unit of their coefficients."""


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


def predictors(features: pd.DataFrame) -> pd.DataFrame:
    """Terms of the scorecard from `make_features`: bounded, in units of about one standard deviation."""
    return pd.DataFrame(
        {
            name: features[feature].astype(float).clip(low, high) / unit
            for name, (feature, low, high, unit, _) in PREDICTORS.items()
        }
    )


def reasons(
    x: pd.DataFrame, features: pd.DataFrame, coefficients: Floats, means: Mapping[str, float]
) -> list[str]:
    """What raises each customer's risk most against the average customer, in words, with both values."""
    names = list(x.columns)
    average = np.array([means[n] for n in names])
    push = (x.to_numpy() - average) * coefficients
    # A value that is good in itself is no reason, though the average customer's is better still.
    push = np.where(x.to_numpy() * coefficients > 0, push, 0.0)
    worst = push.argmax(axis=1)
    told = []
    for row, j in enumerate(worst):
        feature, _, _, unit, words = PREDICTORS[names[j]]
        value = features[feature].iloc[row]
        if push[row, j] <= 0.05:
            told.append("nothing worse than the average customer")
        elif pd.isna(value):
            told.append("no payment behaviour known yet")
        else:
            mean = average[j] * unit
            told.append(
                f"{words.format(value, math.exp(min(value, 50.0)))} (average: {_told(mean, feature)})"
            )
    return told


def _told(mean: float, feature: str) -> str:
    """The average of the book as the words of a reason need it."""
    if feature == "order_change":
        return f"{math.exp(mean):.1f}"
    if feature == "mean_days_late" and round(mean) < 0:
        return f"{-mean:.0f} early"
    return f"{mean:.0f}"
