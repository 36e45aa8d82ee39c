"""Back-test of early-warning rules: what their alerts foretold, against ordinary days of the same book."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Table, frame_html
from arrisk.models.early_warning.clustered import lift_by_customer, median_interval, share_by_customer
from arrisk.models.early_warning.lead_times import caught_defaults
from arrisk.models.early_warning.outcomes import Outcomes, read_outcomes
from arrisk.models.early_warning.page import backtest_table, losses_table, plot_backtest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot
    from arrisk.models.defaults.definition import DefaultDefinition
    from arrisk.portfolio.signals.alerts import Alerts
    from arrisk.portfolio.signals.rules import AlertRules

__all__ = [
    "FEWEST_CUSTOMERS",
    "FEWEST_DATES",
    "FEWEST_DEFAULTERS",
    "AlertBacktest",
    "backtest_alerts",
]

FEWEST_DEFAULTERS, FEWEST_CUSTOMERS, FEWEST_DATES = 5, 10, 10
"""Defaulters in the book, customers alerted and days of alerts below which no rule is judged."""


@dataclass(frozen=True, slots=True, eq=False)
class AlertBacktest:
    """How well each rule foretold default; made by `backtest_alerts`.

    Attributes
    ----------
    outcomes : Outcomes
    rules : AlertRules
    level : float
    base, base_lost : float
        Share of ordinary customer-days followed by a default (a default that was lost) within the horizon:
        what an alert at random would have met.
    table : DataFrame
        A row a rule: `rule`, `alerts`, `customers`, `dates`, `alerts_a_week`; `precision`, `recall`, `lift`,
        `lost_share`, `lost_lift`, each with `_low` and `_high`; `chance_recall` (share of ordinary days with
        an alert within the horizon before); `lead_days` with `_low` and `_high` (median days from the first
        alert within the horizon to default); `verdict`.
    """

    outcomes: Outcomes
    rules: AlertRules
    level: float
    base: float
    base_lost: float
    table: pd.DataFrame

    @property
    def identified(self) -> bool:
        """Whether there are enough defaulters to judge any rule at all."""
        return self.outcomes.defaulters >= FEWEST_DEFAULTERS

    @property
    def separating(self) -> list[str]:
        """Rules whose alerts foretell default better than chance, highest lift first."""
        good = self.table[self.table["verdict"] == "separates"]
        return [str(r) for r in good.sort_values("lift", ascending=False, kind="stable")["rule"]]

    @property
    def doubt(self) -> str:
        """Why no rule can be judged; empty when some can."""
        if self.identified:
            return ""
        if self.outcomes.weeks <= 0:
            return (
                f"the ledger is too young: no day has {self.outcomes.horizon_days} days after it and enough "
                "history before it"
            )
        return (
            f"{self.outcomes.defaulters} customers defaulted after a day that can be judged; judging an "
            f"alarm needs at least {FEWEST_DEFAULTERS}"
        )

    def row(self, rule: str) -> pd.Series:
        """The row of a rule."""
        return self.table[self.table["rule"] == rule].iloc[0]

    def to_table(self, name: str = "alert_backtest") -> Table:
        """Precision, lift, recall and lead time of every rule."""
        return backtest_table(self, name)

    def losses_table(self, name: str = "alert_losses") -> Table:
        """The same alerts against the harder outcome: a default that ended in a write-off."""
        return losses_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Share of the alerts of each rule that were followed by default, against chance."""
        return plot_backtest(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def backtest_alerts(
    alerts: Alerts,
    snapshot: Snapshot,
    definition: DefaultDefinition,
    level: float = 0.95,
) -> AlertBacktest:
    """Judge every rule on the ledger's own past.

    Parameters
    ----------
    alerts : Alerts
        Its rules give the horizon: an alert is right when the customer defaults strictly after it and within
        so many days.
    snapshot : Snapshot
        The one the alerts were made from.
    definition : DefaultDefinition
    level : float

    Returns
    -------
    AlertBacktest

    Notes
    -----
    Alerts and ordinary days count for customers that are active and not in default. Precision is the share
    of alerts that were right, lift divides it by the share of ordinary customer-days that a default followed,
    recall is the share of defaults with an alert within the horizon before. Alerts of the last horizon
    cannot be judged and are left out. Intervals delete one customer at a time, as the alerts of one customer
    are right or wrong together.
    """
    outcomes = read_outcomes(alerts, snapshot, definition)
    return judge_rules(outcomes, alerts.rules, level)


def judge_rules(outcomes: Outcomes, rules: AlertRules, level: float = 0.95) -> AlertBacktest:
    """The back-test of given outcomes."""
    judged = outcomes.days[outcomes.days["judged"]]
    customers = pd.Index(np.sort(outcomes.days["customer_id"].unique()))
    base = _sums(judged, customers)
    rows = [_judge(rule.name, rule.common, outcomes, customers, base, level) for rule in rules.rules]
    n = base["trials"].sum()
    share, lost = (float(base[c].sum() / n) if n else float("nan") for c in ("hits", "lost"))
    return AlertBacktest(outcomes, rules, level, share, lost, pd.DataFrame(rows))


def _sums(rows: pd.DataFrame, customers: pd.Index) -> pd.DataFrame:
    grouped = rows.groupby("customer_id")
    sums = pd.DataFrame(
        {"trials": grouped.size(), "hits": grouped["defaulted"].sum(), "lost": grouped["lost"].sum()}
    )
    return sums.reindex(customers).fillna(0.0).astype(float)


def _judge(
    name: str, common: bool, outcomes: Outcomes, customers: pd.Index, base: pd.DataFrame, level: float
) -> dict[str, object]:
    mine = outcomes.alerts[outcomes.alerts["rule"] == name]
    judged = mine[mine["judged"]]
    sums = _sums(judged, customers)
    n = int(sums["trials"].sum())
    out: dict[str, object] = {
        "rule": name,
        "alerts": n,
        "customers": int((sums["trials"] > 0).sum()),
        "dates": int(judged["date"].nunique()),
        "alerts_a_week": n / outcomes.weeks if outcomes.weeks > 0 else np.nan,
    }
    for column, share, lift in (("hits", "precision", "lift"), ("lost", "lost_share", "lost_lift")):
        value = sums[column].sum() / n if n else np.nan
        ordinary = base[column].sum() / base["trials"].sum() if base["trials"].sum() else np.nan
        inside = share_by_customer(sums[column], sums["trials"], level)
        times = lift_by_customer(sums[column], sums["trials"], base[column], base["trials"], level)
        out |= {share: value, f"{share}_low": inside.low, f"{share}_high": inside.high}
        out |= {
            lift: value / ordinary if ordinary > 0 else np.nan,
            f"{lift}_low": times.low,
            f"{lift}_high": times.high,
        }
    out |= _recall(mine, outcomes, level)
    return out | {"verdict": _verdict(out, common, outcomes.defaulters)}


def _recall(mine: pd.DataFrame, outcomes: Outcomes, level: float) -> dict[str, float]:
    horizon = outcomes.horizon_days
    lead = caught_defaults(mine, outcomes.defaults, horizon)
    who = outcomes.defaults["customer_id"]
    seen = pd.Series(np.isfinite(lead)).groupby(who.to_numpy())
    inside = share_by_customer(seen.sum(), seen.size(), level)
    first = pd.Series(lead).groupby(who.to_numpy()).median().dropna()
    spread = median_interval(first, level)
    late = outcomes.days["date"] >= outcomes.start + pd.Timedelta(days=horizon)
    ordinary = outcomes.days.loc[late, ["date", "customer_id"]]
    return {
        "recall": float(np.isfinite(lead).mean()) if len(lead) else np.nan,
        "recall_low": inside.low,
        "recall_high": inside.high,
        "chance_recall": float(np.isfinite(caught_defaults(mine, ordinary, horizon)).mean())
        if len(ordinary)
        else np.nan,
        "lead_days": float(first.median()) if len(first) else np.nan,
        "lead_days_low": spread.low,
        "lead_days_high": spread.high,
    }


def _verdict(row: dict[str, object], common: bool, defaulters: int) -> str:
    few = int(str(row["customers"])) < FEWEST_CUSTOMERS or (common and int(str(row["dates"])) < FEWEST_DATES)
    if few or defaulters < FEWEST_DEFAULTERS:
        return "too few to say"
    low, high = float(str(row["lift_low"])), float(str(row["lift_high"]))
    if low > 1:
        return "separates"
    return "worse than chance" if high < 1 else "does not separate"
