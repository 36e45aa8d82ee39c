"""The workbook: no formula, every table, the same bytes."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pandas as pd
import pytest

from arrisk.display import Table
from arrisk.report.contents import Report
from arrisk.report.workbook import make_workbook, neutral
from tests.report.stage import FORMULA, make_notebook, make_recommendation, shown


def opened(report: Report) -> Any:
    return openpyxl.load_workbook(io.BytesIO(make_workbook(report)))


def rows(sheet: Any) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in sheet.iter_rows(min_row=4)]


def test_no_cell_is_a_formula(build_report: Callable[..., Report]) -> None:
    starts = [FORMULA, "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("x")', "\uff1d1", "plain"]
    hostile = Table("hostile", FORMULA, pd.DataFrame({FORMULA: starts}), FORMULA)
    decision = make_recommendation(decision=FORMULA, answer=FORMULA, design=FORMULA, scope=FORMULA)
    book = opened(build_report(make_notebook(FORMULA, shown(hostile, decision))))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n", "b", "d"}
    assert not any(
        str(cell.value).startswith(("=", "+", "-", "@", "\t", "\r"))
        for cell in cells
        if cell.data_type == "s"
    )
    assert rows(book["hostile"])[0][0] == f"'{FORMULA}"
    assert rows(book["hostile"])[-1] == ["plain"]


@pytest.mark.parametrize("text", ["", "Smith", "a=b", "O'Neil", "1-2"])
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert neutral(text) == text


def test_a_sheet_for_every_table_and_a_contents_sheet(full_report: Report) -> None:
    book = opened(full_report)
    assert book.sheetnames == [
        "Contents", "decisions", "assumptions", "headline", "ageing", "checks", "how_it_was_made",
    ]  # fmt: skip
    listed = [row[0] for row in rows(book["Contents"])]
    assert listed == book.sheetnames[1:]
    assert book["Contents"]["A4"].hyperlink.location == "'decisions'!A1"
    assert len(rows(book["assumptions"])) == 1 + len(full_report.assumptions.frame)
    assert book["ageing"].freeze_panes == "A5"


def test_a_shown_assumptions_table_is_not_written_twice_and_reserved_names_move(
    build_report: Callable[..., Report], full_report: Report
) -> None:
    clash = Table("Decisions", "Mine", pd.DataFrame({"x": [1]}))
    history = Table("History", "Reserved", pd.DataFrame({"x": [1]}))
    book = opened(build_report(make_notebook("Q", shown(full_report.assumptions, clash, history))))
    assert book.sheetnames == [
        "Contents", "decisions", "assumptions", "Decisions_2", "History_2", "how_it_was_made",
    ]  # fmt: skip


def test_cells_keep_their_kind(build_report: Callable[..., Report]) -> None:
    frame = pd.DataFrame(
        {
            "day": pd.to_datetime(["2025-03-01", None]),
            "amount": [1234.5, None],
            "share": [0.25, float("nan")],
            "count": [3, 4],
            "late": [True, False],
            "name": ["a" * 40_000, None],
        }
    )
    table = Table("kinds", "Kinds", frame, formats={"day": "date", "amount": "money", "share": "percent"})
    sheet = opened(build_report(make_notebook("Q", shown(table))))["kinds"]
    day, amount, share, count, late, name = sheet[5]
    assert (day.value, day.number_format) == (dt.datetime(2025, 3, 1), "yyyy-mm-dd")
    assert (amount.value, amount.number_format) == (1234.5, "#,##0.00;[Red]-#,##0.00")
    assert (share.value, share.number_format) == (0.25, "0.00%")
    assert (count.value, late.value) == (3, True)
    assert len(name.value) < 32_767
    assert [cell.value for cell in sheet[6]] == [None, None, None, 4, False, None]


def test_the_decisions_sheet_carries_intervals(full_report: Report) -> None:
    found = rows(opened(full_report)["decisions"])
    table = pd.DataFrame(found[1:], columns=found[0])
    assert table["verdict"].tolist() == ["reject", "keep", "the data cannot say"]
    assert table["low"].tolist()[:2] == [-31250, 12000]
    assert table["low"].isna().tolist() == [False, False, True]
    assert table["notebook"].tolist() == ["01_notebook", "02_notebook", "02_notebook"]


def test_the_same_report_gives_the_same_bytes(full_report: Report) -> None:
    assert make_workbook(full_report) == make_workbook(full_report)
    created = openpyxl.load_workbook(io.BytesIO(make_workbook(full_report))).properties.created
    assert created == dt.datetime(2025, 12, 31)
