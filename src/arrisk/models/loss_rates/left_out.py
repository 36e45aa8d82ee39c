"""Counts of losses without the past of named customers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from scipy import sparse

from arrisk.models.loss_rates.loss_counts import LossCounts

__all__ = ["leave_customers_out"]


def leave_customers_out(counts: LossCounts, customers: Iterable[str]) -> LossCounts:
    """The same counts as if the named customers had never moved; what they owe today stays.

    Parameters
    ----------
    counts : LossCounts
    customers : iterable of str
        Names that the counts do not have change nothing.

    Examples
    --------
    >>> from arrisk.ledger.reading import read_ledger
    >>> from arrisk.ledger.sample.generator import make_sample
    >>> from arrisk.models.loss_rates.net_flow import count_net_flows
    >>> counts = count_net_flows(
    ...     read_ledger(make_sample(invoices=2000, seed=1), currency="EUR").as_of("2025-12-31"))
    >>> without = leave_customers_out(counts, counts.customers[:1])
    >>> float(without.terms[:1].sum()), bool((without.today == counts.today).all())
    (0.0, True)
    """
    gone = np.isin(counts.customers, list(customers))
    if not gone.any():
        return counts
    kept = (~gone).astype(float)
    return replace(
        counts,
        terms=sparse.csr_array(counts.terms.multiply(kept[:, None])),
        exposed=counts.exposed & ~gone[:, None],
        hit=counts.hit & ~gone[:, None],
        followed=counts.followed & ~gone[:, None],
        conventions={
            **counts.conventions,
            "left out": f"the past of {int(gone.sum())} customers judged by themselves",
        },
    )
