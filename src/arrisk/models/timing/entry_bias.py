"""What an export that begins with the items open on a day says when it ignores how old they were then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Table, frame_html, stamp
from arrisk.models.timing.bias_page import (
    age_in_words,
    known_until,
    largest_gap,
    method_formats,
    method_table,
    plot_methods,
)
from arrisk.models.timing.curves import SurvivalCurve, kaplan_meier
from arrisk.models.timing.followed import MIN_ITEMS, Clock, from_crowded_day
from arrisk.portfolio.survival_counts import make_survival_counts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["EntryBias", "compare_entry"]

SHOWN_DAYS = {"issue": (15, 30, 60), "due": (0, 15, 30)}
IGNORED, ENTERED, WHOLE = "age at entry ignored", "entered at their age", "whole history"


@dataclass(frozen=True, slots=True)
class EntryBias:
    """Curves from an export that begins on a day, with and without the ages at entry, and the truth.

    Parameters
    ----------
    as_of : Timestamp
        Last day known.
    start : Timestamp
        First day of the export: it holds what was open then, and what was issued since.
    issued_days : int
        Of what was open, invoices issued in so many days before `start` are looked at.
    clock : {"issue", "due"}
    already_open : int
        Invoices that the export finds open; those closed before `start` are not in it.
    curves : dict of str to SurvivalCurve
        Entry ignored, entry heeded, and the whole history of the same invoices and those the export lacks;
        empty when the ledger holds too little.
    """

    as_of: pd.Timestamp
    start: pd.Timestamp
    issued_days: int
    clock: Clock
    already_open: int
    curves: dict[str, SurvivalCurve]

    @property
    def table(self) -> pd.DataFrame:
        """Items used, median days to payment and shares still open, by method."""
        return method_table(self.curves, SHOWN_DAYS[self.clock], self._known_until)

    def to_table(self, name: str = "entry_ignored") -> Table:
        """The comparison as a table."""
        days = SHOWN_DAYS[self.clock]
        note = (
            f"Invoices issued from {self.issued_days} days before {self.start:%Y-%m-%d} on, followed to "
            f"{self.as_of:%Y-%m-%d}; {self.already_open} were open when the export began. The last row also "
            "knows those that had closed before. Days since "
            f"{'issue' if self.clock == 'issue' else 'the due date'}."
        )
        return Table(
            name, "An export that begins on a day, and the truth", self.table, note, method_formats(days)
        )

    @property
    def finding(self) -> str:
        """The bias in one sentence."""
        if not self.curves:
            return f"Too few invoices were open on {self.start:%Y-%m-%d} to show what ignoring their age does"
        day, wrong, right = largest_gap(self.table, SHOWN_DAYS[self.clock], -1)
        if not wrong - right >= 0.005:
            return "Ignoring the age at entry does little here: few of these invoices were open at the start"
        when = age_in_words(day, self.clock)
        return f"{when} {right:.0%} were still open; ignoring the age at entry said {wrong:.0%}"

    @property
    def _known_until(self) -> int:
        """Last day that all curves reach."""
        return known_until(self.curves, (ENTERED, WHOLE))

    def plot(self, ax: Axes | None = None) -> Axes:
        """The three curves."""
        first = 0 if not self.curves else max(self.curves[ENTERED].first_day, -60)
        days = np.arange(float(first), self._known_until + 1.0)
        ax = plot_methods(self.curves, days, self.clock, self.finding, ax)
        return stamp(ax, self.as_of, f"export begins {self.start:%Y-%m-%d}")

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def compare_entry(
    snapshot: Snapshot, clock: Clock = "issue", back_days: int = 180, issued_days: int = 90
) -> EntryBias:
    """Pretend that the ledger begins on a past day, ignore or heed the ages at entry, and compare.

    Parameters
    ----------
    snapshot : Snapshot
        Knows the truth: also what had closed before that day.
    clock : {"issue", "due"}
        On the due clock every item enters at minus its terms; to ignore it counts days before issue too.
    back_days : int
        The export begins so many days before the snapshot.
    issued_days : int
        Invoices issued in so many days before that day, or later, are looked at.

    Returns
    -------
    EntryBias
        Without curves when the ledger does not reach back so far, or fewer than 20 of these invoices were
        open on the day.

    Notes
    -----
    What was open on a day is what had not been paid quickly: counted as if it had been watched from its
    issue, it makes payment look slow (length-biased sampling). An item at risk only after its age at entry
    mends it (left truncation; Kaplan and Meier 1958).
    """
    start = snapshot.date - pd.Timedelta(days=back_days)
    empty = EntryBias(snapshot.date, start, issued_days, clock, 0, {})
    first = start - pd.Timedelta(days=issued_days)
    if first < snapshot.first_date:
        return empty
    issued = (first, snapshot.date)
    whole = make_survival_counts(snapshot, "customer_id", clock, issued=issued, amounts=False).table
    export = make_survival_counts(snapshot, "customer_id", clock, start, issued, amounts=False).table
    already = _open_at(snapshot, first, start)
    if already < MIN_ITEMS or export.empty:
        return empty
    curves = {
        IGNORED: _curve(export.assign(entry=int(export["entry"].min()))),
        ENTERED: _curve(from_crowded_day(export)),
        WHOLE: _curve(from_crowded_day(whole)),
    }
    return EntryBias(snapshot.date, start, issued_days, clock, already, curves)


def _open_at(snapshot: Snapshot, first: pd.Timestamp, start: pd.Timestamp) -> int:
    """Invoices issued from `first` to the eve of `start` that were open on that eve."""
    eve = start - pd.Timedelta(days=1)
    past = make_survival_counts(snapshot.as_of(eve), issued=(first, eve), amounts=False).table
    return int(past.loc[past["cause"] == "open", "items"].sum())


def _curve(part: pd.DataFrame) -> SurvivalCurve:
    return kaplan_meier(
        part["exit"],
        part["cause"] == "paid",
        entry=part["entry"],
        clusters=part["customer_id"],
        counts=part["items"],
    )
