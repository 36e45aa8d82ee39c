"""Each item's share of a provision: what it owes times the net rate of its customer and bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.provision.provision import Provision

__all__ = ["item_amounts", "matched", "share_items"]


def item_amounts(snapshot: Snapshot) -> pd.DataFrame:
    """Items owed (no credits) that were known at the date of a snapshot, in whole minor units.

    Returns
    -------
    DataFrame
        item (its number in the ledger, the same on all days), customer_id, clock (due date, else issue
        date), open, written_off, recovered (minor units, all up to the date); sorted by item.

    Examples
    --------
    >>> from arrisk.ledger.reading import read_ledger
    >>> invoices = pd.DataFrame({"invoice_id": ["1"], "customer_id": ["a"], "issue_date": ["2025-01-10"],
    ...     "due_date": ["2025-02-09"], "amount": [100.0]})
    >>> item_amounts(read_ledger({"invoices": invoices}, currency="EUR").as_of("2025-03-31"))["open"].tolist()
    [10000]
    """
    items, numbers = snapshot.items, snapshot.item_numbers
    is_owed = (items["amount"] > 0).to_numpy()
    owed = items[is_owed]
    out = owed[["customer_id"]].copy()
    out["clock"] = owed["due_date"].fillna(owed["issue_date"])
    out.insert(0, "item", numbers[is_owed])
    for name, column in (
        ("open", "open_amount"),
        ("written_off", "written_off_amount"),
        ("recovered", "recovered_amount"),
    ):
        out[name] = np.rint(owed[column].to_numpy(dtype=float) * snapshot.scale).astype(np.int64)
    return out.sort_values("item", ignore_index=True)


def matched(items: pd.DataFrame, later: pd.DataFrame) -> pd.DataFrame:
    """Rows of a later day for the items of an earlier one, in their order.

    Examples
    --------
    >>> old, new = pd.DataFrame({"item": [2, 5]}), pd.DataFrame({"item": [2, 3, 5], "open": [1, 2, 3]})
    >>> matched(old, new)["open"].tolist()
    [1, 3]
    """
    place = np.searchsorted(later["item"].to_numpy(), items["item"].to_numpy())
    return later.iloc[place].reset_index(drop=True)


def share_items(snapshot: Snapshot, provision: Provision) -> pd.DataFrame:
    """Items owed with their cell and their share of the provision of the same day.

    Returns
    -------
    DataFrame
        As `item_amounts`, with segment and bucket (numbers) and allowance (minor units, not rounded): what is
        open times `Provision.net_rates`, so after enhancements, or as the customer was assessed.
    """
    items = item_amounts(snapshot)
    counts, still = provision.rates.counts, items["open"].to_numpy()
    owner = np.searchsorted(counts.customers.astype(str), items["customer_id"].to_numpy().astype(str))
    overdue = (snapshot.date - items["clock"]).dt.days.to_numpy()
    bucket = np.searchsorted([0, *counts.edges], overdue, side="left").astype(np.int64)
    if counts.unit == "customer":
        worst = np.zeros(counts.customers.size, dtype=np.int64)
        np.maximum.at(worst, owner[still > 0], bucket[still > 0])
        bucket = worst[owner]
    allowance = np.where(still > 0, still * provision.net_rates[owner, bucket], 0.0)
    return items.assign(segment=counts.segment[owner], bucket=bucket, allowance=allowance)
