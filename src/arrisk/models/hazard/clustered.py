"""Errors of a hazard regression when the items of one customer are not independent."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from arrisk.errors import ModelError
from arrisk.models.hazard.cloglog import CloglogFit
from arrisk.models.hazard.counts import item_days
from arrisk.models.regression.sandwich import cluster_codes
from arrisk.models.timing.day_counts import Floats, Ints

__all__ = ["clustered_covariance", "customer_scores"]

TABLE = 20_000_000


def customer_scores(fit: CloglogFit, customers: ArrayLike) -> Floats:
    """What each customer adds to the score of the coefficients, age effects eliminated.

    Parameters
    ----------
    fit : CloglogFit
    customers : array, shape (n,)
        Customer of each row that was counted; a missing one is a customer too.

    Returns
    -------
    array, shape (customers, k)
        One column per estimated term; they sum to zero (to the penalty, with a prior).

    Notes
    -----
    An item-day with hazard mu adds ``r (z - m)``, with the residual ``r = y mu / (1 - exp(-mu)) - mu``, its
    covariates z and their mean m at its stratum and age, weighted by information: the score of the
    coefficients less its projection on those of the age effects. As z is a sum of what the cell and the class
    of the day add, residuals are summed by customer and cell, by customer and class, and by customer and age.
    """
    rows = fit.days.rows
    code, groups = cluster_codes(customers, rows.base.size)
    ages = fit.log_baseline.shape[1]
    level = np.where(np.isfinite(fit.log_baseline), np.exp(np.minimum(fit.log_baseline, 700.0)), 0.0)
    means = fit.age_means.reshape(-1, int(fit.estimated.sum()))
    x, w = fit.of_cell[:, fit.estimated], fit.of_class[:, fit.estimated]
    risk = np.exp(fit.linear(fit.of_cell))[rows.base_cell][rows.base]
    day_risk = np.exp(fit.linear(fit.of_class))
    counts = np.ones(risk.size) if rows.days.counts is None else rows.days.counts.astype(float)
    place = rows.base_stratum[rows.base] * ages
    out = np.zeros((groups, x.shape[1]))
    lost = np.zeros(risk.size)
    if rows.calendar is None:
        total = np.cumsum(np.hstack([np.zeros((level.shape[0], 1)), level]), axis=1)
        moved = np.cumsum(
            np.insert((level.ravel()[:, None] * means).reshape(*level.shape, -1), 0, 0.0, axis=1), axis=1
        )
        first = rows.start - rows.days.first
        last = rows.days.exit - rows.days.first + 1
        row = rows.base_stratum[rows.base] * (ages + 1)
        lost = risk * counts * (total.ravel()[row + last] - total.ravel()[row + first])
        table = moved.reshape(-1, x.shape[1])
        out += _summed(code, groups, row + last, risk * counts, table)
        out -= _summed(code, groups, row + first, risk * counts, table)
    else:
        for some, each, of_day, age in item_days(rows, rows.calendar):
            where = np.repeat(place[some], each) + age
            mu = np.repeat(risk[some] * counts[some], each) * level.ravel()[where] * day_risk[of_day]
            who = np.repeat(code[some], each)
            ends = np.cumsum(each) - each
            lost[some] = np.add.reduceat(mu, ends)
            out += _summed(who, groups, where, mu, means)
            out -= _summed(who, groups, of_day, mu, w)
    gained, at, of_last = _gains(fit, risk, day_risk, level, place)
    mine = np.flatnonzero(gained > 0)
    gained[mine] *= counts[mine]
    out += _summed(code, groups, rows.base_cell[rows.base], gained - lost, x)
    out -= _summed(code[mine], groups, at[mine], gained[mine], means)
    out += _summed(code[mine], groups, of_last[mine], gained[mine], w)
    return out


def _gains(
    fit: CloglogFit, risk: Floats, day_risk: Floats, level: Floats, place: Ints
) -> tuple[Floats, Ints, Ints]:
    """Of each row: mu / (1 - exp(-mu)) on the day of its event (else 0), that (stratum, age), that class."""
    rows = fit.days.rows
    at = place + rows.days.exit - rows.days.first
    of_last = np.zeros(risk.size, dtype=np.int64)
    if rows.calendar is not None:
        of_last = rows.calendar.at(rows.days.exit)
    mu = np.where(rows.cause == fit.cause, risk * day_risk[of_last] * level.ravel()[at], 0.0)
    gained = np.divide(mu, -np.expm1(-mu), out=np.zeros_like(mu), where=mu > 0)
    return gained, at, of_last


def _summed(code: Ints, groups: int, column: Ints, weight: Floats, table: Floats) -> Floats:
    """Rows of `table` picked by `column`, times `weight`, summed by group."""
    size = groups * len(table)
    if size <= TABLE:
        sums = np.bincount(code * len(table) + column, weights=weight, minlength=size)
        return np.asarray(sums.reshape(groups, -1) @ table)
    picked = sparse.coo_array((weight, (code, column)), shape=(groups, len(table)))
    return np.asarray(picked.tocsr() @ table)


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
