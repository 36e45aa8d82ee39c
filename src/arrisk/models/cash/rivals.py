"""Simple forecasts of weekly cash from an open book: the rivals that a model has to beat.

Each takes the open items of a day, without looking past it, and returns what it expects in each week.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

__all__ = ["ageing_bucket", "ageing_shares", "by_ageing", "customer_mean", "terms_only", "weekly_sums"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
WEEK = 7
EDGES = (0, 30, 60, 90)
BUCKETS = len(EDGES) + 1


def weekly_sums(days_ahead: ArrayLike, amount: ArrayLike, weeks: int) -> Floats:
    """Amounts by week ahead: days 1 to 7 are the first week; what is due already comes in the first.

    Examples
    --------
    >>> weekly_sums([-3, 1, 7, 8, 99], [1.0, 1.0, 1.0, 1.0, 1.0], 2).tolist()
    [3.0, 1.0]
    """
    week = (np.maximum(np.asarray(days_ahead, dtype=float), 1.0) - 1.0) // WEEK
    inside = week < weeks
    counts = np.bincount(
        week[inside].astype(np.int64), weights=np.asarray(amount, dtype=float)[inside], minlength=weeks
    )
    return counts.astype(np.float64)


def terms_only(days_overdue: ArrayLike, amount: ArrayLike, weeks: int) -> Floats:
    """Everything is paid on its due date, and what is overdue at once.

    Examples
    --------
    >>> terms_only([-10, 5], [100.0, 50.0], 2).tolist()
    [50.0, 100.0]
    """
    return weekly_sums(-np.asarray(days_overdue, dtype=float), amount, weeks)


def customer_mean(open_items: pd.DataFrame, settled: pd.DataFrame, weeks: int) -> Floats:
    """Each customer pays as late as on average so far; the past due at once.

    Parameters
    ----------
    open_items : DataFrame
        `customer_id`, `days_overdue`, `amount`.
    settled : DataFrame
        `customer_id`, `days_late` of the items settled so far; the mean of all stands in for a customer
        without any.
    """
    overall = float(settled["days_late"].mean()) if len(settled) else 0.0
    means = settled.groupby("customer_id")["days_late"].mean()
    late = open_items["customer_id"].map(means).astype(float).fillna(overall)
    ahead = np.ceil(late - open_items["days_overdue"])
    return weekly_sums(ahead, open_items["amount"], weeks)


def ageing_bucket(days_overdue: ArrayLike) -> Ints:
    """Bucket of days overdue: 0 not due, then 1-30, 31-60, 61-90, above 90."""
    return np.searchsorted(EDGES, np.asarray(days_overdue, dtype=float), side="left").astype(np.int64)


def ageing_shares(books: list[Floats], cash: list[Floats]) -> Floats:
    """Share of each bucket that came in in each week, over earlier books.

    Parameters
    ----------
    books : list of array, shape (buckets,)
        Open amount by bucket on each earlier day.
    cash : list of array, shape (buckets, weeks)
        What came in of it.
    """
    total = np.sum(books, axis=0)[:, None]
    collected = np.sum(cash, axis=0)
    return np.asarray(np.divide(collected, total, out=np.zeros_like(collected), where=total > 0))


def by_ageing(days_overdue: ArrayLike, amount: ArrayLike, shares: Floats) -> Floats:
    """Ageing percentages: the open amount of each bucket times its shares."""
    book = np.bincount(
        ageing_bucket(days_overdue), weights=np.asarray(amount, dtype=float), minlength=BUCKETS
    )
    return np.asarray(book @ shares, dtype=float)
