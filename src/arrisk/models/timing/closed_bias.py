"""What closed items alone say of payment times, beside what the same invoices did later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.models.timing.curves import SurvivalCurve, closed_only_curve, kaplan_meier
from arrisk.portfolio.survival_counts import make_survival_counts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["ClosedBias", "compare_closed_only"]

SHOWN_DAYS = (15, 30, 60)
LEAST_CLOSED = 20
CLOSED, EVERY, LATER = "closed items only", "open items too (Kaplan-Meier)", "what they did later"
STYLES = {
    CLOSED: ("#D55E00", "--"),
    EVERY: ("#0072B2", "-"),
    LATER: ("#000000", ":"),
}


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
        rows = []
        for name, curve in self.curves.items():
            shares = np.where(
                np.array(SHOWN_DAYS) > self._known_until, np.nan, _open_after(curve, SHOWN_DAYS)
            )
            rows.append((name, curve.n, curve.quantile(0.5), *shares))
        columns = ["method", "items", "median_days", *(f"open_after_{d}" for d in SHOWN_DAYS)]
        return pd.DataFrame(rows, columns=columns)

    def to_table(self, name: str = "closed_only") -> Table:
        """The comparison as a table."""
        shares: dict[str, Format] = {f"open_after_{d}": "percent" for d in SHOWN_DAYS}
        formats: dict[str, Format] = {"items": "integer", "median_days": "number", **shares}
        note = (
            f"Invoices issued in the {self.issued_days} days up to {self.past:%Y-%m-%d}; {self.still_open} "
            "were open on that day, and the closed items leave them out. Days since issue. The last row knows"
            f" what is known on {self.as_of:%Y-%m-%d}."
        )
        return Table(name, "The same invoices by two methods, and the truth", self.table, note, formats)

    @property
    def finding(self) -> str:
        """The bias in one sentence."""
        if not self.curves:
            return f"Too few invoices were issued and paid before {self.past:%Y-%m-%d} to compare"
        shares = self.table[[f"open_after_{d}" for d in SHOWN_DAYS]].to_numpy(float)
        gap = np.nan_to_num(shares[2] - shares[0], nan=-1.0)
        day = SHOWN_DAYS[int(gap.argmax())]
        wrong, _, right = shares[:, int(gap.argmax())]
        if gap.max() < 0.01:
            return "Closed items alone would have done here: hardly any of these invoices was open"
        return f"After {day} days {right:.0%} were still open; closed items alone said {wrong:.0%}"

    @property
    def _known_until(self) -> int:
        """Last day that the curve of all items reaches on both days."""
        return 0 if not self.curves else min(self.curves[EVERY].last_day, self.curves[LATER].last_day)

    def plot(self, ax: Axes | None = None) -> Axes:
        """The three curves."""
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.subplots()[1]
        days = np.arange(0, self._known_until + 1)
        for name, curve in self.curves.items():
            colour, line = STYLES[name]
            ax.step(days, 100 * _open_after(curve, days), where="post", label=name, color=colour, ls=line)
        ax.set(xlabel="days since issue", ylabel="still open, % of invoices", ylim=(0, 102), xlim=(0, None))
        ax.set_title(self.finding)
        if self.curves:
            ax.legend(loc="upper right")
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


def _open_after(curve: SurvivalCurve, days: tuple[int, ...] | np.ndarray) -> np.ndarray:
    """Share still open; a curve of closed items alone has nothing open after its last day."""
    values = curve.at(np.asarray(days))
    done = curve.table["survival"].iloc[-1] == 0.0
    return np.where(np.isnan(values) & done, 0.0, values)
