"""What happened to items and when it became known, as steps in time; the raw material of invoice features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.behaviour_statements import balance_steps, owed_items, owed_spells, payment_steps
from arrisk.ledger.statements import KINDS
from arrisk.models.features.steps import Clock

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["FAR", "InvoiceHistory", "invoice_history"]

Ints = NDArray[np.int64]
FAR = 2**30
"""A day after all others: still open, no due date, never again."""


@dataclass(frozen=True, slots=True, eq=False)
class InvoiceHistory:
    """Items owed and what became of them; days are day numbers or `FAR`, money is in minor units.

    Attributes
    ----------
    row : array of int, shape (items,)
        Place in the snapshot's `items`, increasing.
    items : dict of str to array of int, shape (items,)
        code (customer), issue, due, since (when it was known), amount, disputed (day of opening).
    spells : dict of str to array of int, shape (spells,)
        item (place in `items`), number, start, end, paid_on (date of the last settlement), credited (0 or 1),
        again (start of the next spell), and the item's code, issue, due and amount.
    balance : dict of str to array of int
        Changes of open amounts: code, day, due, amount.
    paid : dict of str to array of int
        code, day (known), paid_on.
    clock : Clock
    """

    row: Ints
    items: dict[str, Ints]
    spells: dict[str, Ints]
    balance: dict[str, Ints]
    paid: dict[str, Ints]
    clock: Clock


def invoice_history(snapshot: Snapshot) -> InvoiceHistory:
    """Read it from a snapshot, in orders that do not depend on that of the source's rows."""
    found = _columns(snapshot.query(owed_items()))
    numbers = snapshot.item_numbers
    place = np.full(int(numbers.max(initial=0)) + 1, -1, dtype=np.int64)
    place[numbers] = np.arange(len(numbers))
    row = place[found["item"]]
    order = np.argsort(row)
    row, items = row[order], {name: values[order] for name, values in found.items()}
    place[:] = -1
    place[items.pop("item")] = np.arange(len(row))
    first = int(items["issue"].min(initial=snapshot.day)) - 1
    return InvoiceHistory(
        row=row,
        items=items,
        spells=_spells(snapshot, place, items),
        balance=_columns(snapshot.query(balance_steps())),
        paid=_columns(snapshot.query(payment_steps())),
        clock=Clock(first, snapshot.day),
    )


def _spells(snapshot: Snapshot, place: Ints, items: dict[str, Ints]) -> dict[str, Ints]:
    found = _columns(snapshot.query(owed_spells()))
    item = place[found["item"]]
    cause = found.pop("cause")
    # The order of items decides where days are equal, so that of the source's rows does not.
    order = np.lexsort((found["number"], item))
    spells = {name: values[order] for name, values in found.items() if name != "item"}
    spells |= {"item": item[order], "credited": (cause[order] == KINDS["credit_note"]).astype(np.int64)}
    return spells | {name: items[name][item[order]] for name in ("code", "issue", "due", "amount")}


def _columns(frame: pd.DataFrame) -> dict[str, Ints]:
    return {name: frame[name].to_numpy(dtype=np.int64, na_value=FAR) for name in frame.columns}
