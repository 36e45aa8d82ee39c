"""From a snapshot to the few amounts that provision rates are made of, by customer and month.

They are made of the cells that flows are made of (`arrisk.portfolio.flow_cells`), by customer and with what
was written off kept apart: the bucket of an item at a month end depends only on its due date, and balances
are sums of movements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.ledger.days import dates, month_end, month_index
from arrisk.ledger.statements import KINDS
from arrisk.portfolio.ageing import NOT_DUE, bucket_names
from arrisk.portfolio.flow_cells import read_flow_cells

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["ProvisionCounts", "bucket_labels", "make_provision_counts", "recovered_shares"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
NotDue = Literal["falling_due", "all"]
WriteOffs = Literal["migrated", "dropped"]

LOST = KINDS["write_off"]
YEAR = 365


@dataclass(frozen=True, slots=True)
class ProvisionCounts:
    """Amounts by customer behind provision rates, currency units.

    Parameters
    ----------
    customers : array of str, shape (customers,)
        Customers that ever owed anything.
    month_ends : DatetimeIndex of length months
        Ends of whole calendar months up to the as-of date.
    edges : tuple of int
        Days overdue at which a bucket ends.
    balances : array of shape (customers, months, buckets)
        Open at each month end.
    arrived, left : arrays of shape (customers, months - 1, buckets - 1)
        Amount in the next bucket at a month end and the amount it came from a month before; written-off
        amounts go on ageing until they reach the last bucket.
    lost, ended : arrays of shape (customers, months - 1)
        Of the last bucket: written off net of recoveries, and all that ended (cash, credits, write-offs).
    today : array of shape (customers, buckets)
        Open at the as-of date.
    seasoned, seasoned_lost : arrays of shape (customers, buckets)
        Balances at month ends at least the horizon before the as-of date, and what of them was written off
        within the horizon, net of recoveries; summed over month ends.
    written_off : array of shape (customers,)
        Written off in the window, before recoveries.
    recovered : array of shape (customers,)
        Share of each customer's write-offs recovered by the as-of date.
    facts : dict
        Window, horizon, and what was left out.
    """

    customers: NDArray[Any]
    month_ends: pd.DatetimeIndex
    edges: tuple[int, ...]
    balances: FloatArray
    arrived: FloatArray
    left: FloatArray
    lost: FloatArray
    ended: FloatArray
    today: FloatArray
    seasoned: FloatArray
    seasoned_lost: FloatArray
    written_off: FloatArray
    recovered: FloatArray
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Cells:
    """Groups of items alike (customer, due day, month they became known), and what moved in minor units."""

    customers: NDArray[Any]
    owner: IntArray
    since: IntArray
    due: IntArray
    group: IntArray
    month: IntArray
    lost: NDArray[np.bool_]
    amount: IntArray
    undated: int

    def sums(self, rows: NDArray[np.bool_]) -> FloatArray:
        return np.bincount(self.group[rows], self.amount[rows], self.owner.size).astype(float)

    def by_customer(self, amounts: FloatArray) -> FloatArray:
        return np.bincount(self.owner, amounts, self.customers.size).astype(float)

    def by_bucket(self, amounts: FloatArray, bucket: IntArray, buckets: int) -> FloatArray:
        flat = np.bincount(self.owner * buckets + bucket, amounts, self.customers.size * buckets)
        return flat.reshape(self.customers.size, buckets).astype(float)


def bucket_labels(edges: Sequence[int]) -> list[str]:
    """Names of the ageing buckets.

    Examples
    --------
    >>> bucket_labels((30, 60))
    ['not due', '1-30', '31-60', 'over 60']
    """
    return [NOT_DUE, *bucket_names(edges)]


def make_provision_counts(
    snapshot: Snapshot,
    months: int = 24,
    edges: Sequence[int] = (30, 60, 90),
    not_due: NotDue = "falling_due",
    write_offs: WriteOffs = "migrated",
    horizon: int = 12,
) -> ProvisionCounts:
    """Collapse a snapshot to the amounts behind provision rates.

    Parameters
    ----------
    snapshot : Snapshot
        Only what was known at its date is used, and every month end is read as it was known then.
    months : int
        Monthly flows wanted; fewer when the ledger is younger.
    edges : sequence of int
        Days overdue at which a bucket ends, increasing.
    not_due : {"falling_due", "all"}
        Flow out of the balance not yet due: of what falls due within the month, or of all of it (the textbook
        panel, which understates it when terms are longer than a month).
    write_offs : {"migrated", "dropped"}
        "migrated": a written-off amount goes on ageing until it reaches the last bucket. "dropped": it leaves
        the panel, which makes an early write-off look like a collection.
    horizon : int
        Months over which past balances are followed to their loss.

    Raises
    ------
    ModelError
        If there are fewer than two month ends, or edges or options are not usable.
    """
    if list(edges) != sorted(set(edges)) or not edges or edges[0] < 1:
        raise ModelError(f"edges must be increasing days of at least 1, got {tuple(edges)}")
    if not_due not in get_args(NotDue) or write_offs not in get_args(WriteOffs):
        raise ModelError(f"not_due is one of {get_args(NotDue)}, write_offs one of {get_args(WriteOffs)}")
    if months < 1 or horizon < 1:
        raise ModelError("months and horizon are at least 1")
    cells = _read_cells(snapshot)
    ends = _month_ends(snapshot, cells, months)
    states = [_State(cells, int(month), int(month_end(month)), tuple(edges)) for month in ends]
    recovered = recovered_shares(snapshot, cells.customers)
    scale = float(snapshot.scale)
    steps = [_step(cells, a, b, not_due, write_offs) for a, b in pairwise(states)]
    arrived, left, lost, ended = (np.stack(part, axis=1) / scale for part in zip(*steps, strict=True))
    seasoned, seasoned_lost, seen = _follow(cells, snapshot, tuple(edges), horizon)
    now = _State(cells, int(month_index([snapshot.day])[0]), snapshot.day, tuple(edges))
    window = cells.lost & (cells.month > ends[0])
    month_ends = _dates(ends)
    facts = {
        "window": (month_ends[0], month_ends[-1]),
        "horizon_months": horizon,
        "seasoned_month_ends": seen,
        "items_without_due_date": cells.undated,
        "late_write_off_share": _late_share(snapshot, month_ends[0]),
    }
    return ProvisionCounts(
        cells.customers,
        month_ends,
        tuple(edges),
        np.stack([s.balances() for s in states], axis=1) / scale,
        arrived,
        left,
        lost * (1 - recovered[:, None]),
        ended,
        now.balances() / scale,
        seasoned / scale,
        seasoned_lost * (1 - recovered[:, None]) / scale,
        -cells.by_customer(cells.sums(window)) / scale,
        recovered,
        facts,
    )


class _State:
    """Groups of items at the end of a month: unpaid before write-offs, written off, and the bucket."""

    __slots__ = ("bucket", "buckets", "cells", "gone", "month", "unpaid")

    def __init__(self, cells: _Cells, month: int, day: int, edges: tuple[int, ...]) -> None:
        past = cells.month <= month
        self.cells, self.month, self.buckets = cells, month, len(edges) + 2
        self.unpaid = np.maximum(cells.sums(past & ~cells.lost), 0.0)
        self.gone = np.minimum(-cells.sums(past & cells.lost), self.unpaid)
        self.bucket = np.searchsorted([0, *edges], day - cells.due, side="left").astype(np.int64)

    def balances(self) -> FloatArray:
        return self.cells.by_bucket(self.unpaid - self.gone, self.bucket, self.buckets)


def _step(
    cells: _Cells, old: _State, new: _State, not_due: NotDue, write_offs: WriteOffs
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """One month of flows by customer: arrived and left by step, lost and ended out of the last bucket."""
    keep = write_offs == "migrated"
    before = old.unpaid if keep else old.unpaid - old.gone
    after = new.unpaid if keep else new.unpaid - new.gone
    last = old.buckets - 1
    left = cells.by_bucket(before, old.bucket, last + 1)[:, :last]
    standing = old.bucket == last
    arrived = cells.by_bucket(np.where(standing, 0.0, after), new.bucket, last + 1)[:, 1:]
    if not_due == "falling_due":
        falling = (old.bucket == 0) & (new.bucket > 0) & (cells.since <= old.month)
        left[:, 0] = cells.by_customer(np.where(falling, before, 0.0))
        arrived[:, 0] = cells.by_customer(np.where(falling, after, 0.0))
    entering = keep & (new.bucket == last) & ~standing
    lost = np.where(standing, new.gone - old.gone, 0.0) + np.where(entering, new.gone, 0.0)
    paid = np.where(standing, np.maximum(old.unpaid - new.unpaid, 0.0), 0.0)
    gone = cells.by_customer(np.maximum(lost, 0.0))
    return arrived, left, gone, gone + cells.by_customer(paid)


def _follow(
    cells: _Cells, snapshot: Snapshot, edges: tuple[int, ...], horizon: int
) -> tuple[FloatArray, FloatArray, list[pd.Timestamp]]:
    """Past balances by bucket and what of them was written off within the horizon (minor units)."""
    ends = _whole_months(snapshot, cells)
    ends = ends[ends <= _last_whole_month(snapshot) - horizon]
    shape = (cells.customers.size, len(edges) + 2)
    balances, losses = np.zeros(shape), np.zeros(shape)
    for end in ends:
        then = _State(cells, int(end), int(month_end(end)), edges)
        rows = cells.lost & (cells.month > end) & (cells.month <= end + horizon)
        known = np.where(cells.since <= end, then.unpaid - then.gone, 0.0)
        balances += cells.by_bucket(known, then.bucket, shape[1])
        losses += cells.by_bucket(np.minimum(-cells.sums(rows), known), then.bucket, shape[1])
    return balances, losses, list(_dates(ends))


def _read_cells(snapshot: Snapshot) -> _Cells:
    rows = read_flow_cells(snapshot, by="customer_id")
    if not rows.amount.size:
        raise ModelError("the snapshot holds no invoice")
    keys = np.stack([rows.cell, rows.clock_day, rows.since])
    groups, group = np.unique(keys, axis=1, return_inverse=True)
    owner, due, since = groups
    return _Cells(
        np.asarray(rows.labels, dtype=str),
        owner,
        since,
        due,
        group.reshape(-1).astype(np.int64),
        rows.month,
        rows.kind == LOST,
        rows.amount,
        int(rows.items[~rows.dated & (rows.kind == KINDS["invoice"])].sum()),
    )


def recovered_shares(snapshot: Snapshot, customers: NDArray[Any]) -> FloatArray:
    """Share of each customer's write-offs recovered by the as-of date, shape (customers,)."""
    sums = snapshot.items.groupby("customer_id")[["written_off_amount", "recovered_amount"]].sum()
    sums = sums.set_axis(sums.index.astype(str)).reindex(customers)
    lost = sums["written_off_amount"].to_numpy(dtype=float)
    back = sums["recovered_amount"].to_numpy(dtype=float)
    share = np.divide(back, lost, out=np.zeros_like(lost), where=lost > 0)
    return np.asarray(np.clip(share, 0.0, 1.0), dtype=float)


def _late_share(snapshot: Snapshot, start: pd.Timestamp) -> float:
    """Share of the money written off since a day that came more than a year after it fell due."""
    items = snapshot.items
    gone = items[(items["close_kind"] == "written_off") & (items["closed_date"] > start)]
    days = (gone["closed_date"] - gone["due_date"].fillna(gone["issue_date"])).dt.days
    amounts = gone["written_off_amount"]
    return float(amounts[days > YEAR].sum() / amounts.sum()) if len(gone) else 0.0


def _last_whole_month(snapshot: Snapshot) -> int:
    """The last month that had ended by the as-of date."""
    return int(month_index([snapshot.day + 1])[0]) - 1


def _whole_months(snapshot: Snapshot, cells: _Cells) -> IntArray:
    return np.arange(cells.month.min(), _last_whole_month(snapshot) + 1, dtype=np.int64)


def _month_ends(snapshot: Snapshot, cells: _Cells, months: int) -> IntArray:
    ends = _whole_months(snapshot, cells)
    if len(ends) < 2:
        raise ModelError(f"provision rates need two month ends, the ledger has {len(ends)} before its date")
    return ends[-(months + 1) :]


def _dates(months: IntArray) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(dates(month_end(months)))
