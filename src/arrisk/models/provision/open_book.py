"""What is owed on a day by customer and bucket, in minor units, and how it ties to the open balance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.loss_rates.month_ends import bucket_labels
from arrisk.portfolio.ageing import make_ageing
from arrisk.portfolio.ageing_buckets import CREDITS, UNAPPLIED_CASH

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.loss_rates.loss_counts import LossCounts

__all__ = ["OpenBook", "read_open_book", "share_out"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class OpenBook:
    """What customers owe on a day, and what is owed to them.

    Attributes
    ----------
    customers : array of str, shape (customers,)
    segments, buckets : tuple of str
    segment : array of int, shape (customers,)
        Place of each customer in `segments`.
    owed : array of int64, shape (customers, buckets)
        Owed by bucket, minor units; credits and unapplied cash are not netted.
    credits, unapplied : int
        Credits and unapplied cash, minor units, at most 0.
    open : int
        The open balance of the ledger: the sum of the three.
    scale : int
        Minor units in one unit of the currency.
    """

    customers: NDArray[Any]
    segments: tuple[str, ...]
    buckets: tuple[str, ...]
    segment: Ints
    owed: Ints
    credits: int
    unapplied: int
    open: int
    scale: int

    def by_cell(self, amounts: NDArray[Any]) -> NDArray[Any]:
        """Sums of amounts by customer and bucket over the customers of each segment."""
        out = np.zeros((len(self.segments), len(self.buckets)), dtype=amounts.dtype)
        np.add.at(out, self.segment, amounts)
        return out

    def place(self, customer: str) -> int | None:
        """Row of a customer; None if it never owed anything."""
        found = np.flatnonzero(self.customers == customer)
        return int(found[0]) if found.size else None


def read_open_book(snapshot: Snapshot, counts: LossCounts) -> OpenBook:
    """Read what is owed on the day of a snapshot in the buckets of given counts.

    Raises
    ------
    ModelError
        If the buckets, credits and unapplied cash do not add up to the open balance to the minor unit.
    """
    scale = snapshot.scale
    ageing = make_ageing(snapshot, counts.edges).table.set_index("bucket")["amount"]
    credits, unapplied = (round(float(ageing[name]) * scale) for name in (CREDITS, UNAPPLIED_CASH))
    owed = np.rint(counts.today * scale).astype(np.int64)
    total = int(owed.sum()) + credits + unapplied
    if total != snapshot.open_minor:
        raise ModelError(
            f"buckets, credits and unapplied cash add up to {total / scale:,.2f}, the open balance is "
            f"{snapshot.open_balance:,.2f}: nothing is provided for until they agree"
        )
    return OpenBook(
        counts.customers,
        counts.segments,
        tuple(bucket_labels(counts.edges)),
        counts.segment,
        owed,
        credits,
        unapplied,
        snapshot.open_minor,
        scale,
    )


def share_out(total: int, weights: NDArray[Any]) -> Ints:
    """Divide a whole amount in proportion to weights, to the last unit (largest remainders).

    Parameters
    ----------
    total : int
        Minor units, at least 0.
    weights : array of shape (shares,)
        Not negative; when all are 0, so are the shares, and so must be the total.

    Examples
    --------
    >>> share_out(100, np.array([1, 1, 1]))
    array([34, 33, 33])
    """
    weights = np.asarray(weights, dtype=float)
    whole = float(weights.sum())
    if whole <= 0:
        if total:
            raise ModelError(f"{total} minor units cannot be shared out: every weight is 0")
        return np.zeros(weights.size, dtype=np.int64)
    exact = total * (weights / whole)
    shares = np.floor(exact).astype(np.int64)
    missing = int(total - shares.sum())
    order = np.argsort(-(exact - shares), kind="stable")
    shares[order[:missing]] += 1
    return shares
