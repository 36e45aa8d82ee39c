"""Ageing month end by month end, each as it was known then, from one pass over the movements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import stamp
from arrisk.errors import LedgerError
from arrisk.ledger.book import Snapshot
from arrisk.ledger.days import dates, month_end, month_index
from arrisk.ledger.statements import ageing_cells
from arrisk.portfolio.ageing import (
    CREDITS,
    NO_DATE,
    NOT_DUE,
    UNAPPLIED_CASH,
    Clock,
    check_attribute,
    column_names,
    spread_cells,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["AgeingPanel", "make_ageing_panel"]


@dataclass(frozen=True, slots=True, eq=False)
class AgeingPanel:
    """The ageing at month ends of history, as it was known on each of them.

    Attributes
    ----------
    table : DataFrame
        month_end, (attribute,) and one column a bucket, in currency units; the last row is the as-of date
        itself.
    as_of, currency, clock, edges
        As in `Ageing`.
    """

    table: pd.DataFrame
    as_of: pd.Timestamp
    currency: str
    clock: Clock
    edges: tuple[int, ...]
    by: str | None = None

    @property
    def buckets(self) -> list[str]:
        """Names of the bucket columns."""
        return column_names(self.edges, self.clock)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Overdue and not-due balance through time, in thousands, stacked by age."""
        import matplotlib.pyplot as plt

        ax = plt.gca() if ax is None else ax
        shown = [b for b in self.buckets if b not in (CREDITS, UNAPPLIED_CASH)]
        totals = self.table.groupby("month_end")[shown].sum() / 1000
        colours = plt.get_cmap("cividis")(np.linspace(0.1, 0.95, len(shown)))
        ax.stackplot(totals.index, totals.to_numpy().T.clip(min=0), labels=shown, colors=colours)
        late = [b for b in shown if b not in (NOT_DUE, NO_DATE)]
        share = totals[late].sum(axis=1) / totals.sum(axis=1)
        before = share.iloc[-13] if len(share) > 12 else share.iloc[0]
        ax.set_title(
            f"Overdue share {share.iloc[-1]:.0%}, {before:.0%} a year before"
            if len(share) > 12
            else f"Overdue share {share.iloc[-1]:.0%}"
        )
        ax.set_ylabel(f"open, thousand {self.currency}")
        ax.yaxis.set_major_formatter("{x:,.0f}")
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), reverse=True)
        return stamp(ax, self.as_of)


def make_ageing_panel(
    snapshot: Snapshot,
    months: int = 36,
    edges: Sequence[int] = (30, 60, 90),
    clock: Clock = "due",
    by: str | None = None,
) -> AgeingPanel:
    """Age the open balance at the last month ends, each as it was known then.

    One pass over the movements, collapsed to cells of (due day, month known), gives all months exactly.

    Parameters
    ----------
    snapshot : Snapshot
        The last row is its own date; rows before are month ends.
    months : int
        At most so many rows; months before the first movement are left out.
    edges, clock, by
        As in `make_ageing`.

    Returns
    -------
    AgeingPanel
    """
    if months < 1:
        raise LedgerError(f"months={months}: at least 1")
    columns = column_names(edges, clock)
    cells = snapshot.query(ageing_cells(clock, check_attribute(snapshot, by)))
    now = int(month_index([snapshot.day])[0])
    first = max(now - months + 1, int(cells["month"].min()))
    days = np.array([*month_end(np.arange(first, now)), snapshot.day], dtype=np.int64)
    wide = spread_cells(cells, days, columns, edges, clock)
    parts = []
    for value in sorted(wide):
        part = pd.DataFrame(wide[value] / snapshot.scale, columns=columns)
        if by:
            part.insert(0, by, value)
        part.insert(0, "month_end", dates(days))
        parts.append(part)
    return AgeingPanel(
        pd.concat(parts, ignore_index=True), snapshot.date, snapshot.currency, clock, tuple(edges), by
    )
