"""Which features become terms of a card: rules stated beforehand, and why each other one is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Selection", "correlations", "most_terms", "select_by_strength", "select_in_order"]

Floats = NDArray[np.float64]
ROWS_AT_A_TIME = 1 << 14
LEFT_OVER, PART = 1e-9, 1e-4
FLAT = 1e-12


@dataclass(frozen=True, slots=True)
class Selection:
    """Features that were kept, in the order in which they enter, and why the others were not.

    Parameters
    ----------
    kept : tuple of int
        Positions.
    dropped : mapping of int to str
        Position and reason, in words.
    """

    kept: tuple[int, ...]
    dropped: Mapping[int, str]


def most_terms(events: float, events_per_term: float) -> int:
    """How many terms so many events can carry; at least one.

    Examples
    --------
    >>> most_terms(40, 5), most_terms(3, 5)
    (8, 1)
    """
    return max(1, int(events // events_per_term))


def correlations(units: Floats) -> Floats:
    """Correlation of the columns; 0 with a column that is constant, whose own entry is 0 too.

    Examples
    --------
    >>> correlations(np.array([[0.0, 1, 5], [1, 0, 5], [2, -1, 5]])).round(6).tolist()
    [[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    mean = units.mean(axis=0)
    products = np.zeros((units.shape[1],) * 2)
    for start in range(0, len(units), ROWS_AT_A_TIME):
        centred = units[start : start + ROWS_AT_A_TIME] - mean
        products += centred.T @ centred
    root = np.sqrt(np.diag(products))
    alive = root > FLAT * np.maximum(np.abs(mean), 1e-300) * np.sqrt(max(1, len(units)))
    scale = np.where(alive, root, 1.0)
    found = np.where(np.outer(alive, alive), products / np.outer(scale, scale), 0.0)
    return np.asarray(np.clip(found, -1.0, 1.0), dtype=float)


def select_in_order(names: Sequence[str], correlation: Floats, most: int) -> Selection:
    """The first features in the order given that are neither constant nor a combination of those before.

    Parameters
    ----------
    names : sequence of str, length k
    correlation : array, shape (k, k)
        See `correlations`.
    most : int
        Number of terms that the events can carry.

    Examples
    --------
    >>> found = select_in_order(["a", "b", "c"], np.array([[1, 0.2, 0], [0.2, 1, 0], [0, 0, 0]]), 5)
    >>> found.kept, found.dropped
    ((0, 1), {2: 'it is constant'})
    """
    return _select(names, correlation, range(len(names)), most, 1.0)


def select_by_strength(
    names: Sequence[str], correlation: Floats, strength: Sequence[float], closest: float, most: int
) -> Selection:
    """The strongest features, as long as none is too close to a stronger one.

    Parameters
    ----------
    names : sequence of str, length k
    correlation : array, shape (k, k)
        See `correlations`.
    strength : sequence of float, length k
        Information values.
    closest : float
        Largest absolute correlation with a feature kept.
    most : int
        Number of terms that the events can carry.

    Returns
    -------
    Selection
        `kept` in the order of the features as given.

    Examples
    --------
    >>> close = np.array([[1, 0.95, 0], [0.95, 1, 0.3], [0, 0.3, 1]])
    >>> found = select_by_strength(["a", "b", "c"], close, [0.1, 0.4, 0.2], closest=0.9, most=5)
    >>> found.kept, found.dropped
    ((1, 2), {0: 'its correlation with b is 0.950, beyond 0.9'})
    """
    order = sorted(range(len(names)), key=lambda j: (-strength[j], j))
    found = _select(names, correlation, order, most, closest)
    return Selection(tuple(sorted(found.kept)), found.dropped)


def _select(
    names: Sequence[str], correlation: Floats, order: Sequence[int], most: int, closest: float
) -> Selection:
    kept: list[int] = []
    dropped = {}
    for j in order:
        reason = "it is constant" if correlation[j, j] == 0 else _echo(names, correlation, kept, j, closest)
        if not reason and len(kept) >= most:
            reason = f"the events carry {most} terms"
        if reason:
            dropped[j] = reason
        else:
            kept.append(j)
    return Selection(tuple(kept), dict(sorted(dropped.items())))


def _echo(names: Sequence[str], correlation: Floats, kept: list[int], j: int, closest: float) -> str:
    """Whether a feature says what those kept say already, in words; empty when it does not."""
    if not kept:
        return ""
    near = max(kept, key=lambda i: abs(correlation[i, j]))
    if abs(correlation[near, j]) > closest:
        return f"its correlation with {names[near]} is {correlation[near, j]:.3f}, beyond {closest:g}"
    block, column = correlation[np.ix_(kept, kept)], correlation[kept, j]
    weights = np.linalg.solve(block, column)
    if 1.0 - float(column @ weights) >= LEFT_OVER:
        return ""
    parts = [names[i] for i, w in sorted(zip(kept, weights, strict=True)) if abs(w) > PART]
    return f"it is a combination of {', '.join(parts)}"
