"""Money by how long it stood open and how that ended, by customer and day of issue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.ledger.days import day_number, month_end, month_index
from arrisk.ledger.statements import KINDS
from arrisk.ledger.survival_statements import ISSUE_DAY, OPEN, survival_counts
from arrisk.models.loss_rates.month_ends import Recoveries, recovered_shares

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["CREDITED", "LOST", "PAID", "STILL_OPEN", "MoneySlices", "check_edges", "read_slices"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
STILL_OPEN, PAID, CREDITED, LOST = OPEN, KINDS["payment"], KINDS["credit_note"], KINDS["write_off"]


@dataclass(frozen=True, slots=True, eq=False)
class MoneySlices:
    """Every amount invoiced, cut where it was settled: each settlement leaves on its own day.

    Attributes
    ----------
    customers : array of str, shape (customers,)
        All that ever owed anything, sorted.
    owner : array of int, shape (slices,)
        Place of the customer.
    issued : array of int, shape (slices,)
        Day number of issue.
    entry, exit : arrays of int, shape (slices,)
        Last day before the money was owed (or watched), and the day it left, in days overdue; what has no due
        date is due when issued. Open money leaves at the age it has on the as-of date.
    cause : array of int, shape (slices,)
        `STILL_OPEN`, `PAID` (discounts with it), `CREDITED` or `LOST`.
    amount : array of shape (slices,)
        Currency units. What was settled and taken back never left.
    recovered : array of shape (customers,)
        Share of each customer's write-offs recovered.
    day : int
        The as-of date as a day number.
    since : int, optional
        First day watched.
    """

    customers: NDArray[Any]
    owner: Ints
    issued: Ints
    entry: Ints
    exit: Ints
    cause: Ints
    amount: Floats
    recovered: Floats
    day: int
    since: int | None = None

    @property
    def month(self) -> Ints:
        """Month index of issue, shape (slices,)."""
        return month_index(self.issued)

    @property
    def begun(self) -> Ints:
        """Day number from which each slice was watched, shape (slices,)."""
        return self.issued if self.since is None else np.maximum(self.issued, self.since)

    @property
    def left(self) -> Ints:
        """Day number on which each slice left, or the as-of date, shape (slices,)."""
        return self.begun + self.exit - self.entry - 1

    @property
    def due(self) -> Ints:
        """Day number on which each slice fell due, shape (slices,)."""
        return self.left - self.exit

    def net_loss(self) -> Floats:
        """Of each slice what was written off and not recovered, shape (slices,)."""
        return np.where(self.cause == LOST, self.amount * (1 - self.recovered[self.owner]), 0.0)

    def bucket(self, edges: Sequence[int]) -> Ints:
        """The bucket in which each slice left, or stands."""
        return np.searchsorted([0, *edges], self.exit, side="left").astype(np.int64)

    def reached(self, edges: Sequence[int]) -> Ints:
        """The oldest bucket that each slice reached; of what was written off, the last."""
        return np.where(self.cause == LOST, len(edges) + 1, self.bucket(edges))

    def stood(self, edges: Sequence[int], rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether any of some slices reached each bucket, shape (customers, buckets)."""
        furthest = np.full(self.customers.size, -1)
        np.maximum.at(furthest, self.owner[rows], self.reached(edges)[rows])
        return furthest[:, None] >= np.arange(len(edges) + 2)

    def followed(self, edges: Sequence[int], rows: NDArray[np.bool_], horizon: int) -> NDArray[np.bool_]:
        """Whether any of some slices stood in each bucket by the last whole month end that lies so many
        months back, shape (customers, buckets).
        """
        long_ago = int(month_end(int(month_index([self.day + 1])[0]) - 1 - horizon))
        oldest, begun = self.bucket(edges), self.begun
        out = np.zeros((self.customers.size, len(edges) + 2), dtype=bool)
        for bucket in range(len(edges) + 2):
            enters = begun if bucket == 0 else np.maximum(begun, self.due + [0, *edges][bucket - 1] + 1)
            young = self.entry + 1 <= [0, *edges, np.inf][bucket]
            stood = rows & young & (oldest >= bucket) & (enters <= long_ago) & (self.amount > 0)
            out[self.owner[stood], bucket] = True
        return out

    def today(self, edges: Sequence[int]) -> Floats:
        """Owed at the as-of date by customer and bucket, shape (customers, buckets)."""
        rows, buckets = self.cause == STILL_OPEN, len(edges) + 2
        flat = self.owner[rows] * buckets + self.bucket(edges)[rows]
        sums = np.bincount(flat, self.amount[rows], self.customers.size * buckets)
        return sums.reshape(-1, buckets).astype(float)


def read_slices(
    snapshot: Snapshot, since: pd.Timestamp | None = None, recoveries: Recoveries = "known"
) -> MoneySlices:
    """Cut the money of a snapshot where it was settled.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    since : Timestamp, optional
        First day watched: what left before is not there, and what was open is watched from then on.
    recoveries : {"known", "developed"}
        See `recovered_shares`.

    Raises
    ------
    ModelError
        If the snapshot holds no invoice.
    """
    begin = None if since is None else day_number(since)
    rows = snapshot.query(survival_counts(snapshot.day, "due_or_issue", ("customer_id", ISSUE_DAY), begin))
    if rows.empty:
        raise ModelError("the snapshot holds no invoice")
    rows = rows.sort_values(list(rows.columns), ignore_index=True)  # sums of fractions depend on the order
    whole = {name: rows[name].to_numpy(dtype=np.int64) for name in rows.columns}
    customers, owner = _owners(snapshot, whole["cell_0"])
    # In a foreign currency a reversal can leave a minor unit below zero.
    amount = np.maximum(whole["amount"], 0) / snapshot.scale
    return MoneySlices(
        customers=customers,
        owner=owner,
        issued=whole["cell_1"],
        entry=whole["entry_day"],
        exit=whole["exit_day"],
        cause=whole["cause"],
        amount=amount,
        recovered=recovered_shares(snapshot, customers, recoveries),
        day=snapshot.day,
        since=begin,
    )


def check_edges(edges: Sequence[int]) -> tuple[int, ...]:
    """Edges of buckets as they may be given.

    Raises
    ------
    ModelError
        If they are not increasing days of at least 1.
    """
    if not edges or list(edges) != sorted(set(edges)) or edges[0] < 1:
        raise ModelError(f"edges must be increasing days of at least 1, got {tuple(edges)}")
    return tuple(int(edge) for edge in edges)


def _owners(snapshot: Snapshot, numbers: Ints) -> tuple[NDArray[Any], Ints]:
    """Customers by name, sorted, and the place of each number among them."""
    known = snapshot.query("SELECT customer, customer_id FROM customers")
    names = pd.Series(known["customer_id"].astype(str).to_numpy(), known["customer"].to_numpy(np.int64))
    customers, place = np.unique(names.reindex(numbers).to_numpy(dtype=str), return_inverse=True)
    return customers, place.reshape(-1).astype(np.int64)
