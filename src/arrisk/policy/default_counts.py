"""What counts as a default in a study, and how many customers do when one element of that is another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from arrisk.display import Format, Table, frame_html
from arrisk.errors import ModelError, StudyError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.states import default_states
from arrisk.policy.assumptions import did_you_mean

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.policy.study import Study

__all__ = ["DefaultCounts", "count_defaults", "define_default"]

SETTINGS = ("share", "write_off", "insolvency", "level", "probation")
OTHER_SHARE = 0.01
"""Tried when a study asks for no share: the threshold of Delegated Regulation (EU) 2018/171."""
OTHER_PROBATION = 90
"""Tried when a study asks for no probation: the three months of the guidelines EBA/GL/2016/07."""


@dataclass(frozen=True, slots=True)
class DefaultCounts:
    """Customers in default by definition; made by `count_defaults`.

    Parameters
    ----------
    as_of : Timestamp
    currency : str
    customers : int
        Invoiced at least once.
    definition : DefaultDefinition
        The study's.
    table : DataFrame
        One row a definition, the study's first and then others that differ from it in one element: `varied`
        (what differs, in words), `days`, `materiality`, `ever` (customers that were ever in default),
        `ever_share`, `now` (in default on the day), `now_open` (what those owe), `used` (the study's
        definition).
    """

    as_of: pd.Timestamp
    currency: str
    customers: int
    definition: DefaultDefinition
    table: pd.DataFrame

    def to_table(self, name: str = "default_counts") -> Table:
        """One row a definition."""
        frame = self.table.rename(
            columns={
                "varied": "definition",
                "days": "days_overdue",
                "materiality": "at_least",
                "ever": "customers_ever",
                "now": "in_default_now",
                "now_open": "they_owe",
            }
        ).drop(columns="used")
        formats: dict[str, Format] = {
            "days_overdue": "integer",
            "at_least": "money",
            "customers_ever": "integer",
            "ever_share": "percent",
            "in_default_now": "integer",
            "they_owe": "money",
        }
        note = (
            f"Amounts in {self.currency}, as of {self.as_of:%Y-%m-%d}. The study's definition: "
            f"{self.definition}. Each other row changes one element of it. A write-off is never cured, all "
            "else ends when it is over."
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
    """The definition that a study gives with `default_days`, `materiality` and ``[settings.default]``.

    The table may set `share`, `write_off`, `insolvency` (names of signals), `level` and `probation`, as in
    `DefaultDefinition`.

    Raises
    ------
    StudyError
        If the study does not give `default_days` or `materiality`, or a setting is unknown or impossible.
    """
    days, amount = study.assumption("default_days"), study.assumption("materiality")
    settings = dict(study.settings.get("default", {}))
    for key in settings:
        if key not in SETTINGS:
            raise StudyError(
                f"[settings.default]: unknown key {key!r}{did_you_mean(key, SETTINGS)}; allowed: "
                f"{', '.join(SETTINGS)}"
            )
    try:
        return DefaultDefinition(days=round(days.value), materiality=amount.value, **_typed(settings))
    except ModelError as error:
        raise StudyError(f"[settings.default]: {error}") from error


def _typed(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings, after a look at the kind of each value."""
    kinds = {"share": (int, float), "write_off": bool, "insolvency": list, "level": str, "probation": int}
    for key, value in settings.items():
        kind: Any = kinds[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise StudyError(f"[settings.default]: {key} = {value!r} is not of the kind it has to be")
    return settings


def count_defaults(study: Study, snapshot: Snapshot) -> DefaultCounts:
    """Count customers in default by the study's definition and by others that differ in one element.

    Parameters
    ----------
    study : Study
        Gives the definition, and the low and high ends of `default_days` and `materiality`.
    snapshot : Snapshot

    Returns
    -------
    DefaultCounts
    """
    items, events, signals = snapshot.items, snapshot.events, snapshot.signals
    owed = snapshot.open_items.groupby("customer_id")["open_amount"].sum()
    people = int(items.loc[items["amount"] > 0, "customer_id"].nunique())
    used = define_default(study)
    rows = []
    for varied, definition in _variants(study, used):
        states = default_states(items, events, snapshot.date, definition, signals)
        ever = states.loc[states["in_default"], "customer_id"].nunique()
        last = states.groupby("customer_id")["in_default"].last()
        now = last.index[last.astype(bool)]
        held = round(float(owed.reindex(now).fillna(0.0).sum()), 2)
        share = ever / people if people else float("nan")
        limits = (definition.days, definition.materiality)
        rows.append((varied, *limits, ever, share, len(now), held, definition == used))
    columns = ["varied", "days", "materiality", "ever", "ever_share", "now", "now_open", "used"]
    table = pd.DataFrame(rows, columns=columns)
    return DefaultCounts(snapshot.date, snapshot.currency, people, used, table)


def _variants(study: Study, used: DefaultDefinition) -> Iterator[tuple[str, DefaultDefinition]]:
    """What differs, in words, and the definition: the study's, then one element changed at a time."""
    yield "the study's", used
    days, amount = study.assumption("default_days"), study.assumption("materiality")
    for end in sorted({round(days.low), round(days.high)} - {used.days}):
        yield f"{end} days past due", replace(used, days=end)
    for least in sorted({amount.low, amount.high} - {used.materiality}):
        yield f"at least {least:,.0f}", replace(used, materiality=least)
    share = 0.0 if used.share else OTHER_SHARE
    part = f"at least {share:.0%} of what is owed" if share else "any share of what is owed"
    yield part, replace(used, share=share)
    single = used.level == "invoice"
    each = "the customer's sum counts" if single else "each invoice counts for itself"
    yield each, replace(used, level="customer" if single else "invoice")
    written = "write-offs do not count" if used.write_off else "write-offs count"
    yield written, replace(used, write_off=not used.write_off)
    told = "signals of insolvency do not count" if used.insolvency else "signals of insolvency count"
    yield told, replace(used, insolvency=() if used.insolvency else ("insolvency",))
    clean = 0 if used.probation else OTHER_PROBATION
    yield f"over after {clean} days without" if clean else "no probation", replace(used, probation=clean)
