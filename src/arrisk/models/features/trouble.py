"""Disputes, returns, part payments and payments taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from arrisk.ledger.behaviour_statements import dispute_counts, settlement_counts
from arrisk.models.features.grouped import share, sums
from arrisk.models.features.known_items import KnownItems, Numbering

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["trouble"]

Floats = NDArray[np.float64]


def trouble(
    items: KnownItems, window: NDArray[np.bool_], window_days: int, snapshot: Snapshot, places: Numbering
) -> dict[str, Floats]:
    """What went wrong in the window; see `FEATURES`."""
    start = items.day - window_days + 1
    settled = snapshot.query(settlement_counts(start))
    argued = snapshot.query(dispute_counts(start))
    billed = sums(items.code[window], items.amount[window], items.size)
    last_paid = places.spread(settled["customer"], settled["last_payment_day"], np.nan)
    return {
        "n_disputes": places.spread(argued["customer"], argued["opened"], 0.0),
        "share_disputed": share(places.spread(argued["customer"], argued["disputed"], 0.0), billed),
        "returned_share": share(places.spread(settled["customer"], settled["credited"], 0.0), billed),
        "n_part_payments": places.spread(settled["customer"], settled["part_payments"], 0.0),
        "n_reversals": places.spread(settled["customer"], settled["reversals"], 0.0),
        "days_since_payment": items.day - last_paid,
    }
