"""Excel workbooks: every sheet a table, cells as Excel holds them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd

from arrisk.errors import LedgerError
from arrisk.ledger.sources.frames import find_header, header_names, with_lines

__all__ = ["read_workbook"]

_SAMPLE = 60
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"


def read_workbook(path: Path, *, sheet: str | int | None = None) -> dict[str, pd.DataFrame]:
    """Read the sheets of an .xlsx or .xlsm workbook; empty ones are left out.

    Parameters
    ----------
    path : Path
        The workbook.
    sheet : str or int, optional
        One sheet alone, by name or by place (the first is 1).

    Returns
    -------
    dict of str to DataFrame
        By sheet name; with `_source` ("book.xlsx[Sheet1]") and `_line` (the row number that Excel shows).
        `attrs["kind"]` is "workbook", so that bare numbers in date columns are read as Excel's day count.

    Raises
    ------
    LedgerError
        If the file is no workbook, is protected by a password, is damaged, or all its sheets are empty.
    """
    with _opened(path) as book:
        names = [page.title for page in book.worksheets]
        if sheet is not None:
            names = [_chosen(sheet, names, path)]
        tables = {name: _read_sheet(book[name], f"{path.name}[{name}]") for name in names}
    filled = {name: frame for name, frame in tables.items() if frame is not None}
    if not filled:
        raise LedgerError(
            f"{path.name} has no rows (sheets: {', '.join(names)}); a header row and rows are needed"
        )
    return filled


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        start = file.read(4)
    if not start:
        raise LedgerError(f"{path.name} is empty; an Excel workbook is needed")
    if start == _OLD_OFFICE:
        raise LedgerError(
            f"{path.name} is protected by a password or of the old .xls form; save it as .xlsx without one"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles and validation rules, which are of no matter here
        try:
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        except Exception as error:  # a damaged file fails anywhere in zip, XML or openpyxl
            raise LedgerError(
                f"{path.name} is not an Excel workbook, or is damaged ({_said(error)})"
            ) from None
        try:
            yield book
        except LedgerError:
            raise
        except Exception as error:
            raise LedgerError(f"{path.name} is damaged: {_said(error)}") from None
        finally:
            book.close()


def _said(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]


def _chosen(sheet: str | int, names: list[str], path: Path) -> str:
    if isinstance(sheet, int) and 1 <= sheet <= len(names):
        return names[sheet - 1]
    by_key = {name.strip().casefold(): name for name in names}
    if str(sheet).strip().casefold() not in by_key:
        raise LedgerError(f"{path.name} has no sheet {sheet!r}; its sheets: {', '.join(names)}")
    return by_key[str(sheet).strip().casefold()]


def _read_sheet(page: Any, source: str) -> pd.DataFrame | None:
    page.reset_dimensions()  # the stored size of a sheet is often wrong
    rows = [
        (line, list(cells))
        for line, cells in enumerate(page.iter_rows(values_only=True), start=1)
        if any(cell is not None and cell != "" for cell in cells)
    ]
    if not rows:
        return None
    place = find_header([cells for _, cells in rows[:_SAMPLE]])
    width = max(_width(cells) for _, cells in rows[place:])
    names = header_names(_padded(rows[place][1], width))
    body = rows[place + 1 :]
    columns = zip(*(_padded(cells, width) for _, cells in body), strict=True) if body else ([] for _ in names)
    data = {name: _series(list(cells)) for name, cells in zip(names, columns, strict=True)}
    frame = with_lines(pd.DataFrame(data, columns=names), source, [line for line, _ in body])
    frame.attrs["kind"] = "workbook"
    frame.attrs["preamble"] = tuple(
        " ".join(str(cell) for cell in cells if cell is not None) for _, cells in rows[:place]
    )
    return frame


def _width(cells: list[Any]) -> int:
    return max((place for place, cell in enumerate(cells, start=1) if cell not in (None, "")), default=0)


def _padded(cells: list[Any], width: int) -> list[Any]:
    return (cells + [None] * width)[:width]


def _series(cells: list[Any]) -> pd.Series[Any]:
    return pd.Series([None if isinstance(cell, str) and not cell else cell for cell in cells], dtype=object)
