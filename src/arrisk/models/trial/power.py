"""Size of a randomised pilot: how many customers an arm needs, and what a given number can show."""

from __future__ import annotations

import math

from scipy import stats

__all__ = ["detectable_shift", "pilot_size_means", "pilot_size_shares"]


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
        If the shares are equal.

    Examples
    --------
    >>> round(pilot_size_shares(0.20, 0.30))
    293
    """
    if control == treated:
        raise ValueError("two equal shares cannot be told apart by any number of customers")
    mean = (control + treated) / 2
    null = _z(0.5 + level / 2) * math.sqrt(2 * mean * (1 - mean))
    other = _z(power) * math.sqrt(control * (1 - control) + treated * (1 - treated))
    return ((null + other) / (control - treated)) ** 2


def pilot_size_means(shift: float, sd: float, *, power: float = 0.8, level: float = 0.95) -> int:
    """Customers an arm to see a shift of a mean whose standard deviation between customers is `sd`.

    Examples
    --------
    >>> pilot_size_means(5, 10)
    63
    """
    if shift == 0:
        raise ValueError("a shift of 0 cannot be seen with any number of customers")
    return max(2, math.ceil(2 * ((_z(0.5 + level / 2) + _z(power)) * sd / shift) ** 2))


def detectable_shift(customers: int, sd: float, *, power: float = 0.8, level: float = 0.95) -> float:
    """Smallest shift of a mean that `customers` an arm would show.

    Examples
    --------
    >>> round(detectable_shift(63, 10), 1)
    5.0
    """
    return (_z(0.5 + level / 2) + _z(power)) * sd * math.sqrt(2 / customers)


def _z(probability: float) -> float:
    return float(stats.norm.ppf(probability))
