"""Segments and old buckets with too few customers for a rate of their own, put together by a stated rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.loss_rates.loss_counts import LossCounts
from arrisk.models.loss_rates.month_ends import bucket_labels
from arrisk.models.loss_rates.segments import ALL

__all__ = ["describe_merged", "edges_with_enough", "pool_segments"]

Ints = NDArray[np.int64]
NAMED = 3
"""Segments that the name of a pool spells out; the conventions name them all."""


def pool_segments(counts: LossCounts, min_customers: int = 0, min_losers: int = 0) -> LossCounts:
    """Merge segments that are too small into one pool.

    A segment is too small when in any bucket fewer than `min_customers` of its customers ever stood, or when
    fewer than `min_losers` of them lost anything. All such segments make one pool. While the pool is itself
    too small, the segment with the fewest customers that is left joins it (of equals the first by name).

    Parameters
    ----------
    counts : LossCounts
    min_customers : int
        Customers that every cell, a bucket of a segment, must have.
    min_losers : int
        Customers with a loss that every segment must have.

    Returns
    -------
    LossCounts
        The same customers and sums in fewer segments, the pool last; unchanged when all are large enough.
        `conventions` say which were pooled and why, ``facts["pooled"]`` maps old names to new ones.

    Raises
    ------
    ModelError
        If a minimum is negative.

    Examples
    --------
    >>> from arrisk.ledger.reading import read_ledger
    >>> from arrisk.ledger.sample.generator import make_sample
    >>> from arrisk.models.loss_rates.net_flow import count_net_flows
    >>> ledger = read_ledger(make_sample(invoices=2000, seed=1), currency="EUR")
    >>> counts = count_net_flows(ledger.as_of("2025-12-31"), by="segment")
    >>> pool_segments(counts, min_losers=1).segments
    ('Manufacturing', 'others: Public, Retail, Wholesale')
    """
    if min_customers < 0 or min_losers < 0:
        raise ModelError(f"minima are at least 0, got {min_customers} customers and {min_losers} losers")
    customers, losers = _cells(counts), _losers(counts)
    small = (customers.min(axis=1) < min_customers) | (losers < min_losers)
    if not small.any() or len(small) == 1:
        return counts
    pool = small.copy()
    sizes = customers.max(axis=1)
    while not pool.all() and (
        _together(counts, pool).min() < min_customers or losers[pool].sum() < min_losers
    ):
        pool[min(np.flatnonzero(~pool), key=lambda s: (sizes[s], s))] = True
    return _merge(counts, pool, _reason(counts, pool, small, min_customers, min_losers))


def edges_with_enough(counts: LossCounts, min_customers: int) -> tuple[int, ...]:
    """Edges of buckets without the oldest ones, as far as these have too few customers.

    The last bucket has no upper end, so dropping the last edge leaves the meaning of all other buckets as it
    is; merging two buckets in the middle would not, for methods that move by a bucket a month.

    Parameters
    ----------
    counts : LossCounts
    min_customers : int
        Customers, of all segments together, that must have stood in the last bucket.

    Returns
    -------
    tuple of int
        At least the first edge.
    """
    exposed, edges = counts.exposed.copy(), counts.edges
    while len(edges) > 1 and int(exposed[:, -1].sum()) < min_customers:
        exposed = np.column_stack([exposed[:, :-2], exposed[:, -2:].any(axis=1)])
        edges = edges[:-1]
    return edges


def describe_merged(edges: tuple[int, ...], kept: tuple[int, ...], min_customers: int) -> str:
    """Which old buckets were merged and why, in words."""
    gone = bucket_labels(edges)[len(kept) + 1 :]
    return (
        f"{', '.join(gone)} merged into one, {bucket_labels(kept)[-1]}: fewer than {min_customers} customers"
    )


def _cells(counts: LossCounts) -> Ints:
    """Customers that ever stood in each cell, shape (segments, buckets)."""
    out = np.zeros((len(counts.segments), counts.buckets), dtype=np.int64)
    np.add.at(out, counts.segment, counts.exposed.astype(np.int64))
    return out


def _losers(counts: LossCounts) -> Ints:
    lost = counts.hit.any(axis=1)
    return np.bincount(counts.segment[lost], minlength=len(counts.segments)).astype(np.int64)


def _together(counts: LossCounts, pool: NDArray[np.bool_]) -> Ints:
    return np.asarray(_cells(counts)[pool].sum(axis=0), dtype=np.int64)


def _merge(counts: LossCounts, pool: NDArray[np.bool_], words: str) -> LossCounts:
    kept = [name for s, name in enumerate(counts.segments) if not pool[s]]
    members = [name for s, name in enumerate(counts.segments) if pool[s]]
    shown = members if len(members) <= NAMED else [*members[:NAMED], f"{len(members) - NAMED} more"]
    name = f"others: {', '.join(shown)}" if kept else ALL
    place = np.where(pool, len(kept), np.cumsum(~pool) - 1)
    earlier = counts.facts.get("pooled", {})
    moved = {old: name if new in members else new for old, new in earlier.items()}
    return replace(
        counts,
        segments=(*kept, name),
        segment=place[counts.segment].astype(np.int64),
        conventions={**counts.conventions, "pooling": words},
        facts={**counts.facts, "pooled": {**moved, **dict.fromkeys(members, name)}},
    )


def _reason(
    counts: LossCounts,
    pool: NDArray[np.bool_],
    small: NDArray[np.bool_],
    min_customers: int,
    min_losers: int,
) -> str:
    customers, losers = _cells(counts).min(axis=1), _losers(counts)
    parts = [
        f"{name} ({customers[s]} in its thinnest bucket, {losers[s]} with a loss)"
        + ("" if small[s] else " to make the pool large enough")
        for s, name in enumerate(counts.segments)
        if pool[s]
    ]
    wanted = " and ".join(
        part
        for part, minimum in (
            (f"at least {min_customers} customers in every bucket", min_customers),
            (f"at least {min_losers} customers with a loss", min_losers),
        )
        if minimum
    )
    return f"a segment needs {wanted}; pooled: {'; '.join(parts)}"
