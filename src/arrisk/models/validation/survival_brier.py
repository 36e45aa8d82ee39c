"""Squared error of the chance of being unpaid, day by day, with censoring weighted away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError
from arrisk.models.jackknife import jackknife_reach
from arrisk.models.validation.censoring import followed, in_view
from arrisk.models.validation.estimates import Estimate
from arrisk.models.validation.resampling import customer_codes

__all__ = ["SurvivalBrier", "brier_difference", "survival_brier"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalBrier:
    """Brier score by day and its mean over the days; made by `survival_brier`.

    Parameters
    ----------
    integrated : Estimate
        Mean of `by_day`: the integral over whole days, each worth the same, over their number.
    at : array of int, shape (days,)
    by_day : array, shape (days,)
        0 is perfect; .25 is what one half for everybody gives.
    losses : array, shape (n,)
        Share of each item in `integrated`, times n.
    """

    integrated: Estimate
    at: Ints
    by_day: Floats
    losses: Floats


def survival_brier(
    days: ArrayLike,
    event: ArrayLike,
    unpaid: ArrayLike,
    at: ArrayLike,
    customers: ArrayLike | None = None,
    level: float = 0.95,
) -> SurvivalBrier:
    """Integrated Brier score of predicted curves.

    Parameters
    ----------
    days : array of int, shape (n,)
        Day of the event, or last day in view; day 0 is legal.
    event : array of bool, shape (n,)
    unpaid : array, shape (n, days)
        Predicted probability that the item is still unpaid in the evening of each day of `at`.
    at : array of int, shape (days,)
        Increasing; none later than the last day in view.
    customers : array, shape (n,), optional
        The interval deletes customers; by default rows.
    level : float

    Returns
    -------
    SurvivalBrier

    Raises
    ------
    ModelError
        If shapes do not fit, a probability is not possible, or nobody is in view on a day of `at`.

    Notes
    -----
    Graf, Schmoor, Sauerbrei and Schumacher (Statistics in Medicine 18, 1999). On day t an item paid by t
    counts S(t)^2 / G(its day) and one known to be unpaid counts (1 - S(t))^2 / G(t), G the chance of being in
    view (`in_view`). In whole days an item censored in the evening of t is known to be unpaid then, and G(t)
    is the chance of being in view on t. The interval takes G as known.

    Items open on an as-of day are predicted given that they were open: day 1 is the day after it, and nothing
    is truncated from the left. One credited or written off is unpaid for good: give the last day in view.

    Examples
    --------
    Two paid on days 1 and 2, one open throughout; the curve says one half, then one third.

    >>> curve = [[0.5, 1 / 3]] * 3
    >>> survival_brier([1, 2, 2], [True, True, False], curve, at=[1, 2]).by_day.round(4).tolist()
    [0.25, 0.2222]
    """
    exit_, happened = followed(days, event)
    grid, curves = np.asarray(at, dtype=np.int64), np.asarray(unpaid, dtype=float)
    _check(curves, grid, exit_)
    seen = in_view(exit_, happened)
    paid = happened[:, None] & (exit_[:, None] <= grid)
    known = (exit_[:, None] + ~happened[:, None]) > grid
    each = np.where(paid, curves**2 / seen.on(exit_)[:, None], 0.0)
    each += np.where(known, (1.0 - curves) ** 2 / np.maximum(seen.on(grid), 1e-300), 0.0)
    losses = each.mean(axis=1)
    method = "Graf et al., censoring weighted"
    return SurvivalBrier(
        integrated=_mean("integrated Brier score", losses, customers, level, method),
        at=grid,
        by_day=each.mean(axis=0),
        losses=losses,
    )


def brier_difference(
    one: SurvivalBrier, other: SurvivalBrier, customers: ArrayLike | None = None, level: float = 0.95
) -> Estimate:
    """Integrated score of one set of curves less that of another on the same items: negative is better.

    Examples
    --------
    >>> paid = ([1, 2, 2], [True, True, False])
    >>> one, other = (survival_brier(*paid, [[p]] * 3, at=[1]) for p in (0.5, 0.9))
    >>> round(brier_difference(one, other).value, 4)
    -0.0267
    """
    return _mean("difference of Brier scores", one.losses - other.losses, customers, level, "paired")


def _mean(term: str, losses: Floats, customers: ArrayLike | None, level: float, method: str) -> Estimate:
    """Mean over items with an interval that deletes customers: a ratio of sums over customers."""
    value, n = float(losses.mean()), losses.size
    code, groups = (np.arange(n), n) if customers is None else customer_codes(customers, n)
    if groups < 2:
        return Estimate(term, value, np.nan, np.nan, level, f"{method}; one customer, no interval")
    size, total = np.bincount(code, minlength=groups), np.bincount(code, losses, groups)
    reach = float(jackknife_reach((losses.sum() - total) / (n - size), level))
    who = f"{groups} independent rows" if customers is None else f"{groups} customers"
    return Estimate(term, value, value - reach, value + reach, level, f"{method}; {who}")


def _check(curves: Floats, grid: Ints, exit_: Ints) -> None:
    if curves.shape != (exit_.size, grid.size) or not grid.size or bool((np.diff(grid) <= 0).any()):
        raise ModelError(
            f"curves of shape {curves.shape} do not fit {exit_.size} items on {grid.size} increasing days"
        )
    if not ((curves >= -1e-9) & (curves <= 1 + 1e-9)).all():
        raise ModelError("probabilities of being unpaid must lie between 0 and 1, with none missing")
    if grid[-1] > exit_.max():
        raise ModelError(f"nobody is in view on day {grid[-1]}: the last day seen is {exit_.max()}")
