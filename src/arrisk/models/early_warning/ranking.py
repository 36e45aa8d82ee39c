"""A combined ranking of alerts under a budget, against the best single rule, on later time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.ledger.days import dates, day_number
from arrisk.models.early_warning.backtest import FEWEST_DEFAULTERS, AlertBacktest
from arrisk.models.early_warning.clustered import difference_of_sums, median_interval, share_by_customer
from arrisk.models.early_warning.lead_times import caught_defaults
from arrisk.models.early_warning.past import FOLDS, Past, make_past
from arrisk.models.early_warning.queue import handle
from arrisk.models.early_warning.ranking_page import plot_ranking, points_table, ranking_table
from arrisk.models.intervals import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.early_warning.outcomes import Outcomes

__all__ = ["COMBINED", "SINGLE", "AlertRanking", "rank_alerts"]

COMBINED, SINGLE = "combined points", "best single rule"
BLOCK_DAYS = 91
BUDGETS = (1, 2, 3, 5, 8)
STEP = {"weekly": 7.0, "monthly": 365.25 / 12}


@dataclass(frozen=True, slots=True, eq=False)
class AlertRanking:
    """Alerts handled under a budget, ordered by points or by one rule; made by `rank_alerts`.

    Attributes
    ----------
    backtest : AlertBacktest
    budget : int
        Alerts handled on each day of the grid.
    lead_days : int
        A default counts as caught when an alert was handled at least so many days before.
    start : Timestamp or None
        First day on which alerts were handled in the comparison; None when nothing can be compared.
    table : DataFrame
        A row an ordering and budget: `ordering`, `budget`, `handled`, `judged`, `right` (share of the judged
        with default at least `lead_days` after and within the horizon), `caught` (share of defaults), with
        `_low` and `_high`, `lead_days` (median, of the caught), and `chance` (what customers drawn at random
        would catch).
    difference : Interval or None
        Of the caught shares at the budget, combined less single.
    gain : float
        That difference; NaN when nothing can be compared.
    earlier : Interval or None
        Of the median lead of the combined ordering less that of the single rule, in days, over defaults that
        both caught, one value a customer.
    earlier_days : float
        That median; NaN without such a default.
    defaults : int
        Defaults behind the caught shares.
    points : dict of rule to float
        From all judged days; empty when nothing can be ranked.
    best_rule : str
        The single rule that all judged days would choose; empty when none.
    """

    backtest: AlertBacktest
    budget: int
    lead_days: int
    start: pd.Timestamp | None
    table: pd.DataFrame
    difference: Interval | None
    gain: float
    earlier: Interval | None
    earlier_days: float
    defaults: int
    points: dict[str, float]
    best_rule: str

    @property
    def identified(self) -> bool:
        """Whether orderings could be compared on later time."""
        return self.difference is not None

    @property
    def beats(self) -> bool:
        """Whether the combination catches more than the best single rule, beyond its interval."""
        return self.difference is not None and self.difference.low > 0

    @property
    def doubt(self) -> str:
        """Why nothing can be compared; empty when it can."""
        if self.identified:
            return ""
        if self.backtest.doubt:
            return self.backtest.doubt
        return (
            f"fewer than {FEWEST_DEFAULTERS} customers defaulted early enough to learn from, or after that "
            "to be tested on"
        )

    def row(self, ordering: str) -> pd.Series:
        """The row of an ordering at the budget."""
        mine = (self.table["ordering"] == ordering) & (self.table["budget"] == self.budget)
        return self.table[mine].iloc[0]

    def to_table(self, name: str = "alert_ranking") -> Table:
        """Orderings at the budget, beside chance."""
        return ranking_table(self, name)

    def points_table(self, name: str = "alert_points") -> Table:
        """Points of each rule."""
        return points_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Share of defaults caught in time against the alerts handled a week."""
        return plot_ranking(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def rank_alerts(backtest: AlertBacktest, budget: float = 2.0, seed: int = 0) -> AlertRanking:
    """Compare a combined ranking with the best single rule, at equal budget, on time after the fit.

    Parameters
    ----------
    backtest : AlertBacktest
    budget : float
        Alerts a week that can be handled; at least one a day of the grid.
    seed : int
        Of the folds of customers.

    Returns
    -------
    AlertRanking

    Raises
    ------
    ModelError
        If the budget is not positive.

    Notes
    -----
    Time is cut into blocks of 91 days. Before each block the points and the best single rule (the one that
    caught most defaults in time at the budget; of several the one with the fewest alerts) are learnt anew
    from days whose horizon was over by then, without the customers they are used on (5 folds). Alerts of a
    day wait in one queue; the budget takes those with the most points, or of the single rule those with the
    largest exposure.
    """
    outcomes, names, lead_days = backtest.outcomes, backtest.rules.names, backtest.rules.lead_days
    if not budget > 0:
        raise ModelError(f"budget = {budget}: at least some alerts a week must be handled")
    a_day = max(round(budget * STEP[backtest.rules.grid] / 7.0), 1)
    blank = pd.DataFrame(columns=["ordering", "budget", "handled", "judged"])
    result = AlertRanking(backtest, a_day, lead_days, None, blank, None, np.nan, None, np.nan, 0, {}, "")
    if not backtest.identified:
        return result
    past = make_past(outcomes, names, lead_days, seed)
    points = past.points(past.judged)
    result = replace(
        result,
        points=dict(zip(names, (float(p) for p in points), strict=True)),
        best_rule=past.best_rule(past.judged, a_day),
    )
    start, queues = _queues(past, outcomes, sorted({*BUDGETS, a_day}), a_day, backtest.rules.refractory_days)
    return result if start is None else _compared(result, queues, start)


def _queues(
    past: Past, outcomes: Outcomes, budgets: list[int], budget: int, refractory_days: int
) -> tuple[pd.Timestamp | None, dict[tuple[str, int], pd.DataFrame]]:
    """What each ordering handles from the first block on that has enough defaulters to learn from."""
    scores = {COMBINED: np.zeros(len(past.day)), SINGLE: np.zeros(len(past.day))}
    start: int | None = None
    first, last = day_number(outcomes.start) + past.horizon_days, day_number(outcomes.as_of)
    for begin in range(first, last + 1, BLOCK_DAYS):
        old = past.day <= begin - past.horizon_days
        if len(np.unique(past.customer[old & past.defaulted])) < FEWEST_DEFAULTERS:
            continue
        start = begin if start is None else start
        now = (past.day >= begin) & (past.day < begin + BLOCK_DAYS)
        for fold in range(FOLDS):
            _score(past, now & (past.fold == fold), old & (past.fold != fold), budget, scores)
    rows = outcomes.days[["date", "customer_id", "exposure", "judged", "defaulted", "default_date"]]
    handled = {
        (ordering, n): handle(rows.assign(score=score), n, refractory_days)
        for ordering, score in scores.items()
        for n in budgets
    }
    return (None if start is None else pd.Timestamp(dates([start])[0])), handled


def _score(
    past: Past,
    use: NDArray[np.bool_],
    learn: NDArray[np.bool_],
    budget: int,
    scores: dict[str, NDArray[np.float64]],
) -> None:
    """Fill in the scores of some rows from what others taught; a customer waits when a rule spoke."""
    points = past.points(learn)
    waits = (past.raised[use] & (points > 0)).any(axis=1)
    scores[COMBINED][use] = np.where(waits, past.on[use] @ points, 0.0)
    rule = past.best_rule(learn, budget)
    if rule:
        scores[SINGLE][use] = past.raised[use][:, past.names.index(rule)]


def _compared(
    learnt: AlertRanking, queues: dict[tuple[str, int], pd.DataFrame], start: pd.Timestamp
) -> AlertRanking:
    outcomes, level = learnt.backtest.outcomes, learnt.backtest.level
    full = outcomes.defaults["date"] >= start + pd.Timedelta(days=outcomes.horizon_days)
    defaults = outcomes.defaults[full].reset_index(drop=True)
    if defaults["customer_id"].nunique() < FEWEST_DEFAULTERS:
        return learnt
    at_risk = float(outcomes.days[outcomes.days["date"] >= start].groupby("date").size().mean())
    turns = (outcomes.horizon_days - learnt.lead_days) / STEP[learnt.backtest.rules.grid]
    rows, leads = [], {}
    for (ordering, n), handled in queues.items():
        lead = caught_defaults(handled, defaults, outcomes.horizon_days)
        leads[ordering, n] = np.where(lead >= learnt.lead_days, lead, np.nan)  # a missing lead stays missing
        chance = 1.0 - (1.0 - min(n / at_risk, 1.0)) ** turns
        row = _row(handled, defaults["customer_id"], leads[ordering, n], learnt.lead_days, level)
        rows.append({"ordering": ordering, "budget": n, **row, "chance": chance})
    both = pd.DataFrame({"one": leads[COMBINED, learnt.budget], "other": leads[SINGLE, learnt.budget]})
    caught = both.notna().groupby(defaults["customer_id"].to_numpy()).sum()
    gap = (both["one"] - both["other"]).groupby(defaults["customer_id"].to_numpy()).median().dropna()
    return replace(
        learnt,
        start=start,
        table=pd.DataFrame(rows),
        difference=difference_of_sums(caught["one"], caught["other"], len(defaults), level),
        gain=float((caught["one"].sum() - caught["other"].sum()) / len(defaults)),
        earlier=median_interval(gap, level),
        earlier_days=float(gap.median()) if len(gap) else np.nan,
        defaults=len(defaults),
    )


def _row(
    handled: pd.DataFrame, defaulters: pd.Series, leads: NDArray[np.float64], lead_days: int, level: float
) -> dict[str, float]:
    """Figures of one ordering."""
    judged = handled[handled["judged"]]
    ahead = (judged["default_date"] - judged["date"]).dt.days
    right = judged["defaulted"] & (ahead >= lead_days)
    by = right.groupby(judged["customer_id"])
    inside = share_by_customer(by.sum(), by.size(), level)
    caught = np.isfinite(leads)
    of = pd.Series(caught).groupby(defaulters.to_numpy())
    share = share_by_customer(of.sum(), of.size(), level)
    return {
        "handled": len(handled),
        "judged": len(judged),
        "right": float(right.mean()) if len(judged) else np.nan,
        "right_low": inside.low,
        "right_high": inside.high,
        "caught": float(caught.mean()),
        "caught_low": share.low,
        "caught_high": share.high,
        "lead_days": float(np.median(leads[caught])) if caught.any() else np.nan,
    }
