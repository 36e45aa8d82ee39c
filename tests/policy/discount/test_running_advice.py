"""Keep, reprice or stop: which verdict follows from which effect, and none where nothing is identified."""

import json
from dataclasses import replace

import jsonschema
import numpy as np
import pandas as pd
import pytest

from arrisk.models.effects.bounds import bound_unoffered
from arrisk.models.effects.effect import CHECK_COLUMNS
from arrisk.policy.discount.running_advice import recommend_running_scheme
from arrisk.policy.discount.verdict import evaluate_running_scheme
from arrisk.policy.recommendation import Recommendation, recommendation_schema
from arrisk.policy.study import Study, study_template
from tests.policy.discount.offers import offered, snapshot_of


@pytest.fixture(scope="module")
def verdict():
    return evaluate_running_scheme(snapshot_of())


@pytest.fixture
def study(tmp_path):
    return Study.from_toml(study_template("books", "arrisk", "2025-12-31", "EUR"), tmp_path / "study.toml")


def with_effect(verdict, estimate, se=0.05, passed=True):
    """The verdict with another effect on value, and its checks passed or not."""
    checks = pd.DataFrame([["trend", 0.0, 0.5, passed, "the course before the start"]], columns=CHECK_COLUMNS)

    def change(reading):
        if reading.outcome != "value" or reading.effect is None:
            return reading
        low, high = estimate - 2 * se, estimate + 2 * se
        new = replace(
            reading.effect, estimate=estimate, se=se, ci_low=low, ci_high=high, df=50.0, checks=checks
        )
        return replace(reading, effect=new)

    return replace(verdict, readings=tuple(map(change, verdict.readings)))


def advise(study, verdict, **options):
    advice = recommend_running_scheme(study, verdict, **options)
    jsonschema.validate(json.loads(advice.to_json()), recommendation_schema())
    assert Recommendation.from_json(advice.to_json()).to_json() == advice.to_json()
    return advice


def test_a_discount_that_earns_is_kept(study, verdict):
    advice = advise(study, with_effect(verdict, 0.4))
    assert advice.verdict == "keep"
    assert advice.identified
    assert advice.design.startswith("difference in differences")
    assert advice.expected_value.value == pytest.approx(0.4 / 100 * verdict.sales)


def test_a_discount_that_loses_is_stopped_and_the_saving_is_its_loss(study, verdict):
    advice = advise(study, with_effect(verdict, -0.4))
    assert advice.verdict == "reject"
    assert advice.expected_value.value == pytest.approx(0.4 / 100 * verdict.sales)
    assert advice.expected_value.low == pytest.approx(0.3 / 100 * verdict.sales)
    assert "Stop offering 2% within 10 days" in advice.answer


def test_it_is_repriced_only_where_the_paying_rate_is_worth_offering(study, verdict):
    loses = with_effect(verdict, -0.05, se=0.02)
    rate = loses.paying_rate
    assert 0.005 < rate.low < rate.value < 0.02
    advice = advise(study, loses)
    assert advice.verdict == "adopt"
    assert f"at most {rate.value:.2%}" in advice.answer
    assert advise(study, loses, least_rate=rate.low + 1e-6).verdict == "reject"


def test_an_effect_that_is_not_told_from_none_settles_nothing(study, verdict):
    advice = advise(study, with_effect(verdict, -0.05, se=0.2))
    assert advice.verdict == "the data cannot say"
    assert not advice.identified
    assert advice.expected_value is None
    assert "suspend it for half" in advice.experiment


def test_failed_checks_take_the_verdict_away(study, verdict):
    advice = advise(study, with_effect(verdict, -0.4, passed=False))
    assert advice.verdict == "the data cannot say"
    assert "speaks against" in advice.answer
    option = next(o for o in advice.options if o.name == "go on, offers by rule")
    assert "speaks against" in option.note


def test_the_part_given_by_hand_has_bounds_and_no_value(study, verdict):
    hand = next(o for o in advise(study, verdict).options if o.name == "go on, other offers")
    assert hand.value is None
    assert hand.low < hand.high
    assert "bounds" in hand.note


def test_it_says_what_is_not_in_the_money_and_labels_the_naive_comparison(study, verdict):
    notes = " ".join(advise(study, with_effect(verdict, -0.4)).notes)
    assert "effects on sales and on losses are not in it" in notes
    assert "Money unpaid" in notes
    assert "Descriptive only" in notes


def test_the_verdict_turns_where_it_says(study, verdict):
    lost = with_effect(verdict, -0.3)
    high = advise(study, replace(lost, breaking_even=0.25)).flip
    assert (high.parameter, high.threshold) == ("cost_of_capital", 0.25)
    none = advise(study, replace(lost, breaking_even=float("inf"))).flip
    assert none.parameter == "sales_effect"
    assert none.threshold == pytest.approx(0.3 / (100 * study.assumption("gross_margin").value))


def test_nothing_offered_claims_no_saving(study):
    advice = advise(study, evaluate_running_scheme(offered(lambda i, _: i["amount"] < 0)))
    assert advice.verdict == "the data cannot say"
    assert "No saving is claimed" in advice.notes[0]
    assert "drawn by lot" in advice.experiment
    imagined = advice.options[1]
    assert imagined.value is None
    assert imagined.low < 0 < imagined.high
    assert "no saving is claimed" in imagined.note


def test_bounds_of_an_offer_never_made_hold_every_way_to_take_it():
    rng = np.random.default_rng(4)
    rows = pd.DataFrame({"amount": rng.lognormal(8, 1, 300), "days": rng.uniform(0, 120, 300)})
    rows["value"] = 100 * 1.2 ** (-rows["days"] / 365)
    low, high = bound_unoffered(rows, rate=0.02, window=10, cost_of_capital=0.2)
    worth = 98 * 1.2 ** (-rows["days"].clip(upper=10) / 365) - rows["value"]
    for _ in range(200):
        taken = rng.random(300) < rng.random()
        assert low <= np.average(worth * taken, weights=rows["amount"]) <= high
    reached = [np.average(worth * (s * worth > 0), weights=rows["amount"]) for s in (-1, 1)]
    assert reached == pytest.approx([low, high])


def test_an_impossible_confidence_is_refused(study, verdict):
    with pytest.raises(ValueError, match=r"between 0\.5 and 1"):
        recommend_running_scheme(study, verdict, confidence=0.3)
