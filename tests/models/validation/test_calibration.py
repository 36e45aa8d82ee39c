"""The level of probabilities: against closed forms, statsmodels, and books whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from scipy.special import expit, logit

from arrisk.errors import ModelError
from arrisk.models.intervals import jeffreys
from arrisk.models.validation.calibration import (
    calibration_by_group,
    calibration_intercept,
    calibration_slope,
    observed_over_expected,
)
from arrisk.models.validation.estimates import design_effect
from arrisk.models.validation.grouping import by_grade


@pytest.fixture(scope="module")
def book():
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(300), 3)
    p = expit(rng.normal(-2, 1, 900))
    return rng.random(900) < p, p, who


def test_slope_and_intercept_agree_with_statsmodels(book):
    y, p, _ = book
    x = logit(p)
    line = sm.Logit(y.astype(float), sm.add_constant(x)).fit(disp=0)
    assert calibration_slope(y, p).value == pytest.approx(line.params[1], abs=1e-6)
    shift = sm.GLM(y.astype(float), np.ones(900), family=sm.families.Binomial(), offset=x).fit()
    got = calibration_intercept(y, p)
    assert got.value == pytest.approx(shift.params[0], abs=1e-7)
    assert got.high - got.value == pytest.approx(1.96 * shift.bse[0], rel=0.1)


def test_errors_by_customer_are_the_sandwich_of_statsmodels(book):
    y, p, who = book
    x = sm.add_constant(logit(p))
    robust = sm.Logit(y.astype(float), x).fit(
        disp=0, cov_type="cluster", cov_kwds={"groups": who, "use_correction": False}
    )
    got = calibration_slope(y, p, who)
    error = robust.bse[1] * np.sqrt(300 / 299)
    low, high = (stats.t.ppf(0.975, df) * error for df in (299, 20))
    assert low <= got.high - got.value <= high


def test_too_hopeful_and_too_extreme_scores_are_told(book):
    y, p, who = book
    low = expit(logit(p) - 1)
    assert calibration_intercept(y, low, who).low > 0.5
    assert observed_over_expected(y, low, who).low > 1.3
    wild = expit(logit(p) * 3 + 4)
    assert calibration_slope(y, wild, who).high < 0.6


def test_repeating_rows_of_a_customer_adds_nothing(book):
    y, p, who = book
    for measure in (observed_over_expected, calibration_intercept, calibration_slope):
        once, many = measure(y, p, who), measure(np.tile(y, 4), np.tile(p, 4), np.tile(who, 4))
        assert many.value == pytest.approx(once.value)
        assert many.high - many.low == pytest.approx(once.high - once.low, rel=1e-6)
    one, four = calibration_by_group(y, p), calibration_by_group(*(np.tile(v, 4) for v in book))
    assert (four["ci_high"] - four["ci_low"]).mean() > 0.9 * (one["ci_high"] - one["ci_low"]).mean()


def test_few_defaulters_are_bounded_exactly():
    """Two defaulters: the limits of Garwood, .2422 and 7.2247, over the 4 expected."""
    got = observed_over_expected([1, 1] + [0] * 198, [0.02] * 200)
    assert (got.low, got.high) == (
        pytest.approx(0.242209 / 4, abs=1e-6),
        pytest.approx(7.224688 / 4, abs=1e-6),
    )
    assert got.method.startswith("exact Poisson")
    twice = observed_over_expected([1, 1] + [0] * 198, [0.02] * 200, [0, 0, *range(1, 199)])
    assert twice.high > got.high
    assert twice.low < got.low


def test_groups_show_rates_and_jeffreys_intervals():
    grades = ["A"] * 6 + ["B"] * 4
    y, p = [0, 0, 0, 0, 0, 1, 1, 1, 0, 1], [0.1] * 6 + [0.5] * 4
    table = calibration_by_group(y, p, grouping=by_grade(grades)).set_index("group")
    assert table.loc["B", ["rows", "events"]].tolist() == [4, 3]
    assert table.loc["B", ["ci_low", "ci_high"]].tolist() == list(jeffreys(3, 4))
    assert table["expected"].tolist() == pytest.approx([0.1, 0.5])


def test_design_effect_of_whole_and_of_independent_customers(book):
    y, p, who = book
    assert design_effect(y, p, who) == pytest.approx(1, abs=0.25)
    assert design_effect(np.tile(y, 4), np.tile(p, 4), np.tile(np.arange(900), 4)) == pytest.approx(4)
    assert design_effect([0, 0], [0.1, 0.1], [1, 1]) == 1.0


def test_order_of_rows_does_not_matter(book):
    y, p, who = book
    order = np.random.default_rng(1).permutation(900)
    for measure in (observed_over_expected, calibration_intercept, calibration_slope):
        one, two = measure(y, p, who), measure(y[order], p[order], who[order])
        assert [two.value, two.low, two.high] == pytest.approx([one.value, one.low, one.high], abs=1e-9)


def test_what_cannot_be_measured_says_so():
    alike = calibration_slope([0, 1, 0, 1], [0.3] * 4)
    apart = calibration_slope([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert np.isnan([alike.value, apart.low]).all()
    assert "constant" in alike.method
    assert "separate" in apart.method
    for measure in (calibration_intercept, calibration_slope):
        with pytest.raises(ModelError, match="both classes"):
            measure([0, 0], [0.1, 0.2])
    with pytest.raises(ModelError, match="no event was expected"):
        observed_over_expected([0, 1], [0.0, 0.0])
    with pytest.raises(ModelError, match="customers given"):
        observed_over_expected([0, 1], [0.1, 0.1], [1])
