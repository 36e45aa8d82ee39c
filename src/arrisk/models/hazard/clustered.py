"""Errors of a hazard regression when the items of one customer are not independent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from arrisk.errors import ModelError
from arrisk.models.hazard.cloglog import CloglogFit
from arrisk.models.hazard.counts import ItemRows, PlacedDays, item_days
from arrisk.models.regression.sandwich import cluster_codes
from arrisk.models.timing.day_counts import Floats, Ints

__all__ = ["by_customer", "clustered_covariance", "customer_scores"]


def customer_scores(fit: CloglogFit, customers: ArrayLike, by_age: Floats | None = None) -> Floats:
    """What each customer adds to the score of the coefficients, age effects eliminated.

    Parameters
    ----------
    fit : CloglogFit
    customers : array, shape (n,)
        Customer of each row that was counted; a missing one is a customer too.
    by_age : array, shape (strata, ages), optional
        Factor of what each item-day adds; 1 by default.

    Returns
    -------
    array, shape (customers, k)
        One column per estimated term, in the order of first appearance of the customers.

    Notes
    -----
    An item-day with hazard mu adds ``r (z - m)``, with the residual ``r = y mu / (1 - exp(-mu)) - mu``, its
    covariates z and their mean m at its stratum and age, weighted by information: the score of the
    coefficients less its projection on those of the age effects. As z is a sum of what the cell and the class
    of the day add, residuals are summed by customer and cell, by customer and class, and by customer and age.
    Without a calendar the days of an item are not looked at one by one: sums over its ages are differences of
    cumulated sums.
    """
    order, ends = by_customer(customers, fit.days.rows.base.size)
    rows = fit.days.rows.take(order)
    at = _at(fit, np.ones_like(fit.log_baseline) if by_age is None else by_age)
    number, risk = rows.days.counts, at.risk[rows.base]
    place, gained, day = _gains(fit, at, rows, risk)
    gained *= at.factor[place]
    if number is not None:
        risk, gained = risk * number, gained * number
    if rows.calendar is None:
        lost, scores = _over_ages(at, rows, risk, ends)
    else:
        lost, scores = _over_days(at, rows, rows.calendar, risk, ends)
        scores += _summed(ends, day, gained, at.of_class)
    scores -= _summed(ends, place, gained, at.means)
    return scores + _summed(ends, rows.base, gained - lost, at.of_base)


def by_customer(customers: ArrayLike, n: int) -> tuple[NDArray[np.intp], Ints]:
    """Rows in the order of their customers, and where each customer starts; the end at last."""
    code, groups = cluster_codes(customers, n)
    # A sort of two-byte numbers is several times faster.
    order = np.argsort(code.astype(np.uint16) if groups <= 2**16 else code, kind="stable")
    return order, np.concatenate([[0], np.cumsum(np.bincount(code))])


@dataclass(frozen=True, slots=True)
class _At:
    """The fit laid out for rows: (stratum, age) in one row, (stratum, cell) by `base`.

    `level` is exp of the age effect (0 where it is not finite), `factor` that of the age, `risk` and
    `day_risk` exp of what base and class add; `means`, `of_base` and `of_class` have one column per estimated
    term.
    """

    level: Floats
    factor: Floats
    means: Floats
    risk: Floats
    of_base: Floats
    day_risk: Floats
    of_class: Floats
    stratum: Ints
    first: int
    ages: int

    def place(self, base: Ints, age: Any) -> Ints:
        """Place of (stratum, age)."""
        return np.asarray((self.stratum * self.ages - self.first)[base] + age, dtype=np.int64)


def _at(fit: CloglogFit, by_age: Floats) -> _At:
    rows, used = fit.days.rows, fit.estimated
    finite = np.isfinite(fit.log_baseline)
    level = np.exp(fit.log_baseline, out=np.zeros_like(fit.log_baseline), where=finite)
    return _At(
        level.ravel(),
        by_age.ravel(),
        fit.age_means.reshape(level.size, -1),
        np.exp(fit.linear(fit.of_cell))[rows.base_cell],
        fit.of_cell[rows.base_cell][:, used],
        np.exp(fit.linear(fit.of_class)),
        fit.of_class[:, used],
        rows.base_stratum,
        rows.days.first,
        level.shape[1],
    )


def _over_ages(at: _At, rows: ItemRows, risk: Floats, ends: Ints) -> tuple[Floats, Floats]:
    """Expected events of each row, and their part of the scores by customer, from cumulated sums."""
    one = (at.level * at.factor)[:, None]
    of_age = np.hstack([one, one * at.means]).reshape(-1, at.ages, 1 + at.means.shape[1])
    sums = np.cumsum(np.insert(of_age, 0, 0.0, axis=1), axis=1).reshape(-1, of_age.shape[2])
    level, means = np.ascontiguousarray(sums[:, 0]), np.ascontiguousarray(sums[:, 1:])
    # One sum more than ages in every stratum: before the first.
    before = (at.stratum * (at.ages + 1) - at.first)[rows.base]
    last = before + rows.days.exit + 1
    lost, scores = level[last], _summed(ends, last, risk, means)
    if rows.days.start is not None:
        came = before + rows.days.start
        lost -= level[came]
        scores -= _summed(ends, came, risk, means)
    return risk * lost, scores


def _over_days(
    at: _At, rows: ItemRows, calendar: PlacedDays, risk: Floats, ends: Ints
) -> tuple[Floats, Floats]:
    """The same with a calendar, day by day."""
    lost, scores = np.zeros(risk.size), np.zeros((risk.size, at.means.shape[1]))
    start, level = at.place(rows.base, np.full(risk.size, rows.days.first)), at.level * at.factor
    for some, each, of_day, age in item_days(rows, calendar):
        where = np.repeat(start[some], each) + age
        mu = np.repeat(risk[some], each) * level[where] * at.day_risk[of_day]
        days = np.concatenate([[0], np.cumsum(each)])
        lost[some] = np.add.reduceat(mu, days[:-1])
        scores[some] = _summed(days, where, mu, at.means) - _summed(days, of_day, mu, at.of_class)
    return lost, np.add.reduceat(scores, ends[:-1], axis=0)


def _gains(fit: CloglogFit, at: _At, rows: ItemRows, risk: Floats) -> tuple[Ints, Floats, Ints]:
    """By row: place of its last age, mu / (1 - exp(-mu)) if the event came (else 0), class of that day."""
    place = at.place(rows.base, rows.days.exit)
    mu, day = risk * at.level[place], place
    if rows.calendar is not None:
        day = rows.calendar.at(rows.days.exit)
        mu *= at.day_risk[day]
    mu[rows.cause != fit.cause] = 0.0
    return place, np.divide(mu, -np.expm1(-mu), out=np.zeros_like(mu), where=mu > 0), day


def _summed(ends: Ints, column: Ints, weight: Floats, table: Floats) -> Floats:
    """Rows of `table` picked by `column`, times `weight`, summed between the ends."""
    shape = (ends.size - 1, len(table))
    small = column.astype(np.int32), ends.astype(np.int32)
    return np.asarray(sparse.csr_array((weight, *small), shape=shape) @ table)


def clustered_covariance(fit: CloglogFit, scores: Floats) -> Floats:
    """Sandwich with scores summed by customer and the factor G/(G-1) * (n-1)/(n-k).

    Parameters
    ----------
    fit : CloglogFit
    scores : array, shape (customers, k)
        From `customer_scores`.

    Returns
    -------
    array, shape (k, k)
        Of the estimated terms; n counts item-days at ages with an event, k the terms and these ages.

    Raises
    ------
    ModelError
        If there are not more item-days than parameters.
    """
    bread = fit.bread[np.ix_(fit.estimated, fit.estimated)]
    n = sum(b.item_days for b in fit.blocks)
    k = scores.shape[1] + sum(b.ages.size for b in fit.blocks)
    if n <= k:
        raise ModelError(f"clustered errors of {k} parameters need more than {n:.0f} item-days")
    groups = len(scores)
    shares = scores @ bread
    return np.asarray(groups / (groups - 1) * (n - 1) / (n - k) * shares.T @ shares)
