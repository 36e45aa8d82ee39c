"""Counts of dependent years: likelihood, prior, and what they leave open of level and correlation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from arrisk.errors import ModelError
from arrisk.models.intervals import jeffreys
from arrisk.models.losses.closed_form import finite_pool_pmf
from arrisk.models.losses.factor_counts import count_likelihood, level_grid
from arrisk.models.losses.level_posterior import CorrelationPrior, fit_level_posterior, level_prior


def log_choose(n, k):
    return special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)


def test_the_likelihood_is_that_of_the_finite_pool():
    probit = special.ndtri(np.array([0.05, 0.1]))
    found = count_likelihood([10, 10, 10], [0, 2, 2], [0.2], probit)
    pmf = finite_pool_pmf(10, 0.1, 0.2)
    wanted = math.log(pmf[0]) + 2 * (math.log(pmf[2]) - log_choose(10, 2))
    assert found.log_likelihood[1, 0] == pytest.approx(wanted, abs=1e-9)


def test_the_oracle_of_the_finite_pool_by_the_same_door():
    probit = special.ndtri(np.array([0.1]))
    printed = [0.45646619, 0.28278148, 0.14373511, 0.06761989, 0.02998048, 0.01245259]
    for k, value in enumerate(printed):
        found = count_likelihood([10], [k], [0.2], probit).log_likelihood[0, 0] + log_choose(10, k)
        assert math.exp(found) == pytest.approx(value, abs=5e-9)


def test_large_pools_are_integrated_as_well():
    n, k, p, rho = 20_000, 460, 0.02, 0.3

    def integrand(z):
        at = special.ndtr((special.ndtri(p) - math.sqrt(rho) * z) / math.sqrt(1 - rho))
        return stats.binom.pmf(k, n, at) * stats.norm.pdf(z)

    wanted, _ = integrate.quad(integrand, -3, 3, points=np.linspace(-1, 0, 21), limit=400)
    found = count_likelihood([n], [k], [rho], [special.ndtri(p)]).log_likelihood[0, 0]
    assert math.exp(found + log_choose(n, k)) == pytest.approx(wanted, rel=0.01)


def test_without_correlation_the_posterior_is_that_of_jeffreys():
    found = fit_level_posterior([183, 150], [8, 3], CorrelationPrior(0.0, 0.0))
    assert found.mean_level == pytest.approx(11.5 / 334, rel=1e-3)
    low, high = jeffreys(11, 333)
    assert found.level_quantile([0.025, 0.975]) == pytest.approx([low, high], rel=0.01)


def test_years_are_no_independent_trials():
    alone = fit_level_posterior([200] * 3, [8, 7, 9], CorrelationPrior(0.0, 0.0))
    together = fit_level_posterior([200] * 3, [8, 7, 9])
    width = [float(np.ptp(p.level_quantile([0.025, 0.975]))) for p in (alone, together)]
    assert width[1] > 2 * width[0]
    # More customers in one year add little, more years with as many customers do.
    many = fit_level_posterior([20_000], [800], CorrelationPrior(0.15, 0.15))
    years = fit_level_posterior([200] * 10, [8] * 10, CorrelationPrior(0.15, 0.15))
    assert np.ptp(many.level_quantile([0.1, 0.9])) > 2 * np.ptp(years.level_quantile([0.1, 0.9]))


def test_one_large_year_gives_the_level_in_closed_form():
    # Its rate is known: the normal quantile of the level is normal about sqrt(1 - rho) times the rate's.
    rho, rate = 0.2, 0.03
    found = fit_level_posterior([40_000], [1200], CorrelationPrior(rho, rho))
    centre = math.sqrt(1 - rho) * special.ndtri(rate)
    q = np.array([0.1, 0.5, 0.9])
    plain = special.ndtr(centre + math.sqrt(rho) * special.ndtri(q))
    # The spread of a rate is not quite a constant in normal quantiles, hence the wide tolerance.
    assert special.ndtri(found.level_quantile(q)) == pytest.approx(special.ndtri(plain), abs=0.12)


def test_the_prior_of_the_level_is_a_law_for_every_correlation():
    grid = count_likelihood([100], [3], [0.0, 0.1, 0.4])
    prior = level_prior(grid)
    assert prior.sum(axis=0) == pytest.approx(np.ones(3))
    assert (prior >= 0).all()


def test_the_correlation_comes_back_when_nothing_is_counted():
    prior = CorrelationPrior(0.05, 0.25)
    found = fit_level_posterior([], [], prior)
    assert found.mean_rho == pytest.approx(prior.mean, abs=1e-3)
    assert found.rho_quantile([0.05, 0.95]) == pytest.approx([0.05, 0.25], abs=2e-3)


def test_scattered_years_raise_it_and_even_years_lower_it():
    even, wild = fit_level_posterior([500] * 8, [15] * 8), fit_level_posterior([500] * 8, [2, 60] * 4)
    assert even.mean_rho < CorrelationPrior().mean - 0.03
    assert wild.mean_rho > CorrelationPrior().mean + 0.01


def test_the_prior_has_the_range_given():
    prior = CorrelationPrior(0.02, 0.3, 0.8)
    assert prior.quantile([0.1, 0.9]) == pytest.approx([0.02, 0.3], abs=1e-6)
    nodes, chance = prior.nodes()
    assert chance.sum() == pytest.approx(1.0)
    assert float(nodes @ chance) == pytest.approx(prior.mean, abs=1e-5)
    spread = math.sqrt(float(nodes**2 @ chance) - float(nodes @ chance) ** 2)
    assert spread == pytest.approx(prior.spread, rel=0.01)


@pytest.mark.parametrize("ends", [(0.3, 0.2), (-0.1, 0.2), (0.1, 1.0), (0.0, 0.2)])
def test_impossible_priors_are_refused(ends):
    with pytest.raises(ModelError, match="range"):
        CorrelationPrior(*ends)


def test_impossible_counts_are_refused():
    for trials, events in (([10], [11]), ([10], [-1]), ([10, 5], [1]), ([10], [0.5])):
        with pytest.raises(ModelError):
            fit_level_posterior(trials, events)
    with pytest.raises(ModelError, match="correlations"):
        count_likelihood([10], [1], [1.0])


@given(
    counts=st.lists(st.tuples(st.integers(1, 400), st.floats(0, 0.3)), min_size=1, max_size=4),
)
def test_cases_carry_the_posterior(counts):
    trials = [n for n, _ in counts]
    events = [math.floor(n * share) for n, share in counts]
    found = fit_level_posterior(trials, events, CorrelationPrior(0.1, 0.1))
    central = (sum(events) + 0.5) / (sum(trials) + 1)
    cases = found.cases(central)
    assert cases["weight"].sum() == pytest.approx(1.0)
    assert (cases["scale"] @ cases["weight"]) * central == pytest.approx(found.mean_level, rel=1e-9)
    assert cases["scale"].is_monotonic_increasing


def test_cases_are_a_rectangle_with_both_means():
    found = fit_level_posterior([183, 190], [8, 3])
    cases = found.cases(0.03)
    assert len(cases) == cases["scale"].nunique() * cases["rho"].nunique() == 35
    assert cases["rho"] @ cases["weight"] == pytest.approx(found.mean_rho, rel=1e-9)
    # Finer classes come nearer to the spread of the posterior and never exceed it.
    fine = found.cases(0.03, np.linspace(0, 1, 41), [0.0, 1.0])

    def spread(frame):
        mean = frame["scale"] @ frame["weight"]
        return float((frame["scale"] - mean) ** 2 @ frame["weight"]) ** 0.5 * 0.03

    whole = math.sqrt(float(found.mass.sum(axis=1) @ found.level**2) - found.mean_level**2)
    assert 0.9 * whole < spread(cases) < whole
    assert spread(fine) < whole


def test_classes_are_parted_from_0_to_1():
    found = fit_level_posterior([183], [8], CorrelationPrior(0.1, 0.1))
    for cuts in ([0.1, 1.0], [0.0, 0.5], [0.0, 0.5, 0.5, 1.0]):
        with pytest.raises(ModelError, match="0 to 1"):
            found.cases(0.04, cuts)


def test_the_grid_of_levels_is_fine_where_the_rate_is():
    grid = level_grid(100_000, 2000)
    near = np.abs(grid - special.ndtri(0.02)) < 0.01
    assert near.sum() >= 8
