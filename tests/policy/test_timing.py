"""By which rule the day of payment is predicted."""

from __future__ import annotations

import pandas as pd
import pytest

from arrisk.models.timing.backtest import TimingBacktest
from arrisk.models.validation.d_calibration import d_calibration
from arrisk.policy.timing import recommend_timing

DAY = pd.Timestamp("2025-12-31")
MODELS = ("the hazard", "one curve", "due date only")


def backtest(gap: tuple[float, float, float], items: int = 500, naive: float = 0.3) -> TimingBacktest:
    """Scores of a model against a reference of .100 and a naive rule."""
    briers = {"the hazard": 0.1 + gap[0], "one curve": 0.1, "due date only": naive}
    rows = [
        row
        for model, brier in briers.items()
        for row in (
            (model, "integrated Brier score", brier, brier - 0.01, brier + 0.01),
            (model, "concordance", 0.8 - brier, 0.7 - brier, 0.9 - brier),
            (model, "paid, predicted over seen", 1.02, float("nan"), float("nan")),
        )
    ]
    rows.append(("the hazard", "Brier less reference", *gap))
    test = d_calibration([0.9, 0.4, 0.6], [0.8, 0.3, 0.5], [True, True, False], ["a", "b", "c"])
    return TimingBacktest(
        as_of=DAY,
        dates=(pd.Timestamp("2025-06-30"), pd.Timestamp("2025-07-31")),
        horizon=91,
        models=MODELS,
        given=1,
        table=pd.DataFrame(rows, columns=["model", "term", "estimate", "ci_low", "ci_high"]),
        by_day=pd.DataFrame(),
        by_date=pd.DataFrame(),
        calibration=dict.fromkeys(MODELS, test),
        items=items,
        customers=40,
        level=0.95,
    )


def test_a_model_surely_nearer_is_adopted_with_what_it_removes(sample_study):
    found = recommend_timing(sample_study, backtest((-0.02, -0.03, -0.01)))
    assert found.verdict == "adopt"
    value = found.expected_value
    assert (value.value, value.low, value.high) == pytest.approx((0.2, 0.1, 0.3))
    assert "removes 20%" in found.answer
    assert "72 of 100" in found.answer
    assert (found.flip.current, found.flip.threshold) == pytest.approx((0.08, 0.1))
    assert "rose above 0.100, one curve" in found.flip.sentence
    assert [option.name for option in found.options] == list(MODELS)


def test_a_reference_surely_nearer_is_kept(sample_study):
    found = recommend_timing(sample_study, backtest((0.02, 0.01, 0.03)))
    assert found.verdict == "keep"
    assert found.answer.startswith("Predict by one curve")
    assert "fell below 0.100, the hazard" in found.flip.sentence


def test_a_naive_rule_that_is_nearest_is_kept(sample_study):
    found = recommend_timing(sample_study, backtest((-0.02, -0.03, -0.01), naive=0.05))
    assert found.verdict == "keep"
    assert found.answer.startswith("Predict by due date only")
    assert found.flip.threshold == pytest.approx(0.05)


def test_no_verdict_when_the_interval_holds_zero(sample_study):
    found = recommend_timing(sample_study, backtest((-0.01, -0.03, 0.01)))
    assert found.verdict == "the data cannot say"
    assert "between -10% and 30%" in found.answer
    assert "use the hazard" in found.answer


def test_no_verdict_from_a_handful_of_items(sample_study):
    found = recommend_timing(sample_study, backtest((-0.02, -0.03, -0.01), items=12))
    assert found.verdict == "the data cannot say"
    assert "12 open items" in found.answer
    assert found.experiment
