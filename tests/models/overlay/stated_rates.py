"""Loss rates that are exactly what a test states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import sparse

from arrisk.models.loss_rates.loss_counts import LossCounts
from arrisk.models.loss_rates.loss_rates import LossRates, estimate_rates

CUSTOMERS = 24


def stated_rates(
    rates: Sequence[Sequence[float]], balances: Sequence[Sequence[float]], segments: Sequence[str] = ("all",)
) -> LossRates:
    """Rates by segment and bucket, shape (segments, at least 3 buckets), with spread between customers.

    All customers weigh the same, and what they lose averages to the rate.
    """
    wanted = np.asarray(rates, dtype=float)
    parts, buckets = wanted.shape
    spread = 0.5 * np.linspace(-1, 1, CUSTOMERS)[:, None]
    lost = np.stack([row + spread * row * (1 - row) for row in wanted])
    terms = np.concatenate([np.ones((parts * CUSTOMERS, 1)), lost.reshape(-1, buckets)], axis=1)
    owed = np.zeros((parts, CUSTOMERS, buckets))
    owed[:, 0] = balances
    seen = np.ones((parts * CUSTOMERS, buckets), dtype=bool)
    counts = LossCounts(
        "realised",
        tuple(range(30, 30 * (buckets - 1), 30)),
        np.array([f"C{i:03d}" for i in range(parts * CUSTOMERS)]),
        None if parts == 1 else "segment",
        tuple(segments),
        np.repeat(np.arange(parts), CUSTOMERS),
        sparse.csr_array(terms),
        lambda sums: sums[..., 1:] / sums[..., :1],
        seen,
        seen,
        seen,
        owed.reshape(-1, buckets),
        {"rates": "as stated"},
    )
    return estimate_rates(counts, pd.Timestamp("2024-12-31"), "USD")
