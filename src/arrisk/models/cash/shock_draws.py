"""Draws of the shocks that items have in common: frailty, common factors, customers that stop paying."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from arrisk.models.cash.shock_windows import PERIOD_DAYS
from arrisk.models.timing.day_counts import Floats

__all__ = ["ShockDraws", "stop_together"]


@dataclass(frozen=True, slots=True)
class ShockDraws:
    """Values of the parameters of the shocks with their weights, from which each simulation takes one.

    Parameters
    ----------
    variances : array, shape (m,)
        Equally likely variances of the frailty of customers.
    scales, persistence, weights : array, shape (n,)
        Standard deviations and persistence of the common shock, and how likely each pair is.
    stopping : array, shape (k,)
        Equally likely chances that a customer stops paying in a period of 28 days.
    """

    variances: Floats
    scales: Floats
    persistence: Floats
    weights: Floats
    stopping: Floats = field(default_factory=lambda: np.zeros(1))

    def draw(
        self, draws: int, customers: int, periods: int, rng: np.random.Generator
    ) -> tuple[Floats, Floats, Floats]:
        """Variance of the frailty (draws,), frailties (draws, customers), common factors (draws, periods)."""
        variance = rng.choice(self.variances, draws)
        pair = rng.choice(self.weights.size, draws, p=self.weights)
        frailty = np.ones((draws, customers))
        some = variance > 0
        shape = 1.0 / variance[some]
        frailty[some] = rng.standard_gamma(shape[:, None], (int(some.sum()), customers)) / shape[:, None]
        scale, keep = self.scales[pair], self.persistence[pair]
        noise = rng.standard_normal((draws, periods))
        state = noise[:, 0] if periods else np.empty(draws)
        states = [state]
        for p in range(1, periods):
            states.append(keep * states[-1] + np.sqrt(1.0 - keep**2) * noise[:, p])
        common = np.stack(states, axis=1) * scale[:, None]
        return variance, frailty, np.exp(common - scale[:, None] ** 2 / 2)

    def draw_stops(
        self, draws: int, customers: int, days: int, rng: np.random.Generator
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """Chance that a customer stops paying within some days (draws,), and who does (draws, customers)."""
        each = rng.choice(self.stopping, draws)
        chance = -np.expm1(days / PERIOD_DAYS * np.log1p(-each))
        return chance, rng.random((draws, customers)) < chance[:, None]


def stop_together(need: Floats, chance: Floats, stopped: NDArray[np.bool_]) -> Floats:
    """Needs of items whose customers stop paying or do not.

    Parameters
    ----------
    need : array, shape (n,)
        Cumulative rates that the items need, each exponential of mean one.
    chance : array, shape (n,)
        Chance that the customer of the item stops paying.
    stopped : array of bool, shape (n,)
        Whether it does.

    Returns
    -------
    array, shape (n,)
        Beyond ``-log(chance)`` where the customer stops and within it elsewhere; exponential as before when
        `stopped` has its chance, so that each item keeps its own rates.

    Examples
    --------
    >>> need = np.array([0.1, 0.1])
    >>> stop_together(need, np.array([0.02, 0.02]), np.array([True, False])).round(3).tolist()
    [4.012, 0.098]
    """
    out = need.copy()
    out[stopped] -= np.log(chance[stopped])
    others = ~stopped & (chance > 0)
    out[others] = -np.log1p((1.0 - chance[others]) * np.expm1(-need[others]))
    return out
