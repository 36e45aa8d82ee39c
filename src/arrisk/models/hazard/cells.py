"""Cells: the occurring combinations of the codes of several covariates."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from arrisk.errors import ModelError
from arrisk.models.timing.day_counts import Ints

__all__ = ["checked_codes", "combine_codes", "renumbered"]


def combine_codes(columns: list[Ints], sizes: list[int]) -> tuple[Ints, Ints]:
    """Number the occurring combinations of several codes.

    Parameters
    ----------
    columns : list of array of int, shape (n,)
        Codes of each covariate, from 0.
    sizes : list of int
        Codes that each covariate may have.

    Returns
    -------
    cell : array of int, shape (n,)
        Number of the combination of each row.
    codes : array of int, shape (cells, covariates)
        The combinations, in lexical order.

    Examples
    --------
    >>> cell, codes = combine_codes([np.array([0, 1, 1]), np.array([1, 0, 0])], [2, 2])
    >>> cell.tolist(), codes.tolist()
    ([0, 1, 1], [[0, 1], [1, 0]])
    """
    joint = np.zeros(columns[0].size, dtype=np.int64)
    for column, size in zip(columns, sizes, strict=True):
        joint = joint * size + column
    cell, present = renumbered(joint, int(np.prod(sizes, dtype=float)))
    return cell, np.column_stack(np.unravel_index(present, sizes)).astype(np.int64)


def renumbered(codes: Ints, size: int) -> tuple[Ints, Ints]:
    """Codes numbered anew without gaps, and the codes that occur."""
    if size > 4 * codes.size + 1_000_000:
        present, number = np.unique(codes, return_inverse=True)
        return number.astype(np.int64), present
    there = np.bincount(codes, minlength=size) > 0
    if there.all():
        return codes, np.arange(size)
    return (np.cumsum(there) - 1)[codes], np.flatnonzero(there)


def checked_codes(values: ArrayLike, name: str, n: int, size: int | None = None) -> Ints:
    """Codes from 0 as whole numbers, one an item.

    Raises
    ------
    ModelError
        If they are not.
    """
    codes = np.asarray(values)
    if codes.shape != (n,) or not np.issubdtype(codes.dtype, np.integer):
        raise ModelError(f"{name} must be one whole number per item")
    if n and (int(codes.min()) < 0 or (size is not None and int(codes.max()) >= size)):
        raise ModelError(f"{name} must lie in 0 to {'the largest' if size is None else size - 1}")
    return codes.astype(np.int64, copy=False)
