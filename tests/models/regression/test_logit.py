from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from arrisk.errors import ModelError
from arrisk.models.regression.logit import fit_logit
from arrisk.models.regression.separation import find_separation


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


def test_clustered_errors_match_statsmodels():
    x, y, who = clustered_data(1)
    fit = fit_logit(x, y, clusters=who)
    peer = sm.Logit(y.astype(float), sm.add_constant(x)).fit(
        disp=0, cov_type="cluster", cov_kwds={"groups": who}
    )
    np.testing.assert_allclose(fit.coefficients, peer.params, rtol=1e-6)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), peer.bse, rtol=1e-6)


@pytest.mark.slow
def test_a_covariate_without_effect_is_not_significant_too_often():
    hits = {"clustered": 0, "independent": 0}
    runs = 60
    for seed in range(runs):
        x, y, who = clustered_data(seed + 10)
        for name, clusters in (("clustered", who), ("independent", None)):
            hits[name] += fit_logit(x, y, clusters=clusters).table.loc[1, "p_value"] < 0.05
    assert hits["clustered"] / runs < 0.15
    assert hits["independent"] / runs > 0.3


@pytest.mark.parametrize("cells", [((6, 0), (3, 4)), ((12, 1), (5, 9)), ((4, 3), (0, 8))])
def test_firth_on_a_two_by_two_table_adds_half_to_each_cell(cells):
    (a, b), (c, d) = cells
    x = [[0.0]] * (a + b) + [[1.0]] * (c + d)
    y = [0] * a + [1] * b + [0] * c + [1] * d
    fit = fit_logit(x, y, penalty="firth")
    odds = (d + 0.5) * (a + 0.5) / ((c + 0.5) * (b + 0.5))
    assert fit.coefficients[1] == pytest.approx(np.log(odds), abs=1e-7)


def test_firth_solves_its_modified_score_and_is_re_centred():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(300, 3))
    y = rng.random(300) < 1 / (1 + np.exp(3.5 - x[:, 0]))
    fit = fit_logit(x, y, penalty="firth")
    assert fit.probability(x).sum() == pytest.approx(y.sum(), abs=1e-8)

    def penalised(beta):
        eta = np.column_stack([np.ones(300), x]) @ beta
        p = 1 / (1 + np.exp(-eta))
        design = np.column_stack([np.ones(300), x])
        information = (design.T * (p * (1 - p))) @ design
        return (
            np.log(np.where(y, p, 1 - p)).sum() + 0.5 * np.linalg.slogdet(information)[1],
            design.T
            @ (y - p + (p * (1 - p) * np.sum(design @ np.linalg.inv(information) * design, 1)) * (0.5 - p)),
        )

    from scipy.optimize import root

    solved = root(lambda b: penalised(b)[1], np.r_[-3.5, 1.0, 0, 0], tol=1e-12)
    np.testing.assert_allclose(fit.coefficients[1:], solved.x[1:], atol=1e-7)
    assert fit.log_likelihood == pytest.approx(penalised(solved.x)[0], abs=1e-9)


def test_separation_is_named_and_refused_and_firth_stays_finite():
    x = np.array([[1.0, 5], [2, 3], [3, 8], [4, 1], [5, 9], [6, 2]])
    y = [0, 0, 0, 1, 1, 1]
    assert "x1" in find_separation(x, y)
    with pytest.raises(ModelError, match=r"x1.*separate"):
        fit_logit(x, y)
    fit = fit_logit(x, y, penalty="firth")
    assert np.abs(fit.coefficients).max() < 10


def test_quasi_separation_is_found_and_overlap_is_not():
    assert find_separation([[0.0], [0], [1], [1]], [0, 1, 1, 1]) == ("x1",)
    assert find_separation([[0.0], [0], [1], [1]], [0, 1, 0, 1]) == ()
    rng = np.random.default_rng(3)
    assert find_separation(rng.normal(size=(500, 4)), rng.random(500) < 0.05) == ()


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
