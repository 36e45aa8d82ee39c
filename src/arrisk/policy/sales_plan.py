"""The sales that a study expects: a stated plan, or the season."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal, NoReturn

import pandas as pd

from arrisk.errors import StudyError
from arrisk.models.cash.sales import SalesPlan
from arrisk.policy.assumptions import did_you_mean
from arrisk.policy.study import Study

__all__ = ["define_sales"]

SETTINGS = ("period", "error", "by", "amounts")
PERIODS = ("week", "month")


def define_sales(study: Study) -> SalesPlan | Literal["seasonal"]:
    """The plan that a study states in ``[settings.sales_plan]``; "seasonal" when it states none.

    The table sets `amounts` (sales by the first day of each period: ``"2026-01-01" = 3_200_000.0``; with `by`
    a table of these for each value), `period` ("week" or "month"), `error` (relative standard error of the
    sum, required: a plan without one would be certain) and `by` (a column of the customers).

    Raises
    ------
    StudyError
        If a setting is unknown, missing or impossible.
    """
    given = study.settings.get("sales_plan")
    if given is None:
        return "seasonal"
    for key in given:
        if key not in SETTINGS:
            _refuse(f"unknown key {key!r}{did_you_mean(key, SETTINGS)}; allowed: {', '.join(SETTINGS)}")
    for key in ("amounts", "error"):
        if key not in given:
            _refuse(f"{key} is missing")
    period, by = given.get("period", "week"), given.get("by")
    if period not in PERIODS:
        _refuse(f"period = {period!r}; allowed: {', '.join(PERIODS)}")
    amounts = given["amounts"]
    if not isinstance(amounts, Mapping) or not amounts:
        _refuse(f"amounts = {amounts!r}; allowed is a table of dates and amounts")
    columns = amounts if by is not None else {"all": amounts}
    frame = pd.DataFrame({name: _by_date(name, part) for name, part in columns.items()}).fillna(0.0)
    error = _number("error", given["error"])
    return SalesPlan(frame.sort_index(), period, error, by)


def _by_date(name: str, part: Any) -> pd.Series:
    if not isinstance(part, Mapping):
        _refuse(f"amounts of {name!r}: {part!r}; with `by` each value has a table of dates and amounts")
    days = [_day(key) for key in part]
    return pd.Series([_number(key, value) for key, value in part.items()], index=pd.DatetimeIndex(days))


def _day(key: str) -> dt.date:
    try:
        return dt.date.fromisoformat(key)
    except ValueError:
        _refuse(f'{key!r} is no date; give the first day of a period, such as "2026-01-01"')


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        _refuse(f"{name} = {value!r}; allowed is a number of at least 0")
    return float(value)


def _refuse(message: str) -> NoReturn:
    raise StudyError(f"[settings.sales_plan]: {message}")
