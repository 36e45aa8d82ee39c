"""Which invoices were late, as far as it can be known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["late_outcomes"]


def late_outcomes(snapshot: Snapshot, late_days: int = 0) -> pd.DataFrame:
    """Whether items were late, for those whose point has passed at the snapshot.

    Parameters
    ----------
    snapshot : Snapshot
    late_days : int
        An item is late from so many days past due on, exclusive.

    Returns
    -------
    DataFrame
        `invoice_id`, `instalment`, `late`; one row an item owed whose due date lies more than `late_days`
        before the snapshot and that was not credited.

    Notes
    -----
    By then the outcome of every item is known: settled in time, settled late, or open and so late. Items
    settled before their point has passed are left out until it has, with those still open beside them: to
    take only what was settled would take the prompt payers of the last weeks alone.

    Examples
    --------
    >>> import arrisk as ar
    >>> ledger = ar.read_ledger({"invoices": pd.DataFrame({"invoice_id": ["1", "2"],
    ...     "customer_id": ["c", "c"], "issue_date": ["2025-01-01", "2025-01-02"],
    ...     "due_date": ["2025-01-31", "2025-02-01"], "amount": [5.0, 7.0]})}, currency="EUR")
    >>> late_outcomes(ledger.as_of("2025-02-01"))["late"].tolist()
    [True]
    """
    items = snapshot.items
    past = (snapshot.date - items["due_date"]).dt.days > late_days
    use = (items["amount"] > 0) & past & (items["close_kind"] != "credited")
    known = items[use]
    days = (known["closed_date"].fillna(snapshot.date) - known["due_date"]).dt.days
    columns = {name: known[name].to_numpy() for name in ("invoice_id", "instalment")}
    return pd.DataFrame(columns | {"late": np.asarray(days > late_days, dtype=bool)})
