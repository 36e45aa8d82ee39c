"""The most prudent estimate of Pluto and Tasche: highest default rates that few defaults do not rule out."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from arrisk.errors import ModelError
from arrisk.models.intervals import upper_bound

__all__ = ["jeffreys_upper", "pluto_tasche", "pluto_tasche_periods", "scale_to_central"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FACTOR_REACH, FACTOR_POINTS = 9.0, 3601
PROBIT_REACH = 12.0
HIGHEST_CORRELATION = 0.99
BATCHES, DRAWS = 8, 8_000


def pluto_tasche(n: ArrayLike, d: ArrayLike, level: float, correlation: float) -> Floats:
    """Most prudent probability of default of each grade, from one period.

    Parameters
    ----------
    n, d : array of int, shape (grades,)
        Customers and how many of them defaulted, best grade first. Customers are the trials: neither
        invoices nor the days on which a customer was looked at.
    level : float
        Confidence of the bounds, between 0 and 1.
    correlation : float
        Asset correlation of the one-factor model, from 0 (independent customers) to 0.99.

    Returns
    -------
    array, shape (grades,)
        The bounds as fractions, never falling from a grade to the next worse one. A grade with no customer in
        it or below it is bounded by 1.

    Raises
    ------
    ModelError
        If the counts are not whole numbers with ``0 <= d <= n``, or the level or the correlation is not
        possible.

    Notes
    -----
    A grade is at most as risky as the worse ones, so the customers of the grade and of all worse grades are
    taken together: the bound is the p at which so few defaults among them have probability ``1 - level``.
    Where a better grade defaulted more than the worse ones, its bound is carried on to them.
    Without correlation that is the one-sided Clopper-Pearson bound. With correlation `rho` a customer
    defaults with probability ``Phi((Phi^-1(p) - sqrt(rho) s) / sqrt(1 - rho))`` when the common factor is
    `s`, and the binomial probability is averaged over the standard normal `s` by the trapezoid rule. That is
    good to ten digits, but for millions of customers with a correlation above one half only to four.

    Source: Pluto and Tasche (2005), Estimating probabilities of default for low default portfolios.

    Examples
    --------
    >>> (100 * pluto_tasche([100, 400, 300], [0, 0, 0], 0.9, 0.0)).round(2).tolist()
    [0.29, 0.33, 0.76]
    >>> (100 * pluto_tasche([100, 400, 300], [0, 0, 0], 0.9, 0.12)).round(2).tolist()
    [0.86, 0.96, 1.89]
    """
    customers, defaults = _with_worse(*_counts(n, d))
    _check(level, correlation)
    pairs = zip(customers.tolist(), defaults.tolist(), strict=True)
    if correlation == 0:
        return _ordered(np.array([upper_bound(k, m, level).high for m, k in pairs]))
    factor = np.linspace(-FACTOR_REACH, FACTOR_REACH, FACTOR_POINTS)
    weight = np.exp(-0.5 * factor**2)
    weight /= weight.sum()

    def given(probit: float) -> Floats:
        return np.asarray(special.ndtr((probit - math.sqrt(correlation) * factor) / _own(correlation)))

    return _ordered(np.array([_solve(m, k, level, given, weight) for m, k in pairs]))


def pluto_tasche_periods(
    n: ArrayLike,
    d: ArrayLike,
    level: float,
    correlation: float,
    periods: int,
    persistence: float,
    seed: int = 0,
    draws: int = DRAWS,
) -> tuple[Floats, Floats]:
    """Most prudent probability of default in one period, from customers followed over several.

    Parameters
    ----------
    n, d : array of int, shape (grades,)
        Customers at the start and how many of them defaulted in any of the periods, best grade first.
    level, correlation : float
        As in `pluto_tasche`.
    periods : int
        How many periods the customers were followed.
    persistence : float
        Correlation of the common factor with itself a period later, from 0 to 1: the correlation of periods
        `s` and `t` is ``persistence ** abs(s - t)``.
    seed, draws : int
        Paths of the factor are simulated in 8 batches of so many draws.

    Returns
    -------
    bounds, errors : arrays of shape (grades,)
        Fractions for one period, and the Monte Carlo standard error of each (0 without correlation, where
        the bound is exact).

    Raises
    ------
    ModelError
        As `pluto_tasche`; also for less than one period or a persistence outside [0, 1].

    Notes
    -----
    Given the path `s` of the factor a customer defaults within the periods with probability
    ``1 - prod_t (1 - Phi((Phi^-1(p) - sqrt(rho) s_t) / sqrt(1 - rho)))``. All solutions of a batch use the
    same paths, so the bounds keep their order. Source: Pluto and Tasche (2005), section on several periods.

    Examples
    --------
    >>> bounds, errors = pluto_tasche_periods([100, 400, 300], [0, 0, 0], 0.9, 0.0, 5, 0.3)
    >>> (100 * bounds).round(3).tolist(), errors.tolist()
    ([0.058, 0.066, 0.153], [0.0, 0.0, 0.0])
    """
    customers, defaults = _with_worse(*_counts(n, d))
    _check(level, correlation)
    if periods < 1 or not 0 <= persistence <= 1:
        raise ModelError(f"periods = {periods}, persistence = {persistence}: at least 1, and from 0 to 1")
    pairs = list(zip(customers.tolist(), defaults.tolist(), strict=True))
    if correlation == 0:
        whole = np.array([upper_bound(k, m, level).high for m, k in pairs])
        with np.errstate(divide="ignore"):
            return _ordered(-np.expm1(np.log1p(-whole) / periods)), np.zeros(len(pairs))
    batches = [
        [_solve(m, k, level, given, None) for m, k in pairs]
        for given in _paths(correlation, periods, persistence, seed, draws)
    ]
    solved = np.array(batches)
    return _ordered(solved.mean(axis=0)), solved.std(axis=0, ddof=1) / math.sqrt(BATCHES)


def jeffreys_upper(n: ArrayLike, d: ArrayLike, level: float) -> Floats:
    """Upper Jeffreys bound of each grade on its own: the `level` quantile of Beta(d + 1/2, n - d + 1/2).

    Parameters and errors as in `pluto_tasche`; without customers the bound is 1. Grades are not taken
    together and customers are independent, so these bounds may fall from a grade to the next worse one.

    Examples
    --------
    >>> jeffreys_upper([100, 50], [0, 2], 0.95).round(6).tolist()
    [0.018977, 0.106328]
    """
    customers, defaults = _counts(n, d)
    _check(level, 0.0)
    bounds = special.betaincinv(defaults + 0.5, customers - defaults + 0.5, level)
    return np.where(customers > 0, bounds, 1.0)


def scale_to_central(bounds: ArrayLike, n: ArrayLike, central: float) -> Floats:
    """Scale bounds so that their mean over the customers is the central tendency; their ratios stay.

    Parameters
    ----------
    bounds : array, shape (grades,)
        From `pluto_tasche`.
    n : array of int, shape (grades,)
        Customers of each grade.
    central : float
        The probability of default the whole book is to have: its observed rate, or a bound of it.

    Raises
    ------
    ModelError
        If there are no customers, `central` is not a probability above 0, or a scaled bound exceeds 1.

    Notes
    -----
    Pluto and Tasche (2005), section on scaling: ``K = central / (sum n p / sum n)``. A factor above 1 makes
    the estimates more prudent than the bounds.

    Examples
    --------
    >>> bounds = pluto_tasche([100, 400, 300], [0, 2, 1], 0.5, 0.0)
    >>> (100 * scale_to_central(bounds, [100, 400, 300], 3 / 800)).round(2).tolist()
    [0.33, 0.37, 0.4]
    """
    p, customers = np.asarray(bounds, dtype=float), np.asarray(n, dtype=float)
    if not customers.sum() > 0 or not 0 < central <= 1:
        raise ModelError(f"no scaling of {customers.sum():.0f} customers to a central tendency of {central}")
    scaled = p * central * customers.sum() / float(p @ customers)
    if scaled.max() > 1:
        raise ModelError(
            f"a central tendency of {central:.2%} would put a grade above 100%: the bounds are too far apart"
        )
    return np.asarray(scaled)


def _counts(n: ArrayLike, d: ArrayLike) -> tuple[Ints, Ints]:
    customers, defaults = np.asarray(n), np.asarray(d)
    if customers.ndim != 1 or customers.shape != defaults.shape or not customers.size:
        raise ModelError(
            f"need one count of customers and one of defaults a grade, got shapes {customers.shape} and "
            f"{defaults.shape}"
        )
    for counts in (customers, defaults):
        if not np.all(np.isfinite(counts.astype(float))) or np.any(counts != np.floor(counts)):
            raise ModelError(f"customers and defaults are counted in whole numbers, got {counts.tolist()}")
    if np.any(defaults < 0) or np.any(defaults > customers):
        raise ModelError(f"need 0 <= defaults <= customers, got {defaults.tolist()} of {customers.tolist()}")
    return customers.astype(np.int64), defaults.astype(np.int64)


def _check(level: float, correlation: float) -> None:
    if not 0 < level < 1:
        raise ModelError(f"level is a fraction between 0 and 1, got {level}")
    if not 0 <= correlation <= HIGHEST_CORRELATION:
        raise ModelError(f"correlation lies between 0 and {HIGHEST_CORRELATION}, got {correlation}")


def _with_worse(customers: Ints, defaults: Ints) -> tuple[Ints, Ints]:
    """Of each grade and all worse ones together."""
    return np.cumsum(customers[::-1])[::-1], np.cumsum(defaults[::-1])[::-1]


def _ordered(bounds: Floats) -> Floats:
    """No grade below the bound of a better one, also where the counts contradict the order of the grades."""
    return np.asarray(np.maximum.accumulate(bounds))


def _own(correlation: float) -> float:
    """Weight of what is the customer's own."""
    return math.sqrt(1.0 - correlation)


def _solve(
    customers: int, defaults: int, level: float, given: Callable[[float], Floats], weight: Floats | None
) -> float:
    """The p at which at most so many defaults have probability ``1 - level``.

    `given` takes the probit of p to the probability of default at each state of the factor.
    """
    if defaults == customers:
        return 1.0

    def excess(probit: float) -> float:
        few = special.bdtr(float(defaults), customers, given(probit))
        return float(np.average(few, weights=weight)) - (1.0 - level)

    root = optimize.brentq(excess, -PROBIT_REACH, PROBIT_REACH, xtol=1e-13, rtol=1e-13)
    return float(special.ndtr(root))


def _paths(
    correlation: float, periods: int, persistence: float, seed: int, draws: int
) -> list[Callable[[float], Floats]]:
    """For each batch of simulated paths: from the probit of p to the probability of default within them."""
    makers: list[Callable[[float], Floats]] = []
    for child in np.random.SeedSequence(seed).spawn(BATCHES):
        shocks = np.random.default_rng(child).standard_normal((periods, draws))
        path = np.empty_like(shocks)
        path[0] = shocks[0]
        for t in range(1, periods):
            path[t] = persistence * path[t - 1] + math.sqrt(1.0 - persistence**2) * shocks[t]

        def given(probit: float, path: Floats = path) -> Floats:
            each = special.ndtr((probit - math.sqrt(correlation) * path) / _own(correlation))
            with np.errstate(divide="ignore"):
                return np.asarray(-np.expm1(np.log1p(-each).sum(axis=0)))

        makers.append(given)
    return makers
