"""Flows at customer level: all that a customer owes stands in the bucket of its oldest overdue item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import LedgerError
from arrisk.ledger.book import Snapshot
from arrisk.ledger.statements import ITEM_ATTRIBUTES
from arrisk.portfolio.ageing import NO_DATE, check_attribute
from arrisk.portfolio.flow_cells import NOT_GIVEN, read_exact_flow_cells
from arrisk.portfolio.transitions import Transitions, make_transitions, open_names, sum_transitions

__all__ = ["customer_transitions", "lift_transitions"]

Ints = NDArray[np.int64]


def lift_transitions(found: Transitions, edges: Sequence[int]) -> Transitions:
    """Put all open items of a cell (a customer) in the state of its oldest overdue one.

    Parameters
    ----------
    found : Transitions
        By customer, disputed items by age.
    edges : sequence of int
        As for `make_transitions`.

    Returns
    -------
    Transitions
        The same items and amounts; a customer with nothing overdue is not due, unless no item of it has a due
        date.
    """
    names = open_names(edges)
    lifted = {}
    for side in ("origin", "destination"):
        place = getattr(found, side)
        still = place < len(names)
        key = found.cell * (int(found.month.max(initial=0)) + 1) + found.month
        # Without a due date ranks below not due, and not due below the buckets.
        rank = np.where(place == names.index(NO_DATE), -1, place)
        groups, number = np.unique(key[still], return_inverse=True)
        oldest = np.full(len(groups), -1, dtype=np.int64)
        np.maximum.at(oldest, number, rank[still])
        state = place.copy()
        state[still] = np.where(oldest < 0, names.index(NO_DATE), oldest)[number]
        lifted[side] = state
    return sum_transitions(replace(found, **lifted))


def customer_transitions(
    snapshot: Snapshot, months: int, edges: Sequence[int], by: str | None
) -> tuple[Transitions, NDArray[Any], Ints]:
    """Transitions at customer level, the values of the attribute, and the month ends.

    Raises
    ------
    LedgerError
        If the attribute is one of items: a customer's items may differ in it.
    """
    if by in ITEM_ATTRIBUTES:
        raise LedgerError(f"{by!r} is an attribute of items; at customer level give one of customers")
    check_attribute(snapshot, by)
    cells = read_exact_flow_cells(snapshot, months, "customer_id")
    found = lift_transitions(make_transitions(cells.without_disputes(), edges), edges)
    place, labels = _values(snapshot, cells.labels, by)
    return sum_transitions(replace(found, cell=place[found.cell])), labels, cells.month_ends


def _values(snapshot: Snapshot, customers: NDArray[Any], by: str | None) -> tuple[Ints, NDArray[Any]]:
    """Place of each customer's value among the sorted values of an attribute."""
    if by is None:
        return np.zeros(len(customers), dtype=np.int64), np.array([""], dtype=object)
    table = snapshot.customers
    values = table[by].set_axis(table["customer_id"].astype(str)).reindex(customers)
    names = values.astype(object).where(values.notna(), NOT_GIVEN).astype(str)
    place, labels = pd.factorize(names.to_numpy(dtype=object), sort=True)
    return place.astype(np.int64), np.asarray(labels, dtype=object)
