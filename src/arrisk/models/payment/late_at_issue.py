"""The chance, told at its issue by the hazard of payment, that an invoice will be late."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.errors import ModelError
from arrisk.models.features.invoices import INVOICE_KEYS

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.payment.payment_hazard import PaymentHazard

__all__ = ["late_at_issue"]

CHUNK = 20_000


def late_at_issue(hazard: PaymentHazard, snapshot: Snapshot, late_days: int = 0) -> pd.DataFrame:
    """Probability that invoices issued since the fit are late, each with what was known before its issue.

    Parameters
    ----------
    hazard : PaymentHazard
    snapshot : Snapshot
        Not earlier than the one the hazard was fitted on; of its invoices those issued after the fit.
    late_days : int
        An invoice is late from so many days past due on, exclusive.

    Returns
    -------
    DataFrame
        `invoice_id`, `instalment`, `customer_id`, `issue_date`, `due_date`, `probability`: one row an item
        owed with a due date.

    Raises
    ------
    ModelError
        If `late_days` is negative.
    LookAheadError
        If the snapshot is earlier than the hazard.

    Notes
    -----
    The chance of not being paid by the evening of the day `late_days` after the due date. What is credited or
    written off before counts as late; that is rare.

    Examples
    --------
    >>> import arrisk as ar
    >>> from arrisk.models.payment.payment_hazard import fit_hazard
    >>> ledger = ar.read_ledger(ar.make_sample(invoices=1500, seed=1), currency="EUR")
    >>> hazard = fit_hazard(ledger.as_of("2025-06-30"))
    >>> told = late_at_issue(hazard, ledger.as_of("2025-07-31"))
    >>> bool(told["probability"].between(0, 1).all()), str(told["issue_date"].min())[:7]
    (True, '2025-07')
    """
    if late_days < 0:
        raise ModelError(f"late_days={late_days}: at least 0")
    items = snapshot.items
    wanted = (items["issue_date"] > hazard.as_of) & (items["issue_date"] <= snapshot.date)
    new = items[wanted & (items["amount"] > 0) & items["due_date"].notna()].reset_index(drop=True)
    described = hazard.describe(snapshot, new[[*INVOICE_KEYS, "amount"]])
    out = new[INVOICE_KEYS].copy()
    out["probability"] = 1.0
    if described.empty:
        return out
    point = (described["due_date"] - hazard.as_of).dt.days.to_numpy() + late_days
    horizon = max(1, int(point.max()))
    chance = np.empty(len(described))
    for low in range(0, len(described), CHUNK):
        part = slice(low, low + CHUNK)
        paid = np.cumsum(hazard.rates(described.iloc[part], hazard.as_of, horizon).paths(), axis=1)
        at = np.clip(point[part], 1, horizon) - 1
        chance[part] = 1.0 - np.where(point[part] >= 1, paid[np.arange(len(paid)), at], 0.0)
    out["probability"] = chance
    return out
