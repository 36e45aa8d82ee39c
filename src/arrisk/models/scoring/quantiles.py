"""Counts of one feature: fine bins between quantiles, and the values that stay apart.

Everything after this works on these small tables; rows are not looked at again until they are coded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Counts", "count_categories", "count_numbers", "quantile_edges"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Counts:
    """Events and non-events of the fine bins of a feature, in order, and of what is kept apart.

    Parameters
    ----------
    edges : array, shape (m - 1,)
        Inner edges of fine bins of numbers; empty for categories.
    names : tuple of str
        Categories, in the order of the counts; empty for numbers.
    events, nonevents : array, shape (m,)
    apart_events, apart_nonevents : array
        Of each special value, of missing values and, for categories, of the rare ones.
    """

    edges: Floats
    names: tuple[str, ...]
    events: Floats
    nonevents: Floats
    apart_events: Floats
    apart_nonevents: Floats


def quantile_edges(ordered: Floats, weights: Floats | None, pieces: int) -> Floats:
    """Inner edges that cut sorted values into about `pieces` equal parts; every edge is a value seen.

    A value that holds a part or more by itself gets a bin of its own. With no more than `pieces` different
    values each is a bin. The bins hold the same rows after any increasing transform of the values.

    Parameters
    ----------
    ordered : array, shape (n,)
        Increasing, no NaN.
    weights : array, shape (n,), optional
        Above 0; a row of weight 2 is as two rows.
    pieces : int

    Examples
    --------
    >>> quantile_edges(np.arange(100.0), None, 4).tolist()
    [25.0, 50.0, 75.0]
    >>> quantile_edges(np.array([0.0] * 90 + [1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10]), None, 10).tolist()
    [1.0]
    >>> quantile_edges(np.array([1.0, 1, 2, 5]), None, 10).tolist()
    [2.0, 5.0]
    """
    if not ordered.size:
        return np.empty(0)
    different = 1 + np.count_nonzero(ordered[1:] != ordered[:-1])
    values = np.unique(ordered) if different <= pieces else _quantiles(ordered, weights, pieces)
    return np.asarray(values[(values > ordered[0]) & np.isfinite(values)])


def _quantiles(ordered: Floats, weights: Floats | None, pieces: int) -> Floats:
    """Values at equal steps of weight, and the value after each that holds a step or more by itself."""
    if weights is None:
        total, at = ordered.size, np.arange(1, pieces) * ordered.size // pieces
    else:
        ends = np.cumsum(weights)
        total, at = ends[-1], np.searchsorted(ends, np.arange(1, pieces) * ends[-1] / pieces, side="right")
    values = np.unique(ordered[np.minimum(at, ordered.size - 1)])
    first, after = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    if weights is None:
        held = (after - first).astype(float)
    else:
        held = ends[after - 1] - np.where(first > 0, ends[first - 1], 0.0)
    following = after[(held * pieces >= total) & (after < ordered.size)]
    return np.unique(np.concatenate([values, ordered[following]]))


def count_numbers(
    numbers: Floats,
    event: NDArray[np.bool_],
    weights: Floats | None,
    pieces: int,
    specials: Sequence[float] = (),
) -> Counts:
    """Count events and non-events of numbers between their quantiles.

    Parameters
    ----------
    numbers : array, shape (n,)
        NaN is missing.
    event : array of bool, shape (n,)
    weights : array, shape (n,), optional
    pieces : int
    specials : sequence of float
        Values to keep apart.

    Examples
    --------
    >>> counts = count_numbers(np.array([1.0, 2, 2, 3, np.nan]), np.array([1, 0, 1, 0, 1], bool), None, 50)
    >>> counts.edges.tolist(), counts.events.tolist(), counts.nonevents.tolist()
    ([2.0, 3.0], [1.0, 1.0, 0.0], [0.0, 1.0, 1.0])
    >>> counts.apart_events.tolist()
    [1.0]
    """
    masks = [numbers == s for s in specials] + [np.isnan(numbers)]
    apart = np.array([_sums(event[mask], None if weights is None else weights[mask]) for mask in masks])
    if apart.any():
        keep = ~np.logical_or.reduce(masks)
        numbers, event = numbers[keep], event[keep]
        weights = None if weights is None else weights[keep]
    if weights is None:
        ordered = np.sort(numbers)
        edges = quantile_edges(ordered, None, pieces)
        rows, events = _between(ordered, edges), _between(np.sort(numbers[event]), edges)
    else:
        order = np.argsort(numbers, kind="stable")
        edges = quantile_edges(numbers[order], weights[order], pieces)
        at = np.searchsorted(edges, numbers, side="right")
        rows = np.bincount(at, weights, edges.size + 1).astype(float)
        events = np.bincount(at, weights * event, edges.size + 1).astype(float)
    return Counts(edges, (), events, rows - events, apart[:, 0], apart[:, 1])


def _between(ordered: Floats, edges: Floats) -> Floats:
    """How many sorted values lie in each bin."""
    ends = np.searchsorted(ordered, edges, side="left")
    return np.diff(np.concatenate([[0], ends, [ordered.size]])).astype(float)


def _sums(event: NDArray[np.bool_], weights: Floats | None) -> tuple[float, float]:
    total = float(event.size if weights is None else weights.sum())
    events = float(np.count_nonzero(event) if weights is None else weights[event].sum())
    return events, total - events


def count_categories(
    codes: NDArray[np.intp],
    texts: Sequence[str],
    event: NDArray[np.bool_],
    weights: Floats | None,
    specials: Sequence[str] = (),
) -> Counts:
    """Count events and non-events of categories, in the order of their names.

    A category too small to expect one event and one non-event at the average rate is rare: all rare ones are
    counted together, apart.

    Parameters
    ----------
    codes : array of int, shape (n,)
        Positions in `texts`, -1 for missing.
    texts : sequence of str
    event : array of bool, shape (n,)
    weights : array, shape (n,), optional
    specials : sequence of str
        Categories to keep apart.

    Examples
    --------
    >>> counts = count_categories(np.array([0, 0, 1, 1, 1, -1]), ["b", "a"], np.arange(6) % 2 == 0, None)
    >>> counts.names, counts.events.tolist(), counts.nonevents.tolist()
    (('a', 'b'), [2.0, 1.0], [1.0, 1.0])
    """
    names, merged = np.unique(np.array([*texts], dtype=object).astype(str), return_inverse=True)
    size = names.size
    at = np.append(merged, size)[codes]
    rows = np.bincount(at, weights, size + 1)
    events = np.bincount(at, event if weights is None else event * weights, size + 1)
    rate = events.sum() / rows.sum()
    special = np.isin(names, list(specials))
    rare = (rows[:size] * min(rate, 1.0 - rate) < 1.0) & ~special
    position = {str(n): k for k, n in enumerate(names)}
    own = [position.get(s, -1) for s in specials]
    nothing = np.zeros(2)
    both = np.column_stack([events, rows - events])
    apart = [both[k] if k >= 0 else nothing for k in own]
    apart += [both[size], both[:size][rare].sum(axis=0)]
    kept = np.flatnonzero(~rare & ~special)
    columns = np.array(apart)
    return Counts(
        np.empty(0),
        tuple(str(names[k]) for k in kept),
        both[kept, 0],
        both[kept, 1],
        columns[:, 0],
        columns[:, 1],
    )
