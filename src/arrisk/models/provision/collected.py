"""Cash collected after the day of a provision, where an accounting framework lets it count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import LookAheadError, ModelError

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.provision.basis import Basis
    from arrisk.models.provision.open_book import OpenBook

__all__ = ["collected_later"]

Ints = NDArray[np.int64]


def collected_later(
    book: OpenBook,
    snapshot: Snapshot,
    later: Snapshot | None,
    basis: Basis,
    assessed: NDArray[np.bool_],
    edges: tuple[int, ...],
) -> Ints:
    """Owed on the day and paid in cash by a later day, shape (customers, buckets), minor units.

    Cash leaves the bucket in which its item stood on the day of the provision. Where a customer's whole
    balance stands in the bucket of its oldest item, cash is taken from the oldest bucket on. Customers
    assessed by themselves are left out: their assessment speaks for all they owe.

    Raises
    ------
    LookAheadError
        If a later snapshot is given without an election under a framework that allows it.
    ModelError
        If it is elected and no later snapshot of the same ledger is given.
    """
    elected = basis.elections.subsequent_collections
    if later is None:
        if elected:
            raise ModelError("subsequent collections are elected: give the later snapshot that shows them")
        return np.zeros_like(book.owed)
    if not elected or basis.framework is None:
        raise LookAheadError(
            f"a snapshot of {later.date:%Y-%m-%d} looks ahead of {snapshot.date:%Y-%m-%d}: allowed only when "
            "a framework is claimed and the basis elects subsequent_collections under it"
        )
    if later.source is not snapshot.source or later.date <= snapshot.date:
        raise ModelError(f"the later snapshot is of the same ledger, after {snapshot.date:%Y-%m-%d}")
    paid = _paid_between(book, snapshot, later, edges)
    paid[assessed] = 0
    elsewhere = (paid > book.owed).any(axis=1, keepdims=True)
    return np.asarray(np.where(elsewhere, _oldest_first(book.owed, paid.sum(axis=1)), paid), dtype=np.int64)


def _paid_between(book: OpenBook, snapshot: Snapshot, later: Snapshot, edges: tuple[int, ...]) -> Ints:
    """Cash on items open on the day by customer and age of the item, minor units; at most what was open."""
    now, order = snapshot.items, np.argsort(later.item_numbers)
    found = np.searchsorted(later.item_numbers, snapshot.item_numbers, sorter=order)
    then = later.items.iloc[order[found]]
    cash = then["paid_amount"].to_numpy(dtype=float) - now["paid_amount"].to_numpy(dtype=float)
    due = now["open_amount"].to_numpy(dtype=float)
    minor = np.rint(np.clip(np.minimum(cash, due), 0.0, None) * book.scale).astype(np.int64)
    clock = now["due_date"].fillna(now["issue_date"])
    bucket = np.searchsorted([0, *edges], (snapshot.date - clock).dt.days.to_numpy(), side="left")
    paying = minor > 0
    owner = np.searchsorted(book.customers, now["customer_id"].to_numpy().astype(str)[paying])
    out = np.zeros_like(book.owed)
    np.add.at(out, (owner, bucket[paying]), minor[paying])
    return out


def _oldest_first(owed: Ints, paid: Ints) -> Ints:
    """Take amounts by customer from the last bucket on."""
    through = np.minimum(np.cumsum(owed[:, ::-1], axis=1), paid[:, None])
    return np.asarray(np.diff(through, axis=1, prepend=0)[:, ::-1], dtype=np.int64)
