"""Milestone schedules: what 30/50/20 is worth, how long the money is out, and how much of it at once.

Days count from the start of the contract, whole days; money is discounted at an effective annual rate over a
year of 365 days unless said otherwise. Everything is a share of the price.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from arrisk.policy.arithmetic import discount_factor

__all__ = ["MilestonePlan", "Progress", "exposure_path", "plan_value", "single_payment"]

YEAR = 365
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MilestonePlan:
    """When which share of the price is paid.

    Parameters
    ----------
    name : str
    days : tuple of int
        From the start of the contract to each payment (milestone and days to pay it), not decreasing.
    shares : tuple of float
        Of the price, each above 0; they sum to 1 exactly, as the decimal numbers they are written as. An
        advance is a share on day 0, a retention the last one.

    Raises
    ------
    ValueError
        If days and shares do not pair, days are negative or decrease, or shares do not sum to 1.

    Examples
    --------
    >>> MilestonePlan("30/50/20", (0, 60, 150), (0.3, 0.5, 0.2)).weighted_days
    60.0
    >>> MilestonePlan("short", (0, 60), (0.3, 0.6))
    Traceback (most recent call last):
    ValueError: shares 0.3, 0.6 sum to 0.9, not 1
    """

    name: str
    days: tuple[int, ...]
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.days or len(self.days) != len(self.shares):
            raise ValueError(f"{len(self.days)} days and {len(self.shares)} shares: each payment needs both")
        if self.days[0] < 0 or any(b < a for a, b in zip(self.days, self.days[1:], strict=False)):
            raise ValueError(f"days {self.days}: from 0, not decreasing")
        if not all(s > 0 for s in self.shares):
            raise ValueError(f"shares {self.shares}: each above 0")
        total = sum(Fraction(str(s)) for s in self.shares)
        if total != 1:
            seen = ", ".join(str(s) for s in self.shares)
            raise ValueError(f"shares {seen} sum to {float(total):g}, not 1")

    @property
    def weighted_days(self) -> float:
        """Sum of share times day."""
        return float(sum(Fraction(str(s)) * d for s, d in zip(self.shares, self.days, strict=True)))

    def present_value(self, cost_of_capital: float, year: int = YEAR) -> float:
        """Of a price of 1 paid without fail."""
        return float(np.dot(self.shares, discount_factor(cost_of_capital, list(self.days), year=year)))

    def paid(self, last: int) -> Floats:
        """Share of the price paid by the end of each day from 0 to `last`."""
        out = np.zeros(last + 1)
        np.add.at(out, [d for d in self.days if d <= last], self._until(last))
        return np.asarray(out.cumsum(), dtype=float)

    def _until(self, last: int) -> list[float]:
        return [s for d, s in zip(self.days, self.shares, strict=True) if d <= last]


def single_payment(days: int, name: str = "") -> MilestonePlan:
    """The whole price in one payment.

    Examples
    --------
    >>> single_payment(90).name
    'all on day 90'
    """
    return MilestonePlan(name or f"all on day {days}", (int(days),), (1.0,))


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of the contract is delivered, or of its cost spent, by the end of a day.

    Parameters
    ----------
    days : tuple of int
        Increasing.
    done : tuple of float
        Share delivered by the end of these days, not decreasing, the last one 1.
    linear : bool
        Whether it grows evenly between the days, or in steps on them.

    Raises
    ------
    ValueError
        If the days do not increase, or the shares fall or do not end at 1.

    Examples
    --------
    >>> Progress((0, 4), (0.0, 1.0)).by_day(5).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """

    days: tuple[int, ...]
    done: tuple[float, ...]
    linear: bool = True

    def __post_init__(self) -> None:
        if len(self.days) != len(self.done) or not self.days or self.days[0] < 0:
            raise ValueError(f"days {self.days} and shares {self.done}: as many of each, days from 0")
        if (np.diff(self.days) <= 0).any() or (np.diff(self.done) < 0).any():
            raise ValueError(f"days {self.days} must increase and shares {self.done} not fall")
        if self.done[0] < 0 or self.done[-1] != 1:
            raise ValueError(f"shares {self.done}: from 0, the last one 1")

    def by_day(self, last: int) -> Floats:
        """Share done by the end of each day from 0 to `last`."""
        grid = np.arange(last + 1)
        if self.linear:
            return np.asarray(np.interp(grid, self.days, self.done, left=0.0), dtype=float)
        place = np.searchsorted(self.days, grid, side="right")
        return np.asarray(np.concatenate([[0.0], self.done])[place], dtype=float)


def exposure_path(plan: MilestonePlan, progress: Progress, worth: float = 1.0) -> Floats:
    """What is delivered and not paid by the end of each day; negative while the customer is ahead.

    Parameters
    ----------
    plan : MilestonePlan
    progress : Progress
    worth : float
        Of all that is delivered, as a share of the price: 1 counts at the price, one less the margin at cost.

    Returns
    -------
    array of shape (last day + 1,)
        Share of the price; from day 0 to the last day of the plan or the progress.

    Examples
    --------
    >>> path = exposure_path(MilestonePlan("50/50", (0, 4), (0.5, 0.5)), Progress((0, 4), (0.0, 1.0)))
    >>> path.tolist()
    [-0.5, -0.25, 0.0, 0.25, 0.0]
    """
    last = max(plan.days[-1], progress.days[-1])
    return np.asarray(worth * progress.by_day(last) - plan.paid(last), dtype=float)


def plan_value(
    plan: MilestonePlan,
    progress: Progress,
    *,
    margin: float,
    pd: float,
    horizon_days: int,
    lgd: float,
    cost_of_capital: float,
    year: int = YEAR,
) -> dict[str, float]:
    """What a plan is worth to the seller, as shares of the price.

    Parameters
    ----------
    plan : MilestonePlan
    progress : Progress
        Of the delivery; the cost is spent in step with it.
    margin : float
        Price less cost, over price.
    pd, horizon_days : float, int
        Probability that the customer fails within so many days; the hazard is constant.
    lgd : float
        Lost of what is delivered and unpaid when it fails.
    cost_of_capital : float
        Effective annual rate.
    year : int
        Days in a year of the rate.

    Returns
    -------
    dict
        `present_value` (of the payments without default), `weighted_days`, `peak` (largest exposure at the
        price) and `peak_day` (its first day), `cost_peak` (largest cost spent and not paid),
        `exposure_days` (sum of the positive exposure over days), `expected_loss` and `value` (payments and
        recoveries less cost, all discounted and each weighed with the chance that it comes).

    Raises
    ------
    ValueError
        If a probability or a loss lies outside 0 to 1.

    Notes
    -----
    A customer that fails on a day pays nothing that is due on it or later; delivery stops, and ``1 - lgd`` of
    the exposure of the evening before comes at once. What it had paid ahead of delivery stays.

    Examples
    --------
    Without default and interest a plan is worth the margin:

    >>> plan = MilestonePlan("30/50/20", (0, 60, 150), (0.3, 0.5, 0.2))
    >>> out = plan_value(plan, Progress((0, 120), (0.0, 1.0)), margin=0.3, pd=0.0, horizon_days=180,
    ...                  lgd=0.6, cost_of_capital=0.0)
    >>> round(out["value"], 6), round(out["peak"], 6), out["peak_day"]
    (0.3, 0.2, 120.0)
    """
    if not (0 <= pd <= 1 and 0 <= lgd <= 1):
        raise ValueError(f"pd = {pd!r}, lgd = {lgd!r}: fractions from 0 to 1")
    path, at_cost = exposure_path(plan, progress), exposure_path(plan, progress, 1.0 - margin)
    grid = np.arange(path.size)
    later = discount_factor(cost_of_capital, grid, year=year)
    alive = (1.0 - pd) ** (grid / horizon_days)
    fails = np.append(0.0, alive[:-1] - alive[1:])
    owed = np.append(0.0, np.maximum(path[:-1], 0.0))
    paid = np.diff(plan.paid(path.size - 1), prepend=0.0)
    spent = np.diff((1.0 - margin) * progress.by_day(path.size - 1), prepend=0.0)
    value = float((later * ((paid - spent) * alive + fails * (1.0 - lgd) * owed)).sum())
    return {
        "present_value": plan.present_value(cost_of_capital, year),
        "weighted_days": plan.weighted_days,
        "peak": float(max(path.max(), 0.0)),
        "peak_day": float(path.argmax()),
        "cost_peak": float(max(at_cost.max(), 0.0)),
        "exposure_days": float(np.maximum(path, 0.0).sum()),
        "expected_loss": float((later * fails * lgd * owed).sum()),
        "value": value,
    }
