"""Standard errors of triangles against published figures and against chance."""

from __future__ import annotations

import numpy as np
import pytest

from arrisk.models.loss_rates.mack import additive_error, check_triangle, fit_mack
from tests.models.triangles import taylor_ashe

NAN = np.nan


def test_the_published_triangle():
    """Mack (1993): reserve 18,680,856 and its standard error 2,447,095; by year as chainladder has it."""
    found = fit_mack(taylor_ashe())
    assert found.total == pytest.approx(18_680_856, abs=0.5)
    assert found.total_error == pytest.approx(2_447_095, abs=0.5)
    by_year = [75_535, 121_699, 133_549, 261_406, 411_010, 558_317, 875_328, 971_258, 1_363_155]
    np.testing.assert_allclose(found.error[1:], by_year, atol=0.5)
    sigma = [400.350, 194.260, 204.854, 123.219, 117.181, 90.475, 21.133, 33.873, 21.133]
    np.testing.assert_allclose(np.sqrt(found.variance), sigma, atol=5e-4)


def test_checks_of_the_published_triangle():
    """Statistics, means and variances as chainladder has them: 12, 12.5, 3.3457; -0.1636, 1/28."""
    found = check_triangle(taylor_ashe()).set_index("check")
    effects, factors = found.loc["calendar effects"], found.loc["successive factors"]
    assert effects["seen"] == 12
    assert (effects["low"] + effects["high"]) / 2 == pytest.approx(12.5)
    assert (effects["high"] - effects["low"]) / 2 == pytest.approx(1.959964 * np.sqrt(3.34570312), rel=1e-6)
    assert factors["seen"] == pytest.approx(-0.16360544, abs=1e-8)
    assert factors["high"] == pytest.approx(0.67448975 * np.sqrt(1 / 28), rel=1e-6)
    assert effects["holds"]
    assert not factors["holds"]


def test_a_calendar_year_that_moves_all_factors_is_seen():
    """Every factor of two diagonals is large, of the others small."""
    n = 10
    factors = np.array(
        [[1.5 + 0.01 * i + (0.5 if i + j in (4, 5, 6, 7) else 0.0) for j in range(n - 1)] for i in range(n)]
    )
    paths = 100 * np.cumprod(np.hstack([np.ones((n, 1)), factors]), axis=1)
    known = np.add.outer(np.arange(n), np.arange(n)) < n
    found = check_triangle(np.where(known, paths, NAN)).set_index("check")
    assert not found.loc["calendar effects", "holds"]


def test_a_vintage_that_lost_nothing_changes_nothing():
    """It is the only one known in the last step, whose factor is then 1."""
    plain = taylor_ashe()
    longer = np.vstack([np.zeros((1, 11)), np.hstack([plain, np.full((10, 1), NAN)])])
    found, same = fit_mack(longer), fit_mack(plain)
    assert found.factors[-1] == 1.0
    np.testing.assert_allclose(found.factors[:-1], same.factors)
    assert found.total == pytest.approx(same.total)
    assert found.total_error == pytest.approx(same.total_error)


def test_a_triangle_too_small_to_tell():
    found = check_triangle([[10, 15], [12, NAN]])
    assert found["holds"].isna().all()


def test_the_additive_error_is_that_of_fresh_ledgers():
    """Means and errors over 1,500 triangles drawn from the model with known shares."""
    rng = np.random.default_rng(5)
    sold, shares, q, n = (
        np.array([100.0, 150, 120, 200, 90]),
        np.array([0.01, 0.03, 0.02, 0.01, 0.005]),
        0.04,
        5,
    )
    misses, told = [], []
    for _ in range(1_500):
        cells = sold[:, None] * shares + np.sqrt(q * sold)[:, None] * rng.normal(size=(n, n))
        later, error = additive_error(cells, sold)
        truth = sum(cells[i, j] for i in range(n) for j in range(n) if i + j >= n)
        misses.append(later - truth)
        told.append(error**2)
    assert np.mean(misses) == pytest.approx(0.0, abs=4 * np.std(misses) / np.sqrt(1_500))
    # The least of two estimates, taken where one vintage is known, is on average below their mean.
    assert np.sqrt(np.mean(told)) == pytest.approx(np.std(misses), rel=0.25)
