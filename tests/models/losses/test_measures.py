"""Measures of weighted and stratified years: they reduce to the plain ones, and their ranges cover."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.losses.factor_draws import draw_factor
from arrisk.models.losses.measures import loss_measures
from arrisk.models.tail import expected_shortfall, mean_error, weighted_quantile

counted = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), min_size=2, max_size=25)


@given(counted, st.sampled_from([0.5, 0.9, 0.99]))
def test_a_weight_is_a_number_of_equal_years(pairs, level):
    values, times = np.array(pairs, dtype=float).T
    repeated = np.repeat(values, times.astype(int))
    seen = loss_measures(values, [level], weight=times / times.sum()).estimate
    plain = loss_measures(repeated, [level]).estimate
    np.testing.assert_allclose(seen, plain, atol=1e-9)
    assert weighted_quantile(values, level, times / times.sum()) == plain[1]


def test_weighted_tails_of_columns_are_apart():
    rng = np.random.default_rng(3)
    values, weight = rng.normal(size=(500, 4)), rng.random(500)
    weight /= weight.sum()
    tail, error = expected_shortfall(values, 0.1, weight)
    for column in range(4):
        one, its = expected_shortfall(values[:, column], 0.1, weight)
        assert (tail[column], error[column]) == pytest.approx((float(one), float(its)))


def test_equal_weights_change_nothing():
    values = np.random.default_rng(1).exponential(size=999)
    plain, weighted = loss_measures(values), loss_measures(values, weight=np.full(999, 1 / 999))
    np.testing.assert_allclose(
        plain.iloc[:, 1:].to_numpy(dtype=float), weighted.iloc[:, 1:].to_numpy(dtype=float)
    )


def test_ranges_of_stratified_weighted_years_cover_the_truth():
    """A loss that is normal given a normal factor: mean, quantile and tail mean are known."""
    hits, errors, estimates = {}, {}, {}
    noise = 0.3
    scale = np.hypot(1, noise)
    edge = stats.norm.ppf(0.99)
    truth = {
        "expected": 0.0,
        "quantile_99": scale * edge,
        "tvar_99": scale * stats.norm.pdf(edge) / 0.01,
    }
    for run in range(300):
        drawn = draw_factor(1_500, np.random.SeedSequence(run))
        own = np.random.default_rng(10_000 + run).normal(scale=noise, size=1_500)
        table = loss_measures(own - drawn.factor, [0.99], weight=drawn.weight, strata=drawn.factor)
        for row in table.itertuples():
            hits[row.term] = hits.get(row.term, 0) + (row.mc_low <= truth[row.term] <= row.mc_high)
            errors.setdefault(row.term, []).append(row.mc_error)
            estimates.setdefault(row.term, []).append(row.estimate)
    for term, value in truth.items():
        assert 0.915 * 300 <= hits[term] <= 0.99 * 300, (term, hits[term])
        spread = np.std(estimates[term])
        assert np.mean(errors[term]) == pytest.approx(spread, rel=0.15), term
        assert np.mean(estimates[term]) == pytest.approx(value, abs=5 * spread / np.sqrt(300)), term


def test_independent_weighted_years_have_the_error_of_repeated_runs():
    """Importance sampling without strata: X ~ N(-2, 1) weighted back to N(0, 1)."""
    rng = np.random.default_rng(8)
    means, errors = [], []
    for _ in range(300):
        x = rng.normal(size=400)
        x[200:] -= 2.0
        weight = 1 / (0.5 + 0.5 * np.exp(-2.0 * x - 2.0))
        weight /= weight.sum()
        row = loss_measures(np.maximum(-x, 0), [0.99], weight=weight).iloc[0]
        means.append(row.estimate)
        errors.append(row.mc_error)
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.15)


def test_wrong_weights_are_refused():
    for weight in ([0.5, 0.5], [0.2, 0.2, 0.2], [1.5, -0.25, -0.25], [np.nan, 0.5, 0.5]):
        with pytest.raises(ModelError):
            loss_measures([1.0, 2.0, 3.0], weight=weight)
    assert np.isnan(mean_error([1.0], [1.0]))
