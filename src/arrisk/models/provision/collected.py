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
) -> Ints:
    """Owed on the day and paid in cash by a later day, shape (customers, buckets), minor units.

    Ages are those of the day of the provision; cash takes what a customer owes from the oldest bucket on.
    Customers assessed by themselves are left out: their assessment speaks for all they owe.

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
    paid = _paid_between(book, snapshot, later)
    paid[assessed] = 0
    return _oldest_first(book.owed, paid)


def _paid_between(book: OpenBook, snapshot: Snapshot, later: Snapshot) -> Ints:
    """Cash by customer on items open on the day, minor units; never more than was open."""
    keys = ["invoice_id", "instalment"]
    now = snapshot.items.loc[snapshot.items["open_amount"] > 0, [*keys, "customer_id", "open_amount"]]
    now = now.assign(paid=snapshot.items["paid_amount"])
    both = now.merge(later.items[[*keys, "paid_amount"]], on=keys, how="left")
    more = (both["paid_amount"] - both["paid"]).fillna(0.0).clip(lower=0.0)
    cash = more.where(more < both["open_amount"], both["open_amount"])
    sums = cash.groupby(both["customer_id"].astype(str)).sum().reindex(book.customers, fill_value=0.0)
    minor: Ints = np.rint(sums.to_numpy(dtype=float) * book.scale).astype(np.int64)
    return minor


def _oldest_first(owed: Ints, paid: Ints) -> Ints:
    """Take amounts by customer from the last bucket on."""
    through = np.minimum(np.cumsum(owed[:, ::-1], axis=1), paid[:, None])
    return np.asarray(np.diff(through, axis=1, prepend=0)[:, ::-1], dtype=np.int64)
