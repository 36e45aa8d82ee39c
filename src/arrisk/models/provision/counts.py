"""From a snapshot to the few amounts that provision rates are made of, by customer and month.

The bucket of an item at a month end depends only on its due date, and balances are sums of movements, so
movements summed by customer, issue day, due day and day are an exact statistic for every panel used here.
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
from arrisk.ledger.days import day_number
from arrisk.ledger.statements import KINDS, OWED
from arrisk.portfolio.ageing import NOT_DUE, bucket_names

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["ProvisionCounts", "bucket_labels", "make_provision_counts"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
NotDue = Literal["falling_due", "all"]
WriteOffs = Literal["migrated", "dropped"]

LOST = f"CASE WHEN m.kind = {KINDS['write_off']} THEN 1 ELSE 0 END"
CELLS = (
    f"SELECT c.customer_id, m.issue_day, m.due_day, m.day, {LOST} AS lost, "
    "CAST(SUM(m.amount) AS BIGINT) AS amount "
    f"FROM movements AS m JOIN customers AS c ON m.customer = c.customer WHERE m.side = {OWED} "
    f"GROUP BY c.customer_id, m.issue_day, m.due_day, m.day, {LOST}"
)


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
    """Groups of items alike (customer, issue day, due day) and their dated movements in minor units."""

    customers: NDArray[Any]
    owner: IntArray
    issued: IntArray
    due: IntArray
    group: IntArray
    day: IntArray
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
    days = _day_numbers(ends)
    states = [_State(cells, int(day), tuple(edges)) for day in days]
    recovered = _recovered_share(snapshot, cells.customers)
    scale = float(snapshot.scale)
    steps = [_step(cells, a, b, not_due, write_offs) for a, b in pairwise(states)]
    arrived, left, lost, ended = (np.stack(part, axis=1) / scale for part in zip(*steps, strict=True))
    seasoned, seasoned_lost, seen = _follow(cells, snapshot, tuple(edges), horizon)
    now = _State(cells, int(snapshot.day), tuple(edges))
    window = cells.lost & (cells.day > days[0])
    facts = {
        "window": (ends[0], ends[-1]),
        "horizon_months": horizon,
        "seasoned_month_ends": seen,
        "items_without_due_date": cells.undated,
        "late_write_off_share": _late_share(cells, window),
    }
    return ProvisionCounts(
        cells.customers,
        ends,
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
    """Groups of items at the end of a day: unpaid before write-offs, written off, and the bucket."""

    __slots__ = ("bucket", "buckets", "cells", "day", "gone", "unpaid")

    def __init__(self, cells: _Cells, day: int, edges: tuple[int, ...]) -> None:
        past = cells.day <= day
        self.cells, self.day, self.buckets = cells, day, len(edges) + 2
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
        falling = (old.bucket == 0) & (new.bucket > 0) & (cells.issued <= old.day)
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
    latest = snapshot.date - pd.DateOffset(months=horizon)
    ends = [d for d in _all_month_ends(snapshot, cells) if d <= latest]
    shape = (cells.customers.size, len(edges) + 2)
    balances, losses = np.zeros(shape), np.zeros(shape)
    for end, day in zip(ends, _day_numbers(pd.DatetimeIndex(ends)), strict=True):
        then = _State(cells, int(day), edges)
        until = int(_day_numbers(pd.DatetimeIndex([end + pd.DateOffset(months=horizon)]))[0])
        rows = cells.lost & (cells.day > day) & (cells.day <= until)
        known = np.where(cells.issued <= day, then.unpaid - then.gone, 0.0)
        balances += cells.by_bucket(known, then.bucket, shape[1])
        losses += cells.by_bucket(np.minimum(-cells.sums(rows), known), then.bucket, shape[1])
    return balances, losses, ends


def _read_cells(snapshot: Snapshot) -> _Cells:
    rows = snapshot.query(CELLS).sort_values(["customer_id", "issue_day", "due_day", "day", "lost"])
    if rows.empty:
        raise ModelError("the snapshot holds no invoice")
    undated = rows["due_day"].isna()
    due = rows["due_day"].astype("Float64").fillna(rows["issue_day"].astype("Float64"))
    keys = pd.DataFrame(
        {
            "customer": rows["customer_id"].astype(str).to_numpy(),
            "issued": rows["issue_day"].to_numpy(dtype=np.int64),
            "due": due.to_numpy(dtype=np.int64),
        }
    )
    grouped = keys.groupby(["customer", "issued", "due"], sort=True)
    group = grouped.ngroup().to_numpy(dtype=np.int64)
    first = keys.iloc[np.unique(group, return_index=True)[1]]
    names, owner = np.unique(first["customer"].to_numpy(dtype=str), return_inverse=True)
    return _Cells(
        names,
        owner.astype(np.int64),
        first["issued"].to_numpy(dtype=np.int64),
        first["due"].to_numpy(dtype=np.int64),
        group.astype(np.int64),
        rows["day"].to_numpy(dtype=np.int64),
        rows["lost"].to_numpy() == 1,
        rows["amount"].to_numpy(dtype=np.int64),
        int(np.unique(group[undated.to_numpy()]).size),
    )


def _recovered_share(snapshot: Snapshot, customers: NDArray[Any]) -> FloatArray:
    sums = snapshot.items.groupby("customer_id")[["written_off_amount", "recovered_amount"]].sum()
    sums = sums.set_axis(sums.index.astype(str)).reindex(customers)
    lost = sums["written_off_amount"].to_numpy(dtype=float)
    back = sums["recovered_amount"].to_numpy(dtype=float)
    share = np.divide(back, lost, out=np.zeros_like(lost), where=lost > 0)
    return np.asarray(np.clip(share, 0.0, 1.0), dtype=float)


def _late_share(cells: _Cells, window: NDArray[np.bool_]) -> float:
    """Share of written-off money that was written off more than 365 days after it fell due."""
    amounts = -cells.amount[window].astype(float)
    late = cells.day[window] - cells.due[cells.group[window]] > 365
    return float(amounts[late].sum() / amounts.sum()) if amounts.sum() > 0 else 0.0


def _all_month_ends(snapshot: Snapshot, cells: _Cells) -> pd.DatetimeIndex:
    start = snapshot.date - pd.Timedelta(days=int(snapshot.day - cells.day.min()))
    return pd.date_range(start, snapshot.date, freq="ME")


def _month_ends(snapshot: Snapshot, cells: _Cells, months: int) -> pd.DatetimeIndex:
    ends = _all_month_ends(snapshot, cells)
    if len(ends) < 2:
        raise ModelError(f"provision rates need two month ends, the ledger has {len(ends)} before its date")
    return ends[-(months + 1) :]


def _day_numbers(dates: pd.DatetimeIndex) -> IntArray:
    return np.array([day_number(d) for d in dates], dtype=np.int64)
