"""Limits of the sample: sensible numbers, verdicts, rules of thumb, one order; a ledger that cannot say."""

from __future__ import annotations

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.scoring.fitting import fit_scorecard
from arrisk.policy.limits.budget import share_risk_budget
from arrisk.policy.limits.customers import book_risks, yearly_hazard
from arrisk.policy.limits.heuristics import compare_limit_rules
from arrisk.policy.limits.hysteresis import compare_limit_bands
from arrisk.policy.limits.limit import mean_within
from arrisk.policy.limits.limit_policy import OPTIONS
from arrisk.policy.limits.release import release_or_stop
from arrisk.policy.limits.review import limits_are_kept, recommend_limits


@pytest.mark.slow
def test_limits_are_what_a_credit_manager_would_sign(policy):
    table = policy.table
    assert (table.loc[table["in_default"], "limit"] == 0).all()
    moved = table[table["change"].isin(["raise", "cut", "set"])]
    assert (moved["limit"] <= 1.2 * moved["peak"] + 1e-6).all()  # a step above what was ever owed, no more
    assert (moved["gain"] > 0).all()
    assert (table["low"] <= table["high"]).all()
    assert policy.gain(OPTIONS[1])[1] > 0
    assert policy.gain(OPTIONS[2]) == (0.0, 0.0, 0.0)
    tails = policy.tail.set_index("option")["tail_loss"]
    assert tails[OPTIONS[2]] < tails[OPTIONS[0]]
    assert policy.diagnostics["between"] < policy.diagnostics["all_wanted"]
    assert policy.plot().get_title()


@pytest.mark.slow
def test_the_sample_is_told_what_to_do(sample_study, scored, policy):
    told = recommend_limits(sample_study, *scored, policy)
    assert not limits_are_kept(policy)
    assert told.verdict == "adopt"
    assert not told.identified
    assert told.experiment
    assert told.flip.threshold == pytest.approx(told.expected_value.value / policy.table["value"].sum())
    rules = compare_limit_rules(sample_study, policy)
    best = rules.table.groupby("grade")["value"].idxmax()
    assert (rules.table.loc[best, "rule"] == "the model").all()
    assert "net worth" in rules.missing


@pytest.mark.slow
def test_a_dead_band_trades_changes_against_profit(sample_study, scored, policy):
    bands = compare_limit_bands(sample_study, policy, scored[1])
    assert (np.diff(bands.table["changes"]) <= 0).all()
    assert bands.best == bands.table.loc[bands.table["total"].idxmin(), "band"]
    assert "dead band" in bands.finding()


@pytest.mark.slow
def test_a_budget_is_kept_and_caps_hold(policy):
    plan = share_risk_budget(policy, 5e6, cap=300_000.0, group_cap=400_000.0)
    assert plan.used <= 5e6 * (1 + 1e-9)
    assert plan.price > 0
    assert plan.table["limit"].max() <= 300_000.0 + 1e-6
    assert plan.table.groupby("group")["use"].sum().max() <= 400_000.0 + 1e-6
    assert (np.diff(plan.curve["value"]) >= -1e-6).all()


@pytest.mark.slow
def test_the_book_splits_into_each_customer_and_the_rest(policy):
    inputs = policy.inputs
    limits = np.full(len(inputs.table), np.inf)
    chance = np.where(inputs.table["in_default"], 0.0, -np.expm1(-inputs.table["hazard"]))
    stake = inputs.draws["lgd"][0] * np.array(
        [
            float(mean_within(w * u, np.inf))
            for w, u in zip(inputs.wanted, inputs.table["run_up"], strict=True)
        ]
    )
    totals = [
        risk.rest + 2 * risk.shared * x + p * (1 - p) * x * x
        for risk, x, p in zip(book_risks(inputs, limits), stake, chance, strict=True)
        if p > 0
    ]
    assert np.ptp(totals) < 1e-6 * np.mean(totals)  # the same book, whoever looks at it


def test_hazards_and_probabilities_agree():
    hazard = yearly_hazard([0.02, 0.3], 180)
    assert -np.expm1(-hazard * 180 / 365) == pytest.approx([0.02, 0.3])


def test_one_order_by_hand():
    told = release_or_stop(1000, 0.10, margin=0.2, lgd=0.5, lost_orders=0.6, cost_of_capital=0.073, days=50)
    waiting = 800 * 0.073 * 50 / 365
    assert told.release == pytest.approx(200 - 50 - waiting)
    assert told.stop == pytest.approx(0.4 * 200)
    turn = release_or_stop(
        1000, told.break_even, margin=0.2, lgd=0.5, lost_orders=0.6, cost_of_capital=0.073, days=50
    )
    assert turn.release == pytest.approx(turn.stop)
    # Brealey and Myers: revenue 1200, cost 1000, all lost: credit as long as 5/6 pay.
    assert release_or_stop(1200, 0.1, margin=1 / 6, lgd=1.0).break_even == pytest.approx(1 / 6)
    assert release_or_stop(1200, 0.2, margin=1 / 6, lgd=1.0).verdict == "stop"


def test_impossible_orders_are_refused():
    with pytest.raises(ModelError):
        release_or_stop(100, 1.2, margin=0.2, lgd=0.5)
    with pytest.raises(ModelError):
        release_or_stop(-1, 0.2, margin=0.2, lgd=0.5)


@pytest.mark.slow
def test_a_ledger_without_limits_says_so(shared_data, tmp_path):
    from arrisk.policy.limits.stop_threshold import compare_stop_thresholds
    from arrisk.policy.study import open_study
    from arrisk.policy.study_file import study_template

    path = tmp_path / "study.toml"
    path.write_text(study_template(str(shared_data / "ibm-ar"), "ibm_ar", "2013-07-01", "USD"))
    study = open_study(path)
    snapshot = study.snapshot()
    scorecard = fit_scorecard(snapshot)
    told = recommend_limits(study, scorecard, snapshot)
    assert told.verdict == "the data cannot say"
    assert "no credit limit" in told.answer
    stops = compare_stop_thresholds(study, scorecard, snapshot)
    assert set(stops.table["verdict"]) == {"the data cannot say"}
    assert stops.plot().get_title().startswith("No past order")
