"""How far forecasts of cash were off on past days, and whether one method is better than another."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from arrisk.errors import ModelError
from arrisk.models.validation.estimates import Estimate

__all__ = ["error_difference", "past_quantiles", "pinball", "windows_apart"]

FEWEST_WINDOWS = 3
Floats = NDArray[np.float64]


def pinball(quantile: ArrayLike, came: ArrayLike, share: ArrayLike) -> Floats:
    """Loss of a forecast quantile: least on average when so much stays below it with chance `share`.

    Parameters
    ----------
    quantile, came : array
        In currency units.
    share : array or float
        Between 0 and 1; at .5 the loss is half the absolute error.

    Notes
    -----
    Koenker and Bassett (Econometrica 46, 1978).

    Examples
    --------
    >>> pinball([100.0, 100.0], [110.0, 90.0], 0.9).round(6).tolist()
    [9.0, 1.0]
    """
    miss = np.asarray(came, dtype=float) - np.asarray(quantile, dtype=float)
    tau = np.asarray(share, dtype=float)
    return np.asarray(np.maximum(tau * miss, (tau - 1.0) * miss), dtype=float)


def past_quantiles(errors: ArrayLike, windows: float, shares: ArrayLike) -> Floats:
    """Quantiles of the next error, from past ones.

    Parameters
    ----------
    errors : array, shape (n,)
        What came less what was forecast, on a scale that does not grow with the book: per unit of it.
    windows : float
        How many of them are independent: windows that overlap count less than one each.
    shares : array, shape (k,)

    Returns
    -------
    array, shape (k,)
        Missing with fewer than two errors or not more than one window.

    Notes
    -----
    Errors are taken as normal with mean m and standard deviation s: m + t s sqrt(1 + 1 / windows) with
    Student's t on windows - 1 degrees of freedom, the prediction interval of a further observation.

    Examples
    --------
    >>> past_quantiles([-0.1, 0.1, -0.05, 0.05], 4, [0.1, 0.5, 0.9]).round(3).tolist()
    [-0.167, 0.0, 0.167]
    """
    known, asked = np.asarray(errors, dtype=float), np.asarray(shares, dtype=float)
    if known.size < 2 or windows <= 1.0:
        return np.full(asked.shape, np.nan)
    spread = known.std(ddof=1) * np.sqrt(1.0 + 1.0 / windows)
    return np.asarray(known.mean() + special.stdtrit(windows - 1.0, asked) * spread, dtype=float)


def windows_apart(days: ArrayLike, length: int) -> float:
    """How many windows of `length` days without overlap fit where windows begin on the given days.

    Days that are at least `length` apart count one each.

    Examples
    --------
    >>> windows_apart([0, 28, 56, 84, 112], 7), windows_apart([0, 28, 56, 84, 112], 56)
    (5.0, 3.0)
    """
    begin = np.unique(np.asarray(days, dtype=np.int64))
    if not begin.size:
        return 0.0
    return float(1.0 + np.minimum(np.diff(begin), length).sum() / length)


def error_difference(
    one: ArrayLike, other: ArrayLike, cash: ArrayLike, windows: float, level: float = 0.9
) -> Estimate:
    """Relative error of one method less that of another on the same past days: negative is better.

    Parameters
    ----------
    one, other : array, shape (dates,)
        Summed losses of each past day, by date.
    cash : array, shape (dates,)
        What came in; differences are per unit of its sum.
    windows : float
        How many windows without overlap the dates cover (`windows_apart`).
    level : float

    Returns
    -------
    Estimate
        Without ends when there are fewer than three windows.

    Raises
    ------
    ModelError
        If lengths differ or no cash came.

    Notes
    -----
    Differences of losses (Diebold and Mariano, Journal of Business & Economic Statistics 13, 1995) of windows
    that overlap are correlated. Their long-run variance is the mean square of the first B cosine averages of
    the dates, and the interval uses Student's t with B degrees of freedom (Lazarus, Lewis, Stock and Watson,
    Journal of Business & Economic Statistics 36, 2018), here B = windows / 2, so that all are slower than
    the overlap. With windows of 13 weeks begun every 4 weeks a nominal 90% interval holds the truth in 86%
    to 89% of made-up histories of 7 to 30 dates, one from deleting blocks of dates in 74% to 82%.

    Examples
    --------
    >>> d = error_difference([1, 2, 1, 2, 1, 2], [3, 4, 3, 3, 4, 3], [10.0] * 6, windows=6)
    >>> round(d.value, 4), d.high < 0
    (-0.1833, True)
    """
    first, second, came = (np.asarray(v, dtype=float) for v in (one, other, cash))
    if not first.shape == second.shape == came.shape or first.ndim != 1:
        raise ModelError(f"lengths differ: {first.shape}, {second.shape}, {came.shape}")
    if not came.sum() > 0:
        raise ModelError("no cash came on the past days, so errors have no scale")
    gap = first - second
    value = float(gap.sum() / came.sum())
    if windows < FEWEST_WINDOWS or gap.size < FEWEST_WINDOWS:
        return Estimate("difference of errors", value, np.nan, np.nan, level, "fewer than three windows")
    averages = min(max(1, round(windows / 2)), gap.size - 1)
    residual = (gap - value * came) / came.mean()
    error = np.sqrt((_cosine_averages(residual, averages) ** 2).mean() / gap.size)
    reach = float(stats.t.ppf(0.5 + level / 2, averages) * error)
    method = f"{averages} cosine averages over {gap.size} dates, {windows:.1f} windows without overlap"
    return Estimate("difference of errors", value, value - reach, value + reach, level, method)


def _cosine_averages(values: Floats, count: int) -> Floats:
    """The first slow cosine averages of a series, of the scale of its long-run standard deviation."""
    time = (np.arange(values.size) + 0.5) / values.size
    waves = np.cos(np.pi * np.arange(1, count + 1)[:, None] * time)
    return np.asarray(np.sqrt(2.0 / values.size) * (waves @ values), dtype=float)
