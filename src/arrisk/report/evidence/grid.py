"""Sheets of a workbook as cells that hold a value or one of our formulas with its value."""

from __future__ import annotations

import datetime as dt
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_rowcol_to_cell

from arrisk.report.workbook import NUMBER_FORMATS, OPTIONS, neutral

if TYPE_CHECKING:
    import pandas as pd
    from xlsxwriter.format import Format as CellFormat
    from xlsxwriter.worksheet import Worksheet

__all__ = ["NO_RATE", "Cell", "Grid", "write_grids"]

NO_RATE = "no rate"
"""What a formula gives where the ledger does not tell a rate."""
MIN_WIDTH, MAX_WIDTH = 14.0, 44.0
HEADER_ROW = 3
MORE_FORMATS = {"rate": "0.0000000%", "factor": "0.0000000", "sum": "#,##0.00######"}
STYLES: dict[str, dict[str, Any]] = {
    "input": {"font_color": "#0000FF"},
    "formula": {},
    "total": {"bold": True, "top": 1},
}
Value = float | int | str | None


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell: a value, or a formula with the value it comes to."""

    value: Value
    kind: str = "text"
    formula: str | None = None
    style: str = "formula"


@dataclass(slots=True)
class Grid:
    """One sheet while it is filled.

    Parameters
    ----------
    name : str
        Of the sheet; letters only, so that references need no quotes.
    title, note : str
    """

    name: str
    title: str
    note: str
    frozen: int = 0
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    headers: dict[tuple[int, int], str] = field(default_factory=dict)

    def head(self, names: Sequence[str], row: int = HEADER_ROW) -> None:
        """Write names of columns."""
        self.headers.update({(row, column): name for column, name in enumerate(names)})

    def put(self, row: int, column: int, value: Value, kind: str = "text") -> str:
        """Write a value that comes from the run, and return where it stands."""
        style = "formula" if kind == "text" else "input"
        self.cells[row, column] = Cell(_finite(value), kind, None, style)
        return self.at(row, column)

    def work_out(
        self, row: int, column: int, formula: str, value: Value, kind: str, style: str = "formula"
    ) -> str:
        """Write one of our formulas with the value it comes to, and return where it stands."""
        self.cells[row, column] = Cell(NO_RATE if _missing(value) else value, kind, formula, style)
        return self.at(row, column)

    def at(self, row: int, column: int, fixed: bool = False) -> str:
        """How other sheets name a cell."""
        return f"{self.name}!{xl_rowcol_to_cell(row, column, fixed, fixed)}"

    def span(self, top: int, left: int, bottom: int, right: int) -> str:
        """How other sheets name a range."""
        return f"{self.name}!{xl_rowcol_to_cell(top, left)}:{xl_rowcol_to_cell(bottom, right)}"


def write_grids(
    grids: Sequence[Grid], title: str, day: pd.Timestamp, names: dict[str, str], digits: int
) -> bytes:
    """Write sheets as an Excel workbook.

    Text from a ledger is stored as text and never as a formula (see `neutral`); the only formulas are those
    given to `Grid.work_out`.

    Parameters
    ----------
    grids : sequence of Grid
    title : str
    day : Timestamp
        The as-of date, which the file bears as the day it was made, so that the same grids give the same
        bytes.
    names : dict of str to str
        Names of cells, as "provision!$A$1".
    digits : int
        Decimals of money.

    Returns
    -------
    bytes
    """
    target = io.BytesIO()
    book = Workbook(target, OPTIONS)
    made = dt.datetime(day.year, day.month, day.day)
    book.set_properties({"title": neutral(title)[:255], "author": "arrisk", "created": made})
    formats = _formats(book, digits)
    for grid in grids:
        _write(book.add_worksheet(grid.name), grid, formats)
    for name, cell in sorted(names.items()):
        book.define_name(name, f"={cell}")
    book.close()
    return target.getvalue()


def _formats(book: Workbook, digits: int) -> dict[tuple[str, str], CellFormat]:
    money = "#,##0" + ("." + "0" * digits if digits else "")
    codes = {**NUMBER_FORMATS, **MORE_FORMATS, "money": f"{money};[Red]-{money}"}
    made = {
        (kind, style): book.add_format({"num_format": code, "valign": "top", **look})
        for kind, code in codes.items()
        for style, look in STYLES.items()
    }
    made["head", ""] = book.add_format(
        {"bold": True, "bottom": 1, "text_wrap": True, "valign": "bottom", "bg_color": "#F2F2F2"}
    )
    made["title", ""] = book.add_format({"bold": True, "font_size": 13})
    made["note", ""] = book.add_format({"italic": True, "font_color": "#595959"})
    return made


def _write(sheet: Worksheet, grid: Grid, formats: dict[tuple[str, str], CellFormat]) -> None:
    sheet.write_string(0, 0, neutral(grid.title), formats["title", ""])
    sheet.write_string(1, 0, neutral(grid.note), formats["note", ""])
    for (row, column), name in sorted(grid.headers.items()):
        sheet.write_string(row, column, neutral(name), formats["head", ""])
    for (row, column), cell in sorted(grid.cells.items()):
        look = formats[cell.kind, cell.style]
        if cell.formula is not None:
            sheet.write_formula(row, column, f"={cell.formula}", look, cell.value)
        elif isinstance(cell.value, str):
            sheet.write_string(row, column, neutral(cell.value), look)
        elif cell.value is not None:
            sheet.write_number(row, column, cell.value, look)
    for column, width in _widths(grid).items():
        sheet.set_column(column, column, width)
    sheet.freeze_panes(HEADER_ROW + 1, grid.frozen)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(HEADER_ROW)


def _widths(grid: Grid) -> dict[int, float]:
    """Width of each column by its longest text."""
    found = dict.fromkeys((c for _, c in grid.headers), MIN_WIDTH)
    for (_, column), cell in grid.cells.items():
        longest = len(cell.value) + 2.0 if isinstance(cell.value, str) else MIN_WIDTH
        found[column] = min(MAX_WIDTH, max(found.get(column, MIN_WIDTH), longest))
    return found


def _missing(value: Value) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _finite(value: Value) -> Value:
    if isinstance(value, str) or value is None:
        return value
    number = float(value)
    return number if math.isfinite(number) else ("none" if math.isnan(number) else "unbounded")
