"""What acting on alerts would have been worth: losses avoided by a stop against margin lost on false ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Format, Table, frame_html, money
from arrisk.ledger.days import day_numbers
from arrisk.models.validation.discrimination import customer_weights
from arrisk.policy.assumptions import Assumption

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.early_warning.backtest import AlertBacktest
    from arrisk.policy.study import Study

__all__ = ["AlertValue", "follow_orders", "value_alerts"]

YEAR = 365
DRAWS = 1_000
SPAWN_KEY = 5
NEVER = 2**40

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class AlertValue:
    """Value of stopping new orders at every alert of a rule; made by `value_alerts`.

    Attributes
    ----------
    as_of : Timestamp
    currency : str
    table : DataFrame
        A row a rule, amounts in currency units a year: `rule`, `alerts` (judged, in all), `sales` (billed
        while orders would have been stopped), `avoided` (of that, lost), `margin_lost`, `false_stop` (margin
        lost by an alert that no default followed), `at_stake` (of the exposure at alerts that a default
        followed, what was to be lost), `value` with `_low` and `_high` (avoided less margin lost),
        `break_even` (margin at which the value is zero).
    margin, lgd : Assumption
    stop_days : int
    level : float
    labels : dict of rule to str
    """

    as_of: pd.Timestamp
    currency: str
    table: pd.DataFrame
    margin: Assumption
    lgd: Assumption
    stop_days: int
    level: float
    labels: dict[str, str]

    def to_table(self, name: str = "alert_value") -> Table:
        """A row a rule, amounts a year."""
        columns = ["alerts", "false_stop", "avoided", "margin_lost", "value", "value_low", "value_high"]
        frame = self.table[[*columns, "at_stake"]].copy()
        frame.insert(0, "rule", [self.labels[r] for r in self.table["rule"]])
        note = (
            f"{self.currency} a year, from alerts that could be judged. A stop lasts {self.stop_days} days: "
            "avoided is what was lost of the orders billed in them (and due long enough ago to tell), as "
            "written off less recovered, or "
            f"{self.lgd.value:.0%} of what is stuck; margin lost is {self.margin.value:.0%} of those orders, "
            "good and bad. false_stop: margin lost by one alert that no default followed. at_stake: "
            f"{self.lgd.value:.0%} of what was owed at alerts that a default followed, the most that a call "
            f"could save and no stop does. {self.level:.0%} intervals draw customers, margin and loss rate."
        )
        formats: dict[str, Format] = {"alerts": "integer", **dict.fromkeys(frame.columns[2:], "money")}  # type: ignore[dict-item]
        return Table(name, self.finding, frame, note, formats)

    @property
    def finding(self) -> str:
        """Which stops pay, in one sentence."""
        table = self.table
        pays = [self.labels[rule] for rule in table.loc[table["value_low"] > 0, "rule"]]
        if pays:
            return f"Stopping orders pays at {len(pays)} of {len(table)} alarms: {', '.join(pays)}"
        if not table["alerts"].sum():
            return "No alert is old enough to be valued"
        best = self.best(list(table.loc[table["alerts"] > 0, "rule"]))
        worth = money(float(best["value"]), self.currency)
        label = self.labels[best["rule"]]
        return f"Stopping orders pays at none of {len(table)} alarms; the best, {label}: {worth} a year"

    def best(self, rules: list[str]) -> dict[str, Any]:
        """The row of the rule with the highest value among some."""
        mine = self.table[self.table["rule"].isin(rules)].sort_values("value", ascending=False, kind="stable")
        return {str(k): v for k, v in mine.iloc[0].to_dict().items()}

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def follow_orders(
    alerts: pd.DataFrame, snapshot: Snapshot, stop_days: int, default_days: int
) -> pd.DataFrame:
    """What was billed after each alert while orders would have been stopped, and what became of it.

    Parameters
    ----------
    alerts : DataFrame
        `date`, `customer_id`, sorted by date.
    snapshot : Snapshot
    stop_days : int
        Orders billed in (date, date + stop_days] would have been stopped; those billed after the next alert
        of the same customer and rule (where `rule` is given) count with that one alone.
    default_days : int
        Only items due at least so long ago are counted, in sales as in losses.

    Returns
    -------
    DataFrame
        `sales` (net of credit notes), `written_off` (less recovered), `stuck` (still open): currency
        units, one row an alert.
    """
    items = snapshot.items
    items = items[(items["amount"] > 0) & items["due_date"].notna()]
    items = items[(snapshot.date - items["due_date"]).dt.days >= default_days]
    names = pd.Index(np.sort(items["customer_id"].unique()))
    code = names.get_indexer(pd.Index(items["customer_id"]))
    day = day_numbers(items["issue_date"]).to_numpy(dtype=np.int64)
    amounts = np.column_stack(
        [
            items["amount"] - items["credited_amount"],
            items["written_off_amount"] - items["recovered_amount"],
            items["open_amount"],
        ]
    ).astype(float)
    who = names.get_indexer(pd.Index(alerts["customer_id"]))
    when = day_numbers(alerts["date"]).to_numpy(dtype=np.int64)
    same = [alerts[c] for c in ("rule", "customer_id") if c in alerts.columns]
    later = day_numbers(alerts["date"].groupby(same).shift(-1)).to_numpy(dtype=np.int64, na_value=NEVER)
    sums = _sums_between(code, day, amounts, who, when, np.minimum(when + stop_days, later))
    return pd.DataFrame(sums, columns=["sales", "written_off", "stuck"], index=alerts.index)


def _sums_between(
    code: NDArray[np.int64],
    day: NDArray[np.int64],
    amounts: Floats,
    who: NDArray[np.int64],
    after: NDArray[np.int64],
    until: NDArray[np.int64],
) -> Floats:
    """Sums of amounts of a customer on days in (after, until]; nothing for an unknown customer (-1)."""
    if not len(code) or not len(who):
        return np.zeros((len(who), amounts.shape[1]))
    low = min(int(day.min()), int(after.min()))
    span = max(int(day.max()), int(until.max())) - low + 1
    key = code * span + day - low
    order = np.argsort(key, kind="stable")
    running = np.vstack([np.zeros(amounts.shape[1]), np.cumsum(amounts[order], axis=0)])
    ends = [np.searchsorted(key[order], who * span + edge - low, side="right") for edge in (after, until)]
    return np.asarray(np.where(who[:, None] >= 0, running[ends[1]] - running[ends[0]], 0.0))


def value_alerts(study: Study, backtest: AlertBacktest, snapshot: Snapshot) -> AlertValue:
    """Losses avoided less margin lost, a year, had new orders been stopped at every alert of each rule.

    Parameters
    ----------
    study : Study
        Gives `stop_margin` (or `gross_margin`) and `lgd`.
    backtest : AlertBacktest
        Of the same snapshot.
    snapshot : Snapshot

    Returns
    -------
    AlertValue

    Notes
    -----
    As for stops by grade: an order that is lost costs its full amount, so stopping it avoids ``loss - margin
    * sales``, and stopping a good one loses ``margin * sales``. The same draws of customers and assumptions
    are used for all rules. What is owed at the alert is not saved by stopping new orders.
    """
    margin = study.get("stop_margin") or study.assumption("gross_margin")
    lgd, rules, level = study.assumption("lgd"), backtest.rules, backtest.level
    outcomes = backtest.outcomes
    judged = outcomes.alerts[outcomes.alerts["judged"]].reset_index(drop=True)
    judged = judged.join(follow_orders(judged, snapshot, rules.stop_days, outcomes.definition.days))
    judged["at_stake"] = judged["exposure"].clip(lower=0).where(judged["defaulted"], 0.0)
    years = outcomes.weeks * 7 / YEAR
    people, spread = np.random.SeedSequence(study.seed, spawn_key=(SPAWN_KEY,)).spawn(2)
    customers = pd.Index(np.sort(outcomes.days["customer_id"].unique()))
    weights = customer_weights(customers, DRAWS, people) if len(customers) else np.zeros((DRAWS, 0))
    rng = np.random.default_rng(spread)
    margins, lgds = (_draw(a, rng) for a in (margin, lgd))
    rows = []
    for name in rules.names:
        mine = judged[judged["rule"] == name]
        by = (
            mine.groupby("customer_id")[["sales", "written_off", "stuck"]]
            .sum()
            .reindex(customers)
            .fillna(0.0)
        )
        sums = by.to_numpy(dtype=float) / max(years, 1 / YEAR)
        draws = (weights @ sums[:, 1]) + lgds * (weights @ sums[:, 2]) - margins * (weights @ sums[:, 0])
        rows.append(_row(name, mine, sums.sum(axis=0), draws, margin, lgd, years, level))
    labels = {rule.name: rule.label for rule in rules.rules}
    return AlertValue(
        snapshot.date, study.currency, pd.DataFrame(rows), margin, lgd, rules.stop_days, level, labels
    )


def _row(
    name: str,
    mine: pd.DataFrame,
    sums: Floats,
    draws: Floats,
    margin: Assumption,
    lgd: Assumption,
    years: float,
    level: float,
) -> dict[str, object]:
    sales, lost, stuck = (float(x) for x in sums)
    avoided = lost + lgd.value * stuck
    value = avoided - margin.value * sales
    low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2])
    false = mine.loc[~mine["defaulted"].astype(bool), "sales"]
    return {
        "rule": name,
        "alerts": len(mine),
        "sales": sales,
        "avoided": avoided,
        "margin_lost": margin.value * sales,
        "false_stop": margin.value * float(false.mean()) if len(false) else np.nan,
        "at_stake": lgd.value * float(mine["at_stake"].sum()) / years if years > 0 else 0.0,
        "value": value,
        "value_low": float(min(low, value)),
        "value_high": float(max(high, value)),
        "break_even": avoided / sales if sales > 0 else np.nan,
    }


def _draw(a: Assumption, rng: np.random.Generator) -> Floats:
    if not a.is_range:
        return np.full(DRAWS, a.value)
    return np.asarray(rng.triangular(a.low, a.value, a.high, DRAWS), dtype=float)
