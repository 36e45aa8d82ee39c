"""Shares, ratios and medians with customers, not alerts, as the independent units."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from arrisk.models.intervals import Interval, clopper_pearson, jackknife_logit

__all__ = ["difference_of_sums", "lift_by_customer", "median_interval", "share_by_customer"]

Floats = NDArray[np.float64]
FEWEST_HIT = 3
"""Customers on either side of a share below which it is counted exactly instead of jackknifed."""


def share_by_customer(hits: ArrayLike, trials: ArrayLike, level: float = 0.95) -> Interval:
    """Interval of the sum of hits over the sum of trials.

    Parameters
    ----------
    hits, trials : array, shape (customers,)
        Sums of each customer, 0 <= hits <= trials.
    level : float

    Returns
    -------
    Interval
        Delete-one jackknife on the logit scale; with fewer than 3 customers hit, or fewer than 3 not always
        hit, Clopper-Pearson with customers as trials, widened to hold the share itself.

    Examples
    --------
    >>> share_by_customer([0, 0, 0, 0], [5, 2, 1, 1]).high == clopper_pearson(0, 4).high
    True
    """
    h, n = _of_those_tried(hits, trials)
    if not n.size:
        return Interval(0.0, 1.0, level, "no trial")
    share = float(h.sum() / n.sum())
    hit, missed = int((h > 0).sum()), int((h < n).sum())
    if min(hit, missed) < FEWEST_HIT:
        exact = clopper_pearson(hit, n.size, level)
        return Interval(min(exact.low, share), max(exact.high, share), level, "exact, customers as trials")
    return jackknife_logit(share, (h.sum() - h) / (n.sum() - n), level)


def lift_by_customer(
    hits: ArrayLike, trials: ArrayLike, base_hits: ArrayLike, base_trials: ArrayLike, level: float = 0.95
) -> Interval:
    """Interval of the share of hits over the share of base hits, customers deleted from both at once.

    Parameters
    ----------
    hits, trials, base_hits, base_trials : array, shape (customers,)
    level : float

    Returns
    -------
    Interval
        Delete-one jackknife on the log scale, with a t quantile by the customers tried; with fewer than 3
        customers hit the ends of the two shares' own intervals are divided, which is wider.

    Examples
    --------
    >>> low, high = lift_by_customer([1, 1, 1, 0, 0], [2, 1, 1, 1, 1], [1, 1, 2, 0, 0], [9, 8, 9, 9, 9])
    >>> low < (3 / 6) / (4 / 44) < high
    True
    """
    h, n, k, m = (np.asarray(x, dtype=float) for x in (hits, trials, base_hits, base_trials))
    if min(int((h > 0).sum()), int((k > 0).sum())) < FEWEST_HIT:
        top, base = share_by_customer(h, n, level), share_by_customer(k, m, level)
        high = top.high / base.low if base.low > 0 else math.inf
        return Interval(top.low / base.high if base.high > 0 else 0.0, high, level, "ends divided")
    used = (n > 0) | (m > 0)
    h, n, k, m = h[used], n[used], k[used], m[used]
    left = np.log((h.sum() - h) / (n.sum() - n)) - np.log((k.sum() - k) / (m.sum() - m))
    centre = math.log(h.sum() / n.sum()) - math.log(k.sum() / m.sum())
    error = _jackknife_error(left)
    reach = float(stats.t.ppf(0.5 + level / 2, max(int((n > 0).sum()) - 1, 1))) * error
    return Interval(
        math.exp(centre - reach), math.exp(centre + reach), level, "jackknife by customer, log scale"
    )


def difference_of_sums(one: ArrayLike, other: ArrayLike, total: float, level: float = 0.95) -> Interval:
    """Interval of (sum of one - sum of other) / total, by deleting customers.

    Parameters
    ----------
    one, other : array, shape (customers,)
    total : float
        Of both, positive, taken as known.

    Examples
    --------
    >>> interval = difference_of_sums([1, 0, 1, 1], [1, 0, 1, 1], 4.0)
    >>> interval.low, interval.high
    (0.0, 0.0)
    """
    gap = (np.asarray(one, dtype=float) - np.asarray(other, dtype=float)) / total
    n = gap.size
    if n < 2:
        return Interval(-1.0, 1.0, level, "fewer than two customers")
    reach = float(stats.t.ppf(0.5 + level / 2, n - 1)) * math.sqrt(n) * float(gap.std(ddof=1))
    value = float(gap.sum())
    return Interval(value - reach, value + reach, level, "sums by customer, t quantile")


def median_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Distribution-free interval of a median by order statistics; the whole range with too few values.

    Examples
    --------
    >>> list(median_interval(range(1, 11)))
    [2.0, 9.0]
    """
    x = np.sort(np.asarray(values, dtype=float))
    n = x.size
    if not n:
        return Interval(math.nan, math.nan, level, "no value")
    rank = int(stats.binom.ppf((1 - level) / 2, n, 0.5))
    if rank < 1:
        return Interval(float(x[0]), float(x[-1]), level, f"range of {n} values")
    return Interval(float(x[rank - 1]), float(x[n - rank]), level, "order statistics")


def _of_those_tried(hits: ArrayLike, trials: ArrayLike) -> tuple[Floats, Floats]:
    h, n = np.asarray(hits, dtype=float), np.asarray(trials, dtype=float)
    return h[n > 0], n[n > 0]


def _jackknife_error(left: Floats) -> float:
    n = left.size
    return math.sqrt((n - 1) / n * float(((left - left.mean()) ** 2).sum()))
