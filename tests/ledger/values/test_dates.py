"""Dates: every way ledgers write them, and never a guess."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import AmbiguityError, LedgerError
from arrisk.ledger.values.scalars import ParsedColumn, parse_dates


def read(*cells: object, **options: object) -> ParsedColumn:
    return parse_dates(pd.Series(cells, dtype=object), column="due", **options)


def days(parsed: ParsedColumn) -> list[str | None]:
    return [None if pd.isna(day) else str(day.date()) for day in parsed.values]


@pytest.mark.parametrize(
    "cell",
    [
        "2019-04-05", "2019/4/5", "2019.04.05", "20190405", "20190405.0", 20190405, 20190405.0,
        Decimal(20190405),
        "2019年4月5日", "2019年04月05日", "２０１９－０４－０５", " 2019-04-05 ", "2019-04-05 00:00:00",
        "2019-04-05T13:45:10.123", "2019-04-05 13:45:10+08:00", "2019-04-05T13:45Z", "20190405134510",
        "5 Apr 2019", "05-APR-2019", "April 5, 2019", "Apr 5 2019", dt.date(2019, 4, 5),
        dt.datetime(2019, 4, 5, 23, 59),
        pd.Timestamp("2019-04-05 07:00"), np.datetime64("2019-04-05T07:00"),
    ],
)  # fmt: skip
def test_every_way_of_writing_one_day(cell: object) -> None:
    parsed = read(cell)
    assert days(parsed) == ["2019-04-05"]
    assert not parsed.bad.any()
    assert parsed.detail.tolist() == [None]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("99/99/2020", "no such day: '99/99/2020'"),
        ("2019-02-30", "no such day: '2019-02-30'"),
        ("2019年13月1日", "no such day"),
        ("soon", "not a date: 'soon'"),
        ("0213-05-01", "a year outside 1900 to 2099"),
        ("2200-05-01", "a year outside 1900 to 2099"),
        ("2019-04-05 25:00", "not a date"),
        ("05-Apr-19", "two-digit year needs date_format"),
        ("5 Aprix 2019", "not a date"),
        ("5 Ma 2019", "not a date"),
        (43560, "date_format = 'excel'"),
        (12.5, "not a date: '12.5'"),
        (float("inf"), "not a date"),
        (True, "not a date"),
        (["2019"], "not a date"),
    ],
)
def test_what_is_no_date_is_bad_and_says_why(cell: object, words: str) -> None:
    parsed = read(cell, None)
    assert parsed.bad.tolist() == [True, False]
    assert words in parsed.detail[0]
    assert parsed.values.isna().all()


@pytest.mark.parametrize(
    "cell",
    [
        "1900-01-01", "1900-01-01 00:00:00", "01/01/1900", "9999-12-31", "31/12/9999", "0001-01-01",
        "00000000",
        "0000-00-00", "00/00/0000", "1899-12-30", "1753-01-01", 0, "0", 19000101.0, dt.date(9999, 12, 31),
        dt.datetime(1, 1, 1), "infinity", "1900-01-00", "1/0/1900", "2099-12-31",
    ],
)  # fmt: skip
def test_stand_ins_for_no_date_are_missing_and_counted(cell: object) -> None:
    parsed = read(cell, "2020-01-31", cell)
    assert days(parsed) == [None, "2020-01-31", None]
    assert parsed.sentinels == 2
    assert not parsed.bad.any()


@pytest.mark.parametrize(
    "cell", [None, "", "  ", "\u3000", "NaN", "NaT", "null", "N/A", "-", float("nan"), pd.NaT, pd.NA]
)
def test_missing_is_missing_and_not_bad(cell: object) -> None:
    parsed = read(cell, "2020-01-31")
    assert days(parsed) == [None, "2020-01-31"]
    assert parsed.sentinels == 0
    assert not parsed.bad.any()


def test_one_value_above_twelve_settles_the_column() -> None:
    assert days(read("04/05/2019", "13/05/2019")) == ["2019-05-04", "2019-05-13"]
    assert days(read("04/05/2019", "05/13/2019")) == ["2019-04-05", "2019-05-13"]
    assert days(read("04.05.2019", "13.05.2019")) == ["2019-05-04", "2019-05-13"]
    assert days(read("4-5-2019 10:00", "13-5-2019 11:00 PM")) == ["2019-05-04", "2019-05-13"]


def test_order_that_nothing_shows_is_asked_for() -> None:
    with pytest.raises(AmbiguityError, match="nothing tells day from month") as caught:
        read("04/05/2019", "06/07/2019", None)
    for words in ("'due'", "04/05/2019", "2019-05-04 (day_first = true)", "2019-04-05 (day_first = false)"):
        assert words in str(caught.value)


def test_days_equal_to_their_months_need_no_order() -> None:
    assert days(read("04/04/2019", "12/12/2019")) == ["2019-04-04", "2019-12-12"]


def test_columns_that_need_both_orders_are_refused_with_examples_of_each() -> None:
    with pytest.raises(AmbiguityError, match="needs both orders") as caught:
        read("13/05/2019", "05/14/2019", "04/05/2019")
    assert "'13/05/2019' with the day first" in str(caught.value)
    assert "'05/14/2019' with the month first" in str(caught.value)


def test_impossible_days_are_no_evidence_of_order() -> None:
    parsed = read("31/02/2019", "05/13/2019", "04/05/2019")
    assert days(parsed) == [None, "2019-05-13", "2019-04-05"]
    assert parsed.bad.tolist() == [True, False, False]


def test_given_order_wins_and_what_does_not_fit_is_bad() -> None:
    parsed = read("04/05/2019", "05/14/2019", day_first=True)
    assert days(parsed) == ["2019-05-04", None]
    assert parsed.detail[1] == "not a date with the day first: '05/14/2019'"
    assert days(read("04/05/2019", day_first=False)) == ["2019-04-05"]


def test_two_digit_years_ask_unless_the_order_is_given() -> None:
    with pytest.raises(AmbiguityError, match="two digits"):
        read("13/05/19", "14/05/19")
    assert days(read("13/05/19", "14/05/98", day_first=True)) == ["2019-05-13", "1998-05-14"]
    parsed = read("13/05/2019", "14/05/2019", "15/05/19")
    assert parsed.bad.tolist() == [False, False, True]


def test_a_format_reads_text_alone() -> None:
    parsed = read("05.04.19", "x", 20190405, dt.date(2019, 4, 5), None, "00.00.0000", date_format="%d.%m.%y")
    assert days(parsed) == ["2019-04-05", None, None, "2019-04-05", None, None]
    assert parsed.bad.tolist() == [False, True, True, False, False, False]
    assert parsed.sentinels == 1
    assert days(read(20190405.0, "20190405.0", date_format="%Y%m%d")) == ["2019-04-05"] * 2
    with pytest.raises(LedgerError, match="is not a format"):
        read("x", date_format="dd/mm/yyyy")


def test_excel_day_counts_only_where_they_can_be() -> None:
    assert days(read(43560, "43560.75", 0, date_format="excel")) == ["2019-04-05", "2019-04-05", None]
    assert read("abc", 99999999, date_format="excel").bad.tolist() == [True, True]
    cells = pd.Series([43560, 20190406, dt.datetime(2019, 4, 7)], dtype=object)
    cells.attrs["kind"] = "workbook"
    assert days(parse_dates(cells, column="due")) == ["2019-04-05", "2019-04-06", "2019-04-07"]


def test_time_zones_are_left_out_and_noted() -> None:
    aware = pd.Series(pd.to_datetime(["2020-02-11 23:30:00+08:00", None], utc=True)).dt.tz_convert(
        "Asia/Shanghai"
    )
    parsed = parse_dates(aware, column="paid")
    assert days(parsed) == ["2020-02-11", None]
    assert parsed.notes == ("paid: 1 dates had a time zone; the local day was kept",)
    assert read("2020-02-11T23:30:00-05:00").notes


@pytest.mark.parametrize(
    "dtype", ["datetime64[s]", "datetime64[us]", "datetime64[ns]", "category", "string", "Int64", "float64"]
)
def test_typed_columns_keep_index_and_caller(dtype: str) -> None:
    text = pd.Series(["20190405", None], index=[7, 9])
    numbers = pd.Series([20190405, None], index=[7, 9], dtype="Float64")
    source = (
        pd.to_datetime(text)
        if dtype.startswith("datetime")
        else numbers
        if dtype in ("Int64", "float64")
        else text
    )
    values = source.astype(dtype)
    before = values.copy()
    parsed = parse_dates(values, column="due")
    assert days(parsed) == ["2019-04-05", None]
    assert parsed.values.index.tolist() == [7, 9]
    assert parsed.values.dtype == pd.to_datetime(["2019-04-05"]).dtype
    pd.testing.assert_series_equal(values, before)


def test_an_empty_column_is_read() -> None:
    parsed = read()
    assert len(parsed.values) == 0
    assert parsed.values.dtype.kind == "M"


some_days = st.dates(dt.date(1900, 1, 2), dt.date(2099, 12, 30))


@given(
    st.lists(some_days, min_size=1),
    st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y年%m月%d日", "%d %b %Y"]),
)
def test_written_days_come_back(written: list[dt.date], form: str) -> None:
    cells = [f"{day:{form}}" for day in written]
    assert days(read(*cells)) == [day.isoformat() for day in written]


@given(st.lists(some_days, min_size=1), st.booleans())
def test_slash_dates_are_read_rightly_or_asked_about(written: list[dt.date], day_first: bool) -> None:
    cells = [f"{day:%d/%m/%Y}" if day_first else f"{day:%m/%d/%Y}" for day in written]
    try:
        parsed = read(*cells)
    except AmbiguityError:
        assert all(day.day <= 12 for day in written)
        parsed = read(*cells, day_first=day_first)
    assert days(parsed) == [day.isoformat() for day in written]
