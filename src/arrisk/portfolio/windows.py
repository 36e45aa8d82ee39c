"""The months a figure looks back over, and the same day a year before."""

from __future__ import annotations

import pandas as pd

from arrisk.errors import LedgerError

__all__ = ["window_start", "year_before"]


def window_start(date: pd.Timestamp, months: int) -> pd.Timestamp:
    """First day of a window: the month of the date and the months before it.

    Parameters
    ----------
    date : Timestamp
    months : int
        Months in the window, the month of the date included.

    Raises
    ------
    LedgerError
        If it is not at least one month.

    Examples
    --------
    >>> window_start(pd.Timestamp("2025-12-31"), 3)
    Timestamp('2025-10-01 00:00:00')
    """
    if months < 1:
        raise LedgerError(f"window={months}: at least one month of sales")
    return date.replace(day=1) - pd.DateOffset(months=months - 1)


def year_before(date: pd.Timestamp) -> pd.Timestamp:
    """The same day a year before; of a month end, the end of that month.

    Examples
    --------
    >>> year_before(pd.Timestamp("2025-02-28"))
    Timestamp('2024-02-29 00:00:00')
    >>> year_before(pd.Timestamp("2025-03-10"))
    Timestamp('2024-03-10 00:00:00')
    """
    before = date - pd.DateOffset(years=1)
    return before + pd.offsets.MonthEnd(0) if date.is_month_end else before
