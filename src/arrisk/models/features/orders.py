"""How much and how often a customer buys, and for how long it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.behaviour_statements import order_counts
from arrisk.models.features.grouped import counts, largest, sums
from arrisk.models.features.known_items import KnownItems, Numbering, float_days
from arrisk.models.features.payments import RECENT_DAYS

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["DAYS_PER_MONTH", "orders", "volume"]

Floats = NDArray[np.float64]
DAYS_PER_MONTH = 365.25 / 12


def volume(items: KnownItems, window: NDArray[np.bool_], snapshot: Snapshot) -> dict[str, Floats]:
    """What was invoiced, and since when; see `FEATURES`."""
    size, code = items.size, items.code
    first = -largest(code, -items.issue, size)
    since = np.asarray(np.fmin(first, _taken_on(items, snapshot)), dtype=float)
    return {
        "n_invoices": counts(code[_one_each(items, window)], size),
        "amount": sums(code[window], items.amount[window], size) / items.scale,
        "days_since_invoice": items.day - largest(code, items.issue, size),
        "months_customer": (items.day - since) / DAYS_PER_MONTH,
    }


def orders(
    items: KnownItems, window: NDArray[np.bool_], window_days: int, snapshot: Snapshot, places: Numbering
) -> dict[str, Floats]:
    """Orders a month and their change; a customer without any order known is seen by its invoices.

    Half an order is added to each count of the change, so that none is not minus infinity.
    """
    size, code = items.size, items.code
    bills = _one_each(items, window)
    recent = items.age[bills] < RECENT_DAYS
    lately, earlier = counts(code[bills[recent]], size), counts(code[bills[~recent]], size)
    start = items.day - window_days + 1
    placed = snapshot.query(order_counts(start, max(items.day - RECENT_DAYS + 1, start)))
    if len(placed):
        given = np.isfinite(places.spread(placed["customer"], placed["lately"], np.nan))
        lately = np.where(given, places.spread(placed["customer"], placed["lately"], 0.0), lately)
        earlier = np.where(given, places.spread(placed["customer"], placed["earlier"], 0.0), earlier)
    days = min(RECENT_DAYS, window_days)
    rest = max(window_days - RECENT_DAYS, 1)
    return {
        "orders_per_month": np.asarray((lately + earlier) / window_days * DAYS_PER_MONTH, dtype=float),
        "order_change": np.asarray(np.log((lately + 0.5) / days * rest / (earlier + 0.5)), dtype=float),
    }


def _one_each(items: KnownItems, window: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Places of one item of each invoice in the window; items of an invoice are neighbours."""
    place = np.flatnonzero(window)
    new = np.append(True, np.diff(items.invoice[place]) > 0)[: len(place)]
    return np.asarray(place[new], dtype=np.int64)


def _taken_on(items: KnownItems, snapshot: Snapshot) -> Floats:
    customers = snapshot.customers
    if "since_date" not in customers.columns:
        return np.full(items.size, np.nan)
    given = pd.Series(float_days(customers["since_date"]), index=customers["customer_id"].to_numpy())
    return np.asarray(given.reindex(items.names), dtype=float)
