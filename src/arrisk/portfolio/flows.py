"""Flows: what became of every item and every amount from one month end to the next, exactly."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import LedgerError
from arrisk.ledger.book import Snapshot
from arrisk.ledger.days import as_date, dates
from arrisk.portfolio import flow_page
from arrisk.portfolio.customer_states import customer_transitions
from arrisk.portfolio.flow_cells import read_exact_flow_cells
from arrisk.portfolio.transitions import (
    CREDITED,
    NEW,
    PAID,
    REOPENED,
    WRITTEN_OFF,
    Transitions,
    destination_names,
    make_transitions,
    open_names,
    origin_names,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Flows", "make_flows"]

Disputes = Literal["apart", "aged"]
Level = Literal["item", "customer"]
Measure = Literal["amount", "items"]


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """Transitions between the states of items owed, month by month; make one with `make_flows`.

    Attributes
    ----------
    table : DataFrame
        month_end, (attribute,) from_state, to_state, items, amount (currency units); one row for each
        transition that happened. `items` is how many ended the month in `to_state`, `amount` how much: a part
        payment counts as an amount paid, and its item as one still open. States from: those in which an item
        is open ("not due", the buckets, "no due date", "disputed"), "new" and "reopened". States to: the open
        ones, "paid" (discounts taken included), "credited", "written off".
    as_of : Timestamp
    currency : str
    edges, disputes, level
        The conventions used; see `make_flows`.
    by : str or None
        The attribute.
    """

    table: pd.DataFrame
    as_of: pd.Timestamp
    currency: str
    edges: tuple[int, ...]
    disputes: Disputes = "apart"
    level: Level = "item"
    by: str | None = None

    @property
    def origins(self) -> list[str]:
        """States from which items come, in order."""
        return origin_names(self.edges)

    @property
    def destinations(self) -> list[str]:
        """States to which they go, in order."""
        return destination_names(self.edges)

    @property
    def month_ends(self) -> pd.DatetimeIndex:
        """Month ends of the window; the last is the as-of date."""
        return pd.DatetimeIndex(sorted(self.table["month_end"].unique()))

    def matrix(
        self,
        month: str | dt.date | pd.Timestamp | None = None,
        of: Measure = "amount",
        cell: str | None = None,
    ) -> pd.DataFrame:
        """Transition rates: from x to.

        Parameters
        ----------
        month : date, optional
            A month end of the window; by default all months together, each in proportion to its volume.
        of : {"amount", "items"}
            Rates of money or of items.
        cell : str, optional
            A value of the attribute; all of them by default.

        Returns
        -------
        DataFrame
            Indexed by the state from: `start`, what stood there or came in (currency units or items, summed
            over the months), then the share of it that went to each state. Shares of a row sum to 1; they are
            missing where nothing was, and a bounced part payment makes the share paid smaller.

        Raises
        ------
        LedgerError
            If the month, the measure or the value is not there.
        """
        if of not in get_args(Measure):
            raise LedgerError(f"of={of!r}: allowed are 'amount' and 'items'")
        wide = self._chosen(month, cell).pivot_table(
            index="from_state", columns="to_state", values=of, aggfunc="sum", fill_value=0.0
        )
        wide = wide.reindex(index=self.origins, columns=self.destinations, fill_value=0.0).astype(float)
        start = wide.sum(axis=1)
        rates = wide.div(start.where(start != 0), axis=0).rename_axis(columns=None)
        rates.insert(0, "start", start)
        return rates

    def _chosen(self, month: str | dt.date | pd.Timestamp | None, cell: str | None) -> pd.DataFrame:
        rows = self.table
        if month is not None:
            rows = rows[rows["month_end"] == as_date(month)]
            if rows.empty:
                raise LedgerError(f"no flows in a month that ends {as_date(month):%Y-%m-%d}")
        if cell is not None:
            if self.by is None or cell not in set(rows[self.by]):
                raise LedgerError(f"no flows of {cell!r}" + ("" if self.by else "; they are not split"))
            rows = rows[rows[self.by] == cell]
        return rows

    @property
    def conservation(self) -> pd.DataFrame:
        """Month by month: opening + new + reopened = closing + paid + credited + written off.

        Returns
        -------
        DataFrame
            month_end, (attribute,) opening, new, reopened, closing, paid, credited, written_off in currency
            units, and the same in items (opening_items, ...). Both sides are equal to the minor unit.
        """
        keys = ["month_end", *([self.by] if self.by else [])]
        still = open_names(self.edges)
        sides = {
            "from_state": {"opening": still, "new": [NEW], "reopened": [REOPENED]},
            "to_state": {
                "closing": still,
                "paid": [PAID],
                "credited": [CREDITED],
                "written_off": [WRITTEN_OFF],
            },
        }
        cells = self.table[keys].drop_duplicates().set_index(keys).index
        out = pd.DataFrame(index=cells)
        for measure, ending in (("amount", ""), ("items", "_items")):
            for side, groups in sides.items():
                for name, states in groups.items():
                    rows = self.table[self.table[side].isin(states)]
                    out[name + ending] = rows.groupby(keys)[measure].sum().reindex(cells, fill_value=0)
        amounts = [name for name in out if not str(name).endswith("_items")]
        return out.round(dict.fromkeys(amounts, 4)).reset_index()

    def finding(self) -> str:
        """What became in the last month of what was overdue at its start, in one sentence."""
        return flow_page.describe_flows(self)

    def to_table(self, name: str = "flows") -> Table:
        """What became of the money of the last month, by the state it was in."""
        return flow_page.flows_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """What became, month by month, of what was overdue at the start of the month."""
        return flow_page.plot_flows(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def make_flows(
    snapshot: Snapshot,
    months: int = 36,
    edges: Sequence[int] = (30, 60, 90),
    by: str | None = None,
    disputes: Disputes = "apart",
    level: Level = "item",
) -> Flows:
    """Count what items owed did from month end to month end, each as it was known then.

    One pass over movements and closings, collapsed to cells of items alike (`arrisk.ledger.flow_statements`),
    gives all months exactly, in items and in minor units, for any edges.

    Parameters
    ----------
    snapshot : Snapshot
        The last month ends at its own date; those before are whole months.
    months : int
        At most so many; months before the first movement are left out.
    edges : sequence of int
        Last day of each bucket of days overdue; see `bucket_names`.
    by : str, optional
        An attribute of customers (customer_id among them) or of items.
    disputes : {"apart", "aged"}
        Disputed items in a state of their own, or among the others by age, as in an ageing.
    level : {"item", "customer"}
        States of items, or of customers: all that a customer owes is in the bucket of its oldest overdue
        item, disputed or not. Counted are items in both cases.

    Returns
    -------
    Flows
        Credit items and unapplied cash are no part of it. An item is "reopened" when it was closed at the
        start of the month and then stood open, or was settled in another way.

    Raises
    ------
    LedgerError
        If months, edges, disputes or attribute are not usable.

    Examples
    --------
    >>> import pandas as pd, arrisk as ar
    >>> ledger = ar.read_ledger({"invoices": pd.DataFrame({
    ...     "invoice_id": ["1"], "customer_id": ["c"], "issue_date": ["2025-01-05"],
    ...     "due_date": ["2025-01-20"], "amount": [100.0]}),
    ...     "events": pd.DataFrame({"invoice_id": ["1"], "date": ["2025-02-10"], "kind": ["payment"],
    ...     "amount": [60.0]})}, currency="EUR")
    >>> make_flows(ledger.as_of("2025-02-28")).table[["from_state", "to_state", "items", "amount"]]
      from_state to_state  items  amount
    0        new     1-30      1   100.0
    1       1-30    31-60      1    40.0
    2       1-30     paid      0    60.0
    """
    if disputes not in get_args(Disputes) or level not in get_args(Level):
        raise LedgerError(
            f"disputes={disputes!r}, level={level!r}: allowed are {get_args(Disputes)} and {get_args(Level)}"
        )
    open_names(edges)
    if level == "customer":
        found, labels, month_ends = customer_transitions(snapshot, months, edges, by)
    else:
        cells = read_exact_flow_cells(snapshot, months, by)
        found = make_transitions(cells if disputes == "apart" else cells.without_disputes(), edges)
        labels, month_ends = cells.labels, cells.month_ends
    table = _table(found, edges, dates(month_ends), labels if by else None)
    if by is not None:
        table = table.rename(columns={"cell": by})
    table["amount"] = table["amount"] / snapshot.scale
    return Flows(table, snapshot.date, snapshot.currency, tuple(edges), disputes, level, by)


def _table(
    found: Transitions, edges: Sequence[int], month_ends: NDArray[Any], labels: NDArray[Any] | None
) -> pd.DataFrame:
    order = np.lexsort((found.destination, found.origin, found.cell, found.month))
    table = pd.DataFrame({"month_end": month_ends[found.month[order]]})
    if labels is not None:
        table["cell"] = labels[found.cell[order]]
    table["from_state"] = np.array(origin_names(edges), dtype=object)[found.origin[order]]
    table["to_state"] = np.array(destination_names(edges), dtype=object)[found.destination[order]]
    return table.assign(items=found.items[order], amount=found.amount[order])
