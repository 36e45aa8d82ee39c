"""What closed items alone say of payment times, beside what the same invoices did later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Table, frame_html, stamp
from arrisk.models.timing.bias_page import (
    known_until,
    largest_gap,
    method_formats,
    method_table,
    plot_methods,
)
from arrisk.models.timing.curves import SurvivalCurve, closed_only_curve, kaplan_meier
from arrisk.portfolio.survival_counts import make_survival_counts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["ClosedBias", "compare_closed_only"]

SHOWN_DAYS = (15, 30, 60)
LEAST_CLOSED = 20
FORMATS = method_formats(SHOWN_DAYS)
CLOSED, EVERY, LATER = "closed items only", "open items too (Kaplan-Meier)", "what they did later"


@dataclass(frozen=True, slots=True)
class ClosedBias:
    """Curves of the same invoices by two methods on a past day, and what became of them.

    Parameters
    ----------
    as_of : Timestamp
        Day on which the later truth is read.
    past : Timestamp
        Day on which both methods had to answer.
    issued_days : int
        Invoices issued in so many days before `past` are looked at.
    still_open : int
        Of these, open on `past`: what the closed items leave out.
    curves : dict of str to SurvivalCurve
        Closed items only, Kaplan-Meier, and Kaplan-Meier with what is known on `as_of`; empty when the ledger
        holds too little.
    """

    as_of: pd.Timestamp
    past: pd.Timestamp
    issued_days: int
    still_open: int
    curves: dict[str, SurvivalCurve]

    @property
    def table(self) -> pd.DataFrame:
        """Items used, median days to payment and shares still open after 15, 30 and 60 days, by method."""
        return method_table(self.curves, SHOWN_DAYS, self._known_until)

    def to_table(self, name: str = "closed_only") -> Table:
        """The comparison as a table."""
        note = (
            f"Invoices issued in the {self.issued_days} days up to {self.past:%Y-%m-%d}; {self.still_open} "
            "were open on that day, and the closed items leave them out. Days since issue. The last row knows"
            f" what is known on {self.as_of:%Y-%m-%d}."
        )
        return Table(name, "The same invoices by two methods, and the truth", self.table, note, FORMATS)

    @property
    def finding(self) -> str:
        """The bias in one sentence."""
        if not self.curves:
            return f"Too few invoices were issued and paid before {self.past:%Y-%m-%d} to compare"
        day, wrong, right = largest_gap(self.table, SHOWN_DAYS, 1)
        if not right - wrong >= 0.01:
            return "Closed items alone would have done here: hardly any of these invoices was open"
        return f"After {day} days {right:.0%} were still open; closed items alone said {wrong:.0%}"

    @property
    def _known_until(self) -> int:
        """Last day that the curve of all items reaches on both days."""
        return known_until(self.curves, (EVERY, LATER))

    def plot(self, ax: Axes | None = None) -> Axes:
        """The three curves."""
        ax = plot_methods(self.curves, np.arange(0.0, self._known_until + 1.0), "issue", self.finding, ax)
        return stamp(ax, self.past, f"truth as known {self.as_of:%Y-%m-%d}")

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def compare_closed_only(snapshot: Snapshot, back_days: int = 180, issued_days: int = 90) -> ClosedBias:
    """Answer on a past day from closed items alone and from all items, and compare with the truth.

    Parameters
    ----------
    snapshot : Snapshot
        Knows the truth.
    back_days : int
        The past day is so many days before the snapshot.
    issued_days : int
        Invoices issued in so many days up to the past day are looked at: a recent cohort, as in practice.

    Returns
    -------
    ClosedBias
        Without curves when the ledger does not reach back so far, or fewer than 20 of these invoices were
        paid by the past day.

    Notes
    -----
    Leaving out what is open selects the fast payers: an invoice of 20 days can only have closed within 20.
    Kaplan and Meier (1958) count an open one as unpaid for as long as it has been watched.
    """
    past = snapshot.date - pd.Timedelta(days=back_days)
    empty = ClosedBias(snapshot.date, past, issued_days, 0, {})
    if past - pd.Timedelta(days=issued_days) < snapshot.first_date:
        return empty
    then, now = (_cohort(s, past, issued_days) for s in (snapshot.as_of(past), snapshot))
    paid = then["cause"] == "paid"
    if then.loc[paid, "items"].sum() < LEAST_CLOSED:
        return empty
    curves = {
        CLOSED: closed_only_curve(then["exit"], paid, then["items"]),
        EVERY: _payment_curve(then),
        LATER: _payment_curve(now),
    }
    still_open = int(then.loc[then["cause"] == "open", "items"].sum())
    return ClosedBias(snapshot.date, past, issued_days, still_open, curves)


def _cohort(snapshot: Snapshot, past: pd.Timestamp, issued_days: int) -> pd.DataFrame:
    """Counts of the invoices issued in the days up to `past`, with what the snapshot knows."""
    first = past - pd.Timedelta(days=issued_days - 1)
    return make_survival_counts(snapshot, "customer_id", issued=(first, past), amounts=False).table


def _payment_curve(cohort: pd.DataFrame) -> SurvivalCurve:
    return kaplan_meier(
        cohort["exit"], cohort["cause"] == "paid", clusters=cohort["customer_id"], counts=cohort["items"]
    )
