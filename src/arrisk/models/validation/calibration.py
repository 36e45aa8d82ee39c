"""Whether probabilities are set right: by group, in all, and along the scale."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from arrisk.errors import ModelError
from arrisk.models.intervals import jeffreys
from arrisk.models.jackknife import jackknife_reach
from arrisk.models.regression.logit import fit_logit
from arrisk.models.validation.estimates import Estimate, design_effect, outcomes
from arrisk.models.validation.grouping import Grouping, by_quantile
from arrisk.models.validation.resampling import customer_codes

__all__ = [
    "calibration_by_group",
    "calibration_intercept",
    "calibration_slope",
    "observed_over_expected",
]

FEWEST_DEFAULTERS = 5
"""Defaulting customers below which observed over expected is bounded exactly instead of linearised."""
SMALLEST = 1e-9
MAX_STEPS = 200

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def calibration_by_group(
    y: ArrayLike,
    p: ArrayLike,
    customers: ArrayLike | None = None,
    grouping: Grouping | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Given and observed rates of groups: the figures of a calibration plot.

    Parameters
    ----------
    y : array of bool, shape (rows,)
    p : array, shape (rows,)
    customers : array, shape (rows,), optional
        Rows of one customer are worth less: counts are divided by the design effect for the interval.
    grouping : Grouping, optional
        By default ten groups of about equal numbers.
    level : float

    Returns
    -------
    DataFrame
        A row a group: `group`, `rows`, `events`, `expected` (mean probability), `observed` (share), `ci_low`,
        `ci_high` (Jeffreys).

    Examples
    --------
    >>> table = calibration_by_group([0, 1, 1], [0.1, 0.3, 0.7], grouping=by_quantile([1, 2, 3], 2))
    >>> table["expected"].round(3).tolist(), table["observed"].tolist()
    ([0.1, 0.5], [0.0, 1.0])
    """
    event, given = outcomes(y, p)
    groups = grouping or by_quantile(given)
    effect = design_effect(event, given, customers)
    rows = np.bincount(groups.codes)
    events, expected = (np.bincount(groups.codes, v) for v in (event, given))
    limits = [jeffreys(d / effect, n / effect, level) for d, n in zip(events, rows, strict=True)]
    return pd.DataFrame(
        {
            "group": groups.labels,
            "rows": rows,
            "events": events.astype(np.int64),
            "expected": expected / rows,
            "observed": events / rows,
            "ci_low": [i.low for i in limits],
            "ci_high": [i.high for i in limits],
        }
    )


def observed_over_expected(
    y: ArrayLike, p: ArrayLike, customers: ArrayLike | None = None, level: float = 0.95
) -> Estimate:
    """Events that happened over events expected; above 1 the probabilities were too low.

    Parameters
    ----------
    y : array of bool, shape (rows,)
    p : array, shape (rows,)
    customers : array, shape (rows,), optional
        Without it every row is a customer of its own.
    level : float

    Returns
    -------
    Estimate
        Symmetric in the logarithm, linearised by customer, with a t quantile (`arrisk.models.jackknife`).
        With fewer than 5 defaulting customers the exact limits of a Poisson count (Garwood 1936) of
        defaulting customers are scaled instead, which is wider.

    Raises
    ------
    ModelError
        If nothing was expected.

    Examples
    --------
    >>> none = observed_over_expected([0] * 100, [0.02] * 100)
    >>> none.value, round(none.high, 4) == round(-float(np.log(0.025)) / 2.0, 4)
    (0.0, True)
    """
    event, given = outcomes(y, p)
    code, groups = _codes(customers, event.size)
    observed, expected = float(event.sum()), float(given.sum())
    if expected <= 0:
        raise ModelError("no event was expected: all probabilities are 0")
    value = observed / expected
    defaulters = int(np.unique(code[event > 0]).size)
    term = "observed over expected"
    if defaulters < FEWEST_DEFAULTERS:
        scale = value / defaulters if defaulters else 1.0 / expected
        low, high = (scale * end for end in _garwood(defaulters, level))
        return Estimate(term, value, low, high, level, f"exact Poisson, {defaulters} defaulting customers")
    influence = np.bincount(code, event, groups) / observed - np.bincount(code, given, groups) / expected
    factor = math.exp(_reach(influence, level))
    return Estimate(term, value, value / factor, value * factor, level, f"by {groups} customers, log scale")


def calibration_intercept(
    y: ArrayLike, p: ArrayLike, customers: ArrayLike | None = None, level: float = 0.95
) -> Estimate:
    """Shift of the log-odds that sets the mean right, slope kept at 1; 0 is right, above 0 too hopeful.

    Errors are the sandwich by customer, with a t quantile (`arrisk.models.jackknife`).

    Raises
    ------
    ModelError
        With one class only there is no such shift.

    Examples
    --------
    >>> e = calibration_intercept([0, 1] * 50, [0.25] * 100)
    >>> round(e.value, 6) == round(float(np.log(3)), 6)
    True
    """
    event, given = outcomes(y, p)
    _both(event)
    odds = _log_odds(given)
    shift = 0.0
    for _ in range(MAX_STEPS):
        fitted = special.expit(odds + shift)
        step = float(np.clip((event - fitted).sum() / (fitted * (1 - fitted)).sum(), -1.0, 1.0))
        shift += step
        if abs(step) < 1e-12:
            break
    fitted = special.expit(odds + shift)
    code, groups = _codes(customers, event.size)
    influence = np.bincount(code, event - fitted, groups) / (fitted * (1 - fitted)).sum()
    reach = _reach(influence, level)
    return Estimate(
        "calibration intercept", shift, shift - reach, shift + reach, level, f"by {groups} customers"
    )


def calibration_slope(
    y: ArrayLike, p: ArrayLike, customers: ArrayLike | None = None, level: float = 0.95
) -> Estimate:
    """Coefficient of the log-odds given in a logistic regression; below 1 they are too extreme.

    Errors are the sandwich by customer, with a t quantile (`arrisk.models.jackknife`).

    Returns
    -------
    Estimate
        Missing, with the reason as its method, when all probabilities are alike or they separate the classes.

    Raises
    ------
    ModelError
        With one class only.

    Examples
    --------
    >>> slope = calibration_slope([0, 0, 0, 1, 0, 1, 1, 1], [0.2] * 4 + [0.8] * 4)
    >>> round(slope.value, 6) == round(float(np.log(3) / np.log(4)), 6)
    True
    """
    event, given = outcomes(y, p)
    _both(event)
    odds = _log_odds(given)
    try:
        fit = fit_logit(odds[:, None], event)
    except ModelError as error:
        return Estimate("calibration slope", np.nan, np.nan, np.nan, level, f"none: {error}")
    code, groups = _codes(customers, event.size)
    fitted = fit.probability(odds[:, None])
    design = np.column_stack([np.ones(odds.size), odds])
    bread = np.linalg.inv((design.T * (fitted * (1 - fitted))) @ design)
    scores = np.asarray((design * (event - fitted)[:, None]) @ bread[1], dtype=float)
    influence = np.asarray(np.bincount(code, scores, groups), dtype=float)
    value, reach = float(fit.coefficients[1]), _reach(influence, level)
    return Estimate("calibration slope", value, value - reach, value + reach, level, f"by {groups} customers")


def _log_odds(given: Floats) -> Floats:
    return np.asarray(special.logit(np.clip(given, SMALLEST, 1.0 - SMALLEST)), dtype=float)


def _codes(customers: ArrayLike | None, rows: int) -> tuple[Ints, int]:
    return (np.arange(rows), rows) if customers is None else customer_codes(customers, rows)


def _both(event: Floats) -> None:
    if event.min() == event.max():
        raise ModelError(f"calibration along the scale needs both classes; all {event.size} rows are alike")


def _reach(influence: Floats, level: float) -> float:
    """Half an interval from the customers' contributions to a figure."""
    n = influence.size
    return float(jackknife_reach(-influence, level)) * n / (n - 1) if n > 1 else math.inf


def _garwood(count: int, level: float) -> tuple[float, float]:
    tail = (1 - level) / 2
    low = float(stats.chi2.ppf(tail, 2 * count)) / 2 if count else 0.0
    return low, float(stats.chi2.isf(tail, 2 * count + 2)) / 2
