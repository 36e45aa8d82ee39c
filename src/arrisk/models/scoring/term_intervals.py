"""How sure the weights of a term structure are, with customers as what varies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from arrisk.errors import ModelError
from arrisk.models.scoring.term_hazard import TermHazard, at_days

__all__ = ["WeightErrors", "joined", "limits", "over_weight", "weight_errors"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class WeightErrors:
    """Standard error of the logarithm of each weight.

    Parameters
    ----------
    day : array of int, shape (k,)
        Days on which the weight changes; before the first there is none.
    error : array of float, shape (k,)
    customers : int
    defaulters : int
        Customers that defaulted by the horizon.
    """

    day: Ints
    error: Floats
    customers: int
    defaulters: int

    def at(self, days: Floats) -> Floats:
        """Error on each day; after the last default that of its day."""
        return at_days(self.day, self.error, days)


def weight_errors(
    hazard: TermHazard,
    duration: Ints,
    event: NDArray[np.bool_],
    risk: Floats,
    customer: Ints,
    horizon: int,
) -> WeightErrors:
    """Error of log w(t) = log of the cumulated hazard over that at the horizon, by customer.

    Notes
    -----
    Linearised: customer c moves W(t) by the sum of its residuals over the slopes of the days, and log w(t)
    by that over W(t) less the same at the horizon. The variance is the sum of squares times
    customers / (customers - 1).
    """
    groups = int(customer.max()) + 1
    total = np.cumsum(hazard.step)
    whole = _moved(hazard, duration, event, risk, customer, groups, horizon) / float(hazard.at(horizon))
    moved = np.zeros(groups)
    squares = np.zeros(total.size)
    for k, row in enumerate(hazard.residuals(duration, event, risk)):
        moved += np.bincount(customer, row, groups)
        squares[k] = ((moved / total[k] - whole) ** 2).sum()
    error = np.sqrt(squares * groups / (groups - 1))
    lost = np.unique(customer[event & (duration <= horizon)]).size
    return WeightErrors(hazard.day, error, groups, lost)


def _moved(
    hazard: TermHazard,
    duration: Ints,
    event: NDArray[np.bool_],
    risk: Floats,
    customer: Ints,
    groups: int,
    last: int,
) -> Floats:
    """What each customer moves the cumulated hazard at the end of a day."""
    out = np.zeros(groups)
    for day, row in zip(hazard.day, hazard.residuals(duration, event, risk), strict=True):
        if day > last:
            break
        out += np.bincount(customer, row, groups)
    return out


def limits(weight: Floats, error: Floats, defaulters: int, level: float) -> tuple[Floats, Floats]:
    """Limits of weights, below 1 before the horizon and above 1 after it.

    Notes
    -----
    A weight before the horizon is a share of its hazard, and the inverse of a later one too. The limits are
    those of Clopper and Pearson for as many independent defaults as would give the share its error (Korn and
    Graubard, Survey Methodology 24, 1998): with few defaults in one of the two parts a normal approximation
    on any scale is off. Where one part has none at all (weight 0 or 1), the number is that of defaulters.
    """
    share = np.where(weight > 1.0, 1.0 / np.maximum(weight, 1.0), weight)
    inside = (share > 0.0) & (share < 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(inside, (1.0 - share) / (share * error**2), float(defaulters))
    seen, rest, tail = share * size, (1.0 - share) * size, 0.5 - level / 2
    low = np.where(seen > 0, special.betaincinv(np.where(seen > 0, seen, 1.0), rest + 1, tail), 0.0)
    high = np.where(rest > 0, special.betaincinv(seen + 1, np.where(rest > 0, rest, 1.0), 1 - tail), 1.0)
    with np.errstate(divide="ignore"):
        after = weight > 1.0
        return np.where(after, 1.0 / high, low), np.where(after, 1.0 / low, high)


def over_weight(given: ArrayLike, weights: ArrayLike) -> Floats:
    """1 - (1 - given)^weight, shape (n, m)."""
    value = np.atleast_1d(np.asarray(given, dtype=float))
    if ((value < 0) | (value > 1)).any():
        raise ModelError("a probability lies between 0 and 1")
    power = np.asarray(weights, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        out = -np.expm1(power[None, :] * np.log1p(-value)[:, None])
    return np.where((value == 1.0)[:, None], (power > 0).astype(float)[None, :], out)


def joined(middle: Floats, one: Floats, other: Floats) -> Floats:
    """An end from two ends on the same side, as of independent errors of log(-log(1 - pd))."""
    with np.errstate(divide="ignore", invalid="ignore"):
        centre, a, b = (np.log(-np.log1p(-p)) for p in (middle, one, other))
        reach = np.hypot(a - centre, b - centre)
        end = -np.expm1(-np.exp(centre + np.sign((a - centre) + (b - centre)) * reach))
    return np.where(np.isfinite(end), end, np.where(middle > 0, other, middle))
