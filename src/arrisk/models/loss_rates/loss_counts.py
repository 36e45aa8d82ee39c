"""What the loss rates of a method are made of: sums by customer, and how they become rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from arrisk.errors import ModelError

__all__ = [
    "FOLLOWED_MONTHS", "LossCounts", "Method", "RateFunction", "Unit",
    "check_horizon", "leave_one_out", "words_of_bounds",
]  # fmt: skip

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Unit = Literal["item", "customer"]
Method = Literal["net_flow", "roll", "cohort", "vintage", "markov", "competing", "realised"]
RateFunction = Callable[[Floats], Floats]
"""From sums, shape (..., terms), to loss rates, shape (..., buckets); NaN where nothing was ever seen."""
FOLLOWED_MONTHS = 12
"""Months after which a customer that lost nothing counts as one that did not."""
CELLS_AT_ONCE = 4_000_000
"""Numbers held while customers are left out in turn: 32 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class LossCounts:
    """Sums by customer behind the loss rates of one method.

    Every method is a set of sums over customers and a function from sums to rates. The estimate uses the sums
    of all customers of a segment; leaving one out subtracts its row.

    Attributes
    ----------
    method : str
        One of `Method`.
    edges : tuple of int
        Days overdue at which a bucket ends.
    customers : array of str, shape (customers,)
        All that ever owed anything, sorted.
    by : str or None
        The attribute of customers that makes the segments.
    segments : tuple of str
        Its values, sorted; ("all",) without one.
    segment : array of int, shape (customers,)
        Place of each customer in `segments`.
    terms : sparse array, shape (customers, terms)
        The sums, in currency units or counts.
    rates : callable
        See `RateFunction`.
    exposed : array of bool, shape (customers, buckets)
        Whether the customer stood in the bucket at a time that the method looks at.
    hit : array of bool, shape (customers, buckets)
        Whether, of what stood there, something was lost.
    followed : array of bool, shape (customers, buckets)
        Whether what stood there was followed for `horizon` months: only then does not having lost say
        anything, because a debt is written off long after it fell due.
    today : array of shape (customers, buckets)
        Owed at the as-of date, currency units.
    conventions : dict of str to str
        Every choice of the method in words.
    facts : dict
        Numbers behind the words, for tables and pages.
    unit : {"item", "customer"}
        Whether a balance stands in the bucket of its item, or of the customer's worst item.
    pooled : bool
        Whether `rates` takes the sums of all segments together behind those of the segment, shape
        (..., 2 x terms): for methods that lean on the whole ledger.
    horizon : int
        Months that a balance must have been followed before its customer counts in a bound.
    """

    method: Method
    edges: tuple[int, ...]
    customers: NDArray[Any]
    by: str | None
    segments: tuple[str, ...]
    segment: Ints
    terms: sparse.csr_array
    rates: RateFunction
    exposed: NDArray[np.bool_]
    hit: NDArray[np.bool_]
    followed: NDArray[np.bool_]
    today: Floats
    conventions: dict[str, str]
    facts: dict[str, Any] = field(default_factory=dict)
    unit: Unit = "item"
    pooled: bool = False
    horizon: int = FOLLOWED_MONTHS

    @property
    def buckets(self) -> int:
        """Number of buckets, "not due" included."""
        return len(self.edges) + 2

    def totals(self) -> Floats:
        """Sums by segment as `rates` takes them, shape (segments, terms), or twice the terms if pooled."""
        own = np.stack([self._sum(self.segment == s) for s in range(len(self.segments))])
        return np.hstack([own, np.broadcast_to(own.sum(axis=0), own.shape)]) if self.pooled else own

    def balances(self) -> Floats:
        """Owed at the as-of date, shape (segments, buckets)."""
        out = np.zeros((len(self.segments), self.buckets))
        np.add.at(out, self.segment, self.today)
        return out

    def _sum(self, rows: NDArray[np.bool_]) -> Floats:
        return np.asarray(self.terms[np.flatnonzero(rows)].sum(axis=0), dtype=float).reshape(-1)


def leave_one_out(counts: LossCounts) -> Floats:
    """Rates of each customer's own segment without it.

    Returns
    -------
    array of shape (customers, buckets)
    """
    totals = counts.totals()
    width = max(1, CELLS_AT_ONCE // max(totals.shape[1], 1))
    parts = []
    for start in range(0, counts.customers.size, width):
        rows = counts.terms[start : start + width].toarray()
        rows = np.hstack([rows, rows]) if counts.pooled else rows
        parts.append(counts.rates(totals[counts.segment[start : start + width]] - rows))
    return np.concatenate(parts) if parts else np.zeros((0, counts.buckets))


def check_horizon(horizon: int) -> None:
    """Refuse a horizon that is not usable.

    Raises
    ------
    ModelError
    """
    if horizon < 1:
        raise ModelError(f"horizon={horizon}: at least 1 month")


def words_of_bounds(horizon: int) -> str:
    """Who counts in a bound, in words."""
    return (
        f"where losses are too few for a rate: customers whose balance was followed {horizon} months, and "
        "all that lost"
    )
