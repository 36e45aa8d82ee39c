"""The designs that a running discount's rules allow, and what each says of an outcome.

Which design answers is fixed before anything is estimated: the first of `ORDER` that the rules allow.
Difference in differences comes first because it speaks for every invoice within the rule; a threshold
speaks only for invoices near it, and a series without a comparison takes every other change of its time for
the offer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from statsmodels.regression.linear_model import WLS

from arrisk.errors import ModelError
from arrisk.models.effects.bunching import check_bunching
from arrisk.models.effects.checks import join_checks
from arrisk.models.effects.differences import estimate_differences
from arrisk.models.effects.discontinuity import estimate_discontinuity
from arrisk.models.effects.interrupted import INTERRUPTED, estimate_interruption
from arrisk.models.effects.outcomes import OUTCOMES, observe_outcomes

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.effects.assignment import OfferRules
    from arrisk.models.effects.effect import Effect

__all__ = [
    "ORDER",
    "Reading",
    "compare_takers",
    "design_rows",
    "read_design",
    "read_designs",
    "read_sales_effect",
]

DIFFERENCES = "difference in differences"
BOTH = "difference in discontinuities"
THRESHOLD = "regression discontinuity"
ORDER = (DIFFERENCES, BOTH, THRESHOLD, INTERRUPTED)
YEAR = 365
Estimator = Callable[[pd.DataFrame, "OfferRules", str, float], "Effect"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one design says of one outcome: its effect, or why the ledger does not allow it."""

    design: str
    outcome: str
    whom: str
    effect: Effect | None
    reason: str


def design_rows(
    snapshot: Snapshot, rules: OfferRules, *, horizon: int, cost_of_capital: float
) -> pd.DataFrame:
    """Invoices seen for the whole horizon, marked by the rules, as every design reads them.

    Returns
    -------
    DataFrame
        Columns of `observe_outcomes` and `OfferRules.treat`, and `unit` (a customer's invoices within reach
        of the offer, or those out of it), `first` (month from which the unit is offered, NaN never) and
        `log_amount`. Where the offer began within a month, the unit's rows of that month are left out.
    """
    rows = rules.treat(observe_outcomes(snapshot, horizon=horizon, cost_of_capital=cost_of_capital))
    rows = rows[rows["group"].notna()]
    start = rows["start"]
    month = (start.dt.year * 12 + start.dt.month - 1).astype(float)
    partial = start.dt.day > 1
    rows = rows.assign(
        unit=rows["customer_id"].astype(str) + np.where(rows["in_reach"], " in reach", " out of reach"),
        first=month + partial,
        log_amount=np.log(rows["billed"]),
    )
    seen: pd.DataFrame = rows[~(partial & (rows["month"] == month))]
    return seen.reset_index(drop=True)


def read_designs(rows: pd.DataFrame, rules: OfferRules, outcome: str, level: float) -> tuple[Reading, ...]:
    """Run every design on one outcome; what a design cannot be run on is a reading with the reason.

    Parameters
    ----------
    rows : DataFrame
        See `design_rows`; customers picked by hand are left out.
    rules : OfferRules
    outcome : str
        Of `OUTCOMES`.
    level : float
        Of the intervals.
    """
    if outcome not in OUTCOMES:
        raise ModelError(f"outcome={outcome!r}; allowed: {', '.join(OUTCOMES)}")
    return tuple(read_design(design, rows, rules, outcome, level) for design in ORDER)


def read_design(design: str, rows: pd.DataFrame, rules: OfferRules, outcome: str, level: float) -> Reading:
    """Run one design of `ORDER` on one outcome; see `read_designs`."""
    rows = rows[rows["comparable"]]
    estimator, whom = ESTIMATORS[design]
    if rules.ruled.empty:
        return Reading(design, outcome, whom, None, "no offer follows a rule in date and amount")
    try:
        effect = estimator(rows, rules, outcome, level)
    except ModelError as error:
        return Reading(design, outcome, whom, None, str(error))
    return Reading(design, outcome, whom, effect, "")


def _differences(rows: pd.DataFrame, rules: OfferRules, outcome: str, level: float) -> Effect:
    return estimate_differences(
        rows, outcome=outcome, unit="unit", cluster="customer_id", period="month", start="first",
        weight="amount", level=level, whom="the money offered by the rule",
    )  # fmt: skip


def _both(rows: pd.DataFrame, rules: OfferRules, outcome: str, level: float) -> Effect:
    rule, mine = _at_threshold(rows, rules)
    later = mine["issue_date"] >= rule["start"]
    if later.all():
        raise ModelError("no invoice of the group is older than the offer")
    return _jump(mine[later], float(rule["threshold"]), outcome, level, mine[~later])


def _threshold(rows: pd.DataFrame, rules: OfferRules, outcome: str, level: float) -> Effect:
    rule, mine = _at_threshold(rows, rules)
    later = mine[mine["issue_date"] >= rule["start"]]
    return _jump(later, float(rule["threshold"]), outcome, level, None)


def _jump(
    rows: pd.DataFrame, cutoff: float, outcome: str, level: float, before: pd.DataFrame | None
) -> Effect:
    """The jump at the smallest amount, refuted also where amounts were lifted over it."""
    effect = estimate_discontinuity(
        rows, outcome=outcome, running="billed", cutoff=cutoff, cluster="customer_id", compare=before,
        level=level,
    )  # fmt: skip
    bunching = check_bunching(
        rows, running="billed", cutoff=cutoff, cluster="customer_id", compare=before, level=level
    )
    return replace(effect, checks=join_checks([effect.checks, bunching.checks]))


def _series(rows: pd.DataFrame, rules: OfferRules, outcome: str, level: float) -> Effect:
    first = rules.ruled.iloc[int(rules.ruled["offered"].to_numpy().argmax())]
    mine = rows[(rows["group"] == first["group"]) & rows["in_reach"]]
    if mine.empty:
        raise ModelError("no invoice within the rule is old enough")
    return estimate_interruption(
        mine, outcome=outcome, cluster="customer_id", period="month", start=int(mine["first"].iloc[0]),
        weight="amount", level=level, whom=str(first["group"]),
    )  # fmt: skip


def _at_threshold(rows: pd.DataFrame, rules: OfferRules) -> tuple[pd.Series, pd.DataFrame]:
    """The group with a threshold and the most offers, and its invoices."""
    cut = rules.ruled[rules.ruled["threshold"] > 0]
    if cut.empty:
        raise ModelError("the offer has no smallest amount")
    rule = cut.iloc[int(cut["offered"].to_numpy().argmax())]
    return rule, rows[rows["group"] == rule["group"]]


ESTIMATORS: dict[str, tuple[Estimator, str]] = {
    DIFFERENCES: (_differences, "all within the rule, by money"),
    BOTH: (_both, "near the smallest amount, before and after"),
    THRESHOLD: (_threshold, "near the smallest amount"),
    INTERRUPTED: (_series, "all within the rule, against their past"),
}


def compare_takers(rows: pd.DataFrame, outcome: str, level: float) -> dict[str, float]:
    """Takers less others among offered invoices: descriptive only, never an effect.

    Returns
    -------
    dict
        estimate, ci_low, ci_high (clustered by customer), rows, clusters; NaN where there is nobody on
        one side.
    """
    offered = rows[rows["offered"]]
    people = offered["customer_id"].nunique()
    facts = {"rows": float(len(offered)), "clusters": float(people)}
    if offered["taken"].nunique() < 2 or people < 3:
        return {"estimate": np.nan, "ci_low": np.nan, "ci_high": np.nan} | facts
    x = np.column_stack([np.ones(len(offered)), offered["taken"].to_numpy(dtype=float)])
    groups = pd.factorize(offered["customer_id"])[0]
    fit = WLS(offered[outcome].to_numpy(dtype=float), x, weights=offered["amount"].to_numpy(dtype=float)).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": True}, use_t=True
    )
    low, high = fit.conf_int(alpha=1 - level)[1]
    return {"estimate": float(fit.params[1]), "ci_low": float(low), "ci_high": float(high)} | facts


def read_sales_effect(snapshot: Snapshot, rules: OfferRules, level: float) -> Reading:
    """What the offer changed in sales, in percent of the same customers' sales in the year before it.

    Difference in differences on customers and whole years counted from the first offer, so that seasons
    cancel: customers of groups with a rule against customers of groups without an offer. All their invoices
    count, so that an order moved over the threshold is no gain.
    """
    whom = "customers of the groups with a rule, all their invoices, by sales"
    try:
        panel = _sales_panel(snapshot, rules)
        effect = estimate_differences(
            panel, outcome="sales", unit="customer_id", cluster="customer_id", period="year",
            start="first", weight="before", level=level, whom=whom,
        )  # fmt: skip
    except ModelError as error:
        return Reading(DIFFERENCES, "sales", whom, None, str(error))
    return Reading(DIFFERENCES, "sales", whom, effect, "")


def _sales_panel(snapshot: Snapshot, rules: OfferRules) -> pd.DataFrame:
    """Customer and year from the first offer: billed per cent of the customer's year before it."""
    if rules.ruled.empty:
        raise ModelError("no offer follows a rule in date and amount")
    plain = rules.members.merge(rules.table[["group", "kind", "start"]], on="group")
    plain = plain[~plain["picked"] & plain["kind"].isin(["rule", "none"])].set_index("customer_id")
    offer = plain["start"].min()
    rows = rules.invoices[rules.invoices["customer_id"].isin(plain.index)]
    year = _years_since(rows["issue_date"], offer)
    begin, last = _years_since(pd.Series([rows["issue_date"].min(), snapshot.date]), offer)
    whole = year.between(begin + 1, last - 1)
    if begin + 1 > -1 or last - 1 < 0:
        raise ModelError("less than a whole year of sales before or after the first offer")
    table = rows[whole].assign(year=year[whole]).pivot_table("billed", "customer_id", "year", "sum")
    table = table.reindex(columns=range(begin + 1, last)).fillna(0.0)
    table = table[table[-1] > 0]
    panel = table.div(table[-1], axis=0).mul(100).reset_index().melt("customer_id", value_name="sales")
    first = np.ceil((plain["start"] - offer).dt.days / YEAR)
    panel["year"] = panel["year"].astype(int)
    return panel.assign(
        first=panel["customer_id"].map(first), before=panel["customer_id"].map(table[-1]).astype(float)
    )


def _years_since(days: pd.Series, offer: pd.Timestamp) -> pd.Series:
    """Whole years of 365 days since the offer; -1 is the year before it."""
    return ((days - offer).dt.days // YEAR).astype(int)
