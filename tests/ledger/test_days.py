"""Whole days: dates, day numbers and months, there and back."""

from __future__ import annotations

import calendar
import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import LedgerError
from arrisk.ledger.days import as_date, dates, day_number, day_numbers, month_end, month_index

any_day = st.dates(dt.date(1700, 1, 1), dt.date(2500, 12, 31))


@given(any_day)
def test_a_day_comes_back(day):
    number = day_number(day)
    assert number == (day - dt.date(1970, 1, 1)).days
    assert dates([number])[0] == np.datetime64(day)
    assert as_date(str(day)) == pd.Timestamp(day).as_unit("s")


@given(any_day)
def test_months_are_those_of_the_calendar(day):
    index = int(month_index([day_number(day)])[0])
    assert index == 12 * day.year + day.month
    last = day.replace(day=calendar.monthrange(day.year, day.month)[1])
    assert int(month_end(index)) == day_number(last)


def test_a_missing_date_stays_missing():
    column = pd.Series(pd.to_datetime(["1969-12-31", None, "2024-02-29"]), index=[7, 8, 9])
    numbers = day_numbers(column)
    assert numbers.tolist() == [-1, pd.NA, 19782]
    assert numbers.index.tolist() == [7, 8, 9]
    back = dates(numbers)
    assert np.isnat(back).tolist() == [False, True, False]
    assert back[2] == np.datetime64("2024-02-29")
    assert len(dates(pd.Series(dtype="Int64"))) == 0


@pytest.mark.parametrize(
    "value", ["soon", "2025-02-30", "2025-01-31 12:00", None, "NaT", "2025-01-31T00:00Z", [1]]
)
def test_what_is_no_calendar_day(value):
    with pytest.raises(LedgerError, match="give one such as '2025-12-31'"):
        as_date(value)
