"""Who owes more than allowed, and does it matter: the verdict follows the data."""

from __future__ import annotations

import pytest

from arrisk.policy.excess_history import make_excess_history
from arrisk.policy.exposure import recommend_exposure
from arrisk.policy.study import Study
from arrisk.portfolio.breaches import find_breaches
from arrisk.portfolio.exposure import make_exposure
from arrisk.portfolio.utilisation import make_utilisation_path
from tests.ledger.frames import ledger_of
from tests.policy.test_excess_history import book


def study_with(tmp_path, margin: float = 0.3, materiality: float = 1.0) -> Study:
    text = '[study]\nname = "s"\ntitle = "S"\nas_of = 2025-12-31\ncurrency = "EUR"\nseed = 1\n'
    text += '[ledger]\npath = "."\n'
    for name, value in (("gross_margin", margin), ("materiality", materiality)):
        text += f'[assumptions.{name}]\nvalue = {value}\nunit = "x"\nsource = "test"\n'
    return Study.from_toml(text, tmp_path / "study.toml")


def advice(rows: dict, study: Study, date: str = "2025-12-31"):
    snapshot = ledger_of(**rows).as_of(date)
    path = make_utilisation_path(snapshot)
    history = make_excess_history(snapshot, path)
    return recommend_exposure(study, make_exposure(snapshot), find_breaches(path), history)


def test_money_above_limits_that_stays_unpaid_calls_for_an_act(tmp_path):
    found = advice(book(30, 15, stuck=0.1), study_with(tmp_path))
    assert found.verdict == "adopt"
    assert "15 customers are above the limit" in found.answer
    assert "do not simply stop" in found.answer
    assert found.flip.threshold < found.flip.current
    assert not found.identified
    stop = next(o for o in found.options if o.name.startswith("stop"))
    secure = next(o for o in found.options if o.name.startswith("secure"))
    assert stop.value < 0 < secure.value == found.expected_value.value
    assert "lots" in found.experiment


def test_orders_are_stopped_only_where_more_is_lost_than_the_margin(tmp_path):
    found = advice(book(30, 15, stuck=0.3), study_with(tmp_path, margin=0.01))
    assert "Stop their orders" in found.answer


def test_what_is_not_material_or_no_worse_is_kept(tmp_path):
    small = advice(book(30, 15, stuck=0.1), study_with(tmp_path, materiality=1e6))
    assert small.verdict == "keep"
    assert small.flip.threshold > small.flip.current
    alike = advice(book(30, 15, stuck=0.1, within=0.1), study_with(tmp_path))
    assert alike.verdict == "keep"
    assert "no reason to stop" in alike.answer


def test_nobody_above_is_kept_and_few_or_no_limits_cannot_say(tmp_path):
    study = study_with(tmp_path)
    nobody = advice(book(12, 0), study)
    assert nobody.verdict == "keep"
    assert nobody.flip.current == pytest.approx(0.1)
    few = advice(book(12, 3, stuck=0.1), study)
    assert few.verdict == "the data cannot say"
    assert "3 customers are above the limit" in few.answer
    rows = book(12, 3)
    rows.pop("limits")
    none = advice(rows, study)
    assert none.verdict == "the data cannot say"
    assert "no credit limit" in none.answer
    assert "20 largest" in none.experiment


def test_the_sample(sample_study):
    study, snapshot = sample_study, sample_study.snapshot()
    path = make_utilisation_path(snapshot)
    exposure, breaches = make_exposure(snapshot), find_breaches(path)
    found = recommend_exposure(study, exposure, breaches, make_excess_history(snapshot, path))
    worth = found.expected_value
    assert found.verdict == "keep"
    assert worth.low < study.assumption("materiality").value < worth.value
    assert str(exposure.above["customer_id"].iloc[0]) in found.answer
    assert found.from_json(found.to_json()).verdict == "keep"
