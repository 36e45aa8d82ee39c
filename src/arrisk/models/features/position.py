"""What a customer has open, and how much of its limit it used through the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.balance_statements import customer_days
from arrisk.ledger.statements import OWED
from arrisk.models.features.grouped import counts, largest, share, sums
from arrisk.models.features.known_items import KnownItems, Numbering, float_days
from arrisk.models.features.payments import RECENT_DAYS

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["open_position", "utilisation_path"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def open_position(items: KnownItems) -> dict[str, Floats]:
    """Open items and how overdue they are; see `FEATURES`."""
    held, size = items.is_open, items.size
    code, amount = items.code[held], items.open[held]
    late = items.day - items.due[held]
    overdue = late > 0
    total = sums(code, amount, size)
    return {
        "open_amount": total / items.scale,
        "n_open": counts(code, size),
        "n_overdue": counts(code[overdue], size),
        "overdue_share": share(sums(code[overdue], amount[overdue], size), total),
        "oldest_open_days": np.nan_to_num(largest(code, items.age[held], size)),
        "oldest_overdue_days": np.nan_to_num(largest(code[overdue], late[overdue], size)),
        "disputed_share": share(sums(code, amount * items.disputed[held], size), total),
    }


def utilisation_path(
    items: KnownItems, window_days: int, snapshot: Snapshot, places: Numbering
) -> dict[str, Floats]:
    """Open amount over the limit in force: now, at its peak in the window, and against 90 days ago.

    Each day counts as it was known at its end; a limit from the first day on which it is valid.
    """
    missing = np.full(items.size, np.nan)
    if snapshot.limits.empty:
        return dict.fromkeys(("utilisation", "utilisation_peak", "utilisation_change"), missing)
    code, day, ratio = _path(items, snapshot, places)
    now = _at(code, day, ratio, items.day, items.size)
    inside = (day > items.day - window_days) & np.isfinite(ratio)
    peak = largest(code[inside], ratio[inside], items.size)
    start = _at(code, day, ratio, items.day - window_days, items.size)
    return {
        "utilisation": now,
        "utilisation_peak": np.fmax(peak, start),
        "utilisation_change": now - _at(code, day, ratio, items.day - RECENT_DAYS, items.size),
    }


def _path(items: KnownItems, snapshot: Snapshot, places: Numbering) -> tuple[Ints, Ints, Floats]:
    """Utilisation at the end of each day on which balance or limit changed, by customer and day."""
    moved = snapshot.query(customer_days())
    moved = moved[(moved["side"] == OWED).to_numpy(dtype=bool)]
    whose = places.place[moved["customer"].to_numpy(dtype=np.int64)]
    limits = snapshot.limits
    owner = pd.Index(items.names).get_indexer(pd.Index(limits["customer_id"].to_numpy(dtype=object)))
    change = (moved["invoiced"] + moved["settled"]).to_numpy(dtype=np.int64)
    code = np.concatenate([whose, owner])
    day = np.concatenate([moved["day"].to_numpy(dtype=np.int64), float_days(limits["valid_from"])])
    balance = np.concatenate([change, np.zeros(len(limits), dtype=np.int64)])
    limit = np.concatenate([np.full(len(moved), np.nan), limits["credit_limit"].to_numpy(dtype=float)])
    order = np.lexsort((day, code))  # stable: of two limits of one day the later row holds
    order = order[code[order] >= 0]
    code, day, balance, limit = code[order], day[order].astype(np.int64), balance[order], limit[order]
    new = np.append(True, np.diff(code) > 0)[: len(code)]
    total = np.cumsum(balance)
    before = (total - balance)[new][np.cumsum(new) - 1]
    held = _carried(limit, new)
    ratio = share((total - before) / items.scale, np.where(held > 0, held, 0.0))
    last = np.append((np.diff(code) > 0) | (np.diff(day) > 0), True)[: len(code)]
    return code[last], day[last], ratio[last]


def _carried(values: Floats, new: NDArray[np.bool_]) -> Floats:
    """Last value given so far within each run that begins at `new`; missing before the first."""
    place = np.arange(len(values))
    given = np.maximum.accumulate(np.where(np.isfinite(values), place, -1))
    start = np.maximum.accumulate(np.where(new, place, 0))
    return np.where(given >= start, values[np.maximum(given, 0)], np.nan)


def _at(code: Ints, day: Ints, ratio: Floats, asked: int, size: int) -> Floats:
    """Value of each customer at the end of a day; missing before its first row."""
    past = day <= asked
    out = np.full(size, np.nan)
    out[code[past]] = ratio[past]  # rows are in order of days, so the last one stays
    return out
