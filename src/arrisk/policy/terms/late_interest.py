"""Exact simple interest on late payment: dated rates, day count, grace, part payments, rounding to the cent.

Every day after the due date bears interest on what was open when it began, so an item paid ten days late
bears ten days. Interest of one item is summed exactly, as a fraction, and rounded once, half a cent away from
zero. There is no interest on interest.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.ledger.days import day_number
from arrisk.policy.terms.reference_rates import ReferenceRates

__all__ = ["DayCount", "LateInterest", "Segment", "accrued", "interest_of", "round_minor"]

DayCount = Literal["actual/365", "actual/360", "actual/actual"]
Start = Literal["due", "grace"]
EPOCH = dt.date(1970, 1, 1)
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Segment:
    """Days on which one rate holds: from day `first` to day `last`, both counted; interest a day and unit."""

    first: int
    last: int
    factor: Fraction


@dataclass(frozen=True, slots=True, eq=False)
class LateInterest:
    """The terms of late interest.

    Parameters
    ----------
    rates : ReferenceRates
    multiple : float
        Of the reference rate: 1.5 for one and a half times.
    points : float
        Added to it, a year: 0.08 for eight percentage points.
    day_count : {"actual/365", "actual/360", "actual/actual"}
        The last divides by 366 on days of a leap year.
    grace_days : int
        An item paid within so many days of its due date bears none.
    start : {"due", "grace"}
        Once the grace is over interest counts from the due date, or only from its end.

    Raises
    ------
    ModelError
        If the multiple, the points or the grace is negative, or a word is unknown.
    """

    rates: ReferenceRates
    multiple: float = 1.0
    points: float = 0.0
    day_count: DayCount = "actual/365"
    grace_days: int = 0
    start: Start = "due"

    def __post_init__(self) -> None:
        if self.multiple < 0 or self.points < 0:
            raise ModelError(f"multiple = {self.multiple!r}, points = {self.points!r}: not below 0")
        if (
            isinstance(self.grace_days, bool)
            or self.grace_days != int(self.grace_days)
            or self.grace_days < 0
        ):
            raise ModelError(f"grace_days = {self.grace_days!r}: a whole number from 0")
        for name, kind in (("day_count", DayCount), ("start", Start)):
            if getattr(self, name) not in get_args(kind):
                raise ModelError(f"{name} = {getattr(self, name)!r}: allowed are {', '.join(get_args(kind))}")

    def rate_on(self, date: str | pd.Timestamp) -> float:
        """The rate that late payers are charged on a day, a year."""
        return float(self._annual(self.rates.on(date)))

    def _annual(self, reference: Fraction) -> Fraction:
        return Fraction(str(self.multiple)) * reference + Fraction(str(self.points))

    def segments(self, first: int, last: int) -> list[Segment]:
        """Stretches of one rate and one length of the year, from day number `first` to `last`, both counted.

        Raises
        ------
        ModelError
            If the reference rates begin after `first`.
        """
        if last < first:
            return []
        starts = {first} | {d for d in _days(self.rates.table["valid_from"]) if first < d <= last}
        if self.day_count == "actual/actual":
            starts |= {d for d in _year_starts(first, last) if first < d <= last}
        ordered = sorted(starts)
        ends = [d - 1 for d in ordered[1:]] + [last]
        return [Segment(a, b, self._daily(a)) for a, b in zip(ordered, ends, strict=True)]

    def _daily(self, day: int) -> Fraction:
        date = EPOCH + dt.timedelta(days=day)
        length = {"actual/365": 365, "actual/360": 360}.get(self.day_count) or _length(date.year)
        return self._annual(self.rates.on(pd.Timestamp(date))) / length

    def describe(self) -> str:
        """The terms in words."""
        base = "the reference rate" if self.multiple == 1 else f"{self.multiple:g} x the reference rate"
        more = f" + {100 * self.points:g} points" if self.points else ""
        grace = f"; nothing within {self.grace_days} days of the due date" if self.grace_days else ""
        begin = " and from their end after it" if self.grace_days and self.start == "grace" else ""
        return f"{base}{more}, simple interest, {self.day_count}{grace}{begin}"


def _days(dates: pd.Series) -> list[int]:
    return [day_number(d) for d in dates]


def _length(year: int) -> int:
    return 366 if pd.Timestamp(year, 1, 1).is_leap_year else 365


def _year_starts(first: int, last: int) -> list[int]:
    years = range((EPOCH + dt.timedelta(days=first)).year, (EPOCH + dt.timedelta(days=last)).year + 1)
    return [day_number(dt.date(y, 1, 1)) for y in years]


def round_minor(amount: Fraction) -> int:
    """Round to a whole minor unit, a half away from zero.

    Examples
    --------
    >>> round_minor(Fraction(5, 2)), round_minor(Fraction(-5, 2)), round_minor(Fraction(7, 3))
    (3, -3, 2)
    """
    whole = int(abs(amount) + Fraction(1, 2))
    return whole if amount >= 0 else -whole


def interest_of(
    terms: LateInterest,
    due: str | pd.Timestamp,
    amount: int,
    settled: list[tuple[str, int]],
    until: str | pd.Timestamp,
) -> int:
    """Interest on one item, in minor units.

    Parameters
    ----------
    terms : LateInterest
    due : date
        Last day on which payment is in time.
    amount : int
        Owed, minor units.
    settled : list of (date, int)
        What was paid or credited, minor units, and when; it bears interest for that day, but no longer.
    until : date
        Last day that counts.

    Examples
    --------
    100,000.00 due on 1 March, half paid on 31 March, the rest on 30 April; 1.5 x 3.1%, 365 days: 30 days
    on the whole and 30 on the half.

    >>> rates = ReferenceRates(pd.DataFrame({"valid_from": ["2025-01-01"], "rate": [0.031], "source": "LPR"}))
    >>> terms = LateInterest(rates, multiple=1.5)
    >>> interest_of(terms, "2025-03-01", 10_000_000, [("2025-03-31", 5_000_000), ("2025-04-30", 5_000_000)],
    ...             "2025-12-31")
    57329
    >>> round(15_000_000 * 1.5 * 0.031 * 30 / 365)
    57329
    """
    last_in_time = day_number(due)
    paid = [(max(day_number(day), last_in_time), -int(part)) for day, part in settled]
    rows = pd.DataFrame([(last_in_time, int(amount)), *sorted(paid)], columns=["day", "amount"])
    total = accrued(terms, np.zeros(len(rows), np.int64), rows, np.array([last_in_time]), day_number(until))
    return round_minor(total[0])


def accrued(
    terms: LateInterest, item: Ints, moves: pd.DataFrame, due: Ints, until: int, since: int | None = None
) -> list[Fraction]:
    """Interest of many items, exactly.

    Parameters
    ----------
    terms : LateInterest
    item : int array of shape (moves,)
        Item of each move, from 0; sorted.
    moves : DataFrame
        `day` (number, not decreasing within an item) and `amount` (change of what is open, minor units); a
        row a move, the first of an item what it came to.
    due : int array of shape (items,)
        Day number up to which payment is in time.
    until : int
        Last day that counts, a day number.
    since : int, optional
        First day that counts; by default the day after the due date.

    Returns
    -------
    list of Fraction
        Minor units, by item.
    """
    balance = moves["amount"].groupby(item).cumsum().to_numpy(dtype=np.int64)
    begun = np.maximum(moves["day"].to_numpy(dtype=np.int64), due[item])
    last = np.append(item[1:] != item[:-1], np.True_)
    stop = np.where(last, until, np.append(begun[1:], until))
    first = due + 1 + (terms.grace_days if terms.start == "grace" else 0)
    paid_on = np.full(due.size, until + 1)
    np.minimum.at(paid_on, item[balance <= 0], begun[balance <= 0])
    bears = (paid_on > due + terms.grace_days)[item] & (balance > 0)
    early = first if since is None else np.maximum(first, since)
    from_day = np.maximum(begun + 1, early[item]).astype(np.int64)
    bears &= from_day <= stop
    parts = terms.segments(int(from_day[bears].min()), until) if bears.any() else []
    return _summed(parts, item[bears], balance[bears], from_day[bears], stop[bears], due.size)


def _summed(
    parts: list[Segment], item: Ints, balance: Ints, first: Ints, last: Ints, items: int
) -> list[Fraction]:
    """Sum balance times days times factor over the segments, in whole numbers over one denominator."""
    whole = math.lcm(*(p.factor.denominator for p in parts)) if parts else 1
    total = np.zeros(items, dtype=object)
    for part in parts:
        days = np.maximum(np.minimum(last, part.last) - np.maximum(first, part.first) + 1, 0)
        of_item = np.zeros(items, dtype=np.int64)
        np.add.at(of_item, item, balance * days)
        total = total + of_item.astype(object) * int(part.factor * whole)
    return [Fraction(int(n), whole) for n in total]
