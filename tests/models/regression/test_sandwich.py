from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.stats.tests

from arrisk.errors import ModelError
from arrisk.models.regression.sandwich import carried_by, clustered_covariance, floored, left_out


def test_petersens_panel_gives_the_published_errors():
    """5,000 firm-years of Petersen (2009), which come with the tests of statsmodels."""
    path = Path(statsmodels.stats.tests.__file__).parent / "test_data.txt"
    panel = pd.read_csv(path, sep=r"\s+", header=None, names=["firm", "year", "x", "y"])
    x = np.column_stack([np.ones(len(panel)), panel["x"]])
    bread = np.linalg.inv(x.T @ x)
    b = bread @ x.T @ panel["y"].to_numpy()
    residual = panel["y"].to_numpy() - x @ b
    independent = np.sqrt(np.diag(bread) * (residual @ residual) / (len(x) - 2))
    clustered = np.sqrt(np.diag(clustered_covariance(x * residual[:, None], bread, panel["firm"])))
    np.testing.assert_allclose(b, [0.0297, 1.0348], atol=5e-5)
    np.testing.assert_allclose(independent, [0.0284, 0.0286], atol=5e-5)
    np.testing.assert_allclose(clustered, [0.0670, 0.0506], atol=5e-5)


def test_least_squares_agrees_with_statsmodels():
    rng = np.random.default_rng(1)
    who = rng.integers(0, 30, 400).astype(str)
    x = sm.add_constant(rng.normal(size=(400, 3)))
    y = x @ [1.0, 0.5, 0.0, -1.0] + rng.normal(size=400)
    peer = sm.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": pd.factorize(who)[0]})
    ours = clustered_covariance(x * peer.resid[:, None], np.linalg.inv(x.T @ x), who)
    np.testing.assert_allclose(ours, peer.cov_params(), rtol=1e-9)


def test_rows_may_stand_for_several():
    rng = np.random.default_rng(2)
    x, times = rng.normal(size=(40, 2)), rng.integers(1, 5, 40)
    who = np.arange(40) // 4
    many = clustered_covariance(np.repeat(x, times, axis=0), np.eye(2), np.repeat(who, times))
    once = clustered_covariance(x * times[:, None], np.eye(2), who, n=times.sum())
    np.testing.assert_allclose(once, many, rtol=1e-12)


def test_leaving_out_a_cluster_of_least_squares_is_exact():
    rng = np.random.default_rng(3)
    x, who = sm.add_constant(rng.normal(size=(60, 2))), np.arange(60) % 7
    x[:, 2] = who == 4
    y = rng.normal(size=60)
    bread = np.linalg.inv(x.T @ x)
    b = bread @ x.T @ y
    scores = x * (y - x @ b)[:, None]
    sums = np.array([scores[who == g].sum(axis=0) for g in range(7)])
    moves = left_out(x, np.ones(60), who, sums, bread)
    for g in (0, 1, 2, 3, 5, 6):
        without = np.linalg.lstsq(x[who != g], y[who != g], rcond=None)[0]
        np.testing.assert_allclose(b - without, moves[g], atol=1e-12)
    assert np.abs(moves[4]).max() < 1, "what this cluster alone identifies stays"


def test_degrees_of_freedom_are_of_the_clusters_that_carry_the_variance():
    normal = np.random.default_rng(4).normal(size=(4_000, 1))
    assert carried_by(normal)[0] == pytest.approx(4_000, rel=0.1)
    assert carried_by(np.ones((50, 1)))[0] == 49
    few = (np.arange(1_000) < 5).astype(float)[:, None]
    assert carried_by(few)[0] == pytest.approx(10, rel=0.02)
    assert carried_by(np.array([[5.0], [0.0], [0.0]]))[0] == pytest.approx(2.0)


def test_a_floor_keeps_correlations():
    found = floored(np.array([[1.0, 0.5], [0.5, 4.0]]), np.diag([9.0, 1.0]))
    np.testing.assert_allclose(found, [[9.0, 1.5], [1.5, 4.0]])
    np.testing.assert_allclose(floored(np.zeros((2, 2)), np.eye(2)), np.eye(2))


@pytest.mark.parametrize(
    ("clusters", "says"),
    [(["a"] * 4, "two customers"), (["a", "b", "c"], "expected"), (list("abcd"), "more")],
)
def test_unusable_clusters_are_refused(clusters, says):
    with pytest.raises(ModelError, match=says):
        clustered_covariance(np.ones((4, 4)), np.eye(4), clusters)
