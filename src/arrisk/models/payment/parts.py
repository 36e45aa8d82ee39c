"""What a fitted hazard of payment says of items, days and states: the parts of rates ahead."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.hazard.cloglog import CloglogFit
from arrisk.models.payment.baseline import AgeRates, BandRates, band_rates, pooled_rates
from arrisk.models.payment.calendar import PaymentCalendar
from arrisk.models.payment.covariates import Covariate
from arrisk.models.payment.design import STATES, Outside, PaymentRows, item_codes, item_design
from arrisk.models.payment.followed import AFTER, IN_DISPUTE, LOST, Stretches

__all__ = ["LEAST_PAYMENTS", "calendar_ratios", "log_ratio", "lost_rates", "move_rates", "paid_rates"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LEAST_PAYMENTS = 20
LOST_EDGES = (0, 30, 90, 180)
MOVE_EDGES = (-40, -30, -20, -10, 0, 10, 20, 30, 60, 90)


def log_ratio(
    described: pd.DataFrame, covariates: tuple[Covariate, ...], effects: dict[str, float]
) -> Floats:
    """Log hazard ratio of described items, that of disputes left out, shape (items,)."""
    codes = item_codes(described, covariates)
    names = [term for c in covariates for term in c.terms]
    table = item_design(codes, np.zeros(len(described), dtype=np.int64), covariates)[:, : len(names)]
    return np.asarray(table @ np.array([effects.get(n, 0.0) for n in names]), dtype=float)


def calendar_ratios(calendar: PaymentCalendar, effects: dict[str, float]) -> Floats:
    """Hazard ratio of each class of days, shape (classes,); 0 where nothing is ever paid."""
    design = calendar.design
    effect = np.array([effects.get(term, 0.0) for term in design.columns])
    # Minus infinity times zero is not a number.
    return np.asarray(np.exp(np.where(design.to_numpy() != 0, effect, 0.0).sum(axis=1)), dtype=float)


def paid_rates(rows: PaymentRows, fit: CloglogFit, ratio: Floats) -> AgeRates:
    """Rates of payment by age, those in dispute and after a dispute apart where enough were paid."""
    days, strata = rows.days, rows.days.strata
    state = rows.state[days.cell]
    effect = dict(zip(fit.names, fit.coefficients.tolist(), strict=True))
    paid = np.bincount(state[days.events[1].profile], days.events[1].count, 3)
    linear = fit.linear(fit.of_cell)[days.cell] + fit.linear(fit.of_class)[days.day_class]
    own = [k for k in (IN_DISPUTE, AFTER) if paid[k] >= LEAST_PAYMENTS]
    group = np.where(np.isin(state, own), strata + state - 1, days.stratum)
    ends = (_end_rate(rows.early, ratio), _end_rate(rows.late, ratio))
    linear = linear - np.array([effect.get(STATES[k - 1], 0.0) if k in own else 0.0 for k in range(3)])[state]
    found = pooled_rates(days, np.exp(linear), group, strata + 2, ends)
    rates = found.rates
    for k in own:  # the tail is that of items never disputed
        rates[strata + k - 1, -1] = rates[strata + k - 1, -2]
    for k in {IN_DISPUTE, AFTER} - set(own):
        rates[strata + k - 1] = rates[strata - 1] * np.exp(effect.get(STATES[k - 1], 0.0))
    return AgeRates(found.first, rates, found.tail_from)


def _end_rate(outside: Outside, ratio: Floats) -> float:
    """Rate at the ages that are not counted one by one: payments over item-days in hazard ratios."""
    return float((outside.paid + 0.5) / (ratio[outside.item] @ outside.days + 1.0))


def move_rates(first: Ints, last: Ints, stretches: Stretches) -> BandRates:
    """Rates at which disputes open and close."""
    some = stretches.state != AFTER
    ages, moved = (first[some], last[some]), stretches.moved[some]
    return band_rates(*ages, moved, stretches.state[some], 2, MOVE_EDGES, prior=0.0)


def lost_rates(first: Ints, last: Ints, stretches: Stretches) -> BandRates:
    """Rates of credit and write-off by age on the clock: never in dispute, in dispute, after a dispute."""
    return band_rates(first, last, stretches.cause == LOST, stretches.state, 3, LOST_EDGES)
