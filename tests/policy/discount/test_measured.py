"""What was measured of the running discount goes before what is simulated of it."""

from dataclasses import replace

import pytest

from arrisk.policy.discount.advice import recommend_discount
from arrisk.policy.discount.pilot import design_pilot
from arrisk.policy.discount.running_advice import recommend_running_scheme
from arrisk.policy.discount.simulation import make_schemes, simulate_discounts
from arrisk.policy.discount.verdict import evaluate_running_scheme

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def case(sample_study):
    snapshot = sample_study.snapshot()
    settings = {"rates": [0.005], "days": [5]}
    grid = simulate_discounts(
        snapshot, make_schemes(snapshot, settings), sample_study.assumptions, draws=200, seed=1
    )
    return sample_study, snapshot, grid, evaluate_running_scheme(snapshot)


def test_terms_that_lost_where_a_rule_offered_them_are_offered_to_nobody_else(case):
    study, _, _, verdict = case
    told, said = recommend_running_scheme(study, verdict), recommend_discount(*case[:3], verdict=verdict)
    assert told.verdict == said.verdict == "reject"
    assert said.identified
    assert said.expected_value == told.expected_value
    assert said.flip == told.flip
    assert said.answer.startswith("Offer nobody else 2% within 10 days")
    assert "trial by lot" in said.answer
    apart = next(note for note in said.notes if note.startswith("Measured and simulated worth"))
    assert "0% to 2% of extra sales" in apart
    measured = said.options[0]
    assert measured.name == "2% within 10 days, as measured"
    assert measured.value == pytest.approx(verdict.earned.value)


def test_without_an_identified_design_the_simulation_speaks(case):
    study, snapshot, grid, verdict = case
    alone = recommend_discount(study, snapshot, grid)
    assert recommend_discount(study, snapshot, grid, verdict=replace(verdict, readings=())) == alone
    assert not alone.identified


def test_the_pilot_given_is_the_experiment_named(case):
    study, snapshot, grid, verdict = case
    trial = design_pilot(snapshot, assumptions=study.assumptions, trials=60, share=0.5, seed=2)
    said = recommend_discount(study, snapshot, grid, verdict=verdict, pilot=trial)
    assert said.experiment == f"{trial.finding()}."
    assert said.verdict == "reject"


def test_terms_that_earned_money_are_kept(case):
    study, snapshot, grid, verdict = case
    primary = verdict.primary()
    turned = replace(primary, estimate=0.5, ci_low=0.2, ci_high=0.8, se=0.1)
    readings = tuple(replace(r, effect=turned) if r.effect is primary else r for r in verdict.readings)
    said = recommend_discount(study, snapshot, grid, verdict=replace(verdict, readings=readings))
    assert said.verdict == "keep"
    assert said.answer.startswith("Keep offering 2% within 10 days")


def test_a_lower_rate_that_would_have_paid_is_said_as_the_other_notebook_says_it(case):
    study, snapshot, grid, verdict = case
    primary = verdict.primary()
    worth = 100 * verdict.given["worth"]
    near = replace(
        primary, estimate=-0.2 * worth, ci_low=-0.25 * worth, ci_high=-0.15 * worth, se=0.02 * worth
    )
    readings = tuple(replace(r, effect=near) if r.effect is primary else r for r in verdict.readings)
    repriced = replace(verdict, readings=readings)
    told = recommend_running_scheme(study, repriced)
    said = recommend_discount(study, snapshot, grid, verdict=repriced)
    assert told.verdict == said.verdict == "adopt"
    assert said.answer.startswith(told.answer)
