"""The slope of counts on a series: against statsmodels, at the edges, and its coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm

from arrisk.errors import ModelError
from arrisk.models.overlay.slope import factor_range, fit_slope, independent_periods, point_slope
from tests.models.overlay.macro_book import SLOPE, drawn_series


def arrays(months: int, rate: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    book, macro = drawn_series(months, rate, lag=0, seed=seed)
    return book["events"].to_numpy(float), book["at_risk"].to_numpy(float), macro.table["value"].to_numpy()


def test_the_slope_is_that_of_the_generalised_linear_model():
    y, w, x = arrays(60, 0.01)
    found = fit_slope(y, w, x)
    model = sm.GLM(y, sm.add_constant(x), family=sm.families.Poisson(), exposure=w).fit()
    assert found.slope == pytest.approx(model.params[1], rel=1e-6)
    assert found.error >= model.bse[1] * (1 - 1e-9)
    assert point_slope(y, w, x)[0] == pytest.approx(found.slope)
    assert found.low < SLOPE < found.high < 0


def test_units_of_the_series_do_not_matter():
    y, w, x = arrays(60, 0.01)
    one, other = fit_slope(y, w, x), fit_slope(y, w * 7, 1000 * x + 3)
    assert 1000 * other.slope == pytest.approx(one.slope)
    assert (1000 * other.low, 1000 * other.high) == pytest.approx((one.low, one.high))
    assert factor_range(48, x, w, one) == pytest.approx(factor_range(48_003, 1000 * x + 3, w, other))


def test_events_on_the_extreme_alone_leave_the_slope_unbounded():
    found = fit_slope([0, 0, 0, 3], [1, 1, 1, 1], [0, 1, 2, 3])
    assert found.slope == math.inf
    assert math.isfinite(found.low)
    assert found.high == math.inf
    factor, low, high = factor_range(3, [0, 1, 2, 3], [1, 1, 1, 1], found)
    assert math.isnan(factor)
    assert low < 1
    assert high == pytest.approx(4)  # all of the past's events would be this period's
    mirrored = fit_slope([3, 0, 0, 0], [1, 1, 1, 1], [0, 1, 2, 3])
    assert (mirrored.low, mirrored.high) == pytest.approx((-math.inf, -found.low))


def test_a_value_beyond_those_seen_is_unbounded_when_the_slope_is():
    found = fit_slope([0, 0, 0, 3], [1, 1, 1, 1], [0, 1, 2, 3])
    assert factor_range(5, [0, 1, 2, 3], [1, 1, 1, 1], found)[2] == math.inf
    assert factor_range(-5, [0, 1, 2, 3], [1, 1, 1, 1], found)[1] == 0.0


def test_factors_average_to_one_over_the_past():
    y, w, x = arrays(40, 0.01)
    found = fit_slope(y, w, x)
    factors = [factor_range(value, x, w, found)[0] for value in x]
    assert np.average(factors, weights=w) == pytest.approx(1)


def test_periods_that_hang_together_are_worth_fewer():
    slow = np.sin(np.arange(60) / 8)
    assert independent_periods(slow, slow) < 5
    assert independent_periods(slow, np.resize([1.0, -1.0], 60)) == 60
    assert independent_periods(slow, np.ones(60)) == 60


def test_what_is_refused():
    for events, exposure, series, words in (
        ([0, 0, 0], [1, 1, 1], [1, 2, 3], "0 events"),
        ([1, 0, 0], [1, 1, 1], [2, 2, 2], "a range of 0"),
        ([1, 0], [1, 1], [1, 2], "2 periods"),
        ([1, 0, 1], [1, 0, 1], [1, 2, 3], "above 0"),
        ([1, 0, 1], [1, 1], [1, 2, 3], "one length"),
        ([1, np.nan, 1], [1, 1, 1], [1, 2, 3], "finite"),
    ):
        with pytest.raises(ModelError, match=words):
            fit_slope(events, exposure, series)


@pytest.mark.slow
@pytest.mark.parametrize(("months", "rate"), [(30, 0.0005), (30, 0.001), (120, 0.005)])
def test_the_interval_holds_the_truth_also_with_few_events(months, rate):
    """15, 30 and 600 events: nominal 95%, of 100 books."""
    held = 0
    for seed in range(100):
        y, w, x = arrays(months, rate, seed)
        found = fit_slope(y, w, x)
        held += found.low <= SLOPE <= found.high
    assert held >= 92
