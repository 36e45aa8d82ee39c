"""Triangles: what came of each period of origin by how many periods later, and its development factors."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError

__all__ = ["cumulated_triangle", "development_factors", "month_blocks"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def month_blocks(day: int, first_day: int, ahead: int) -> Ints:
    """Day numbers that end the months counted from a day, back to the first and so many months ahead.

    Parameters
    ----------
    day : int
        Day number of the as-of day, which ends a month: of the 18th, months run from the 19th to the 18th;
        of the last of a month they are calendar months.
    first_day : int
        Months begin at or before it.
    ahead : int
        Months after the as-of day.

    Returns
    -------
    array of int
        Ends, increasing; month k holds the days after ends[k] up to ends[k + 1], so the first is the end
        before the first month.

    Examples
    --------
    >>> ends = month_blocks(19782, 19700, 1)  # 29 February 2024
    >>> [str(d) for d in ends.astype("datetime64[D]")]
    ['2023-11-30', '2023-12-31', '2024-01-31', '2024-02-29', '2024-03-31']
    """
    date = np.datetime64(int(day), "D")
    month = date.astype("datetime64[M]")
    place = int((date - month.astype("datetime64[D]")).astype(np.int64))
    last_of_month = int(((month + 1).astype("datetime64[D]") - date).astype(np.int64)) == 1
    back = (day - first_day) // 28 + 2
    months = month + np.arange(-back, ahead + 1)
    begin = months.astype("datetime64[D]").astype(np.int64)
    length = (months + 1).astype("datetime64[D]").astype(np.int64) - begin
    ends = begin + (length - 1 if last_of_month else np.minimum(place, length - 1))
    before = int(np.searchsorted(ends, first_day, side="left")) - 1
    return np.asarray(ends[max(before, 0) :], dtype=np.int64)


def cumulated_triangle(origin: ArrayLike, development: ArrayLike, amount: ArrayLike, periods: int) -> Floats:
    """Amounts cumulated over development, by period of origin; missing where the future is.

    Parameters
    ----------
    origin : array of int, shape (n,)
        Period of origin, from 0.
    development : array of int, shape (n,)
        Periods from that of origin to that of the amount.
    amount : array, shape (n,)
    periods : int

    Returns
    -------
    array, shape (periods, periods)
        Row i is known up to development periods - 1 - i.

    Examples
    --------
    >>> cumulated_triangle([0, 0, 1], [0, 1, 0], [10.0, 5.0, 20.0], 2).tolist()
    [[10.0, 15.0], [20.0, nan]]
    """
    row, column = np.asarray(origin, dtype=np.int64), np.asarray(development, dtype=np.int64)
    cells = np.bincount(
        row * periods + column, weights=np.asarray(amount, dtype=float), minlength=periods**2
    ).reshape(periods, periods)
    future = np.arange(periods)[:, None] + np.arange(periods) >= periods
    return np.where(future, np.nan, np.cumsum(cells, axis=1))


def development_factors(triangle: ArrayLike) -> Floats:
    """Volume-weighted factors from each period of development to the next.

    Parameters
    ----------
    triangle : array, shape (..., periods, periods)
        Cumulated amounts; missing in the future.

    Returns
    -------
    array, shape (..., periods - 1)
        Sum of column j + 1 over the sum of column j for the rows known in both; missing where nothing had
        come by j.

    Notes
    -----
    Mack (ASTIN Bulletin 23, 1993).

    Examples
    --------
    >>> development_factors([[100, 150, 165], [200, 310, np.nan], [120, np.nan, np.nan]]).round(4).tolist()
    [1.5333, 1.1]
    """
    cumulated = np.asarray(triangle, dtype=float)
    if cumulated.ndim < 2 or cumulated.shape[-2] != cumulated.shape[-1]:
        raise ModelError(f"a triangle has as many periods of development as of origin: {cumulated.shape}")
    both = np.isfinite(cumulated[..., 1:])
    after = np.where(both, cumulated[..., 1:], 0.0).sum(axis=-2)
    before = np.where(both, cumulated[..., :-1], 0.0).sum(axis=-2)
    factors = np.divide(after, before, out=np.full(before.shape, np.nan), where=before > 0)
    return np.asarray(factors, dtype=float)
