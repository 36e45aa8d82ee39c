"""When within the horizon defaults come: cumulated hazard from counts by day, given each row's own risk.

Pure functions on arrays, in whole days; a row is at risk on the days 1, 2, ..., duration.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError

__all__ = ["TermHazard", "at_days", "cumulate_hazard"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
STEPS = 200
"""More than Newton's method takes from the left of a concave function's root in double precision."""


@dataclass(frozen=True, slots=True)
class TermHazard:
    """Cumulated hazard by day, in units of the rows' own risk.

    Parameters
    ----------
    day : array of int, shape (k,)
        Days on which a default was seen, increasing.
    at_risk, defaults : array of int, shape (k,)
    step : array of float, shape (k,)
        Growth of the cumulated hazard on the day.
    slope : array of float, shape (k,)
        Derivative of the expected defaults of the day with respect to `step`.
    """

    day: Ints
    at_risk: Ints
    defaults: Ints
    step: Floats
    slope: Floats

    def at(self, days: ArrayLike) -> Floats:
        """Cumulated hazard at the end of each day; that of the last default after it."""
        return at_days(self.day, np.cumsum(self.step), days)

    def residuals(self, duration: Ints, event: NDArray[np.bool_], risk: Floats) -> Iterator[Floats]:
        """By day of default: what each row moves the day's `step`, shape (n,); sums to zero."""
        for day, step, slope in zip(self.day, self.step, self.slope, strict=True):
            expected = np.where(duration >= day, -np.expm1(-risk * step), 0.0)
            yield ((event & (duration == day)) - expected) / slope


def at_days(day: Ints, values: Floats, days: ArrayLike) -> Floats:
    """The value of the last of `day` not after each of `days`; 0 before the first."""
    place = np.searchsorted(day, np.asarray(days, dtype=float), side="right")
    return np.concatenate([[0.0], values])[place]


def cumulate_hazard(duration: ArrayLike, event: ArrayLike, risk: ArrayLike) -> TermHazard:
    """Cumulate the hazard day by day so that expected defaults equal those seen.

    Parameters
    ----------
    duration : array of int, shape (n,)
        Day of default or of censoring, at least 1.
    event : array of bool, shape (n,)
    risk : array of float, shape (n,)
        Positive: the row's cumulated hazard over the horizon, -log(1 - pd).

    Returns
    -------
    TermHazard

    Raises
    ------
    ModelError
        If no default was seen, or on some day all at risk defaulted: then no finite hazard explains it.

    Notes
    -----
    Row i survives day k with probability ``exp(-risk_i x_k)``, and x_k solves
    ``sum over those at risk of 1 - exp(-risk_i x_k) = defaults of the day``: a discrete proportional-hazards
    model whose relative risks are the score's. Pooling rows of unequal risk without that would take the
    early leaving of the risky for a falling hazard. With equal risks exp(-risk sum of x) is the Kaplan-Meier
    curve exactly.

    Examples
    --------
    >>> hazard = cumulate_hazard([10, 20, 20, 20], [True, True, False, False], [0.5, 0.5, 0.5, 0.5])
    >>> np.exp(-0.5 * hazard.at([9, 10, 20])).round(12).tolist()
    [1.0, 0.75, 0.5]
    """
    lasted, seen = np.asarray(duration, dtype=np.int64), np.asarray(event).astype(bool)
    risks = np.asarray(risk, dtype=float)
    if not seen.any():
        raise ModelError("no default was seen after any observation: when they come cannot be said")
    order = np.argsort(-lasted, kind="stable")
    sorted_days, sorted_risk = -lasted[order], risks[order]
    day, defaults = np.unique(lasted[seen], return_counts=True)
    at_risk = np.searchsorted(sorted_days, -day, side="right")
    if (defaults >= at_risk).any():
        late = int(day[defaults >= at_risk][0])
        raise ModelError(f"all {int(at_risk[day == late][0])} still at risk on day {late} default on it")
    solved = [_solve(sorted_risk[:n], d) for n, d in zip(at_risk, defaults, strict=True)]
    step, slope = np.array(solved, dtype=float).T
    return TermHazard(day, at_risk.astype(np.int64), defaults.astype(np.int64), step, slope)


def _solve(risk: Floats, wanted: int) -> tuple[float, float]:
    """The x with sum(1 - exp(-risk x)) = wanted, and the slope there; Newton from the left is monotone."""
    x = wanted / float(risk.sum())
    for _ in range(STEPS):
        slope = float((risk * np.exp(-risk * x)).sum())
        move = (wanted + float(np.expm1(-risk * x).sum())) / slope
        x += move
        if move <= 1e-15 * x:
            break
    return x, float((risk * np.exp(-risk * x)).sum())
