"""Texts, ids, whole numbers and flags."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from arrisk.ledger.values.scalars import ParsedColumn, parse_flag, parse_id, parse_int, parse_text


def column(*cells: object) -> pd.Series:
    return pd.Series(cells, dtype=object)


def test_text_is_trimmed_and_empty_is_none() -> None:
    cells = column(" a b ", "\u3000华东\u00a0", "", "  ", None, "NULL", "Null", "NA", "\ufeffx\u200b")
    assert parse_text(cells).values.tolist() == ["a b", "华东", None, None, None, None, "Null", "NA", "x"]


def test_native_cells_are_written_plainly() -> None:
    cells = column(
        12, 12.0, 12.5, Decimal("7.0"), dt.date(2020, 1, 2), dt.datetime(2020, 1, 2), True, b"ab", np.int64(4)
    )
    expected = ["12", "12", "12.5", "7", "2020-01-02", "2020-01-02", "True", "ab", "4"]
    assert parse_text(cells).values.tolist() == expected
    assert parse_text(pd.Series([1, None], dtype="Int64")).values.tolist() == ["1", None]


def test_ids_of_one_customer_are_one() -> None:
    cells = column(
        "0200769623", "200769623", 200769623.0, "200769623.0", 200769623, "２００７６９６２３", " 0200769623 "
    )
    assert set(parse_id(cells, column="id", strip_zeros=True).values) == {"200769623"}
    kept = parse_id(cells, column="id").values
    assert kept[0] == "0200769623"
    assert set(kept[1:6]) == {"200769623"}


def test_zeros_of_other_ids_stay() -> None:
    cells = column("00A1", "000", "0", "1.10", "INV-007", None, "")
    parsed = parse_id(cells, column="id", strip_zeros=True)
    assert parsed.values.tolist() == ["00A1", "0", "0", "1.10", "INV-007", None, None]


@pytest.mark.parametrize("cell", ["1.23457E+11", "1E+10", 1.2345678901234567e17])
def test_ids_that_lost_digits_are_bad(cell: object) -> None:
    parsed = parse_id(column(cell, "1"), column="id")
    assert parsed.bad.tolist() == [True, False]
    assert "digits lost" in parsed.detail[0]
    assert parsed.values[0] is None


def test_whole_numbers() -> None:
    parsed = parse_int(column("30", "30.0", 30, 30.0, "-1", None, "7.5", "x", float("inf")), column="days")
    assert parsed.values.tolist()[:5] == [30, 30, 30, 30, -1]
    assert str(parsed.values.dtype) == "Int64"
    assert parsed.bad.tolist() == [False] * 6 + [True] * 3
    assert parsed.detail[6] == "not a whole number: '7.5'"


def test_flags() -> None:
    yes = parse_flag(column("Yes", "TRUE", 1, "X", "是", True, "y", 1.0), column="open")
    no = parse_flag(column("no", "False", 0, "否", False, "N", 0.0), column="open")
    assert yes.values.all()
    assert not no.values.any()
    other = parse_flag(column("maybe", None, ""), column="open")
    assert other.bad.tolist() == [True, False, False]
    assert other.detail[0] == "neither yes nor no: 'maybe'"
    assert other.values.isna().all()


@pytest.mark.parametrize("parse", [parse_text, parse_id, parse_int, parse_flag])
def test_index_is_kept_and_the_caller_untouched(parse: object) -> None:
    cells = pd.Series(["1", "0", None], index=[3, 1, 1], dtype=object)
    before = cells.copy()
    parsed: ParsedColumn = parse(cells, column="c")  # type: ignore[operator]
    for part in (parsed.values, parsed.bad, parsed.detail):
        assert part.index.tolist() == [3, 1, 1]
    pd.testing.assert_series_equal(cells, before)
