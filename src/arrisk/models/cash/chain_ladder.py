"""Chain-ladder on the triangle of invoice months: what share of the cash of a month is still to come."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError

__all__ = ["cash_ahead", "cash_triangle", "development_factors", "month_blocks", "spread_over_weeks"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
WEEK = 7


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


def cash_triangle(origin: ArrayLike, development: ArrayLike, amount: ArrayLike, months: int) -> Floats:
    """Cash cumulated over development, by invoice month; missing where the future is.

    Parameters
    ----------
    origin : array of int, shape (n,)
        Month of the invoice, from 0.
    development : array of int, shape (n,)
        Months from that of the invoice to that of the cash.
    amount : array, shape (n,)
    months : int

    Returns
    -------
    array, shape (months, months)
        Row i is known up to development months - 1 - i.

    Examples
    --------
    >>> cash_triangle([0, 0, 1], [0, 1, 0], [10.0, 5.0, 20.0], 2).tolist()
    [[10.0, 15.0], [20.0, nan]]
    """
    row, column = np.asarray(origin, dtype=np.int64), np.asarray(development, dtype=np.int64)
    cells = np.bincount(
        row * months + column, weights=np.asarray(amount, dtype=float), minlength=months**2
    ).reshape(months, months)
    future = np.arange(months)[:, None] + np.arange(months) >= months
    return np.where(future, np.nan, np.cumsum(cells, axis=1))


def development_factors(triangle: ArrayLike) -> Floats:
    """Volume-weighted factors from each development month to the next.

    Parameters
    ----------
    triangle : array, shape (months, months)
        Cumulated cash; missing in the future.

    Returns
    -------
    array, shape (months - 1,)
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
    if cumulated.ndim != 2 or cumulated.shape[0] != cumulated.shape[1]:
        raise ModelError(f"a triangle has as many months of development as of invoices: {cumulated.shape}")
    both = np.isfinite(cumulated[:, 1:])
    after = np.where(both, cumulated[:, 1:], 0.0).sum(axis=0)
    before = np.where(both, cumulated[:, :-1], 0.0).sum(axis=0)
    factors = np.divide(after, before, out=np.full(before.size, np.nan), where=before > 0)
    return np.asarray(factors, dtype=float)


def cash_ahead(triangle: ArrayLike, invoiced: ArrayLike, open_amount: ArrayLike, months: int) -> Floats:
    """Cash of the months ahead from each invoice month.

    Parameters
    ----------
    triangle : array, shape (n, n)
    invoiced : array, shape (n,)
        Amount invoiced in each month.
    open_amount : array, shape (n,)
        What is open of it: no more can come, and rows with nothing open bring nothing.
    months : int
        Months ahead.

    Returns
    -------
    array, shape (n, months)

    Notes
    -----
    Cash so far times its factors. The factor of a young month may have nothing to work on: where a month has
    brought no cash, or no month had by that age, the share of the amount invoiced that came in that month of
    development (volume-weighted, the additive method) is used instead. No cash comes after the longest
    development seen.

    Examples
    --------
    Half of a month's invoices are paid in it, the rest in the next; the last month is young.

    >>> triangle = [[50, 100, 100], [50, 100, np.nan], [60, np.nan, np.nan]]
    >>> cash_ahead(triangle, [100, 100, 110], [0, 0, 50], 2).round(6).tolist()
    [[0.0, 0.0], [0.0, 0.0], [50.0, 0.0]]
    """
    cumulated = np.asarray(triangle, dtype=float)
    sold, left = np.asarray(invoiced, dtype=float), np.asarray(open_amount, dtype=float)
    n = sold.size
    factors, shares = development_factors(cumulated), _shares(cumulated, sold)
    ahead = np.zeros((n, months))
    for row in np.flatnonzero(left > 0):
        age = n - 1 - int(row)
        paid = cumulated[row, age]
        for k in range(min(months, n - 1 - age)):
            factor, share = factors[age + k], shares[age + k]
            grows = np.isfinite(factor) and paid > 0
            more = paid * (factor - 1.0) if grows else sold[row] * share
            ahead[row, k] = max(more, 0.0)
            paid += ahead[row, k]
    total = ahead.sum(axis=1)
    over = np.divide(left, total, out=np.ones(n), where=total > left)
    return np.asarray(ahead * over[:, None], dtype=float)


def spread_over_weeks(amount: ArrayLike, ends: ArrayLike, weeks: int) -> Floats:
    """Amounts of the months ahead by week, even over the days of each month.

    Parameters
    ----------
    amount : array, shape (months,)
    ends : array of int, shape (months + 1,)
        The as-of day and the last day of each month ahead.
    weeks : int

    Examples
    --------
    >>> spread_over_weeks([28.0, 62.0], [0, 28, 59], 5).tolist()
    [7.0, 7.0, 7.0, 7.0, 14.0]
    """
    days = np.asarray(ends, dtype=float)
    cumulated = np.concatenate([[0.0], np.cumsum(np.asarray(amount, dtype=float))])
    return np.diff(np.interp(days[0] + WEEK * np.arange(weeks + 1), days, cumulated))


def _shares(cumulated: Floats, sold: Floats) -> Floats:
    """Share of the amount invoiced that came in each month of development after the first."""
    step = np.diff(cumulated, axis=1)
    known = np.isfinite(step)
    base = (known * sold[:, None]).sum(axis=0)
    came = np.where(known, step, 0.0).sum(axis=0)
    return np.asarray(np.divide(came, base, out=np.zeros(base.size), where=base > 0), dtype=float)
