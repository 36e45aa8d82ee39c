"""Raw frames: the header row of a sheet, names of columns, source and line of every row, Arrow to pandas."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

__all__ = ["arrow_frame", "find_header", "header_names", "with_lines"]

_NUMBER = re.compile(r"[-+(]?[\d.,\s]+[)%-]?")
_INTEGERS = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}  # so that a missing cell does not turn ids into floating numbers


def find_header(rows: Sequence[Sequence[Any]]) -> int:
    """Find the header among the first rows of a sheet: the first row of words about as wide as the table.

    Titles above a table ("A/R Ageing Detail", "As of 31 December") fill one cell or two; they come before.

    Examples
    --------
    >>> find_header([["Ageing detail"], [], ["Date", "Number", "Amount"], ["2025-01-31", "17", "9.50"]])
    2
    """
    filled = [[cell for cell in row if not _blank(cell)] for row in rows]
    widths = sorted((len(cells) for cells in filled if cells), reverse=True)
    if not widths:
        return 0
    wide = widths[1] if len(widths) > 2 else widths[0]  # one overlong row must not decide
    for place, cells in enumerate(filled):
        words = sum(isinstance(cell, str) and not _NUMBER.fullmatch(cell) for cell in cells)
        if len(cells) >= max(2, wide / 2) and 2 * words >= len(cells):
            return place
    return next(place for place, cells in enumerate(filled) if cells)


def header_names(cells: Sequence[Any]) -> list[str]:
    """Name columns by their headers: blanks trimmed, empty ones "column 3", repeated ones "Date (2)".

    Examples
    --------
    >>> header_names([" Date ", "", "Date"])
    ['Date', 'column 2', 'Date (2)']
    """
    names: list[str] = []
    for place, cell in enumerate(cells, start=1):
        plain = f"column {place}" if _blank(cell) else " ".join(str(cell).split())
        name, copy = plain, 1
        while name in names:
            copy += 1
            name = f"{plain} ({copy})"
        names.append(name)
    return names


def with_lines(frame: pd.DataFrame, source: str, lines: Any = None) -> pd.DataFrame:
    """Give a new frame its `_source` and `_line`, unless it carries them; by default rows count from line 2.

    Examples
    --------
    >>> with_lines(pd.DataFrame({"a": [7, 8]}), "frame")["_line"].tolist()
    [2, 3]
    """
    out = frame.copy(deep=False)
    if {"_source", "_line"} <= set(out.columns):
        return out
    out["_source"] = pd.Series([source] * len(out), index=out.index, dtype=object)
    out["_line"] = pd.Series(
        range(2, len(out) + 2) if lines is None else lines, index=out.index, dtype="int64"
    )
    return out


def arrow_frame(table: pa.Table) -> pd.DataFrame:
    """Turn an Arrow table into pandas: text as str or None, whole numbers whole also where some are missing.

    Examples
    --------
    >>> frame = arrow_frame(pa.table({"id": [1, None], "name": ["a", None]}))
    >>> frame["id"].iloc[0], frame["name"].tolist()
    (np.int64(1), ['a', None])
    """
    names = header_names(table.column_names)
    return pd.DataFrame({name: _series(table.column(place)) for place, name in enumerate(names)})


def _series(column: pa.ChunkedArray) -> pd.Series[Any]:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string_view(column.type):
        column = column.cast(pa.large_string())
    series: pd.Series[Any] = column.to_pandas(date_as_object=False, types_mapper=_INTEGERS.get)
    is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    if is_text and not pd.api.types.is_object_dtype(series):
        series = series.astype(object)
        series = series.where(series.notna(), None)
    return series.rename(None)


def _blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())
