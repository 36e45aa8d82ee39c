"""How fast each customer pays against what the model expects of it, drawn towards what is expected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["CustomerSpeeds", "ItemDayRates", "find_speeds", "shrunken_speeds"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CHUNK = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class CustomerSpeeds:
    """Payments of each customer against the expected ones.

    Attributes
    ----------
    table : DataFrame
        customer_id, payments, expected, speed: the hazard ratio that is left to the customer.
    variance : float
        Of the speeds, estimated; 0 when customers differ no more than chance makes them.
    """

    table: pd.DataFrame
    variance: float

    def of(self, customer_ids: pd.Series) -> Floats:
        """Speed of each customer, 1 for one that was not seen, shape (n,)."""
        known = self.table["speed"].set_axis(pd.Index(self.table["customer_id"]))
        code, names = pd.factorize(customer_ids.to_numpy(dtype=object))
        return known.reindex(pd.Index(names)).fillna(1.0).to_numpy(dtype=float)[code]


@dataclass(frozen=True, slots=True, eq=False)
class ItemDayRates:
    """What the rate of an item-day is looked up by; one place a stretch at risk.

    Attributes
    ----------
    first, last : array of int, shape (n,)
        Days (day numbers) at risk, both included.
    start : array of int, shape (n,)
        Day 0.
    group, run : array of int, shape (n,)
        Row of `rates`, row of `days`.
    ratio : array of float, shape (n,)
    rates : array of float, shape (groups, ages)
        By age from `first_age` on; earlier and later ages take the ends.
    first_age : int
    days : array of float, shape (runs, days)
        Hazard ratio of each calendar day from `first_day` on.
    first_day : int
    """

    first: Ints
    last: Ints
    start: Ints
    group: Ints
    run: Ints
    ratio: Floats
    rates: Floats
    first_age: int
    days: Floats
    first_day: int


def shrunken_speeds(payments: Floats, expected: Floats, variance: Floats) -> tuple[Floats, float]:
    """Speeds of customers by empirical Bayes.

    Parameters
    ----------
    payments, expected, variance : array of float, shape (customers,)
        Payments seen, their expectation, and their variance if all customers had speed 1.

    Returns
    -------
    tuple
        Speeds, and the variance v between customers.

    Notes
    -----
    With gamma speeds of mean 1 and variance v the posterior mean is ``(payments + 1/v) / (expected + 1/v)``;
    v by moments: ``(sum of (payments - expected)^2 - sum of variance) / sum of expected^2``.

    Examples
    --------
    >>> speeds, v = shrunken_speeds(np.array([5.0, 20.0]), np.array([10.0, 15.0]), np.array([5.0, 8.0]))
    >>> speeds.round(2).tolist(), round(v, 2)
    ([0.73, 1.21], 0.11)
    """
    square = float((expected**2).sum())
    spread = float(((payments - expected) ** 2).sum() - variance.sum())
    if square == 0 or spread <= 0:
        return np.ones_like(expected), 0.0
    v = spread / square
    return np.asarray((payments + 1.0 / v) / (expected + 1.0 / v), dtype=float), v


def find_speeds(look: ItemDayRates, paid: NDArray[np.bool_], customer_ids: pd.Series) -> CustomerSpeeds:
    """Speeds of the customers of stretches at risk.

    Parameters
    ----------
    look : ItemDayRates
    paid : array of bool, shape (n,)
        Whether each stretch ended in a payment.
    customer_ids : Series, shape (n,)
    """
    code, names = pd.factorize(customer_ids.to_numpy(dtype=object))
    expected, variance = np.zeros(len(names)), np.zeros(len(names))
    for place, chance in _chances(look):
        expected += np.bincount(code[place], chance, len(names))
        variance += np.bincount(code[place], chance * (1.0 - chance), len(names))
    payments = np.bincount(code[paid], minlength=len(names)).astype(float)
    speed, v = shrunken_speeds(payments, expected, variance)
    columns = {"customer_id": names, "payments": payments.astype(np.int64), "expected": expected}
    return CustomerSpeeds(pd.DataFrame(columns | {"speed": speed}), v)


def _chances(look: ItemDayRates) -> Iterator[tuple[Ints, Floats]]:
    """Stretch and chance of payment of every item-day, some millions at a time."""
    each = look.last - look.first + 1
    ends = np.cumsum(each)
    low = 0
    while low < each.size:
        before = int(ends[low - 1]) if low else 0
        high = max(low + 1, int(np.searchsorted(ends, before + CHUNK, side="right")))
        size = each[low:high]
        place = np.repeat(np.arange(low, high), size)
        day = look.first[place] + np.arange(place.size) - np.repeat(ends[low:high] - size - before, size)
        age = np.clip(day - look.start[place] - look.first_age, 0, look.rates.shape[1] - 1)
        rate = look.rates[look.group[place], age] * look.days[look.run[place], day - look.first_day]
        yield place, -np.expm1(-rate * look.ratio[place])
        low = high
