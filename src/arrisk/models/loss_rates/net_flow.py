"""Net flow rates: the share of a bucket found in the next one a month later, chained to the loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from arrisk.errors import ModelError
from arrisk.ledger.days import dates, month_end, month_index
from arrisk.models.loss_rates.arithmetic import Averaging, average_flows, chain_rates
from arrisk.models.loss_rates.book_states import (
    BookState,
    NotDue,
    WriteOffs,
    month_step,
    read_groups,
    window_ends,
)
from arrisk.models.loss_rates.customer_moves import UNITS, customer_ranges
from arrisk.models.loss_rates.loss_counts import (
    FOLLOWED_MONTHS,
    LossCounts,
    Unit,
    check_horizon,
    words_of_bounds,
)
from arrisk.models.loss_rates.month_ends import (
    RECOVERIES,
    Recoveries,
    check_flow_choices,
    recovered_shares,
)
from arrisk.models.loss_rates.segments import segment_customers

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["count_net_flows"]

Floats = NDArray[np.float64]
MONTH = (28, 31)
"""Days of the shortest and the longest month."""
Ints = NDArray[np.int64]


def count_net_flows(
    snapshot: Snapshot,
    months: int = 24,
    edges: Sequence[int] = (30, 60, 90),
    averaging: Averaging = "volume",
    unit: Unit = "item",
    write_offs: WriteOffs = "migrated",
    not_due: NotDue = "falling_due",
    terminal_loss: float | None = None,
    by: str | None = None,
    horizon: int = FOLLOWED_MONTHS,
    recoveries: Recoveries = "known",
) -> LossCounts:
    """Month-end flows by customer, ready to become rates.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    months : int
        Window of monthly flows.
    edges : sequence of int
        Days overdue at which a bucket ends, a month (28 to 31 days) apart: a flow takes a month.
    averaging : {"volume", "simple"}
        See `flow_rates`.
    unit : {"item", "customer"}
        Whose bucket: that of the item, or for all that a customer owes that of its oldest open item.
    write_offs : {"migrated", "dropped"}
        "migrated": a written-off amount goes on ageing until it reaches the last bucket. "dropped": it leaves
        the panel, which makes an early write-off look like a collection.
    not_due : {"falling_due", "all"}
        Flow out of the balance not yet due: of what falls due within the month, or of all of it (the textbook
        panel, which understates it when terms are longer than a month).
    terminal_loss : float, optional
        Share lost of what reaches the last bucket; by default write-offs net of recoveries over everything
        that left the last bucket in the window.
    by : str, optional
        An attribute of customers that makes the segments.
    horizon : int
        Months that a balance must have been followed before its customer counts in a bound.
    recoveries : {"known", "developed"}
        What is taken off write-offs: what came back by the as-of date, or what comes back in the end
        (`develop_recoveries`); intervals take its curve as given.

    Raises
    ------
    ModelError
        If the ledger is younger than two month ends or an argument is not allowed.
    """
    check_flow_choices(months, edges, not_due, write_offs)
    if averaging not in get_args(Averaging) or unit not in get_args(Unit):
        raise ModelError(f"averaging is one of {get_args(Averaging)}, unit one of {get_args(Unit)}")
    if terminal_loss is not None and not 0 <= terminal_loss <= 1:
        raise ModelError(f"terminal loss is a fraction between 0 and 1, got {terminal_loss}")
    check_horizon(horizon)
    _check_widths(edges)
    ends = window_ends(snapshot, months)
    choices = _Choices(ends, tuple(edges), unit, not_due, write_offs, int(ends[-1]) - horizon)
    flows = _together([_flows(snapshot, choices, numbers) for numbers in customer_ranges(snapshot)])
    if not flows.customers.size:
        raise ModelError("the snapshot holds no invoice")
    segments, segment = segment_customers(snapshot, flows.customers, by)
    lost = flows.lost * (1 - recovered_shares(snapshot, flows.customers, recoveries))
    last = sparse.csr_array(np.column_stack([lost, flows.ended]))
    terms = sparse.hstack([flows.arrived, flows.left, last], "csr")
    shape = (2, len(ends) - 1, len(edges) + 1)

    def rates(sums: Floats) -> Floats:
        steps = np.maximum(sums[..., :-2].reshape(*sums.shape[:-1], *shape), 0.0)
        found = average_flows(steps[..., 0, :, :], steps[..., 1, :, :], averaging)
        last = _share(sums[..., -2], sums[..., -1]) if terminal_loss is None else terminal_loss
        last = np.broadcast_to(last, sums.shape[:-1])
        return chain_rates(np.nan_to_num(found, nan=1.0), np.nan_to_num(last, nan=1.0))

    window = tuple(pd.DatetimeIndex(dates(month_end(ends[[0, -1]]))))
    return LossCounts(
        "net_flow",
        tuple(edges),
        flows.customers,
        by,
        segments,
        segment,
        terms / snapshot.scale,
        rates,
        flows.exposed,
        flows.exposed & (flows.gone > 0)[:, None],
        flows.followed,
        flows.today / snapshot.scale,
        _conventions(window, len(ends) - 1, averaging, unit, write_offs, not_due, terminal_loss)
        | {"recoveries": RECOVERIES[recoveries], "bounds": words_of_bounds(horizon)},
        {"window": window, "months": len(ends) - 1},
        unit,
        horizon=horizon,
    )


@dataclass(frozen=True, slots=True)
class _Choices:
    """Month ends of the window (month indices), the conventions of `count_net_flows`, and the last month end
    whose balances have been followed for the horizon.
    """

    ends: Ints
    edges: tuple[int, ...]
    unit: Unit
    not_due: NotDue
    write_offs: WriteOffs
    seasoned: int


@dataclass(frozen=True, slots=True)
class _Flows:
    """Flows of a window by customer, minor units: sparse tables by month and step, and the rest."""

    customers: NDArray[Any]
    arrived: sparse.csr_array
    left: sparse.csr_array
    lost: Floats
    ended: Floats
    exposed: NDArray[np.bool_]
    followed: NDArray[np.bool_]
    gone: Floats
    today: Floats


def _flows(snapshot: Snapshot, choices: _Choices, numbers: tuple[int, int]) -> _Flows:
    """Compare month ends in turn, two of them in memory at a time, for a range of customers."""
    groups = read_groups(snapshot, numbers)
    customers, buckets = len(groups.customers), len(choices.edges) + 2
    lost, ended = np.zeros((2, customers))
    exposed, followed = np.zeros((2, customers, buckets), dtype=bool)
    counted = None
    steps, old = [], None
    for month in choices.ends:
        new = BookState(groups, int(month), int(month_end(month)), choices.edges, choices.unit)
        stood = new.balances() > 0
        exposed |= stood
        followed |= stood & (month <= choices.seasoned)
        if old is not None:
            step = month_step(old, new, choices.not_due, choices.write_offs, counted)
            steps.append((sparse.csr_array(step.arrived), sparse.csr_array(step.left)))
            lost, ended, counted = lost + step.lost, ended + step.ended, step.counted
        old = new
    arrived, left = (sparse.csr_array(sparse.hstack(part, "csr")) for part in zip(*steps, strict=True))
    month = int(month_index([snapshot.day])[0])
    today = BookState(groups, month, snapshot.day, choices.edges, choices.unit).balances()
    gone = -groups.by_customer(groups.sums(groups.lost & (groups.month > choices.ends[0])))
    return _Flows(groups.customers, arrived, left, lost, ended, exposed, followed, gone, today)


def _together(parts: Sequence[_Flows]) -> _Flows:
    """One after the other, in order of the customers' names."""
    order = np.argsort(np.concatenate([part.customers for part in parts]))

    def stack(name: str) -> Any:
        values = [getattr(part, name) for part in parts]
        whole = sparse.vstack(values, "csr") if sparse.issparse(values[0]) else np.concatenate(values)
        return whole[order]

    return _Flows(*(stack(column.name) for column in fields(_Flows)))


def _conventions(
    window: tuple[pd.Timestamp, ...],
    months: int,
    averaging: Averaging,
    unit: Unit,
    write_offs: WriteOffs,
    not_due: NotDue,
    terminal: float | None,
) -> dict[str, str]:
    start, end = window
    return {
        "rates": "net flow rates between month ends, chained to the loss share of the last bucket",
        "window": f"{start:%Y-%m-%d} to {end:%Y-%m-%d}, {months} monthly flows",
        "averaging": {
            "volume": "volume: ratio of the sums over months",
            "simple": "simple: mean of the monthly flows",
        }[averaging],
        "unit": UNITS[unit],
        "not due": {
            "falling_due": "flow of what falls due within the month",
            "all": "flow of the whole balance not yet due",
        }[not_due],
        "write-offs": {
            "migrated": "counted as migrated: they age on to the last bucket",
            "dropped": "dropped from the panel when written off",
        }[write_offs],
        "terminal loss": (
            "write-offs net of recoveries over all that left the last bucket in the window"
            if terminal is None
            else f"given: {terminal:.2%}"
        ),
        "disputed and undated items": "by age; without a due date from their issue",
        "credit notes": "settled",
        "a bucket never seen": "passes everything on",
    }


def _check_widths(edges: Sequence[int]) -> None:
    """Refuse buckets through which a month's flow does not lead.

    Of a wider bucket only a part passes on within a month, over a narrower one money jumps: on sample
    ledgers the rate of 91 to 180 days comes out at a third of what is lost.
    """
    widths = np.diff([0, *edges])
    if widths.min() < MONTH[0] or widths.max() > MONTH[1]:
        raise ModelError(
            f"net flow rates need buckets a month wide ({MONTH[0]} to {MONTH[1]} days), got edges "
            f"{tuple(edges)}; allowed are such as (30, 60, 90, 120), or the method 'roll' with any"
        )


def _share(part: Floats, whole: Floats) -> Floats:
    ratio = np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)
    return np.asarray(np.clip(ratio, 0.0, 1.0), dtype=float)
