from __future__ import annotations

import numpy as np
import pytest

from arrisk.models.scoring.selection import correlations, select_by_strength, select_in_order


@pytest.fixture
def units():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 3))
    return np.column_stack([x, x[:, 0] + x[:, 1], np.full(500, 0.1), x[:, 2] + 0.1 * rng.normal(size=500)])


def test_correlations_are_numpys(units):
    live = [0, 1, 2, 3, 5]
    found = correlations(units)
    np.testing.assert_allclose(found[np.ix_(live, live)], np.corrcoef(units[:, live].T), atol=1e-12)
    assert not found[4].any()


def test_constants_and_combinations_are_left_out_with_the_reason(units):
    found = select_in_order(list("abcdef"), correlations(units), most=9)
    assert found.kept == (0, 1, 2, 5)
    assert found.dropped == {3: "it is a combination of a, b", 4: "it is constant"}


def test_the_same_column_twice_is_a_combination_of_itself():
    x = np.random.default_rng(1).normal(size=(50, 1))
    found = select_in_order(["a", "b"], correlations(np.hstack([x, 3 * x + 7])), most=5)
    assert found.dropped == {1: "it is a combination of a"}


def test_the_order_given_decides_when_events_run_out(units):
    found = select_in_order(list("abcdef"), correlations(units), most=2)
    assert found.kept == (0, 1)
    assert found.dropped[2] == "the events carry 2 terms"


def test_the_stronger_of_two_close_ones_is_kept(units):
    found = select_by_strength(list("abcdef"), correlations(units), [0.1, 0.2, 0.3, 0.05, 0.9, 0.4], 0.9, 9)
    assert found.kept == (0, 1, 5)
    assert "with f is 0.99" in found.dropped[2]
    assert found.dropped[3] == "it is a combination of a, b"
    two = select_by_strength(list("abcdef"), correlations(units), [0.1, 0.2, 0.3, 0.05, 0.9, 0.4], 0.9, 2)
    assert two.kept == (1, 5)
