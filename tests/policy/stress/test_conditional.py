"""Years given a scenario, against Vasicek's formula and the bivariate normal law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from arrisk.errors import ModelError
from arrisk.models.losses.closed_form import conditional_pd, vasicek_quantile
from arrisk.models.losses.portfolio import Dependence, make_portfolio
from arrisk.policy.stress.conditional import Condition, simulate_given

NONE = np.zeros(0, dtype=np.int64)


def rates(events):
    """Default rate of each year."""
    return events.totals(np.ones(events.obligor.size)) / len(events.portfolio)


def mean_and_error(values, weight):
    mean = weight @ values
    return mean, np.sqrt((weight**2 * (values - mean) ** 2).sum())


def test_a_year_of_twenty_has_the_default_rate_of_the_formula():
    book = make_portfolio(0.02, np.ones(500), 0.5)
    given = Condition(NONE, float(special.ndtri(0.05)), np.full(500, np.nan))
    events = simulate_given(book, Dependence(0.15), given, 400, seed=1)
    mean, error = mean_and_error(rates(events), events.weight)
    assert mean == pytest.approx(vasicek_quantile(0.02, 0.15, 0.95), abs=4 * error)
    assert vasicek_quantile(0.02, 0.15, 0.95) == pytest.approx(0.06219237, abs=1e-8)


def test_any_year_has_the_probability_of_default():
    book = make_portfolio(0.05, np.ones(100), 0.5)
    events = simulate_given(book, Dependence(0.1, 0.1), Condition.nothing(100), 3000, seed=2)
    mean, error = mean_and_error(rates(events), events.weight)
    assert mean == pytest.approx(0.05, abs=4 * error)
    np.testing.assert_allclose(events.weight, 1 / 3000)


@pytest.mark.parametrize(("industry", "shared"), [(["x", "x"], 0.3), (["x", "y"], 0.2)])
def test_a_failure_is_news_about_the_others(industry, shared):
    book = make_portfolio(0.05, [1.0, 1.0], 0.5, industry=industry)
    given = Condition(np.array([0]), None, np.full(2, np.nan))
    events = simulate_given(book, Dependence(0.2, 0.1), given, 40_000, seed=3)
    second = np.isin(np.arange(events.draws), events.draw[events.obligor == 1]).astype(float)
    mean, error = mean_and_error(second, events.weight)
    edge = special.ndtri(0.05)
    joint = stats.multivariate_normal([0, 0], [[1, shared], [shared, 1]]).cdf([edge, edge])
    assert mean == pytest.approx(joint / 0.05, abs=4 * error)
    assert (np.bincount(events.draw[events.obligor == 0], minlength=events.draws) == 1).all()


def test_a_fixed_probability_holds_for_its_customers_alone():
    book = make_portfolio(0.05, np.ones(200), 0.5)
    fixed = np.where(np.arange(200) < 100, 0.3, np.nan)
    events = simulate_given(book, Dependence(0.1), Condition(NONE, None, fixed), 1000, seed=4)
    inside = events.totals((events.obligor < 100).astype(float)) / 100
    outside = events.totals((events.obligor >= 100).astype(float)) / 100
    for values, expected in ((inside, 0.3), (outside, 0.05)):
        mean, error = mean_and_error(values, events.weight)
        assert mean == pytest.approx(expected, abs=4 * error)


def test_years_given_the_factor_are_those_of_the_formula_for_unequal_customers():
    book = make_portfolio([0.01, 0.2], [1.0, 1.0], 0.5)
    events = simulate_given(book, Dependence(0.25), Condition(NONE, -2.0, np.full(2, np.nan)), 20_000, 5)
    seen = np.bincount(events.obligor, minlength=2) / events.draws
    wanted = conditional_pd([0.01, 0.2], 0.25, -2.0)
    assert np.abs(seen - wanted).max() < 4 * np.sqrt(0.25 / events.draws)
    assert (events.factor == -2.0).all()


def test_the_seed_makes_the_years_and_bad_sizes_are_refused():
    book = make_portfolio(0.1, np.ones(10), 0.5, 0.2)
    one, two = (simulate_given(book, Dependence(0.1), Condition.nothing(10), 50, 6) for _ in range(2))
    np.testing.assert_array_equal(one.loss, two.loss)
    with pytest.raises(ModelError, match="at least one draw"):
        simulate_given(book, Dependence(0.1), Condition.nothing(10), 0)
    with pytest.raises(ModelError, match="10 probabilities"):
        simulate_given(book, Dependence(0.1), Condition.nothing(9), 5)
