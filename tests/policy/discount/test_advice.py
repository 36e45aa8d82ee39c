import json
from dataclasses import replace

import jsonschema
import numpy as np
import pytest

from arrisk.policy.assumptions import Assumption
from arrisk.policy.discount.advice import recommend_discount
from arrisk.policy.discount.draws import Reference
from arrisk.policy.discount.simulation import SchemeGrid, make_schemes, simulate_discounts
from arrisk.policy.recommendation import Recommendation, recommendation_schema
from arrisk.policy.study import Study, study_template
from tests.policy.discount.books import assume, make_book

PRECISE = {
    "take_up": 0.4,
    "default_relief": 0.0,
    "sales_effect": 0.0,
    "already_early": 0.1,
    "gross_margin": 0.3,
    "take_up_elasticity": 1.0,
}


@pytest.fixture
def study(tmp_path):
    return Study.from_toml(study_template("books", "arrisk", "2025-12-31", "EUR"), tmp_path / "study.toml")


def advise(study, book, assumptions, schemes=None, **options):
    grid = simulate_discounts(book, schemes or make_schemes(book), assumptions, draws=200, seed=1)
    advice = recommend_discount(study, book, grid, **options)
    jsonschema.validate(json.loads(advice.to_json()), recommendation_schema())
    assert Recommendation.from_json(advice.to_json()).to_json() == advice.to_json()
    return advice, grid


def test_a_ledger_without_discounts_cannot_say(study):
    advice, grid = advise(study, make_book(), assume(**PRECISE, cost_of_capital=0.30))
    assert grid.best["p_gain"] > 0.95  # however good it looks on assumptions
    assert advice.verdict == "the data cannot say"
    assert "no discount offered or taken" in advice.answer
    assert "what-if" in advice.scope
    assert advice.expected_value is None
    assert "an arm" in advice.experiment
    assert any("Klapper" in note and "Giannetti" in note for note in advice.notes)


def test_the_same_ledger_with_discounts_gets_a_verdict(study):
    """The verdict follows from the data: only the discounts tell the two ledgers apart."""
    advice, _ = advise(study, make_book(offered=("Trade",)), assume(**PRECISE, cost_of_capital=0.08))
    assert advice.verdict == "reject"


def test_discounts_taken_but_not_known_to_be_offered_cannot_say(study):
    book = make_book(offered=("Trade",))
    book.items[["discount_rate", "discount_days"]] = np.nan
    advice, _ = advise(study, book, assume(**PRECISE, cost_of_capital=0.08))
    assert advice.verdict == "the data cannot say"
    assert "not to whom they were offered" in advice.answer


def test_a_dear_running_scheme_is_stopped(study):
    advice, grid = advise(study, make_book(offered=("Trade",)), assume(**PRECISE, cost_of_capital=0.08))
    assert advice.verdict == "reject"
    assert advice.answer.startswith("Stop offering 2% within 10 days")
    assert advice.expected_value.value == pytest.approx(-grid.running_npv.mean())
    assert advice.expected_value.low > 0
    assert not advice.identified
    assert any("Descriptive only" in note for note in advice.notes)


def test_a_running_scheme_that_pays_is_kept(study):
    book = make_book(offered=("Trade", "Retail"), late_days=60)
    schemes = SchemeGrid((0.02,), (10,), (1e5,), Reference(0.02, 10))
    advice, grid = advise(study, book, assume(**PRECISE, cost_of_capital=0.30), schemes)
    assert advice.verdict == "keep"
    assert advice.expected_value.value == pytest.approx(grid.running_npv.mean())


def test_a_running_scheme_that_pays_but_may_lose_too_much_is_not_kept(study):
    book = make_book(offered=("Trade", "Retail"), late_days=60)
    schemes = SchemeGrid((0.02,), (10,), (1e5,), Reference(0.02, 10))
    limit = Assumption("tail_limit", 0.0, 0.0, 0.0, "EUR a year", "test")
    strict = replace(study, assumptions=(*study.assumptions, limit))
    given = assume(**PRECISE, cost_of_capital=(0.30, 0.02, 0.5))
    advice, grid = advise(strict, book, given, schemes)
    assert grid.running_npv.mean() > 0
    assert np.sort(grid.running_npv.ravel())[:10].mean() < 0
    assert advice.verdict == "the data cannot say"
    assert "more than the EUR 0 that is accepted" in advice.answer


def test_terms_that_pay_are_extended_to_more_customers(study):
    book = make_book(offered=("Trade",), late_days=60)
    advice, grid = advise(study, book, assume(**PRECISE, cost_of_capital=0.30))
    assert advice.verdict == "adopt"
    assert "2% within 10 days to all customers" in advice.answer
    row = grid.table[(grid.table["rate"] == 0.02) & (grid.table["days"] == 10)].index[0]
    assert advice.expected_value.value == pytest.approx((grid.npv[:, row] - grid.running_npv[:, 0]).mean())


def test_terms_that_nobody_was_offered_are_never_adopted(study):
    book = make_book(offered=("Trade",))
    advice, grid = advise(study, book, assume(**PRECISE, cost_of_capital=0.08))
    assert grid.best["p_gain"] > 0.95
    assert grid.best["rate"] < 0.02
    assert advice.verdict == "reject"
    assert any(o.name.startswith("0.") and o.value > 0 for o in advice.options)


def test_wide_assumptions_leave_it_open(study):
    wide = assume(
        cost_of_capital=(0.15, 0.02, 0.40), default_relief=(0.5, 0.0, 1.0), already_early=(0.3, 0.0, 0.9)
    )
    advice, grid = advise(study, make_book(offered=("Trade",), loss_share=0.01), wide)
    assert 0.2 < (grid.running_npv > 0).mean() < 0.8
    assert advice.verdict == "the data cannot say"
    top = grid.tornado(grid.running.iloc[0])["assumption"].iloc[0].replace("_", " ")
    assert top in advice.answer


def test_confidence_is_an_argument(study):
    book = make_book(offered=("Trade",), loss_share=0.01)
    wide = assume(cost_of_capital=(0.08, 0.05, 0.30), default_relief=(0.25, 0.0, 1.0))
    schemes = make_schemes(book)
    grid = simulate_discounts(book, schemes, wide, draws=200, seed=1)
    loses = (grid.running_npv[:, 0] < 0).mean()
    assert 0.6 < loses < 0.99
    assert recommend_discount(study, book, grid, confidence=loses - 0.05).verdict == "reject"
    assert recommend_discount(study, book, grid, confidence=loses + 0.005).verdict == "the data cannot say"
    with pytest.raises(ValueError, match="confidence"):
        recommend_discount(study, book, grid, confidence=0.5)


def test_the_flip_is_where_the_value_crosses_zero(study):
    assumptions = assume(**(PRECISE | {"cost_of_capital": (0.08, 0.05, 0.12)}))
    advice, grid = advise(study, make_book(offered=("Trade",)), assumptions)
    flip = advice.flip
    assert flip.threshold is not None
    running = grid.running.iloc[0]
    at = grid.point_value(running, {flip.parameter: [flip.threshold]})[0]
    now = grid.point_value(running, {})[0]
    assert abs(at) < 0.02 * abs(now)
    assert f"{100 * flip.threshold:.2f}"[:3] in flip.sentence or f"{flip.threshold:.3g}"[:4] in flip.sentence


def test_no_flip_is_said_plainly(study):
    """Payers who are all early anyway: no assumption makes a discount pay but extra sales, and without margin
    not even these."""
    book = make_book(offered=("Trade",), late_days=0, take_up=0.9)
    advice, _ = advise(study, book, assume(**(PRECISE | {"gross_margin": 0.0, "sales_effect": 0.0})))
    assert advice.verdict == "reject"
    assert advice.flip.threshold is None or advice.flip.parameter in ("gross_margin", "sales_effect")


def test_the_pilot_is_large_enough_to_see_its_own_shift(study):
    from arrisk.models.trial.power import pilot_size_means

    advice, _ = advise(study, make_book(customers=200, invoices=20), assume(**PRECISE, cost_of_capital=0.08))
    size = int(advice.experiment.split(" an arm")[0].split()[-1].replace(",", ""))
    assert 2 * size <= 200
    shift = float(advice.experiment.split("shift of ")[1].split()[0])
    sd = float(advice.experiment.split("deviation ")[1].split()[0])
    assert size == pytest.approx(pilot_size_means(shift, sd), rel=0.15)


def test_the_ibm_ledger_cannot_say(shared_data, tmp_path):
    """Real invoices and payments, no discount in any row."""
    files = sorted((shared_data / "ibm-ar").glob("*.csv"))
    text = study_template(str(files[0]), "ibm_ar", "2013-07-01", "USD")
    study = Study.from_toml(text, tmp_path / "study.toml")
    snapshot = study.snapshot()
    grid = simulate_discounts(snapshot, make_schemes(snapshot), study.assumptions, draws=200, seed=study.seed)
    advice = recommend_discount(study, snapshot, grid)
    assert advice.verdict == "the data cannot say"
    assert "no discount offered or taken" in advice.answer
