"""The rows of a hazard regression of payments: item-days in cells, on a clock and a calendar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.features.invoice_history import FAR
from arrisk.models.hazard.cells import combine_codes
from arrisk.models.hazard.counts import DayClasses, ItemDays, count_item_days
from arrisk.models.payment.calendar import PaymentCalendar
from arrisk.models.payment.covariates import Covariate
from arrisk.models.payment.followed import PAID, Stretches

if TYPE_CHECKING:
    from arrisk.models.payment.followed import Clock

__all__ = ["STATES", "PaymentRows", "history_stratum", "item_codes", "item_design", "payment_rows"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
STATES = ("in dispute", "after a dispute")
MOST_END, LEAST_END = 10, 5
HISTORIES = (1.0, 6.0)


@dataclass(frozen=True, slots=True, eq=False)
class Outside:
    """Stretches at risk before the first age counted, or after the last.

    Attributes
    ----------
    item, days : array of int, shape (n,)
        Place of the item, and days at risk.
    paid : int
        Payments.
    """

    item: Ints
    days: Ints
    paid: int


@dataclass(frozen=True, slots=True, eq=False)
class PaymentRows:
    """What a hazard regression counts.

    Attributes
    ----------
    days : ItemDays
    design : DataFrame, shape (cells, terms)
    calendar_design : DataFrame, shape (classes, terms)
        Without terms of days that no item was followed on.
    state : array of int, shape (cells,)
        Never disputed, in dispute, after a dispute.
    customers : array of int, shape (rows,)
        Customer of each row.
    early, late : Outside
        What lies before the first age counted, and after the last.
    """

    days: ItemDays
    design: pd.DataFrame
    calendar_design: pd.DataFrame
    state: Ints
    customers: Ints
    early: Outside
    late: Outside


def history_stratum(clock: Clock, n_settled: Floats) -> Ints:
    """Stratum of items by the history of their customer: none, 1 to 5 items settled, 6 and more.

    On the other clocks the history does not move day 0, and there is one stratum.

    Examples
    --------
    >>> history_stratum("usual", np.array([0.0, 5.0, 6.0])).tolist()
    [0, 1, 2]
    """
    if clock != "usual":
        return np.zeros(len(n_settled), dtype=np.int64)
    return np.searchsorted(np.array(HISTORIES), n_settled, side="right").astype(np.int64)


def item_codes(described: pd.DataFrame, covariates: tuple[Covariate, ...]) -> list[Ints]:
    """Level of each covariate, one array a covariate."""
    return [c.codes(described[c.name]) for c in covariates]


def item_design(codes: list[Ints], state: Ints, covariates: tuple[Covariate, ...]) -> Floats:
    """0/1 columns of the effects of items, those of `STATES` last, shape (n, terms)."""
    columns = [c.design(code) for c, code in zip(covariates, codes, strict=True)]
    return np.hstack([*columns, np.asarray(state[:, None] == np.arange(1, 3), dtype=float)])


def payment_rows(
    stretches: Stretches,
    start: Ints,
    stratum: Ints,
    codes: list[Ints],
    run: Ints,
    customers: Ints,
    covariates: tuple[Covariate, ...],
    calendar: PaymentCalendar,
) -> PaymentRows:
    """Count item-days and events of a snapshot's items.

    Parameters
    ----------
    stretches : Stretches
    start, stratum, run, customers : array of int, shape (items,)
        Day 0 of each item, its stratum, the run and the number of its customer.
    codes : list of array of int, shape (items,)
        Level of each covariate.
    covariates : tuple of Covariate
    calendar : PaymentCalendar

    Raises
    ------
    ModelError
        If nothing is left to count.

    Notes
    -----
    Ages are counted one by one but for those of the first and of the last 10 payments (or 5% of them, at
    least 5, when that is fewer), which have a constant rate.
    """
    item = stretches.item
    origin = start[item]
    low, high = _ages(stretches.last - origin, stretches.cause == PAID)
    entry = np.maximum(stretches.first - origin, low) - 1
    exit = np.minimum(stretches.last - origin, high)
    cause = np.where(stretches.last - origin <= high, stretches.cause, 0)
    use = np.flatnonzero(exit > entry)
    item, origin, entry, exit, cause = (v[use] for v in (item, origin, entry, exit, cause))
    state = stretches.state[use]
    sizes = [len(c.levels) for c in covariates]
    cell, levels = combine_codes([*(c[item] for c in codes), state], [*sizes, 3])
    first = int((origin + entry).min()) + 1
    classes = calendar.codes(first, int((origin + exit).max()))
    days = count_item_days(
        exit,
        cause,
        cell,
        len(levels),
        entry,
        None,
        stratum[item],
        origin,
        DayClasses(classes, first, run[item]),
    )
    names = [*(term for c in covariates for term in c.terms), *STATES]
    table = item_design(list(levels[:, :-1].T), levels[:, -1], covariates)
    return PaymentRows(
        days=days,
        design=_varying(pd.DataFrame(table, columns=names)),
        calendar_design=_used(calendar.design, days),
        state=levels[:, -1],
        customers=customers[item],
        early=_outside(stretches, start, -FAR, low - 1),
        late=_outside(stretches, start, high + 1, FAR),
    )


def _ages(age: Ints, paid: NDArray[np.bool_]) -> tuple[int, int]:
    """First and last age that are counted one by one."""
    ages = np.sort(age[paid])
    if not ages.size:
        raise ModelError("no payment was followed from day to day: there is no hazard to fit")
    ends = min(max(LEAST_END, min(MOST_END, ages.size // 20)), (ages.size - 1) // 2)
    return int(ages[ends]), int(ages[-1 - ends])


def _outside(stretches: Stretches, start: Ints, low: int, high: int) -> Outside:
    """Stretches at risk at the ages from `low` to `high`, both included."""
    origin = start[stretches.item]
    first, last = np.maximum(stretches.first - origin, low), np.minimum(stretches.last - origin, high)
    some = np.flatnonzero(first <= last)
    whole = last[some] == (stretches.last - origin)[some]
    paid = int((stretches.cause[some][whole] == PAID).sum())
    return Outside(stretches.item[some], (last - first + 1)[some], paid)


def _varying(design: pd.DataFrame) -> pd.DataFrame:
    """Without the columns of states that no item was in."""
    return design[[name for name in design if (design[name] != 0).any()]]


def _used(design: pd.DataFrame, days: ItemDays) -> pd.DataFrame:
    """Without the terms of days that no item was followed on."""
    seen = np.unique(days.day_class)
    met = (design.to_numpy()[seen] != 0).any(axis=0)
    return design[[name for name, used in zip(design.columns, met, strict=True) if used]]
