"""Tests of probabilities against counts: binomial with correlated defaults, Jeffreys, Hosmer-Lemeshow.

The counts are of customers graded on one day; several days of one customer are no new customers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from arrisk.errors import ModelError
from arrisk.models.validation.estimates import design_effect, outcomes
from arrisk.models.validation.grouping import Grouping, by_grade, by_quantile

__all__ = [
    "HosmerLemeshow",
    "binomial_p_value",
    "critical_count",
    "critical_rate_limit",
    "grade_tests",
    "hosmer_lemeshow",
    "jeffreys_p_value",
    "traffic_light",
]

YELLOW, RED = 0.05, 0.001
NODES = np.linspace(-9.0, 9.0, 6001)
WEIGHTS = stats.norm.pdf(NODES) * (NODES[1] - NODES[0])

Floats = NDArray[np.float64]


def binomial_p_value(defaults: int, customers: int, probability: float, correlation: float = 0.0) -> float:
    """Chance of at least so many defaults when the probability is right.

    Parameters
    ----------
    defaults, customers : int
    probability : float
        Of default, strictly between 0 and 1.
    correlation : float
        Of the customers' asset values in the one-factor model of Vasicek, in [0, 1); 0 is the binomial test.

    Raises
    ------
    ModelError
        If a figure is not possible.

    Notes
    -----
    Given the common factor z, defaults are binomial with probability
    Phi((Phi^-1(p) - sqrt(rho) z) / sqrt(1 - rho)); the mixture over z is integrated numerically.

    Examples
    --------
    >>> round(binomial_p_value(9, 500, 0.01), 10)
    0.0671101599
    """
    _check(customers, probability, correlation)
    if not 0 <= defaults <= customers:
        raise ModelError(f"{defaults} defaults of {customers} customers")
    return float(_tails(np.array([defaults]), customers, probability, correlation)[0])


def critical_count(customers: int, probability: float, correlation: float = 0.0, level: float = 0.99) -> int:
    """Fewest defaults that are too many: the smallest k with P(at least k) <= 1 - level, exactly.

    Parameters as in `binomial_p_value`; `level` is the confidence of the one-sided test. It is
    `customers` + 1 when no count is too many.

    Notes
    -----
    Basel Committee, Working Paper 14 (2005), tests on default probabilities; its critical counts for 1,000
    customers at 1% are those of the exact mixture, not of the limit for infinitely many customers
    (`critical_rate_limit`), which is lower.

    Examples
    --------
    >>> [critical_count(1000, 0.01, rho) for rho in (0, 0.05, 0.10, 0.15, 0.20)]
    [19, 35, 49, 63, 77]
    """
    _check(customers, probability, correlation)
    low, high = 0, customers + 1
    while low < high:
        middle = (low + high) // 2
        if _tails(np.array([middle]), customers, probability, correlation)[0] <= 1 - level:
            high = middle
        else:
            low = middle + 1
    return low


def critical_rate_limit(probability: float, correlation: float, level: float = 0.99) -> float:
    """Quantile of the default rate of infinitely many customers (Vasicek), the usual approximation.

    Examples
    --------
    >>> round(1000 * critical_rate_limit(0.01, 0.05), 1)
    31.9
    """
    _check(1, probability, correlation)
    shift = np.sqrt(correlation) * stats.norm.ppf(level) + stats.norm.ppf(probability)
    return float(stats.norm.cdf(shift / np.sqrt(1 - correlation)))


def jeffreys_p_value(defaults: int, customers: int, probability: float) -> float:
    """Posterior chance that the true probability is at most the one given, with Jeffreys' prior.

    Small means that the given probability is too low (European Central Bank, Instructions for reporting the
    validation results of internal models, 2019, 2.5.3.1).

    Examples
    --------
    >>> round(jeffreys_p_value(9, 500, 0.01), 10)
    0.0461884538
    """
    _check(customers, probability, 0.0)
    if not 0 <= defaults <= customers:
        raise ModelError(f"{defaults} defaults of {customers} customers")
    return float(special.betainc(defaults + 0.5, customers - defaults + 0.5, probability))


def traffic_light(p_value: float) -> str:
    """Colour of a grade: red below 0.1%, yellow below 5%, else green.

    D. Tasche, *A traffic lights approach to PD validation* (2003): levels 95% and 99.9% of the distribution
    of the count of defaults, with correlation.

    Examples
    --------
    >>> traffic_light(0.3), traffic_light(0.01), traffic_light(0.0001)
    ('green', 'yellow', 'red')
    """
    if not 0 <= p_value <= 1:
        raise ModelError(f"p_value = {p_value}")
    return "red" if p_value < RED else "yellow" if p_value < YELLOW else "green"


def grade_tests(
    y: ArrayLike,
    p: ArrayLike,
    grades: ArrayLike | Grouping,
    correlation: float = 0.05,
    level: float = 0.99,
) -> pd.DataFrame:
    """All tests by grade, at the grade's mean probability.

    Parameters
    ----------
    y : array of bool, shape (rows,)
    p : array, shape (rows,)
    grades : array of str, shape (rows,), or Grouping
    correlation : float
        Of asset values, for the columns `correlated` and `critical`, and for the light.
    level : float
        Of the critical count.

    Returns
    -------
    DataFrame
        A row a grade: `grade`, `customers` (rows), `defaults`, `expected` (mean probability), p-values
        `binomial`, `correlated`, `jeffreys`, the `critical` count and the `light`. Grades that gave
        probability 0 or 1 to all have no tests.

    Examples
    --------
    >>> table = grade_tests([0] * 99 + [1] * 11, [0.01] * 90 + [0.1] * 20, ["A"] * 90 + ["B"] * 20)
    >>> table[["grade", "defaults", "light"]].values.tolist()
    [['A', 0, 'green'], ['B', 11, 'red']]
    """
    event, given = outcomes(y, p)
    groups = grades if isinstance(grades, Grouping) else by_grade(grades)
    rows = []
    for k, grade in enumerate(groups.labels):
        mine = groups.codes == k
        n, d, mean = int(mine.sum()), int(event[mine].sum()), float(given[mine].mean())
        rows.append((grade, n, d, mean, *_tested(n, d, mean, correlation, level)))
    columns = ["grade", "customers", "defaults", "expected", "binomial", "correlated", "jeffreys"]
    return pd.DataFrame(rows, columns=[*columns, "critical", "light"])


def _tested(
    n: int, d: int, mean: float, correlation: float, level: float
) -> tuple[float, float, float, float, str]:
    if not 0 < mean < 1:
        return np.nan, np.nan, np.nan, np.nan, ""
    correlated = binomial_p_value(d, n, mean, correlation)
    return (
        binomial_p_value(d, n, mean),
        correlated,
        jeffreys_p_value(d, n, mean),
        float(critical_count(n, mean, correlation, level)),
        traffic_light(correlated),
    )


@dataclass(frozen=True, slots=True)
class HosmerLemeshow:
    """Test of the rates of groups against their probabilities; made by `hosmer_lemeshow`.

    Parameters
    ----------
    statistic : float
        Sum over groups of (events - expected)^2 / (expected (1 - expected / rows)), over the design effect.
    freedom : int
    p_value : float
        By the chi-square distribution.
    fewest_expected : float
        Smallest expected count of events or non-events in a group; below about 5 the p-value is rough.
    grouping : str
        The rule that made the groups: the result depends on it.
    """

    statistic: float
    freedom: int
    p_value: float
    fewest_expected: float
    grouping: str


def hosmer_lemeshow(
    y: ArrayLike,
    p: ArrayLike,
    grouping: Grouping | None = None,
    customers: ArrayLike | None = None,
    estimated: int = 0,
) -> HosmerLemeshow:
    """Test of Hosmer and Lemeshow (1980), with the grouping named.

    Parameters
    ----------
    y : array of bool, shape (rows,)
    p : array, shape (rows,)
    grouping : Grouping, optional
        By default ten groups of about equal numbers with ties together.
    customers : array, shape (rows,), optional
        The statistic is divided by the design effect (Rao and Scott 1981).
    estimated : int
        Degrees of freedom lost: 0 for rows that the score was not fitted on, 2 for those it was.

    Raises
    ------
    ModelError
        If too few groups are left, or a group was given probability 0 or 1 throughout.

    Examples
    --------
    >>> test = hosmer_lemeshow([0, 1, 0, 1, 1, 1], [0.5, 0.5, 0.5, 0.5, 0.75, 0.75], by_grade(list("AAAABB")))
    >>> round(test.statistic, 6), test.freedom, test.grouping
    (0.666667, 2, 'by grade')
    """
    event, given = outcomes(y, p)
    groups = grouping or by_quantile(given)
    rows = np.bincount(groups.codes)
    events, expected = (np.bincount(groups.codes, v) for v in (event, given))
    variance = expected * (1 - expected / rows)
    freedom = rows.size - estimated
    if freedom < 1 or not (variance > 0).all():
        raise ModelError(
            f"{rows.size} groups, {int((variance <= 0).sum())} of them certain of their events: no test"
        )
    effect = design_effect(event, given, customers)
    statistic = float(((events - expected) ** 2 / variance).sum()) / effect
    fewest = float(min(expected.min(), (rows - expected).min()))
    return HosmerLemeshow(statistic, freedom, float(stats.chi2.sf(statistic, freedom)), fewest, groups.rule)


def _tails(counts: Floats, customers: int, probability: float, correlation: float) -> Floats:
    """P(at least k) of each count."""
    if correlation == 0.0:
        return np.asarray(stats.binom.sf(counts - 1, customers, probability), dtype=float)
    shifted = stats.norm.ppf(probability) - np.sqrt(correlation) * NODES
    given = stats.norm.cdf(shifted / np.sqrt(1 - correlation))
    tails = stats.binom.sf(counts[:, None] - 1, customers, given[None, :])
    return np.asarray(np.minimum(tails @ WEIGHTS, 1.0), dtype=float)


def _check(customers: int, probability: float, correlation: float) -> None:
    if customers < 1 or not 0 < probability < 1 or not 0 <= correlation < 1:
        raise ModelError(
            f"{customers} customers at probability {probability} with correlation {correlation}: no test"
        )
