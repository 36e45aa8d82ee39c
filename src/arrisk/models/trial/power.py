"""Size of a randomised trial: how many customers an arm needs, and what a given number can show.

Every function is plain arithmetic on numbers that a reader can check by hand; `simulate_power` says the same
from the ledger's own past.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

__all__ = [
    "chance_to_pick_better",
    "design_effect",
    "detectable_shift",
    "diluted_shift",
    "intraclass_correlation",
    "pilot_size_means",
    "pilot_size_shares",
    "power_of_shares",
    "power_of_shift",
    "size_variation",
]

Floats = NDArray[np.float64]


def pilot_size_shares(control: float, treated: float, *, power: float = 0.8, level: float = 0.95) -> float:
    """Units an arm to tell two shares apart (two-sided z test, pooled variance under the null).

    Parameters
    ----------
    control, treated : float
        Shares expected in the two arms, fractions that differ.
    power : float
        Chance to see the difference.
    level : float
        One less the chance to see one that is not there.

    Returns
    -------
    float
        Not rounded.

    Raises
    ------
    ValueError
        If the shares are equal, or a probability is none.

    Examples
    --------
    >>> round(pilot_size_shares(0.20, 0.30))
    293
    """
    _check_shares(control, treated)
    _check_odds(power, level)
    if control == treated:
        raise ValueError("two equal shares cannot be told apart by any number of customers")
    mean = (control + treated) / 2
    null = _z(0.5 + level / 2) * math.sqrt(2 * mean * (1 - mean))
    other = _z(power) * math.sqrt(control * (1 - control) + treated * (1 - treated))
    return ((null + other) / (control - treated)) ** 2


def power_of_shares(control: float, treated: float, arm: float, *, level: float = 0.95) -> float:
    """Chance that `arm` units an arm show the difference of two shares; inverse of `pilot_size_shares`.

    Examples
    --------
    >>> round(power_of_shares(0.20, 0.30, 293), 2)
    0.8
    """
    _check_shares(control, treated)
    mean = (control + treated) / 2
    null = _z(0.5 + level / 2) * math.sqrt(2 * mean * (1 - mean) / arm)
    spread = math.sqrt((control * (1 - control) + treated * (1 - treated)) / arm)
    if spread == 0:
        return float(abs(control - treated) > null)
    gap = abs(control - treated)
    return float(stats.norm.cdf((gap - null) / spread) + stats.norm.cdf((-gap - null) / spread))


def chance_to_pick_better(control: float, treated: float, arm: int) -> float:
    """Chance that the arm with the better share also shows more successes, ties decided by a coin; exact.

    The sum over both binomial counts of ``P(better > worse) + P(equal) / 2``.

    Parameters
    ----------
    control, treated : float
        True shares of success; which is which does not matter.
    arm : int
        Units an arm.

    Examples
    --------
    >>> [round(chance_to_pick_better(0.20, 0.30, n), 2) for n in (20, 50, 100)]
    [0.77, 0.88, 0.95]
    """
    _check_shares(control, treated)
    if arm < 1:
        raise ValueError(f"arm = {arm!r}: at least one unit an arm is needed")
    counts = np.arange(arm + 1)
    better, worse = max(control, treated), min(control, treated)
    of_better = stats.binom.pmf(counts, arm, better)
    below = stats.binom.cdf(counts, arm, worse) - stats.binom.pmf(counts, arm, worse) / 2
    return float(of_better @ below)


def pilot_size_means(
    shift: float, sd: float, *, power: float = 0.8, level: float = 0.95, factor: float = 1.0
) -> int:
    """Customers an arm to see a shift of a mean whose standard deviation between customers is `sd`.

    Parameters
    ----------
    shift, sd : float
        In the same unit.
    power, level : float
        See `pilot_size_shares`.
    factor : float
        What the variance is multiplied by: a `design_effect`, or ``1 - rho**2`` when the analysis adjusts for
        a baseline that correlates `rho` with the outcome (Borm, Fransen and Lemmens 2007).

    Examples
    --------
    >>> pilot_size_means(5, 10)
    63
    >>> pilot_size_means(5, 10, factor=1 - 0.7**2)
    33
    """
    _check_odds(power, level)
    if shift == 0:
        raise ValueError("a shift of 0 cannot be seen with any number of customers")
    one = ((_z(0.5 + level / 2) + _z(power)) * sd / shift) ** 2
    return max(2, math.ceil(2 * factor * one))


def detectable_shift(
    customers: float,
    sd: float,
    *,
    power: float = 0.8,
    level: float = 0.95,
    factor: float = 1.0,
    control: float | None = None,
) -> float:
    """Smallest shift of a mean that `customers` in the treated arm would show.

    Parameters
    ----------
    customers : float
        Of the treated arm.
    sd : float
        Standard deviation between customers.
    power, level, factor : float
        See `pilot_size_means`.
    control : float, optional
        Customers of the other arm; as many by default.

    Examples
    --------
    >>> round(detectable_shift(63, 10), 1)
    5.0
    >>> round(detectable_shift(63, 10, control=630), 1)
    3.7
    """
    _check_odds(power, level)
    other = customers if control is None else control
    return (_z(0.5 + level / 2) + _z(power)) * sd * math.sqrt(factor * (1 / customers + 1 / other))


def power_of_shift(
    shift: float,
    sd: float,
    customers: float,
    *,
    level: float = 0.95,
    factor: float = 1.0,
    control: float | None = None,
) -> float:
    """Chance that a trial shows a shift of a mean (two-sided z test); see `detectable_shift`.

    Examples
    --------
    >>> round(power_of_shift(5, 10, 63), 2)
    0.8
    >>> round(power_of_shift(0, 10, 63), 2)
    0.05
    """
    _check_odds(0.5, level)
    other = customers if control is None else control
    apart = shift / (sd * math.sqrt(factor * (1 / customers + 1 / other)))
    edge = _z(0.5 + level / 2)
    return float(stats.norm.cdf(apart - edge) + stats.norm.cdf(-apart - edge))


def diluted_shift(shift: float, take_up: float, attrition: float = 0.0) -> float:
    """The shift of all who were offered, when only a part takes the offer and some leave before it starts.

    A trial compares everyone as assigned, so those who do not take dilute the effect on takers; at half the
    take-up a trial needs four times the customers.

    Parameters
    ----------
    shift : float
        Effect on takers.
    take_up : float
        Part of the offered who take.
    attrition : float
        Part of the offered who are never reached.

    Examples
    --------
    >>> diluted_shift(-20, 0.3)
    -6.0
    """
    for name, value in (("take_up", take_up), ("attrition", attrition)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} = {value!r}: a fraction from 0 to 1")
    return shift * take_up * (1 - attrition)


def size_variation(sizes: ArrayLike) -> float:
    """Coefficient of variation of cluster sizes (standard deviation over mean, of the whole population).

    Examples
    --------
    >>> size_variation([1, 3])
    0.5
    """
    counts = np.asarray(sizes, dtype=float)
    return float(counts.std() / counts.mean())


def design_effect(sizes: ArrayLike, icc: float) -> float:
    """How much larger the variance of a mean over invoices is when whole customers are randomised.

    ``1 + (m (1 + cv**2) - 1) * icc`` with `m` invoices a customer on average and `cv` their coefficient of
    variation (Eldridge, Ashby and Kerry 2006).

    Parameters
    ----------
    sizes : array of int, customers
        Invoices of each.
    icc : float
        See `intraclass_correlation`.

    Examples
    --------
    >>> round(design_effect([5, 5, 5], 0.2), 2), round(design_effect([1, 9, 5], 0.2), 2)
    (1.8, 2.23)
    """
    counts = np.asarray(sizes, dtype=float)
    if counts.size == 0 or (counts <= 0).any():
        raise ValueError("sizes: every customer needs at least one invoice")
    return float(1 + (counts.mean() * (1 + size_variation(counts) ** 2) - 1) * icc)


def intraclass_correlation(values: ArrayLike, clusters: ArrayLike) -> float:
    """Part of the variance of invoices that lies between customers (one-way analysis of variance).

    ``(MSB - MSW) / (MSB + (n0 - 1) MSW)`` with ``n0 = (N - sum(n**2) / N) / (k - 1)`` for unequal clusters
    (Donner 1986); not below 0.

    Parameters
    ----------
    values : array, invoices
    clusters : array, invoices
        The customer of each.

    Raises
    ------
    ValueError
        With fewer than two customers, or when nobody has two invoices.

    Examples
    --------
    >>> intraclass_correlation([1, 1, 5, 5], ["a", "a", "b", "b"])
    1.0
    """
    y = np.asarray(values, dtype=float)
    _, code, count = np.unique(np.asarray(clusters).astype(str), return_inverse=True, return_counts=True)
    k, total = len(count), len(y)
    if k < 2 or total == k:
        raise ValueError("it takes two customers, and one of them with two invoices")
    mean = np.bincount(code, weights=y) / count
    between = float((count * (mean - y.mean()) ** 2).sum() / (k - 1))
    within = float(((y - mean[code]) ** 2).sum() / (total - k))
    usual = (total - (count**2).sum() / total) / (k - 1)
    whole = between + (usual - 1) * within
    return max(0.0, float((between - within) / whole)) if whole > 0 else 0.0


def _check_shares(*shares: float) -> None:
    for share in shares:
        if not 0 <= share <= 1:
            raise ValueError(f"share = {share!r}: a fraction from 0 to 1")


def _check_odds(power: float, level: float) -> None:
    for name, value in (("power", power), ("level", level)):
        if not 0 < value < 1:
            raise ValueError(f"{name} = {value!r}: between 0 and 1")


def _z(probability: float) -> float:
    return float(stats.norm.ppf(probability))
