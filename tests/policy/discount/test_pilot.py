import datetime as dt
from types import SimpleNamespace

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.policy.assumptions import Assumption
from arrisk.policy.discount.draws import Reference
from arrisk.policy.discount.pilot import design_pilot
from tests.models.trial.trials import START, ledger_of_book, make_book, offer_to

TERMS = Reference(0.01, 10)
BEFORE = START - np.timedelta64(1, "D")
QUICK = {"trials": 120, "seed": 5}


def _take_up(value):
    return (
        Assumption("take_up", value, value / 2, min(2 * value, 1.0), "fraction of offered sales", "test"),
    )


@pytest.fixture(scope="module")
def book():
    return make_book(seed=11, customers=120)


@pytest.fixture(scope="module")
def before(book):
    return ledger_of_book(book[book["issue_date"] < START]).as_of(BEFORE)


@pytest.fixture(scope="module")
def design(before):
    return design_pilot(before, TERMS, assumptions=_take_up(0.4), **QUICK)


def test_the_design_says_what_it_can_show(design):
    units = design.assignment.units
    said = design.finding()
    assert said.startswith(f"{len(units):,} customers, {int(units['treated'].sum())} of them drawn")
    assert "1% within 10 days for 3 months" in said
    assert design.plan.start == dt.date(2026, 1, 1)
    assert design.plan.end == dt.date(2026, 4, 1)
    assert design.expected < 0
    assert design.enough == (design.power >= 0.8)
    assert design.plot().get_ylabel() == "chance to see it"
    assert set(design.table["outcome"]) == {"days from issue to payment", "present value per 100 invoiced"}
    assert "<table" in design._repr_html_()


def test_the_plan_on_record_says_all_that_decides(design):
    text = design.to_text()
    for part in (design.assignment.digest, "2026-01-01", "look 1", "look 2", "take-up assumed", "HC3"):
        assert part in text
    assert len(design.plan_table().frame) == text.count("\n") - 1


def test_the_code_that_will_read_it_reads_it(design, book, tmp_path):
    """The script of the design, run on the ledger of the pilot that was then carried out."""
    arms = design.assignment
    path = arms.write(tmp_path / "arms.csv")
    treated = arms.table.loc[arms.table["arm"] == "treated", "customer_id"]
    after, true = offer_to(book, treated, 0.4, seed=11)
    script = {"__name__": "pilot"}
    exec(compile(design.analysis_code(), "pilot.py", "exec"), script)
    assert script["PLAN"] == design.plan
    ledger = ledger_of_book(after)
    read = script["analyse"](ledger.as_of("2026-06-30"), path)
    truth = true.reindex(arms.units.index).dropna().mean()
    assert read.effect.ci_low < truth < read.effect.ci_high
    assert read.decision == "benefit"
    with pytest.raises(ModelError, match="nothing to read yet"):
        script["analyse"](ledger.as_of("2026-02-01"), path)
    path.write_text(path.read_text().replace("treated", "control", 1))
    with pytest.raises(ModelError, match="not the assignment on record"):
        script["analyse"](ledger.as_of("2026-06-30"), path)


def test_a_larger_effect_needs_fewer_offers(before, design):
    more = design_pilot(before, TERMS, assumptions=_take_up(0.8), **QUICK)
    assert more.enough
    assert more.curve.treated <= design.curve.treated
    less = design_pilot(before, TERMS, assumptions=_take_up(0.05), **QUICK)
    assert not less.enough
    assert less.needed > len(less.assignment.units)
    assert f"about {less.needed:,} customers would do" in less.finding()


def test_of_two_discounts_that_do_the_cheaper_is_tried(before):
    both = design_pilot(before, (Reference(0.03, 10), TERMS), assumptions=_take_up(0.8), **QUICK)
    assert both.terms == TERMS
    one, two = (both.table.loc[both.table["rate"] == rate, "cost"].iloc[0] for rate in (0.01, 0.03))
    assert one < two


def test_nothing_after_the_day_of_the_design_changes_it(book, before, design):
    whole = ledger_of_book(book).as_of(BEFORE)
    again = design_pilot(whole, TERMS, assumptions=_take_up(0.4), **QUICK)
    assert again.assignment.digest == design.assignment.digest
    assert again.finding() == design.finding()


def test_customers_with_an_offer_are_left_out(sample_study):
    design = design_pilot(sample_study.snapshot(), TERMS, **QUICK)
    assert design.left_out > 0
    items = sample_study.snapshot().items
    year = items["issue_date"] > design.as_of - np.timedelta64(365, "D")
    offered = set(items.loc[year & items["discount_rate"].notna(), "customer_id"])
    known = set(design.assignment.table["customer_id"])
    assert len(known & offered) <= 2  # invoices too young to be read
    assert "customers" in design.finding()


def test_it_is_the_way_out_where_nothing_was_ever_offered(shared_data):
    from arrisk.ledger.reading import read_ledger

    snapshot = read_ledger(shared_data / "ibm-ar", columns="ibm_ar", currency="USD").as_of("2013-07-01")
    design = design_pilot(snapshot, TERMS, **QUICK)
    assert len(design.assignment.units) == 100
    assert "USD" in design.finding()
    assert design.left_out == 0


def test_nonsense_is_refused(before):
    with pytest.raises(ValueError, match="at least one discount"):
        design_pilot(before, ())
    with pytest.raises(ValueError, match="a rate between 0 and 1"):
        design_pilot(before, SimpleNamespace(rate=2, days=10))
    with pytest.raises(ModelError, match="too short"):
        design_pilot(before, TERMS, months=24)


def test_terms_worth_less_to_the_customer_are_taken_less(before):
    stated = Reference(0.02, 10)
    given = _take_up(0.3)
    design = design_pilot(before, (Reference(0.005, 5), stated), assumptions=given, reference=stated, **QUICK)
    rows = design.table.set_index(["rate", "outcome"])
    days = design.table["outcome"].iloc[0]
    assert rows.loc[(0.02, days), "take_up"] == 0.3
    small = rows.loc[(0.005, days)]
    assert 0 < small["take_up"] < 0.15
    assert abs(small["expected_shift"]) < abs(rows.loc[(0.02, days), "expected_shift"])
    if design.terms == stated:
        assert "0.5% within 5 days itself" in design.finding()
    else:
        assert design.instead == ""
