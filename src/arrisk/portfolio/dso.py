"""The formulas of days sales outstanding and its family, on figures given.

Receivables turnover (sales over average receivables, times a year) is the inverse idea and is never called
DSO here. The definitions follow R. Olsen, *Performance Measures for Credit, Collections and Accounts
Receivable*, Credit Research Foundation (https://www.crfonline.org/orc/ca/ca-7.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import LedgerError

__all__ = [
    "CountbackDSO",
    "SalesConvention",
    "average_days_delinquent",
    "best_possible_dso",
    "collection_effectiveness",
    "dso_countback",
    "dso_sales_weighted",
    "dso_simple",
    "receivables_turnover",
]

SalesConvention = Literal["total", "monthly_average"]


def _positive(name: str, value: float) -> None:
    if not value > 0:
        raise LedgerError(f"{name} is {value:g}; it must be above zero")


def _months(sales: ArrayLike, days: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Monthly sales and the lengths of the months, checked."""
    newest = np.asarray(sales, dtype=float)
    if newest.ndim != 1 or not len(newest) or np.any(newest < 0) or not np.all(np.isfinite(newest)):
        raise LedgerError("sales: give one or more months, newest first, none negative")
    return newest, np.broadcast_to(np.asarray(days, dtype=float), newest.shape)


def dso_simple(receivables: float, sales: float, days: float) -> float:
    """Days sales outstanding: receivables / credit sales x days of the period.

    Parameters
    ----------
    receivables : float
        Open at the end of the period.
    sales : float
        Credit sales of the period, the same currency.
    days : float
        Length of the period.

    Raises
    ------
    LedgerError
        If sales or days are not above zero.

    Examples
    --------
    >>> round(dso_simple(6340, 10890, 90), 3)
    52.397
    """
    _positive("sales", sales)
    _positive("days", days)
    return receivables / sales * days


def best_possible_dso(current_receivables: float, sales: float, days: float) -> float:
    """DSO if nothing were overdue: current (not overdue) receivables / credit sales x days.

    Parameters and errors as in `dso_simple`.

    Examples
    --------
    >>> round(best_possible_dso(3590, 10890, 90), 3)
    29.669
    """
    return dso_simple(current_receivables, sales, days)


def average_days_delinquent(
    receivables: float, current_receivables: float, sales: float, days: float
) -> float:
    """DSO less best possible DSO: the days that lateness adds.

    Parameters and errors as in `dso_simple`.

    Examples
    --------
    >>> round(average_days_delinquent(6340, 3590, 10890, 90), 3)
    22.727
    """
    return dso_simple(receivables, sales, days) - best_possible_dso(current_receivables, sales, days)


def receivables_turnover(sales: float, average_receivables: float) -> float:
    """Times the average receivables are sold in the period: credit sales / average receivables.

    Parameters
    ----------
    sales : float
        Credit sales of the period, usually a year.
    average_receivables : float
        Mean of the receivables at the beginning of the period and at the end of each month in it.

    Raises
    ------
    LedgerError
        If the average is not above zero.

    Examples
    --------
    >>> receivables_turnover(1200.0, 100.0)
    12.0
    """
    _positive("average receivables", average_receivables)
    return sales / average_receivables


@dataclass(frozen=True, slots=True)
class CountbackDSO:
    """Days of the newest sales that the balance stands for.

    Attributes
    ----------
    days : float
    is_lower_bound : bool
        True when the balance exceeds all sales given: the true figure is larger.
    """

    days: float
    is_lower_bound: bool

    def __str__(self) -> str:
        return f"{'at least ' if self.is_lower_bound else ''}{self.days:,.1f}"


def dso_countback(receivables: float, sales: ArrayLike, days: ArrayLike = 30) -> CountbackDSO:
    """Countback (exhaustion) DSO: whole months of the newest sales are taken off the balance until it is
    used up.

    Parameters
    ----------
    receivables : float
        Open now, not negative.
    sales : array-like of float, shape (months,)
        Credit sales by month, newest first.
    days : float or array-like, shape (months,)
        Length of each month; 30 by default.

    Returns
    -------
    CountbackDSO
        A lower bound, and marked as one, when the balance exceeds all sales given.

    Raises
    ------
    LedgerError
        If sales are missing or negative, or the balance is negative.

    Examples
    --------
    >>> result = dso_countback(212_000, [100_000, 80_000, 70_000])
    >>> round(result.days, 3), result.is_lower_bound
    (73.714, False)
    >>> print(dso_countback(300_000, [100_000, 80_000]))
    at least 60.0
    """
    newest, lengths = _months(sales, days)
    if receivables < 0:
        raise LedgerError(f"receivables are {receivables:g}; countback needs a balance of zero or more")
    left = receivables - np.concatenate([[0.0], np.cumsum(newest)[:-1]])
    share = np.clip(np.divide(left, newest, out=np.where(left > 0, 1.0, 0.0), where=newest > 0), 0, 1)
    return CountbackDSO(float((share * lengths).sum()), bool(receivables > newest.sum()))


def dso_sales_weighted(receivables: ArrayLike, sales: ArrayLike, days: ArrayLike = 30) -> float:
    """Sales-weighted DSO: what is open of each month's sales, over the sales of that same month.

    Sum over months of (open of the month's sales / the month's sales) x days of the month. A strong or weak
    month changes both sides of its own fraction, so growth and season do not move the figure.

    Parameters
    ----------
    receivables : array-like of float, shape (months,)
        Open now, by month of sale, newest first, not negative.
    sales : array-like of float, shape (months,)
        Credit sales of the same months.
    days : float or array-like, shape (months,)
        Length of each month; 30 by default.

    Raises
    ------
    LedgerError
        If sales or receivables are negative, of different shape, or something is open of a month without
        sales.

    Notes
    -----
    The Credit Research Foundation divides the age brackets (current, 1-30, 31-60, ...) by the sales of the
    month that far back, a stand-in for the month of sale where only an ageing is at hand. With the invoices
    at hand the month of sale is known, and no stand-in is needed. "True DSO" (days since the invoice x
    amount / sales of its month, summed over the open invoices) is another measure and not given here: it
    grows with the square of the payment time.

    Examples
    --------
    >>> round(dso_sales_weighted([90_000, 40_000, 7_000], [100_000, 80_000, 70_000]), 3)
    45.0
    """
    newest, lengths = _months(sales, days)
    still_open = np.asarray(receivables, dtype=float)
    if still_open.shape != newest.shape or np.any(still_open < 0):
        raise LedgerError("receivables: give one figure for each month of sales, none negative")
    if np.any((newest == 0) & (still_open > 0)):
        raise LedgerError("receivables: something is open of a month without sales")
    share = np.divide(still_open, newest, out=np.zeros_like(newest), where=newest > 0)
    return float((share * lengths).sum())


def collection_effectiveness(
    beginning: float,
    sales: float,
    ending_total: float,
    ending_current: float,
    months: int = 1,
    convention: SalesConvention = "total",
) -> float:
    """Collection effectiveness index: what was collected of what could have been, a fraction.

    (beginning + sales - ending total) / (beginning + sales - ending current). Two conventions are in use for
    the sales of a period of several months: their total, or their monthly average.

    Parameters
    ----------
    beginning, ending_total, ending_current : float
        Receivables at the beginning and the end; the part of the end that is not overdue.
    sales : float
        Credit sales of the whole period.
    months : int
        Months in the period; used by the monthly average alone.
    convention : {"total", "monthly_average"}

    Raises
    ------
    LedgerError
        If nothing could have been collected, or the convention is unknown.

    Examples
    --------
    >>> round(collection_effectiveness(400_000, 1_200_000, 350_000, 280_000), 5)
    0.94697
    >>> round(collection_effectiveness(6_200, 10_890, 6_340, 3_590, 3, "monthly_average"), 6)
    0.559295
    """
    if convention not in ("total", "monthly_average"):
        raise LedgerError(f"convention {convention!r}: allowed are 'total' and 'monthly_average'")
    counted = sales / months if convention == "monthly_average" else sales
    _positive("what could have been collected", beginning + counted - ending_current)
    return (beginning + counted - ending_total) / (beginning + counted - ending_current)
