"""Which terms for which grade on the sample and on a real ledger without losses."""

from __future__ import annotations

from pathlib import Path

import pytest

from arrisk.models.scoring.fitting import fit_scorecard
from arrisk.policy.default_counts import define_default
from arrisk.policy.study import Study, study_template
from arrisk.policy.terms.customer_value import value_customers
from arrisk.policy.terms.decision import recommend_terms
from arrisk.policy.terms.frontier import compare_terms
from arrisk.policy.terms.interest_book import make_late_interest
from arrisk.policy.terms.prepayment import compare_prepayment
from arrisk.policy.terms.terms_policy import make_terms_policy

pytestmark = pytest.mark.slow


def decide(study):
    snapshot = study.snapshot()
    card = fit_scorecard(snapshot, definition=define_default(study), seed=study.seed)
    policy = make_terms_policy(study, card, snapshot)
    frontier = compare_terms(study, policy)
    return card, policy, frontier, recommend_terms(study, policy, frontier, snapshot)


def test_the_sample_moves_the_weakest_grade_and_leaves_the_rest_to_a_trial(sample_study):
    _, policy, frontier, found = decide(sample_study)
    assert found.verdict == "adopt"
    assert not found.identified
    assert found.expected_value.low > 0
    assert "cannot say" in found.answer
    assert "drawn by lot" in found.experiment
    assert policy.changes.table.empty
    assert frontier.policy("most profit")["profit"] >= frontier.policy("chosen")["profit"]
    assert policy.inputs.delays.low < 1 < policy.inputs.delays.high


def test_a_ledger_without_losses_cannot_say(shared_data):
    text = study_template(str(shared_data / "ibm-ar"), "ibm_ar", "2013-07-01", "USD")
    study = Study.from_toml(text, Path("study.toml"))
    card, policy, frontier, found = decide(study)
    assert found.verdict == "the data cannot say"
    assert policy.grades == ["all"]
    assert any("graded" in note for note in found.notes)
    assert frontier.marked["chosen"] == frontier.marked["today"]
    snapshot = study.snapshot()
    assert "states no reference rate" in make_late_interest(study, snapshot).finding()
    assert value_customers(study, card, snapshot).grades["choice"].tolist() == ["go on"]
    assert len(compare_prepayment(study, card, snapshot).table)
