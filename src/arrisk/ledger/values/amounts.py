"""Amounts and other numbers as ledgers write them, read exactly and without guessing the decimal sign."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from arrisk.ledger.values.cells import Cells, ParsedColumn
from arrisk.ledger.values.decimals import ExactNumbers, check_signs, read_exact

__all__ = ["parse_money", "parse_number"]

_LARGEST = 10**18


def parse_money(
    values: pd.Series[Any],
    *,
    column: str,
    digits: int | pd.Series[Any],
    decimal: str | None = None,
    thousands: str | None = None,
) -> ParsedColumn:
    """Read a column of amounts into whole minor units, exactly.

    Read are numbers, and text with a decimal point or comma, thousands set apart by a comma, point, blank or
    apostrophe, a minus before or after, (brackets) for negative, and a currency sign or code. The decimal
    sign is the one that the column itself shows: '1.234,5' or '7,25' somewhere settles '1.234' everywhere.

    Parameters
    ----------
    values : Series
        Raw cells of any type.
    column : str
        Name of the column, for messages.
    digits : int or Series of int
        Digits of the minor unit, 2 for cents; a Series gives one for each row, by position.
    decimal, thousands : str, optional
        The signs used in text; found from the column when it shows them.

    Returns
    -------
    ParsedColumn
        `values` are Int64 minor units. Amounts finer than the minor unit are bad, never rounded; floating
        numbers are first taken to 15 significant digits and six decimals.

    Raises
    ------
    AmbiguityError
        When amounts such as '1.234' have two readings and no other amount settles it, or both are needed.

    Examples
    --------
    >>> import pandas as pd
    >>> column = parse_money(pd.Series(["1.234,50", "(7,25)", "1.000", "abc"]), column="amount", digits=2)
    >>> column.values.tolist()[:3], column.detail[3]
    ([123450, -725, 100000], "not an amount: 'abc'")
    """
    check_signs(column, decimal, thousands)
    cells = Cells.of(values)
    return _to_minor(cells, read_exact(cells.unique, column, decimal, thousands, numbers=False), digits)


def parse_number(
    values: pd.Series[Any], *, column: str, decimal: str | None = None, thousands: str | None = None
) -> ParsedColumn:
    """Read a column of numbers that are not amounts: rates, scores, percentages ('2 %' is 0.02).

    As `parse_money`, except that '1.234' alone is read with a decimal point (only '1,234' asks), and
    scientific notation is a number.

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
        `values` are float64, NaN where missing.

    Raises
    ------
    AmbiguityError
        As `parse_money`.

    Examples
    --------
    >>> import pandas as pd
    >>> parse_number(pd.Series(["2%", "0,5", None]), column="rate").values.tolist()
    [0.02, 0.5, nan]
    """
    check_signs(column, decimal, thousands)
    if values.dtype.kind == "f" and isinstance(values.dtype, np.dtype) and not np.isinf(values).any():
        return Cells(np.full(len(values), -1), [], values.index).with_values(values.astype("float64"), [])
    cells = Cells.of(values)
    exact = read_exact(cells.unique, column, decimal, thousands, numbers=True)
    return cells.spread(exact.value, exact.details)


def _to_minor(cells: Cells, exact: ExactNumbers, digits: int | pd.Series[Any]) -> ParsedColumn:
    """Scale exact amounts to the minor units of each row; what does not fit in whole ones is bad."""
    mantissa, decimals = _without_zeros(exact.mantissa, exact.decimals)
    details = exact.details
    for place in np.flatnonzero(~exact.known & ~np.isnan(exact.value)):
        details[place] = f"too many digits: {str(cells.unique[place])[:40]!r}"
    at = [np.append(array, 0)[cells.codes] for array in (mantissa, decimals, exact.known)]
    minor, fine, large = _scaled(at[0], at[1], _digits(digits, cells))
    values = pd.Series(pd.array(minor, dtype="Int64"), index=cells.index)
    parsed = cells.with_values(values.where(at[2].astype(bool) & ~fine & ~large), details)
    for flags, words in ((fine, "finer than the minor unit"), (large, "too many digits")):
        parsed = _mark(parsed, cells, flags, words)
    return parsed


def _without_zeros(
    mantissa: npt.NDArray[np.int64], decimals: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Leave out zeros at the end: 1.50 is 15 with one decimal."""
    for _ in range(int(decimals.max(initial=0))):
        drop = (decimals > 0) & (mantissa % 10 == 0)
        mantissa, decimals = np.where(drop, mantissa // 10, mantissa), decimals - drop
    return mantissa, decimals


def _digits(digits: int | pd.Series[Any], cells: Cells) -> npt.NDArray[np.int64]:
    if isinstance(digits, pd.Series):
        return digits.to_numpy(dtype=np.int64)
    return np.full(len(cells.codes), digits, dtype=np.int64)


def _scaled(
    mantissas: npt.NDArray[np.int64], decimals: npt.NDArray[np.int64], digits: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    shift = digits - decimals
    fine = (shift < 0) & (mantissas != 0)
    power = 10 ** np.clip(shift, 0, 18)
    large = np.abs(mantissas) > _LARGEST // power
    return np.where(fine | large, 0, mantissas * np.where(large, 0, power)), fine, large


def _mark(parsed: ParsedColumn, cells: Cells, flags: npt.NDArray[np.bool_], words: str) -> ParsedColumn:
    if not flags.any():
        return parsed
    detail = parsed.detail.copy()
    raw = [f"{words}: {str(cells.unique[code])[:40]!r}" for code in cells.codes[flags]]
    detail[flags] = raw
    return ParsedColumn(parsed.values, detail.notna(), detail)
