"""The trial that would tell how sales follow the terms: how large, among whom, and what knowing is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.models.trial.power import detectable_shift, pilot_size_means
from arrisk.policy.terms.volume import sales_ratio

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.policy.terms.terms_policy import TermsPolicy

__all__ = ["TermsTrial", "design_terms_trial"]

HALF_YEAR = 182


@dataclass(frozen=True, slots=True)
class TermsTrial:
    """Longer terms for half of a grade's customers, drawn by lot; made by `design_terms_trial`.

    Parameters
    ----------
    grade : str
    terms, today : float
        Days on trial, and of today's terms (mean by sales).
    shift : float
        Change of sales at which the terms break even, as a difference of logarithms.
    spread : float
        Standard deviation between customers of the log change of sales from one half year to the next.
    needed : int
        Customers an arm that would show the shift (80% power, 95% level).
    available : int
        Customers of the grade that bought in both half years.
    detectable : float
        Elasticity that half of those an arm would show.
    worth_knowing : float
        Expected gain a year from knowing the elasticity, currency units.
    """

    grade: str
    terms: float
    today: float
    shift: float
    spread: float
    needed: int
    available: int
    detectable: float
    worth_knowing: float

    def describe(self) -> str:
        """The trial in one or two sentences."""
        arm = self.available // 2
        enough = "enough" if arm >= self.needed else "not enough"
        named = "all customers" if self.grade == "all" else f"grade {self.grade}"
        return (
            f"For half a year give half of {named}, drawn by lot by customer, {self.terms:.0f} days instead "
            f"of {self.today:.0f} and compare the change of their sales with the others': {self.needed:,} "
            f"customers an arm show the {np.expm1(self.shift):+.1%} at which it breaks even, {arm:,} there "
            f"are, {enough}; these would show {self.detectable:.0%} for 30 days."
        )


def design_terms_trial(policy: TermsPolicy, snapshot: Snapshot, grade: str) -> TermsTrial | None:
    """Size the trial of the offered terms with the largest expected gain in a grade.

    Parameters
    ----------
    policy : TermsPolicy
    snapshot : Snapshot
    grade : str

    Returns
    -------
    TermsTrial or None
        None when no terms of the grade flip, or fewer than 4 customers bought in both half years.
    """
    rows = policy.table[policy.table["grade"] == grade]
    tried = rows[(rows["option"] != "today") & rows["break_even"].notna()]
    today = float(rows["terms"].iloc[0])
    tried = tried[(tried["terms"] - today).abs() >= 1]
    change = _log_changes(policy, snapshot, grade)
    if tried.empty or change.size < 4:
        return None
    row = tried.iloc[int(tried["gain"].argmax())]
    moved = float(row["terms"]) - today
    shift = float(np.log(sales_ratio(float(row["break_even"]), moved)))
    spread = float(change.std(ddof=1))
    shown = detectable_shift(change.size // 2, spread)
    return TermsTrial(
        grade=grade,
        terms=float(row["terms"]),
        today=today,
        shift=shift,
        spread=spread,
        needed=pilot_size_means(shift, spread),
        available=int(change.size),
        detectable=float(np.expm1(shown * 30 / abs(moved))),
        worth_knowing=float(rows["regret"].min()),
    )


def _log_changes(policy: TermsPolicy, snapshot: Snapshot, grade: str) -> np.ndarray:
    """Log change of each customer's sales from one half year to the next; of those with sales in both."""
    people = policy.book.customers
    names = people.loc[people["grade"] == grade, "customer_id"]
    items = snapshot.items[snapshot.items["customer_id"].isin(names) & (snapshot.items["amount"] > 0)]
    age = (snapshot.date - items["issue_date"]).dt.days
    sold = items["amount"] - items["credited_amount"]
    late, early = (
        sold[(age >= a) & (age < a + HALF_YEAR)].groupby(items["customer_id"]).sum() for a in (0, HALF_YEAR)
    )
    both = pd.concat([late.rename("late"), early.rename("early")], axis=1).dropna()
    both = both[(both > 0).all(axis=1)]
    return np.asarray(np.log(both["late"] / both["early"]), dtype=float)
