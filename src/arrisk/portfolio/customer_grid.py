"""Figures of all customers at all dates: running sums of what the statements collapse, an array for each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger import customer_statements as statements
from arrisk.ledger.book import Snapshot
from arrisk.ledger.days import dates
from arrisk.ledger.statements import OWED

__all__ = ["Cells", "CustomerGrid", "open_figures", "overdue_spans"]

Ints = NDArray[np.int64]
Cells = dict[str, Ints]
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class CustomerGrid:
    """Dates and the customers known by the last of them; figures are arrays (dates, customers).

    A figure is a running sum over the dates of what begins to count less what ceases to. What becomes known
    on a day is seen from the first date on or after it.

    Attributes
    ----------
    snapshot : Snapshot
        Of the last date.
    days : array of int, shape (dates,)
        Day numbers, increasing.
    """

    snapshot: Snapshot
    days: Ints

    @cached_property
    def customers(self) -> pd.DataFrame:
        """customer, customer_id, first_day (known); in the order of identifiers."""
        return self.snapshot.query(statements.known_customers())

    @cached_property
    def _seen(self) -> NDArray[np.bool_]:
        """Whether anything was known of a customer by a date."""
        first = self.customers["first_day"].to_numpy(dtype=np.int64)
        return np.asarray(first[None, :] <= self.days[:, None])

    @cached_property
    def _places(self) -> Ints:
        """Column of a customer by its number."""
        number = self.customers["customer"].to_numpy(dtype=np.int64)
        places = np.zeros(1 + number.max(initial=0), dtype=np.int64)
        places[number] = np.arange(len(number))
        return places

    @cached_property
    def _calendar(self) -> pd.DataFrame:
        return statements.customer_calendar(self.days)

    def cells(self, name: str) -> Cells:
        """Columns of a statement of `arrisk.ledger.customer_statements`; `customer` is the grid's column."""
        span = int(self._calendar["day"].iloc[0]), int(self._calendar["day"].iloc[-1])
        found = self.snapshot.query(getattr(statements, name)(span), calendar=self._calendar)
        columns = {str(c): found[c].to_numpy(dtype=np.int64) for c in found}
        return columns | {"customer": self._places[columns["customer"]]}

    def running(self, customer: Ints, *steps: tuple[Ints, Ints]) -> Ints:
        """Running sums of steps.

        Parameters
        ----------
        customer : array of int, shape (cells,)
        *steps : pairs of arrays of int, shape (cells,)
            Period and value.

        Returns
        -------
        array of int, shape (dates, customers)
        """
        width = len(self.customers)
        total = np.zeros((len(self.days) + 1) * width, dtype=np.int64)
        for period, value in steps:
            np.add.at(total, period * width + customer, value)
        figure = total.reshape(-1, width)[:-1]
        return np.asarray(np.cumsum(figure, axis=0, out=figure))

    def during(self, cells: Cells, first: Ints, end: Ints, value: Ints) -> Ints:
        """Running sums of what counts from a period until another; not at all if that is not later."""
        return self.running(cells["customer"], (first, value), (np.maximum(first, end), -value))

    def rows(self, figure: NDArray[Any]) -> NDArray[Any]:
        """A figure as a column: by date, then customer, without customers not yet known."""
        return figure.ravel() if self._seen.all() else figure[self._seen]

    def amounts(self, figure: Ints) -> NDArray[np.float64]:
        """A figure in minor units as a column in currency units."""
        return np.asarray(self.rows(figure) / self.snapshot.scale, dtype=np.float64)

    def counts(self, figure: Ints) -> NDArray[np.int32]:
        """A figure as a column of narrow whole numbers."""
        return self.rows(figure).astype(np.int32)

    def frame(self, columns: dict[str, NDArray[Any]]) -> pd.DataFrame:
        """Columns after customer_id and date; nothing is copied."""
        who = self.rows(np.broadcast_to(np.arange(len(self.customers)), self._seen.shape))
        names = self.customers["customer_id"].take(who).reset_index(drop=True)
        at = np.repeat(dates(self.days), self._seen.sum(axis=1))
        return pd.DataFrame({"customer_id": names, "date": at, **columns}, copy=False)


def open_figures(grid: CustomerGrid, issued: Cells) -> dict[str, NDArray[Any]]:
    """open_amount and credit_amount: what was invoiced, less what came after.

    Parameters
    ----------
    grid : CustomerGrid
    issued : cells
        Of `issued_cells`.
    """
    moved = grid.cells("settlement_cells")
    owed = issued["side"] == OWED
    customer = np.concatenate([issued["customer"], moved["customer"]])
    period = np.concatenate([issued["period"], moved["period"]])
    amount = np.concatenate([issued["amount"], moved["amount"]])
    is_owed = np.concatenate([owed, moved["owed"] == 1])
    return {
        "open_amount": grid.amounts(grid.running(customer, (period, np.where(is_owed, amount, 0)))),
        "credit_amount": grid.amounts(grid.running(customer, (period, np.where(is_owed, 0, -amount)))),
    }


def overdue_spans(grid: CustomerGrid) -> dict[str, NDArray[Any]]:
    """overdue_items and oldest_overdue_days, from the spells that a date saw overdue."""
    late = grid.cells("late_cells")
    width = len(grid.customers)
    length = late["period"] - late["late"]
    begin = np.repeat(np.cumsum(length) - length, length)
    date = np.repeat(late["late"], length) + np.arange(len(begin)) - begin
    due = np.full((len(grid.days), width), NEVER, dtype=np.int64)
    np.minimum.at(due, (date, np.repeat(late["customer"], length)), np.repeat(late["due_day"], length))
    days = np.where(due < NEVER, grid.days[:, None] - due, 0)
    items = grid.during(late, late["late"], late["period"], late["items"])
    return {"overdue_items": grid.counts(items), "oldest_overdue_days": grid.counts(days)}
