"""The reach of a delete-one interval: the textbook's where customers are alike, further where not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.jackknife import jackknife_reach


def test_customers_alike_give_the_textbook_interval_of_a_mean():
    x = np.array([1.0, -1.0] * 20)
    without = (x.sum() - x) / (len(x) - 1)
    want = stats.t.ppf(0.975, 39) * x.std(ddof=1) / np.sqrt(40)
    assert jackknife_reach(without) == pytest.approx(want)


def test_one_customer_who_makes_the_spread_leaves_two_degrees_of_freedom():
    x = np.zeros(40)
    x[0] = 40.0
    without = (x.sum() - x) / 39
    ratio = jackknife_reach(without) / (x.std(ddof=1) / np.sqrt(40))
    assert ratio == pytest.approx(stats.t.ppf(0.975, freedom_of(x)))
    assert ratio > 3.9


def freedom_of(x: np.ndarray) -> float:
    d = x - x.mean()
    kurtosis = len(x) * (d**4).sum() / (d**2).sum() ** 2
    return max(2.0, 2 * len(x) / (kurtosis - 1))


def test_columns_are_taken_one_by_one_and_no_spread_has_no_reach():
    rng = np.random.default_rng(3)
    both = rng.normal(size=(12, 2))
    np.testing.assert_allclose(jackknife_reach(both), [jackknife_reach(both[:, k]) for k in range(2)])
    assert jackknife_reach(np.ones(5)) == 0
    assert jackknife_reach([1.0, 2.0]) == pytest.approx(stats.t.ppf(0.975, 1) * 0.5)
    with pytest.raises(ModelError):
        jackknife_reach([1.0])


def test_two_equal_halves_have_the_most_degrees_of_freedom_whatever_the_rounding():
    """Kurtosis is 1, and a rounding below it must not be read as very few degrees of freedom."""
    for size in (0.00025, 0.00075, 0.00125):
        values = size * np.repeat([-1.0, 1.0], 10)
        want = stats.t.ppf(0.975, 19) * np.sqrt(19 / 20 * 20 * size**2)
        assert jackknife_reach(values) == pytest.approx(want)
