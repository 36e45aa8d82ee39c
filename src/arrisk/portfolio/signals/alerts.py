"""Dated alerts of every rule, each from what was known on the day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Format, Table, frame_html
from arrisk.ledger.days import as_date, dates, day_number, day_numbers, month_end, month_index
from arrisk.portfolio.customer_panel import make_customer_panel
from arrisk.portfolio.signals.measures import make_measures
from arrisk.portfolio.signals.onsets import days_on, onsets
from arrisk.portfolio.signals.rules import AlertRules, make_alert_rules
from arrisk.portfolio.utilisation import make_utilisation_path

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["Alerts", "alerts_from_measures", "grid_days", "make_alerts"]


@dataclass(frozen=True, slots=True, eq=False)
class Alerts:
    """States and alerts of every rule on every day of the grid; made by `make_alerts`.

    Attributes
    ----------
    as_of : Timestamp
        Last day of the grid.
    rules : AlertRules
    states : DataFrame
        A row a customer and day from the day the customer was known: `date`, `customer_id`, `active`,
        `exposure` (currency units), the measures, and for each rule whether it is on.
    table : DataFrame
        The alerts: `date`, `customer_id`, `rule`, `exposure`, by date, customer and rule.
    """

    as_of: pd.Timestamp
    rules: AlertRules
    states: pd.DataFrame
    table: pd.DataFrame

    @property
    def days(self) -> NDArray[np.int64]:
        """Day numbers of the grid."""
        return np.unique(day_numbers(self.states["date"]).to_numpy(dtype=np.int64))

    @property
    def now(self) -> pd.DataFrame:
        """States of the last day, with `days_on_<rule>`: since when each has been on, 0 when off."""
        last = self.states[self.states["date"] == self.as_of].set_index("customer_id")
        days = self.days
        extra = {}
        for name in self.rules.names:
            on, _, customers = wide_states(self.states, name)
            extra[f"days_on_{name}"] = pd.Series(days_on(on, days), index=customers).reindex(last.index)
        return last.assign(**extra).reset_index()

    def to_table(self, name: str = "alerts") -> Table:
        """How often each rule spoke, and how many customers it is on for today."""
        weeks = max((self.days[-1] - self.days[0]) / 7, 1.0)
        last = self.states[self.states["date"] == self.as_of]
        rows = []
        for rule in self.rules.rules:
            mine = self.table[self.table["rule"] == rule.name]
            rows.append(
                (
                    rule.label,
                    len(mine),
                    mine["customer_id"].nunique(),
                    len(mine) / weeks,
                    int(last[rule.name].sum()),
                )
            )
        columns = ["rule", "alerts", "customers", "alerts_a_week", "on_today"]
        formats: dict[str, Format] = {"alerts": "integer", "customers": "integer", "alerts_a_week": "number"}
        title = f"{len(self.table):,} alerts on {len(self.days)} days up to {self.as_of:%Y-%m-%d}"
        note = "An alert is raised when a rule turns on; customers already in default are not yet left out."
        return Table(name, title, pd.DataFrame(rows, columns=columns).round(2), note, formats)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def make_alerts(snapshot: Snapshot, rules: AlertRules | None = None) -> Alerts:
    """Alerts on the ledger's own past, as they would have been raised on each day.

    Parameters
    ----------
    snapshot : Snapshot
    rules : AlertRules, optional
        By default those of `make_alert_rules` without materiality.

    Returns
    -------
    Alerts
        Nothing in it depends on what became known after the day of a row.

    Examples
    --------
    >>> from arrisk.ledger.reading import read_ledger
    >>> book = read_ledger({"invoices": pd.DataFrame({"invoice_id": ["1"], "customer_id": ["a"],
    ...     "issue_date": ["2024-01-01"], "due_date": ["2024-01-31"], "amount": [100.0]})}, currency="EUR")
    >>> make_alerts(book.as_of("2024-04-30")).table[["date", "customer_id", "rule"]].values.tolist()
    [[Timestamp('2024-03-05 00:00:00'), 'a', 'watch_30'], [Timestamp('2024-04-02 00:00:00'), 'a', 'high_60']]
    """
    rules = rules or make_alert_rules(currency=snapshot.currency)
    days = grid_days(snapshot, rules)
    asked = [as_date(pd.Timestamp(day)) for day in dates(days)]
    panel = make_customer_panel(snapshot, days=asked).table
    used = make_utilisation_path(snapshot).at(asked).rename(columns={"name": "customer_id"})
    used = used[["date", "customer_id", "exposure", "utilisation"]].astype({"date": panel["date"].dtype})
    panel = panel.merge(used, on=["date", "customer_id"], how="left")
    measures = make_measures(panel, rules, snapshot.signals, snapshot.customers)
    return alerts_from_measures(measures, rules)


def grid_days(snapshot: Snapshot, rules: AlertRules) -> NDArray[np.int64]:
    """Day numbers on which the rules are looked at: the snapshot's own, and weeks or month ends before."""
    first, last = day_number(snapshot.first_date), snapshot.day
    if rules.grid == "weekly":
        return np.arange(last - (last - first) // 7 * 7, last + 1, 7, dtype=np.int64)
    months = month_end(np.arange(month_index([first])[0], month_index([last])[0]))
    return np.array([*months[months >= first], last], dtype=np.int64)


def alerts_from_measures(measures: pd.DataFrame, rules: AlertRules) -> Alerts:
    """Apply the rules to measures.

    Parameters
    ----------
    measures : DataFrame
        `date`, `customer_id`, `active`, `exposure` and what the rules look at (see `make_measures`).
    rules : AlertRules
    """
    states = measures.assign(**{rule.name: rule.holds(measures) for rule in rules.rules})
    parts = []
    for rule in rules.rules:
        on, known, customers = wide_states(states, rule.name)
        days = np.unique(day_numbers(states["date"]).to_numpy(dtype=np.int64))
        t, c = np.nonzero(onsets(on, days, known, rules.refractory_days))
        parts.append(pd.DataFrame({"date": dates(days[t]), "customer_id": customers[c], "rule": rule.name}))
    found = pd.concat(parts, ignore_index=True)
    exposure = states[["date", "customer_id", "exposure"]].astype({"date": found["date"].dtype})
    found = found.merge(exposure, on=["date", "customer_id"], how="left")
    order = {name: at for at, name in enumerate(rules.names)}
    found = found.assign(at=found["rule"].map(order)).sort_values(["date", "customer_id", "at"])
    table = found.drop(columns="at").reset_index(drop=True)
    return Alerts(pd.Timestamp(states["date"].max()), rules, states, table)


def wide_states(
    states: pd.DataFrame, name: str
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.object_]]:
    """A state as (days, customers), where there is a row, and the customers."""
    row = np.unique(states["date"].to_numpy(), return_inverse=True)[1]
    column, names = pd.factorize(states["customer_id"], sort=True)
    on = np.zeros((int(row.max()) + 1, len(names)), dtype=bool)
    known = on.copy()
    on[row, column], known[row, column] = states[name].to_numpy(dtype=bool), True
    return on, known, np.asarray(names, dtype=object)
