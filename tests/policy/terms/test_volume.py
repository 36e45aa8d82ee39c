"""Sales, risk and days on other terms: by hand and by their properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.policy.terms.volume import caught_of_mix, days_taken, sales_ratio

shares = st.floats(0.0, 0.9)


@given(st.floats(-0.5, 1.0), st.floats(-90, 90), st.floats(-90, 90))
def test_there_and_back_changes_nothing(elasticity, there, on):
    both = sales_ratio(elasticity, there) * sales_ratio(elasticity, on)
    assert both == pytest.approx(float(sales_ratio(elasticity, there + on)), rel=1e-9)
    assert sales_ratio(elasticity, there) * sales_ratio(elasticity, -there) == pytest.approx(1.0)


@given(shares, st.floats(0.3, 3.0), st.floats(0.0, 5.0))
def test_the_mix_is_a_probability_and_the_grade_itself_without_change(caught, ratio, extra):
    assert 0 <= caught_of_mix(caught, ratio, extra) <= 1
    assert caught_of_mix(caught, 1.0, extra) == pytest.approx(caught)
    assert caught_of_mix(caught, ratio, 1.0) == pytest.approx(caught)


def test_worse_buyers_come_with_longer_terms_and_go_with_shorter_ones():
    assert caught_of_mix(0.05, 1.2, 2.0) > 0.05 > caught_of_mix(0.05, 0.8, 2.0)
    # A fifth more sales at 1 - 0.95 ** 2 = 0.0975.
    assert float(caught_of_mix(0.05, 1.2, 2.0)) == pytest.approx((0.05 + 0.2 * 0.0975) / 1.2)


def test_days_taken_keep_the_delay_or_the_day():
    assert days_taken(60, 30, 5, 1.0) == 65
    assert days_taken(60, 30, 5, 0.0) == 35
    assert days_taken(0, 30, -14, 1.0) == 0


@pytest.mark.parametrize("call", [lambda: sales_ratio(-1.0, 30), lambda: caught_of_mix(0.1, 1.0, -1.0)])
def test_the_impossible_is_refused(call):
    with pytest.raises(ValueError, match=r"sales cannot fall|negative"):
        call()


def test_arrays_broadcast():
    assert sales_ratio([0.0, 0.1], np.array([[30.0], [60.0]])).shape == (2, 2)
