"""The book of each customer at month ends by age of debt, and what one month end makes of the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.ledger.days import day_number, month_index
from arrisk.ledger.statements import KINDS
from arrisk.models.loss_rates.loss_counts import Unit
from arrisk.portfolio.flow_cells import read_flow_cells

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = [
    "BookState", "ItemGroups", "NotDue", "Step", "WriteOffs",
    "month_step", "read_groups", "whole_months", "window_ends",
]  # fmt: skip

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NotDue = Literal["falling_due", "all"]
WriteOffs = Literal["migrated", "dropped"]

LOST = KINDS["write_off"]


@dataclass(frozen=True, slots=True)
class ItemGroups:
    """Groups of items alike, and what moved in them in minor units.

    Attributes
    ----------
    customers : array of str, shape (customers,)
    owner, since, due : arrays of int, shape (groups,)
        Place of the customer, month in which the items became known, due day (issue day without one).
    group, month, lost, amount : arrays of shape (movements,)
        Place of the group, month, whether it is a write-off, minor units.
    undated : int
        Items without a due date.
    """

    customers: NDArray[Any]
    owner: Ints
    since: Ints
    due: Ints
    group: Ints
    month: Ints
    lost: NDArray[np.bool_]
    amount: Ints
    undated: int

    def sums(self, rows: NDArray[np.bool_]) -> Floats:
        """Minor units by group of chosen movements."""
        return np.bincount(self.group[rows], self.amount[rows], self.owner.size).astype(float)

    def by_customer(self, amounts: Floats) -> Floats:
        """Sums by customer of amounts by group."""
        return np.bincount(self.owner, amounts, self.customers.size).astype(float)

    def by_bucket(self, amounts: Floats, bucket: Ints, buckets: int) -> Floats:
        """Sums of amounts by group, shape (customers, buckets)."""
        flat = np.bincount(self.owner * buckets + bucket, amounts, self.customers.size * buckets)
        return flat.reshape(self.customers.size, buckets).astype(float)


class BookState:
    """Groups of items on a day: unpaid before write-offs, written off, and the bucket.

    Parameters
    ----------
    groups : ItemGroups
    month, day : int
        Movements up to the month count; ages are those of the day.
    edges : tuple of int
        Days overdue at which a bucket ends.
    unit : {"item", "customer"}
        With "customer" all that is open stands in the bucket of the customer's oldest open item; what is
        written off goes on ageing by itself.
    """

    __slots__ = ("age", "bucket", "buckets", "gone", "groups", "month", "unpaid")

    def __init__(
        self, groups: ItemGroups, month: int, day: int, edges: tuple[int, ...], unit: Unit = "item"
    ) -> None:
        past = groups.month <= month
        self.groups, self.month, self.buckets = groups, month, len(edges) + 2
        self.unpaid = np.maximum(groups.sums(past & ~groups.lost), 0.0)
        self.gone = np.minimum(-groups.sums(past & groups.lost), self.unpaid)
        self.age = np.searchsorted([0, *edges], day - groups.due, side="left").astype(np.int64)
        self.bucket = self.age if unit == "item" else self._worst()

    def _worst(self) -> Ints:
        stands = self.unpaid > self.gone
        worst = np.zeros(self.groups.customers.size, dtype=np.int64)
        np.maximum.at(worst, self.groups.owner[stands], self.age[stands])
        return np.where(stands, worst[self.groups.owner], self.age)

    def balances(self) -> Floats:
        """Open by customer and bucket, minor units."""
        return self.groups.by_bucket(self.unpaid - self.gone, self.bucket, self.buckets)


@dataclass(frozen=True, slots=True)
class Step:
    """One month of flows, minor units.

    Attributes
    ----------
    arrived, left : arrays of shape (customers, buckets - 1)
        Found in the next bucket, and what it came from.
    lost, ended : arrays of shape (customers,)
        Written off out of the last bucket, and all that ended there (cash, credits, write-offs).
    counted : array of shape (groups,)
        Of what is written off, what has been counted as lost: the next step needs it.
    """

    arrived: Floats
    left: Floats
    lost: Floats
    ended: Floats
    counted: Floats


def month_step(
    old: BookState, new: BookState, not_due: NotDue, write_offs: WriteOffs, counted: Floats | None = None
) -> Step:
    """Compare two month ends, on the conventions of `make_provision_counts`."""
    groups, keep, last = old.groups, write_offs == "migrated", old.buckets - 1
    standing = old.bucket == last
    counted = np.where(standing, old.gone, 0.0) if counted is None else counted
    finished = np.where(standing, 0.0, counted)
    before = old.unpaid - (finished if keep else old.gone)
    after = new.unpaid - (finished if keep else new.gone)
    left = groups.by_bucket(before, old.bucket, last + 1)[:, :last]
    arrived = groups.by_bucket(np.where(standing, 0.0, after), new.bucket, last + 1)[:, 1:]
    if not_due == "falling_due":
        falling = (old.bucket == 0) & (new.age > 0) & (groups.since <= old.month)
        left[:, 0] = groups.by_customer(np.where(falling, before, 0.0))
        arrived[:, 0] = groups.by_customer(np.where(falling, after, 0.0))
    ends = standing | (keep & (new.bucket == last))
    lost = np.where(ends, new.gone - np.where(keep, counted, old.gone), 0.0)
    paid = np.where(standing, np.maximum(old.unpaid - new.unpaid, 0.0), 0.0)
    gone = groups.by_customer(np.maximum(lost, 0.0))
    return Step(arrived, left, gone, gone + groups.by_customer(paid), np.where(ends, new.gone, counted))


def read_groups(snapshot: Snapshot, customers: tuple[int, int] | None = None) -> ItemGroups:
    """The items of a snapshot in groups alike; of a range of customers' numbers if one is given.

    Raises
    ------
    ModelError
        If it holds none.
    """
    rows = read_flow_cells(snapshot, by="customer_id", customers=customers)
    if not rows.amount.size and customers is None:
        raise ModelError("the snapshot holds no invoice")
    order = np.lexsort((rows.since, rows.clock_day, rows.cell))
    keys = [part[order] for part in (rows.cell, rows.clock_day, rows.since)]
    starts = np.append(True, np.any([part[1:] != part[:-1] for part in keys], axis=0))
    owner, due, since = (part[starts] for part in keys)
    return ItemGroups(
        customers=np.asarray(rows.labels, dtype=str),
        owner=owner,
        since=since,
        due=due,
        group=np.cumsum(starts) - 1,
        month=rows.month[order],
        lost=rows.kind[order] == LOST,
        amount=rows.amount[order],
        undated=int(rows.items[~rows.dated & (rows.kind == KINDS["invoice"])].sum()),
    )


def whole_months(snapshot: Snapshot) -> Ints:
    """Month indices of all months of the ledger that had ended by the as-of date."""
    first, last = month_index([day_number(snapshot.first_date), snapshot.day + 1]).tolist()
    return np.arange(first, last, dtype=np.int64)


def window_ends(snapshot: Snapshot, months: int) -> Ints:
    """Month indices of the month ends of a window of monthly flows.

    Raises
    ------
    ModelError
        If there are fewer than two.
    """
    ends = whole_months(snapshot)
    if len(ends) < 2:
        raise ModelError(f"provision rates need two month ends, the ledger has {len(ends)} before its date")
    return ends[-(months + 1) :]
