"""Ageing month end by month end, each as it was known then, from one pass over the movements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html
from arrisk.errors import LedgerError
from arrisk.ledger.book import Snapshot
from arrisk.ledger.days import dates, day_number, month_end, month_index
from arrisk.portfolio.ageing_buckets import (
    Clock,
    Credits,
    Level,
    column_names,
    describe,
)
from arrisk.portfolio.ageing_cells import age_cells
from arrisk.portfolio.ageing_page import plot_panel

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
    as_of, currency, clock, edges, by, credits, level
        As in `Ageing`.
    """

    table: pd.DataFrame
    as_of: pd.Timestamp
    currency: str
    clock: Clock
    edges: tuple[int, ...]
    by: str | None = None
    credits: Credits = "own_column"
    level: Level = "item"

    @property
    def buckets(self) -> list[str]:
        """Names of the bucket columns."""
        return column_names(self.edges, self.clock)

    def to_table(self, name: str = "ageing_panel", rows: int = 13) -> Table:
        """The last month ends ready to be shown; `rows` month ends, whatever the attribute."""
        last = self.table["month_end"].drop_duplicates().tail(rows)
        frame = self.table[self.table["month_end"].isin(last)].reset_index(drop=True)
        formats: dict[str, Format] = {"month_end": "date", **dict.fromkeys(self.buckets, "money")}
        title = "Open balance by age, month end by month end" + (f", by {self.by}" if self.by else "")
        note = describe(self.currency, self.clock, self.credits, self.level)
        return Table(name, title, frame, f"{note} Each month end as it was known then.", formats)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Open balance through time, in thousands, stacked by age; what is overdue at the bottom."""
        import matplotlib.pyplot as plt

        ax = plt.gca() if ax is None else ax
        return plot_panel(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def make_ageing_panel(
    snapshot: Snapshot,
    months: int = 36,
    edges: Sequence[int] = (30, 60, 90),
    clock: Clock = "due",
    by: str | None = None,
    credits: Credits = "own_column",
    level: Level = "item",
) -> AgeingPanel:
    """Age the open balance at the last month ends, each as it was known then.

    One pass over the movements, collapsed to cells of (due day, month known), gives all months exactly.

    Parameters
    ----------
    snapshot : Snapshot
        The last row is its own date; rows before are month ends.
    months : int
        At most so many rows; months before the first movement are left out.
    edges, clock, by, credits, level
        As in `make_ageing`. Oldest-first credits and the level of customers need cells by customer, about as
        many as there are items.

    Returns
    -------
    AgeingPanel

    Raises
    ------
    LedgerError
        If months, edges, clock, credits, level or attribute are not usable.
    """
    if months < 1:
        raise LedgerError(f"months={months}: at least 1")
    columns = column_names(edges, clock)
    now = int(month_index([snapshot.day])[0])
    begin = int(month_index([day_number(snapshot.first_date)])[0])
    days = np.array([*month_end(np.arange(max(now - months + 1, begin), now)), snapshot.day], dtype=np.int64)
    wide = age_cells(snapshot, days, edges, clock, by, credits, level)
    parts = []
    for value, minor in wide.items():
        part = pd.DataFrame(minor / snapshot.scale, columns=columns)
        if by:
            part.insert(0, by, value)
        part.insert(0, "month_end", dates(days))
        parts.append(part)
    table = pd.concat(parts, ignore_index=True)
    return AgeingPanel(table, snapshot.date, snapshot.currency, clock, tuple(edges), by, credits, level)
