from __future__ import annotations

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.cash.chain_ladder import (
    cash_ahead,
    cash_triangle,
    development_factors,
    month_blocks,
    spread_over_weeks,
)

TAYLOR_ASHE = """
357848 1124788 1735330 2218270 2745596 3319994 3466336 3606286 3833515 3901463
352118 1236139 2170033 3353322 3799067 4120063 4647867 4914039 5339085
290507 1292306 2218525 3235179 3985995 4132918 4628910 4909315
310608 1418858 2195047 3757447 4029929 4381982 4588268
443160 1136350 2128333 2897821 3402672 3873311
396132 1333217 2180715 2985752 3691712
440832 1288463 2419861 3483130
359480 1421128 2864498
376686 1363294
344014
"""


@pytest.fixture(scope="module")
def triangle():
    rows = [[float(v) for v in line.split()] for line in TAYLOR_ASHE.strip().splitlines()]
    return np.array([row + [np.nan] * (10 - len(row)) for row in rows])


def test_factors_and_reserve_of_the_published_triangle(triangle):
    """Mack (1993), table of Taylor and Ashe: total reserve 18,680,856."""
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
    found = cash_triangle([0, 0, 0, 1, 1, 2], [0, 1, 2, 0, 1, 0], [50.0, 40, 8, 60, 50, 30], 3)
    np.testing.assert_array_equal(found, [[50, 90, 98], [60, 110, np.nan], [30, np.nan, np.nan]])
    factors = development_factors(found)
    np.testing.assert_allclose(factors, [200 / 110, 98 / 90])
    ahead = cash_ahead(found, [100, 120, 70], [0, 10, 40], 2)
    second = 30 * 200 / 110 - 30
    np.testing.assert_allclose(ahead[1], [110 * 98 / 90 - 110, 0])
    np.testing.assert_allclose(ahead[2], [second, (30 + second) * (98 / 90 - 1)])


def test_no_more_comes_than_is_open():
    found = cash_triangle([0, 0, 0, 1, 1, 2], [0, 1, 2, 0, 1, 0], [50.0, 40, 8, 60, 50, 30], 3)
    ahead = cash_ahead(found, [100, 120, 70], [5, 4, 10], 2)
    assert ahead.sum(axis=1).tolist() == pytest.approx([0, 4, 10])
    full = cash_ahead(found, [100, 120, 70], [5, 4, 1e6], 2)[2]
    np.testing.assert_allclose(ahead[2] / ahead[2].sum(), full / full.sum())


def test_a_young_month_without_cash_takes_shares_of_what_was_invoiced():
    """Nothing is paid in the month of the invoice: the factor has no base, the share of sales has one."""
    found = cash_triangle([0, 1], [1, 1], [80.0, 0.0], 3)
    found[2, 0] = 0.0
    assert np.isnan(development_factors(found)[0])
    np.testing.assert_allclose(cash_ahead(found, [100, 100, 50], [20, 0, 50], 1)[2], [50 * 80 / 200])


@pytest.mark.parametrize("day", ["2024-02-29", "2024-01-31", "2023-06-18", "2024-03-30"])
def test_months_end_with_the_day_and_leave_no_day_out(day):
    number = int(np.datetime64(day, "D").astype(np.int64))
    ends = month_blocks(number, number - 400, 3)
    assert number in ends
    assert len(ends) - 1 - int(np.flatnonzero(ends == number)[0]) == 3
    assert ends[0] < number - 400 <= ends[1]
    assert set(np.diff(ends)) <= {28, 29, 30, 31}
    if day == "2024-01-31":
        months = ends.astype("datetime64[D]").astype("datetime64[M]")
        assert ((ends + 1).astype("datetime64[D]") == (months + 1).astype("datetime64[D]")).all()


def test_weeks_add_to_the_months():
    weekly = spread_over_weeks([310.0, 280.0], [0, 31, 59], 8)
    assert weekly[:4].tolist() == [70.0] * 4
    assert weekly[4] == pytest.approx(3 * 10 + 4 * 10)
    assert weekly.sum() == pytest.approx(310 + 250)


def test_a_triangle_is_square():
    with pytest.raises(ModelError, match="as many months"):
        development_factors([[1.0, 2.0, 3.0]])
