"""Scenarios on a book of three customers, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.losses.closed_form import conditional_pd
from arrisk.models.losses.portfolio import make_portfolio
from arrisk.policy.insurance.layers import make_layer, pay_layers
from arrisk.policy.insurance.terms import PolicyTerms
from arrisk.policy.stress.balance_sheet import BalanceSheet
from arrisk.policy.stress.covenants import Covenant
from arrisk.policy.stress.insured import insured_receivables
from arrisk.policy.stress.runs import pick_debtors, run_scenario
from arrisk.policy.stress.scenarios import DebtorDefault, IndustryDownturn, MacroDownturn
from tests.policy.stress.small_books import NAMES, slip_book

LARGEST = DebtorDefault("largest")
SHEET = BalanceSheet(
    cash=200.0, credit_line=100.0, line_drawn=40.0, current_liabilities=400.0, debt=500.0, ebitda=400.0
)


def names_of(book, scenario):
    return [str(book.portfolio.name[k]) for k in pick_debtors(book, scenario)]


def test_any_year_without_failures_is_the_plan():
    run = run_scenario(slip_book(), None, 3)
    assert run.change().tolist() == [[35.0, 0.0]] * 3
    assert run.loss.tolist() == [0.0] * 3
    assert run.missing.tolist() == [0.0] * 3


def test_the_largest_debtor_fails():
    run = run_scenario(slip_book(), LARGEST, 3)
    assert run.loss.tolist() == [300.0] * 3
    assert run.change().tolist() == [[-35.0, -100.0]] * 3
    assert run.missing.tolist() == [100.0] * 3
    later = run_scenario(slip_book(), DebtorDefault("later", day=8), 3)
    assert later.change().tolist() == [[35.0, -30.0]] * 3


def test_losses_tie_to_customers_and_stay_within_what_is_owed():
    book = slip_book(portfolio=make_portfolio(0.3, [600.0, 300.0, 100.0], 0.6, 0.3, name=NAMES))
    for scenario in (None, LARGEST, MacroDownturn("bad", 0.01), DebtorDefault("all", 3)):
        run = run_scenario(book, scenario, 500)
        each = np.array([run.events.totals(run.events.loss * (run.events.obligor == k)) for k in range(3)])
        np.testing.assert_allclose(each.sum(axis=0), run.loss, rtol=1e-12, atol=1e-9)
        assert (each <= book.portfolio.exposure[:, None] + 1e-6).all()
        lost = run.usual.sum(axis=1) - run.receipts.sum(axis=1)
        np.testing.assert_allclose(run.missing, lost, atol=1e-9)
        assert (run.receipts >= -1e-9).all()


def test_who_is_large_is_a_choice():
    risky = make_portfolio([0.01, 0.5, 0.1], [600.0, 300.0, 100.0], 0.5, name=NAMES)
    book = slip_book(portfolio=risky)
    assert names_of(book, LARGEST) == ["a"]
    assert names_of(book, DebtorDefault("costly", rank_by="expected loss")) == ["b"]
    assert names_of(book, DebtorDefault("two", 2)) == ["a", "b"]
    assert names_of(book, DebtorDefault("named", customers=["c"])) == ["c"]
    assert names_of(book, DebtorDefault("many", 99)) == ["a", "b", "c"]
    with pytest.raises(ModelError, match="no customer of the book is called z"):
        pick_debtors(book, DebtorDefault("unknown", customers=["z"]))


def test_connected_customers_fail_together():
    book = slip_book(debtor=np.array(["a", "g", "g"], dtype=object))
    assert names_of(book, DebtorDefault("one of a group", customers=["c"])) == ["b", "c"]
    alone = DebtorDefault("alone", customers=["c"], connected=False)
    assert names_of(book, alone) == ["c"]
    rich = slip_book(debtor=np.array(["a", "g", "g"], dtype=object), portfolio=_owed(300.0, 200.0, 150.0))
    assert names_of(rich, LARGEST) == ["b", "c"]


def _owed(*amounts):
    return make_portfolio(0.0, amounts, 0.5, industry=["x", "x", "y"], name=NAMES)


def test_a_slump_in_one_industry_leaves_the_others_alone():
    portfolio = make_portfolio(0.1, [600.0, 300.0, 100.0], 0.5, industry=["x", "x", "y"], name=NAMES)
    book = slip_book(portfolio=portfolio)
    run = run_scenario(book, IndustryDownturn("slump", "x", 0.05, delay_days=0.0), 20_000)
    seen = np.bincount(run.events.obligor, minlength=3) / run.events.draws
    bad = float(conditional_pd(0.1, 0.15, -1.6448536269514722))
    assert np.abs(seen - [bad, bad, 0.1]).max() < 4 * np.sqrt(0.25 / 20_000)
    slow = run_scenario(slip_book(), IndustryDownturn("slow", "x", delay_days=5.0, onset_days=0), 1)
    assert slow.receipts.tolist() == [[0.0, 140.0]]
    with pytest.raises(ModelError, match="allowed: x, y"):
        run_scenario(book, IndustryDownturn("unknown", "z"))


def test_insurance_helps_the_loss_at_once_and_the_cash_late():
    terms = {"insured_share": 0.9, "buyer_limit": 500.0}
    prompt = run_scenario(slip_book(policy=PolicyTerms("prompt", **terms)), LARGEST, 2)
    assert prompt.claims.paid.tolist() == [450.0, 450.0]
    assert prompt.borne.tolist() == [225.0, 225.0]
    assert prompt.insured.tolist() == [[450.0, 0.0]] * 2
    waits = PolicyTerms("waits", waiting_days=7, payment_days=2, **terms)
    assert run_scenario(slip_book(policy=waits), LARGEST, 1).insured.tolist() == [[0.0, 450.0]]
    late = run_scenario(slip_book(policy=PolicyTerms("late", waiting_days=180, **terms)), LARGEST, 1)
    assert late.insured.sum() == 0.0
    assert late.borne.tolist() == [225.0]
    assert insured_receivables(slip_book().portfolio, PolicyTerms(**terms)) == pytest.approx(
        0.9 * (500 + 300 + 100)
    )


def test_claims_tie_to_the_years_of_the_policy():
    portfolio = make_portfolio(0.3, [600.0, 300.0, 100.0], 0.6, 0.3, name=NAMES)
    policy = PolicyTerms(
        "cut", buyer_limit=400.0, aggregate_first_loss=50.0, maximum_liability=500.0, downturn_cut=0.5,
        downturn_share=0.2,
    )  # fmt: skip
    book = slip_book(portfolio=portfolio, policy=policy)
    run = run_scenario(book, None, 400)
    _, (year,) = pay_layers(run.events, [make_layer(policy, portfolio, book.sales)])
    np.testing.assert_allclose(run.events.totals(run.claims.paid), year.indemnity, atol=1e-6)
    np.testing.assert_allclose(run.borne, year.insured, rtol=1e-4, atol=1e-3)
    assert (run.borne <= run.loss + 1e-9).all()


def test_an_insurer_that_cuts_limits_pays_less_in_a_downturn():
    portfolio = make_portfolio(0.3, [600.0, 300.0, 100.0], 0.5, name=NAMES)
    firm, cuts = PolicyTerms("firm"), PolicyTerms("cuts", downturn_cut=0.5, downturn_share=0.1)
    bad = MacroDownturn("bad", 0.05, delay_days=0.0)
    one, two = (run_scenario(slip_book(portfolio=portfolio, policy=p), bad, 200) for p in (firm, cuts))
    np.testing.assert_array_equal(one.loss, two.loss)
    np.testing.assert_allclose(two.borne, one.borne / 2)


@pytest.mark.parametrize(
    ("ratio", "before", "after"),
    [
        ("net debt to EBITDA", 0.75, 4.0),
        ("minimum liquidity", 260.0, 160.0),
        ("cash ratio", 0.5, 0.25),
        ("largest debtor", 0.6, 0.75),
        ("borrowing base", 760.0, 280.0),
    ],
)
def test_covenants_before_and_after_by_hand(ratio, before, after):
    book, covenant = slip_book(), Covenant("promise", ratio, 0.5)
    for scenario, expected in ((None, before), (LARGEST, after)):
        stressed = run_scenario(book, scenario, 1).stressed(book.debtor)
        assert covenant.value(SHEET, stressed) == pytest.approx([expected], rel=1e-6)


def test_headroom_has_a_direction_and_gaps_are_named():
    assert Covenant("l", "net debt to EBITDA", 3.0).headroom(np.array([2.5, 4.0])).tolist() == [0.5, -1.0]
    assert Covenant("m", "minimum liquidity", 100.0).headroom(np.array([80.0])).tolist() == [-20.0]
    assert Covenant("o", "cash ratio", 0.2, "at most").headroom(np.array([0.5])) == pytest.approx([-0.3])
    leverage = Covenant("l", "net debt to EBITDA", 3.0)
    assert leverage.missing(BalanceSheet(cash=1.0)) == ("debt", "ebitda")
    stressed = run_scenario(slip_book(), None, 1).stressed(NAMES)
    with pytest.raises(ModelError, match="needs debt, ebitda"):
        leverage.value(BalanceSheet(cash=1.0), stressed)
    ruined = BalanceSheet(cash=0.0, debt=10.0, ebitda=-5.0)
    assert leverage.value(ruined, stressed).tolist() == [np.inf]
