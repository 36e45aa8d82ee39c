"""Each item's share of a provision: what it owes times the rate of its cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.loss_rates.segments import segment_customers

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.provision.provision import Provision

__all__ = ["KEYS", "cell_rates", "item_amounts", "share_items"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
KEYS = ["invoice_id", "instalment"]


def item_amounts(snapshot: Snapshot) -> pd.DataFrame:
    """Items owed (no credits) that were known at the date of a snapshot, in whole minor units.

    Returns
    -------
    DataFrame
        invoice_id, instalment, customer_id, day (issue, as a date), clock (due date, else issue date),
        open, written_off, recovered (minor units, all up to the date).

    Examples
    --------
    >>> from arrisk.ledger.reading import read_ledger
    >>> invoices = pd.DataFrame({"invoice_id": ["1"], "customer_id": ["a"], "issue_date": ["2025-01-10"],
    ...     "due_date": ["2025-02-09"], "amount": [100.0]})
    >>> item_amounts(read_ledger({"invoices": invoices}, currency="EUR").as_of("2025-03-31"))["open"].tolist()
    [10000]
    """
    items = snapshot.items
    owed = items[(items["amount"] > 0).to_numpy()]
    out = owed[[*KEYS, "customer_id", "issue_date"]].copy()
    out["clock"] = owed["due_date"].fillna(owed["issue_date"])
    for name, column in (
        ("open", "open_amount"),
        ("written_off", "written_off_amount"),
        ("recovered", "recovered_amount"),
    ):
        out[name] = np.rint(owed[column].to_numpy(dtype=float) * snapshot.scale).astype(np.int64)
    return out.reset_index(drop=True)


def cell_rates(provision: Provision) -> Floats:
    """Rates of the provision, shape (segments, buckets); 0 where nothing is owed."""
    table = provision.table
    rates = np.where(table["gross"] > 0, table["rate"], 0.0)
    return np.asarray(rates.reshape(len(provision.rates.segments), -1), dtype=float)


def share_items(snapshot: Snapshot, provision: Provision) -> pd.DataFrame:
    """Items owed with their cell and their share of the provision of the same day.

    Returns
    -------
    DataFrame
        As `item_amounts`, with segment and bucket (numbers) and allowance (minor units, not rounded).
    """
    items = item_amounts(snapshot)
    counts = provision.rates.counts
    customers = np.unique(items["customer_id"].to_numpy().astype(str))
    names, place = segment_customers(snapshot, customers, counts.by)
    number = np.array([counts.segments.index(name) for name in names], dtype=np.int64)
    owner = np.searchsorted(customers, items["customer_id"].to_numpy().astype(str))
    overdue = (snapshot.date - items["clock"]).dt.days.to_numpy()
    bucket = np.searchsorted([0, *counts.edges], overdue, side="left").astype(np.int64)
    segment = number[place][owner]
    rate = cell_rates(provision)[segment, bucket]
    return items.assign(segment=segment, bucket=bucket, allowance=items["open"].to_numpy() * rate)
