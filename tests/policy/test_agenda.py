"""The closing page: the recommendations of the notebooks, and the one change that comes first."""

from __future__ import annotations

import nbformat
import pytest

from arrisk.policy.agenda import CHANGES, QUESTION, Agenda, make_agenda
from arrisk.policy.recommendation import RECOMMENDATION_MIME
from tests.report.stage import cannot_say, make_recommendation


@pytest.fixture(scope="module")
def study(sample_study):
    return sample_study


@pytest.fixture(scope="module")
def agenda(study):
    return make_agenda(study)


@pytest.mark.slow
def test_the_agenda_says_what_the_notebooks_say(agenda, root):
    said = {r.decision: r.to_dict() for r in agenda.recommendations.values()}
    for path in sorted((root / "notebooks").glob("*.ipynb"))[:-1]:
        last = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"][-1]
        shown = [o["data"] for o in last.outputs if "data" in o]
        told = next(data[RECOMMENDATION_MIME] for data in shown if RECOMMENDATION_MIME in data)
        assert said[told["decision"]] == told, path.name


@pytest.mark.slow
def test_tables_have_a_row_a_decision(agenda):
    assert len(agenda.decisions().frame) == len(agenda.recommendations) == 19
    open_questions = [r for r in agenda.recommendations.values() if not r.identified]
    assert len(agenda.experiments().frame) == len(open_questions)
    assert agenda.experiments().frame["cheapest next experiment"].str.len().min() > 10


def one(**changes):
    families = dict.fromkeys(CHANGES, cannot_say())
    return Agenda({**families, **changes})


def gain(value, low, verdict="adopt"):
    estimate = make_recommendation().expected_value
    from dataclasses import replace

    worth = replace(estimate, value=value, low=low, high=value + 10)
    return make_recommendation(verdict=verdict, expected_value=worth, answer=f"worth {value}")


def test_the_surest_gain_comes_first(study):
    first = one(discount=gain(100.0, 1.0), insurance=gain(50.0, 20.0)).recommend(study)
    assert (first.decision, first.verdict) == (QUESTION, "adopt")
    assert first.answer == "Begin here: worth 50.0"


def test_a_gain_that_may_be_a_loss_is_begun_with_care(study):
    first = one(insurance=gain(50.0, -5.0)).recommend(study)
    assert first.verdict == "adopt"
    assert "below zero" in first.answer


def test_what_is_kept_is_no_change_and_nothing_valued_cannot_say(study):
    assert one(scorecard=gain(5.0, 1.0, verdict="keep")).recommend(study).verdict == "keep"
    assert one(discount=gain(-5.0, -9.0, verdict="reject")).recommend(study).verdict == "keep"
    nothing = one().recommend(study)
    assert nothing.verdict == "the data cannot say"
    assert nothing.experiment
