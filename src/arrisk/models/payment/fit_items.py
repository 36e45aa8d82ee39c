"""The items that a hazard of payment is fitted on: clocks, strata, runs and levels of covariates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.features.invoice_history import FAR
from arrisk.models.payment.baseline import AgeRates
from arrisk.models.payment.calendar import PaymentCalendar
from arrisk.models.payment.covariates import Covariate, describe_items, find_covariates
from arrisk.models.payment.design import PaymentRows, history_stratum, item_codes, payment_rows
from arrisk.models.payment.followed import (
    FREE,
    PAID,
    Clock,
    Stretches,
    clock_start,
    followed_items,
    split_at_disputes,
)
from arrisk.models.payment.parts import LEAST_PAYMENTS, calendar_ratios, log_ratio
from arrisk.models.payment.pay_days import PayDays, find_pay_days
from arrisk.models.payment.speed import CustomerSpeeds, ItemDayRates, find_speeds

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["Asked", "FitItems", "fit_items", "runs_of"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
YEAR_DAYS = 365
SPEED_DAYS = 180


@dataclass(frozen=True, slots=True)
class Asked:
    """What a hazard was asked for; see `fit_hazard`."""

    clock: Clock
    terms: tuple[str, ...]
    calendar: PaymentCalendar
    pay_days: bool
    speeds: bool
    window_days: int | None
    level: float


@dataclass(frozen=True, slots=True, eq=False)
class FitItems:
    """Items known at a snapshot as a hazard regression takes them.

    Attributes
    ----------
    day : int
        Of the snapshot.
    items, described : DataFrame
        See `followed_items` and `describe_items`.
    covariates : tuple of Covariate
    terms_days : float or None
        Days to the due date assumed where there is none; None in a book without due dates.
    strata : tuple of int
        Stratum of each class of history.
    start, stratum, run : array of int, shape (items,)
    pay_days : PayDays or None
    """

    day: int
    items: pd.DataFrame
    described: pd.DataFrame
    covariates: tuple[Covariate, ...]
    terms_days: float | None
    strata: tuple[int, ...]
    start: Ints
    stratum: Ints
    run: Ints
    pay_days: PayDays | None

    def rows(self, stretches: Stretches, calendar: PaymentCalendar) -> PaymentRows:
        """Item-days and payments counted."""
        codes = item_codes(self.described, self.covariates)
        customers = pd.factorize(self.items["customer_id"])[0]
        place = (self.start, self.stratum, codes, self.run, customers)
        return payment_rows(stretches, *place, self.covariates, calendar)

    def ratios(self, effects: dict[str, float]) -> Floats:
        """Hazard ratio of each item by its covariates."""
        return np.asarray(np.exp(log_ratio(self.described, self.covariates, effects)), dtype=float)

    def usual_days(self, effects: dict[str, float], calendar: PaymentCalendar) -> Floats:
        """Mean hazard ratio of the days of the last year, on the run of each item."""
        year = calendar.codes(self.day - YEAR_DAYS + 1, self.day)
        return np.asarray(calendar_ratios(calendar, effects)[year].mean(axis=1)[self.run], dtype=float)

    def speeds(self, effects: dict[str, float], paid: AgeRates, calendar: PaymentCalendar) -> CustomerSpeeds:
        """Speeds of customers by what they paid in the last 180 days."""
        cut = split_at_disputes(self.items, self.day - SPEED_DAYS + 1)
        state = np.where(cut.state == FREE, self.stratum[cut.item], len(paid.rates) - 3 + cut.state)
        first_day = int(cut.first.min(initial=self.day))
        look = ItemDayRates(
            first=cut.first,
            last=cut.last,
            start=self.start[cut.item],
            group=state,
            run=self.run[cut.item],
            ratio=self.ratios(effects)[cut.item],
            rates=paid.rates,
            first_age=paid.first,
            days=calendar_ratios(calendar, effects)[calendar.codes(first_day, self.day)],
            first_day=first_day,
        )
        return find_speeds(look, cut.cause == PAID, self.items["customer_id"].iloc[cut.item])


def fit_items(snapshot: Snapshot, asked: Asked) -> FitItems:
    """Read the items of a snapshot, and find what depends on all of them.

    Raises
    ------
    ModelError
        If fewer than 20 payments were seen.
    """
    items = followed_items(snapshot)
    paid = items["cause"].to_numpy() == PAID
    if paid.sum() < LEAST_PAYMENTS:
        raise ModelError(
            f"{paid.sum()} payments known on {snapshot.date:%Y-%m-%d}; a hazard needs {LEAST_PAYMENTS}"
        )
    described = describe_items(snapshot, items)
    due = np.where(items["due"] < FAR, items["due"], np.nan).astype(float)
    terms_days = None if np.isnan(due).all() else float(np.nanmedian(described["terms"]))
    usual = described["usual"].to_numpy(dtype=float)
    history = history_stratum(asked.clock, described["n_settled"].to_numpy())
    strata = _merged(history, paid)
    pay_days = find_pay_days(snapshot, asked.calendar) if asked.pay_days else None
    return FitItems(
        day=snapshot.day,
        items=items,
        described=described,
        covariates=find_covariates(described, asked.terms),
        terms_days=terms_days,
        strata=tuple(int(k) for k in strata),
        start=clock_start(asked.clock, items["issue"].to_numpy(dtype=np.int64), due, usual, terms_days),
        stratum=strata[history],
        run=runs_of(pay_days, items["customer_id"]),
        pay_days=pay_days,
    )


def runs_of(pay_days: PayDays | None, customer_id: pd.Series) -> Ints:
    """Run of each item's customer; any day without `pay_days`."""
    if pay_days is None:
        return np.zeros(len(customer_id), dtype=np.int64)
    code, names = pd.factorize(customer_id.to_numpy(dtype=object))
    return np.asarray(pay_days.run_of(names)[code], dtype=np.int64)


def _merged(history: Ints, paid: NDArray[np.bool_]) -> Ints:
    """Stratum of each class of history; one with fewer than 20 payments joins the next, or the one before."""
    size = np.bincount(history[paid], minlength=3)
    place, number, held = np.zeros(size.size, dtype=np.int64), 0, 0
    for k, n in enumerate(size):
        place[k] = number
        held += int(n)
        if held >= LEAST_PAYMENTS:
            number, held = number + 1, 0
    return np.minimum(place, max(number - 1, 0))
