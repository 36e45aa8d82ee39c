"""Values of raw cells: texts, ids, whole numbers and flags; dates and amounts live beside, offered here too.

Each reader takes a raw column and gives a `ParsedColumn`: typed values, which cells are bad, and why.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from arrisk.ledger.values.amounts import parse_money, parse_number
from arrisk.ledger.values.cells import Cells, ParsedColumn, is_missing, plain_text, strip_blanks
from arrisk.ledger.values.dates import parse_dates

__all__ = [
    "ParsedColumn",
    "parse_dates",
    "parse_flag",
    "parse_id",
    "parse_int",
    "parse_money",
    "parse_number",
    "parse_text",
]

_NO_TEXT = frozenset(("", "NULL", "<NULL>", "\\N", "#N/A"))
_TRUE = frozenset(
    ("true", "t", "yes", "y", "1", "x", "on", "ja", "j", "oui", "si", "sí", "是", "真", "有", "√", "✓")
)
_FALSE = frozenset(("false", "f", "no", "n", "0", "off", "nein", "non", "否", "假", "无", "×"))
_FLOAT_ID = re.compile(r"(\d+)\.0+")
_LOST_DIGITS = re.compile(r"\d(?:\.\d+)?E\+\d+", re.IGNORECASE)
_EXACT_FLOAT = 2**53


def parse_text(values: pd.Series[Any], *, column: str = "") -> ParsedColumn:
    """Read a column of text: blanks at the ends (full-width ones too) are left out, empty is None.

    Parameters
    ----------
    values : Series
        Raw cells of any type; whole numbers are written without a decimal point.
    column : str, optional
        Name of the column, for messages.

    Returns
    -------
    ParsedColumn
        `values` are str or None; none is bad.

    Examples
    --------
    >>> import pandas as pd
    >>> parse_text(pd.Series([" 华东\\u3000", "", 12.0, None]), column="region").values.tolist()
    ['华东', None, '12', None]
    """
    return _each(values, lambda cell: (_text_or_none(_written(cell)), None))


def parse_id(values: pd.Series[Any], *, column: str, strip_zeros: bool = False) -> ParsedColumn:
    """Read a column of ids, such as customer and invoice numbers.

    Full-width digits and letters become plain ones, and '200769623.0' is '200769623'. An id in scientific
    notation, or a floating number too long to be exact, has lost digits and is bad: it may stand for several.

    Parameters
    ----------
    values : Series
        Raw cells of any type.
    column : str
        Name of the column, for messages.
    strip_zeros : bool
        Leave out zeros before an id of digits alone, so that '0200769623' is '200769623'; others keep theirs.

    Returns
    -------
    ParsedColumn
        `values` are str or None.

    Examples
    --------
    >>> import pandas as pd
    >>> raw = pd.Series(["0200769623", 200769623.0, "00A1", "1.2E+11"])
    >>> ids = parse_id(raw, column="customer", strip_zeros=True)
    >>> ids.values.tolist(), ids.detail[3]
    (['200769623', '200769623', '00A1', None], "digits lost in scientific notation: '1.2E+11'")
    """

    def read(cell: Any) -> tuple[str | None, str | None]:
        if isinstance(cell, str) and cell.isascii() and cell.isdigit():
            return (cell.lstrip("0") or "0" if strip_zeros else cell), None
        if isinstance(cell, float) and abs(cell) > _EXACT_FLOAT:
            return None, f"digits lost in a floating number: {str(cell)!r}"
        text = _text_or_none(plain_text(_written(cell)))
        if text is None:
            return None, None
        if _LOST_DIGITS.fullmatch(text):
            return None, f"digits lost in scientific notation: {text[:40]!r}"
        if match := _FLOAT_ID.fullmatch(text):
            text = match[1]
        return (text.lstrip("0") or "0" if strip_zeros and text.isdecimal() else text), None

    return _each(values, read)


def parse_int(
    values: pd.Series[Any], *, column: str, decimal: str | None = None, thousands: str | None = None
) -> ParsedColumn:
    """Read a column of whole numbers, such as days and numbers of instalments.

    Parameters
    ----------
    values : Series
        Raw cells of any type.
    column : str
        Name of the column, for messages.
    decimal, thousands : str, optional
        The signs used in text.

    Returns
    -------
    ParsedColumn
        `values` are Int64; a number that is not whole is bad.

    Raises
    ------
    AmbiguityError
        As `parse_number`.

    Examples
    --------
    >>> import pandas as pd
    >>> days = parse_int(pd.Series(["30", "30.0", "7.5"]), column="discount_days")
    >>> days.values.tolist()[:2], days.detail[2]
    ([30, 30], "not a whole number: '7.5'")
    """
    numbers = parse_number(values, column=column, decimal=decimal, thousands=thousands)
    found = numbers.values.to_numpy()
    with np.errstate(invalid="ignore"):
        whole = np.isfinite(found) & (found == np.floor(found)) & (np.abs(found) <= _EXACT_FLOAT)
    wrong = ~np.isnan(found) & ~whole
    detail = numbers.detail.copy()
    detail[wrong] = [f"not a whole number: {str(cell)[:40]!r}" for cell in values[wrong]]
    typed = pd.Series(pd.array(np.where(whole, found, 0).astype(np.int64), dtype="Int64"), index=values.index)
    return ParsedColumn(typed.where(whole), detail.notna(), detail)


def parse_flag(values: pd.Series[Any], *, column: str) -> ParsedColumn:
    """Read a column of yes and no: words, letters, 1 and 0, X as SAP sets it, 是 and 否.

    Parameters
    ----------
    values : Series
        Raw cells of any type.
    column : str
        Name of the column, for messages.

    Returns
    -------
    ParsedColumn
        `values` are of the nullable boolean type.

    Examples
    --------
    >>> import pandas as pd
    >>> parse_flag(pd.Series(["Yes", "否", "X", 0]), column="disputed").values.tolist()
    [True, False, True, False]
    """

    def read(cell: Any) -> tuple[bool | None, str | None]:
        text = plain_text(_written(cell)).lower()
        if text in _TRUE or text in _FALSE:
            return text in _TRUE, None
        return None, None if is_missing(text) else f"neither yes nor no: {str(cell)[:40]!r}"

    parsed = _each(values, read)
    return ParsedColumn(parsed.values.astype("boolean"), parsed.bad, parsed.detail)


def _each(values: pd.Series[Any], read: Callable[[Any], tuple[Any, str | None]]) -> ParsedColumn:
    cells = Cells.of(values)
    pairs = [read(cell) for cell in cells.unique]
    typed = np.empty(len(pairs) + 1, dtype=object)
    typed[:-1] = [pair[0] for pair in pairs]
    rows = pd.Series(typed[cells.codes], index=values.index, dtype=object)
    return cells.with_values(rows, [pair[1] for pair in pairs])


def _text_or_none(text: str) -> str | None:
    text = strip_blanks(text)
    return None if text in _NO_TEXT else text


def _written(cell: Any) -> str:
    """Write a native cell as its text: whole numbers without a point, midnights without a time."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat(sep=" ")
    if isinstance(cell, (float, np.floating, Decimal)) and cell == cell // 1:
        return str(int(cell))
    if isinstance(cell, bytes):
        return cell.decode("utf-8", errors="replace")
    return str(cell)
