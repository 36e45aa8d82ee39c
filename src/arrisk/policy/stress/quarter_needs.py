"""What simulated quarters need: one number each, over all cases of the loss model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.losses.simulation import simulate_losses
from arrisk.models.tail import weighted_quantile
from arrisk.policy.stress.runs import Book, Run, run_events

if TYPE_CHECKING:
    from arrisk.models.losses.loss_model import LossModel

__all__ = ["QuarterNeeds", "Quarters", "draw_quarters", "measure_needs", "pick_cases"]

Floats = NDArray[np.float64]
MOST_CASES = 24
Quarters = tuple[tuple[float, Run], ...]


@dataclass(frozen=True, slots=True, eq=False)
class QuarterNeeds:
    """Liquidity that simulated quarters need at their start, currency units; made by `measure_needs`.

    Parameters
    ----------
    needs : array of shape (cases, draws)
    weight : array of shape (cases, draws)
        Probability that each stands for; 1 in sum.
    receipt_draws : int
        Independent draws of the receipts behind them.
    """

    needs: Floats
    weight: Floats
    receipt_draws: int

    def quantile(self, level: float) -> float:
        """Liquidity that is enough with at least this chance, all cases together; not below zero."""
        return max(weighted_quantile(self.needs.ravel(), level, self.weight.ravel()), 0.0)

    def quantiles(self, level: float) -> Floats:
        """The same in each case, shape (cases,)."""
        rows = zip(self.needs, self.weight, strict=True)
        return np.array([max(weighted_quantile(x, level, w / w.sum()), 0.0) for x, w in rows])

    def range(self, values: Floats, level: float) -> tuple[float, float]:
        """Central range over the cases of one value each."""
        share = self.weight.sum(axis=1)
        low, high = (weighted_quantile(values, q, share) for q in (0.5 - level / 2, 0.5 + level / 2))
        return low, high

    def error(self, level: float) -> float:
        """Monte Carlo standard error of `quantile`: half the reach of its binomial rank.

        Receipts are drawn once for all cases, so their number counts and not that of the quarters.
        """
        reach = float(np.sqrt(level * (1 - level) / self.receipt_draws))
        low, high = max(level - reach, 0.0), min(level + reach, 1.0)
        return (self.quantile(high) - self.quantile(low)) / 2

    def chances(self, reserve: float) -> Floats:
        """Chance in each case that a reserve is enough, shape (cases,)."""
        inside = np.where(self.needs <= reserve + 1e-9, self.weight, 0.0)
        return np.asarray(inside.sum(axis=1) / self.weight.sum(axis=1), dtype=float)

    def chance(self, reserve: float) -> float:
        """Chance that a reserve is enough in a quarter, all cases together."""
        return float(self.weight[self.needs <= reserve + 1e-9].sum())

    def shortfalls(self, reserve: float) -> Floats:
        """Expected emergency money of a quarter beyond a reserve in each case, shape (cases,)."""
        beyond = np.maximum(self.needs - reserve, 0.0) * self.weight
        return np.asarray(beyond.sum(axis=1) / self.weight.sum(axis=1), dtype=float)

    def shortfall(self, reserve: float) -> float:
        """The same, all cases together."""
        return float((np.maximum(self.needs - reserve, 0.0) * self.weight).sum())


def draw_quarters(book: Book, model: LossModel, draws: int = 2000, together: bool = False) -> Quarters:
    """Simulate quarters at every case of the loss model.

    Parameters
    ----------
    book : Book
    model : LossModel
        Its cases of level and correlation, with their weights; at most 24 that stand for all.
    draws : int
        Quarters of each case.
    together : bool
        See `run_events`.

    Returns
    -------
    tuple of (float, Run)
        Weight and simulated years of each case.
    """
    out = []
    for scale, rho, share in pick_cases(model.cases)[["scale", "rho", "weight"]].itertuples(index=False):
        events = simulate_losses(*model.at(float(scale), float(rho)), draws, book.seed)
        out.append((float(share), run_events(book, events, "quarter", together=together)))
    return tuple(out)


def measure_needs(
    quarters: Quarters,
    floor: float,
    payments: Floats | None = None,
    with_insurance: bool = True,
    variable: float = 0.0,
) -> QuarterNeeds:
    """Liquidity that each quarter needs so that no week ends below a floor.

    Today counts too: a reserve below the floor is never enough.

    Parameters
    ----------
    quarters : tuple of (float, Run)
        Weight and draws of each case.
    floor : float
        What must always be left, currency units.
    payments : array of shape (weeks,), optional
        In place of those planned.
    with_insurance : bool
        Whether what the insurer pays within the quarter counts.
    variable : float
        Part of the payments that follows the sales of each draw; by default all go on as planned.
    """
    needs, weights = [], []
    for share, run in quarters:
        planned = run.payments if payments is None else payments
        other = replace(run, payments=planned * (1 + variable * (run.sold[:, None] - 1)))
        lowest = np.minimum(other.change(with_insurance).min(axis=1), 0.0)
        needs.append(floor - lowest)
        weights.append(share * run.weight)
    return QuarterNeeds(np.array(needs), np.array(weights), quarters[0][1].receipt_draws)


def pick_cases(cases: pd.DataFrame, most: int = MOST_CASES) -> pd.DataFrame:
    """At most so many cases that stand for all, with weights that sum to 1.

    Many are thinned by systematic sampling along the order of scale and correlation.

    Examples
    --------
    >>> grid = pd.DataFrame({"scale": [1.0, 2.0, 3.0], "rho": 0.1, "weight": [0.5, 0.25, 0.25]})
    >>> pick_cases(grid, 2)[["scale", "weight"]].values.tolist()
    [[1.0, 0.5], [2.0, 0.5]]
    """
    alive = cases[cases["weight"] > 0].sort_values(["scale", "rho"], kind="stable").reset_index(drop=True)
    share = alive["weight"].to_numpy(dtype=float)
    if len(alive) <= most:
        return alive.assign(weight=share / share.sum())
    marks = (np.arange(most) + 0.5) / most * share.sum()
    at = np.searchsorted(np.cumsum(share), marks - 1e-12)
    kept, count = np.unique(at, return_counts=True)
    return alive.iloc[kept].reset_index(drop=True).assign(weight=count / most)
