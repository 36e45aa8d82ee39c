"""An offer as read from its sheet."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from arrisk.display import Format, Table, frame_html
from arrisk.policy.insurance.terms import PolicyTerms
from arrisk.policy.offers.fields import show_value
from arrisk.policy.offers.kinds import KINDS

__all__ = ["Offer"]


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer of an insurer, a factor or a bank.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    provider, name : str
        Who offers, and what it is called. Text of others: shown escaped, never run.
    currency : str
        ISO 4217, of all amounts.
    dated, valid_until : date
    source : str
        Where the figures stand.
    terms : PolicyTerms or a route of funding
        What is offered.
    values : tuple of (str, object)
        The keys of the sheet and their values, in the order of the schema.
    path : Path or None
        The sheet.
    """

    kind: str
    provider: str
    name: str
    currency: str
    dated: dt.date
    valid_until: dt.date
    source: str
    terms: Any
    values: tuple[tuple[str, Any], ...] = ()
    path: Path | None = None

    @property
    def label(self) -> str:
        """Provider and name, by which comparisons call the offer."""
        return f"{self.provider}: {self.name}"

    @property
    def is_insurance(self) -> bool:
        """Whether it insures losses; else it funds receivables."""
        return isinstance(self.terms, PolicyTerms)

    def has_expired(self, day: dt.date | pd.Timestamp) -> bool:
        """Whether it can no longer be accepted on a day."""
        return self.valid_until < (day.date() if isinstance(day, dt.datetime) else day)

    def finding(self) -> str:
        """What is offered, in one sentence."""
        title = KINDS[self.kind].title
        return f"{self.label} ({title}), in {self.currency}, valid until {self.valid_until}"

    @property
    def table(self) -> pd.DataFrame:
        """Tidy: key, value (text), meaning."""
        fields = {f.key: f for f in KINDS[self.kind].fields}
        rows = [(key, _told(fields[key], value), fields[key].meaning) for key, value in self.values]
        return pd.DataFrame(rows, columns=["key", "value", "meaning"])

    def to_table(self, name: str = "offer") -> Table:
        """The terms of the sheet, ready to be shown."""
        formats: dict[str, Format] = dict.fromkeys(("key", "value", "meaning"), "text")
        return Table(name, self.finding(), self.table, f"Source: {self.source}.", formats)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def _told(field: Any, value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(v) for v in value)
    if isinstance(value, dict):
        return f"{len(value)} named, {sum(value.values()):,.0f} in all"
    if isinstance(value, bool | str):
        return str(value)
    return show_value(field, float(value))
