"""Customers, where a source gives their attributes on every row."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from arrisk.ledger.shapes.shaping import KEYS, Account, canonical, plural

__all__ = ["customers_of"]

_ATTRIBUTES = ("name", "segment", "industry", "region", "country")


def customers_of(frame: pd.DataFrame, given: Iterable[str], account: Account) -> dict[str, pd.DataFrame]:
    """One row a customer with, of each attribute, the first that is given.

    Returns
    -------
    dict
        The table "customers", or nothing when the rows carry no attribute.
    """
    attributes = [name for name in _ATTRIBUTES if name in set(given)]
    if not attributes:
        return {}
    first = frame.groupby("customer_id", sort=True)[attributes].first().reset_index()
    for name in attributes:
        pairs = frame[["customer_id", name]].dropna().drop_duplicates()
        changes = int(pairs["customer_id"].value_counts().gt(1).sum())
        if changes:
            account.note(f"{plural(changes, 'customer')} with more than one {name}: the first is used")
    where = frame.drop_duplicates("customer_id").set_index("customer_id")[KEYS]
    return {"customers": canonical(first.join(where, on="customer_id"), "customers")}
