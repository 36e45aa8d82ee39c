"""How much too sure a curve is that takes the invoices of a customer as independent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.models.timing.bias_page import age_in_words
from arrisk.models.timing.curves import SurvivalCurve, kaplan_meier
from arrisk.models.timing.followed import Clock, follow_items, from_crowded_day, weights_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["IndependenceBias", "compare_independent"]

SHOWN_DAYS = {"issue": (15, 30, 45, 60), "due": (-15, 0, 15, 30)}
LEAST_CUSTOMERS = 10
CLUSTERED, ALONE = "by customer", "as if independent"
STYLES = {CLUSTERED: "#0072B2", ALONE: "#D55E00"}


@dataclass(frozen=True, slots=True)
class IndependenceBias:
    """One curve with two intervals: invoices as independent, and customers as what varies.

    Parameters
    ----------
    as_of : Timestamp
    clock : {"issue", "due"}
    weights : {"count", "amount"}
    curves : dict of str to SurvivalCurve
        By customer, and as if independent; empty with fewer than 10 customers.
    """

    as_of: pd.Timestamp
    clock: Clock
    weights: str
    curves: dict[str, SurvivalCurve]

    @property
    def table(self) -> pd.DataFrame:
        """Share still open by day, half-widths of both intervals and their ratio, where both are known."""
        columns = ["day", "estimate", "half_width", "half_width_independent", "ratio"]
        if not self.curves:
            return pd.DataFrame({name: pd.Series(dtype=float) for name in columns})
        ours, other = (self.curves[name].late_share(SHOWN_DAYS[self.clock]) for name in (CLUSTERED, ALONE))
        half, naive = ((each["ci_high"] - each["ci_low"]) / 2 for each in (ours, other))
        frame = pd.DataFrame(
            dict(zip(columns, (ours["day"], ours["estimate"], half, naive, half / naive), strict=True))
        )
        return frame[frame["ratio"].notna()].reset_index(drop=True)

    @property
    def finding(self) -> str:
        """How much wider the interval by customer is, in one sentence."""
        table = self.table
        if not len(table):
            return "Too few customers have paid to tell how alike their invoices are"
        nearest = int((table["estimate"] - 0.5).abs().to_numpy().argmin())
        day, share, half, naive, ratio = table.iloc[nearest].to_numpy(float).tolist()
        when = age_in_words(day, self.clock)
        if ratio < 1.1:
            return f"{when} both intervals are about as wide: invoices of one customer are hardly alike"
        return (
            f"{when} {share:.0%} is open: ±{100 * half:.1f} points by customer, "
            f"±{100 * naive:.1f} as if independent"
        )

    def to_table(self, name: str = "independent_intervals") -> Table:
        """The widths as a table."""
        formats: dict[str, Format] = {"day": "integer", "ratio": "number"}
        formats |= dict.fromkeys(["estimate", "half_width", "half_width_independent"], "percent")  # type: ignore[arg-type]
        curve = self.curves.get(CLUSTERED)
        who = (
            ""
            if curve is None
            else f"{curve.n:,} invoices of {curve.n_clusters:,} customers; {curve.level:.0%}"
        )
        note = f"{who} intervals. The curve is the same; only what is taken to vary differs.".strip()
        return Table(name, "The same curve with two intervals", self.table, note, formats)

    def plot(self, ax: Axes | None = None) -> Axes:
        """The curve with both bands."""
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.subplots()[1]
        for name, curve in self.curves.items():
            days = np.arange(max(curve.first_day, -60), min(curve.last_day, 120) + 1)
            shown = curve.late_share(days)
            low, high = 100 * shown["ci_low"], 100 * shown["ci_high"]
            colour = STYLES[name]
            ax.fill_between(days, low, high, step="post", alpha=0.35, color=colour, lw=0, label=name)
        since = "issue" if self.clock == "issue" else "the due date"
        what = "amount" if self.weights == "amount" else "invoices"
        ax.set(xlabel=f"days since {since}", ylabel=f"still open, % of {what}", ylim=(0, 102))
        ax.set_title(self.finding)
        if self.curves:
            ax.legend(loc="upper right")
        return stamp(ax, self.as_of)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def compare_independent(
    snapshot: Snapshot,
    clock: Clock = "issue",
    weights: Literal["count", "amount"] = "count",
    level: float = 0.95,
) -> IndependenceBias:
    """Compare the interval of the curve by customer with the one that takes invoices as independent.

    Parameters
    ----------
    snapshot : Snapshot
    clock, weights, level
        As in `fit_timing`. By amount, each row of the counts is then taken to vary for itself.

    Returns
    -------
    IndependenceBias
        Without curves when fewer than 10 customers have paid.

    Notes
    -----
    A customer who pays late once pays late again, so a hundred invoices of one customer say little more than
    one does. Without weights the independent interval is Greenwood's (1926).
    """
    followed = follow_items(snapshot, clock, weights=weights, customers=True)
    frame = followed.frame
    if frame.loc[frame["cause"] == 1, "customer_id"].nunique() < LEAST_CUSTOMERS:
        return IndependenceBias(snapshot.date, clock, weights, {})
    part = from_crowded_day(frame)
    amounts = weights_of(part, weights)
    curves = {}
    for name, clusters in ((CLUSTERED, part["customer_id"]), (ALONE, _alone(amounts))):
        curves[name] = kaplan_meier(
            part["exit"], part["cause"] == 1, part["entry"], amounts, clusters, level, part["items"]
        )
    return IndependenceBias(snapshot.date, clock, weights, curves)


def _alone(amounts: pd.Series | None) -> np.ndarray | None:
    """Each row its own cluster where rows carry weights; without weights items need no clusters."""
    return None if amounts is None else np.arange(len(amounts))
