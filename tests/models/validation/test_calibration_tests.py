"""Tests by grade to the digit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.validation.calibration_tests import (
    binomial_p_value,
    critical_count,
    critical_rate_limit,
    grade_tests,
    hosmer_lemeshow,
    jeffreys_p_value,
    traffic_light,
)
from arrisk.models.validation.grouping import by_grade, by_quantile, by_width


@pytest.mark.parametrize(("rho", "count"), [(0.0, 19), (0.05, 35), (0.1, 49), (0.15, 63), (0.2, 77)])
def test_critical_counts_of_the_basel_committee(rho, count):
    """Working Paper 14: PD 1%, 1,000 customers, 99%."""
    assert critical_count(1000, 0.01, rho) == count
    assert binomial_p_value(count, 1000, 0.01, rho) <= 0.01 < binomial_p_value(count - 1, 1000, 0.01, rho)


def test_p_values_to_the_printed_digit():
    assert round(jeffreys_p_value(9, 500, 0.01), 10) == 0.0461884538
    assert round(binomial_p_value(9, 500, 0.01), 10) == 0.0671101599


def test_mixture_agrees_with_simulated_books():
    rng = np.random.default_rng(0)
    factor = rng.normal(size=200_000)
    given = stats.norm.cdf((stats.norm.ppf(0.03) - np.sqrt(0.12) * factor) / np.sqrt(0.88))
    counts = rng.binomial(80, given)
    for k in (1, 4, 8, 15):
        assert binomial_p_value(k, 80, 0.03, 0.12) == pytest.approx((counts >= k).mean(), abs=0.004)


def test_many_customers_tend_to_the_limit_and_few_need_more():
    limit = critical_rate_limit(0.01, 0.1)
    rates = [critical_count(n, 0.01, 0.1) / n for n in (100, 1000, 20_000)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(limit, rel=0.01)


def test_no_correlation_is_the_limit_of_little():
    assert binomial_p_value(5, 100, 0.02, 1e-8) == pytest.approx(binomial_p_value(5, 100, 0.02), rel=1e-4)
    assert binomial_p_value(0, 100, 0.02, 0.3) == pytest.approx(1.0)
    assert critical_count(1, 0.5) == 2


def test_lights():
    assert [traffic_light(v) for v in (1.0, 0.05, 0.0499, 0.001, 0.00099)] == [
        "green", "green", "yellow", "yellow", "red",
    ]  # fmt: skip


def test_table_by_grade():
    y = np.repeat([1, 0, 1, 0], [2, 198, 30, 70])
    p = np.repeat([0.01, 0.05], [200, 100])
    table = grade_tests(y, p, np.repeat(["A", "B"], [200, 100])).set_index("grade")
    assert table["light"].tolist() == ["green", "red"]
    assert table.loc["B", "binomial"] == pytest.approx(binomial_p_value(30, 100, 0.05), rel=1e-9)
    assert table.loc["B", "correlated"] == pytest.approx(binomial_p_value(30, 100, 0.05, 0.05), rel=1e-9)
    assert table.loc["A", "critical"] == critical_count(200, 0.01, 0.05)
    sure = grade_tests([0, 1], [0.0, 0.5], ["A", "B"]).set_index("grade")
    assert np.isnan(sure.loc["A", "binomial"])
    assert sure.loc["A", "light"] == ""


def test_hosmer_lemeshow_depends_on_the_groups_and_names_them():
    rng = np.random.default_rng(1)
    p = rng.beta(1, 12, 800)
    y = rng.random(800) < p
    tests = [hosmer_lemeshow(y, p, g) for g in (by_quantile(p), by_quantile(p, 5), by_width(p, 10))]
    assert len({t.grouping for t in tests}) == 3
    assert len({round(t.p_value, 6) for t in tests}) == 3
    assert tests[2].fewest_expected < tests[1].fewest_expected
    assert hosmer_lemeshow(y, p, estimated=2).freedom == 8


@pytest.mark.slow
def test_hosmer_lemeshow_rejects_as_often_as_it_says():
    """Right probabilities, 1,500 books: at 5% between 3.5% and 6.5%; by customer also with doubled rows."""
    rng, hits, twice, naive = np.random.default_rng(2), 0, 0, 0
    for _ in range(1500):
        p = rng.beta(2, 8, 400)
        y = rng.random(400) < p
        hits += hosmer_lemeshow(y, p).p_value < 0.05
        who = np.arange(400)
        doubled = [np.tile(v, 2) for v in (y, p, who)]
        twice += hosmer_lemeshow(doubled[0], doubled[1], customers=doubled[2]).p_value < 0.05
        naive += hosmer_lemeshow(doubled[0], doubled[1]).p_value < 0.05
    assert 0.035 < hits / 1500 < 0.065
    assert 0.035 < twice / 1500 < 0.065
    assert naive / 1500 > 0.3


@pytest.mark.parametrize(
    "call",
    [
        lambda: binomial_p_value(3, 2, 0.1),
        lambda: binomial_p_value(1, 0, 0.1),
        lambda: binomial_p_value(1, 5, 0.0),
        lambda: binomial_p_value(1, 5, 0.1, 1.0),
        lambda: critical_count(5, 1.0),
        lambda: jeffreys_p_value(-1, 5, 0.1),
        lambda: traffic_light(float("nan")),
        lambda: hosmer_lemeshow([0, 1], [0.0, 0.5], by_grade(["A", "B"])),
        lambda: hosmer_lemeshow([0, 1], [0.4, 0.5], by_grade(["A", "A"]), estimated=2),
    ],
)
def test_impossible_input_is_refused(call):
    with pytest.raises(ModelError):
        call()
