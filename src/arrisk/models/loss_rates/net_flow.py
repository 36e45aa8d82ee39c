"""Net flow rates: the share of a bucket found in the next one a month later, chained to the loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from arrisk.models.loss_rates.arithmetic import Averaging, average_flows, chain_rates
from arrisk.models.loss_rates.loss_counts import LossCounts
from arrisk.models.loss_rates.month_ends import NotDue, ProvisionCounts, WriteOffs, make_provision_counts
from arrisk.models.loss_rates.segments import segment_customers

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["count_net_flows"]

Floats = NDArray[np.float64]


def count_net_flows(
    snapshot: Snapshot,
    months: int = 24,
    edges: Sequence[int] = (30, 60, 90),
    averaging: Averaging = "volume",
    write_offs: WriteOffs = "migrated",
    not_due: NotDue = "falling_due",
    terminal_loss: float | None = None,
    by: str | None = None,
) -> LossCounts:
    """Month-end flows by customer, ready to become rates.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    months : int
        Window of monthly flows.
    edges : sequence of int
        Days overdue at which a bucket ends.
    averaging : {"volume", "simple"}
        See `flow_rates`.
    write_offs, not_due
        See `make_provision_counts`.
    terminal_loss : float, optional
        Share lost of what reaches the last bucket; by default write-offs net of recoveries over everything
        that left the last bucket in the window.
    by : str, optional
        An attribute of customers that makes the segments.

    Raises
    ------
    ModelError
        If the ledger is younger than two month ends or an argument is not allowed.
    """
    counts = make_provision_counts(snapshot, months, edges, not_due, write_offs)
    segments, segment = segment_customers(snapshot, counts.customers, by)
    n, steps = counts.arrived.shape[:2]
    width = len(counts.edges) + 1
    parts = [counts.arrived.reshape(n, -1), counts.left.reshape(n, -1)]
    terms = np.hstack([*parts, counts.lost.sum(axis=1)[:, None], counts.ended.sum(axis=1)[:, None]])

    def rates(sums: Floats) -> Floats:
        shape = (*sums.shape[:-1], steps, width)
        arrived = sums[..., : steps * width].reshape(shape)
        left = sums[..., steps * width : 2 * steps * width].reshape(shape)
        flows = average_flows(np.maximum(arrived, 0.0), np.maximum(left, 0.0), averaging)
        last = _share(sums[..., -2], sums[..., -1]) if terminal_loss is None else terminal_loss
        last = np.broadcast_to(last, sums.shape[:-1])
        return chain_rates(np.nan_to_num(flows, nan=1.0), np.nan_to_num(last, nan=1.0))

    exposed = counts.balances.max(axis=1) > 0
    return LossCounts(
        "net_flow",
        counts.edges,
        counts.customers,
        by,
        segments,
        segment,
        sparse.csr_array(terms),
        rates,
        exposed,
        exposed & (counts.written_off > 0)[:, None],
        counts.today,
        _conventions(counts, averaging, write_offs, not_due, terminal_loss),
        {"window": counts.facts["window"], "months": steps},
    )


def _conventions(
    counts: ProvisionCounts,
    averaging: Averaging,
    write_offs: WriteOffs,
    not_due: NotDue,
    terminal: float | None,
) -> dict[str, str]:
    start, end = counts.facts["window"]
    return {
        "rates": "net flow rates between month ends, chained to the loss share of the last bucket",
        "window": f"{start:%Y-%m-%d} to {end:%Y-%m-%d}, {len(counts.month_ends) - 1} monthly flows",
        "averaging": averaging,
        "level": "items: each in its own bucket",
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
    }


def _share(part: Floats, whole: Floats) -> Floats:
    ratio = np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)
    return np.asarray(np.clip(ratio, 0.0, 1.0), dtype=float)
