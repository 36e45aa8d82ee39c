from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.regression import likelihood
from arrisk.models.regression.design import make_design
from arrisk.models.regression.logit import fit_logit
from arrisk.models.regression.sandwich import clustered_covariance


def clustered_data(seed: int, customers: int = 60, rows: int = 20):
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(customers), rows)
    level = np.repeat(rng.normal(0, 2.0, customers), rows)
    of_customer = np.repeat(rng.normal(size=customers), rows)
    x = np.column_stack([of_customer, rng.normal(size=who.size)])
    y = rng.random(who.size) < 1 / (1 + np.exp(-(level - 1 + 0.5 * x[:, 1])))
    return x, y, who


def test_spector_matches_the_published_fit():
    data = sm.datasets.spector.load_pandas()
    fit = fit_logit(data.exog, data.endog)
    assert fit.names == ("const", "GPA", "TUCE", "PSI")
    np.testing.assert_allclose(fit.coefficients, [-13.021347, 2.826113, 0.095158, 2.378688], atol=5e-7)
    np.testing.assert_allclose(fit.table["se"], [4.931324, 1.262941, 0.141554, 1.064564], atol=5e-7)
    assert fit.log_likelihood == pytest.approx(-12.88963, abs=5e-6)


def pieces(x, y, who, fit):
    """Scores by customer, information by customer and in whole, written down a second time."""
    z, p = sm.add_constant(x), fit.probability(x)
    scores = z * (y - p)[:, None]
    parts = [(z[who == g].T * (p * (1 - p))[who == g]) @ z[who == g] for g in np.unique(who)]
    return scores, np.array([scores[who == g].sum(axis=0) for g in np.unique(who)]), np.array(parts)


def test_clustered_errors_are_those_of_leaving_out_a_customer():
    x, y, who = clustered_data(1)
    fit = fit_logit(x, y, clusters=who)
    scores, sums, parts = pieces(x, y, who, fit)
    whole = parts.sum(axis=0)
    moves = np.array([np.linalg.solve(whole - part, s) for part, s in zip(parts, sums, strict=True)])
    expected = 59 / 60 * moves.T @ moves
    assert (np.diag(expected)[:2] > np.diag(np.linalg.inv(whole))[:2]).all()
    np.testing.assert_allclose(fit.covariance[:2, :2], expected[:2, :2], rtol=1e-6)
    spread = (moves**4).sum(axis=0) - (moves**2).sum(axis=0) ** 2 / 60
    np.testing.assert_allclose(fit.df, np.minimum(59, 2 * (moves**2).sum(axis=0) ** 2 / spread), rtol=1e-6)
    refitted = np.array([fit_logit(x[who != g], y[who != g]).coefficients for g in range(60)])
    jackknife = 59 / 60 * ((refitted - fit.coefficients) ** 2).sum(axis=0)
    np.testing.assert_allclose(np.diag(fit.covariance)[:2], jackknife[:2], rtol=0.02)
    peer = sm.Logit(y.astype(float), sm.add_constant(x)).fit(
        disp=0, tol=1e-14, cov_type="cluster", cov_kwds={"groups": who}
    )
    plain = clustered_covariance(scores, np.linalg.inv(whole), who)
    np.testing.assert_allclose(plain, peer.cov_params(), rtol=1e-6)


def test_no_clustered_variance_is_below_the_models_own():
    """Sixteen customers without a default are no proof: their scores hardly differ."""
    rng = np.random.default_rng(4)
    who = np.repeat(np.arange(120), 8)
    x = np.column_stack([who < 16, rng.normal(size=who.size)]).astype(float)
    y = (rng.random(who.size) < 0.1) & (x[:, 0] == 0)
    alone, together = fit_logit(x, y, None, "firth"), fit_logit(x, y, who, "firth")
    _, sums, parts = pieces(x, y, who, together)
    naive = np.linalg.solve(parts.sum(axis=0), sums.T)
    assert (naive[1] ** 2).sum() < alone.covariance[1, 1] / 2
    assert together.covariance[1, 1] == pytest.approx(alone.covariance[1, 1])
    assert (np.diag(together.covariance) >= np.diag(alone.covariance) * (1 - 1e-12)).all()
    assert np.linalg.eigvalsh(together.covariance)[0] > 0


def test_few_customers_with_leverage_leave_few_degrees_of_freedom():
    rng = np.random.default_rng(5)
    who = np.repeat(np.arange(400), 6)
    heavy = np.exp(2 * rng.normal(size=400))
    x = np.column_stack([heavy[who], rng.normal(size=who.size)])
    y = rng.random(who.size) < np.repeat(rng.beta(0.2, 2.0, 400), 6)
    fit = fit_logit(x, y, clusters=who)
    assert fit.df[1] < 60 < fit.df[2] < 400
    half = fit.table["ci_high"][1] - fit.table["estimate"][1]
    assert half == pytest.approx(stats.t.ppf(0.975, fit.df[1]) * np.sqrt(fit.covariance[1, 1]))


def test_a_term_of_one_customer_alone_leaves_the_errors_finite():
    rng = np.random.default_rng(6)
    who = np.repeat(np.arange(50), 10)
    x = np.column_stack([who == 7, rng.normal(size=500)]).astype(float)
    y = rng.random(500) < 0.3
    y[who == 7] = np.arange(10) < 4
    table = fit_logit(x, y, clusters=who).table
    assert np.isfinite(table[["se", "ci_low", "ci_high"]]).all(axis=None)
    assert table["se"][1] >= fit_logit(x, y).table["se"][1] - 1e-12


@pytest.mark.slow
def test_a_covariate_without_effect_is_not_significant_too_often():
    hits = {"clustered": 0, "independent": 0}
    runs = 200
    for seed in range(runs):
        x, y, who = clustered_data(seed + 10)
        for name, clusters in (("clustered", who), ("independent", None)):
            hits[name] += fit_logit(x, y, clusters=clusters).table.loc[1, "p_value"] < 0.05
    assert 0.01 < hits["clustered"] / runs < 0.09
    assert hits["independent"] / runs > 0.4


def test_separation_is_named_and_refused_and_firth_stays_finite():
    x = np.array([[1.0, 5], [2, 3], [3, 8], [4, 1], [5, 9], [6, 2]])
    y = [0, 0, 0, 1, 1, 1]
    with pytest.raises(ModelError, match=r"x1.*separate"):
        fit_logit(x, y)
    fit = fit_logit(x, y, penalty="firth")
    assert np.abs(fit.coefficients).max() < 10
    assert fit.separated == ("x1",)
    assert fit.choice == "Firth with re-centred intercept, as asked; x1 separates events from non-events"
    assert fit_logit(x, y, penalty="auto").choice.endswith("since x1 separates events from non-events")


def test_interval_of_a_probability_holds_it():
    x, y, who = clustered_data(4)
    fit = fit_logit(x, y, clusters=who)
    low, high = fit.interval(x)
    assert ((low < fit.probability(x)) & (fit.probability(x) < high)).all()
    wide_low, _ = fit.interval(x, level=0.999)
    assert (wide_low < low).all()


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        ([[1.0], [2.0]], [0, 0], "both 0 and 1"),
        ([[np.nan], [2.0]], [0, 1], "missing"),
        ([[1.0], [1.0], [1.0]], [0, 1, 0], "x1 are constant"),
        ([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]], [0, 1, 0], "collinear"),
        ([[1.0], [2.0]], [0, 1, 1], "expected"),
    ],
)
def test_unusable_input_is_refused(x, y, says):
    with pytest.raises(ModelError, match=says):
        fit_logit(x, y)


def test_random_fits_match_statsmodels():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(400, 4)) * [1, 1e4, 1e-5, 1] + [0, 1e6, 0, 40]
        z = (x - [0, 1e6, 0, 40]) / [1, 1e4, 1e-5, 1]
        y = rng.random(400) < 1 / (1 + np.exp(2 - z @ [1.0, 0.5, 0.0, -0.7]))
        times = rng.integers(0, 4, 400)
        fit = fit_logit(z, y, weights=times)
        again = [np.repeat(v, times, axis=0) for v in (z, y)]
        model = sm.Logit(again[1].astype(float), sm.add_constant(again[0]))
        peer = model.fit(disp=0, tol=1e-14)
        np.testing.assert_allclose(fit.coefficients, peer.params, atol=1e-8)
        np.testing.assert_allclose(fit.covariance, peer.cov_params(), rtol=1e-6)
        assert fit.log_likelihood == pytest.approx(peer.llf, abs=1e-8)
        assert (fit.n, fit.events) == (times.sum(), (times * y).sum())
        scaled = fit_logit(x, y, weights=times)
        np.testing.assert_allclose(scaled.linear(x), fit.linear(z), atol=1e-7)


@pytest.mark.parametrize("penalty", [None, "firth"])
@pytest.mark.parametrize("by_customer", [False, True])
def test_equal_rows_may_be_given_once(penalty, by_customer):
    rng = np.random.default_rng(11)
    x, who = rng.integers(0, 3, size=(500, 3)).astype(float), rng.integers(0, 40, 500)
    y = rng.random(500) < 0.15 + 0.1 * x[:, 0]
    rows = np.column_stack([x, y, who if by_customer else np.zeros(500)])
    once, times = np.unique(rows, axis=0, return_counts=True)
    many = fit_logit(x, y, who if by_customer else None, penalty)
    few = fit_logit(once[:, :3], once[:, 3], once[:, 4] if by_customer else None, penalty, weights=times)
    np.testing.assert_allclose(few.coefficients, many.coefficients, atol=1e-10)
    np.testing.assert_allclose(few.covariance, many.covariance, rtol=1e-8)
    assert few.log_likelihood == pytest.approx(many.log_likelihood, abs=1e-9)


def test_more_rows_than_a_block_in_any_order_give_the_same_fit():
    rng = np.random.default_rng(12)
    x = rng.normal([50.0, 0.0, 0.0], 1.0, size=(30_000, 3))
    y = rng.random(len(x)) < 1 / (1 + np.exp(3 - x[:, 1]))
    fits = [fit_logit(form, y) for form in (x, np.asfortranarray(x), np.hstack([x, x])[:, :3])]
    peer = sm.Logit(y.astype(float), sm.add_constant(x)).fit(disp=0, tol=1e-14)
    for fit in fits:
        np.testing.assert_allclose(fit.coefficients, peer.params, atol=1e-8)
        np.testing.assert_allclose(fit.covariance, peer.cov_params(), rtol=1e-6)


def test_a_warm_start_from_some_of_the_rows_changes_nothing(monkeypatch):
    rng = np.random.default_rng(13)
    x = rng.normal(size=(9_000, 4))
    y = rng.random(len(x)) < 1 / (1 + np.exp(4 - x[:, 0]))
    whole = fit_logit(x, y)
    monkeypatch.setattr("arrisk.models.regression.separation.SAMPLE", 200)
    np.testing.assert_allclose(fit_logit(x, y).coefficients, whole.coefficients, atol=1e-10)


def test_firth_is_chosen_by_events_a_term_and_the_reason_is_told():
    rng = np.random.default_rng(14)
    x = rng.normal(size=(600, 4))
    for events, penalty in ((39, "firth"), (40, None), (561, "firth")):
        y = np.arange(600) < events
        fit = fit_logit(x, y, penalty="auto")
        assert fit.penalty == penalty
    assert fit.choice == (
        "Firth with re-centred intercept, since 39 non-events for 4 terms are 9.8 a term, fewer than 10"
    )
    assert "none separates" in fit_logit(x, np.arange(600) < 300, penalty="auto")._repr_html_()
    who = np.arange(600) // 5
    told = fit_logit(x, np.arange(600) < 60, who, penalty="auto").choice
    assert "12 customers with an event for 4 terms are 3.0 a term" in told


def test_a_fit_that_does_not_converge_is_refused(monkeypatch):
    x, y, _ = clustered_data(15)
    monkeypatch.setattr(likelihood, "MAX_STEPS", 1)
    with pytest.raises(ModelError, match="did not converge in 1 steps"):
        fit_logit(x, y, penalty="firth")
    monkeypatch.undo()
    monkeypatch.setattr(likelihood, "MAX_HALVINGS", 0)
    with pytest.raises(ModelError, match="did not converge"):
        fit_logit(x, y)


def test_steps_are_halved_until_the_likelihood_grows():
    """From far out the full step overshoots; the climb still ends at the top."""
    rng = np.random.default_rng(16)
    x = rng.normal(size=(200, 2))
    y = rng.random(200) < 0.5
    design = make_design(x, y)

    def at(beta):
        return likelihood.likelihood_point(design, beta)

    far = likelihood.climb(at, np.array([9.0, -9.0, 9.0]))
    np.testing.assert_allclose(far.beta, likelihood.climb(at, np.zeros(3)).beta, atol=1e-9)


def test_the_constant_alone_is_the_log_odds():
    fit = fit_logit(np.empty((10, 0)), [1, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    assert fit.coefficients[0] == pytest.approx(np.log(2 / 8))
    assert fit.covariance[0, 0] == pytest.approx(1 / 2 + 1 / 8)


def test_the_caller_keeps_the_rows_as_they_were():
    x, y, who = clustered_data(17)
    before = x.copy()
    fit_logit(x, y, who, "firth")
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize(
    ("weights", "says"),
    [([1.0, 1.0], "expected"), ([1.0, -1.0, 1.0, 1.0], "not negative"), ([0, 0, 1, 1], "both")],
)
def test_unusable_weights_are_refused(weights, says):
    with pytest.raises(ModelError, match=says):
        fit_logit([[1.0], [2.0], [3.0], [2.0]], [0, 1, 0, 0], weights=weights)


def test_collinear_terms_are_named_without_the_others():
    rng = np.random.default_rng(18)
    x = pd.DataFrame(rng.normal(size=(50, 3)), columns=["a", "b", "c"]).assign(
        d=lambda f: f["a"] - 2 * f["c"]
    )
    with pytest.raises(ModelError, match="the terms a, c, d are collinear"):
        fit_logit(x, rng.random(50) < 0.5)


def test_classes_that_barely_overlap_are_penalised_by_rule_and_refused_without_penalty():
    near = np.arange(2, 100) * 2e-5
    x = np.concatenate([near, -near, np.ones(200), -np.ones(200), [-2e-5, 2e-5]])
    y = x > 0
    y[-2:] = True, False
    with pytest.raises(ModelError, match="did not converge"):
        fit_logit(x[:, None], y)
    fit = fit_logit(x[:, None], y, penalty="auto")
    assert fit.penalty == "firth"
    assert "barely overlap" in fit.choice
    assert fit.probability(x[:, None]).sum() == pytest.approx(y.sum(), abs=1e-6)
