"""Daily hazards of being paid or lost, with a tail, and the payment paths of open items they make.

Pure functions on arrays, with the conventions of `arrisk.models.timing.curves`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from arrisk.errors import ModelError
from arrisk.models.timing.competing import IncidenceCurves, aalen_johansen
from arrisk.models.timing.day_counts import Floats, day_rows

__all__ = [
    "DailyHazard",
    "IncidenceCurves",
    "aalen_johansen",
    "chances_ahead",
    "daily_hazard",
]

TAIL_EVENTS = 20
LEAST_TAIL = 5


@dataclass(frozen=True, slots=True)
class DailyHazard:
    """Daily probabilities of being paid, or lost (credited, written off), with a constant tail.

    `paid` and `lost` hold one value per day from `first_day` to `last_day`; later days use `tail_paid` and
    `tail_lost`, so that an old item is never certain to pay nor certain not to.
    """

    first_day: int
    last_day: int
    paid: Floats
    lost: Floats
    tail_paid: float
    tail_lost: float
    tail_days: int
    n: int


def daily_hazard(
    duration: ArrayLike,
    cause: ArrayLike,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    min_at_risk: int = 20,
    counts: ArrayLike | None = None,
) -> DailyHazard:
    """Daily hazards of being paid (cause 1) and lost (cause 2), with the tail rule.

    Parameters
    ----------
    duration, entry, weights, counts : arrays, shape (n,)
        As in `kaplan_meier`.
    cause : array of int, shape (n,)
        0 censored, 1 paid, 2 lost (credited or written off).
    min_at_risk : int
        The empirical hazards end at the latest on the last day with so many items at risk.

    Returns
    -------
    DailyHazard

    Notes
    -----
    Tail rule: the tail is the stretch of days that holds the last 20 payments (or 5% of them, at least 5,
    when that is fewer). After its first day, or the last crowded one, both hazards are constant: the rate
    over the tail, ``(events + 1/2) / (item-days + 1)``, so neither 0 nor 1.
    """
    rows = day_rows(duration, entry, weights, counts)
    codes = np.asarray(cause).astype(np.int64)
    items = rows.at_risk(weighted=False)
    enough = np.flatnonzero(items >= min_at_risk)
    if not enough.size:
        raise ModelError(f"never {min_at_risk} items at risk on one day ({rows.number()} items in all)")
    left = [rows.leaving(codes == c, 2, weighted=False)[1] for c in (1, 2)]
    start = min(_tail_start(left[0]), int(enough[-1]))
    at_risk = np.maximum(rows.at_risk(), 1e-300)
    paid, lost = (rows.leaving(codes == c, 2)[1, : start + 1] / at_risk[: start + 1] for c in (1, 2))
    crowded = paid + lost >= 1.0
    shrink = np.where(crowded, (items / (items + 1.0))[: start + 1], 1.0)
    exposure = items[start:].sum() + 1.0
    tail_paid, tail_lost = ((c[start:].sum() + 0.5) / exposure for c in left)
    return DailyHazard(
        first_day=rows.first,
        last_day=rows.first + start,
        paid=paid * shrink,
        lost=lost * shrink,
        tail_paid=float(tail_paid),
        tail_lost=float(tail_lost),
        tail_days=int(np.flatnonzero(items)[-1] - start + 1),
        n=rows.number(),
    )


def chances_ahead(hazard: DailyHazard, age: ArrayLike, horizon: int) -> tuple[Floats, Floats]:
    """Chances of being paid and of being lost on each day ahead, for an item that is still open then.

    Parameters
    ----------
    hazard : DailyHazard
    age : array of int, shape (n,)
    horizon : int

    Returns
    -------
    tuple of array, shape (n, horizon)
        Zero before the first day of the hazard; the tail after its last.

    Examples
    --------
    >>> h = daily_hazard([0] * 40 + [10] * 60, [1] * 40 + [1] * 30 + [0] * 30)
    >>> chances_ahead(h, [5], 5)[0].round(3).tolist()
    [[0.0, 0.0, 0.0, 0.0, 0.5]]
    """
    paid = np.append(hazard.paid, hazard.tail_paid)
    lost = np.append(hazard.lost, hazard.tail_lost)
    ages = np.asarray(age, dtype=np.int64)
    days = ages[:, None] + np.arange(1, horizon + 1)[None, :] - hazard.first_day
    index = np.clip(days, 0, paid.size - 1)
    return np.where(days >= 0, paid[index], 0.0), np.where(days >= 0, lost[index], 0.0)


def _tail_start(paid: Floats) -> int:
    """First day of the stretch that holds the last payments."""
    total = int(paid.sum())
    wanted = max(LEAST_TAIL, min(TAIL_EVENTS, total // 20))
    reached = np.flatnonzero(np.cumsum(paid[::-1])[::-1] >= min(wanted, total))
    return int(reached[-1]) if total else 0
