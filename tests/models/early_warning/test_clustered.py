import math

import numpy as np
import pytest

from arrisk.models.early_warning.clustered import (
    difference_of_sums,
    lift_by_customer,
    median_interval,
    share_by_customer,
)
from arrisk.models.intervals import clopper_pearson


def test_few_hit_customers_are_counted_exactly():
    interval = share_by_customer([3, 0, 0, 0, 0], [3, 1, 1, 1, 1])
    exact = clopper_pearson(1, 5)
    assert interval.low == exact.low
    assert interval.high == exact.high
    assert share_by_customer([], []).method == "no trial"


def test_customers_and_not_alerts_are_the_units():
    hits, trials = np.array([1, 1, 1, 0, 0, 0, 0, 0] * 5), np.array([2] * 40)
    wide, narrow = share_by_customer(hits[:8], trials[:8]), share_by_customer(hits, trials)
    same = share_by_customer(hits[:8] * 10, trials[:8] * 10)
    assert narrow.high - narrow.low < 0.5 * (wide.high - wide.low)
    assert (same.low, same.high) == pytest.approx((wide.low, wide.high))


def test_lift_of_the_base_itself_is_one():
    hits, trials = np.array([2, 1, 0, 4, 0, 0]), np.array([9, 8, 7, 9, 8, 7])
    interval = lift_by_customer(hits, trials, hits, trials)
    assert (interval.low, interval.high) == pytest.approx((1.0, 1.0))


def test_lift_without_a_hit_reaches_down_to_zero():
    interval = lift_by_customer(np.zeros(20), np.ones(20), np.r_[np.ones(5), np.zeros(15)], np.full(20, 10.0))
    assert interval.low == 0.0
    assert interval.high > 1.0
    unbounded = lift_by_customer(np.zeros(3), np.ones(3), np.zeros(3), np.ones(3))
    assert unbounded.high == math.inf


def test_difference_is_paired_by_customer():
    one = np.array([1, 1, 1, 1, 0, 1, 0, 1], dtype=float)
    other = np.array([1, 0, 1, 1, 0, 1, 0, 1], dtype=float)
    gap = difference_of_sums(one, other, 8.0)
    assert gap.low < 0 < 1 / 8 < gap.high
    assert gap.high - gap.low < 0.7
    assert difference_of_sums(other, one, 8.0).low == pytest.approx(-gap.high)


def test_median_interval_covers_at_least_its_level():
    rng = np.random.default_rng(7)
    inside = [
        interval.low <= 0.0 <= interval.high
        for interval in (median_interval(rng.standard_normal(15)) for _ in range(400))
    ]
    assert np.mean(inside) >= 0.93
    assert list(median_interval([5.0, 1.0])) == [1.0, 5.0]
    assert math.isnan(median_interval([]).low)
