"""What was known of each customer's behaviour on a day, from a snapshot alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.errors import ModelError
from arrisk.models.features.catalogue import FEATURES
from arrisk.models.features.known_items import known_items, numbering
from arrisk.models.features.orders import orders, volume
from arrisk.models.features.outside import attributes, outside_signals
from arrisk.models.features.payments import cycle, lateness
from arrisk.models.features.position import open_position, utilisation_path
from arrisk.models.features.trouble import trouble

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["make_features"]

WINDOW_DAYS = 365


def make_features(snapshot: Snapshot, window_days: int = WINDOW_DAYS) -> pd.DataFrame:
    """Behaviour of each customer as it was known at the snapshot.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing else is read, so the result cannot depend on anything that became known later.
    window_days : int
        Invoices issued in the last so many days count for behaviour, of which the last 90 are recent.

    Returns
    -------
    DataFrame
        One row a customer with at least one invoice known, sorted by `customer_id`; then the numbers of
        `FEATURES`, the texts of `ATTRIBUTES` (missing where not given) and, for each outside signal known,
        ``signal_<name>``, ``signal_<name>_age_days`` and ``signal_<name>_change`` (`feature_of` describes
        them). A value that cannot be known (no item was due yet, no limit) is missing.

    Raises
    ------
    ModelError
        If the window is shorter than a day.

    Notes
    -----
    An open overdue item counts as late with its days so far, and an item not yet due does not count: leaving
    the open ones out would make the worst payers look good. Sums are of whole minor units and whole days, so
    that no bit depends on the order of rows.

    Examples
    --------
    >>> import pandas as pd, arrisk as ar
    >>> ledger = ar.read_ledger({"invoices": pd.DataFrame({
    ...     "invoice_id": ["1", "2"], "customer_id": ["c", "c"], "issue_date": ["2025-01-01", "2025-02-01"],
    ...     "due_date": ["2025-01-31", "2025-03-03"], "amount": [100.0, 50.0]}),
    ...     "events": pd.DataFrame({"invoice_id": ["1"], "date": ["2025-02-10"], "kind": ["payment"],
    ...     "amount": [100.0]})}, currency="EUR")
    >>> now = make_features(ledger.as_of("2025-03-23")).iloc[0]
    >>> now["mean_days_late"].item(), now["oldest_overdue_days"].item(), now["open_amount"].item()
    (15.0, 20.0, 50.0)
    """
    if window_days < 1:
        raise ModelError(f"window_days={window_days}: at least 1")
    items = known_items(snapshot)
    places = numbering(snapshot, items.names)
    window = items.age < window_days
    numbers = {
        **volume(items, window, snapshot),
        **orders(items, window, window_days, snapshot, places),
        **lateness(items, window),
        **cycle(items),
        **open_position(items),
        **utilisation_path(items, window_days, snapshot, places),
        **trouble(items, window, window_days, snapshot, places),
    }
    out = pd.DataFrame({"customer_id": items.names, **{name: numbers[name] for name in FEATURES}})
    out["n_invoices"] = out["n_invoices"].astype(np.int64)
    outside = pd.DataFrame(outside_signals(snapshot, items.names), index=out.index)
    return pd.concat([out, attributes(snapshot, items.names), outside], axis=1)
