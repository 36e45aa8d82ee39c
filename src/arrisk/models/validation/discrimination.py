"""How well a score orders: area under the ROC curve with intervals by DeLong and by customer.

`benchmarks/coverage_validation.py` measures how often the intervals hold the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from arrisk.errors import ModelError
from arrisk.models.jackknife import jackknife_reach
from arrisk.models.validation.resampling import customer_codes, customer_weights, resample_customers

__all__ = [
    "Auc",
    "auc",
    "auc_by_customer",
    "auc_clustered",
    "auc_delong",
    "auc_floor",
    "checked",
    "customer_weights",
    "effective_customers",
    "gini",
    "placements",
    "sorted_auc",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Auc:
    """Area under the ROC curve with its interval at `level` and the method of the interval."""

    value: float
    low: float
    high: float
    level: float
    method: str


def auc(event: ArrayLike, score: ArrayLike) -> float:
    """Probability that an event scores above a non-event, ties counting one half.

    Examples
    --------
    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
    0.875
    """
    happened, scores = checked(event, score)
    ranks = stats.rankdata(scores)
    m = int(happened.sum())
    return float((ranks[happened].sum() - m * (m + 1) / 2) / (m * (happened.size - m)))


def auc_delong(event: ArrayLike, score: ArrayLike, level: float = 0.95) -> Auc:
    """Interval of DeLong, DeLong and Clarke-Pearson (1988), for independent rows.

    Rows of one customer are not independent: use `auc_by_customer` for those.

    Examples
    --------
    >>> a = auc_delong([0, 0, 0, 1, 1], [1, 2, 4, 3, 5])
    >>> round(a.value, 4), round(a.low, 4), a.high
    (0.8333, 0.3714, 1.0)
    """
    above, below = placements(*checked(event, score))
    if min(above.size, below.size) < 2:
        raise ModelError("DeLong's interval needs at least two events and two non-events")
    value = float(above.mean())
    half = stats.norm.ppf(0.5 + level / 2) * np.sqrt(
        above.var(ddof=1) / above.size + below.var(ddof=1) / below.size
    )
    low, high = max(0.0, value - half), min(1.0, value + half)
    return Auc(value, float(low), float(high), level, "DeLong, rows independent")


def gini(area: Auc) -> Auc:
    """Gini coefficient (accuracy ratio), 2 AUC - 1, with the interval carried over.

    Examples
    --------
    >>> g = gini(Auc(0.75, 0.7, 0.8, 0.95, "any"))
    >>> round(g.value, 6), round(g.low, 6), round(g.high, 6)
    (0.5, 0.4, 0.6)
    """
    return Auc(2 * area.value - 1, 2 * area.low - 1, 2 * area.high - 1, area.level, area.method)


def placements(happened: NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """Share of non-events below each event, and of events above each non-event; ties count one half.

    Examples
    --------
    >>> above, below = placements(np.array([False, True, True]), np.array([2.0, 1.0, 3.0]))
    >>> above.tolist(), below.tolist()
    ([0.0, 1.0], [0.5])
    """
    up, down = scores[happened], scores[~happened]
    every = stats.rankdata(scores)
    above = (every[happened] - stats.rankdata(up)) / down.size
    below = 1.0 - (every[~happened] - stats.rankdata(down)) / up.size
    return above, below


def auc_by_customer(
    event: ArrayLike,
    score: ArrayLike,
    customers: ArrayLike,
    seed: int | np.random.SeedSequence,
    draws: int = 500,
    level: float = 0.95,
) -> Auc:
    """Percentile interval from resampling whole customers.

    With about 40 defaulters 95% intervals hold the truth in 91% to 95% of made-up books, those of
    `auc_clustered` in 94% to 97%, DeLong's by row in 88% to 94%.

    Raises
    ------
    ModelError
        If only one class, a value is missing, or most resamples lack a class.

    Examples
    --------
    >>> a = auc_by_customer([0, 0, 1, 1] * 5, [1, 3, 2, 4] * 5, range(20), seed=1)
    >>> a.value, a.low < 0.75 < a.high
    (0.75, True)
    """
    happened, scores = checked(event, score)
    _, groups = customer_codes(customers, happened.size)
    values = resample_customers(sorted_auc(happened, scores), customers, seed, draws)
    low, high = np.quantile(values, [0.5 - level / 2, 0.5 + level / 2])
    method = f"{values.size} resamples of {groups} customers"
    return Auc(auc(happened, scores), float(low), float(high), level, method)


def auc_clustered(event: ArrayLike, score: ArrayLike, customers: ArrayLike, level: float = 0.95) -> Auc:
    """Interval in closed form with customers as the independent units, also for millions of rows.

    Returns
    -------
    Auc
        Symmetric in the log-odds of the AUC. When the separation is perfect there is no such scale, and the
        inner end is `auc_floor` on effective numbers of customers.

    Raises
    ------
    ModelError
        If only one class, a value is missing, or fewer than two customers have each class.

    Notes
    -----
    DeLong's placements are summed by customer (N. A. Obuchowski, Biometrics 53, 1997); with one row a
    customer the error is DeLong's. The t quantile has degrees of freedom from the kurtosis of the
    customers' contributions (`arrisk.models.jackknife`), as few defaulters make most of the variance.

    Examples
    --------
    >>> a = auc_clustered([0, 0, 1, 1] * 5, [1, 3, 2, 4] * 5, range(20))
    >>> a.value, round(a.low, 3), round(a.high, 3)
    (0.75, 0.455, 0.915)
    """
    happened, scores = checked(event, score)
    code, groups = customer_codes(customers, happened.size)
    above, below = placements(happened, scores)
    value = float(above.mean())
    method = f"Obuchowski, {groups} customers, logit scale"
    up = np.bincount(code[happened], above - value, groups)
    down = np.bincount(code[~happened], below - value, groups)
    if min(np.unique(code[happened]).size, np.unique(code[~happened]).size) < 2:
        raise ModelError("an interval by customer needs at least two customers of each class")
    if not 0 < value < 1:
        counts = effective_customers(code[happened]), effective_customers(code[~happened])
        floor = auc_floor(1.0, *counts, level=0.5 + level / 2)
        ends = (floor, 1.0) if value == 1.0 else (0.0, 1.0 - floor)
        return Auc(value, *ends, level, f"score interval of Newcombe, {groups} customers")
    influence = up / above.size + down / below.size
    reach = float(jackknife_reach(-influence, level)) * groups / (groups - 1) / (value * (1 - value))
    centre = float(special.logit(value))
    low, high = (float(special.expit(centre + sign * reach)) for sign in (-1, 1))
    return Auc(value, low, high, level, method)


def effective_customers(codes: ArrayLike) -> float:
    """Independent customers that so many rows of so many customers are worth (L. Kish 1965).

    Examples
    --------
    >>> effective_customers([0, 1, 2]), effective_customers([0, 0, 0, 1])
    (3.0, 1.6)
    """
    rows = np.unique(np.asarray(codes), return_counts=True)[1].astype(float)
    return float(rows.sum() ** 2 / (rows**2).sum())


def auc_floor(value: float, events: float, others: float, level: float = 0.95) -> float:
    """One-sided lower bound of an AUC from counts alone, below 1 also when the separation is perfect.

    Parameters
    ----------
    value : float
        The AUC, in [0, 1].
    events, others : float
        Independent units of each class: customers rather than their rows; at least 1.
    level : float
        One-sided.

    Returns
    -------
    float
        The smallest AUC that does not rule `value` out: where (value - bound) / se(bound) is the normal
        quantile, as in Wilson's interval (R. G. Newcombe, Statistics in Medicine 25, 2006, method 5). The
        error is that of Hanley and McNeil (Radiology 143, 1982) with the larger of its two assignments of
        classes, as which of them spreads more is not known.

    Raises
    ------
    ModelError
        If a figure is out of its range.

    Examples
    --------
    >>> round(auc_floor(1.0, 40, 1000), 3), round(auc_floor(1.0, 5, 1000), 3)
    (0.968, 0.805)
    """
    if not (0 <= value <= 1 and events >= 1 and others >= 1 and 0 < level < 1):
        raise ModelError(f"no bound for an AUC of {value} from {events} events and {others} others")
    quantile = float(stats.norm.ppf(level))
    if value == 0.0 or quantile <= 0:
        return 0.0 if value == 0.0 else value

    def excess(bound: float) -> float:
        return value - bound - quantile * _hanley_mcneil(bound, events, others)

    return float(optimize.brentq(excess, 0.0, value)) if excess(value) < 0 else _below_one(excess)


def _below_one(excess: Callable[[float], float]) -> float:
    """The root below a perfect separation, where the error vanishes and so does the excess."""
    return float(optimize.brentq(excess, 0.0, 1.0 - 1e-12))


def _hanley_mcneil(area: float, events: float, others: float) -> float:
    """Standard error of an AUC, the larger of both assignments."""
    square = area * area
    one, two = area / (2 - area) - square, 2 * square / (1 + area) - square
    m, n = events - 1, others - 1
    spread = area * (1 - area) + max(m * one + n * two, m * two + n * one)
    return float(np.sqrt(spread / (events * others)))


def sorted_auc(happened: NDArray[np.bool_], scores: Floats) -> Callable[[Floats], Floats]:
    """AUC as a function of weights, shape (draws, rows) to (draws,); the rows are sorted once.

    Examples
    --------
    >>> area = sorted_auc(np.array([False, True, True]), np.array([2.0, 1.0, 3.0]))
    >>> area(np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 5.0]])).tolist()
    [0.5, 1.0]
    """
    order = np.argsort(scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) > 0, True))
    events = happened[order]

    def statistic(weights: Floats) -> Floats:
        sorted_weights = weights[:, order]
        up = np.cumsum(sorted_weights * events, axis=1)[:, ends]
        down = np.cumsum(sorted_weights * ~events, axis=1)[:, ends]
        tied_up = np.diff(up, axis=1, prepend=0.0)
        middle = down - 0.5 * np.diff(down, axis=1, prepend=0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((tied_up * middle).sum(axis=1) / (up[:, -1] * down[:, -1]), dtype=float)

    return statistic


def checked(event: ArrayLike, score: ArrayLike) -> tuple[NDArray[np.bool_], Floats]:
    """Events and scores as arrays.

    Raises
    ------
    ModelError
        If their lengths differ, a score is missing, or there is one class only.
    """
    happened, scores = np.asarray(event).astype(bool), np.asarray(score, dtype=float)
    if happened.shape != scores.shape or not np.isfinite(scores).all():
        raise ModelError("event and score must be as long as each other, with no score missing")
    if happened.all() or not happened.any():
        raise ModelError(
            f"ordering needs both classes; there are {happened.sum()} events in {happened.size} rows"
        )
    return happened, scores
