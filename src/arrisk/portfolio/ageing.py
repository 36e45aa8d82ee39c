"""Ageing of the open balance: by bucket of days overdue, as of one date.

Every ageing sums to the open balance exactly: what is not due, what has no due date, credits and unapplied
cash have columns of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html
from arrisk.errors import LedgerError
from arrisk.ledger.book import Snapshot
from arrisk.portfolio.ageing_buckets import (
    CREDITS,
    NO_DATE,
    NOT_DUE,
    UNAPPLIED_CASH,
    Clock,
    Credits,
    Level,
    bucket_names,
    column_names,
    describe,
)
from arrisk.portfolio.ageing_cells import age_cells
from arrisk.portfolio.ageing_page import plot_ages, plot_attribute

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["NOT_DUE", "NO_DATE", "Ageing", "ControlTotal", "bucket_names", "check_attribute", "make_ageing"]


class ControlTotal(Protocol):
    """What the books say the open balance is on a date."""

    @property
    def date(self) -> pd.Timestamp:
        """The day of the total."""

    @property
    def balance(self) -> float:
        """In currency units."""

    @property
    def tolerance(self) -> float:
        """How far off is accepted."""


@dataclass(frozen=True, slots=True, eq=False)
class Ageing:
    """The open balance by age on one date.

    Attributes
    ----------
    table : DataFrame
        bucket, amount (currency units), share of what is owed (buckets only), and with `by` one row an
        attribute value and bucket.
    as_of : Timestamp
    currency : str
    clock, edges, credits, level
        The conventions used.
    total : float
        The open balance; the amounts sum to it exactly.
    by : str or None
        The attribute split by.
    """

    table: pd.DataFrame
    as_of: pd.Timestamp
    currency: str
    clock: Clock
    edges: tuple[int, ...]
    credits: Credits
    total: float
    by: str | None = None
    level: Level = "item"

    @property
    def conventions(self) -> str:
        """The conventions in words."""
        return describe(self.currency, self.clock, self.credits, self.level)

    def to_table(self, name: str = "ageing") -> Table:
        """The ageing ready to be shown; with `by`, one row an attribute value and one column a bucket."""
        if self.by is None:
            title, frame = "Open balance by age", self.table
        else:
            title = f"Open balance by age and {self.by}"
            frame = self.table.pivot(index=self.by, columns="bucket", values="amount")
            frame = frame[self.table["bucket"].unique()].reset_index().rename_axis(columns=None)
        amounts = [c for c in frame.columns if c not in ("bucket", "share", self.by)]
        formats: dict[str, Format] = {**dict.fromkeys(amounts, "money"), "share": "percent"}
        return Table(name, title, frame, self.conventions, formats)

    def tie_out(self, controls: Iterable[ControlTotal] = (), name: str = "ageing_tie_out") -> Table:
        """Compare the sum of the columns with the open balance and, where one is given, the control total.

        Parameters
        ----------
        controls : iterable of ControlTotal
            Such as `Study.controls`; those of other dates are passed over.
        name : str
            Of the table.

        Raises
        ------
        LedgerError
            If the columns differ from the open balance at all, or from a control total by more than its
            tolerance.
        """
        columns = Decimal(str(round(float(self.table["amount"].sum()), 4)))
        rows = [("open balance of the ledger", Decimal(str(self.total)), Decimal(0))]
        rows += [
            ("control total", Decimal(str(c.balance)), Decimal(str(c.tolerance)))
            for c in controls
            if c.date == self.as_of
        ]
        for what, amount, tolerance in rows:
            if abs(columns - amount) > tolerance:
                raise LedgerError(
                    f"the columns of the ageing sum to {columns:,}, the {what} is {amount:,}: "
                    f"difference {columns - amount:,}"
                )
        frame = pd.DataFrame(
            [
                (what, f"{amount:,.2f}", f"{columns:,.2f}", f"{columns - amount:,.2f}")
                for what, amount, _ in rows
            ],
            columns=["against", "amount", "sum_of_columns", "difference"],
        )
        note = "" if len(rows) > 1 else f"The study gives no control total of {self.as_of:%Y-%m-%d}."
        title = "Every cent is in a column" + (", and the control total agrees" if len(rows) > 1 else "")
        return Table(name, title, frame, f"Amounts in {self.currency}. {note}".strip())

    def plot(self, ax: Axes | None = None) -> Axes:
        """Bars of the open balance by age; with `by`, what is overdue of each value; in thousands."""
        import matplotlib.pyplot as plt

        ax = plt.gca() if ax is None else ax
        return (plot_ages if self.by is None else plot_attribute)(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def make_ageing(
    snapshot: Snapshot,
    edges: Sequence[int] = (30, 60, 90),
    clock: Clock = "due",
    by: str | None = None,
    credits: Credits = "own_column",
    level: Level = "item",
) -> Ageing:
    """Age the open balance as of the snapshot's date.

    Parameters
    ----------
    snapshot : Snapshot
    edges : sequence of int
        See `bucket_names`.
    clock : {"due", "issue"}
        Count days from the due date or from the invoice date.
    by : str, optional
        An attribute of customers (segment, industry, region, ...) or items (salesperson, department,
        currency) to split by; of unapplied cash no item's attribute is given.
    credits : {"own_column", "oldest_first", "netted"}
        Credits and unapplied cash: in columns of their own; set against the customer's oldest items; or
        credits at their own age among the items, with unapplied cash still apart.
    level : {"item", "customer"}
        Each item in the bucket of its own age; or all that a customer owes in the bucket of its oldest open
        item (not due when none is overdue).

    Returns
    -------
    Ageing

    Raises
    ------
    LedgerError
        If edges, clock, credits, level or attribute are not usable.

    Examples
    --------
    >>> import pandas as pd, arrisk as ar
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["c", "c"],
    ...     "issue_date": ["2025-01-01"] * 2, "due_date": ["2025-01-31", None], "amount": [5.0, 7.0]})
    >>> ageing = make_ageing(ar.read_ledger({"invoices": invoices}, currency="EUR").as_of("2025-02-10"))
    >>> ageing.table.set_index("bucket")["amount"][["1-30", "no due date"]].tolist(), ageing.total
    ([5.0, 7.0], 12.0)
    """
    columns = column_names(edges, clock)
    wide = age_cells(snapshot, np.array([snapshot.day]), edges, clock, by, credits, level)
    wide = wide or {"": np.zeros((1, len(columns)), dtype=np.int64)}
    parts = [
        _bucket_rows(value if by else None, columns, minor[0], snapshot.scale, by)
        for value, minor in wide.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    return Ageing(
        table,
        snapshot.date,
        snapshot.currency,
        clock,
        tuple(edges),
        credits,
        snapshot.open_balance,
        by,
        level,
    )


def check_attribute(snapshot: Snapshot, by: str | None) -> str | None:
    """Pass an attribute through, or refuse one that is not there."""
    return snapshot.attribute(by)


def _bucket_rows(
    value: str | None, columns: list[str], minor: np.ndarray, scale: int, by: str | None
) -> pd.DataFrame:
    owed = minor[: len(columns) - 2].sum()
    share = [
        m / owed if owed and c not in (CREDITS, UNAPPLIED_CASH) else np.nan
        for c, m in zip(columns, minor, strict=True)
    ]
    rows = pd.DataFrame({"bucket": columns, "amount": minor / scale, "share": share})
    if by:
        rows.insert(0, by, value)
    return rows
