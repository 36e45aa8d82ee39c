"""Customers to watch today: why, since when, and what they owe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from arrisk.display import Format, Table, frame_html, money
from arrisk.models.defaults.states import default_states

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.defaults.definition import DefaultDefinition
    from arrisk.models.early_warning.ranking import AlertRanking
    from arrisk.portfolio.signals.alerts import Alerts
    from arrisk.portfolio.signals.rules import Rule

__all__ = ["WatchList", "make_watch_list"]

SHOWN = 15


@dataclass(frozen=True, slots=True, eq=False)
class WatchList:
    """Customers with at least one rule on today; made by `make_watch_list`.

    Attributes
    ----------
    as_of : Timestamp
    currency : str
    table : DataFrame
        `customer_id`, `customer` (name), `rules` (names of those on, joined), `reason` (in words), `points`,
        `exposure` (currency units), `days_on` (since the first of them turned on), first to be looked at
        first. Market-wide rules are left out, and customers in default.
    in_default : int
        Customers in default already, which belong to collection.
    ordered_by : str
    """

    as_of: pd.Timestamp
    currency: str
    table: pd.DataFrame
    in_default: int
    ordered_by: str

    def to_table(self, name: str = "watch_list", top: int = SHOWN) -> Table:
        """The first customers of the list."""
        frame = self.table.head(top)[["customer", "reason", "points", "exposure", "days_on"]]
        owed = float(self.table["exposure"].clip(lower=0).sum())
        title = f"{len(self.table)} customers to watch, with {money(owed, self.currency)} at stake"
        note = (
            f"The first {len(frame)}, ordered by {self.ordered_by}. Exposure in {self.currency}: open items "
            "and unbilled orders, less deposits and credits. days_on: since the first of the alarms turned "
            f"on. {self.in_default} customers in default already are left out: they are for collection."
        )
        formats: dict[str, Format] = {"points": "integer", "exposure": "money", "days_on": "integer"}
        return Table(name, title, frame.reset_index(drop=True), note, formats)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def make_watch_list(
    alerts: Alerts,
    snapshot: Snapshot,
    definition: DefaultDefinition,
    ranking: AlertRanking | None = None,
) -> WatchList:
    """Who has an alarm on today, most worrying first.

    Parameters
    ----------
    alerts : Alerts
        Of the snapshot.
    snapshot : Snapshot
    definition : DefaultDefinition
        Customers in default are not watched any more.
    ranking : AlertRanking, optional
        Gives the points, and leaves out alarms that its back-test found not to separate. Where nothing could
        be judged all alarms count, and customers are ordered by their number, then by exposure.

    Returns
    -------
    WatchList
    """
    own, points = _counted(alerts, ranking)
    now = alerts.now
    gone = _in_default(snapshot, definition)
    now = now[~now["customer_id"].isin(gone) & now[[rule.name for rule in own]].any(axis=1)]
    columns = ["customer_id", "rules", "reason", "points", "exposure", "days_on"]
    table = pd.DataFrame([_entry(row, own, points) for _, row in now.iterrows()], columns=columns)
    table.insert(1, "customer", _names(table["customer_id"], snapshot))
    by = ["points", "exposure", "customer_id"]
    table = table.sort_values(by, ascending=[False, False, True], ignore_index=True)
    ordered = "points learnt from past defaults" if points else "number of alarms, then exposure"
    return WatchList(snapshot.date, snapshot.currency, table, len(gone), ordered)


def _counted(alerts: Alerts, ranking: AlertRanking | None) -> tuple[list[Rule], dict[str, float]]:
    """The rules that put a customer on the list, and their points if any are known."""
    own = [rule for rule in alerts.rules.rules if not rule.common]
    if ranking is None or not ranking.points:
        return own, {}
    return [rule for rule in own if rule.name in ranking.backtest.separating], ranking.points


def _entry(row: pd.Series, rules: list[Rule], points: dict[str, float]) -> dict[str, Any]:
    on = sorted((r for r in rules if row[r.name]), key=lambda r: -points.get(r.name, 0.0))
    return {
        "customer_id": row["customer_id"],
        "rules": " ".join(rule.name for rule in on),
        "reason": "; ".join(dict.fromkeys(rule.tell(row) for rule in on)),
        "points": sum(points[r.name] for r in on) if points else float(len(on)),
        "exposure": row["exposure"],
        "days_on": max(int(row[f"days_on_{rule.name}"]) for rule in on),
    }


def _in_default(snapshot: Snapshot, definition: DefaultDefinition) -> set[str]:
    states = default_states(snapshot.items, snapshot.events, snapshot.date, definition, snapshot.signals)
    if states.empty:
        return set()
    last = states.groupby("customer_id")["in_default"].last().astype(bool)
    return set(last.index[last.to_numpy()])


def _names(ids: pd.Series, snapshot: Snapshot) -> pd.Series:
    """Names where the ledger has them, else identifiers."""
    customers = snapshot.customers
    if "name" not in customers.columns:
        return ids
    given = customers.set_index("customer_id")["name"].reindex(ids.to_numpy())
    return pd.Series(given.to_numpy(), index=ids.index).fillna(ids)
