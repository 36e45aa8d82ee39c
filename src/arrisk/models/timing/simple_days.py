"""Rivals that name one day of payment for each item: its due date, with or without the customer's habit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.models.timing.rates import DailyRates, rates_of_chances

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["NamedDays", "customer_mean_days", "due_date_days"]

COLUMNS = ["invoice_id", "instalment", "customer_id", "issue_date", "due_date", "amount", "open_amount"]


@dataclass(frozen=True, slots=True, eq=False)
class NamedDays:
    """Every item is paid on a day named in advance, surely; made by `due_date_days`, `customer_mean_days`.

    Implements `arrisk.models.timing.rates.PaymentModel`. What is past its day is paid tomorrow.

    Parameters
    ----------
    as_of : Timestamp
    by_customer : bool
        Whether the customer's mean days late of its settled history are added to the due date.
    late : Series
        Mean days late by customer.
    overall : float
        Mean days late of all, for a customer without history.
    terms : float
        Median days from issue to due, for items without a due date.
    """

    as_of: pd.Timestamp
    by_customer: bool
    late: pd.Series
    overall: float
    terms: float

    def describe(self, snapshot: Snapshot, items: pd.DataFrame) -> pd.DataFrame:
        """Items with `wait`: days from the snapshot to the day named, at least 1."""
        due = (items["due_date"] - snapshot.date).dt.days.astype(float)
        issued = (items["issue_date"] - snapshot.date).dt.days.astype(float)
        wait = due.fillna(issued + self.terms)
        if self.by_customer:
            wait = wait + items["customer_id"].map(self.late).astype(float).fillna(self.overall)
        return items.assign(wait=np.maximum(np.ceil(wait), np.maximum(issued, 1.0)).astype(np.int64))

    def open_items(self, snapshot: Snapshot) -> pd.DataFrame:
        """Open items of positive amount, described."""
        known = snapshot.items
        is_open = ((known["close_kind"] == "open") & (known["amount"] > 0)).to_numpy()
        return self.describe(snapshot, known.loc[is_open, COLUMNS].reset_index(drop=True))

    def rates(self, items: pd.DataFrame, date: pd.Timestamp, horizon: int) -> DailyRates:
        """A rate that leaves nothing on the day named, zero before it."""
        day, kind = np.unique(items["wait"].to_numpy(), return_inverse=True)
        sure = (np.arange(1, horizon + 1) >= day[:, None]).astype(float)
        paid, lost = rates_of_chances(sure, np.zeros_like(sure))
        return DailyRates(paid, lost, kind.astype(np.int64))

    def refit(self, snapshot: Snapshot) -> NamedDays:
        """The same rule with the history of another snapshot."""
        known = snapshot.items
        terms = (known["due_date"] - known["issue_date"]).dt.days.median()
        paid = known[(known["close_kind"] == "paid") & known["due_date"].notna() & (known["amount"] > 0)]
        late = (paid["closed_date"] - paid["due_date"]).dt.days
        return replace(
            self,
            as_of=snapshot.date,
            late=late.groupby(paid["customer_id"]).mean(),
            overall=float(late.mean()) if len(late) else 0.0,
            terms=0.0 if pd.isna(terms) else float(terms),
        )


def due_date_days(snapshot: Snapshot) -> NamedDays:
    """Every item is paid on its due date, and what is overdue tomorrow."""
    return _empty(snapshot, by_customer=False).refit(snapshot)


def customer_mean_days(snapshot: Snapshot) -> NamedDays:
    """Every item is paid as late as its customer's settled items were on average."""
    return _empty(snapshot, by_customer=True).refit(snapshot)


def _empty(snapshot: Snapshot, by_customer: bool) -> NamedDays:
    return NamedDays(snapshot.date, by_customer, pd.Series(dtype=float), 0.0, 0.0)
