"""Closed-form portfolio losses against printed values and against each other."""

import numpy as np
import pytest
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.losses.closed_form import (
    aggregate_pmf,
    basel_risk_weight,
    conditional_pd,
    effective_names,
    finite_pool_pmf,
    stop_loss,
    vasicek_expected_shortfall,
    vasicek_quantile,
)

QUANTILES = {
    0.02: {0.95: 0.06219237, 0.99: 0.10558734, 0.995: 0.12599303, 0.999: 0.17632894},
    0.05: {0.95: 0.13717110, 0.99: 0.20988145, 0.995: 0.24133038, 0.999: 0.31350591},
}


@pytest.mark.parametrize("pd", QUANTILES)
def test_vasicek_quantiles(pd):
    for level, expected in QUANTILES[pd].items():
        assert vasicek_quantile(pd, 0.15, level) == pytest.approx(expected, abs=5e-9)


def test_vasicek_expected_shortfall():
    assert vasicek_expected_shortfall(0.02, 0.15, 0.995) == pytest.approx(0.15739469, abs=5e-9)
    assert vasicek_expected_shortfall(0.02, 0.15, 1e-9) == pytest.approx(0.02, abs=1e-8)


def test_the_factor_averages_out():
    z = np.linspace(-9, 9, 4001)
    weights = stats.norm.pdf(z) * (z[1] - z[0])
    assert conditional_pd(0.03, 0.25, z) @ weights == pytest.approx(0.03, abs=1e-10)


def test_finite_pool():
    expected = [0.45646619, 0.28278148, 0.14373511, 0.06761989, 0.02998048, 0.01245259]
    pmf = finite_pool_pmf(10, 0.1, 0.2)
    assert pmf[:6] == pytest.approx(expected, abs=5.1e-9)
    assert pmf.sum() == pytest.approx(1.0)
    assert pmf @ np.arange(11) == pytest.approx(1.0)
    assert finite_pool_pmf(10, 0.1, 0.0) == pytest.approx(stats.binom.pmf(np.arange(11), 10, 0.1))


@pytest.mark.parametrize(
    ("pd", "large", "small"),
    [(0.0003, 14.44, 11.30), (0.005, 69.61, 54.91), (0.01, 92.32, 72.40), (0.03, 128.44, 97.58)],
)
def test_basel_risk_weights(pd, large, small):
    assert 100 * basel_risk_weight(pd, 0.45, 2.5, turnover=50) == pytest.approx(large, abs=0.02)
    assert 100 * basel_risk_weight(pd, 0.45, 2.5, turnover=5) == pytest.approx(small, abs=0.02)
    assert basel_risk_weight(pd) == pytest.approx(basel_risk_weight(pd, turnover=80))


def test_stop_loss_of_a_group_dental_plan():
    counts = [0.05, 0.1, 0.15, 0.2, 0.25, 0.15, 0.06, 0.03, 0.01]
    sizes = [0, 0.15, 0.2, 0.25, 0.125, 0.075, 0.05, 0.05, 0.05, 0.025, 0.025]
    pmf = aggregate_pmf(counts, sizes)
    amount = 25 * np.arange(pmf.size)
    mean = pmf @ amount
    assert pmf.sum() == pytest.approx(1.0)
    assert mean == pytest.approx(314.5, abs=1e-9)
    assert np.sqrt(pmf @ (amount - mean) ** 2) == pytest.approx(191.6155, abs=5e-5)
    layers = [25 * stop_loss(pmf, d / 25) for d in (0, 25, 50, 75)]
    assert layers == pytest.approx([314.5, 290.75, 267.375, 244.5844], abs=5e-5)


def test_aggregate_agrees_with_plain_convolution():
    counts, sizes = [0.2, 0.3, 0.1, 0.4], [0.1, 0.6, 0.0, 0.3]
    slow, power = np.zeros(10), np.array([1.0])
    for p in counts:
        slow[: power.size] += p * power
        power = np.convolve(power, sizes)
    assert aggregate_pmf(counts, sizes) == pytest.approx(slow, abs=1e-14)


def test_effective_names():
    assert effective_names(np.ones(40)) == pytest.approx(40)
    assert effective_names([1000.0, 1e-6]) == pytest.approx(1.0)


def test_impossible_inputs_are_errors():
    for call in (
        lambda: vasicek_quantile(1.2, 0.1, 0.99),
        lambda: vasicek_quantile(0.1, 1.0, 0.99),
        lambda: vasicek_quantile(0.1, 0.1, 99),
        lambda: aggregate_pmf([0.5, 0.4], [1.0]),
        lambda: effective_names([0.0]),
    ):
        with pytest.raises(ModelError):
            call()
