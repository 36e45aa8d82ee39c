"""Whether predicted curves of payment hold as distributions: D-calibration, in whole days, by customer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.validation.resampling import customer_codes

__all__ = ["DCalibration", "d_calibration"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class DCalibration:
    """Items by the survival that their curve gave to the day they were paid; made by `d_calibration`.

    Parameters
    ----------
    table : DataFrame
        A row a bin: `low`, `high` (of the predicted survival), `items` (whole and parts), `share`.
    statistic : float
        Sum over bins of (items - expected)^2 / expected.
    df : int
        Bins less one.
    p_independent : float
        Of the chi-squared test as published, for independent items.
    p_value : float
        Of the test that knows the customers.
    design_effect : float
        Mean inflation of the variance of the shares by what items of one customer have in common; also below
        one, as parts of items vary less than whole ones.
    items, customers : int
    """

    table: pd.DataFrame
    statistic: float
    df: int
    p_independent: float
    p_value: float
    design_effect: float
    items: int
    customers: int

    @property
    def largest_gap(self) -> float:
        """Largest difference of a bin's share from an even one."""
        return float((self.table["share"] - 1.0 / len(self.table)).abs().max())


def d_calibration(
    before: ArrayLike,
    after: ArrayLike,
    event: ArrayLike,
    customers: ArrayLike | None = None,
    bins: int = 10,
) -> DCalibration:
    """Test whether the predicted survival at the day of payment is spread evenly.

    Parameters
    ----------
    before, after : array, shape (n,)
        Predicted probability of being unpaid in the evening before the last day and in the evening of it.
        Curves in continuous time have no jumps: give the same twice.
    event : array of bool, shape (n,)
        Paid on the last day; otherwise it was the last day in view and `before` is not read.
    customers : array, shape (n,), optional
        By default every row is on its own.
    bins : int
        Of equal width.

    Returns
    -------
    DCalibration

    Raises
    ------
    ModelError
        If lengths differ, a probability is not possible, or `bins` is below two.

    Notes
    -----
    Haider, Hoehn, Davis and Greiner (Journal of Machine Learning Research 21, 2020): an item paid on day t
    counts in the bin of S(t), one censored at survival s is spread evenly over 0 to s, that is over all later
    days. In whole days S jumps, and S(t) of a right model is not uniform; a paid item is spread evenly from
    S(t) to S(t - 1) (Czado, Gneiting and Held, Biometrics 65, 2009).

    Items of one customer are not independent. `p_value` is that of Rao and Scott (Annals of Statistics 12,
    1984) of second order: under an even spread the statistic is a sum of chi-squared variables weighted by
    the eigenvalues of the design effects, from the covariance of the shares with customers as units;
    it is divided by their mean and referred to F with Satterthwaite's degrees of freedom. What customers
    have in common with each other (a slow season) is not in it.

    Examples
    --------
    >>> S = (np.arange(20) + 0.5) / 20
    >>> even = d_calibration(S, S, [True] * 20, bins=5)
    >>> even.statistic, even.p_independent
    (0.0, 1.0)
    >>> d_calibration([0.6], [0.6], [False], bins=5).table["items"].round(4).tolist()
    [0.3333, 0.3333, 0.3333, 0.0, 0.0]
    """
    low, high = _spans(before, after, event)
    if bins < 2:
        raise ModelError(f"{bins} bins cannot show a spread")
    parts = _parts(low, high, bins)
    n = len(parts)
    code, groups = (np.arange(n), n) if customers is None else customer_codes(customers, n)
    share = parts.mean(axis=0)
    statistic = float(n * bins * ((share - 1.0 / bins) ** 2).sum())
    p_value, effect = _rao_scott(parts, share, statistic, code, groups)
    edges = np.linspace(0.0, 1.0, bins + 1)
    return DCalibration(
        table=pd.DataFrame(
            {"low": edges[:-1], "high": edges[1:], "items": parts.sum(axis=0), "share": share}
        ),
        statistic=statistic,
        df=bins - 1,
        p_independent=float(stats.chi2.sf(statistic, bins - 1)),
        p_value=p_value,
        design_effect=effect,
        items=n,
        customers=groups,
    )


def _spans(before: ArrayLike, after: ArrayLike, event: ArrayLike) -> tuple[Floats, Floats]:
    """The survival over which each item is spread."""
    start, end = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    happened = np.asarray(event).astype(bool)
    if not start.shape == end.shape == happened.shape or start.ndim != 1 or not start.size:
        raise ModelError(f"lengths differ, or no items: {start.shape}, {end.shape}, {happened.shape}")
    low, high = np.where(happened, end, 0.0), np.where(happened, start, end)
    if not ((low >= -1e-9) & (low <= high + 1e-9) & (high <= 1 + 1e-9)).all():
        raise ModelError("survival must lie between 0 and 1, fall with time, and not be missing")
    return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)


def _parts(low: Floats, high: Floats, bins: int) -> Floats:
    """Part of each item in each bin, shape (n, bins); a span without width is a point."""
    edges = np.linspace(0.0, 1.0, bins + 1)
    width = high - low
    inside = np.minimum(high[:, None], edges[1:]) - np.maximum(low[:, None], edges[:-1])
    parts = np.clip(inside, 0.0, None)
    point = width < 1e-12
    parts[~point] /= width[~point, None]
    # A point on an edge belongs to the bin above; rounding must not move it below.
    place = np.minimum((high[point] * bins + 1e-9).astype(np.int64), bins - 1)
    parts[point] = np.eye(bins)[place]
    return np.asarray(parts, dtype=float)


def _rao_scott(
    parts: Floats, share: Floats, statistic: float, code: Ints, groups: int
) -> tuple[float, float]:
    """p value and mean design effect; missing with fewer than two customers."""
    if groups < 2:
        return float("nan"), float("nan")
    n, bins = parts.shape
    sums = np.column_stack([np.bincount(code, parts[:, k] - share[k], groups) for k in range(bins)])
    covariance = groups / (groups - 1) * (sums.T @ sums) / n**2
    effects = n * bins * covariance
    trace, squares = float(np.trace(effects)), float((effects * effects.T).sum())
    if trace <= 0:
        return (1.0 if statistic < 1e-12 else 0.0), 0.0
    df = trace**2 / squares
    p_value = float(stats.f.sf(statistic / trace, df, df * (groups - 1)))
    return p_value, trace / (bins - 1)
