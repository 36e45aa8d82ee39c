"""Expected shortfall: printed cases, coherence, its error against repeated runs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.tail import expected_shortfall

losses = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


def test_whole_and_broken_numbers_of_draws():
    assert float(expected_shortfall(np.arange(100.0), 0.02)[0]) == pytest.approx(98.5)
    assert float(expected_shortfall(np.arange(100.0), 0.015)[0]) == pytest.approx((99 + 0.5 * 98) / 1.5)
    assert float(expected_shortfall([3.0, 1.0], 1.0)[0]) == pytest.approx(2.0)
    assert float(expected_shortfall([1.0, 5.0, 3.0, 9.0], 0.5)[0]) == pytest.approx(7.0)


@given(losses, st.floats(0.01, 1.0))
def test_it_is_the_minimum_of_rockafellar_and_uryasev(values, share):
    x = np.array(values)
    by_minimum = min(edge + np.maximum(x - edge, 0.0).mean() / share for edge in x)
    assert float(expected_shortfall(x, share)[0]) == pytest.approx(by_minimum, rel=1e-9, abs=1e-5)


@given(losses, st.floats(0.01, 1.0), st.integers(0, 2**32 - 1))
def test_two_books_together_risk_no_more_than_apart(values, share, seed):
    x = np.array(values)
    y = np.random.default_rng(seed).normal(0.0, 1e5, x.size)
    tails = [float(expected_shortfall(v, share)[0]) for v in (x + y, x, y)]
    assert tails[0] <= tails[1] + tails[2] + 1e-5


def test_columns_are_apart_and_the_error_is_that_of_repeated_runs():
    draws = np.random.default_rng(7).standard_normal((2_000, 200))
    tail, error = expected_shortfall(draws, 0.05)
    assert tail.shape == error.shape == (200,)
    assert tail[3] == pytest.approx(float(expected_shortfall(draws[:, 3], 0.05)[0]))
    exact = stats.norm.pdf(stats.norm.ppf(0.95)) / 0.05
    assert tail.mean() == pytest.approx(exact, abs=0.02)
    assert error.mean() == pytest.approx(tail.std(ddof=1), rel=0.2)


@pytest.mark.parametrize(("values", "share"), [([1.0], 0.0), ([1.0], 1.1), ([], 0.5)])
def test_impossible_shares_are_refused(values, share):
    with pytest.raises(ModelError):
        expected_shortfall(values, share)
