"""The late interest of a study: what ``[settings.late_interest]`` states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import pandas as pd

from arrisk.errors import ModelError, StudyError
from arrisk.policy.assumptions import did_you_mean
from arrisk.policy.study import Study
from arrisk.policy.terms.late_interest import LateInterest
from arrisk.policy.terms.reference_rates import COLUMNS, ReferenceRates

__all__ = ["define_late_interest"]

SETTINGS = ("multiple", "points", "day_count", "grace_days", "start", "rates")


def define_late_interest(study: Study) -> LateInterest | None:
    """The terms of late interest in ``[settings.late_interest]``; None when a study states none.

    The table sets `rates` (required: rows of `valid_from`, `rate` a year as a fraction, and `source`),
    `multiple` of the reference rate (1.5), `points` a year added to it (0.08), `day_count`, `grace_days` and
    `start` (see `LateInterest`).

    Raises
    ------
    StudyError
        If a setting is unknown, missing or impossible.

    Examples
    --------
    >>> from arrisk.policy.study import open_study
    >>> define_late_interest(open_study()).describe()
    'the reference rate + 8 points, simple interest, actual/365'
    """
    given = study.settings.get("late_interest")
    if given is None:
        return None
    for key in given:
        if key not in SETTINGS:
            _refuse(f"unknown key {key!r}{did_you_mean(key, SETTINGS)}; allowed: {', '.join(SETTINGS)}")
    rows = given.get("rates")
    if not isinstance(rows, list) or not rows or not all(isinstance(r, Mapping) for r in rows):
        _refuse(f"rates = {rows!r}; needed are rows of {', '.join(COLUMNS)}")
    for row in rows:
        _check_row(row)
    try:
        rates = ReferenceRates(pd.DataFrame(rows, columns=list(COLUMNS)))
        return LateInterest(rates, **{k: v for k, v in given.items() if k != "rates"})
    except (ModelError, TypeError, ValueError) as error:
        _refuse(str(error))


def _check_row(row: Mapping[str, Any]) -> None:
    for key in row:
        if key not in COLUMNS:
            _refuse(f"rates: unknown key {key!r}{did_you_mean(key, COLUMNS)}; allowed: {', '.join(COLUMNS)}")
    for key in COLUMNS:
        if key not in row:
            _refuse(f"rates: {key} is missing in {dict(row)!r}")


def _refuse(message: str) -> NoReturn:
    raise StudyError(f"[settings.late_interest]: {message}")
