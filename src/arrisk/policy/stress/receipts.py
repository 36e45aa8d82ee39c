"""Receipts of the weeks ahead by customer, and what failures and slower payment make of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.cash.simulation import FLOWS, simulate_cash

if TYPE_CHECKING:
    from arrisk.models.cash.cash_forecast import CashForecast

__all__ = ["WEEK", "Failures", "Receipts", "draw_receipts"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
WEEK = 7
CELLS = 8_000_000
MOST = 50


@dataclass(frozen=True, slots=True, eq=False)
class Failures:
    """Who fails in which draw, and from which day on nothing comes.

    Parameters
    ----------
    draw, customer, day : int array of shape (failures,)
        Draw; position in the customers of the receipts (-1: none of them); day ahead, 1 is tomorrow.
    """

    draw: Ints
    customer: Ints
    day: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Receipts:
    """Drawn receipts, one entry for each customer and day with cash; made by `draw_receipts`.

    Parameters
    ----------
    names : array of str, shape (customers,)
    draws, days : int
    draw, customer, day : int array of shape (entries,)
        Sorted by draw, then customer; day 1 is tomorrow.
    amount : int array of shape (entries,)
        Minor units.
    scale : int
        Minor units in one unit of the currency.
    sold : array of shape (draws,)
        Sales of the horizon over their mean.
    """

    names: NDArray[np.object_]
    draws: int
    days: int
    draw: Ints
    customer: Ints
    day: Ints
    amount: Ints
    scale: int
    sold: Floats
    _cache: dict[str, Floats] = field(default_factory=dict, repr=False)

    @property
    def weeks(self) -> int:
        """Weeks of the horizon, the last one perhaps short."""
        return -(-self.days // WEEK)

    def weekly(self) -> Floats:
        """Receipts by draw and week, currency units, shape (draws, weeks); not to be changed."""
        if "weekly" not in self._cache:
            self._cache["weekly"] = self._sums(self.draw, self.day, self.amount, self.draws)
        return self._cache["weekly"]

    def by_customer(self) -> Floats:
        """Mean receipts of the horizon by customer, currency units."""
        sums = np.bincount(self.customer, weights=self.amount, minlength=self.names.size)
        return np.asarray(sums / self.draws / self.scale, dtype=float)

    def delayed(self, days: Floats, onset: float) -> Receipts:
        """The same receipts, later.

        Parameters
        ----------
        days : array of shape (customers,)
            Days by which each customer pays later once the delay is built up.
        onset : float
            Days within which it builds up evenly; 0 is at once.

        Returns
        -------
        Receipts
            What falls behind the horizon is gone; whole days, rounded down.
        """
        share = np.ones(self.day.size) if onset <= 0 else np.minimum(self.day / onset, 1.0)
        later = self.day + np.floor(days[self.customer] * share + 1e-9).astype(np.int64)
        kept = later <= self.days
        return Receipts(
            self.names,
            self.draws,
            self.days,
            self.draw[kept],
            self.customer[kept],
            later[kept],
            self.amount[kept],
            self.scale,
            self.sold,
        )

    def lost(self, failures: Failures, pair: Ints) -> Floats:
        """Receipts that failures take away, by draw and week, currency units.

        Parameters
        ----------
        failures : Failures
            A customer fails once in a draw.
        pair : int array of shape (draws of the failures,)
            The draw of the receipts that each of them meets.

        Returns
        -------
        array of shape (draws of the failures, weeks)
        """
        known = (failures.customer >= 0) & (failures.day <= self.days)
        who, draw, day = failures.customer[known], failures.draw[known], failures.day[known]
        key = self.draw * self.names.size + self.customer
        wanted = pair[draw] * self.names.size + who
        first = np.searchsorted(key, wanted, side="left")
        count = np.searchsorted(key, wanted, side="right") - first
        at = np.repeat(first - np.cumsum(count) + count, count) + np.arange(int(count.sum()))
        after = self.day[at] >= np.repeat(day, count)
        at = at[after]
        return self._sums(np.repeat(draw, count)[after], self.day[at], self.amount[at], pair.size)

    def _sums(self, draw: Ints, day: Ints, amount: Ints, draws: int) -> Floats:
        flat = draw * self.weeks + (day - 1) // WEEK
        sums = np.bincount(flat, weights=amount, minlength=draws * self.weeks)
        return np.asarray(sums.reshape(draws, self.weeks) / self.scale, dtype=float)


def draw_receipts(forecast: CashForecast, draws: int = 500, seed: int = 0) -> Receipts:
    """Draw the receipts of a cash forecast again, kept by customer.

    Parameters
    ----------
    forecast : CashForecast
        Its items, rates, shocks and deductions are drawn from.
    draws : int
    seed : int
        One child seed per block of draws.

    Returns
    -------
    Receipts

    Raises
    ------
    ModelError
        If there are no draws.
    """
    if draws < 1:
        raise ModelError(f"need at least one draw, got {draws}")
    items = forecast.inputs.items
    code, names = pd.factorize(items["customer_id"], sort=True)
    size = max(1, min(MOST, CELLS // max(forecast.days * len(names) * 4, 1)))
    sizes = [min(size, draws - start) for start in range(0, draws, size)]
    seeds = np.random.SeedSequence(seed).generate_state(len(sizes))
    width = len(str(len(names)))
    groups = np.char.zfill(code.astype(str), width)
    parts, sales = [], []
    for k, (count, child) in enumerate(zip(sizes, seeds, strict=True)):
        drawn = simulate_cash(
            items,
            forecast.inputs.rates,
            forecast.shocks,
            forecast.days,
            count,
            int(child),
            1,
            groups,
            forecast.settlement,
            forecast.inputs.sales.volume,
        )
        who = np.array(drawn.groups, dtype=str).astype(np.int64)
        cash = drawn.minor[..., FLOWS.index("cash")].transpose(0, 2, 1)
        sales.append(drawn.flow("sales").sum(axis=1).astype(float))
        draw, group, day = np.nonzero(cash)
        parts.append((draw + k * size, who[group], day + 1, cash[draw, group, day]))
    draw, customer, day, amount = (np.concatenate([p[c] for p in parts]) for c in range(4))
    labels = np.asarray(names, dtype=object)
    sold = np.concatenate(sales)
    sold = sold / sold.mean() if sold.any() else np.ones(draws)
    return Receipts(labels, draws, forecast.days, draw, customer, day, amount, forecast.scale, sold)
