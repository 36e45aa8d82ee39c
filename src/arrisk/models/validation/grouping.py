"""Rules that put scored rows into groups, each with its name: figures by group depend on the rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from arrisk.errors import ModelError

__all__ = ["Grouping", "by_grade", "by_quantile", "by_width"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """Group of each row; made by `by_quantile`, `by_width` or `by_grade`.

    Parameters
    ----------
    codes : array of int, shape (rows,)
        From 0; every group holds a row.
    labels : tuple of str
        Of the groups, in their order.
    rule : str
        In words, for the note of a table.
    """

    codes: Ints
    labels: tuple[str, ...]
    rule: str


def by_quantile(p: ArrayLike, groups: int = 10) -> Grouping:
    """About equal numbers of rows in each group, equal values never apart.

    A row's group is the integer part of groups x (average rank - 1/2) / rows, so ties share a group and the
    order of the rows does not matter; groups left empty by ties are dropped.

    Examples
    --------
    >>> by_quantile([0.1, 0.2, 0.2, 0.9], groups=2).codes.tolist()
    [0, 1, 1, 1]
    """
    given = np.asarray(p, dtype=float)
    _check(given, groups)
    at = np.floor(groups * (stats.rankdata(given) - 0.5) / given.size).astype(np.int64)
    kept, codes = np.unique(at, return_inverse=True)
    rule = f"{kept.size} groups of about equal numbers by average rank, ties together"
    return Grouping(codes.astype(np.int64), _ranges(given, codes, kept.size), rule)


def by_width(p: ArrayLike, groups: int = 10) -> Grouping:
    """Equal widths between 0 and 1, each group without its upper end but the last; empty ones are dropped.

    Examples
    --------
    >>> by_width([0.05, 0.1, 0.95, 1.0]).labels
    ('0 to 0.1', '0.1 to 0.2', '0.9 to 1')
    """
    given = np.asarray(p, dtype=float)
    _check(given, groups)
    edges = np.linspace(0.0, 1.0, groups + 1)
    at = np.clip(np.searchsorted(edges, given, side="right") - 1, 0, groups - 1)
    kept, codes = np.unique(at, return_inverse=True)
    labels = tuple(f"{edges[k]:.3g} to {edges[k + 1]:.3g}" for k in kept)
    return Grouping(codes.astype(np.int64), labels, f"{groups} groups of equal width, {kept.size} in use")


def by_grade(grades: ArrayLike) -> Grouping:
    """The grades themselves, in the order of their names.

    Examples
    --------
    >>> by_grade(["B", "A", "B"]).codes.tolist()
    [1, 0, 1]
    """
    names = np.asarray([str(g) for g in np.asarray(grades, dtype=object)])
    if not names.size:
        raise ModelError("no row has a grade")
    labels, codes = np.unique(names, return_inverse=True)
    return Grouping(codes.astype(np.int64), tuple(str(v) for v in labels), "by grade")


def _check(given: NDArray[np.float64], groups: int) -> None:
    if groups < 1 or not given.size or not np.isfinite(given).all():
        raise ModelError(
            f"{given.size} values, of which {np.isfinite(given).sum()} finite, for {groups} groups"
        )


def _ranges(given: NDArray[np.float64], codes: Ints, count: int) -> tuple[str, ...]:
    parts = [given[codes == k] for k in range(count)]
    return tuple(f"{part.min():.3g} to {part.max():.3g}" for part in parts)
