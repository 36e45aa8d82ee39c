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
from arrisk.models.loss_rates.book_states import (
    BookState,
    ItemGroups,
    NotDue,
    WriteOffs,
    month_step,
    read_groups,
    whole_months,
    window_ends,
)
from arrisk.portfolio.ageing import NOT_DUE, bucket_names

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = [
    "RECOVERIES",
    "NotDue",
    "ProvisionCounts",
    "Recoveries",
    "WriteOffs",
    "bucket_labels",
    "check_flow_choices",
    "make_provision_counts",
    "recovered_shares",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Recoveries = Literal["known", "developed"]
RECOVERIES: dict[Recoveries, str] = {
    "known": "as known on the as-of date",
    "developed": "known, and what write-offs of their age still brought in the past, to 24 months; intervals "
    "take that curve as given",
}
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
        Share of each customer's write-offs recovered.
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
    recoveries: Recoveries = "known",
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
    recoveries : {"known", "developed"}
        See `recovered_shares`.

    Raises
    ------
    ModelError
        If there are fewer than two month ends, or edges or options are not usable.
    """
    check_flow_choices(months, edges, not_due, write_offs)
    if horizon < 1:
        raise ModelError("months and horizon are at least 1")
    groups = read_groups(snapshot)
    ends = window_ends(snapshot, months)
    states = [BookState(groups, int(month), int(month_end(month)), tuple(edges)) for month in ends]
    recovered = recovered_shares(snapshot, groups.customers, recoveries)
    scale = float(snapshot.scale)
    steps = [month_step(a, b, not_due, write_offs) for a, b in pairwise(states)]
    arrived, left, lost, ended = (
        np.stack([getattr(step, name) for step in steps], axis=1) / scale
        for name in ("arrived", "left", "lost", "ended")
    )
    seasoned, seasoned_lost, seen = _follow(groups, snapshot, tuple(edges), horizon)
    now = BookState(groups, int(month_index([snapshot.day])[0]), snapshot.day, tuple(edges))
    window = groups.lost & (groups.month > ends[0])
    month_ends = _dates(ends)
    facts = {
        "window": (month_ends[0], month_ends[-1]),
        "horizon_months": horizon,
        "seasoned_month_ends": seen,
        "items_without_due_date": groups.undated,
        "late_write_off_share": _late_share(snapshot, month_ends[0]),
    }
    return ProvisionCounts(
        groups.customers,
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
        -groups.by_customer(groups.sums(window)) / scale,
        recovered,
        facts,
    )


def check_flow_choices(months: int, edges: Sequence[int], not_due: NotDue, write_offs: WriteOffs) -> None:
    """Refuse a window, edges or options that are not usable.

    Raises
    ------
    ModelError
    """
    if list(edges) != sorted(set(edges)) or not edges or edges[0] < 1:
        raise ModelError(f"edges must be increasing days of at least 1, got {tuple(edges)}")
    if not_due not in get_args(NotDue) or write_offs not in get_args(WriteOffs):
        raise ModelError(f"not_due is one of {get_args(NotDue)}, write_offs one of {get_args(WriteOffs)}")
    if months < 1:
        raise ModelError("months and horizon are at least 1")


def _follow(
    groups: ItemGroups, snapshot: Snapshot, edges: tuple[int, ...], horizon: int
) -> tuple[FloatArray, FloatArray, list[pd.Timestamp]]:
    """Past balances by bucket and what of them was written off within the horizon (minor units)."""
    ends = whole_months(snapshot)
    ends = ends[ends <= (ends[-1] if len(ends) else 0) - horizon]
    shape = (groups.customers.size, len(edges) + 2)
    balances, losses = np.zeros(shape), np.zeros(shape)
    for end in ends:
        then = BookState(groups, int(end), int(month_end(end)), edges)
        rows = groups.lost & (groups.month > end) & (groups.month <= end + horizon)
        known = np.where(groups.since <= end, then.unpaid - then.gone, 0.0)
        balances += groups.by_bucket(known, then.bucket, shape[1])
        losses += groups.by_bucket(np.minimum(-groups.sums(rows), known), then.bucket, shape[1])
    return balances, losses, list(_dates(ends))


def recovered_shares(
    snapshot: Snapshot, customers: NDArray[Any], recoveries: Recoveries = "known"
) -> FloatArray:
    """Share of each customer's write-offs recovered, shape (customers,).

    Parameters
    ----------
    snapshot : Snapshot
    customers : array of str, shape (customers,)
    recoveries : {"known", "developed"}
        By the as-of date, or in the end: see `develop_recoveries`.

    Raises
    ------
    ModelError
        If `recoveries` is neither.
    """
    if recoveries not in get_args(Recoveries):
        raise ModelError(f"recoveries is one of {get_args(Recoveries)}, not {recoveries!r}")
    if recoveries == "developed":
        # The curve of recoveries is itself made of flows: the import would go round.
        from arrisk.models.recovery.developed import develop_recoveries

        return develop_recoveries(snapshot, customers)
    sums = snapshot.losses.set_index("customer_id")
    sums = sums.set_axis(sums.index.astype(str)).reindex(customers, fill_value=0.0)
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


def _dates(months: IntArray) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(dates(month_end(months)))
