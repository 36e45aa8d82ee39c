"""Printed values of portfolio losses, by closed forms and by the engine."""

import numpy as np
import pytest

from arrisk.models.losses.closed_form import (
    aggregate_pmf,
    basel_risk_weight,
    finite_pool_pmf,
    stop_loss,
    vasicek_expected_shortfall,
    vasicek_quantile,
)
from arrisk.models.losses.engine import evaluate_losses
from arrisk.models.losses.portfolio import Dependence, make_portfolio

VASICEK = {
    0.02: {0.95: 0.06219237, 0.99: 0.10558734, 0.995: 0.12599303, 0.999: 0.17632894},
    0.05: {0.95: 0.13717110, 0.99: 0.20988145, 0.995: 0.24133038, 0.999: 0.31350591},
}
POOL = [0.45646619, 0.28278148, 0.14373511, 0.06761989, 0.02998048, 0.01245259]


@pytest.mark.parametrize("pd", VASICEK)
def test_vasicek_by_closed_form_and_by_quadrature(pd):
    levels = list(VASICEK[pd])
    printed = list(VASICEK[pd].values())
    assert [vasicek_quantile(pd, 0.15, level) for level in levels] == pytest.approx(printed, abs=5.1e-9)
    many = 2_000_000
    very_large = make_portfolio([pd] * 4, [many / 4] * 4, 1.0)
    shares = make_portfolio(np.full(200_000, pd), np.ones(200_000), 1.0)
    found = evaluate_losses(shares, Dependence(0.15), levels=levels)
    assert found.method == "quadrature"
    assert [found.quantile(level) / 200_000 for level in levels] == pytest.approx(printed, rel=5e-4)
    assert evaluate_losses(very_large, Dependence(0.15)).method == "fourier"


def test_expected_shortfall_by_closed_form_and_by_quadrature():
    assert vasicek_expected_shortfall(0.02, 0.15, 0.995) == pytest.approx(0.15739469, abs=5.1e-9)
    found = evaluate_losses(make_portfolio(0.02, np.ones(200_000), 1.0), Dependence(0.15))
    assert found.tvar(0.995) / 200_000 == pytest.approx(0.15739469, rel=5e-4)


def test_the_finite_pool_is_exact_by_the_transform():
    assert finite_pool_pmf(10, 0.1, 0.2)[:6] == pytest.approx(POOL, abs=5.1e-9)
    found = evaluate_losses(make_portfolio(0.1, np.full(10, 70.0), 0.5), Dependence(0.2))
    assert found.method == "fourier"
    at = 35.0 * np.arange(-1, 6) + 1
    assert -np.diff(found.exceedance(at)) == pytest.approx(POOL, abs=5.1e-9)
    assert (found.table.error == 0).all()


@pytest.mark.parametrize(
    ("pd", "large", "small"),
    [(0.0003, 14.44, 11.30), (0.005, 69.61, 54.91), (0.01, 92.32, 72.40), (0.03, 128.44, 97.58)],
)
def test_basel_risk_weights(pd, large, small):
    found = 100 * basel_risk_weight([pd, pd], 0.45, 2.5, turnover=[50, 5])
    assert found == pytest.approx([large, small], abs=0.02)


def test_stop_loss_of_an_aggregate():
    counts = [0.05, 0.1, 0.15, 0.2, 0.25, 0.15, 0.06, 0.03, 0.01]
    sizes = [0, 0.15, 0.2, 0.25, 0.125, 0.075, 0.05, 0.05, 0.05, 0.025, 0.025]
    pmf = aggregate_pmf(counts, sizes)
    units = np.arange(pmf.size)
    assert 25 * (pmf @ units) == pytest.approx(314.5)
    assert 25 * np.sqrt(pmf @ units**2 - (pmf @ units) ** 2) == pytest.approx(191.6155, abs=5.1e-5)
    printed = [314.5, 290.75, 267.375, 244.5844]
    assert 25 * stop_loss(pmf, [0, 1, 2, 3]) == pytest.approx(printed, abs=5.1e-5)
