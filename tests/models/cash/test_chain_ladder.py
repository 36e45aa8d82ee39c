from __future__ import annotations

import numpy as np
import pytest

from arrisk.models.cash.chain_ladder import cash_ahead, spread_over_weeks
from arrisk.models.triangle import cumulated_triangle, development_factors
from tests.models.triangles import taylor_ashe


def test_factors_and_reserve_of_the_published_triangle():
    """Mack (1993), table of Taylor and Ashe: total reserve 18,680,856."""
    triangle = taylor_ashe()
    np.testing.assert_allclose(
        development_factors(triangle),
        [3.4906, 1.7473, 1.4574, 1.1739, 1.1038, 1.0863, 1.0539, 1.0766, 1.0177],
        atol=5e-5,
    )
    ahead = cash_ahead(triangle, np.full(10, 1e9), np.full(10, 1e9), 9)
    assert ahead.sum() == pytest.approx(18_680_856, abs=1)
    assert ahead[1].sum() == pytest.approx(94_634, abs=1)


def test_triangle_by_hand():
    """Invoice months 0 to 2; cash in months 0, 1 and 2 of the calendar."""
    found = cumulated_triangle([0, 0, 0, 1, 1, 2], [0, 1, 2, 0, 1, 0], [50.0, 40, 8, 60, 50, 30], 3)
    np.testing.assert_array_equal(found, [[50, 90, 98], [60, 110, np.nan], [30, np.nan, np.nan]])
    factors = development_factors(found)
    np.testing.assert_allclose(factors, [200 / 110, 98 / 90])
    ahead = cash_ahead(found, [100, 120, 70], [0, 10, 40], 2)
    second = 30 * 200 / 110 - 30
    np.testing.assert_allclose(ahead[1], [110 * 98 / 90 - 110, 0])
    np.testing.assert_allclose(ahead[2], [second, (30 + second) * (98 / 90 - 1)])


def test_no_more_comes_than_is_open():
    found = cumulated_triangle([0, 0, 0, 1, 1, 2], [0, 1, 2, 0, 1, 0], [50.0, 40, 8, 60, 50, 30], 3)
    ahead = cash_ahead(found, [100, 120, 70], [5, 4, 10], 2)
    assert ahead.sum(axis=1).tolist() == pytest.approx([0, 4, 10])
    full = cash_ahead(found, [100, 120, 70], [5, 4, 1e6], 2)[2]
    np.testing.assert_allclose(ahead[2] / ahead[2].sum(), full / full.sum())


def test_a_young_month_without_cash_takes_shares_of_what_was_invoiced():
    """Nothing is paid in the month of the invoice: the factor has no base, the share of sales has one."""
    found = cumulated_triangle([0, 1], [1, 1], [80.0, 0.0], 3)
    found[2, 0] = 0.0
    assert np.isnan(development_factors(found)[0])
    np.testing.assert_allclose(cash_ahead(found, [100, 100, 50], [20, 0, 50], 1)[2], [50 * 80 / 200])


def test_weeks_add_to_the_months():
    weekly = spread_over_weeks([310.0, 280.0], [0, 31, 59], 8)
    assert weekly[:4].tolist() == [70.0] * 4
    assert weekly[4] == pytest.approx(3 * 10 + 4 * 10)
    assert weekly.sum() == pytest.approx(310 + 250)
