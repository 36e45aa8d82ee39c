"""Amounts and numbers: exact in minor units, in every convention, and never a guess."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import AmbiguityError, LedgerError
from arrisk.ledger.values.scalars import ParsedColumn, parse_money, parse_number


def read(*cells: object, digits: int | pd.Series = 2, **options: str) -> ParsedColumn:
    return parse_money(pd.Series(cells, dtype=object), column="amount", digits=digits, **options)


def minor(parsed: ParsedColumn) -> list[int | None]:
    return [None if pd.isna(value) else int(value) for value in parsed.values]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1234.56", 123456), ("1,234.56", 123456), ("-1,234.56", -123456), ("1,234.56-", -123456),
        ("(1,234.56)", -123456), ("( 1,234.56 )", -123456), ("+7.5", 750), ("-.5", -50), ("0.00", 0),
        ("12.", 1200),
        ("$1,234.56", 123456), ("-$1,234.56", -123456), ("$-1,234.56", -123456), ("($1,234.56)", -123456),
        ("US$ 10.00", 1000), ("EUR 10.00", 1000), ("10.00 EUR", 1000), ("10.00EUR", 1000),
        ("￥1,000.50", 100050),
        ("１，２３４．５６", 123456), ("1 234.56", 123456), ("1\u00a0234.56", 123456),
        ("1\u202f234.56", 123456),
        ("1'234.56", 123456), ("1’234.56", 123456), ("12,34,567.89", 123456789), ("1234.560", 123456),
        ("\u22125.25", -525), ("1000.50元", 100050), ("人民币 20.20", 2020), ("-0.01", -1),
        ("000123.45", 12345),
        (1234.56, 123456), (-7, -700), (Decimal("1234.560"), 123456), (np.float32(55.94), 5594),
        (np.int64(3), 300),
        (0.1 + 0.2, 30), (10**12, 10**14), (1e12 + 0.25, 10**14 + 25), (Decimal("1E+3"), 100000),
    ],
)  # fmt: skip
def test_every_way_of_writing_an_amount(cell: object, expected: int) -> None:
    parsed = read(cell, "0.25")
    assert minor(parsed) == [expected, 25]
    assert not parsed.bad.any()
    assert str(parsed.values.dtype) == "Int64"


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("abc", "not an amount: 'abc'"),
        ("INV 100", "not an amount"),
        ("ABC100.00", "not an amount"),
        ("12.34.56", "not an amount"),
        ("1,23.45", "not an amount"),
        ("1,2345.67", "not an amount"),
        ("--5", "not an amount"),
        ("(-5.00)", "not an amount"),
        ("5%", "not an amount"),
        ("12万", "not an amount"),
        ("EUR", "not an amount"),
        ("#REF!", "not an amount"),
        ("1.5E+05", "in scientific notation"),
        ("1.005", "finer than the minor unit: '1.005'"),
        (1.005, "finer than the minor unit"),
        (100 / 3, "finer than the minor unit"),
        (Decimal("0.001"), "finer than the minor unit"),
        ("9" * 30, "too many digits"),
        ("9" * 18, "too many digits"),
        pytest.param("1" * 5000, "too many digits", id="a long text"),
        (Decimal("1E+99999"), "too many digits"),
        pytest.param(10**400, "too many digits", id="a giant"),
        (1e300, "too many digits"),
        (float("inf"), "not an amount"),
        (Decimal("Infinity"), "not an amount"),
        (True, "not an amount: 'True'"),
        (["5"], "not an amount"),
    ],
)
def test_what_is_no_amount_is_bad_and_says_why(cell: object, words: str) -> None:
    parsed = read(cell, "0.25", None)
    assert minor(parsed) == [None, 25, None]
    assert parsed.bad.tolist() == [True, False, False]
    assert words in parsed.detail[0]
    assert parsed.detail[2] is None


@pytest.mark.parametrize(
    "cell", [None, "", " ", "-", " - ", "NULL", "n/a", float("nan"), Decimal("NaN"), pd.NA]
)
def test_missing_is_missing_and_not_bad(cell: object) -> None:
    parsed = read(cell, "1.50")
    assert minor(parsed) == [None, 150]
    assert not parsed.bad.any()


@pytest.mark.parametrize(
    ("settles", "expected"),
    [("7,25", 123400), ("1.234,5", 123400), ("1.234.567", 123400), ("1234,5", 123400), ("1 000,5", 123400)],
)
def test_decimal_comma_is_found_from_another_amount(settles: str, expected: int) -> None:
    assert minor(read("1.234", settles))[0] == expected


@pytest.mark.parametrize("settles", ["7.25", "1,234.5", "1,234,567", "0.5", "12345.678"])
def test_decimal_point_is_found_from_another_amount(settles: str) -> None:
    assert minor(read("1,234", settles, digits=3))[0] == 1_234_000


@pytest.mark.parametrize("cells", [("1.234", "5.678"), ("1,234",), ("1,234", "100", "-2,500"), ("€1.234",)])
def test_amounts_of_two_readings_are_asked_about(cells: tuple[str, ...]) -> None:
    with pytest.raises(AmbiguityError, match=r"decimal = '\.' or decimal = ','") as caught:
        read(*cells)
    assert "'amount'" in str(caught.value)
    assert cells[0] in str(caught.value)


def test_columns_that_need_both_signs_are_refused_with_examples_of_each() -> None:
    with pytest.raises(AmbiguityError, match=r"both decimal signs: '1234\.5' a point, '7,25' a comma"):
        read("1234.5", "7,25")
    parsed = read("1234.5", "7,25", "1,000.00", decimal=".")
    assert minor(parsed) == [123450, None, 100000]
    assert parsed.detail[1] == "not an amount with decimal '.': '7,25'"


def test_garbage_is_no_evidence_of_a_sign() -> None:
    parsed = read("12.04.2019", "1,2,3", "1,234", "5.50")
    assert minor(parsed) == [None, None, 123400, 550]


def test_given_signs_are_obeyed() -> None:
    assert minor(read("1.234", decimal=",")) == [123400]
    assert minor(read("1,234", decimal=",", digits=3)) == [1234]
    assert minor(read("1.234", thousands=".")) == [123400]
    assert minor(read("1,234", "5", thousands=",")) == [123400, 500]
    assert minor(read("1 234,5", "2,000", thousands=" ", digits=3)) == [1_234_500, 2_000]
    assert read("1,234.50", thousands="", decimal=".").bad.tolist() == [True]
    assert read("1234.56", decimal=",").bad.tolist() == [True]
    with pytest.raises(LedgerError, match="decimal ';' is not allowed"):
        read("1", decimal=";")
    with pytest.raises(LedgerError, match="thousands"):
        read("1", decimal=",", thousands=",")


def test_digits_go_by_row() -> None:
    digits = pd.Series([0, 2, 3, 0])
    parsed = read("1000", "1000", "1000", "0.5", digits=digits)
    assert minor(parsed) == [1000, 100000, 1000000, None]
    assert parsed.detail[3] == "finer than the minor unit: '0.5'"


@pytest.mark.parametrize("dtype", ["float64", "float32", "Float32", "Float64", "string", "category"])
def test_typed_columns_keep_index_and_caller(dtype: str) -> None:
    source = pd.Series(["55.94", None, "3"], index=[5, 6, 7])
    values = (source.astype("float64") if "loat" in dtype else source).astype(dtype)
    before = values.copy()
    parsed = parse_money(values, column="amount", digits=2)
    assert minor(parsed) == [5594, None, 300]
    assert parsed.values.index.tolist() == [5, 6, 7]
    pd.testing.assert_series_equal(values, before)


def test_numbers() -> None:
    parsed = parse_number(
        pd.Series(["2%", "2.5 %", "1e-3", "50.123", -7, None, "x", np.float32(0.5)], dtype=object),
        column="rate",
    )
    assert parsed.values.tolist()[:5] == [0.02, 0.025, 0.001, 50.123, -7.0]
    assert parsed.bad.tolist() == [False] * 6 + [True, False]
    assert parsed.detail[6] == "not a number: 'x'"
    assert parse_number(pd.Series([0.123456789012]), column="rate").values[0] == 0.123456789012
    assert (
        parse_number(pd.Series([0.123456789012, "x"], dtype=object), column="rate").values[0]
        == 0.123456789012
    )
    assert parse_number(pd.Series(["1e999999999", "1" * 400], dtype=object), column="rate").bad.all()
    with pytest.raises(AmbiguityError):
        parse_number(pd.Series(["1,234"]), column="rate")


def test_an_empty_column_is_read() -> None:
    assert len(read().values) == 0
    assert parse_number(pd.Series([], dtype=object), column="rate").values.dtype == np.float64


amounts = st.lists(st.integers(-(10**13), 10**13), min_size=1)
conventions = st.sampled_from(
    [(".", ","), (",", "."), (",", " "), (",", "\u00a0"), (".", "'"), (".", ""), (",", "")]
)
negatives = st.sampled_from(["-{}", "{}-", "({})", "-€{}", "{} EUR-"])


def written(cents: int, decimal: str, thousands: str, negative: str) -> str:
    text = f"{abs(cents) // 100:,}.{abs(cents) % 100:02d}"
    text = text.translate({ord(","): thousands, ord("."): decimal})
    return negative.format(text) if cents < 0 else text


@given(amounts, conventions, negatives)
def test_written_amounts_come_back(cents: list[int], convention: tuple[str, str], negative: str) -> None:
    cells = [written(value, *convention, negative) for value in cents]
    assert minor(read(*cells)) == cents


@given(amounts)
def test_numbers_and_their_text_agree(cents: list[int]) -> None:
    floats = [value / 100 for value in cents]
    assert minor(read(*floats)) == cents
    assert minor(parse_money(pd.Series(floats), column="amount", digits=2)) == cents
    assert minor(read(*[Decimal(value).scaleb(-2) for value in cents])) == cents
