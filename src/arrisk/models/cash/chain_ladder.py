"""Chain-ladder on the triangle of invoice months: what share of the cash of a month is still to come."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.models.triangle import development_factors

__all__ = ["cash_ahead", "spread_over_weeks"]

Floats = NDArray[np.float64]
WEEK = 7


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
