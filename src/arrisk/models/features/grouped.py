"""Sums, medians and extremes by group, on sorted arrays; groups are numbered from 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["counts", "largest", "means", "medians", "share", "sums"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def counts(code: Ints, size: int) -> Floats:
    """Rows of each group, shape (size,)."""
    return np.bincount(code, minlength=size).astype(float)


def sums(code: Ints, values: Floats, size: int) -> Floats:
    """Sum of each group, shape (size,); exact and free of the order of rows for whole numbers below 2**53."""
    return np.bincount(code, weights=values, minlength=size).astype(float)


def share(part: Floats, whole: Floats) -> Floats:
    """Part over whole, missing where the whole is not above zero.

    Examples
    --------
    >>> share(np.array([1.0, 0.0]), np.array([4.0, 0.0])).tolist()
    [0.25, nan]
    """
    out: Floats = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
    return out


def means(code: Ints, values: Floats, size: int) -> Floats:
    """Mean of each group, missing where it is empty."""
    return share(sums(code, values, size), counts(code, size))


def medians(code: Ints, values: Floats, size: int) -> Floats:
    """Median of each group, missing where it is empty.

    Examples
    --------
    >>> medians(np.array([1, 1, 1, 1, 2]), np.array([4.0, 1.0, 2.0, 9.0, 5.0]), 3).tolist()
    [nan, 3.0, 5.0]
    """
    out = np.full(size, np.nan)
    if not code.size:
        return out
    ordered = values[np.lexsort((values, code))]
    number = np.bincount(code, minlength=size)
    first = np.cumsum(number) - number
    full = number > 0
    low, high = first + (number - 1) // 2, first + number // 2
    out[full] = (ordered[low[full]] + ordered[high[full]]) / 2
    return out


def largest(code: Ints, values: Floats, size: int) -> Floats:
    """Largest value of each group, missing where it is empty.

    Examples
    --------
    >>> largest(np.array([1, 1]), np.array([4.0, 7.0]), 2).tolist()
    [nan, 7.0]
    """
    out = np.full(size, -np.inf)
    np.maximum.at(out, code, values)
    return np.where(np.isinf(out), np.nan, out)
