"""How much each customer moves a curve: the sums behind robust errors and the bootstrap of customers.

A customer is a cluster of rows, left out in turn: without it the hazard of a day moves by
``(d_c - Y_c h) / (R - Y_c)``, and the curve to first order with the hazards. Where rows are independent each
is one, and the influence is the infinitesimal jackknife.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError
from arrisk.models.timing.day_counts import DayRows, Floats, Ints

__all__ = ["Block", "Groups", "Spread", "group_rows"]

BLOCK = 256
LEAST_FREEDOM = 2.0
# Where one customer is nearly all that is at risk nothing tells how the day goes without it.
LARGEST_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Block:
    """Some clusters day by day: weight that left for each kind, and weight at risk.

    Parameters
    ----------
    members : slice
        Numbers of the clusters.
    left : array, shape (kinds - 1, clusters, days)
        Without kind 0, the censored.
    held : array, shape (clusters, days)
    """

    members: slice
    left: Floats
    held: Floats

    def excess(self, kind: int, hazard: Floats) -> Floats:
        """What left for a kind beyond the hazard of all, (clusters, days); kind 0 is the first uncensored."""
        return np.asarray(self.left[kind] - self.held * hazard, dtype=float)


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows in the clusters that vary, made by `group_rows`.

    Parameters
    ----------
    rows : DayRows
    kind : array of int, shape (rows,)
        How each row left.
    code : array of int, shape (rows,)
        Cluster of each row.
    size : int
        Clusters.
    second, fourth : array of float, shape (size,), or None
        Sums of the second and fourth powers of the weights that a cluster stands for; None when it stands
        for itself. Independent rows that left alike differ in weight alone, so they share one cluster.
    independent : bool
        Whether each row varies for itself.
    number : int
        What varies: clusters, or rows where these are independent.
    """

    rows: DayRows
    kind: NDArray[Any]
    code: Ints
    size: int
    second: Floats | None
    fourth: Floats | None
    independent: bool
    number: int

    def blocks(self, kinds: int) -> Iterator[Block]:
        """The clusters, some at a time, so that memory stays small."""
        order = np.argsort(self.code, kind="stable")
        each = None if self.independent else self.rows.per_row()
        w = np.ones(self.code.size) if each is None else each.astype(float)
        exit_ = self.rows.exit.astype(np.int64) - self.rows.first
        start = None if self.rows.start is None else self.rows.start - self.rows.first
        edges = np.searchsorted(self.code[order], np.arange(0, self.size + BLOCK, BLOCK))
        for k, low in enumerate(edges[:-1].tolist()):
            pick = order[low : int(edges[k + 1])]
            members = slice(k * BLOCK, min((k + 1) * BLOCK, self.size))
            place = (self.code[pick] - members.start) * (self.rows.length + 1)
            cells = (members.stop - members.start) * (self.rows.length + 1)
            shape = (members.stop - members.start, self.rows.length + 1)
            leave, begin = place + exit_[pick], place if start is None else place + start[pick]
            gone = [np.bincount(leave, w[pick] * (self.kind[pick] == c), cells) for c in range(1, kinds)]
            left = np.stack(gone).astype(float).reshape(kinds - 1, *shape)
            came = np.bincount(begin, w[pick], cells) - np.bincount(leave + 1, w[pick], cells)
            held = np.cumsum(came.astype(float).reshape(shape), axis=1)
            yield Block(members, left[:, :, :-1], held[:, :-1])

    def left_out(self, block: Block, at_risk: Floats) -> Floats | float:
        """What is at risk over what is left of it without each cluster, (clusters, days); 1 for rows."""
        if self.independent:
            return 1.0
        share = np.divide(block.held, at_risk, out=np.zeros_like(block.held), where=at_risk > 0)
        return np.asarray(1.0 / (1.0 - np.minimum(share, LARGEST_SHARE)), dtype=float)

    def spread(self) -> Spread:
        """An empty sum over the clusters."""
        return Spread(np.zeros(self.rows.length), np.zeros(self.rows.length), self)


@dataclass(slots=True)
class Spread:
    """Sums over clusters of the powers of their influence, day by day; grows block by block."""

    second: Floats
    fourth: Floats
    groups: Groups

    def add(self, influence: Floats, members: slice) -> None:
        """Add the influences of some clusters, shape (clusters, days)."""
        squares = influence * influence
        one, two = self.groups.second, self.groups.fourth
        self.second += squares.sum(axis=0) if one is None else one[members] @ squares
        self.fourth += (squares**2).sum(axis=0) if two is None else two[members] @ squares**2

    def variance(self) -> Floats:
        """Robust variance; missing with a single cluster."""
        n = self.groups.number
        if self.groups.independent:
            return self.second
        return self.second * (n - 1) / n if n > 1 else np.full(self.second.size, np.nan)

    def freedom(self) -> Floats:
        """Degrees of freedom of the variance: fewer where few clusters make most of it.

        Notes
        -----
        With kurtosis k of the n influences, ``2 n / (k - 1)``, at most n - 1 and at least 2: the match of
        moments of `arrisk.models.jackknife.jackknife_reach`.
        """
        n = self.groups.number
        most = max(n - 1.0, 1.0)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            kurtosis = np.maximum(n * self.fourth / self.second**2, 1.0)
            freedom = 2.0 * n / (kurtosis - 1.0)
        return np.clip(np.nan_to_num(freedom, nan=most, posinf=most), min(LEAST_FREEDOM, most), most)


def group_rows(rows: DayRows, kind: NDArray[Any], clusters: ArrayLike | None) -> Groups:
    """Put rows into the clusters that vary.

    Raises
    ------
    ModelError
        When there is not one cluster a row, or weights on counts come without clusters.
    """
    if clusters is not None:
        ids = np.asarray(clusters)
        if ids.shape != rows.exit.shape:
            raise ModelError(f"clusters has {ids.size} values for {rows.exit.size} durations")
        code = pd.factorize(ids, use_na_sentinel=False)[0].astype(np.int64)
        return Groups(rows, kind, code, int(code.max()) + 1, None, None, False, int(code.max()) + 1)
    if rows.counts is not None:
        raise ModelError("weights on counts need clusters: a sum of weights does not tell how they vary")
    kinds = int(kind.max()) + 1
    cell = (rows.exit.astype(np.int64) - rows.first) * kinds + kind
    if rows.start is not None:
        cell += (rows.start - rows.first) * rows.length * kinds
    _, first, code = np.unique(cell, return_index=True, return_inverse=True)
    w = np.ones(code.size) if rows.weights is None else rows.weights
    second, fourth = (np.bincount(code, w**power, first.size).astype(float) for power in (2, 4))
    start = None if rows.start is None else rows.start[first]
    alike = DayRows(start, rows.exit[first], None, None, rows.first, rows.length)
    order = np.arange(first.size)
    return Groups(alike, kind[first], order, first.size, second, fourth, True, code.size)
