"""Intervals for rates on small ledgers: Wilson, Clopper-Pearson, Jeffreys, and the jackknife by customer.

An invoice is not an independent trial: invoices of one customer are lost together. Count customers, or
delete one customer at a time; never resample invoices.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from arrisk.errors import ModelError
from arrisk.models.jackknife import jackknife_reach

__all__ = ["Interval", "clopper_pearson", "jackknife", "jackknife_logit", "jeffreys", "upper_bound", "wilson"]

FloatArray = NDArray[np.float64]
Freedom = Literal["customers", "effective"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A range for a figure, with the method that made it.

    Parameters
    ----------
    low, high : float
        Fractions in [0, 1] for a rate, else in the unit of the figure.
    level : float
        Nominal coverage, for example 0.95.
    method : str
        How it was computed, in words.
    """

    low: float
    high: float
    level: float
    method: str

    def __iter__(self) -> Iterator[float]:
        return iter((self.low, self.high))


def wilson(events: float, trials: float, level: float = 0.95) -> Interval:
    """Score interval of Wilson (1927) for a proportion.

    Parameters
    ----------
    events, trials : float
        Counts, 0 <= events <= trials, trials > 0.
    level : float
        Two-sided coverage.

    Raises
    ------
    ModelError
        If the counts or the level are not possible.

    Examples
    --------
    >>> low, high = wilson(2, 50)
    >>> round(low, 6), round(high, 6)
    (0.011039, 0.134601)
    """
    _check(events, trials, level)
    z = float(stats.norm.ppf(0.5 + level / 2))
    share = events / trials
    centre = share + z * z / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    low = 0.0 if events == 0 else (centre - half) / scale
    high = 1.0 if events == trials else (centre + half) / scale
    return Interval(low, high, level, "Wilson")


def clopper_pearson(events: float, trials: float, level: float = 0.95) -> Interval:
    """Exact interval of Clopper and Pearson (1934): coverage is never below `level`.

    Parameters and errors as in `wilson`.

    Examples
    --------
    >>> round(clopper_pearson(0, 30).high, 6)
    0.115703
    """
    _check(events, trials, level)
    tail = (1 - level) / 2
    low = 0.0 if events == 0 else float(special.betaincinv(events, trials - events + 1, tail))
    high = 1.0 if events == trials else float(special.betaincinv(events + 1, trials - events, 1 - tail))
    return Interval(low, high, level, "Clopper-Pearson")


def jeffreys(events: float, trials: float, level: float = 0.95) -> Interval:
    """Equal-tailed interval of the Beta(events + 1/2, trials - events + 1/2) posterior.

    The tails are kept as they are at 0 and at `trials` events, so the lower end is never exactly zero.
    Parameters and errors as in `wilson`.

    Examples
    --------
    >>> round(jeffreys(3, 250).low, 6)
    0.003391
    """
    _check(events, trials, level)
    tail = (1 - level) / 2
    a, b = events + 0.5, trials - events + 0.5
    low, high = (float(special.betaincinv(a, b, q)) for q in (tail, 1 - tail))
    return Interval(low, high, level, "Jeffreys")


def upper_bound(events: float, trials: float, level: float = 0.95) -> Interval:
    """One-sided exact bound: the largest rate that such few events do not rule out.

    With no trials at all nothing is ruled out and the bound is 1.

    Examples
    --------
    >>> round(upper_bound(0, 30).high, 6)
    0.095034
    >>> upper_bound(0, 0).high
    1.0
    """
    method = "one-sided Clopper-Pearson"
    if trials == 0 and events == 0:
        return Interval(0.0, 1.0, level, method)
    _check(events, trials, level)
    high = 1.0 if events == trials else float(special.betaincinv(events + 1, trials - events, level))
    return Interval(0.0, high, level, method)


def jackknife_logit(
    estimate: float, leave_one_out: ArrayLike, level: float = 0.95, freedom: Freedom = "customers"
) -> Interval:
    """Delete-one interval for a rate, on the logit scale with a t quantile.

    Parameters
    ----------
    estimate : float
        The rate on all customers, strictly between 0 and 1.
    leave_one_out : array of shape (customers,)
        The rate without each customer in turn.
    level : float
        Two-sided coverage.
    freedom : {"customers", "effective"}
        Degrees of freedom of t: n - 1, or fewer where a few customers carry most of the variance.

    Returns
    -------
    Interval
        ``expit(logit(estimate) +- t * se)``, with the jackknife standard error
        ``sqrt((n - 1) / n * sum((x_i - mean(x))**2))`` of ``x = logit(leave_one_out)``.

    Raises
    ------
    ModelError
        With fewer than two customers, or when the rate is 0 or 1 with all or without one customer: then the
        scale has no value and a count of customers must be used instead.

    Notes
    -----
    Efron and Tibshirani, *An Introduction to the Bootstrap*, chapter 11; effective degrees of freedom as in
    `arrisk.models.jackknife.jackknife_reach`. Losses sit with few customers, so for loss rates n - 1 is too
    many: `benchmarks/coverage_provision.py` measures both.

    Examples
    --------
    >>> low, high = jackknife_logit(0.02, [0.019, 0.021, 0.02, 0.018, 0.022])
    >>> 0 < low < 0.02 < high < 1
    True
    """
    rates = np.asarray(leave_one_out, dtype=float)
    n = rates.size
    if n < 2:
        raise ModelError(f"a jackknife needs at least two customers, got {n}")
    if not (0 < estimate < 1) or not np.all((rates > 0) & (rates < 1)):
        raise ModelError("a rate of 0 or 1, with all or without one customer, has no logit")
    if freedom not in get_args(Freedom):
        raise ModelError(f"freedom is one of {get_args(Freedom)}, not {freedom!r}")
    x = special.logit(rates)
    error = math.sqrt((n - 1) / n * float(np.sum((x - x.mean()) ** 2)))
    reach = float(stats.t.ppf(0.5 + level / 2, n - 1)) * error
    if freedom == "effective":
        reach = float(jackknife_reach(x, level))
    centre = float(special.logit(estimate))
    low, high = (float(special.expit(centre + sign * reach)) for sign in (-1, 1))
    words = {"customers": "t quantile", "effective": "t quantile with effective degrees of freedom"}
    return Interval(low, high, level, f"jackknife by customer, logit scale, {words[freedom]}")


def jackknife(estimate: float, leave_one_out: ArrayLike, level: float = 0.95) -> Interval:
    """Delete-one interval for a figure on its own scale, with a t quantile.

    Parameters
    ----------
    estimate : float
        The figure on all customers.
    leave_one_out : array of shape (customers,)
        The figure without each customer in turn.
    level : float
        Two-sided coverage.

    Raises
    ------
    ModelError
        With fewer than two customers.

    Notes
    -----
    See `arrisk.models.jackknife` for its degrees of freedom.

    Examples
    --------
    >>> interval = jackknife(10.0, [9.0, 10.0, 11.0])
    >>> round(interval.low, 3), round(interval.high, 3)
    (5.032, 14.968)
    """
    reach = float(jackknife_reach(leave_one_out, level))
    return Interval(estimate - reach, estimate + reach, level, "jackknife by customer, t quantile")


def _check(events: float, trials: float, level: float) -> None:
    if not (trials > 0 and 0 <= events <= trials):
        raise ModelError(f"need 0 <= events <= trials and trials > 0, got {events} of {trials}")
    if not 0 < level < 1:
        raise ModelError(f"level is a fraction between 0 and 1, got {level}")
