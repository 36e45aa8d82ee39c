"""Printed values of the paper, three independent derivations under correlation, and order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, optimize, special, stats

from arrisk.errors import ModelError
from arrisk.models.intervals import upper_bound
from arrisk.models.scoring.pluto_tasche import (
    jeffreys_upper,
    pluto_tasche,
    pluto_tasche_periods,
    scale_to_central,
)

N = np.array([100, 400, 300])
NONE, FEW = np.array([0, 0, 0]), np.array([0, 2, 1])
LEVELS = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999]
TABLE = {  # Pluto and Tasche (2005), table 1, percent
    "A": [0.09, 0.17, 0.29, 0.37, 0.57, 0.86],
    "B": [0.10, 0.20, 0.33, 0.43, 0.66, 0.98],
    "C": [0.23, 0.46, 0.76, 0.99, 1.52, 2.28],
}


@pytest.mark.parametrize(("column", "level"), list(enumerate(LEVELS)))
def test_independent_customers_without_defaults(column, level):
    got = (100 * pluto_tasche(N, NONE, level, 0.0)).round(2)
    assert got.tolist() == [TABLE[grade][column] for grade in "ABC"]


def test_few_defaults():
    assert (100 * pluto_tasche(N, FEW, 0.5, 0.0)).round(4).tolist() == [0.4588, 0.5243, 0.5588]


def by_adaptive_quadrature(customers: int, defaults: int, level: float, rho: float) -> float:
    """The same equation integrated by another rule, over the conditional probability by another variable."""

    def few(p: float) -> float:
        def inside(s: float) -> float:
            q = special.ndtr((special.ndtri(p) - np.sqrt(rho) * s) / np.sqrt(1 - rho))
            return (
                np.exp(-s * s / 2)
                / np.sqrt(2 * np.pi)
                * special.betainc(customers - defaults, defaults + 1, 1 - q)
            )

        return integrate.quad(inside, -9, 9, points=[-4, -2, 0, 2], limit=200, epsabs=1e-11)[0]

    return optimize.brentq(lambda p: few(p) - (1 - level), 1e-7, 0.9, xtol=1e-12)


@pytest.mark.parametrize(("defaults", "level"), [(NONE, 0.9), (FEW, 0.95)])
def test_correlation_agrees_with_adaptive_quadrature(defaults, level):
    got = pluto_tasche(N, defaults, level, 0.12)
    totals = zip(N[::-1].cumsum()[::-1], defaults[::-1].cumsum()[::-1], strict=True)
    want = [by_adaptive_quadrature(m, k, level, 0.12) for m, k in totals]
    assert got.tolist() == pytest.approx(want, rel=1e-7)


@pytest.mark.parametrize(
    ("customers", "defaults", "level", "rho"), [(800, 0, 0.9, 0.12), (300, 3, 0.95, 0.2)]
)
def test_correlation_agrees_with_defaults_drawn_customer_by_customer(customers, defaults, level, rho):
    """Asset values of all customers are drawn; so few defaults happen with probability one less the level."""
    p = pluto_tasche([customers], [defaults], level, rho)[0]
    rng = np.random.default_rng(5)
    few = []
    for _ in range(20):
        factor = rng.standard_normal((400, 1))
        assets = np.sqrt(rho) * factor + np.sqrt(1 - rho) * rng.standard_normal((400, customers))
        few.append(((assets <= stats.norm.ppf(p)).sum(axis=1) <= defaults).mean())
    error = np.sqrt(level * (1 - level) / 8000)
    assert np.mean(few) == pytest.approx(1 - level, abs=4 * error)


def test_no_correlation_is_the_limit():
    near = pluto_tasche(N, FEW, 0.95, 1e-8)
    assert near.tolist() == pytest.approx(pluto_tasche(N, FEW, 0.95, 0.0).tolist(), rel=1e-6)


def test_a_large_book_has_the_quantile_of_the_factor():
    """With ever more customers the default rate is that of the factor alone, known in closed form."""
    n, rate, level, rho = 4_000_000, 0.01, 0.9, 0.12
    got = pluto_tasche([n], [round(n * rate)], level, rho)[0]
    probit = np.sqrt(1 - rho) * stats.norm.ppf(rate) + np.sqrt(rho) * stats.norm.ppf(level)
    assert got == pytest.approx(stats.norm.cdf(probit), rel=1e-4)


counts = st.lists(
    st.integers(0, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, min(n, 4)))),
    min_size=1,
    max_size=5,
)


@given(counts, st.sampled_from([0.5, 0.9, 0.99]), st.sampled_from([0.0, 0.12]))
def test_order_and_growth(rows, level, rho):
    n, d = np.array(rows).T
    got = pluto_tasche(n, d, level, rho)
    assert ((got > 0) & (got <= 1)).all()
    assert (np.diff(got) >= 0).all()
    assert (pluto_tasche(n, d, (1 + level) / 2, rho) >= got).all()
    assert (pluto_tasche(n + 50, d, level, rho) <= got + 1e-12).all()
    assert (pluto_tasche(n + 1, d + 1, level, rho) >= got - 1e-12).all()
    if rho and level >= 0.9:
        assert (got >= pluto_tasche(n, d, level, 0.0) - 1e-12).all()


def test_a_better_grade_that_defaulted_more_carries_its_bound_on():
    got = pluto_tasche([50, 500], [5, 0], 0.95, 0.0)
    assert got[0] == got[1] == upper_bound(5, 550).high


def test_all_defaulted_and_nobody_there():
    assert pluto_tasche([2], [2], 0.9, 0.1).tolist() == [1.0]
    assert pluto_tasche([40, 0], [0, 0], 0.9, 0.1)[1] == 1.0
    assert jeffreys_upper([0], [0], 0.9).tolist() == [1.0]
    assert pluto_tasche_periods([2], [2], 0.9, 0.0, 3, 0.0)[0].tolist() == [1.0]


def test_several_periods_without_correlation_are_exact():
    """A bound p for T periods together is 1 - (1 - p) ** (1 / T) for one."""
    whole = pluto_tasche(N, FEW, 0.9, 0.0)
    got, errors = pluto_tasche_periods(N, FEW, 0.9, 0.0, 4, 0.5)
    assert (1 - (1 - got) ** 4).tolist() == pytest.approx(whole.tolist(), rel=1e-12)
    assert errors.tolist() == [0.0, 0.0, 0.0]


def test_one_simulated_period_is_the_quadrature():
    got, errors = pluto_tasche_periods(N, FEW, 0.9, 0.12, 1, 0.3, seed=3)
    assert np.all(np.abs(got - pluto_tasche(N, FEW, 0.9, 0.12)) < 5 * errors)
    assert np.all(errors < 0.03 * got)


def test_two_periods_agree_with_quadrature_in_two_dimensions():
    rho, theta, level, customers = 0.12, 0.3, 0.9, 800
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    first = nodes[:, None]
    second = theta * first + np.sqrt(1 - theta**2) * nodes[None, :]
    weight = np.outer(weights, weights) / (2 * np.pi)

    def few(p: float) -> float:
        q = [
            stats.norm.cdf((stats.norm.ppf(p) - np.sqrt(rho) * s) / np.sqrt(1 - rho)) for s in (first, second)
        ]
        return float((weight * ((1 - q[0]) * (1 - q[1])) ** customers).sum())

    want = optimize.brentq(lambda p: few(p) - (1 - level), 1e-7, 0.5, xtol=1e-12)
    got, error = pluto_tasche_periods([customers], [0], level, rho, 2, theta, seed=1)
    assert abs(got[0] - want) < 4 * error[0]
    assert error[0] < 0.02 * want


def test_simulated_bounds_repeat_with_the_seed():
    one, two, other = (
        pluto_tasche_periods(N, FEW, 0.9, 0.12, 3, 0.3, seed=s, draws=500)[0] for s in (1, 1, 2)
    )
    assert one.tolist() == two.tolist()
    assert one.tolist() != other.tolist()


def test_scaling_keeps_ratios_and_meets_the_mean():
    bounds = pluto_tasche(N, FEW, 0.75, 0.0)
    scaled = scale_to_central(bounds, N, 0.01)
    assert scaled @ N / N.sum() == pytest.approx(0.01)
    assert (scaled / bounds).std() < 1e-12
    with pytest.raises(ModelError, match="above 100%"):
        scale_to_central([0.001, 0.5], [990, 10], 0.9)
    with pytest.raises(ModelError, match="no scaling"):
        scale_to_central(bounds, N, 0.0)


@pytest.mark.parametrize(
    ("n", "d", "level", "rho", "told"),
    [
        ([5], [6], 0.9, 0.0, "0 <= defaults"),
        ([5], [-1], 0.9, 0.0, "0 <= defaults"),
        ([5.5], [0], 0.9, 0.0, "whole numbers"),
        ([np.nan], [0], 0.9, 0.0, "whole numbers"),
        ([5, 5], [0], 0.9, 0.0, "shapes"),
        ([], [], 0.9, 0.0, "shapes"),
        ([5], [0], 1.0, 0.0, "level"),
        ([5], [0], 90, 0.0, "level"),
        ([5], [0], 0.9, 1.0, "correlation"),
        ([5], [0], 0.9, -0.1, "correlation"),
    ],
)
def test_impossible_inputs_are_errors(n, d, level, rho, told):
    with pytest.raises(ModelError, match=told):
        pluto_tasche(n, d, level, rho)


def test_impossible_periods_are_errors():
    for periods, persistence in [(0, 0.3), (2, 1.5)]:
        with pytest.raises(ModelError, match="periods"):
            pluto_tasche_periods(N, NONE, 0.9, 0.1, periods, persistence)
