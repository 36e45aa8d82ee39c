"""Ways of funding: what each brings, costs and leaves, and how they compare."""

import json
from dataclasses import replace

import jsonschema
import numpy as np
import pytest

from arrisk.errors import ModelError, StudyError
from arrisk.models.losses.simulation import simulate_losses
from arrisk.policy.funding.break_even import _crossing
from arrisk.policy.funding.comparison import compare_routes
from arrisk.policy.funding.decision import recommend_funding
from arrisk.policy.funding.funding_plan import compare_funding, make_pool_book
from arrisk.policy.funding.pool_routes import Factoring, InsuredLoan, NonRecourseFactoring, Securitisation
from arrisk.policy.funding.routes import EarlyPayment, Overdraft, Voucher
from arrisk.policy.funding.settings import (
    KINDS,
    cash_wanted,
    make_route,
    pool_rules,
    reserve_rules,
    study_routes,
    usual_routes,
)
from arrisk.policy.loss_basis import make_loss_model
from arrisk.policy.recommendation import recommendation_schema

WANTED = 1_000_000.0


@pytest.fixture(scope="module")
def model(sample_study):
    return make_loss_model(sample_study, None, sample_study.snapshot())


@pytest.fixture(scope="module")
def book(sample_study, model):
    return make_pool_book(sample_study, sample_study.snapshot(), model)


@pytest.fixture(scope="module")
def events(model):
    return simulate_losses(model.portfolio, model.dependence, 2_000, seed=3)


@pytest.fixture(scope="module")
def found(sample_study, model):
    return compare_funding(sample_study, sample_study.snapshot(), model, draws=400)


def test_an_overdraft_by_hand(book):
    year = Overdraft(0.08, limit=1_500_000, line_fee=0.01, setup_fee=500).draw(book, WANTED)
    assert year.cash == WANTED
    assert year.cost == pytest.approx(80_000 + 5_000 + 500)
    assert Overdraft(0.08, limit=400_000).draw(book, WANTED).cash == 400_000


def test_factoring_by_hand(book):
    year = Factoring(0.06, 0.8, 0.005, minimum_fee=1e6, office_saving=7_000).draw(book, WANTED)
    assert year.costs["service fee"] == 1e6
    assert year.costs["interest"] == pytest.approx(60_000)
    assert year.cost == pytest.approx(1e6 + 60_000 - 7_000)
    assert year.most == pytest.approx(0.8 * book.pool.balance)
    usual = Factoring(0.06, 0.8, 0.005).draw(book, 1e12)
    assert usual.cash == pytest.approx(0.8 * book.pool.balance)
    assert usual.costs["service fee"] == pytest.approx(0.005 * book.pool.sales)


def test_without_recourse_the_factor_bears_what_he_covers(book, events):
    whole = NonRecourseFactoring(0.06, covered_share=1.0)
    part = NonRecourseFactoring(0.06, covered_share=0.5)
    lost = events.totals()
    inside = events.by_draw(book.eligible * events.portfolio.exposure, lost=True)
    np.testing.assert_allclose(whole.kept(book, WANTED, events), lost - inside, atol=1e-6)
    np.testing.assert_allclose(part.kept(book, WANTED, events), lost - inside / 2, atol=1e-6)
    assert (Factoring(0.06).kept(book, WANTED, events) == lost).all()


@pytest.mark.parametrize("route", usual_routes(), ids=lambda r: r.kind)
def test_every_way_keeps_no_more_than_is_lost_and_brings_no_more_than_wanted(route, book, events):
    kept, lost = route.kept(book, WANTED, events), events.totals()
    assert (kept >= -1e-6).all()
    assert (kept <= lost + 1e-6).all()
    year = route.draw(book, WANTED)
    assert 0 <= year.cash <= WANTED + 1e-9
    assert year.cash <= year.most + 1e-9
    assert year.check() == pytest.approx(-year.cost)
    if year.cash > 0:
        assert year.rate >= year.simple - 0.02


def test_a_securitisation_keeps_losses_up_to_the_reserve(book, events):
    route = Securitisation(0.05, advance_rate=0.99)
    inside = events.by_draw(book.eligible * events.portfolio.exposure, lost=True)
    lost = events.totals()
    expected = lost - inside + np.minimum(inside, 0.01 * book.pool.balance)
    np.testing.assert_allclose(route.kept(book, WANTED, events), expected, atol=1e-6)
    small = replace(route, least_pool=1e12)
    assert small.draw(book, WANTED).cash == 0
    assert (small.kept(book, WANTED, events) == lost).all()


def test_insured_losses_are_paid_above_the_first_loss(book, events):
    free = InsuredLoan(0.06, insured_share=1.0)
    never = InsuredLoan(0.06, insured_share=1.0, first_loss=1e12)
    lost = events.totals()
    assert (never.kept(book, WANTED, events) == lost).all()
    inside = events.by_draw(book.eligible * events.portfolio.exposure, lost=True)
    np.testing.assert_allclose(free.kept(book, WANTED, events), lost - inside, atol=1e-6)


def test_vouchers_and_early_payment_cost_no_more_than_needed(book):
    voucher, early = Voucher(0.04, share_of_sales=0.5), EarlyPayment(take_up=0.5)
    for route in (voucher, early):
        small, large = route.draw(book, 1_000.0), route.draw(book, 10_000.0)
        assert small.cash == pytest.approx(1_000.0)
        assert large.cost == pytest.approx(10 * small.cost)
    assert voucher.sold_share(book, 1e15) == pytest.approx(0.5)


def test_costs_add_up_and_the_best_has_no_other_below_it_everywhere(found):
    parts = found.components().sum(axis=1)
    np.testing.assert_allclose(parts, found.table["total"], rtol=1e-6)
    totals = found.totals
    assert not any((totals[k] < totals[found.best] - 1e-6).all() for k in range(len(totals)))
    assert found.table["p_best"].sum() == pytest.approx(1.0)
    assert (found.table["regret"] >= -1e-9).all()


def test_the_break_even_level_makes_the_fee_worth_what_it_covers(found, model, book):
    even = found.break_even
    route = next(c.route for c in found.costs if c.route.kind == "non-recourse factoring")
    scale = even.pd / even.book
    portfolio = model.portfolio
    borne = scale * (portfolio.pd * route.covered(book, portfolio.exposure) * portfolio.lgd).sum()
    assert borne == pytest.approx(even.extra)


def test_simulated_costs_cross_where_the_closed_form_says(book, model):
    """With free capital the cases' lines cross at the break-even of the closed form."""
    pair = [Factoring(0.06), NonRecourseFactoring(0.06, protection_fee=0.002)]
    free = compare_routes(book, model, pair, WANTED, capital=1e-9, draws=4_000, seed=5)
    even = free.break_even
    if np.isfinite(even.pd_with_capital):
        assert even.pd_with_capital == pytest.approx(even.pd, rel=0.1)


def test_the_crossing_of_two_lines():
    assert _crossing(np.array([1.0, 2.0, 4.0]), np.array([-1.0, 1.0, 5.0])) == pytest.approx(1.5)
    assert np.isnan(_crossing(np.array([1.0, 2.0]), np.array([1.0, 2.0])))


def test_the_verdict_follows_the_costs(sample_study, found):
    said = recommend_funding(sample_study, found)
    jsonschema.validate(json.loads(said.to_json()), recommendation_schema())
    names = found.names
    assert said.verdict in {"adopt", "keep", "the data cannot say"}
    assert [o.name for o in said.options] == names
    used = names.index("overdraft")
    for k, option in enumerate(said.options):
        assert option.value == pytest.approx(float((found.totals[used] - found.totals[k]) @ found.weight))
    if said.verdict == "adopt":
        assert names[found.best] in said.answer
        assert said.expected_value.value > 0


def test_a_dear_way_out_keeps_the_overdraft(sample_study, model, book):
    dear = compare_routes(book, model, [Overdraft(0.02), Factoring(0.2)], WANTED, 0.08, draws=200)
    said = recommend_funding(sample_study, dear)
    assert said.verdict == "keep"
    assert "Stay with overdraft" in said.answer
    assert said.flip.threshold > said.flip.current


def test_unsure_or_unstated_is_not_decided(sample_study, found):
    unstated = replace(found, stated=False)
    assert recommend_funding(sample_study, unstated).verdict == "the data cannot say"
    assert "how much cash" in recommend_funding(sample_study, unstated).answer
    young = replace(found, what_if="nobody was lost")
    assert recommend_funding(sample_study, young).verdict == "the data cannot say"
    sure = recommend_funding(sample_study, found, confidence=0.9999)
    assert sure.verdict in {"the data cannot say", "adopt", "keep"}
    with pytest.raises(ValueError, match="confidence"):
        recommend_funding(sample_study, found, confidence=0.4)


def test_every_kind_reads_its_own_fields_and_names_what_is_wrong():
    for route in usual_routes():
        assert make_route({"kind": route.kind, "source": "letter"} | _required(route)).kind == route.kind
    assert set(KINDS) == {r.kind for r in usual_routes()}
    with pytest.raises(StudyError, match="overdraft"):
        make_route({"kind": "overdrft", "rate": 0.1})
    with pytest.raises(StudyError, match="line_fee"):
        make_route({"kind": "overdraft", "rate": 0.1, "line_fe": 0.1})
    with pytest.raises(StudyError, match="not a number"):
        make_route({"kind": "overdraft", "rate": "8%"})
    with pytest.raises(StudyError, match="at most 1"):
        make_route({"kind": "recourse factoring", "rate": 0.1, "advance_rate": 80})


def test_a_study_that_misspells_its_funding_is_told(sample_study):
    def given(**section):
        return replace(sample_study, settings={**sample_study.settings, "funding": section})

    assert cash_wanted(given(cash_wanted=5)) == 5.0
    assert cash_wanted(given()) is None
    assert study_routes(given())[1].startswith("usual terms")
    for section, message in (
        ({"cash_wnated": 5}, "cash_wanted"),
        ({"cash_wanted": "much"}, "not an amount"),
        ({"route": {"kind": "overdraft"}}, "double brackets"),
        ({"pool": {"largest": 1}}, "largest_share"),
        ({"reserves": {"stress": 0.5}}, "at least 1"),
    ):
        study = given(**section)
        with pytest.raises(StudyError, match=message):
            cash_wanted(study), study_routes(study), pool_rules(study), reserve_rules(study)


def _required(route):
    return {"rate": route.rate} if hasattr(route, "rate") else {}


def test_impossible_comparisons_are_errors(book, model):
    with pytest.raises(ModelError, match="cash above 0"):
        compare_routes(book, model, [], 0.0, 0.08)
    with pytest.raises(ModelError, match="different names"):
        compare_routes(book, model, [Overdraft(0.1), Overdraft(0.2)], 1.0, 0.08)


def test_pictures_and_tables(found):
    import matplotlib.pyplot as plt

    for ax in (found.plot(), found.plot_break_even(), found.book.advance.plot()):
        assert ax.get_title(loc="left")
        plt.close(ax.figure)
    for table in (
        found.to_table(),
        found.components_table(),
        found.flows_table(),
        found.book.pool.to_table(),
    ):
        assert len(table.frame)
    assert found._repr_html_().count("<table") == 1
