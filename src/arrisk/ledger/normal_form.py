"""Typed tables in one form: every column there, each of one type, names as numbers.

What follows works on whole numbers; a text is looked at once for each of its values, not once a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import LedgerError
from arrisk.ledger.days import NO_DAY
from arrisk.ledger.tables import SENTINEL_DATES, TABLES, ColumnKind, required

__all__ = ["codes_of", "complete", "empty_table", "joint_codes", "known_days", "upper_text", "whole_days"]

_SENTINELS = np.array(SENTINEL_DATES, dtype="datetime64[s]")
_MARKS = ("_source", "_line", "_reason", "_detail")


def complete(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """A new frame with all canonical columns, in a fixed order and of fixed types.

    Columns of their own that customers have stay; other extra columns do not. A blank text is a missing one
    where a text must be (names of invoices and customers are looked at when they are numbered).

    Parameters
    ----------
    name : str
        Of the table.
    frame : DataFrame
        Typed as the column says; not changed.

    Raises
    ------
    LedgerError
        If a required column is missing.

    Examples
    --------
    >>> rates = pd.DataFrame({"date": ["2025-01-01"], "currency": ["USD"], "rate": [0.9]})
    >>> complete("rates", rates)["_line"].tolist()
    [2]
    """
    missing = [c for c in required(name) if c not in frame.columns]
    if missing:
        raise LedgerError(
            f"{name}: missing {'columns' if len(missing) > 1 else 'column'} {', '.join(missing)}; "
            f"found {', '.join(str(c) for c in frame.columns if not str(c).startswith('_')) or 'none'}"
        )
    size = len(frame)
    columns: dict[str, Any] = {
        column: _typed(frame[column], spec.kind) if column in frame else _missing(spec.kind, size)
        for column, spec in TABLES[name].items()
    }
    for column in required(name):
        if TABLES[name][column].kind == "text" and column not in ("invoice_id", "customer_id"):
            columns[column] = _without_blanks(columns[column])
    for column, default in zip(_MARKS, (name, np.arange(2, size + 2), None, None), strict=True):
        columns[column] = _own(frame[column]) if column in frame else default
    if name == "customers":
        extra = [c for c in frame.columns if c not in columns and not str(c).startswith("_")]
        columns |= {c: _own(frame[c]) for c in extra}
    return pd.DataFrame(columns, index=pd.RangeIndex(size))


@cache
def _empty(name: str) -> pd.DataFrame:
    return complete(name, pd.DataFrame(columns=[*required(name), "_source", "_line"]))


def empty_table(name: str) -> pd.DataFrame:
    """A canonical table without rows."""
    return _empty(name).copy()


def _own(column: pd.Series[Any]) -> Any:
    return column.array.copy()


def _typed(column: pd.Series[Any], kind: ColumnKind) -> Any:
    if kind == "date":
        return _without_sentinels(pd.to_datetime(column).to_numpy(dtype="datetime64[s]"))
    if kind in ("money", "int"):
        return column.astype("Int64").array.copy()
    if kind == "number":
        return pd.to_numeric(column).to_numpy(dtype=float, na_value=np.nan).copy()
    values = column.to_numpy(dtype=object).copy()
    values[column.isna().to_numpy()] = None
    return values


def _missing(kind: ColumnKind, size: int) -> Any:
    if kind == "date":
        return np.full(size, "NaT", dtype="datetime64[s]")
    if kind in ("money", "int"):
        return pd.arrays.IntegerArray(np.zeros(size, dtype=np.int64), np.ones(size, dtype=bool))
    return np.full(size, np.nan) if kind == "number" else np.full(size, None, dtype=object)


def _without_sentinels(days: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """Dates that stand for 'no date' are missing dates."""
    out = days.copy()
    out[np.isin(days, _SENTINELS)] = np.datetime64("NaT")
    return out


def _without_blanks(values: NDArray[np.object_]) -> NDArray[np.object_]:
    codes, texts = codes_of(values)
    blank = np.array([isinstance(t, str) and not t.strip() for t in texts] + [False], dtype=bool)
    if blank.any():
        values[blank[codes]] = None
    return values


def codes_of(values: NDArray[np.object_] | pd.Series[Any]) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """Number the different texts of a column; a missing one is -1.

    Examples
    --------
    >>> codes, texts = codes_of(np.array(["b", None, "a", "b"], dtype=object))
    >>> codes.tolist(), texts.tolist()
    ([0, -1, 1, 0], ['b', 'a'])
    """
    codes, texts = pd.factorize(np.asarray(values, dtype=object))
    return codes.astype(np.int64, copy=False), np.asarray(texts, dtype=object)


def joint_codes(columns: Sequence[pd.Series[Any]]) -> tuple[list[NDArray[np.int64]], NDArray[np.object_]]:
    """Number the texts of several columns alike.

    Examples
    --------
    >>> parts, texts = joint_codes([pd.Series(["a", "b"]), pd.Series(["b", None])])
    >>> [part.tolist() for part in parts], texts.tolist()
    ([[0, 1], [1, -1]], ['a', 'b'])
    """
    codes, texts = codes_of(np.concatenate([c.to_numpy(dtype=object) for c in columns]))
    return np.split(codes, np.cumsum([len(c) for c in columns])[:-1]), texts


def upper_text(column: pd.Series[Any], default: str | None) -> NDArray[np.object_]:
    """Texts trimmed and in capitals, with a default where there is none.

    Examples
    --------
    >>> upper_text(pd.Series([" eur", None]), "USD").tolist()
    ['EUR', 'USD']
    """
    codes, texts = codes_of(column)
    tidy = [str(t).strip().upper() or default for t in texts]
    return np.array([*tidy, default], dtype=object)[codes]


def whole_days(column: pd.Series[Any]) -> NDArray[np.int64]:
    """Day numbers of a column of dates; `NO_DAY`, before all others, where there is none.

    Examples
    --------
    >>> whole_days(pd.Series(pd.to_datetime(["1970-01-03", None]))).tolist() == [2, NO_DAY]
    True
    """
    return column.to_numpy(dtype="datetime64[s]").astype("datetime64[D]").astype(np.int64)


def known_days(frame: pd.DataFrame, date: str) -> NDArray[np.int64]:
    """The later of date and recorded date, from which a row counts; `NO_DAY` without a date."""
    days = whole_days(frame[date])
    known = np.maximum(days, whole_days(frame["recorded_date"]))
    return np.where(days == NO_DAY, NO_DAY, known)
