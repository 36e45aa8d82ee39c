"""How the day of payment moves with the days of the terms, as the ledger shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from arrisk.policy.assumptions import Assumption

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["DelaySlope", "fit_delay_slope"]

YEAR = 365
LEAST_CUSTOMERS = 20
NAME, UNIT = "delay_slope", "days later per day of terms"


@dataclass(frozen=True, slots=True)
class DelaySlope:
    """Days later that a payment comes for a day of terms more; made by `fit_delay_slope`.

    Parameters
    ----------
    value, low, high : float
        The slope and its interval at `level`, by customer.
    se, df : float
        Standard error and degrees of freedom.
    level : float
    customers : int
    by_terms : DataFrame
        What the slope sums up: `days` (of the terms), `customers`, `invoices`, `delay` (mean days past due).
    how : str
        In words.
    """

    value: float
    low: float
    high: float
    se: float
    df: float
    level: float
    customers: int
    by_terms: pd.DataFrame
    how: str

    def assumption(self) -> Assumption:
        """The slope as a line of the assumption sheet."""
        return Assumption(NAME, self.value, self.low, self.high, UNIT, self.how)

    def draws(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draws of the slope, not below 0; of shape (count,)."""
        if self.se == 0:
            return np.full(count, self.value)
        return np.asarray(np.maximum(self.value + self.se * rng.standard_t(self.df, count), 0.0))


def fit_delay_slope(snapshot: Snapshot, default_days: int, level: float = 0.95) -> DelaySlope:
    """Regress days from issue to payment on the days of the terms, over customers within segments.

    Parameters
    ----------
    snapshot : Snapshot
    default_days : int
        Days past due from which a debt counts as in default; what was paid later is left out, and only items
        due that long ago count, so what is still open cannot bias it.
    level : float

    Returns
    -------
    DelaySlope
        1 (the delay stays) with fewer than 20 customers or when all have the same terms.

    Notes
    -----
    A customer counts once: the mean of its invoices of the last year that ripened, by ordinary least squares
    with a level for each segment and standard errors that allow unequal spread (HC1). It is a comparison
    of customers who have different terms, not of terms changed by lot.
    """
    paid = _paid(snapshot, default_days)
    by_terms = (
        paid.groupby("terms")
        .agg(customers=("customer_id", "nunique"), invoices=("late", "size"), delay=("late", "mean"))
        .rename_axis("days")
        .reset_index()
    )
    rows = paid.groupby("customer_id").agg(
        terms=("terms", "mean"), taken=("taken", "mean"), segment=("segment", "first")
    )
    if len(rows) < LEAST_CUSTOMERS or _within(rows) < 1e-9:
        how = "convention: the delay past the due date stays as it is; the ledger has no two terms to compare"
        return DelaySlope(1.0, 1.0, 1.0, 0.0, float("inf"), level, len(rows), by_terms, how)
    return _regress(rows, by_terms, level)


def _paid(snapshot: Snapshot, default_days: int) -> pd.DataFrame:
    items, end = snapshot.items, snapshot.date - pd.Timedelta(days=default_days)
    late = (items["closed_date"] - items["due_date"]).dt.days
    terms = (items["due_date"] - items["issue_date"]).dt.days
    ripe = (items["due_date"] <= end) & (items["due_date"] > end - pd.Timedelta(days=YEAR))
    keep = ripe & (items["close_kind"] == "paid") & (late < default_days) & (terms >= 0)
    segments = snapshot.customers.set_index("customer_id")["segment"]
    return pd.DataFrame(
        {
            "customer_id": items["customer_id"],
            "terms": terms.astype(float),
            "taken": (late + terms).astype(float),
            "late": late.astype(float),
            "segment": items["customer_id"].map(segments).fillna("all").astype(str),
        }
    )[keep]


def _within(rows: pd.DataFrame) -> float:
    """Spread of terms between customers of one segment."""
    return float((rows["terms"] - rows.groupby("segment")["terms"].transform("mean")).abs().max())


def _regress(rows: pd.DataFrame, by_terms: pd.DataFrame, level: float) -> DelaySlope:
    import statsmodels.api as sm

    levels = pd.get_dummies(rows["segment"], dtype=float)
    design = np.column_stack([rows["terms"].to_numpy(float), levels.to_numpy(float)])
    fit = sm.OLS(rows["taken"].to_numpy(float), design).fit(cov_type="HC1")
    value, se, df = float(fit.params[0]), float(fit.bse[0]), float(len(rows) - design.shape[1])
    reach = float(stats.t.ppf(0.5 + level / 2, df)) * se
    how = (
        f"the ledger: a comparison of {len(rows)} customers on different terms within segments, not of terms "
        "changed by lot"
    )
    low, high = (round(max(v, 0.0), 4) for v in (value - reach, value + reach))
    value = max(value, 0.0)
    return DelaySlope(value, min(low, value), max(high, value), se, df, level, len(rows), by_terms, how)
