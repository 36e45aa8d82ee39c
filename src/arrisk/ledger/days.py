"""Whole days: dates, day numbers (days since 1970-01-01) and month indices (12 * year + month)."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import LedgerError

__all__ = ["NO_DAY", "as_date", "dates", "day_number", "day_numbers", "month_end", "month_index"]

NO_DAY = np.iinfo(np.int64).min


def as_date(value: str | dt.date | pd.Timestamp) -> pd.Timestamp:
    """Read one calendar day.

    Raises
    ------
    LedgerError
        If it is not a date, or has a time of day.

    Examples
    --------
    >>> as_date("2025-12-31")
    Timestamp('2025-12-31 00:00:00')
    """
    try:
        day = pd.Timestamp(value)
    except (ValueError, TypeError) as error:
        raise LedgerError(f"not a date: {value!r}; give one such as '2025-12-31'") from error
    if pd.isna(day) or day != day.normalize() or day.tzinfo is not None:
        raise LedgerError(f"not a calendar day: {value!r}; give one such as '2025-12-31'")
    return day.as_unit("s")


def day_number(value: str | dt.date | pd.Timestamp) -> int:
    """Days since 1970-01-01.

    Examples
    --------
    >>> day_number("1970-01-02")
    1
    """
    return int(as_date(value).to_datetime64().astype("datetime64[D]").astype(np.int64))


def day_numbers(values: pd.Series) -> pd.Series:
    """Day numbers of a column of dates; a missing date is a missing number (dtype Int64).

    Examples
    --------
    >>> day_numbers(pd.Series(pd.to_datetime(["1970-01-03", None]))).tolist()
    [2, <NA>]
    """
    raw = pd.to_datetime(values).to_numpy(dtype="datetime64[D]").astype(np.int64)
    missing = raw == NO_DAY
    return pd.Series(pd.arrays.IntegerArray(np.where(missing, 0, raw), missing), index=values.index)


def dates(numbers: ArrayLike | pd.Series) -> NDArray[np.datetime64]:
    """Dates of day numbers (datetime64[s], missing where the number is missing).

    Examples
    --------
    >>> [str(day) for day in dates([0, 1])]
    ['1970-01-01T00:00:00', '1970-01-02T00:00:00']
    """
    column = pd.Series(numbers)
    missing = column.isna().to_numpy()
    whole = column.fillna(0).to_numpy(dtype=np.int64)
    out = whole.astype("datetime64[D]").astype("datetime64[s]")
    out[missing] = np.datetime64("NaT")
    return out


def month_index(numbers: ArrayLike) -> NDArray[np.int64]:
    """Month index 12 * year + month (January is 1) of day numbers.

    Examples
    --------
    >>> month_index([0, 31])
    array([23641, 23642])
    """
    months = np.asarray(numbers, dtype=np.int64).astype("datetime64[D]").astype("datetime64[M]")
    return months.astype(np.int64) + 12 * 1970 + 1


def month_end(index: ArrayLike) -> NDArray[np.int64]:
    """Day number of the last day of a month index.

    Examples
    --------
    >>> int(month_end(23641))
    30
    """
    months = (np.asarray(index, dtype=np.int64) - 12 * 1970 - 1).astype("datetime64[M]")
    return ((months + 1).astype("datetime64[D]") - np.timedelta64(1, "D")).astype(np.int64)
