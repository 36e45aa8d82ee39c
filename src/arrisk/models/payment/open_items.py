"""What a hazard of payment says of each open item: chances within days ahead, and the days that remain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.errors import ModelError

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.payment.payment_hazard import PaymentHazard

__all__ = ["predict_open_items"]

KEYS = ["invoice_id", "instalment", "customer_id", "open_amount", "age"]


def predict_open_items(
    hazard: PaymentHazard, snapshot: Snapshot, days: tuple[int, ...], horizon: int
) -> pd.DataFrame:
    """Chances of payment and of loss of each open item, given how long it has been open.

    Parameters
    ----------
    hazard : PaymentHazard
    snapshot : Snapshot
        Not earlier than the one the hazard was fitted on.
    days : tuple of int
        Horizons, days from the as-of date.
    horizon : int
        Expected remaining days count at most this many.

    Returns
    -------
    DataFrame
        `invoice_id`, `instalment`, `customer_id`, `open_amount`, `age` (days on the clock), `p_paid_<d>` and
        `p_lost_<d>` per horizon, `remaining_days`: the mean of min(days to payment, `horizon`), where what is
        lost counts as `horizon`.

    Raises
    ------
    ModelError
        If a horizon is not a positive whole number of days.
    LookAheadError
        If the snapshot is earlier than the hazard.
    """
    if not all(d == int(d) and d > 0 for d in (*days, horizon)):
        raise ModelError(f"days={days!r}, horizon={horizon!r}: give positive whole numbers of days")
    items = hazard.open_items(snapshot)
    rates = hazard.rates(items, snapshot.date, max(horizon, *days))
    paid, lost = np.cumsum(rates.paths(), axis=1), np.cumsum(rates.losses(), axis=1)
    out = items[KEYS].copy()
    for d in days:
        out[f"p_paid_{d}"] = paid[:, d - 1]
    for d in days:
        out[f"p_lost_{d}"] = lost[:, d - 1]
    out["remaining_days"] = 1.0 + (1.0 - paid[:, : horizon - 1]).sum(axis=1)
    return out
