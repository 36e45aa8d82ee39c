"""How late a customer pays, and whether it pays later than it used to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arrisk.models.features.grouped import counts, largest, means, medians, share, sums
from arrisk.models.features.known_items import KnownItems

__all__ = ["RECENT_DAYS", "cycle", "lateness"]

Floats = NDArray[np.float64]
RECENT_DAYS = 90
FEWEST_BEFORE = 3
LEAST_DEVIATION = 3.0
TO_NORMAL = 1.4826


def lateness(items: KnownItems, window: NDArray[np.bool_]) -> dict[str, Floats]:
    """Days past due of the window's items, settled and still open; see `FEATURES`.

    Parameters
    ----------
    items : KnownItems
    window : array of bool, shape (items,)

    Returns
    -------
    dict of name to array, shape (customers,)
    """
    known = window & np.isfinite(items.late)
    code, late, amount = items.code[known], items.late[known], items.amount[known]
    size, is_late, settled = items.size, (late > 0).astype(float), ~items.is_open[known]
    recent = items.day - items.due[known] < RECENT_DAYS
    middle = medians(code, late, size)
    late_amount = sums(code, amount * is_late, size)
    return {
        "n_late": sums(code, is_late, size),
        "amount_late": late_amount / items.scale,
        "share_late": means(code, is_late, size),
        "share_late_amount": share(late_amount, sums(code, amount, size)),
        "share_late_settled": means(code[settled], is_late[settled], size),
        "mean_days_late": means(code, late, size),
        "median_days_late": middle,
        "mad_days_late": medians(code, np.abs(late - middle[code]), size),
        "max_days_late": largest(code, late, size),
        "trend_days_late": means(code[recent], late[recent], size)
        - means(code[~recent], late[~recent], size),
    }


def cycle(items: KnownItems) -> dict[str, Floats]:
    """Days from issue to payment lately, against the customer's own past; see `FEATURES`.

    An open overdue item counts with its days so far: waiting for it to be paid would hide who stopped paying.
    The past is everything settled before the last 90 days, however old, and at least 3 items.
    """
    settled = np.isfinite(items.closed) & ~items.credited
    waiting = items.is_open & (items.late > 0)
    lately = settled & (items.day - items.closed < RECENT_DAYS) | waiting
    before = settled & ~lately
    days = np.where(waiting, items.day, items.closed) - items.issue
    size, code = items.size, items.code[before]
    now = medians(items.code[lately], days[lately], size)
    usual = medians(code, days[before], size)
    usual[counts(code, size) < FEWEST_BEFORE] = np.nan
    spread = TO_NORMAL * medians(code, np.abs(days[before] - usual[code]), size)
    change = now - usual
    return {
        "cycle_days": now,
        "cycle_change_days": change,
        "cycle_change": change / np.maximum(spread, LEAST_DEVIATION),
    }
