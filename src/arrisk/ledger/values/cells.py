"""Cells of one raw column: its distinct values, and the typed column that comes of reading them.

Every reader of values works on the distinct cells of a column and spreads the answer back over the rows, so
that a million rows cost no more than their distinct values.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["DATE_DTYPE", "Cells", "ParsedColumn", "examples", "is_missing", "plain_text", "strip_blanks"]

DATE_DTYPE = pd.DatetimeIndex(["2000-01-01"]).dtype
"""Type of every date column: the resolution that the installed pandas gives to dates."""

_EXACT_SCALARS = (np.integer, np.float64, np.bool_)  # float32 says what it prints, so it stays as it is
_BLANKS = " \t\r\n\v\f\u00a0\u2007\u202f\u3000\u200b\u200e\u200f\ufeff"
_MISSING = frozenset(
    ("", "nan", "nat", "none", "null", "<null>", "n/a", "na", "#n/a", "\\n", "-", "--", "—", "–")
)


@dataclass(frozen=True, slots=True)
class ParsedColumn:
    """A column read into its type, and the cells that could not be.

    Attributes
    ----------
    values : Series
        The typed cells, with the index of the raw column; missing where the raw cell is missing or bad.
    bad : Series of bool
        Cells that say something that is not a value of this kind.
    detail : Series of str
        Why a cell is bad, in words that show the cell; None elsewhere.
    sentinels : int
        Cells that hold a stand-in for "no date", such as 1900-01-01, and were read as missing.
    notes : tuple of str
        What was done to the column as a whole, such as leaving out time zones.
    """

    values: pd.Series[Any]
    bad: pd.Series[bool]
    detail: pd.Series[Any]
    sentinels: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cells:
    """The distinct cells of a column (`unique`) and where each stands (`codes`, -1 for a missing cell)."""

    codes: npt.NDArray[np.intp]
    unique: list[Any]
    index: pd.Index[Any]

    @classmethod
    def of(cls, values: pd.Series[Any]) -> Cells:
        """Take the distinct cells of a raw column of any type; the column is not changed."""
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.astype(object)
        try:
            codes, unique = pd.factorize(values)
        except TypeError:  # cells that cannot be hashed, such as lists: none is a value of ours
            codes, unique = pd.factorize(values.map(_hashable))
        short = values.dtype.name.lower() in ("float16", "float32")  # iterating would widen them to float64
        items = unique.to_numpy(dtype=values.dtype.name.lower()) if short else unique
        cells = [cell.item() if isinstance(cell, _EXACT_SCALARS) else cell for cell in items]
        return cls(codes, cells, values.index)

    def spread(self, parsed: Any, details: Sequence[str | None]) -> ParsedColumn:
        """Give every row the answer of its distinct cell; `parsed` is an array as long as `unique`."""
        values = pd.Series(pd.Series(parsed).array.take(self.codes, allow_fill=True), index=self.index)
        return self.with_values(values, details)

    def with_values(self, values: pd.Series[Any], details: Sequence[str | None]) -> ParsedColumn:
        """Join typed rows with the reasons of their distinct cells."""
        told = np.append(_objects(details), [None])[self.codes]
        detail = pd.Series(told, index=self.index, dtype=object)
        return ParsedColumn(values, detail.notna(), detail)

    def count(self, flags: Sequence[bool]) -> int:
        """Count the rows, not the distinct cells, for which a flag is set."""
        return int(np.append(np.asarray(flags, dtype=bool), False)[self.codes].sum())


def _objects(items: Sequence[object]) -> npt.NDArray[np.object_]:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def _hashable(cell: Any) -> Any:
    return cell if getattr(type(cell), "__hash__", None) else repr(cell)


def plain_text(text: str) -> str:
    """Write a number, date or id in ASCII forms where it has them: full-width digits, signs and spaces.

    Examples
    --------
    >>> plain_text("\\u3000１２３，４５ ")
    '123,45'
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).replace("\u2212", "-")
    return text.strip(_BLANKS)


def strip_blanks(text: str) -> str:
    """Leave out blanks at both ends, also full-width, unbreakable and invisible ones.

    Examples
    --------
    >>> strip_blanks("\\u3000华东\\u200b")
    '华东'
    """
    return text.strip(_BLANKS)


def is_missing(text: str) -> bool:
    """Tell whether the text of a date or number cell says that there is none.

    Examples
    --------
    >>> is_missing("N/A"), is_missing("0")
    (True, False)
    """
    return text.lower() in _MISSING


def examples(items: Sequence[object], most: int = 3) -> str:
    """Show the first few of some cells.

    Examples
    --------
    >>> examples(["a", "b", "c", "d"])
    "'a', 'b', 'c', ..."
    """
    shown = ", ".join(repr(str(item)[:40]) for item in items[:most])
    return shown + (", ..." if len(items) > most else "")
