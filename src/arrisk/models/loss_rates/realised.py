"""Realised loss rates: what past balances of each age lost within a horizon, followed item by item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from arrisk.errors import ModelError
from arrisk.models.loss_rates.loss_counts import LossCounts, words_of_bounds
from arrisk.models.loss_rates.month_ends import (
    RECOVERIES,
    ProvisionCounts,
    Recoveries,
    make_provision_counts,
)
from arrisk.models.loss_rates.segments import segment_customers

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["count_realised"]

Floats = NDArray[np.float64]


def count_realised(
    snapshot: Snapshot,
    horizon: int = 12,
    edges: Sequence[int] = (30, 60, 90),
    by: str | None = None,
    recoveries: Recoveries = "known",
) -> LossCounts:
    """Past balances by customer and what was written off of them, ready to become rates.

    No flow is chained and nothing is assumed of the path: the balance of a bucket at a past month end is
    followed to its losses.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    horizon : int
        Months over which past balances are followed; month ends younger than that are left out.
    edges : sequence of int
        Days overdue at which a bucket ends.
    by : str, optional
        An attribute of customers that makes the segments.
    recoveries : {"known", "developed"}
        What is taken off write-offs: what came back by the as-of date, or what comes back in the end
        (`develop_recoveries`); intervals take its curve as given.

    Returns
    -------
    LossCounts
        Rate of a bucket: written off within the horizon, net of recoveries, over the balances, both summed
        over month ends; missing where no such balance was ever followed.

    Raises
    ------
    ModelError
        If no month end of the ledger lies `horizon` months before its date, or an argument is not allowed.
    """
    counts = make_provision_counts(snapshot, 1, edges, horizon=horizon, recoveries=recoveries)
    if not counts.facts["seasoned_month_ends"]:
        raise ModelError(
            f"no month end lies {horizon} months before {snapshot.date:%Y-%m-%d}: none to follow"
        )
    segments, segment = segment_customers(snapshot, counts.customers, by)
    buckets = counts.seasoned.shape[1]

    def rates(sums: Floats) -> Floats:
        balance, lost = sums[..., :buckets], np.maximum(sums[..., buckets:], 0.0)
        ratio = np.divide(lost, balance, out=np.full(balance.shape, np.nan), where=balance > 0)
        return np.asarray(np.minimum(ratio, 1.0), dtype=float)

    exposed = counts.seasoned > 0
    ends = counts.facts["seasoned_month_ends"]
    return LossCounts(
        "realised",
        counts.edges,
        counts.customers,
        by,
        segments,
        segment,
        sparse.csr_array(np.hstack([counts.seasoned, counts.seasoned_lost])),
        rates,
        exposed,
        exposed & (counts.seasoned_lost > 0),
        exposed,
        counts.today,
        _conventions(counts, horizon)
        | {"recoveries": RECOVERIES[recoveries], "bounds": words_of_bounds(horizon)},
        {"window": (ends[0], ends[-1]), "months": len(ends), "horizon_months": horizon},
        horizon=horizon,
    )


def _conventions(counts: ProvisionCounts, horizon: int) -> dict[str, str]:
    ends = counts.facts["seasoned_month_ends"]
    return {
        "rates": f"written off within {horizon} months, net of recoveries, over the balance of a month end",
        "window": f"{ends[0]:%Y-%m-%d} to {ends[-1]:%Y-%m-%d}, {len(ends)} month ends followed",
        "averaging": "volume: ratio of the sums over month ends",
        "unit": "items: each in its own bucket",
        "later losses": f"not counted: {horizon} months is as far as a balance is followed",
        "disputed and undated items": "by age; without a due date from their issue",
        "credit notes": "settled",
    }
