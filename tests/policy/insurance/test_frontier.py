"""The frontier and the layers on a year's loss, on points and books small enough to check by hand."""

import numpy as np
import pandas as pd
import pytest

from arrisk.models.losses.portfolio import Dependence, make_portfolio
from arrisk.models.losses.simulation import simulate_losses
from arrisk.policy.insurance.comparison import compare_policies
from arrisk.policy.insurance.frontier import dominated_by, find_frontier
from arrisk.policy.insurance.loss_layers import PARTS, split_loss
from arrisk.policy.insurance.terms import PolicyTerms


def points(cost, tail):
    names = [f"s{at}" for at in range(len(cost))]
    return pd.DataFrame({"structure": names, "expected_net_cost": cost, "retained_tvar_99": tail})


def test_what_another_beats_in_both_is_dominated():
    found = find_frontier(points([10.0, 12.0, 15.0, 16.0, 12.0], [100.0, 60.0, 70.0, 20.0, 60.0]))
    assert found.table["dominated_by"].tolist() == ["", "", "s1", "", ""]
    assert found.efficient == ("s0", "s1", "s4", "s3")
    assert found.finding().startswith("4 of 5")


def test_dominance_holds_point_by_point():
    rng = np.random.default_rng(3)
    cost, tail = rng.integers(0, 12, 60).astype(float), rng.integers(0, 12, 60).astype(float)
    for at, who in enumerate(dominated_by(cost, tail)):
        no_worse = (cost <= cost[at]) & (tail <= tail[at])
        strictly = no_worse & ((cost < cost[at]) | (tail < tail[at]))
        assert strictly.any() == (who is not None)
        if who is not None:
            assert strictly[who]


def test_the_same_cover_for_more_money_is_dominated_by_the_cheaper():
    runs = simulate_losses(make_portfolio(0.05, [100.0] * 30, 0.5), Dependence(0.1), draws=1000, seed=1)
    policies = [PolicyTerms(f"{rate:g}", premium_rate=rate) for rate in (0.001, 0.002)]
    found = compare_policies(runs, policies, np.full(30, 700.0), currency="EUR").frontier()
    assert found.table.set_index("structure")["dominated_by"]["0.002"] == "0.001"
    ax = found.plot()
    assert any("0.002 (dominated)" in text.get_text() for text in ax.get_legend().get_texts())
    assert "EUR" in ax.get_xlabel()
    ax.figure.clear()


@pytest.fixture(scope="module")
def runs():
    book = make_portfolio(0.06, np.linspace(100, 1000, 40), 0.8)
    return simulate_losses(book, Dependence(0.2), draws=4096, seed=3)


def test_layers_add_up_to_the_loss_and_to_what_is_kept(runs):
    terms = PolicyTerms(
        "all", insured_share=0.9, buyer_limit=600, aggregate_first_loss=300, maximum_liability=2000
    )
    found = split_loss(runs, terms, np.full(40, 500.0), currency="EUR")
    summary = compare_policies(runs, [terms], np.full(40, 500.0)).summary.iloc[1]
    kept = sum(found.mean[part] for part in PARTS if part != "insured")
    assert kept == pytest.approx(summary["expected_retained"])
    assert sum(found.mean.values()) == pytest.approx(runs.weight @ runs.totals())
    assert (found.table[list(PARTS)] >= -1e-9).all(axis=None)
    assert found.table["insured"].max() <= 2000 * (1 + 1e-9)
    assert found.table["beyond_maximum"].iloc[-1] > 0
    assert (np.diff(found.table["loss"]) >= -1e-9).all()
    ax = found.plot()
    assert "one year in a hundred" in ax.get_title().replace("\n", " ")
    ax.figure.clear()


def test_a_layer_that_the_policy_has_not_is_empty(runs):
    found = split_loss(runs, PolicyTerms("share", insured_share=0.75), np.full(40, 500.0))
    assert found.mean["first_loss"] == found.mean["beyond_maximum"] == 0
    assert found.mean["outside_cover"] == pytest.approx(0.25 * sum(found.mean.values()))
    ax = found.plot()
    assert len(ax.collections) == 2
    ax.figure.clear()


def test_the_loss_of_a_rare_year_is_the_quantile(runs):
    found = split_loss(runs, PolicyTerms("share"), np.full(40, 500.0)).table
    measures = runs.measures().set_index("term")["estimate"]
    at = found.iloc[int((found["years"] - 100).abs().argmin())]
    assert at["loss"] == pytest.approx(measures["quantile_99"], rel=0.06)
