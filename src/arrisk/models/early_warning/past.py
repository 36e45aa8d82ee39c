"""What past customer-days teach: points of the rules, and the best single one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.days import day_numbers
from arrisk.models.early_warning.lead_times import lead_times
from arrisk.models.early_warning.points import rule_points

if TYPE_CHECKING:
    from arrisk.models.early_warning.outcomes import Outcomes

__all__ = ["FOLDS", "Past", "make_past"]

FOLDS = 5
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """Customer-days at risk; made by `make_past`.

    Attributes
    ----------
    names : list of str
        Rules.
    on, raised : array of bool, shape (rows, rules)
        Whether each rule is on, and whether it raised an alert.
    day, customer, fold, default_day : array of int, shape (rows,)
        Day number, number of the customer and of its fold, day of the default that followed.
    exposure : array, shape (rows,)
    judged, defaulted, timely : array of bool, shape (rows,)
        Whether the horizon is over, a default followed, and was far enough ahead to act.
    horizon_days, lead_days : int
    """

    names: list[str]
    on: Bools
    raised: Bools
    day: Ints
    customer: Ints
    fold: Ints
    default_day: Ints
    exposure: NDArray[np.float64]
    judged: Bools
    defaulted: Bools
    timely: Bools
    horizon_days: int
    lead_days: int

    def points(self, rows: Bools) -> NDArray[np.float64]:
        """Points learnt from some rows; days too shortly before a default to act teach nothing."""
        used = rows & (self.timely | ~self.defaulted)
        return rule_points(self.on[used], self.defaulted[used], self.customer[used])

    def best_rule(self, rows: Bools, budget: int) -> str:
        """The rule that caught most defaults in time; of several the one with the fewest alerts.

        Returns
        -------
        str
            Empty when no rule caught any.
        """
        met = rows & self.defaulted
        pairs = np.unique(np.column_stack([self.customer[met], self.default_day[met]]), axis=0)
        best, found = (0, 0), ""
        for at, name in enumerate(self.names):
            mine = self._first(np.flatnonzero(rows & self.raised[:, at]), budget)
            lead = lead_times(
                self.customer[mine], pairs[:, 0], self.day[mine], pairs[:, 1], self.horizon_days
            )
            caught = int((lead >= self.lead_days).sum())
            if caught > 0 and (caught, -len(mine)) > best:
                best, found = (caught, -len(mine)), name
        return found

    def _first(self, rows: Ints, budget: int) -> Ints:
        """Of each day the rows with the largest exposure."""
        order = rows[np.lexsort((-self.exposure[rows], self.day[rows]))]
        day = self.day[order]
        place = np.arange(len(order)) - np.searchsorted(day, day, side="left")
        return order[place < budget]


def make_past(outcomes: Outcomes, names: list[str], lead_days: int, seed: int) -> Past:
    """Number the customers and days of outcomes, and deal the customers into folds.

    Parameters
    ----------
    outcomes : Outcomes
    names : list of str
        Rules.
    lead_days : int
    seed : int
        Of the folds.
    """
    days = outcomes.days
    customer, unique = pd.factorize(days["customer_id"], sort=True)
    folds = np.random.default_rng(seed).permutation(np.arange(len(unique)) % FOLDS)
    raised = np.zeros((len(days), len(names)), dtype=bool)
    index = pd.MultiIndex.from_frame(days[["date", "customer_id"]])
    at = index.get_indexer(pd.MultiIndex.from_frame(outcomes.alerts[["date", "customer_id"]]))
    raised[at, pd.Index(names).get_indexer(pd.Index(outcomes.alerts["rule"]))] = True
    day, default_day = (
        day_numbers(days[c]).to_numpy(dtype=np.int64, na_value=-1) for c in ("date", "default_date")
    )
    defaulted = days["defaulted"].to_numpy(dtype=bool)
    return Past(
        names=names,
        on=days[names].to_numpy(dtype=bool),
        raised=raised,
        day=day,
        customer=customer.astype(np.int64),
        fold=folds[customer],
        default_day=default_day,
        exposure=days["exposure"].fillna(0.0).to_numpy(dtype=float),
        judged=days["judged"].to_numpy(dtype=bool),
        defaulted=defaulted,
        timely=defaulted & (default_day - day >= lead_days),
        horizon_days=outcomes.horizon_days,
        lead_days=lead_days,
    )
