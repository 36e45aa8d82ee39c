"""What counts as a default in a study, and how many customers do by other definitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from arrisk.display import Format, Table, frame_html
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.states import default_states

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.policy.assumptions import Assumption
    from arrisk.policy.study import Study

__all__ = ["DefaultCounts", "count_defaults", "define_default"]


@dataclass(frozen=True, slots=True)
class DefaultCounts:
    """Customers in default by definition; made by `count_defaults`.

    Parameters
    ----------
    as_of : Timestamp
    currency : str
    customers : int
        Invoiced at least once.
    table : DataFrame
        `days`, `materiality`, `ever` (customers that were ever in default), `ever_share`, `now` (in default
        on the day), `now_open` (what those owe), `used` (the study's definition).
    """

    as_of: pd.Timestamp
    currency: str
    customers: int
    table: pd.DataFrame

    def to_table(self, name: str = "default_counts") -> Table:
        """One row a definition."""
        frame = self.table.rename(
            columns={
                "days": "days_overdue",
                "materiality": "at_least",
                "ever": "customers_ever",
                "now": "in_default_now",
                "now_open": "they_owe",
            }
        )
        frame["used"] = frame["used"].map({True: "the study's", False: ""})
        formats: dict[str, Format] = {
            "days_overdue": "integer",
            "at_least": "money",
            "customers_ever": "integer",
            "ever_share": "percent",
            "in_default_now": "integer",
            "they_owe": "money",
        }
        note = (
            f"Amounts in {self.currency}, as of {self.as_of:%Y-%m-%d}. A customer is in default while what "
            "is so many days overdue comes to at least the amount, and for good once as much is written off."
        )
        return Table(name, self.finding, frame, note, formats)

    @property
    def finding(self) -> str:
        """How far the definition moves the count."""
        low, high = int(self.table["ever"].min()), int(self.table["ever"].max())
        if low == high:
            return f"{low} of {self.customers} customers ever defaulted, by any of these definitions"
        return f"Between {low} and {high} of {self.customers} customers ever defaulted, by definition"

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def define_default(study: Study) -> DefaultDefinition:
    """The definition that a study gives with `default_days` and `materiality`.

    Raises
    ------
    StudyError
        If it gives one of them not at all.
    """
    days, amount = study.assumption("default_days"), study.assumption("materiality")
    return DefaultDefinition(days=round(days.value), materiality=amount.value)


def count_defaults(study: Study, snapshot: Snapshot) -> DefaultCounts:
    """Count customers in default over the study's ranges of days and materiality.

    Parameters
    ----------
    study : Study
        The low, middle and high of `default_days` and `materiality` are combined.
    snapshot : Snapshot

    Returns
    -------
    DefaultCounts
    """
    items = snapshot.items
    owed = snapshot.open_items.groupby("customer_id")["open_amount"].sum()
    people = int(items.loc[items["amount"] > 0, "customer_id"].nunique())
    middle = define_default(study)
    rows = []
    for days in _ends(study.assumption("default_days")):
        for amount in _ends(study.assumption("materiality")):
            definition = DefaultDefinition(days=round(days), materiality=amount)
            states = default_states(items, snapshot.events, snapshot.date, definition, snapshot.signals)
            ever = states.loc[states["in_default"], "customer_id"].nunique()
            last = states.groupby("customer_id")["in_default"].last()
            now = last.index[last.astype(bool)]
            held = round(float(owed.reindex(now).fillna(0.0).sum()), 2)
            share = ever / people if people else float("nan")
            rows.append((round(days), amount, ever, share, len(now), held, definition == middle))
    columns = ["days", "materiality", "ever", "ever_share", "now", "now_open", "used"]
    return DefaultCounts(snapshot.date, snapshot.currency, people, pd.DataFrame(rows, columns=columns))


def _ends(assumption: Assumption) -> list[float]:
    return sorted({assumption.low, assumption.value, assumption.high})
