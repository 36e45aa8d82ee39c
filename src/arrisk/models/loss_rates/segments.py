"""The segments of customers that have loss rates of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import ModelError

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["ALL", "NOT_GIVEN", "find_attributes", "segment_customers"]

Ints = NDArray[np.int64]
ALL = "all"
NAMES = ("customer_id", "name", "group_id", "since_date")
MOST_ATTRIBUTES, MOST_SEGMENTS = 4, 12
NOT_GIVEN = "not given"


def segment_customers(
    snapshot: Snapshot, customers: NDArray[Any], by: str | None
) -> tuple[tuple[str, ...], Ints]:
    """Names of the segments, sorted, and the place of each customer in them.

    Raises
    ------
    ModelError
        If the attribute is not one of customers.
    """
    if by is None:
        return (ALL,), np.zeros(len(customers), dtype=np.int64)
    known = snapshot.customers
    if by not in known or by == "customer_id":
        allowed = ", ".join(sorted(str(name) for name in known if name != "customer_id"))
        raise ModelError(f"segments are made by an attribute of customers, not {by!r}; allowed: {allowed}")
    values = known.set_index(known["customer_id"].astype(str))[by].reindex(customers)
    texts = values.astype("string").fillna(NOT_GIVEN).to_numpy(dtype=str)
    names, place = np.unique(texts, return_inverse=True)
    return tuple(str(name) for name in names), place.astype(np.int64).reshape(-1)


def find_attributes(snapshot: Snapshot) -> list[str]:
    """Attributes of customers that could make segments: 2 to 12 values, at most the first four.

    Names, groups and dates are none. What is not given is a value too.
    """
    customers = snapshot.customers
    kinds = customers.drop(columns=list(NAMES), errors="ignore")
    values = kinds.nunique() + kinds.isna().any().astype(int)
    few = values[(values > 1) & (values <= MOST_SEGMENTS) & (2 * values <= len(customers))]
    return [str(name) for name in few.index[:MOST_ATTRIBUTES]]
