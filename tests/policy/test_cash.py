"""How much cash to plan on, by which method."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from arrisk.models.cash.cash_forecast import OPEN_BOOK, forecast_cash
from arrisk.models.cash.rolling import backtest_cash
from arrisk.models.cash.rolling_scores import EVERY
from arrisk.models.timing.payment_timing import fit_timing
from arrisk.policy.cash import recommend_cash
from arrisk.policy.recommendation import Recommendation
from arrisk.policy.study import Study, study_template
from tests.models.payment_books import book_of


@pytest.fixture(scope="module")
def study() -> Study:
    return Study.from_toml(study_template("ledger", "arrisk", "2024-03-10", "EUR"), Path("study.toml"))


@pytest.fixture(scope="module")
def snapshot():
    return book_of(21, customers=50, failing=0.2, days=800).as_of("2024-03-10")


@pytest.fixture(scope="module")
def curves(snapshot):
    return fit_timing(snapshot, "due")


@pytest.fixture(scope="module")
def cash(snapshot, curves):
    return forecast_cash(snapshot, curves, draws=200)


@pytest.fixture(scope="module")
def backtest(snapshot, curves):
    return backtest_cash(snapshot, curves, draws=50)


def with_errors(backtest, model: float, rival: float):
    """A back-test in which ageing percentages are off by `rival`, all other rivals by twice that."""
    scores = backtest.scores.copy()
    every = scores["horizon"] == EVERY
    scores.loc[every, "wape"] = 2.0 * rival
    scores.loc[every & (scores["method"] == "ageing percentages"), "wape"] = rival
    scores.loc[every & (scores["method"] == backtest.methods[-1]), "wape"] = model
    return replace(backtest, scores=scores)


def test_a_model_nearer_than_every_rival_is_adopted(study, cash, backtest):
    advice = recommend_cash(study, cash, with_errors(backtest, 0.2, 0.3))
    assert advice.verdict == "adopt"
    total = cash.total().iloc[0]
    value = advice.expected_value
    assert [value.low, value.value, value.high] == total[["p10", "p50", "p90"]].tolist()
    assert (advice.flip.current, advice.flip.threshold) == (0.2, 0.3)
    assert "rose above 30.0%, 'ageing percentages'" in advice.flip.sentence
    assert "of it from what is open today" in advice.answer


def test_a_rival_that_is_nearer_is_kept_and_said_so(study, cash, backtest):
    advice = recommend_cash(study, cash, with_errors(backtest, 0.3, 0.2))
    assert advice.verdict == "keep"
    assert "by 'ageing percentages'" in advice.answer
    ahead = backtest.ahead.set_index("method").loc["ageing percentages"]
    value = advice.expected_value
    assert [value.low, value.value, value.high] == ahead[["q10", "q50", "q90"]].tolist()
    assert "fell below 20.0%" in advice.flip.sentence
    assert "no new sales" in advice.scope


def test_every_method_is_an_option_on_the_same_open_book(study, cash, backtest):
    advice = recommend_cash(study, cash, with_errors(backtest, 0.2, 0.3))
    assert [option.name for option in advice.options] == ["payment model", *backtest.methods[:-1]]
    own = cash.total("source").set_index("part").loc[OPEN_BOOK]
    assert advice.options[0].value == own["p50"]
    assert all("open book alone" in option.note for option in advice.options)


def test_without_history_enough_nothing_is_said(study, curves, snapshot):
    early = snapshot.as_of(snapshot.first_date + pd.Timedelta(days=300))
    model = fit_timing(early, "due")
    tried = backtest_cash(early, model, draws=20)
    advice = recommend_cash(study, forecast_cash(early, model, draws=20), tried)
    assert advice.verdict == "the data cannot say"
    assert tried.shortage in advice.answer
    assert advice.experiment


def test_a_past_without_losses_still_leaves_room_for_one(study):
    lossless = book_of(5, customers=50, failing=0.0, days=800).as_of("2024-03-10")
    model = fit_timing(lossless, "due")
    tried = with_errors(backtest_cash(lossless, model, draws=20), 0.3, 0.2)
    advice = recommend_cash(study, forecast_cash(lossless, model, draws=20), tried)
    assert advice.expected_value.low < 0.97 * advice.expected_value.value
    assert any("Every past book was collected in full" in note for note in advice.notes)


def test_it_survives_its_own_json(study, cash, backtest):
    advice = recommend_cash(study, cash, with_errors(backtest, 0.2, 0.3))
    assert Recommendation.from_json(advice.to_json()).to_json() == advice.to_json()
