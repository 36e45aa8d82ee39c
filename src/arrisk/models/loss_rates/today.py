"""What is owed at a date by segment and bucket, on the conventions of given counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.ledger.days import month_index
from arrisk.models.loss_rates.book_states import BookState, read_groups
from arrisk.models.loss_rates.loss_counts import LossCounts
from arrisk.models.loss_rates.segments import segment_customers

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["balances_today"]


def balances_today(snapshot: Snapshot, counts: LossCounts) -> NDArray[np.float64]:
    """Owed at the date of a snapshot, shape (segments, buckets), currency units.

    Raises
    ------
    ModelError
        If a customer belongs to a segment that the counts do not have.
    """
    groups = read_groups(snapshot)
    now = BookState(groups, int(month_index([snapshot.day])[0]), snapshot.day, counts.edges, counts.unit)
    values, place = segment_customers(snapshot, groups.customers, counts.by)
    pooled = counts.facts.get("pooled", {})
    names = [pooled.get(name, name) for name in values]
    unknown = sorted(set(names) - set(counts.segments))
    if unknown:
        raise ModelError(f"no rates for {unknown}; known segments: {list(counts.segments)}")
    known = np.array([counts.segments.index(name) for name in names])
    out = np.zeros((len(counts.segments), counts.buckets))
    np.add.at(out, known[place], now.balances() / snapshot.scale)
    return out
