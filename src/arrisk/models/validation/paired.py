"""Two scores of the same rows: by how much one orders better than the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.jackknife import jackknife_reach
from arrisk.models.validation.discrimination import checked, placements, sorted_auc
from arrisk.models.validation.resampling import Seed, customer_codes, resample_customers

__all__ = ["AucDifference", "difference_by_customer", "difference_clustered", "difference_delong"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AucDifference:
    """AUC of one score less that of another on the same rows, with its interval.

    Parameters
    ----------
    one, other : float
        The two AUCs.
    value, low, high : float
        One less the other, and its interval at `level`.
    level : float
    method : str
    """

    one: float
    other: float
    value: float
    low: float
    high: float
    level: float
    method: str


def difference_delong(
    event: ArrayLike, one: ArrayLike, other: ArrayLike, level: float = 0.95
) -> AucDifference:
    """Paired interval of DeLong, DeLong and Clarke-Pearson (1988), for independent rows.

    Raises
    ------
    ModelError
        If only one class, a score is missing, or a class has fewer than two rows.

    Examples
    --------
    >>> d = difference_delong([0, 0, 0, 1, 1], [1, 2, 4, 3, 5], [3, 4, 2, 1, 5])
    >>> round(d.value, 4), round(d.low, 4), round(d.high, 4)
    (0.3333, -0.3971, 1.0)
    """
    (up, down), areas = _gaps(event, one, other)
    if min(up.size, down.size) < 2:
        raise ModelError("DeLong's interval needs at least two events and two non-events")
    error = float(np.sqrt(up.var(ddof=1) / up.size + down.var(ddof=1) / down.size))
    return _difference(*areas, float(stats.norm.ppf(0.5 + level / 2)) * error, level, "DeLong, paired")


def difference_clustered(
    event: ArrayLike, one: ArrayLike, other: ArrayLike, customers: ArrayLike, level: float = 0.95
) -> AucDifference:
    """Paired interval in closed form with customers as the independent units.

    The contributions of `auc_clustered` are subtracted customer by customer.

    Examples
    --------
    >>> d = difference_clustered([0, 0, 1, 1] * 5, [1, 3, 2, 4] * 5, [1, 2, 3, 4] * 5, range(20))
    >>> d.value, d.low < -0.25 < d.high
    (-0.25, True)
    """
    (up, down), areas = _gaps(event, one, other)
    happened = np.asarray(event).astype(bool)
    code, groups = customer_codes(customers, happened.size)
    value = areas[0] - areas[1]
    influence = (
        np.bincount(code[happened], up - value, groups) / up.size
        + np.bincount(code[~happened], down - value, groups) / down.size
    )
    if groups < 2:
        raise ModelError("an interval by customer needs at least two customers")
    reach = float(jackknife_reach(-influence, level)) * groups / (groups - 1)
    return _difference(*areas, reach, level, f"Obuchowski, paired, {groups} customers")


def difference_by_customer(
    event: ArrayLike,
    one: ArrayLike,
    other: ArrayLike,
    customers: ArrayLike,
    seed: Seed,
    draws: int = 500,
    level: float = 0.95,
) -> AucDifference:
    """Percentile interval from resampling whole customers, both scores on the same resamples.

    Examples
    --------
    >>> d = difference_by_customer([0, 0, 1, 1] * 5, [1, 3, 2, 4] * 5, [1, 2, 3, 4] * 5, range(20), seed=1)
    >>> d.value, d.low < -0.25 < d.high
    (-0.25, True)
    """
    (_, first), (happened, second) = checked(event, one), checked(event, other)
    _, groups = customer_codes(customers, happened.size)
    areas = [sorted_auc(happened, scores) for scores in (first, second)]
    gaps = resample_customers(lambda w: areas[0](w) - areas[1](w), customers, seed, draws)
    low, high = (float(q) for q in np.quantile(gaps, [0.5 - level / 2, 0.5 + level / 2]))
    values = _gaps(event, one, other)[1]
    method = f"{gaps.size} resamples of {groups} customers, paired"
    return AucDifference(*values, values[0] - values[1], low, high, level, method)


def _gaps(
    event: ArrayLike, one: ArrayLike, other: ArrayLike
) -> tuple[tuple[Floats, Floats], tuple[float, float]]:
    """Differences of placements of events and of non-events, and both AUCs."""
    first, second = (placements(*checked(event, score)) for score in (one, other))
    gaps = first[0] - second[0], first[1] - second[1]
    return gaps, (float(first[0].mean()), float(second[0].mean()))


def _difference(one: float, other: float, reach: float, level: float, method: str) -> AucDifference:
    value = one - other
    return AucDifference(one, other, value, max(-1.0, value - reach), min(1.0, value + reach), level, method)
