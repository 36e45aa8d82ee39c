"""The payment calendar of a study: which days are closed, and what counts as a month end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arrisk.errors import ModelError, StudyError
from arrisk.models.payment.calendar import WEEKDAYS, PaymentCalendar
from arrisk.policy.assumptions import did_you_mean
from arrisk.policy.study import Study

__all__ = ["define_calendar"]

SETTINGS = ("closed_weekdays", "holidays", "month_end_days")


def define_calendar(study: Study) -> PaymentCalendar:
    """The calendar that a study gives in ``[settings.calendar]``; closed on weekends when it gives none.

    The table may set `closed_weekdays` (names such as "Saturday"; an empty list when all seven are open),
    `holidays` (dates such as 2026-04-03, or "12-25" for that day of every year) and `month_end_days`.

    Raises
    ------
    StudyError
        If a setting is unknown or impossible.
    """
    settings = study.settings.get("calendar", {})
    for key in settings:
        if key not in SETTINGS:
            raise StudyError(
                f"[settings.calendar]: unknown key {key!r}{did_you_mean(key, SETTINGS)}; allowed: "
                f"{', '.join(SETTINGS)}"
            )
    try:
        return PaymentCalendar(**_arguments(settings))
    except ModelError as error:
        raise StudyError(f"[settings.calendar]: {error}") from error


def _arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as the calendar takes them, after a look at the kind of each value."""
    given = dict(settings)
    for key in ("closed_weekdays", "holidays"):
        if not isinstance(given.get(key, []), list):
            raise StudyError(f"[settings.calendar]: {key} = {given[key]!r}; allowed is a list")
    days = given.get("month_end_days", 1)
    if not isinstance(days, int) or isinstance(days, bool):
        raise StudyError(f"[settings.calendar]: month_end_days = {days!r}; allowed is a whole number")
    if "closed_weekdays" in given:
        given["weekend"] = [_weekday(name) for name in given.pop("closed_weekdays")]
    return given


def _weekday(name: object) -> int:
    if name not in WEEKDAYS:
        raise StudyError(
            f"[settings.calendar]: closed_weekdays has {name!r}{did_you_mean(str(name), WEEKDAYS)}; allowed: "
            f"{', '.join(WEEKDAYS)}"
        )
    return WEEKDAYS.index(str(name))
