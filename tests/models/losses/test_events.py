"""Simulated default events: exact in law, reproducible, honest about their error."""

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.losses.closed_form import finite_pool_pmf
from arrisk.models.losses.measures import loss_measures
from arrisk.models.losses.portfolio import Dependence, make_portfolio
from arrisk.models.losses.simulation import simulate_losses


def test_default_counts_follow_the_finite_pool():
    draws = 100_000
    book = make_portfolio(0.1, np.ones(10), 1.0)
    runs = simulate_losses(book, Dependence(0.2), draws=draws, seed=5, sampling="plain")
    seen = np.bincount(runs.totals().astype(int), minlength=11)
    expected = finite_pool_pmf(10, 0.1, 0.2) * draws
    cells = expected > 5
    chi2 = ((seen - expected)[cells] ** 2 / expected[cells]).sum()
    assert chi2 < 29.6  # 99.9% point with 10 degrees of freedom


def test_each_obligor_defaults_at_its_own_rate():
    pd = np.geomspace(0.001, 0.3, 25)
    draws = 60_000
    book = make_portfolio(pd, np.ones(25), 1.0)
    runs = simulate_losses(book, Dependence(0.15), draws=draws, seed=9, sampling="plain")
    rate = np.bincount(runs.obligor, minlength=25) / draws
    assert (np.abs(rate - pd) < 4.5 * np.sqrt(pd * (1 - pd) / draws) + 1e-9).all()


def test_pairs_default_together_as_often_as_the_factor_says():
    from scipy import stats

    runs = simulate_losses(
        make_portfolio([0.1, 0.1], [1.0, 1.0], 1.0), Dependence(0.3), draws=200_000, seed=2, sampling="plain"
    )
    both = (runs.totals() == 2).mean()
    x = stats.norm.ppf(0.1)
    joint = stats.multivariate_normal([0, 0], [[1, 0.3], [0.3, 1]]).cdf([x, x])
    assert both == pytest.approx(joint, abs=4 * np.sqrt(joint / 200_000))


def test_the_same_for_any_number_of_workers():
    args = make_portfolio([0.01, 0.05, 0.2] * 20, np.arange(1.0, 61.0), 0.6), Dependence(0.15)
    one = simulate_losses(*args, draws=12_345, seed=11, n_jobs=1)
    two = simulate_losses(*args, draws=12_345, seed=11, n_jobs=2)
    other = simulate_losses(*args, draws=12_345, seed=12)
    assert np.array_equal(one.draw, two.draw)
    assert np.array_equal(one.obligor, two.obligor)
    assert not np.array_equal(one.totals(), other.totals())


def test_events_are_sorted_unique_and_priced():
    runs = simulate_losses(
        make_portfolio([0.5, 0.0, 1.0], [10.0, 20.0, 40.0], [1.0, 1.0, 0.25]),
        Dependence(0.1),
        draws=500,
        seed=3,
    )
    keys = runs.draw * 3 + runs.obligor
    assert (np.diff(keys) > 0).all()
    assert 1 not in runs.obligor
    assert (np.bincount(runs.obligor, minlength=3)[2]) == 500
    assert set(runs.loss[runs.obligor == 2]) == {10.0}
    assert runs.totals(runs.balance).sum() == pytest.approx(runs.balance.sum())


def test_no_risk_gives_no_events():
    runs = simulate_losses(make_portfolio(0.0, [1.0, 2.0], 0.5), Dependence(0.1), draws=50)
    assert runs.draw.size == 0
    assert (runs.table.estimate == 0).all()


def test_monte_carlo_ranges_cover_the_truth():
    """Exponential totals have known mean, quantiles and tail means."""
    rng = np.random.default_rng(4)
    truth = {"expected": 1.0, "quantile_99": -np.log(0.01), "tvar_99": 1 - np.log(0.01)}
    hits = dict.fromkeys(truth, 0)
    for _ in range(200):
        table = loss_measures(rng.exponential(size=4000), levels=[0.99]).set_index("term")
        for term, value in truth.items():
            hits[term] += table.loc[term, "mc_low"] <= value <= table.loc[term, "mc_high"]
    assert all(176 <= count <= 199 for count in hits.values()), hits


def test_measures_of_a_known_sample():
    table = loss_measures(np.arange(1.0, 101.0), levels=[0.95]).set_index("term")
    assert table.loc["expected", "estimate"] == 50.5
    assert table.loc["quantile_95", "estimate"] == 95
    assert table.loc["tvar_95", "estimate"] == pytest.approx(98)


def test_plot_says_the_unit():
    ax = simulate_losses(make_portfolio(0.05, [10.0] * 20, 1.0), Dependence(0.1), draws=500).plot()
    assert "currency" in ax.get_xlabel()
    ax.figure.clear()


@pytest.mark.parametrize(
    "bad",
    [
        {"pd": [0.1, 0.2, 0.3]},
        {"pd": 1.5},
        {"lgd": 1.5},
        {"rho": 1.0},
        {"draws": 0},
        {"exposure": [-1.0, 2.0]},
        {"exposure": []},
    ],
)
def test_impossible_inputs_are_errors(bad):
    args = {"pd": 0.1, "exposure": [1.0, 2.0], "lgd": 0.5, "rho": 0.1, "draws": 10} | bad
    with pytest.raises(ModelError):
        _run(**args)


def _run(rho, draws, **columns):
    return simulate_losses(make_portfolio(**columns), Dependence(rho), draws)
