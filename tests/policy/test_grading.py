from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import StudyError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.scoring.fitting import fit_scorecard
from arrisk.policy.assumptions import Assumption
from arrisk.policy.grading import order_outcomes, recommend_scorecard, stop_value
from arrisk.policy.study import Study, study_template
from tests.ledger.frames import event, invoice, ledger_of
from tests.models.payment_books import book_of

AS_OF = "2024-06-18"


def assume(name: str, value: float, low: float | None = None, high: float | None = None) -> Assumption:
    return Assumption(
        name, value, value if low is None else low, value if high is None else high, "u", "test"
    )


def study_with(**values: float) -> Study:
    text = study_template("ledger", "arrisk", AS_OF, "EUR")
    study = Study.from_toml(text, Path("study.toml"))
    return replace(study, assumptions=tuple(assume(n, v) for n, v in values.items()))


@pytest.fixture(scope="module")
def snapshot():
    return book_of(1, customers=80, failing=0.35).as_of(AS_OF)


@pytest.fixture(scope="module")
def card(snapshot):
    return fit_scorecard(snapshot, seed=3)


def small_card(card, cutoff: str, grades: dict[str, str]):
    seen = pd.DataFrame(
        {"cutoff": pd.Timestamp(cutoff), "customer_id": list(grades), "grade": list(grades.values())}
    )
    return replace(card, observations=seen, horizon_days=180, definition=DefaultDefinition(days=90))


def test_outcomes_are_of_orders_billed_strictly_after_the_grading_and_old_enough(card):
    ledger = ledger_of(
        [
            invoice("on the day", "2024-01-01", 1, "2024-01-31"),
            invoice("lost", "2024-01-02", 100, "2024-02-01"),
            invoice("stuck", "2024-02-01", 50, "2024-03-02"),
            invoice("paid", "2024-02-01", 200, "2024-03-02"),
            invoice("reduced", "2024-02-01", 40, "2024-03-02"),
            invoice("young", "2024-06-29", 400, "2024-09-28"),
            invoice("after", "2024-06-30", 800, "2024-07-30"),
        ],
        [
            event("lost", "2024-06-01", 100, "write_off"),
            event("lost", "2024-09-01", 30, "recovery"),
            event("paid", "2024-03-01", 200),
            event("stuck", "2024-03-01", 10),
            event("reduced", "2024-03-01", 15, "credit_note"),
            event("reduced", "2024-03-02", 25),
        ],
    )
    row = order_outcomes(small_card(card, "2024-01-01", {"c": "D"}), ledger.as_of("2024-12-01")).iloc[0]
    assert row["sales"] == 100 + 50 + 200 + 25
    assert row["lost"] == 70
    assert row["stuck"] == 40
    assert row["seen"] == pytest.approx(375 / 775)


def outcomes() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "cutoff": pd.Timestamp("2024-01-01"),
            "customer_id": [f"c{k}" for k in range(40)],
            "grade": ["D"] * 10 + ["A"] * 30,
            "sales": 100.0,
            "lost": [90.0] * 5 + [0.0] * 35,
            "stuck": [0.0] * 9 + [50.0] + [0.0] * 30,
            "seen": 1.0,
        }
    )


def test_value_of_a_stop_by_hand():
    """Half a year: 1,000 sales, 450 lost and 50 stuck at 80%; margin 30%. A year is 365/180 of that."""
    got = stop_value(outcomes(), ["D"], assume("stop_margin", 0.3), assume("lgd", 0.8), 180, seed=1)
    year = 365 / 180
    assert got.loss == pytest.approx((450 + 40) * year)
    assert got.value == pytest.approx((490 - 300) * year)
    assert got.break_even_margin == pytest.approx(0.49)
    at_break_even = stop_value(
        outcomes(), ["D"], assume("stop_margin", 0.49), assume("lgd", 0.8), 180, seed=1
    )
    assert at_break_even.value == pytest.approx(0, abs=1e-9)


def test_the_interval_resamples_customers_and_draws_the_assumptions():
    tight = stop_value(outcomes(), ["D"], assume("m", 0.3), assume("lgd", 0.8), 180, seed=1)
    again = stop_value(outcomes(), ["D"], assume("m", 0.3), assume("lgd", 0.8), 180, seed=1)
    wide = stop_value(
        outcomes(), ["D"], assume("m", 0.3, 0.1, 0.6), assume("lgd", 0.8, 0.2, 1.0), 180, seed=1
    )
    np.testing.assert_array_equal(tight.draws, again.draws)
    assert tight.low < tight.value < tight.high
    assert wide.high - wide.low > 1.1 * (tight.high - tight.low)
    # Of 40 customers 5 bring 90 - 30, one .8 * 50 - 30, four -30, the others nothing.
    each = np.array([60.0] * 5 + [10.0] + [-30.0] * 4 + [0.0] * 30)
    assert tight.draws.std() == pytest.approx(365 / 180 * np.sqrt(40) * each.std(), rel=0.08)


def test_stop_where_it_gains_and_release_where_it_costs(card, snapshot):
    thin = recommend_scorecard(study_with(stop_margin=0.01, lgd=0.9), card, snapshot)
    fat = recommend_scorecard(study_with(stop_margin=0.95, lgd=0.9), card, snapshot)
    assert thin.verdict == "adopt"
    assert thin.expected_value.low > 0
    assert fat.verdict == "keep"
    assert fat.expected_value.value < 0
    assert thin.flip.current < thin.flip.threshold
    assert fat.flip.threshold < fat.flip.current
    for advice in (thin, fat):
        values = [o.value for o in advice.options if o.name.startswith("stop")]
        assert advice.expected_value.value == max(values)


def test_the_flip_turns_the_verdict_of_the_point_estimate(card, snapshot):
    first = recommend_scorecard(study_with(stop_margin=0.3, lgd=0.9), card, snapshot)
    at = first.flip.threshold
    below = recommend_scorecard(study_with(stop_margin=at - 0.01, lgd=0.9), card, snapshot)
    assert below.expected_value.value > 0


def test_gross_margin_stands_in_and_a_missing_assumption_is_named(card, snapshot):
    one = recommend_scorecard(study_with(gross_margin=0.3, lgd=0.9), card, snapshot)
    two = recommend_scorecard(study_with(stop_margin=0.3, lgd=0.9), card, snapshot)
    assert one.expected_value == two.expected_value
    with pytest.raises(StudyError, match="lgd"):
        recommend_scorecard(study_with(gross_margin=0.3), card, snapshot)


def test_without_defaulters_the_data_cannot_say():
    snapshot = book_of(3, customers=30).as_of(AS_OF)
    advice = recommend_scorecard(study_with(gross_margin=0.3, lgd=0.9), fit_scorecard(snapshot), snapshot)
    assert advice.verdict == "the data cannot say"
    assert "0 of 30 customers defaulted" in advice.answer
    assert "at most 9.5%" in advice.answer
    assert advice.options == ()


def test_grades_no_better_than_chance_cannot_say(card, snapshot):
    table = card.validation.table.copy()
    table.loc[table["term"] == "AUC", ["estimate", "ci_low", "ci_high"]] = 0.55, 0.48, 0.62
    blind = replace(card, validation=replace(card.validation, table=table))
    advice = recommend_scorecard(study_with(gross_margin=0.3, lgd=0.9), blind, snapshot)
    assert advice.verdict == "the data cannot say"
    assert "no better than chance" in advice.answer


def test_a_single_grade_singles_nobody_out(card, snapshot):
    one = replace(card, observations=card.observations.assign(grade="B"))
    advice = recommend_scorecard(study_with(gross_margin=0.3, lgd=0.9), one, snapshot)
    assert advice.verdict == "the data cannot say"
    assert "Every customer falls into grade B" in advice.answer


def test_grades_that_fail_alike_do_not_separate(card, snapshot):
    """Grades dealt out by turns: the worst fails no more often than the others."""
    dealt = np.array(list("ABCD"))[np.arange(len(card.observations)) % 4]
    alike = replace(card, observations=card.observations.assign(grade=dealt))
    advice = recommend_scorecard(study_with(gross_margin=0.3, lgd=0.9), alike, snapshot)
    assert advice.verdict == "the data cannot say"
    assert advice.answer.startswith("The grades do not separate")


def test_answers_carry_the_sign_in_words(card, snapshot):
    fat = recommend_scorecard(study_with(stop_margin=0.95, lgd=0.9), card, snapshot)
    assert fat.answer.startswith("Release the orders of all grades")
    assert "would cost EUR" in fat.answer
    assert "-" not in fat.answer
    low, high = -fat.expected_value.high, -fat.expected_value.low
    assert f"({low:,.0f}"[:4] in fat.answer
    assert 0 < low < high
    thin = recommend_scorecard(study_with(stop_margin=0.01, lgd=0.9), card, snapshot)
    assert thin.answer.startswith("Stop new orders on account for grade")


def test_ibm_ledger_cannot_say(shared_data):
    from arrisk.ledger.reading import read_ledger

    snapshot = read_ledger(shared_data / "ibm-ar", columns="ibm_ar", currency="USD").as_of("2013-07-01")
    advice = recommend_scorecard(study_with(gross_margin=0.3, lgd=0.9), fit_scorecard(snapshot), snapshot)
    assert advice.verdict == "the data cannot say"
    assert "0 of 100 customers defaulted" in advice.answer
