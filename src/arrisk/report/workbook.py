"""The Excel workbook: a contents sheet, the decisions, the assumptions, and a sheet for every table."""

from __future__ import annotations

import datetime as dt
import io
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from arrisk.display import Format, Table
from arrisk.report.contents import Report
from arrisk.report.harvest import free_name

if TYPE_CHECKING:
    from xlsxwriter.format import Format as CellFormat
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

__all__ = ["make_table_book", "make_workbook", "neutral"]

NUMBER_FORMATS: Mapping[str, str] = {
    "money": "#,##0.00;[Red]-#,##0.00",
    "percent": "0.00%",
    "days": "#,##0.0",
    "integer": "#,##0",
    "date": "yyyy-mm-dd",
    "number": "General",
    "text": "@",
}
DANGEROUS_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
DECISION_COLUMNS = (
    "notebook", "decision", "verdict", "answer", "value", "low", "high", "level", "unit", "flips_when",
    "scope", "identified", "design", "experiment",
)  # fmt: skip
HEADER_ROW = 3
MAX_ROWS = 1_000_000
MAX_TEXT = 32_000
MIN_WIDTH, MAX_WIDTH = 9, 60
WIDTH_SAMPLE = 500
RESERVED_SHEETS = frozenset({"history", "contents"})


def make_workbook(report: Report) -> bytes:
    """Write a report as an Excel workbook.

    Text is never a formula: it is stored as text, and text that a spreadsheet could take for a formula
    when it is copied or exported gets an apostrophe in front (see `neutral`).

    Parameters
    ----------
    report : Report
        Amounts in its currency's units.

    Returns
    -------
    bytes
        The xlsx file; the same report gives the same bytes.
    """
    tables = [
        table
        for table in (_decisions(report), report.assumptions, *report.tables, _making(report))
        if table is report.assumptions or not _same(table, report.assumptions)
    ]
    return make_table_book(f"{report.title}, as of {report.as_of:%Y-%m-%d}", report.as_of, tables)


def make_table_book(title: str, as_of: pd.Timestamp, tables: Iterable[Table]) -> bytes:
    """Write tables as an Excel workbook: a contents sheet, and a sheet for each (see `make_workbook`).

    Parameters
    ----------
    title : str
    as_of : Timestamp
        Stands in the file as the day of its making, so that the same tables give the same bytes.
    tables : iterable of Table
    """
    from xlsxwriter import Workbook

    target = io.BytesIO()
    book = Workbook(target, OPTIONS)
    safe = _clipped(title)
    created = dt.datetime(as_of.year, as_of.month, as_of.day)
    book.set_properties({"title": safe[:255], "author": "arrisk", "created": created})
    taken = set(RESERVED_SHEETS)
    sheets = []
    for table in tables:
        name = free_name(table.name, taken)
        taken.add(name.lower())
        sheets.append((name, table))
    contents = book.add_worksheet("Contents")
    _write_contents(book, contents, safe, sheets)
    for name, table in sheets:
        _write_table(book, book.add_worksheet(name), table)
    book.close()
    return target.getvalue()


def neutral(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet could run as a formula.

    Examples
    --------
    >>> neutral("=1+1"), neutral("Smith & Sons")
    ("'=1+1", 'Smith & Sons')
    """
    return f"'{text}" if text.startswith(DANGEROUS_STARTS) else text


def _decisions(report: Report) -> Table:
    rows: list[tuple[Any, ...]] = []
    for notebook, found in report.recommendations.items():
        for r in found:
            e = r.expected_value
            numbers = (e.value, e.low, e.high, e.level, e.unit) if e else (None, None, None, None, "")
            flip = r.flip.sentence if r.flip else ""
            told = "yes" if r.identified else "no"
            why = (flip, r.scope, told, r.design, r.experiment)
            rows.append((notebook, r.decision, r.verdict, r.answer, *numbers, *why))
    frame = pd.DataFrame(rows, columns=list(DECISION_COLUMNS))
    return Table("decisions", "Decisions", frame, formats={"level": "percent"})


def _making(report: Report) -> Table:
    rows = [
        ("study", report.name),
        ("as of", f"{report.as_of:%Y-%m-%d}"),
        ("currency", report.currency),
        ("seed", str(report.seed)),
        ("study file, SHA-256", report.digest),
        *((f"{s.name}, SHA-256", s.sha256) for s in report.sources),
        *((f"version of {name}", number) for name, number in report.versions),
    ]
    return Table("how_it_was_made", "How it was made", pd.DataFrame(rows, columns=["what", "value"]))


def _same(one: Table, two: Table) -> bool:
    return one.name.lower() == two.name.lower() and _plain_rows(one) == _plain_rows(two)


def _plain_rows(table: Table) -> list[list[str]]:
    return [[str(v) for v in row] for row in table.frame.itertuples(index=False, name=None)]


def _write_contents(book: Workbook, sheet: Worksheet, title: str, sheets: list[tuple[str, Table]]) -> None:
    bold, link = book.add_format({"bold": True, "font_size": 14}), book.get_default_url_format()
    head = book.add_format({"bold": True, "bottom": 1})
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 80)
    sheet.set_column(2, 2, 10)
    sheet.write_string(0, 0, neutral(title), bold)
    for column, text in enumerate(("Sheet", "What it shows", "Rows")):
        sheet.write_string(2, column, text, head)
    for row, (name, table) in enumerate(sheets, start=3):
        sheet.write_url(row, 0, f"internal:'{name}'!A1", link, name)
        sheet.write_string(row, 1, _clipped(table.title))
        sheet.write_number(row, 2, len(table.frame))
    sheet.freeze_panes(3, 0)


def _write_table(book: Workbook, sheet: Worksheet, table: Table) -> None:
    frame = table.frame.head(MAX_ROWS)
    note = table.note
    if len(table.frame) > MAX_ROWS:
        note = f"First {MAX_ROWS:,} of {len(table.frame):,} rows. {note}".strip()
    sheet.write_string(0, 0, _clipped(table.title), book.add_format({"bold": True, "font_size": 13}))
    sheet.write_string(1, 0, _clipped(note), book.add_format({"italic": True, "font_color": "#595959"}))
    formats = _cell_formats(book)
    for index, column in enumerate(frame.columns):
        values = frame.iloc[:, index]
        kind = table.formats.get(column)
        is_text = not pd.api.types.is_numeric_dtype(values)
        head = {"bold": True, "bottom": 1, "text_wrap": True, "valign": "bottom", "bg_color": "#F2F2F2"}
        head_format = book.add_format({**head, "align": "left" if is_text else "right"})
        sheet.write_string(HEADER_ROW, index, _clipped(str(column).replace("_", " ")), head_format)
        sheet.set_column(index, index, _width(str(column), values, kind))
        for row, value in enumerate(values, start=HEADER_ROW + 1):
            _write_cell(sheet, row, index, value, kind, formats)
    sheet.freeze_panes(HEADER_ROW + 1, 0)
    if len(frame.columns):
        sheet.autofilter(HEADER_ROW, 0, HEADER_ROW + len(frame), len(frame.columns) - 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(HEADER_ROW)


def _cell_formats(book: Workbook) -> dict[str, CellFormat]:
    top = {"valign": "top"}
    made = {kind: book.add_format({"num_format": code, **top}) for kind, code in NUMBER_FORMATS.items()}
    made["text"] = book.add_format({"text_wrap": True, "valign": "top"})
    return made


def _write_cell(
    sheet: Worksheet,
    row: int,
    column: int,
    value: Any,
    kind: Format | None,
    formats: Mapping[str, CellFormat],
) -> None:
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return
    day = _as_date(value, kind)
    if day is not None:
        sheet.write_datetime(row, column, day, formats["date"])
    elif isinstance(value, bool) or type(value).__name__ == "bool":
        sheet.write_boolean(row, column, bool(value))
    elif hasattr(value, "dtype") or isinstance(value, int | float):
        number = float(value)
        if math.isfinite(number):
            sheet.write_number(row, column, number, formats[kind or "number"])
        else:
            sheet.write_string(row, column, "unbounded" if number > 0 else "below any bound")
    else:
        sheet.write_string(row, column, _clipped(str(value)), formats["text"])


def _as_date(value: Any, kind: Format | None) -> dt.datetime | None:
    """A date that Excel can hold (from 1900-03-01, where its calendar is right)."""
    if isinstance(value, str):
        if kind != "date":
            return None
        try:
            value = dt.date.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, dt.date):
        return None
    return dt.datetime(value.year, value.month, value.day) if value >= type(value)(1900, 3, 1) else None


def _width(name: str, values: pd.Series, kind: Format | None) -> float:
    longest = max((len(str(v)) for v in values.head(WIDTH_SAMPLE)), default=0)
    if pd.api.types.is_numeric_dtype(values):
        longest = min(longest, 14) + (4 if kind == "money" else 0)
    return float(min(MAX_WIDTH, max(MIN_WIDTH, len(name) + 3 if len(name) < 24 else 24, longest + 2)))


def _clipped(text: str) -> str:
    safe = neutral(text)
    return safe if len(safe) <= MAX_TEXT else safe[:MAX_TEXT] + " ..."
