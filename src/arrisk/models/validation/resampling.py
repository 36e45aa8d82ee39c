"""Customers drawn again: the one way in which uncertainty across a book is simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError

__all__ = ["Seed", "customer_codes", "customer_weights", "resample_customers", "weight_blocks"]

Floats = NDArray[np.float64]
Seed = int | np.random.SeedSequence
CELLS = 4_000_000
"""Most weights held at once by `weight_blocks`: 32 MB."""


def customer_codes(customers: ArrayLike, rows: int | None = None) -> tuple[NDArray[np.int64], int]:
    """Number the customers from 0 in order of appearance, with their count.

    Raises
    ------
    ModelError
        If there is no row, or not one customer for each of `rows`.

    Examples
    --------
    >>> codes, count = customer_codes(["b", "a", "b"])
    >>> codes.tolist(), count
    ([0, 1, 0], 2)
    """
    code = pd.factorize(np.asarray(customers), use_na_sentinel=False)[0].astype(np.int64)
    if not code.size or (rows is not None and code.size != rows):
        raise ModelError(f"{code.size} customers given for {rows if rows is not None else 'no'} rows")
    return code, int(code.max()) + 1


def customer_weights(customers: ArrayLike, draws: int, seed: Seed) -> Floats:
    """How often each row is drawn when customers are resampled with replacement, shape (draws, rows).

    Examples
    --------
    >>> weights = customer_weights(["a", "a", "b"], draws=3, seed=1)
    >>> bool((weights[:, 0] == weights[:, 1]).all()), bool((weights[:, 1] + weights[:, 2] == 2).all())
    (True, True)
    """
    return np.concatenate(list(weight_blocks(customers, draws, seed)))


def weight_blocks(customers: ArrayLike, draws: int, seed: Seed) -> Iterator[Floats]:
    """The rows of `customer_weights` in blocks that fit in little memory; the same numbers."""
    code, groups = customer_codes(customers)
    rng = np.random.default_rng(seed)
    chance = np.full(groups, 1.0 / groups)
    step = max(1, CELLS // max(code.size, groups))
    for begin in range(0, draws, step):
        counts = rng.multinomial(groups, chance, size=min(step, draws - begin))
        yield np.asarray(counts[:, code], dtype=float)


def resample_customers(
    statistic: Callable[[Floats], Floats], customers: ArrayLike, seed: Seed, draws: int
) -> Floats:
    """A statistic on resamples of customers, those without a value left out.

    Parameters
    ----------
    statistic : callable
        Takes weights of shape (draws, rows), gives values of shape (draws,); NaN where it has none.
    customers : array, shape (rows,)
    seed : int or SeedSequence
    draws : int

    Raises
    ------
    ModelError
        If fewer than half of the resamples have a value.

    Examples
    --------
    >>> y = np.array([0.0, 1.0, 1.0, 0.0])
    >>> shares = resample_customers(lambda w: w @ y / w.sum(axis=1), "abcd", seed=1, draws=200)
    >>> bool(0.4 < shares.mean() < 0.6)
    True
    """
    who = list(customers) if isinstance(customers, str) else customers
    values = np.concatenate([statistic(weights) for weights in weight_blocks(who, draws, seed)])
    kept = values[np.isfinite(values)]
    if 2 * kept.size < draws:
        raise ModelError(
            f"{draws - kept.size} of {draws} resamples of customers have no value: too few defaulters"
        )
    return np.asarray(kept, dtype=float)
