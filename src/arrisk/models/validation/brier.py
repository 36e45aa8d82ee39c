"""Squared and logarithmic error of probabilities, taken apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from arrisk.models.validation.estimates import outcomes
from arrisk.models.validation.grouping import Grouping, by_quantile

__all__ = ["Brier", "brier", "log_loss"]

SMALLEST = 1e-15
"""Probabilities are kept so far from 0 and 1 for their logarithm."""


@dataclass(frozen=True, slots=True)
class Brier:
    """Brier score in five parts; made by `brier`.

    Parameters
    ----------
    score : float
        Mean of (p - y)^2: reliability - resolution + uncertainty + within_variance - 2 within_covariance.
    reliability : float
        Squared distance of mean probability and event rate by group: 0 is best.
    resolution : float
        Variance of the event rates of the groups: large is good.
    uncertainty : float
        rate x (1 - rate), the score of giving everybody the overall rate.
    within_variance, within_covariance : float
        Of the probabilities, and of them with the events, inside the groups.
    grouping : str
        The rule that made the groups.
    """

    score: float
    reliability: float
    resolution: float
    uncertainty: float
    within_variance: float
    within_covariance: float
    grouping: str

    @property
    def skill(self) -> float:
        """1 - score / uncertainty: 0 is no better than the overall rate, 1 perfect; NaN with one class."""
        return 1.0 - self.score / self.uncertainty if self.uncertainty > 0 else float("nan")


def brier(y: ArrayLike, p: ArrayLike, grouping: Grouping | None = None) -> Brier:
    """Brier score and its parts.

    Parameters
    ----------
    y : array of bool, shape (rows,)
    p : array, shape (rows,)
    grouping : Grouping, optional
        By default ten groups of about equal numbers.

    Notes
    -----
    Murphy (Journal of Applied Meteorology 12, 1973) for probabilities that are equal inside groups; where
    they are not, the two parts within groups of Stephenson, Coelho and Jolliffe (Weather and Forecasting 23,
    2008) make the sum exact.

    Examples
    --------
    >>> b = brier([0, 0, 1, 1], [0.1, 0.3, 0.6, 0.8], by_quantile([0.1, 0.3, 0.6, 0.8], groups=2))
    >>> round(b.score, 4), round(b.reliability, 4), round(b.resolution, 4), round(b.within_variance, 4)
    (0.075, 0.065, 0.25, 0.01)
    """
    event, given = outcomes(y, p)
    groups = grouping or by_quantile(given)
    size = np.bincount(groups.codes)
    rate, mean = (np.bincount(groups.codes, v) / size for v in (event, given))
    overall = float(event.mean())
    weight = size / event.size
    inside = given - mean[groups.codes]
    return Brier(
        score=float(((given - event) ** 2).mean()),
        reliability=float(weight @ (mean - rate) ** 2),
        resolution=float(weight @ (rate - overall) ** 2),
        uncertainty=overall * (1.0 - overall),
        within_variance=float((inside**2).mean()),
        within_covariance=float((inside * (event - rate[groups.codes])).mean()),
        grouping=groups.rule,
    )


def log_loss(y: ArrayLike, p: ArrayLike) -> float:
    """Mean of -log of the probability given to what happened; 0 and 1 are kept 1e-15 off.

    Examples
    --------
    >>> round(log_loss([0, 1], [0.5, 0.25]), 6) == round(float(np.log(2) + np.log(4)) / 2, 6)
    True
    """
    event, given = outcomes(y, p)
    kept = np.clip(given, SMALLEST, 1.0 - SMALLEST)
    return float(-np.where(event > 0, np.log(kept), np.log1p(-kept)).mean())
