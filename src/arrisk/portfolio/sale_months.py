"""Sales, and what is open of them, by month of sale, as known at each of many month ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.book import Snapshot
from arrisk.ledger.days import month_end, month_index
from arrisk.ledger.statements import OWED, ageing_cells
from arrisk.ledger.statements_sales import sales_cells

__all__ = ["SaleMonths", "make_sale_months"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class SaleMonths:
    """Sales and receivables by month of sale.

    Attributes
    ----------
    months : array of shape (sale months,)
        Month index of each month of sale, oldest first, without a gap.
    lengths : array of shape (dates, sale months)
        Days of each month of sale that had passed at each date.
    sales, receivables : arrays of shape (dates, sale months)
        Minor units as known at each date: invoiced in the month (credit items taken off), and open of what
        was owed from the month.
    """

    months: Ints
    lengths: Ints
    sales: Ints
    receivables: Ints

    def newest_first(self, row: int) -> tuple[Ints, Ints, Ints]:
        """Receivables, sales and lengths of the months up to a date, newest first, sales not below zero."""
        seen = self.lengths[row] > 0
        sales = np.maximum(self.sales[row], 0)
        return self.receivables[row][seen][::-1], sales[seen][::-1], self.lengths[row][seen][::-1]


def make_sale_months(snapshot: Snapshot, days: NDArray[np.int64]) -> SaleMonths:
    """Count sales and what is open of them by month of sale.

    Parameters
    ----------
    snapshot : Snapshot
    days : array of int64
        Increasing day numbers; all but the last are month ends, none is later than the snapshot.

    Returns
    -------
    SaleMonths
    """
    sold = snapshot.query(sales_cells())
    still = snapshot.query(ageing_cells("issue"))
    still = still[(still["side"] == OWED).to_numpy(dtype=bool)].rename(columns={"clock_day": "issue_day"})
    known = month_index(days)
    parts = [(_months_of(frame), frame) for frame in (sold, still)]
    first = min((int(months.min()) for months, _ in parts if len(months)), default=int(known[0]))
    months = np.arange(min(first, int(known[0])), int(known[-1]) + 1)
    sales, receivables = (_spread(place, frame, months, known) for place, frame in parts)
    ends = month_end(months)
    starts = month_end(months - 1)
    passed = np.clip(days[:, None], starts, ends) - starts
    return SaleMonths(months, passed.astype(np.int64), sales, receivables)


def _months_of(frame: pd.DataFrame) -> Ints:
    return month_index(frame["issue_day"].to_numpy(dtype=np.int64))


def _spread(place: Ints, frame: pd.DataFrame, months: Ints, known: Ints) -> Ints:
    """Amounts by date and month of sale; an invoice dated after the last date counts in the last month."""
    out = np.zeros((len(known), len(months)), dtype=np.int64)
    column = np.clip(place, months[0], months[-1]) - months[0]
    row = np.searchsorted(known, frame["month"].to_numpy(dtype=np.int64))
    np.add.at(out, (row, column), frame["amount"].to_numpy(dtype=np.int64))
    return np.asarray(out.cumsum(axis=0), dtype=np.int64)
