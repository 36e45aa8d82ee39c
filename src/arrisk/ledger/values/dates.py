"""Dates as ledgers write them, read without guessing which part is the day."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from arrisk.errors import AmbiguityError, LedgerError
from arrisk.ledger.tables import SENTINEL_DATES
from arrisk.ledger.values.cells import DATE_DTYPE, Cells, ParsedColumn, examples, is_missing, plain_text

__all__ = ["parse_dates"]

FIRST_YEAR, LAST_YEAR = 1900, 2099
_SENTINELS = frozenset(dt.date.fromisoformat(day) for day in SENTINEL_DATES)
_PIVOT = 70  # two-digit years from 70 are 19xx, below are 20xx (as in POSIX strptime, one year apart)
_EXCEL_EPOCH = dt.date(1899, 12, 30)
_EXCEL_SERIALS = range(1, 73_051)  # up to 2099-12-31

_TIME = (
    r"(?:[T\s]\s*(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?)?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?"
)
_YEAR_FIRST = re.compile(r"(?P<y>\d{4})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})" + _TIME)
_CHINESE = re.compile(r"(?P<y>\d{4})\s*年\s*(?P<m>\d{1,2})\s*月\s*(?P<d>\d{1,2})\s*[日号]?" + _TIME)
_COMPACT = re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?:\d{6})?(?:\.0+)?")
_YEAR_LAST = re.compile(r"(?P<a>\d{1,2})(?P<s>[-/.])(?P<b>\d{1,2})(?P=s)(?P<y>\d{4}|\d{2})" + _TIME)
_DAY_MONTH_NAME = re.compile(
    r"(?P<d>\d{1,2})[\s./-]*(?P<n>[A-Za-z]{3,9})\.?[\s,./-]*(?P<y>\d{4}|\d{2})" + _TIME
)
_MONTH_NAME_DAY = re.compile(r"(?P<n>[A-Za-z]{3,9})\.?[\s.-]*(?P<d>\d{1,2})\s*,?[\s-]+(?P<y>\d{4})" + _TIME)
_NO_DATE = re.compile(
    r"0+(?:[-/.]0+){0,2}(?:\.0+)?(?:[T ]00:00(?::00)?(?:\.0+)?)?"
    r"|[+-]?infinity|1900[-/]0?1[-/]0?0|0?[01]/0?[01]/1900",
    re.IGNORECASE,
)
_MONTHS: tuple[str, ...] = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
)
_MONTHS += ("october", "november", "december")


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one distinct cell says: a date, a reason why not, or two parts whose order is still open."""

    date: dt.date | None = None
    detail: str | None = None
    sentinel: bool = False
    zone: bool = False
    parts: tuple[int, int, int, bool] | None = None  # first, second, year, year has two digits
    text: str = ""


def parse_dates(
    values: pd.Series[Any], *, column: str, date_format: str | None = None, day_first: bool | None = None
) -> ParsedColumn:
    """Read a column of dates; times and time zones are left out, the day that was written stays.

    Read are native dates and datetimes, 2019-04-05 and 2019/4/5 (with or without a time), 20190405 and
    20190405.0, 2019年4月5日, 5 Apr 2019, and 5/4/2019, whose order the column itself must show: a value whose
    first part is above 12 has the day first. Stand-ins for "no date" (1900-01-01, 9999-12-31, 00000000 ...)
    are read as missing and counted. Bare numbers are Excel's day count only in a column read from a workbook
    (`values.attrs["kind"] == "workbook"`, as `read_source` sets it) or when `date_format` says so.

    Parameters
    ----------
    values : Series
        Raw cells of any type.
    column : str
        Name of the column, for messages.
    date_format : str, optional
        How text is written, as for `datetime.strptime`; or "excel", for numbers that are Excel's day count.
    day_first : bool, optional
        Order of day and month in dates that end in the year; found from the column when it shows it.

    Returns
    -------
    ParsedColumn
        `values` are datetime64 at midnight, within 1900 to 2099.

    Raises
    ------
    AmbiguityError
        When nothing in the column tells day from month, when the column needs both orders, or when years have
        two digits and the order is not given.

    Examples
    --------
    >>> import pandas as pd
    >>> raw = pd.Series(["2019年4月5日", "20190405.0", "31/02/2019"])
    >>> paid = parse_dates(raw, column="paid", day_first=True)
    >>> paid.values.dt.strftime("%Y-%m-%d").tolist()[:2], paid.detail[2]
    (['2019-04-05', '2019-04-05'], "no such day: '31/02/2019'")
    """
    cells = Cells.of(_whole_days(values))
    read = _reader_of(date_format, column, from_workbook=values.attrs.get("kind") == "workbook")
    readings = [read(cell) for cell in cells.unique]
    if any(reading.parts for reading in readings):
        readings = _settle(readings, column, day_first)
    readings = [_within_years(reading) for reading in readings]
    dates = np.array([reading.date for reading in readings], dtype="datetime64[D]")
    spread = cells.spread(pd.Series(dates).astype(DATE_DTYPE), [reading.detail for reading in readings])
    zones = cells.count([reading.zone for reading in readings])
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        zones = int(values.notna().sum())
    notes = (f"{column}: {zones} dates had a time zone; the local day was kept",) if zones else ()
    return replace(spread, sentinels=cells.count([reading.sentinel for reading in readings]), notes=notes)


def _whole_days(values: pd.Series[Any]) -> pd.Series[Any]:
    if isinstance(values.dtype, pd.ArrowDtype):
        values = values.astype(object)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_localize(None)
    return values.dt.normalize() if values.dtype.kind == "M" else values


def _read(cell: Any) -> _Reading:
    if isinstance(cell, dt.datetime):
        return _Reading(cell.date(), zone=cell.tzinfo is not None)
    if isinstance(cell, dt.date):
        return _Reading(cell)
    if isinstance(cell, np.datetime64):
        return _Reading(cell.astype("datetime64[D]").item())
    if isinstance(cell, str):
        return _read_text(plain_text(cell), cell)
    if isinstance(cell, bool) or not isinstance(cell, (int, float, Decimal)):
        return _Reading(detail=f"not a date: {str(cell)[:40]!r}")
    return _read_number(cell)


def _read_number(cell: int | float | Decimal) -> _Reading:
    if cell == 0:
        return _Reading(sentinel=True)
    if not math.isfinite(cell) or cell != int(cell) or not 101 <= cell <= 99_999_999:
        return _Reading(detail=f"not a date: {str(cell)!r}")
    if cell in _EXCEL_SERIALS:
        return _Reading(detail=f"not a date: {cell:g} (Excel's day count? say date_format = 'excel')")
    return _read_text(f"{int(cell):08d}", str(cell))


def _read_text(text: str, raw: str) -> _Reading:
    if is_missing(text):
        return _Reading()
    if _NO_DATE.fullmatch(text):
        return _Reading(sentinel=True)
    for pattern in (_YEAR_FIRST, _COMPACT, _CHINESE):
        if match := pattern.fullmatch(text):
            zone = match.groupdict().get("zone") is not None
            return _day(int(match["y"]), int(match["m"]), int(match["d"]), raw, zone)
    if match := _YEAR_LAST.fullmatch(text):
        parts = (int(match["a"]), int(match["b"]), int(match["y"]), len(match["y"]) == 2)
        return _Reading(parts=parts, zone=match["zone"] is not None, text=raw)
    if match := _DAY_MONTH_NAME.fullmatch(text) or _MONTH_NAME_DAY.fullmatch(text):
        return _named_month(match, raw)
    return _Reading(detail=f"not a date: {raw[:40]!r}")


def _named_month(match: re.Match[str], raw: str) -> _Reading:
    name = match["n"].lower()
    found = [number for number, month in enumerate(_MONTHS, start=1) if month.startswith(name)]
    if len(found) != 1:
        return _Reading(detail=f"not a date: {raw[:40]!r}")
    if len(match["y"]) == 2:
        return _Reading(detail=f"a two-digit year needs date_format, such as '%d-%b-%y': {raw[:40]!r}")
    return _day(int(match["y"]), found[0], int(match["d"]), raw, match["zone"] is not None)


def _day(year: int, month: int, day: int, raw: str, zone: bool = False) -> _Reading:
    try:
        return _Reading(dt.date(year, month, day), zone=zone, text=raw)
    except ValueError:
        return _Reading(detail=f"no such day: {raw[:40]!r}")


def _within_years(reading: _Reading) -> _Reading:
    if reading.date is None:
        return reading
    if reading.date in _SENTINELS:
        return _Reading(sentinel=True)
    if FIRST_YEAR <= reading.date.year <= LAST_YEAR:
        return reading
    shown = reading.text[:40] or reading.date.isoformat()
    return _Reading(detail=f"a year outside {FIRST_YEAR} to {LAST_YEAR}: {shown!r}")


def _settle(readings: Sequence[_Reading], column: str, day_first: bool | None) -> list[_Reading]:
    """Decide the order of day and month for the whole column, then read the open cells in it."""
    open_cells = [reading for reading in readings if reading.parts]
    if day_first is None:
        _refuse_short_years(open_cells, column)
        day_first = _order_shown([reading for reading in open_cells if not _short(reading)], column)
        readings = [_refused(reading) if _short(reading) else reading for reading in readings]
    return [_in_order(reading, day_first) if reading.parts else reading for reading in readings]


def _short(reading: _Reading) -> bool:
    return reading.parts is not None and reading.parts[3]


def _refused(reading: _Reading) -> _Reading:
    return _Reading(detail=f"a two-digit year needs day_first or date_format: {reading.text[:40]!r}")


def _refuse_short_years(open_cells: Sequence[_Reading], column: str) -> None:
    short = [reading.text for reading in open_cells if _short(reading)]
    if 2 * len(short) > len(open_cells):
        raise AmbiguityError(
            f"column {column!r}: the year has two digits ({examples(short)}), so the parts cannot be told "
            "apart; say day_first = true or false (the year is then the last part), or give date_format"
        )


def _in_order(reading: _Reading, day_first: bool) -> _Reading:
    assert reading.parts is not None
    first, second, year, short = reading.parts
    if short:
        year += 1900 if year >= _PIVOT else 2000
    month, day = (second, first) if day_first else (first, second)
    settled = _day(year, month, day, reading.text, reading.zone)
    other = _day(year, day, month, reading.text)
    if settled.date is None and other.date is not None:
        order = "day" if day_first else "month"
        return _Reading(detail=f"not a date with the {order} first: {reading.text[:40]!r}")
    return settled


def _order_shown(open_cells: Sequence[_Reading], column: str) -> bool:
    """Tell from the values whether the day comes first; raise when they do not tell, or tell both."""
    days, months, either = [], [], []
    for reading in open_cells:
        as_day, as_month = _in_order(reading, True).date, _in_order(reading, False).date
        if as_day and as_month and as_day != as_month:
            either.append(reading)
        elif as_day and not as_month:
            days.append(reading.text)
        elif as_month and not as_day:
            months.append(reading.text)
    if days and months:
        raise AmbiguityError(
            f"column {column!r} needs both orders: {examples(days)} with the day first, {examples(months)} "
            "with the month first; say day_first = true or false (cells that do not fit are then set apart)"
        )
    if either and not days and not months:
        raise AmbiguityError(_question(either, column))
    return bool(days)


def _question(either: Sequence[_Reading], column: str) -> str:
    first = either[0]
    one, two = _in_order(first, True).date, _in_order(first, False).date
    return (
        f"column {column!r}: nothing tells day from month ({examples([r.text for r in either])}); is "
        f"{first.text!r} {one} (day_first = true) or {two} (day_first = false)? Say so, or give date_format"
    )


def _reader_of(date_format: str | None, column: str, *, from_workbook: bool) -> Callable[[Any], _Reading]:
    if date_format is None:
        return _read_workbook_cell if from_workbook else _read
    if date_format.lower() == "excel":
        return _read_serial
    if "%" not in date_format:
        raise LedgerError(
            f"column {column!r}: date_format {date_format!r} is not a format; write '%d/%m/%Y' or 'excel'"
        )

    def read(cell: Any) -> _Reading:
        if isinstance(cell, (dt.date, np.datetime64)):
            return _read(cell)
        raw = str(cell)
        text = plain_text(f"{cell:.0f}" if isinstance(cell, float) and cell.is_integer() else raw)
        if is_missing(text):
            return _Reading()
        if _NO_DATE.fullmatch(text):
            return _Reading(sentinel=True)
        for written in (text, re.sub(r"\.0+$", "", text)):
            try:
                return _Reading(dt.datetime.strptime(written, date_format).date(), text=raw)
            except ValueError:
                continue
        return _Reading(detail=f"not a date as {date_format}: {raw[:40]!r}")

    return read


def _read_workbook_cell(cell: Any) -> _Reading:
    number = isinstance(cell, (int, float)) and not isinstance(cell, bool)
    return _read_serial(cell) if number and 1 <= cell < _EXCEL_SERIALS.stop else _read(cell)


def _read_serial(cell: Any) -> _Reading:
    """Read Excel's day count, in which 1900-03-01 is day 61 and a time is a fraction of a day."""
    if isinstance(cell, (dt.date, np.datetime64)):
        return _read(cell)
    text = plain_text(str(cell))
    if is_missing(text):
        return _Reading()
    if not re.fullmatch(r"\d+(\.\d+)?", text) or isinstance(cell, bool):
        return _Reading(detail=f"not a day count of Excel: {str(cell)[:40]!r}")
    days = int(float(text))
    if days == 0:
        return _Reading(sentinel=True)
    if days not in _EXCEL_SERIALS:
        return _Reading(detail=f"not a day count of Excel: {str(cell)[:40]!r}")
    return _Reading(_EXCEL_EPOCH + dt.timedelta(days=days), text=str(cell))
