"""The payment calendar: which days are closed, which end a month, and what a day is to a pay run."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import LedgerError, ModelError
from arrisk.ledger.days import as_date

__all__ = ["ANY_DAY", "CLOSED", "MONTH_END", "RUNS", "WEEKDAYS", "PaymentCalendar"]

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
RUNS = ("any day", *(f"{day}s" for day in WEEKDAYS[:5]), "end of month")
ANY_DAY, MONTH_END = 0, 6
CLOSED = 0  # class of the closed days
REFERENCE = 2  # Wednesday
LONGEST_MONTH_END = 10
# What an open day is to a run, by code; of one run never both kinds of day, so that effects add up.
ROLES = ("any day", "run day", "not the run day", "month end", "not month end")
ROLE_TERMS = {
    1: "run day of a weekly payer",
    2: "other day of a weekly payer",
    3: "month end of a month-end payer",
    4: "other day of a month-end payer",
}
LAST_TERM = "last open day of the month"
CLOSED_TERM = "closed day"
DAY_OF_YEAR = re.compile(r"\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class PaymentCalendar:
    """Closed days, month ends, and the class of each day for each pay run.

    A pay run is when a customer pays: 0 on any day, 1 to 5 weekly on Monday to Friday, 6 at the end of the
    month (`RUNS` has the words). The class of a day tells apart what may speed payment up or hold it off: its
    weekday, whether it is the last open day of the month, and what it is to the run. A run whose day is
    closed is not moved to another day.

    Parameters
    ----------
    weekend : iterable of int
        Closed weekdays, Monday is 0. Empty if the book is paid on all seven.
    holidays : iterable of dates or text
        Other closed days: a date such as "2025-04-18", or "12-25" for 25 December of every year. Days ahead
        of the ledger count too, or a forecast expects cash on them.
    month_end_days : int
        So many last open days of a month are its end.

    Raises
    ------
    ModelError
        If a weekday or a holiday is none, all weekdays are closed, or the month end is not 1 to 10 days.

    Examples
    --------
    >>> calendar = PaymentCalendar(holidays=["12-25", "12-26"])
    >>> calendar
    PaymentCalendar: closed on Saturday, Sunday and 2 holidays; month end = last 2 open days
    >>> from arrisk.ledger.days import day_number
    >>> codes = calendar.codes(day_number("2025-12-24"), day_number("2025-12-31"))
    >>> codes.shape
    (7, 8)
    >>> [calendar.classes[c] for c in codes[3, -3:]]  # a payer on Wednesdays, 29 to 31 December
    ['Monday, not the run day', 'Tuesday, not the run day', 'Wednesday, last open day of the month, run day']
    """

    weekend: tuple[int, ...] = (5, 6)
    holidays: tuple[str, ...] = ()
    month_end_days: int = 2

    def __init__(
        self,
        weekend: Iterable[int] = (5, 6),
        holidays: Iterable[str | dt.date | pd.Timestamp] = (),
        month_end_days: int = 2,
    ) -> None:
        object.__setattr__(self, "weekend", _weekdays(weekend))
        object.__setattr__(self, "holidays", _holidays(holidays))
        object.__setattr__(self, "month_end_days", _days_of_month_end(month_end_days))

    def is_open(self, first_day: int, last_day: int) -> Flags:
        """Whether each day from the first to the last (day numbers, both included) is open."""
        days = _days(first_day, last_day)
        closed = np.isin(_weekday(days), self.weekend)
        dates = days.astype("datetime64[D]")
        fixed = [h for h in self.holidays if not DAY_OF_YEAR.fullmatch(h)]
        closed |= np.isin(dates, np.array(fixed, dtype="datetime64[D]"))
        yearly = [h for h in self.holidays if DAY_OF_YEAR.fullmatch(h)]
        if yearly:
            closed |= np.isin(_day_of_year(dates), [_month_and_day(h) for h in yearly])
        return ~closed

    def open_days_left(self, first_day: int, last_day: int) -> Ints:
        """Open days from each day on to the end of its month, the day itself counted; 1 on the last one."""
        days = _days(first_day, last_day)
        if not len(days):
            return days
        to_month_end = 31  # days ahead that can be in the month of the last day
        run = _days(first_day, last_day + to_month_end)
        month = run.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        is_open = self.is_open(first_day, last_day + to_month_end)
        left = np.append(np.cumsum(is_open[::-1])[::-1], 0)
        found = left[:-1] - left[np.searchsorted(month, month, side="right")]
        return np.asarray(found[: len(days)], dtype=np.int64)

    def codes(self, first_day: int, last_day: int) -> Ints:
        """Class of each day for each run.

        Parameters
        ----------
        first_day, last_day : int
            Day numbers, both included.

        Returns
        -------
        array of int, shape (7, days)
            Row of `design`; 0 on closed days.

        Raises
        ------
        ModelError
            If the last day is before the first by more than one.
        """
        weekday = _weekday(_days(first_day, last_day))
        left = self.open_days_left(first_day, last_day)
        role = np.zeros((len(RUNS), len(weekday)), dtype=np.int64)
        for run in range(1, MONTH_END):
            role[run] = np.where(weekday == run - 1, 1, 2)
        role[MONTH_END] = np.where(left <= self.month_end_days, 3, 4)
        keys = _key(weekday, left == 1, role)
        found = np.searchsorted(np.array([_key(*kind) for kind in self._kinds()]), keys) + 1
        return np.where(self.is_open(first_day, last_day), found, CLOSED)

    @property
    def classes(self) -> tuple[str, ...]:
        """Name of each class, in words."""
        names = [", ".join(_parts(*kind)) for kind in self._kinds()]
        return (CLOSED_TERM, *names)

    @property
    def reference(self) -> str:
        """The weekday that the others are compared with: Wednesday when it is open."""
        return WEEKDAYS[self._reference()]

    @property
    def design(self) -> pd.DataFrame:
        """Additive 0/1 terms of each class, shape (classes, terms), int64.

        A class's log-hazard is the sum of the effects of its terms, against that of an any-day payer on an
        ordinary Wednesday. The term of closed days stands alone: an effect of minus infinity where nothing is
        ever paid on them.
        """
        week = [day for day in self._open_weekdays() if day != self._reference()]
        roles = [term for role, term in ROLE_TERMS.items() if any(kind[2] == role for kind in self._kinds())]
        terms = [CLOSED_TERM, *(WEEKDAYS[d] for d in week), LAST_TERM, *roles]
        table = np.zeros((len(self.classes), len(terms)), dtype=np.int64)
        table[CLOSED, 0] = 1
        for row, (weekday, is_last, role) in enumerate(self._kinds(), start=1):
            names = {WEEKDAYS[weekday], LAST_TERM if is_last else "", ROLE_TERMS.get(role, "")}
            table[row] = [term in names for term in terms]
        return pd.DataFrame(table, index=pd.Index(self.classes, name="class"), columns=terms)

    def _reference(self) -> int:
        week = self._open_weekdays()
        return REFERENCE if REFERENCE in week else week[0]

    def _open_weekdays(self) -> list[int]:
        return [day for day in range(7) if day not in self.weekend]

    def _kinds(self) -> list[tuple[int, int, int]]:
        """Kinds of open days that can occur: weekday, whether the last open one of its month, role."""
        return [
            (weekday, is_last, role)
            for weekday in self._open_weekdays()
            for is_last in (0, 1)
            for role in range(len(ROLES))
            if not (role == 1 and weekday > 4) and not (role == 4 and is_last)
        ]

    def __str__(self) -> str:
        closed = [WEEKDAYS[day] for day in self.weekend]
        holidays = f"{len(self.holidays)} holiday{'s' * (len(self.holidays) != 1)}"
        what = " and ".join(part for part in (", ".join(closed), holidays if self.holidays else "") if part)
        end = "the last open day" if self.month_end_days == 1 else f"last {self.month_end_days} open days"
        return f"{f'closed on {what}' if what else 'never closed'}; month end = {end}"

    def __repr__(self) -> str:
        return f"PaymentCalendar: {self}"


def _days(first_day: int, last_day: int) -> Ints:
    if last_day < first_day - 1:
        raise ModelError(f"days from {first_day} to {last_day}: the last is before the first")
    return np.arange(first_day, last_day + 1, dtype=np.int64)


def _weekday(days: Ints) -> Ints:
    return (days + 3) % 7  # 1970-01-01 was a Thursday


def _key(weekday: Any, is_last: Any, role: Any) -> Any:
    """Kinds of open days as numbers in the order of the classes."""
    return (weekday * 2 + is_last) * len(ROLES) + role


def _parts(weekday: int, is_last: int, role: int) -> list[str]:
    return [WEEKDAYS[weekday], *([LAST_TERM] if is_last else []), ROLES[role]]


def _day_of_year(dates: NDArray[np.datetime64]) -> Ints:
    """100 x month + day of the month."""
    months = dates.astype("datetime64[M]")
    day = (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    return np.asarray(100 * (months.astype(np.int64) % 12 + 1) + day, dtype=np.int64)


def _month_and_day(text: str) -> int:
    return 100 * int(text[:2]) + int(text[3:])


def _weekdays(weekend: Iterable[int]) -> tuple[int, ...]:
    days = sorted(set(weekend))
    if not all(day in range(7) for day in days) or len(days) > 6:
        raise ModelError(f"weekend={days!r}; allowed: 0 (Monday) to 6 (Sunday), at least one day open")
    return tuple(int(day) for day in days)


def _holidays(holidays: Iterable[str | dt.date | pd.Timestamp]) -> tuple[str, ...]:
    if isinstance(holidays, str):
        raise ModelError(f"holidays={holidays!r}; give a list of dates")
    return tuple(sorted({_holiday(day) for day in holidays}))


def _holiday(day: str | dt.date | pd.Timestamp) -> str:
    """A date as "2025-12-25", a day of every year as "12-25"."""
    try:
        if isinstance(day, str) and DAY_OF_YEAR.fullmatch(day):
            dt.date(2000, int(day[:2]), int(day[3:]))  # a leap year
            return day
        return f"{as_date(day):%Y-%m-%d}"
    except (ValueError, LedgerError) as error:
        raise ModelError(
            f"no holiday: {day!r}; give a date such as '2025-04-18', or '12-25' for that day of every year"
        ) from error


def _days_of_month_end(days: int) -> int:
    if not 1 <= days <= LONGEST_MONTH_END or days != int(days):
        raise ModelError(f"month_end_days={days!r}; allowed: 1 to {LONGEST_MONTH_END}")
    return int(days)
