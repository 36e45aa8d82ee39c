"""Losses of single defaults on a lattice, in whole steps of an amount, with their means preserved."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from arrisk.models.losses.cumulants import severity_moment
from arrisk.models.losses.portfolio import LossPortfolio

__all__ = ["LossLattice", "make_lattice", "rounding_variance", "step_pmf"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
MOST_PARTS = 20
WHOLE = 1e-9


@dataclass(frozen=True, slots=True)
class LossLattice:
    """Groups of alike obligors, and the lattice that their losses are put on.

    Parameters
    ----------
    step : float
        Currency units.
    points : int
        Length of the lattice; a whole book lost still lies on it.
    pd, amount, lgd, spread : arrays of shape (groups,)
        Probability of default, amount that the share lost applies to, mean and standard deviation of the
        share.
    industry, count : int arrays of shape (groups,)
        Industry, and number of obligors.
    exact : bool
        Whether every loss is a whole number of steps.
    """

    step: float
    points: int
    pd: FloatArray
    amount: FloatArray
    lgd: FloatArray
    spread: FloatArray
    industry: IntArray
    count: IntArray
    exact: bool


def make_lattice(portfolio: LossPortfolio, amount: FloatArray, by_industry: bool, points: int) -> LossLattice:
    """Put alike obligors together and choose the step.

    The step is a common measure of all losses where there is one with at most `points` steps in all;
    otherwise about one part in `points` of all amounts.
    """
    used = (portfolio.pd > 0) & (amount > 0) & (portfolio.lgd > 0)
    kind = portfolio.industry[used] if by_industry else np.zeros(int(used.sum()), dtype=np.int64)
    columns = (portfolio.pd[used], amount[used], portfolio.lgd[used], portfolio.lgd_spread[used], kind)
    rows, count = np.unique(np.column_stack(columns), axis=0, return_counts=True)
    pd, amounts, lgd, spread, industry = rows.T
    found = _common_step(amounts * lgd, count, points) if rows.size and not spread.any() else None
    if found is None:
        room = max(points - 1 - int(count.sum()), points // 2)
        length = max(points, 2 * int(count.sum()) + 2)
        step = float(amounts @ count) / room if rows.size else 1.0
        size = 2 ** math.ceil(math.log2(length))
    else:
        step = found
        size = 2 ** math.ceil(math.log2(round(float(amounts * lgd @ count) / step) + 2))
    return LossLattice(
        step, size, pd, amounts, lgd, spread, industry.astype(np.int64), count, found is not None
    )


def step_pmf(amount: float, lgd: float, spread: float, step: float) -> FloatArray:
    """Probabilities of a default's loss on the lattice, 0 steps, 1 step, ...

    A loss between two points is split between them so that its mean is preserved; the law of the sum is then
    larger than the true one in convex order, never smaller. For a beta law the split is exact: second
    differences of the mean excess over each point.

    Examples
    --------
    >>> step_pmf(10.0, 0.45, 0.0, 2.0).round(3).tolist()
    [0.0, 0.0, 0.75, 0.25]
    >>> float((step_pmf(10.0, 0.45, 0.2, 0.5) @ np.arange(22) * 0.5).round(9))
    4.5
    """
    if spread == 0:
        whole, part = divmod(amount * lgd / step, 1.0)
        pmf = np.zeros(int(whole) + 2)
        pmf[int(whole)], pmf[int(whole) + 1] = 1 - part, part
        return pmf
    size = lgd * (1 - lgd) / spread**2 - 1
    points = np.arange(math.ceil(amount / step) + 2)
    if size < WHOLE:
        pmf = lgd * step_pmf(amount, 1.0, 0.0, step)
        pmf[0] += 1 - lgd
        return np.asarray(pmf)
    at = np.minimum(points * step / amount, 1.0)
    a, b = lgd * size, (1 - lgd) * size
    above = amount * (lgd * special.betaincc(a + 1, b, at) - at * special.betaincc(a, b, at))
    slope = np.diff(above) / step
    pmf = np.concatenate([[1 + slope[0]], np.diff(slope)])
    return np.asarray(np.append(np.maximum(pmf, 0.0), 0.0))


def rounding_variance(lattice: LossLattice, portfolio: LossPortfolio, amount: FloatArray) -> float:
    """What the lattice adds to the variance of a year's loss: rounding has mean 0 given a loss."""
    true = float(portfolio.pd @ (amount**2 * severity_moment(portfolio, 2)))
    found = 0.0
    for k in range(lattice.pd.size):
        pmf = step_pmf(lattice.amount[k], lattice.lgd[k], lattice.spread[k], lattice.step)
        found += lattice.count[k] * lattice.pd[k] * float(pmf @ np.arange(pmf.size) ** 2) * lattice.step**2
    return max(found - true, 0.0)


def _common_step(losses: FloatArray, count: IntArray, points: int) -> float | None:
    least, total = float(losses.min()), float(losses @ count)
    for parts in range(1, MOST_PARTS + 1):
        steps = losses * parts / least
        if (np.abs(steps - np.round(steps)) < WHOLE * steps).all() and total * parts / least < points:
            return least / parts
    return None
