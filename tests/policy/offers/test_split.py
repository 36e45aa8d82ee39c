"""Shares of a difference of cost: by hand, adding up exactly, drawn orders near the counted ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.policy.offers.split import split_cost

NAMES = tuple("abcdefghij")
WEIGHT = np.array([0.5, 0.3, 0.2])


def game(seed: int, size: int):  # type: ignore[no-untyped-def]
    """Costs of subsets with products of pairs and of all, in three years."""
    rng = np.random.default_rng(seed)
    single = rng.normal(size=(size, 3))
    pairs = rng.normal(size=(size, size, 3))

    def cost(subset: frozenset[str]) -> np.ndarray:
        inside = [NAMES.index(n) for n in subset]
        value = single[inside].sum(axis=0)
        for i in inside:
            for j in inside:
                value = value + pairs[i, j] * (i < j)
        return value + (len(inside) == size) * 5.0

    def costs(subsets: Sequence[frozenset[str]]) -> Iterable[np.ndarray]:
        return [cost(s) for s in subsets]

    return costs, single, pairs


def test_pairs_are_halved_and_what_needs_all_is_shared_alike() -> None:
    costs, single, pairs = game(1, 4)
    found = split_cost(NAMES[:4], costs, WEIGHT)
    for i in range(4):
        half = sum(pairs[min(i, j), max(i, j)] for j in range(4) if j != i) / 2
        np.testing.assert_allclose(found.shared[i], single[i] + half + 5 / 4)
    assert (found.order_error == 0).all()


@given(st.integers(0, 10**6), st.integers(0, 6), st.booleans())
def test_shares_add_up_exactly(seed: int, size: int, drawn: bool) -> None:
    costs, *_ = game(seed, size)
    found = split_cost(NAMES[:size], costs, WEIGHT, permutations=6, exact_up_to=0 if drawn else 8)
    np.testing.assert_allclose(found.shared.sum(axis=0), found.whole - found.bare, atol=1e-9)
    alone = [found.whole - next(iter(costs([frozenset(NAMES[:size]) - {n}]))) for n in NAMES[:size]]
    np.testing.assert_allclose(found.alone, np.reshape(alone, (size, 3)))


def test_drawn_orders_are_near_the_counted_ones_and_say_how_near() -> None:
    costs, *_ = game(3, 10)
    exact = split_cost(NAMES, costs, WEIGHT, exact_up_to=10)
    drawn = split_cost(NAMES, costs, WEIGHT, permutations=64, seed=4, exact_up_to=8)
    off = (drawn.shared - exact.shared) @ WEIGHT / drawn.order_error
    assert (drawn.order_error > 0).all()
    assert np.abs(off).max() < 4
    again = split_cost(NAMES, costs, WEIGHT, permutations=64, seed=4, exact_up_to=8)
    np.testing.assert_array_equal(again.shared, drawn.shared)


def test_a_fixed_fee_and_an_idle_clause_are_not_counted() -> None:
    asked: list[int] = []
    costs, *_ = game(5, 3)

    def counted(subsets: Sequence[frozenset[str]]) -> Iterable[np.ndarray]:
        asked.append(len(subsets))
        fee = [7.0 * ("fee" in s) for s in subsets]
        return [c + f for c, f in zip(costs([s - {"fee", "idle"} for s in subsets]), fee, strict=True)]

    found = split_cost((*NAMES[:3], "fee", "idle"), counted, WEIGHT)
    np.testing.assert_allclose(found.shared[3:], [[7.0] * 3, [0.0] * 3], atol=1e-12)
    np.testing.assert_allclose(found.shared.sum(axis=0), found.whole - found.bare)
    assert asked == [2 + 2 * 5, 8]


@pytest.mark.parametrize("size", [0, 1])
def test_none_and_one(size: int) -> None:
    costs, *_ = game(2, size)
    assert split_cost(NAMES[:size], costs, WEIGHT).shared.shape == (size, 3)
