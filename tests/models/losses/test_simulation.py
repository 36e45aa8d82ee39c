"""Sampling of bad years, industry factors, random losses: exact in law, alike for workers and kernels."""

import numpy as np
import pytest
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.losses import compiled
from arrisk.models.losses.closed_form import finite_pool_pmf, vasicek_expected_shortfall, vasicek_quantile
from arrisk.models.losses.events import LossEvents
from arrisk.models.losses.portfolio import Dependence, make_portfolio
from arrisk.models.losses.severity import MOST_LAWS, make_severity
from arrisk.models.losses.simulation import iterate_events, map_events, simulate_losses

FIELDS = ("weight", "factor", "start", "obligor", "severity")


def make_book(obligors=60, spread=0.2, industries=3, seed=0):
    rng = np.random.default_rng(seed)
    industry = rng.integers(0, industries, obligors).astype(str)
    pd = np.geomspace(0.002, 0.2, obligors)
    return make_portfolio(pd, rng.lognormal(5, 1, obligors), 0.6, spread, industry)


@pytest.mark.parametrize("sampling", ["mixture", "plain"])
@pytest.mark.parametrize("industry_rho", [0.0, 0.1])
def test_the_same_for_any_worker_and_kernel(sampling, industry_rho):
    for obligors, draws in ((1, 5_100), (1_030, 2_500)):
        book, dependence = make_book(obligors), Dependence(0.15, industry_rho)
        runs = [
            simulate_losses(book, dependence, draws, 3, n_jobs, sampling, kernel)
            for n_jobs, kernel in ((1, "numpy"), (2, "numpy"), (1, "numba"), (2, "numba"))
        ]
        for field in FIELDS:
            seen = [getattr(run, field) for run in runs]
            assert all(np.array_equal(seen[0], other) for other in seen[1:]), (obligors, field)
            assert seen[0].dtype == seen[2].dtype


@pytest.mark.parametrize("sampling", ["mixture", "plain"])
def test_chunks_are_the_whole_run(sampling):
    book, dependence = make_book(300), Dependence(0.15, 0.05)
    whole = simulate_losses(book, dependence, 12_000, 5, sampling=sampling)
    parts = list(iterate_events(book, dependence, 12_000, 5, sampling=sampling))
    assert len(parts) > 1
    assert sum(part.weight.sum() for part in parts) == pytest.approx(1)
    for field in ("weight", "factor", "obligor", "severity"):
        np.testing.assert_array_equal(
            np.concatenate([getattr(p, field) for p in parts]), getattr(whole, field)
        )
    totals = map_events(LossEvents.totals, book, dependence, 12_000, 5, n_jobs=2, sampling=sampling)
    np.testing.assert_allclose(np.concatenate(totals), whole.totals(), rtol=1e-12)


def test_weights_are_those_of_a_standard_normal_factor():
    run = simulate_losses(make_book(), Dependence(0.15), draws=4_000, seed=1)
    assert run.weight.sum() == pytest.approx(1, abs=1e-12)
    assert run.weight.max() <= 2.01 / 4_000  # no year counts more than twice the average
    assert run.weight @ run.factor == pytest.approx(0, abs=2e-4)
    assert run.weight @ run.factor**2 == pytest.approx(1, abs=2e-3)
    assert (run.factor < stats.norm.ppf(0.01)).mean() > 0.2
    order = np.argsort(run.factor)
    reached = np.cumsum(run.weight[order])
    np.testing.assert_allclose(reached, stats.norm.cdf(run.factor[order]), atol=2.01 / 4_000)


def test_the_same_seed_gives_the_same_factor_to_every_book():
    one = simulate_losses(make_book(20), Dependence(0.15), draws=3_000, seed=7)
    two = simulate_losses(make_book(500).scaled(3), Dependence(0.3, 0.1), draws=3_000, seed=7)
    np.testing.assert_array_equal(one.factor, two.factor)
    np.testing.assert_array_equal(one.weight, two.weight)


def test_no_common_factor_needs_no_bad_years():
    run = simulate_losses(make_book(), Dependence(0.0, 0.2), draws=1_000, seed=7)
    np.testing.assert_allclose(run.weight, 1 / 1_000, rtol=1e-3)


def test_each_obligor_defaults_at_its_own_rate():
    book = make_book(40)
    run = simulate_losses(book, Dependence(0.15, 0.1), draws=60_000, seed=9)
    rate, error = run.mean(run.by_draw(np.eye(40)))
    assert (np.abs(rate - book.pd) < 4.5 * error + 1e-9).all()
    assert (error < np.sqrt(book.pd * (1 - book.pd) * 2 / 60_000)).all()


@pytest.mark.parametrize("sampling", ["mixture", "plain"])
def test_pairs_default_together_as_often_as_the_factors_say(sampling):
    book = make_portfolio([0.1, 0.03, 0.1], [1.0] * 3, 1.0, industry=["a", "a", "b"])
    run = simulate_losses(book, Dependence(0.2, 0.25), draws=150_000, seed=2, sampling=sampling)
    failed = run.by_draw(np.eye(3))
    for one, two, rho in ((0, 1, 0.45), (0, 2, 0.2), (1, 2, 0.2)):
        edge = stats.norm.ppf(book.pd[[one, two]])
        exact = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf(edge)
        both, error = run.mean(failed[:, one] * failed[:, two])
        assert both == pytest.approx(exact, abs=4 * float(error))
        assert error < 0.05 * exact


@pytest.mark.parametrize("kernel", ["numpy", "numba"])
def test_a_large_book_defaults_at_its_own_rates_and_together(kernel):
    """More obligors than are drawn one by one: their hits are thinned by rates."""
    chance = np.concatenate([[0.0, 1.0, 0.999], np.geomspace(1e-4, 0.6, 1_200)])
    book = make_portfolio(chance, np.ones(chance.size), 1.0, industry=np.arange(chance.size) % 2)
    run = simulate_losses(book, Dependence(0.1, 0.1), draws=4_000, seed=2, sampling="plain", kernel=kernel)
    keys = run.draw * chance.size + run.obligor
    assert (np.diff(keys) > 0).all()
    times = np.bincount(run.obligor, minlength=chance.size)
    assert (times[:2] == [0, 4_000]).all()
    assert (np.abs(times / 4_000 - chance) < 5 * np.sqrt(chance * (1 - chance) / 4_000) + 1e-3).all()
    assert times[3:].sum() / 4_000 == pytest.approx(chance[3:].sum(), rel=0.03)
    last = run.by_draw(np.eye(chance.size)[:, -21:])
    edge = stats.norm.ppf(chance[-21:])
    for other, rho in ((1, 0.1), (2, 0.2)):
        exact = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf(edge[[-1, -1 - other]])
        both = (last[:, -1] * last[:, -1 - other]).mean()
        assert both == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 4_000))


@pytest.mark.parametrize("kernel", ["numpy", "numba"])
def test_default_counts_follow_the_finite_pool(kernel):
    book = make_portfolio(0.1, np.ones(10), 1.0)
    run = simulate_losses(book, Dependence(0.2), draws=50_000, seed=5, kernel=kernel)
    share, error = run.mean(run.totals()[:, None] == np.arange(11))
    assert (np.abs(share - finite_pool_pmf(10, 0.1, 0.2)) < 4 * error + 1e-12).all()


def test_a_large_pool_meets_the_closed_form():
    """20,000 equal names: the loss is nearly the conditional rate (Vasicek 2002)."""
    book = make_portfolio(0.02, np.full(20_000, 1 / 20_000), 1.0)
    table = simulate_losses(book, Dependence(0.15), draws=4_000, seed=1).table.set_index("term")
    assert table.loc["expected", "estimate"] == pytest.approx(0.02, rel=2e-3)
    for level in (0.95, 0.99, 0.995):
        exact = vasicek_quantile(0.02, 0.15, level)
        assert table.loc[f"quantile_{level * 100:g}", "estimate"] == pytest.approx(exact, rel=0.01)
    exact = vasicek_expected_shortfall(0.02, 0.15, 0.995)
    assert table.loc["tvar_99.5", "estimate"] == pytest.approx(exact, rel=2e-3)


def test_bad_years_are_known_far_better_than_by_plain_years():
    book = make_portfolio(0.02, np.ones(2_000), 0.6, 0.2)
    plain, mixed = (
        simulate_losses(book, Dependence(0.15), 5_000, 3, sampling=s).table.set_index("term").mc_error
        for s in ("plain", "mixture")
    )
    assert ((plain / mixed) ** 2)["expected"] > 10
    assert ((plain / mixed) ** 2)["tvar_99.5"] > 100


@pytest.mark.parametrize("laws", ["one", "many"])
def test_random_losses_follow_the_beta_law(laws):
    count = MOST_LAWS + 6
    mean = np.full(count, 0.4) if laws == "one" else np.linspace(0.3, 0.5, count)
    book = make_portfolio(1.0, np.ones(count), mean, 0.25)
    run = simulate_losses(book, Dependence(0.1), draws=500, seed=4, sampling="plain")
    assert run.severity.dtype == np.float32
    assert (make_severity(book).values.size > 0) == (laws == "one")
    a, b = (m * (mean * (1 - mean) / 0.25**2 - 1) for m in (mean, 1 - mean))
    uniform = stats.beta.cdf(run.severity, a[run.obligor], b[run.obligor])
    assert stats.kstest(uniform, "uniform").pvalue > 1e-3
    one = run.severity[run.obligor == 7]
    assert np.corrcoef(one[1:], one[:-1])[0, 1] == pytest.approx(0, abs=0.2)


def test_held_laws_have_the_mean_and_nearly_the_spread():
    pairs = [(0.5, 0.1), (0.6, 0.2), (0.3, 0.4), (0.9, 0.25), (0.02, 0.1), (0.4, np.sqrt(0.24) - 1e-6)]
    mean, spread = np.array(pairs).T
    law = make_severity(make_portfolio(0.1, np.ones(len(pairs)), mean, spread))
    values = law.values[law.law].astype(float)
    np.testing.assert_allclose(values.mean(axis=1), mean, rtol=1e-5)
    np.testing.assert_allclose(values.std(axis=1), spread, rtol=1e-3)
    assert (values >= 0).all()
    assert (values <= 1).all()


def test_fixed_losses_stay_exact_beside_random_ones():
    book = make_portfolio(0.5, [1.0, 1.0], 0.25, [0.0, 0.2])
    run = simulate_losses(book, Dependence(0.1), draws=300)
    assert set(run.severity[run.obligor == 0]) == {0.25}
    assert len(set(run.severity[run.obligor == 1])) > 50


@pytest.mark.parametrize("kernel", ["numpy", "numba"])
def test_sums_by_draw(kernel, monkeypatch):
    monkeypatch.setattr("arrisk.models.losses.events.can_compile", lambda steps: kernel == "numba")
    run = simulate_losses(make_book(30), Dependence(0.2), draws=400, seed=6)
    values = np.random.default_rng(1).random((30, 70))
    slow, lost = np.zeros((400, 70)), np.zeros((400, 70))
    for draw, who, share in zip(run.draw, run.obligor, run.severity, strict=True):
        slow[draw] += values[who]
        lost[draw] += values[who] * float(share)
    np.testing.assert_allclose(run.by_draw(values), slow)
    np.testing.assert_allclose(run.by_draw(values, lost=True), lost)
    np.testing.assert_allclose(run.by_draw(values[:, 0]), slow[:, 0])
    np.testing.assert_allclose(run.both_by_draw(values), [slow, lost])
    np.testing.assert_allclose(run.totals(values[run.obligor, 1]), slow[:, 1])
    np.testing.assert_allclose(run.totals(), np.bincount(run.draw, run.loss, minlength=400))
    with pytest.raises(ModelError, match="30 obligors"):
        run.by_draw(values[:5])


def test_without_numba_the_draws_are_the_same(monkeypatch):
    book = make_book()
    there = simulate_losses(book, Dependence(0.2), draws=300, kernel="numba")
    monkeypatch.setattr(compiled, "is_there", lambda: False)
    assert not compiled.can_compile(1e12)
    gone = simulate_losses(book, Dependence(0.2), draws=300)
    np.testing.assert_array_equal(there.obligor, gone.obligor)
    with pytest.raises(ModelError, match="extra \\[fast\\]"):
        simulate_losses(book, Dependence(0.2), draws=300, kernel="numba")


def test_no_risk_gives_no_events():
    book = make_portfolio(0.0, [1.0, 2.0], 0.5, 0.1, ["a", "b"])
    for kernel in ("numpy", "numba"):
        run = simulate_losses(book, Dependence(0.1, 0.1), draws=50, kernel=kernel)
        assert run.obligor.size == 0
        assert (run.table.estimate == 0).all()
        assert (run.by_draw(np.ones((2, 3))) == 0).all()


@pytest.mark.parametrize(
    "bad", [{"sampling": "sobol"}, {"kernel": "cuda"}, {"draws": 0}, {"shift": np.inf}, {"draws": -3}]
)
def test_impossible_inputs_are_errors(bad):
    with pytest.raises(ModelError):
        simulate_losses(make_book(), Dependence(0.1), **{"draws": 10, **bad})


@pytest.mark.slow
def test_ranges_of_the_engine_cover_what_quadrature_knows():
    """100 equal names: mean and tail mean of the number of defaults from the finite pool."""
    names, rho, level = 100, 0.15, 0.99
    pmf = finite_pool_pmf(names, 0.04, rho)
    edge = int(np.searchsorted(pmf.cumsum(), level))
    above = np.maximum(np.arange(names + 1) - edge, 0) @ pmf
    truth = {"expected": names * 0.04, "quantile_99": edge, "tvar_99": edge + above / (1 - level)}
    book, hits, seen = make_portfolio(0.04, np.ones(names), 1.0), dict.fromkeys(truth, 0), []
    for seed in range(200):
        table = simulate_losses(book, Dependence(rho), 1_000, seed).measures(levels=[level])
        table = table.set_index("term")
        seen.append(table.loc["tvar_99"])
        for term, value in truth.items():
            hits[term] += table.loc[term, "mc_low"] <= value <= table.loc[term, "mc_high"]
    assert 0.9 * 200 <= hits["expected"] <= 0.995 * 200
    assert 0.9 * 200 <= hits["tvar_99"] <= 0.995 * 200
    assert hits["quantile_99"] >= 0.92 * 200  # defaults are whole, so the range covers more often
    tails = np.array([row.estimate for row in seen], dtype=float)
    assert np.mean([row.mc_error for row in seen]) == pytest.approx(tails.std(), rel=0.2)
    assert tails.mean() == pytest.approx(truth["tvar_99"], abs=4 * tails.std() / np.sqrt(200))
