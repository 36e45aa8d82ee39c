"""A shared risk budget: against a linear programme, with groups, and its shadow price."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import linprog

from arrisk.errors import ModelError
from arrisk.policy.limits.budget import allocate, concave_hull

steps = st.lists(st.tuples(st.floats(0.1, 10), st.floats(0.01, 10)), min_size=1, max_size=4)
books = st.lists(steps, min_size=1, max_size=5)


def curves(book):
    """Concave curves: steps in falling order of slope."""
    uses, values = [], []
    for rows in book:
        rows = sorted(rows, key=lambda r: -r[1])
        uses.append(np.cumsum([0.0, *(r[0] for r in rows)]))
        values.append(np.cumsum([0.0, *(r[0] * r[1] for r in rows)]))
    return uses, values


def by_programme(book, budget, groups, group_budget):
    """The same as a linear programme over the steps."""
    rows = [(who, *step) for who, part in enumerate(book) for step in part]
    limits = [[1.0] * len(rows)] + [
        [float(groups[who] == g) for who, *_ in rows] for g in sorted(set(groups))
    ]
    bounds = [budget] + [group_budget] * len(set(groups))
    found = linprog([-r[2] for r in rows], A_ub=limits, b_ub=bounds, bounds=[(0, r[1]) for r in rows])
    return -found.fun


@given(books, st.floats(0, 60), st.floats(0.5, 30), st.integers(1, 3))
def test_shares_earn_what_a_linear_programme_does(book, budget, group_budget, size):
    groups = [k % size for k in range(len(book))]
    uses, values = curves(book)
    used, price = allocate(uses, values, budget, groups, group_budget)
    earned = sum(np.interp(x, u, v) for x, u, v in zip(used, uses, values, strict=True))
    assert earned == pytest.approx(by_programme(book, budget, groups, group_budget), rel=1e-6, abs=1e-6)
    assert used.sum() <= budget + 1e-9
    assert all(
        sum(u for u, g in zip(used, groups, strict=True) if g == k) <= group_budget + 1e-9 for k in groups
    )
    assert price >= 0


@given(books, st.floats(0.01, 0.95))
def test_the_shadow_price_is_the_value_of_one_more_unit(book, share):
    uses, values = curves(book)
    budget = share * sum(u[-1] for u in uses)
    _, price = allocate(uses, values, budget)

    def earned(total):
        used, _ = allocate(uses, values, total)
        return sum(np.interp(x, u, v) for x, u, v in zip(used, uses, values, strict=True))

    step = 1e-7 * max(budget, 1)
    up, down = ((earned(budget + d) - earned(budget)) / d for d in (step, -step))
    assume(abs(up - down) < 1e-5)  # not at a corner
    assert price == pytest.approx(up, rel=1e-4, abs=1e-5)


def test_a_budget_that_does_not_bind_is_worth_nothing():
    used, price = allocate([[0, 10]], [[0, 5]], budget=50)
    assert used.tolist() == [10.0]
    assert price == 0.0


def test_more_budget_never_earns_less_and_its_price_falls():
    uses, values = curves([[(3.0, 5.0), (2.0, 1.0)], [(4.0, 2.0), (1.0, 0.5)]])
    prices = [allocate(uses, values, b)[1] for b in np.linspace(0.5, 11, 12)]
    assert (np.diff(prices) <= 1e-12).all()


def test_the_hull_drops_what_a_mix_of_its_neighbours_beats():
    assert concave_hull([0, 1, 2], [0, 0.5, 3]).tolist() == [0, 2]
    assert concave_hull([0, 1, 2], [0, -1, -3]).tolist() == [0]


def test_negative_budgets_are_refused():
    with pytest.raises(ModelError):
        allocate([[0, 1]], [[0, 1]], -1.0)
