from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.intervals import jeffreys
from arrisk.models.scoring.expert import ExpertCard
from arrisk.models.scoring.expert_backtest import backtest_expert
from arrisk.models.validation.discrimination import auc

CARD = ExpertCard.read("2025-12-31")


def world(customers: int, truth: float, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Debt ratios, and defaults that follow the expert's odds as much as `truth` says (0: not at all)."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"debt_ratio": rng.uniform(0.1, 1.3, customers), "litigation": rng.random(customers) < 0.1}
    )
    scored = CARD.score(frame)
    p = truth * scored["pd"] + (1 - truth) * scored["pd"].mean()
    return scored, rng.random(customers) < p


def test_points_that_hold_are_borne_out():
    scored, fallen = world(1500, 1.0, seed=1)
    test = backtest_expert(scored, fallen, np.arange(1500), seed=2)
    assert test.verdict == "the points order customers"
    assert test.auc.value == auc(fallen, -scored["points"])
    assert test.table["customers"].sum() == 1500
    used = test.table[test.table["customers"] > 50]
    assert ((used["ci_low"] <= used["expected"]) & (used["expected"] <= used["ci_high"])).all()
    row = test.table.iloc[1]
    assert (row["ci_low"], row["ci_high"]) == tuple(jeffreys(row["defaulters"], row["customers"]))
    assert "area under the curve" in test.plot().get_title()


def test_points_that_do_not_hold_stay_judgement():
    scored, fallen = world(400, 0.0, seed=3)
    test = backtest_expert(scored, fallen, np.arange(400))
    assert test.auc is not None
    assert test.verdict == "the data cannot say"
    assert "may be chance" in test.finding()


def test_too_few_defaulters_and_rows_of_one_customer():
    scored, _ = world(60, 1.0, seed=4)
    none = backtest_expert(scored, [False] * 60, np.arange(60))
    assert none.auc is None
    assert none.doubt.startswith("0 of 60 customers defaulted")
    assert "the data cannot say" in none.plot().get_title()
    # Twelve rows in default of three customers are three defaulters.
    fallen = np.arange(60) < 12
    same = backtest_expert(scored, fallen, np.arange(60) // 4)
    assert (same.defaulters, same.customers) == (3, 15)
    assert same.verdict == "the data cannot say"


def test_rows_and_outcomes_must_fit():
    scored, fallen = world(20, 1.0, seed=5)
    for outcome, who in [(fallen[:5], np.arange(20)), (fallen, np.arange(5))]:
        with pytest.raises(ModelError, match="as many outcomes"):
            backtest_expert(scored, outcome, who)
    with pytest.raises(ModelError, match="some rows"):
        backtest_expert(scored.iloc[:0], [], [])


def test_a_customer_seen_twice_had_two_windows_to_default_in():
    scored = pd.DataFrame({"points": [560.0, 560.0, 570.0], "pd": [0.1, 0.1, 0.08], "grade": ["B", "B", "B"]})
    table = backtest_expert(scored, [False] * 3, ["a", "a", "b"]).table.set_index("grade")
    assert table.loc["B", "expected"] == pytest.approx((0.19 + 0.08) / 2)
    assert table.loc["B", "customers"] == 2
