"""The rows of a hazard regression of payments: item-days in cells, on a clock and a calendar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.hazard.cells import combine_codes
from arrisk.models.hazard.counts import DayClasses, ItemDays, count_item_days
from arrisk.models.payment.calendar import PaymentCalendar
from arrisk.models.payment.covariates import Covariate
from arrisk.models.payment.followed import FREE, PAID, Stretches

if TYPE_CHECKING:
    from arrisk.models.payment.followed import Clock

__all__ = ["STATES", "PaymentRows", "history_stratum", "item_codes", "item_design", "payment_rows"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
STATES = ("in dispute", "after a dispute")
FIRST_AGE, LAST_AGE = -120, 240
HISTORIES = (1.0, 6.0)


@dataclass(frozen=True, slots=True, eq=False)
class LateDays:
    """Items at risk after the last age counted: how long, and how many were paid.

    Attributes
    ----------
    item : array of int, shape (n,)
    days : array of int, shape (n,)
    paid : array of bool, shape (n,)
    """

    item: Ints
    days: Ints
    paid: NDArray[np.bool_]


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
    late : LateDays
        What lies beyond the last age counted.
    """

    days: ItemDays
    design: pd.DataFrame
    calendar_design: pd.DataFrame
    state: Ints
    customers: Ints
    late: LateDays


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
    Ages from -120 to 240 days are counted one by one; what lies beyond is kept for the tail.
    """
    item = stretches.item
    origin = start[item]
    entry = np.maximum(stretches.first - origin - 1, FIRST_AGE - 1)
    exit = np.minimum(stretches.last - origin, LAST_AGE)
    cause = np.where(stretches.last - origin <= LAST_AGE, stretches.cause, 0)
    use = np.flatnonzero(exit > entry)
    if not use.size or not (cause[use] == 1).any():
        raise ModelError("no payment was followed from day to day: there is no hazard to fit")
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
        late=_late_days(stretches, start),
    )


def _late_days(stretches: Stretches, start: Ints) -> LateDays:
    """What lies beyond the last age counted, of items never disputed."""
    origin = start[stretches.item]
    days = stretches.last - np.maximum(stretches.first, origin + LAST_AGE + 1) + 1
    beyond = np.flatnonzero((days > 0) & (stretches.state == FREE))
    return LateDays(stretches.item[beyond], days[beyond], stretches.cause[beyond] == PAID)


def _varying(design: pd.DataFrame) -> pd.DataFrame:
    """Without the columns of states that no item was in."""
    return design[[name for name in design if (design[name] != 0).any()]]


def _used(design: pd.DataFrame, days: ItemDays) -> pd.DataFrame:
    """Without the terms of days that no item was followed on."""
    seen = np.unique(days.day_class)
    met = (design.to_numpy()[seen] != 0).any(axis=0)
    return design[[name for name, used in zip(design.columns, met, strict=True) if used]]
