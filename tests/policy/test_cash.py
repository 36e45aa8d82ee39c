from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from arrisk.models.cash.forecast import weekly_cash
from arrisk.models.timing.payment_timing import fit_timing
from arrisk.policy.cash import recommend_timing
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
def timing(snapshot):
    return fit_timing(snapshot, "due")


@pytest.fixture(scope="module")
def cash(snapshot, timing):
    return weekly_cash(snapshot, timing)


def with_errors(cash, curves: float, rival: float):
    table = cash.backtest.copy()
    table["wape_week"] = [curves, rival, rival + 0.1, rival + 0.2]
    return replace(cash, backtest=table)


def test_curves_that_beat_every_rival_are_adopted(study, timing, cash):
    advice = recommend_timing(study, timing, with_errors(cash, 0.2, 0.3))
    assert advice.verdict == "adopt"
    _, low, middle, high = cash.total()
    assert (advice.expected_value.low, advice.expected_value.value) == (low, middle)
    assert advice.expected_value.high == high
    assert (advice.flip.current, advice.flip.threshold) == (0.2, 0.3)
    assert "EUR" in advice.answer
    assert [o.name for o in advice.options] == cash.backtest["method"].tolist()


def test_a_rival_that_is_nearer_is_kept_and_said_so(study, timing, cash):
    advice = recommend_timing(study, timing, with_errors(cash, 0.3, 0.2))
    assert advice.verdict == "keep"
    assert "ageing percentages" in advice.answer
    assert advice.expected_value.value == cash.total("ageing percentages")[2]


def test_short_history_cannot_say(study):
    snapshot = book_of(25, customers=40, days=330).as_of("2022-11-25")
    advice = recommend_timing(study, fit_timing(snapshot, "due"), weekly_cash(snapshot))
    assert advice.verdict == "the data cannot say"
    assert advice.expected_value is None
    assert "an interval needs two" in advice.answer


def test_measured_coverage_is_told_and_json_survives(study, timing, cash):
    advice = recommend_timing(study, timing, cash)
    assert any("single weeks" in note for note in advice.notes)
    assert Recommendation.from_json(advice.to_json()).verdict == advice.verdict


def test_ibm_ledger_is_collected_in_full(shared_data, study):
    from arrisk.ledger.reading import read_ledger

    source = shared_data / "ibm-ar"
    snapshot = read_ledger(source, columns="ibm_ar", currency="USD").as_of("2013-07-01")
    advice = recommend_timing(study, fit_timing(snapshot, "due"), weekly_cash(snapshot))
    assert advice.verdict in ("adopt", "keep")
    assert advice.as_of == pd.Timestamp("2013-07-01")
    assert advice.expected_value.high <= snapshot.open_balance + 0.01
    assert any("does not rule out" in note for note in advice.notes)
