"""Dividing a difference of cost among the clauses that make it, whatever the order they are counted in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

__all__ = ["EXACT_UP_TO", "PERMUTATIONS", "Split", "split_cost"]

FloatArray = NDArray[np.float64]
Subset = frozenset[str]
Costs = Callable[[Sequence[Subset]], Iterable[FloatArray]]
EXACT_UP_TO = 8
PERMUTATIONS = 32
ROUNDING = 1e-7


@dataclass(frozen=True, slots=True)
class Split:
    """A difference of cost, shared out among clauses.

    Parameters
    ----------
    clauses : tuple of str
    shared : array of shape (clauses, years)
        Shapley value of each clause in each year; over the clauses it adds up to `whole` less `bare`.
    alone : array of shape (clauses, years)
        Cost with all clauses less cost without this one.
    whole, bare : arrays of shape (years,)
        Cost with all clauses, and with none.
    order_error : array of shape (clauses,)
        Standard error of the mean share from drawing orders; 0 when all orders were counted.
    """

    clauses: tuple[str, ...]
    shared: FloatArray
    alone: FloatArray
    whole: FloatArray
    bare: FloatArray
    order_error: FloatArray


def split_cost(
    clauses: Sequence[str],
    costs: Costs,
    weight: FloatArray,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    exact_up_to: int = EXACT_UP_TO,
) -> Split:
    """Share a difference of cost out among clauses: Shapley values (Shapley 1953).

    The share of a clause is what it adds to the cost, averaged over all orders in which the clauses could be
    put in. Shares add up exactly to the cost with all clauses less the cost with none.

    Parameters
    ----------
    clauses : sequence of str
    costs : callable
        From a list of subsets of the clauses to the cost in each year when only these are set, shape
        (years,), one after the other.
    weight : array of shape (years,)
        Probability of each year, for the error of drawn orders.
    permutations : int
        Orders drawn (half of them the reverse of the others) when there are more than `exact_up_to` clauses.
    seed : int
    exact_up_to : int
        Up to this number of clauses all subsets are counted.

    Returns
    -------
    Split

    Notes
    -----
    A clause that adds the same to every year, set first or set last (nothing, or a fixed fee), has that as
    its share and is left out of the counting.

    Examples
    --------
    >>> cost = {"": 0.0, "a": 4.0, "b": 2.0, "ab": 10.0}
    >>> found = split_cost("ab", lambda subsets: [np.array([cost["".join(sorted(s))]]) for s in subsets],
    ...                    np.ones(1))
    >>> found.shared[:, 0].tolist(), found.alone[:, 0].tolist()
    ([6.0, 4.0], [8.0, 6.0])
    """
    names = tuple(clauses)
    everything: Subset = frozenset(names)
    only, without = [frozenset({n}) for n in names], [everything - {n} for n in names]
    ends = [frozenset[str](), everything, *only, *without]
    bare, whole, *others = costs(ends)
    first = np.array(others[: len(names)]).reshape(len(names), whole.size) - bare
    alone = whole - np.array(others[len(names) :]).reshape(len(names), whole.size)
    same = np.isclose(first, alone, atol=ROUNDING).all(axis=1) & (np.ptp(first, axis=1) <= ROUNDING)
    rest = frozenset(n for n, plain in zip(names, same, strict=True) if plain)
    shared = np.where(same[:, None], first.mean(axis=1, keepdims=True), 0.0) + np.zeros_like(first)
    error = np.zeros(len(names))
    played = [n for n in names if n not in rest]
    places = [names.index(n) for n in played]
    shared[places], error[places] = _share_out(
        played, lambda subsets: costs([s | rest for s in subsets]), weight, permutations, seed, exact_up_to
    )
    return Split(names, shared, alone, whole, bare, error)


def _share_out(
    clauses: Sequence[str],
    costs: Costs,
    weight: FloatArray,
    permutations: int,
    seed: int,
    exact_up_to: int,
) -> tuple[FloatArray, FloatArray]:
    """Shapley values year by year, and the error of drawing orders."""
    names = tuple(clauses)
    shared = np.zeros((len(names), weight.size))
    if not names:
        return shared, np.zeros(0)
    drawn = len(names) > exact_up_to
    orders = _draw_orders(len(names), permutations, seed) if drawn else []
    parts = _parts_of_orders(names, orders) if drawn else _parts_of_subsets(names)
    means: dict[Subset, float] = {}
    for subset, cost in zip(parts, costs(list(parts)), strict=True):
        means[subset] = float((weight * cost).sum())
        shared += parts[subset][:, None] * cost
    return shared, _order_error(names, orders, means) if drawn else np.zeros(len(names))


def _parts_of_subsets(names: tuple[str, ...]) -> dict[Subset, FloatArray]:
    """How much the cost of each subset counts for the share of each clause."""
    n = len(names)
    parts = {}
    for size in range(n + 1):
        gained = math.factorial(size - 1) * math.factorial(n - size) / math.factorial(n) if size else 0.0
        missed = math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n) if size < n else 0.0
        for inside in combinations(range(n), size):
            part = np.full(n, -missed)
            part[list(inside)] = gained
            parts[frozenset(names[i] for i in inside)] = part
    return parts


def _draw_orders(clauses: int, permutations: int, seed: int) -> list[NDArray[np.int64]]:
    """Orders in pairs: one, and its reverse."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    drawn = [rng.permutation(clauses) for _ in range(max(permutations // 2, 2))]
    return [way for order in drawn for way in (order, order[::-1])]


def _steps(names: tuple[str, ...], order: NDArray[np.int64]) -> list[tuple[int, Subset, Subset]]:
    """Clause by clause in this order: position, clauses before, clauses after."""
    inside = [frozenset(names[j] for j in order[:k]) for k in range(len(names) + 1)]
    return [(int(i), inside[k], inside[k + 1]) for k, i in enumerate(order)]


def _parts_of_orders(names: tuple[str, ...], orders: list[NDArray[np.int64]]) -> dict[Subset, FloatArray]:
    parts: dict[Subset, FloatArray] = {}
    for order in orders:
        for i, before, after in _steps(names, order):
            parts.setdefault(after, np.zeros(len(names)))[i] += 1 / len(orders)
            parts.setdefault(before, np.zeros(len(names)))[i] -= 1 / len(orders)
    return parts


def _order_error(
    names: tuple[str, ...], orders: list[NDArray[np.int64]], means: dict[Subset, float]
) -> FloatArray:
    """Standard error over the pairs of orders."""
    added = np.zeros((len(orders), len(names)))
    for k, order in enumerate(orders):
        for i, before, after in _steps(names, order):
            added[k, i] = means[after] - means[before]
    pairs = (added[0::2] + added[1::2]) / 2
    return np.asarray(pairs.std(axis=0, ddof=1) / math.sqrt(len(pairs)), dtype=float)
