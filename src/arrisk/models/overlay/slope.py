"""The slope of counts on one series: a log-linear rate, its robust error and an honest interval."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from arrisk.errors import ModelError

__all__ = ["SlopeFit", "factor_range", "fit_slope", "independent_periods", "newey_west_lags", "point_slope"]

Floats = NDArray[np.float64]
REACH = 60.0
"""Slopes are looked for within so many logs over the whole range of the series; beyond is unbounded."""
SLOPES = 201
"""Slopes of an interval at which a factor is looked at: it need not be largest at an end."""


@dataclass(frozen=True, slots=True)
class SlopeFit:
    """How the rate of events moves with a series: log rate = constant + slope x series.

    Attributes
    ----------
    slope : float
        Change of the log rate by one unit of the series; infinite when all events fall on its extreme.
    error : float
        Newey-West standard error, at least the model's own; missing when the slope is infinite.
    low, high : float
        The interval of the slope; infinite where the events do not bound it.
    p_value : float
        Of no link, for this fit alone.
    log_likelihood : float
        Up to a constant of the events.
    periods, events : float
    dispersion : float
        Pearson's chi-square over its degrees of freedom, at least 1.
    """

    slope: float
    error: float
    low: float
    high: float
    p_value: float
    log_likelihood: float
    periods: int
    events: float
    dispersion: float


def fit_slope(events: ArrayLike, exposure: ArrayLike, series: ArrayLike, level: float = 0.95) -> SlopeFit:
    """Regress events on a series with a log link (Poisson pseudo-likelihood, generalised linear model).

    Parameters
    ----------
    events : array of shape (periods,)
        Counts, or amounts; in the order of time.
    exposure : array of shape (periods,)
        What they are a share of, above 0.
    series : array of shape (periods,)
    level : float
        Coverage of the interval.

    Returns
    -------
    SlopeFit
        The interval reaches as far as the wider of two: Newey-West errors with Student's t (periods - 2
        degrees of freedom), and the profile likelihood scaled by the dispersion with the F quantile. The
        second stays honest when events are few.

    Raises
    ------
    ModelError
        If shapes differ, there are fewer than three periods or no event, or the series never moves.

    Notes
    -----
    Newey and West (Econometrica 55, 1987); profile likelihood and dispersion after McCullagh and Nelder,
    *Generalized Linear Models*, chapter 4. Given their number, events fall on periods in proportion to
    exposure x exp(slope x series): the constant drops out.

    Examples
    --------
    >>> found = fit_slope([2, 4, 8, 16], [100, 100, 100, 100], [0, 1, 2, 3])
    >>> round(found.slope, 6) == round(math.log(2), 6)
    True
    """
    y, w, x = (np.asarray(values, dtype=float) for values in (events, exposure, series))
    _check(y, w, x)
    centre, unit = float(x.mean()), float(np.ptp(x))
    z = (x - centre) / unit

    def likelihood(slope: float) -> float:
        return _likelihood(y, w, z, slope)

    best = _maximum(y, w, z)
    peak = likelihood(min(max(best, -REACH), REACH))
    dispersion = _dispersion(y, w, z, best)
    drop = dispersion * float(stats.f.ppf(level, 1, y.size - 2)) / 2
    low, high = (_profile_end(likelihood, best, peak - drop, side) for side in (-1, 1))
    ratio = 2 * (peak - likelihood(0.0)) / dispersion
    p = float(stats.f.sf(max(ratio, 0.0), 1, y.size - 2))
    error = math.nan
    if math.isfinite(best):
        error = _robust_error(y, w, z)
        reach = float(stats.t.ppf(0.5 + level / 2, y.size - 2)) * error
        low, high = min(low, best - reach), max(high, best + reach)
        p = max(p, 2 * float(stats.t.sf(abs(best) / error, y.size - 2)))
    return SlopeFit(
        best / unit, error / unit, low / unit, high / unit, p, peak, y.size, float(y.sum()), dispersion
    )


def point_slope(events: Floats, exposure: Floats, series: Floats) -> tuple[float, float]:
    """The slope alone, and its log likelihood, as in `fit_slope`; the series has to move.

    Examples
    --------
    >>> round(point_slope(np.array([1.0, 2.0]), np.array([1.0, 1.0]), np.array([0.0, 1.0]))[0], 6)
    0.693147
    """
    unit = float(np.ptp(series))
    z = (series - float(series.mean())) / unit
    best = _maximum(events, exposure, z)
    return best / unit, _likelihood(events, exposure, z, min(max(best, -REACH), REACH))


def factor_range(
    value: float, series: ArrayLike, exposure: ArrayLike, fit: SlopeFit
) -> tuple[float, float, float]:
    """How many times the average rate of the past a value of the series stands for, with its interval.

    The average is that of the rates exp(slope x series) over the periods, weighed by exposure: historical
    loss rates are made of the same mixture.

    Returns
    -------
    factor, low, high : float
        Missing, 0 and infinity where the slope does not bound them.

    Examples
    --------
    >>> found = fit_slope([2, 4, 8, 16], [100, 100, 100, 100], [0, 1, 2, 3])
    >>> round(factor_range(3, [0, 1, 2, 3], [1, 1, 1, 1], found)[0], 4)
    2.1333
    """
    x, w = np.asarray(series, dtype=float), np.asarray(exposure, dtype=float)
    far = REACH / float(np.ptp(x))
    ends = max(fit.low, -far), min(fit.high, far)
    logs = _log_factors(value, x, w, np.linspace(*ends, SLOPES))
    low, high = (-math.inf if logs.min() < -REACH / 4 else logs.min(), logs.max())
    if high > REACH / 4:
        high = math.inf
    own = float(_log_factors(value, x, w, np.array([fit.slope]))[0]) if math.isfinite(fit.slope) else math.nan
    return math.exp(own), math.exp(low), math.exp(high)


def independent_periods(series: ArrayLike, rate: ArrayLike) -> float:
    """How many independent periods so many dependent ones are worth for a slope.

    n (1 - a b) / (1 + a b), with the first autocorrelations a of the series and b of the rate, none below 0
    (Bartlett, Journal of the Royal Statistical Society 98, 1935).

    Examples
    --------
    >>> independent_periods([1, 2, 1, 2, 1, 2], [1, 1, 2, 2, 3, 3])
    6.0
    """
    x, y = np.asarray(series, dtype=float), np.asarray(rate, dtype=float)
    both = max(_autocorrelation(x), 0.0) * max(_autocorrelation(y), 0.0)
    return float(x.size * (1 - both) / (1 + both))


def newey_west_lags(periods: int) -> int:
    """Lags of the Newey-West errors: 4 (n / 100)^(2/9), rounded down.

    Examples
    --------
    >>> newey_west_lags(36), newey_west_lags(120)
    (3, 4)
    """
    return int(4 * (periods / 100) ** (2 / 9))


def _check(y: Floats, w: Floats, x: Floats) -> None:
    if y.ndim != 1 or y.shape != w.shape or y.shape != x.shape:
        raise ModelError(
            f"events, exposure and series are of one length, got {y.shape}, {w.shape}, {x.shape}"
        )
    if not (np.isfinite(y).all() and np.isfinite(w).all() and np.isfinite(x).all()):
        raise ModelError("events, exposure and series are finite numbers")
    if (y < 0).any() or (w <= 0).any():
        raise ModelError("events are not negative and exposures above 0")
    if y.size < 3 or y.sum() <= 0 or np.ptp(x) <= 0:
        raise ModelError(
            f"a slope needs three periods, an event and a series that moves; got {y.size} periods, "
            f"{y.sum():g} events, a range of {np.ptp(x) if x.size else 0:g}"
        )


def _likelihood(y: Floats, w: Floats, z: Floats, slope: float) -> float:
    """Events on periods given their number, shape of a multinomial."""
    top = float((slope * z).max())
    return float(slope * (y @ z) - y.sum() * (top + math.log(w @ np.exp(slope * z - top))))


def _maximum(y: Floats, w: Floats, z: Floats) -> float:
    def score(slope: float) -> float:
        share = w * np.exp(slope * z - (slope * z).max())
        return float(y @ z / y.sum() - share @ z / share.sum())

    if score(REACH) >= -1e-12:
        return math.inf
    if score(-REACH) <= 1e-12:
        return -math.inf
    return float(optimize.brentq(score, -REACH, REACH, xtol=1e-12))


def _profile_end(likelihood: Callable[[float], float], best: float, least: float, side: int) -> float:
    """Where the likelihood has fallen to `least`; infinite when it never does."""
    start = min(max(best, -REACH), REACH)
    end = side * REACH
    if math.isinf(best) and (best > 0) == (side > 0):
        return best
    if likelihood(end) >= least:
        return math.inf * side
    return float(optimize.brentq(lambda slope: likelihood(slope) - least, *sorted((start, end))))


def _fitted(y: Floats, w: Floats, z: Floats, slope: float) -> Floats:
    share = w * np.exp(slope * z - (slope * z).max())
    return np.asarray(y.sum() * share / share.sum())


def _dispersion(y: Floats, w: Floats, z: Floats, slope: float) -> float:
    if math.isinf(slope):
        return 1.0
    mean = _fitted(y, w, z, slope)
    return max(float((((y - mean) ** 2) / mean).sum() / (y.size - 2)), 1.0)


def _robust_error(y: Floats, w: Floats, z: Floats) -> float:
    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

    model = GLM(y, np.column_stack([np.ones_like(z), z]), family=Poisson(), exposure=w)
    lags = {"maxlags": newey_west_lags(y.size), "use_correction": True}
    with warnings.catch_warnings():
        # Events that a slope meets exactly are no separation: the slope is finite here.
        warnings.simplefilter("ignore", PerfectSeparationWarning)
        plain, robust = model.fit(), model.fit(cov_type="HAC", cov_kwds=lags)
    scale = math.sqrt(max(float(plain.pearson_chi2) / (y.size - 2), 1.0))
    return max(float(robust.bse[1]), scale * float(plain.bse[1]))


def _log_factors(value: float, x: Floats, w: Floats, slopes: Floats) -> Floats:
    average = special.logsumexp(slopes[:, None] * x, b=w / w.sum(), axis=1)
    return np.asarray(slopes * value - average)


def _autocorrelation(x: Floats) -> float:
    z = x - x.mean()
    total = float(z @ z)
    return float(z[1:] @ z[:-1]) / total if total > 0 else 0.0
