"""Loss rates of sales cohorts: of what was invoiced in past months, what reached each age and was lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from arrisk.errors import ModelError
from arrisk.ledger.days import dates, month_end, month_index
from arrisk.models.loss_rates.arithmetic import Averaging
from arrisk.models.loss_rates.customer_moves import sum_by_customer
from arrisk.models.loss_rates.loss_counts import (
    FOLLOWED_MONTHS,
    LossCounts,
    check_horizon,
    words_of_bounds,
)
from arrisk.models.loss_rates.month_ends import RECOVERIES, Recoveries
from arrisk.models.loss_rates.segments import segment_customers
from arrisk.models.loss_rates.slices import LOST, STILL_OPEN, MoneySlices, check_edges, read_slices

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["CohortLoss", "OpenMoney", "cohort_loss_rates", "count_cohorts"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
MONTH_DAYS = 365.25 / 12
CohortLoss = Literal["written_off", "not_collected"]
OpenMoney = Literal["not_lost", "lost"]


def count_cohorts(
    snapshot: Snapshot,
    months: int = 24,
    seasoning: int = 12,
    loss: CohortLoss = "written_off",
    still_open: OpenMoney = "not_lost",
    averaging: Averaging = "volume",
    edges: Sequence[int] = (30, 60, 90),
    by: str | None = None,
    horizon: int = FOLLOWED_MONTHS,
    recoveries: Recoveries = "known",
) -> LossCounts:
    """What sales of past months brought at each age by customer, ready to become rates.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    months : int
        Months of issue wanted, the latest that are seasoned; fewer when the ledger is younger.
    seasoning : int
        Months after the month of issue that must have ended by the as-of date.
    loss : {"written_off", "not_collected"}
        "written_off": what was written off by the as-of date, net of recoveries. "not_collected": all that
        was neither paid nor credited by the end of the seasoning, as the textbook has it; what came later,
        and recoveries, make no difference.
    still_open : {"not_lost", "lost"}
        With "written_off": how to count what is open on the as-of date in spite of its seasoning.
    averaging : {"volume", "simple"}
        Ratio of the sums over months of issue, or mean of the rates of each month.
    edges : sequence of int
        Days overdue at which a bucket ends.
    by : str, optional
        An attribute of customers that makes the segments.
    horizon : int
        Months that a balance must have been followed before its customer counts in a bound.
    recoveries : {"known", "developed"}
        What is taken off write-offs: what came back by the as-of date, or what comes back in the end
        (`develop_recoveries`); intervals take its curve as given.

    Returns
    -------
    LossCounts
        Rate of a bucket: the loss over the amount that reached the bucket (`cohort_rates`). What was written
        off counts as having reached all buckets.

    Raises
    ------
    ModelError
        If no month of issue is seasoned, or an argument is not allowed.
    """
    _check(months, seasoning, loss, still_open, averaging)
    check_horizon(horizon)
    edges = check_edges(edges)
    if seasoning * MONTH_DAYS <= edges[-1]:
        raise ModelError(f"a seasoning of {seasoning} months ends before the bucket over {edges[-1]} days")
    slices = read_slices(snapshot, recoveries=recoveries)
    cohorts = _cohorts(slices, months, seasoning)
    lost = _lost(slices, seasoning, loss, still_open)
    reached = np.where(lost > 0, len(edges) + 1, slices.reached(edges))
    inside = (slices.month >= cohorts[0]) & (slices.month <= cohorts[-1])
    periods = cohorts.size if averaging == "simple" else 1
    terms = _terms(
        slices, inside, lost, reached, cohorts[0] if periods > 1 else None, (periods, len(edges) + 3)
    )
    stood = slices.stood(edges, inside)
    losers = np.bincount(slices.owner[inside], lost[inside], slices.customers.size) > 0
    segments, segment = segment_customers(snapshot, slices.customers, by)
    return LossCounts(
        "cohort",
        edges,
        slices.customers,
        by,
        segments,
        segment,
        terms,
        lambda sums: cohort_loss_rates(sums.reshape(*sums.shape[:-1], periods, -1)),
        stood,
        losers[:, None] & stood,
        slices.followed(edges, inside, horizon),
        slices.today(edges),
        _conventions(cohorts, seasoning, loss, still_open, averaging)
        | {"recoveries": RECOVERIES[recoveries], "bounds": words_of_bounds(horizon)},
        _facts(slices, inside, cohorts, lost),
        horizon=horizon,
    )


def cohort_loss_rates(sums: Floats) -> Floats:
    """Loss over the amount that reached each bucket, averaged over cohorts.

    Parameters
    ----------
    sums : array of shape (..., cohorts, 1 + buckets)
        Loss, then the amount that reached each bucket.

    Returns
    -------
    array of shape (..., buckets)
        Mean of the rates of the cohorts of which something reached the bucket; missing where none did.

    Examples
    --------
    >>> cohort_loss_rates(np.array([[2.0, 100.0, 50.0], [0.0, 50.0, 0.0]]))
    array([0.01, 0.04])
    """
    lost, reached = np.maximum(sums[..., :1], 0.0), np.maximum(sums[..., 1:], 0.0)
    seen = (reached > 0).sum(axis=-2)
    each = np.divide(lost, reached, out=np.zeros(reached.shape), where=reached > 0)
    total = np.minimum(each, 1.0).sum(axis=-2)
    mean = np.divide(total, seen, out=np.full(total.shape, np.nan), where=seen > 0)
    return np.asarray(mean, dtype=float)


def _check(months: int, seasoning: int, loss: str, still_open: str, averaging: str) -> None:
    if months < 1 or seasoning < 1:
        raise ModelError(f"months={months}, seasoning={seasoning}: both are at least 1")
    for name, given, allowed in (
        ("loss", loss, CohortLoss),
        ("still_open", still_open, OpenMoney),
        ("averaging", averaging, Averaging),
    ):
        if given not in get_args(allowed):
            raise ModelError(f"{name} is one of {get_args(allowed)}, not {given!r}")


def _cohorts(slices: MoneySlices, months: int, seasoning: int) -> Ints:
    """Months of issue, the latest that are seasoned."""
    last = int(month_index([slices.day + 1])[0]) - 1 - seasoning
    seasoned = slices.month[slices.month <= last]
    if not seasoned.size:
        day = dates([slices.day])[0].astype("datetime64[D]")
        raise ModelError(f"no month of issue ended {seasoning} months before {day}: there is no cohort")
    return np.arange(max(int(seasoned.min()), last - months + 1), last + 1, dtype=np.int64)


def _lost(slices: MoneySlices, seasoning: int, loss: CohortLoss, still_open: OpenMoney) -> Floats:
    """Of each slice what counts as lost."""
    waiting = slices.cause == STILL_OPEN
    if loss == "written_off":
        return slices.net_loss() + np.where(waiting & (still_open == "lost"), slices.amount, 0.0)
    late = month_index(slices.left) > slices.month + seasoning
    return np.where(waiting | (slices.cause == LOST) | late, slices.amount, 0.0)


def _terms(
    slices: MoneySlices, inside: Flags, lost: Floats, reached: Ints, first: int | None, size: tuple[int, int]
) -> sparse.csr_array:
    """Sums by customer: for each period the loss and what reached each bucket."""
    periods, width = size
    owner, month = slices.owner[inside], slices.month[inside]
    start = (month - first if first is not None else np.zeros_like(month)) * width
    owners, columns, values = [owner], [start], [lost[inside]]
    for b in range(width - 1):
        there = reached[inside] >= b
        owners.append(owner[there])
        columns.append(start[there] + 1 + b)
        values.append(slices.amount[inside][there])
    shape = (slices.customers.size, periods * width)
    return sum_by_customer(np.concatenate(owners), np.concatenate(columns), np.concatenate(values), shape)


def _facts(slices: MoneySlices, inside: Flags, cohorts: Ints, lost: Floats) -> dict[str, Any]:
    ends = pd.DatetimeIndex(dates(month_end(cohorts[[0, -1]])))
    waiting = inside & (slices.cause == STILL_OPEN)
    return {
        "window": (ends[0], ends[1]),
        "months": int(cohorts.size),
        "sales": float(slices.amount[inside].sum()),
        "lost": float(lost[inside].sum()),
        "still_open": float(slices.amount[waiting].sum()),
    }


def _conventions(
    cohorts: Ints, seasoning: int, loss: CohortLoss, still_open: OpenMoney, averaging: Averaging
) -> dict[str, str]:
    first, last = (f"{day:%Y-%m}" for day in pd.DatetimeIndex(dates(month_end(cohorts[[0, -1]]))))
    open_money = {
        "not_lost": "open on the as-of date: not lost, it reached the bucket it stands in",
        "lost": "open on the as-of date: lost",
    }[still_open]
    return {
        "rates": "loss of the sales of past months over the amount of them that reached each bucket",
        "window": f"invoices of {first} to {last}, {cohorts.size} months",
        "seasoning": f"at least {seasoning} whole months after the month of issue",
        "loss": {
            "written_off": "written off by the as-of date, net of recoveries",
            "not_collected": f"neither paid nor credited {seasoning} months after the month of issue",
        }[loss],
        "money still open": open_money if loss == "written_off" else "lost, as all that was not collected",
        "averaging": {
            "volume": "volume: ratio of the sums over months of issue",
            "simple": "simple: mean of the rates of each month of issue",
        }[averaging],
        "unit": "items: each settlement in its own bucket",
        "write-offs": "counted as migrated: what was written off reached the last bucket",
        "credit notes": "settled",
        "undated items": "due when issued",
        "arrivals": "amounts that reached a bucket, whereas a balance is what stands in it",
    }
