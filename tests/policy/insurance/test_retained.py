"""What is retained on simulated years: accounts that close, and many policies at once as one by one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.models.losses.closed_form import finite_pool_pmf, stop_loss
from arrisk.models.losses.portfolio import Dependence, make_portfolio
from arrisk.models.losses.simulation import simulate_losses
from arrisk.policy.insurance.bonus import premium_change
from arrisk.policy.insurance.claims import apply_terms
from arrisk.policy.insurance.downturn_cuts import downturn_years
from arrisk.policy.insurance.exclusions import BuyerFacts
from arrisk.policy.insurance.forms import Programme, top_up, whole_turnover
from arrisk.policy.insurance.recovery_sharing import share_recovery
from arrisk.policy.insurance.retained import retain, retain_all
from arrisk.policy.insurance.steps import EXCESS_FIRST, SHARE_LAST, STEPS, THRESHOLD_ORDER
from arrisk.policy.insurance.terms import PolicyTerms

NAMES = np.array([f"C{i}" for i in range(40)])
SALES = np.full(40, 800.0)
LIMITS = {"C1": 300.0, "C2": 0.0, "C3": 90.0}
USUAL = {
    "insured_share": 0.85,
    "named_limits": LIMITS,
    "discretionary_limit": 200,
    "non_qualifying_loss": 20,
    "each_and_every": 10,
    "aggregate_first_loss": 50,
    "maximum_liability": 600,
    "premium_rate": 0.004,
}


def simulate(spread=0.0, draws=2_000, lgd=0.7):
    rng = np.random.default_rng(8)
    chance, owed = rng.uniform(0.005, 0.08, 40), rng.lognormal(5, 1, 40)
    book = make_portfolio(chance, owed, lgd, spread, name=NAMES)
    return simulate_losses(book, Dependence(0.15), draws=draws, seed=4)


@pytest.fixture(scope="module")
def fixed():
    return simulate()


@pytest.fixture(scope="module")
def spread():
    return simulate(0.2)


def step_by_step(events, terms):
    """Every default through the pipeline and the sharing of recoveries, without shortcuts."""
    terms = terms.with_premium(retain(events, terms, SALES).premium - terms.fees)
    who = events.portfolio.name[events.obligor]
    paid = apply_terms(events.balance, terms, events.draw, who, allocation="pro rata").indemnity
    back, kept = share_recovery(events.balance - events.loss, paid, events.balance)
    return events.totals(paid), events.totals(paid - back), events.totals(events.loss - paid + back), kept


ORDERS = [
    {},
    {"order": EXCESS_FIRST},
    {"order": THRESHOLD_ORDER, "non_qualifying_loss": 0.0, "threshold": 15.0},
    {"order": SHARE_LAST, "non_qualifying_loss": 0.0, "threshold": 15.0, "each_and_every": 0.0},
    {"order": SHARE_LAST, "non_qualifying_loss": 0.0, "each_and_every": 0.0, "discretionary_share": 0.5},
    {"order": ("aggregate_first_loss", *[s for s in STEPS if s != "aggregate_first_loss"])},
    {"discretionary_share": 0.7, "maximum_liability_multiple": 4.0},
]


@pytest.mark.parametrize("lgd", ["fixed", "spread"])
@pytest.mark.parametrize("change", ORDERS)
def test_many_at_once_are_exactly_the_pipeline_step_by_step(lgd, change, request):
    events = request.getfixturevalue(lgd)
    terms = PolicyTerms("all terms", **{**USUAL, **change})
    found = retain(events, terms, SALES)
    paid, insured, retained, _ = step_by_step(events, terms)
    np.testing.assert_allclose(found.indemnity, paid, rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(found.insured, insured, rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(found.retained, retained, rtol=1e-10, atol=1e-9)
    assert found.indemnity.max() > 0


@settings(max_examples=30, deadline=None)
@given(
    st.floats(0, 1), st.floats(0, 400), st.floats(0, 100), st.floats(0, 100), st.floats(0, 500),
    st.floats(0, 900), st.permutations(STEPS), st.booleans(),
)  # fmt: skip
def test_kept_and_insured_add_up_to_the_loss(
    fixed, spread, share, limit, gate, excess, first, cap, order, random
):
    events = spread if random else fixed
    terms = PolicyTerms(
        insured_share=share, buyer_limit=limit, non_qualifying_loss=gate, each_and_every=excess,
        aggregate_first_loss=first, maximum_liability=cap, order=tuple(order),
    )  # fmt: skip
    found = retain(events, terms, SALES)
    np.testing.assert_allclose(found.retained + found.insured, events.totals(), rtol=1e-12, atol=1e-9)
    assert (found.retained >= 0).all()
    assert (found.insured >= 0).all()
    assert (found.insured <= found.indemnity + 1e-9).all()


def test_together_or_alone_is_the_same(spread):
    policies = [
        PolicyTerms("a", **USUAL),
        PolicyTerms("b", **{**USUAL, "maximum_liability": 100}),
        None,
        PolicyTerms("c", insured_share=0.5, buyers=5, bonus=0.2, waiting_days=180),
        PolicyTerms("d", **{**USUAL, "downturn_cut": 0.4, "downturn_share": 0.2}),
    ]
    for together, terms in zip(retain_all(spread, policies, SALES, None, 0.08), policies, strict=True):
        alone = retain(spread, terms, SALES, capital_rate=0.08)
        assert together.name == alone.name
        assert together.premium == alone.premium
        np.testing.assert_allclose(together.retained, alone.retained, rtol=1e-12, atol=1e-10)
        np.testing.assert_allclose(together.cost, alone.cost, rtol=1e-12, atol=1e-10)
        assert together.limit_binds == alone.limit_binds


def test_chances_and_means_weigh_each_year(fixed):
    """Under stratified sampling bad years are drawn more often than they come."""
    assert np.ptp(fixed.weight) > 0
    terms = PolicyTerms(insured_share=1.0, aggregate_first_loss=200, maximum_liability=300)
    found = retain(fixed, terms, SALES)
    owed = fixed.totals(fixed.balance)
    assert found.limit_binds == pytest.approx(fixed.weight @ (owed - 200 > 300))
    assert found.first_loss_unused == pytest.approx(fixed.weight @ (owed <= 200))
    assert found.limit_binds != pytest.approx((owed - 200 > 300).mean(), rel=0.05)


def test_excess_of_loss_meets_the_stop_loss_premium():
    """Equal balances, all lost: the insurer's mean is the stop-loss premium of the finite pool."""
    runs = simulate_losses(make_portfolio(0.1, np.ones(10), 1.0), Dependence(0.2), draws=50_000, seed=6)
    policy = PolicyTerms("excess of loss", insured_share=1.0, aggregate_first_loss=2.0)
    mean, error = runs.mean(retain(runs, policy, np.ones(10)).insured)
    assert float(mean) == pytest.approx(stop_loss(finite_pool_pmf(10, 0.1, 0.2), 2.0), abs=4 * float(error))


def test_every_kinder_term_keeps_no_more(fixed, spread):
    """With random losses the indemnity alone is certain to rise: a maximum that binds is spread anew."""
    terms = PolicyTerms(**USUAL)
    kept, paid = retain(fixed, terms, SALES).retained, retain(spread, terms, SALES).indemnity
    changes = [
        {"insured_share": 0.95},
        {"named_limits": {**LIMITS, "C1": 500.0, "C2": 50.0}},
        {"discretionary_limit": 400},
        {"non_qualifying_loss": 5},
        {"each_and_every": 0},
        {"maximum_liability": 900},
    ]
    for change in changes:
        kinder = replace(terms, **change)
        less = retain(fixed, kinder, SALES).retained
        assert (less <= kept + 1e-9).all(), change
        assert less.sum() < kept.sum(), change
        assert (retain(spread, kinder, SALES).indemnity >= paid - 1e-9).all(), change


def test_less_first_loss_pays_more_on_balances(spread):
    terms = PolicyTerms(**USUAL)
    more = retain(spread, replace(terms, aggregate_first_loss=0), SALES).indemnity
    assert (more >= retain(spread, terms, SALES).indemnity - 1e-9).all()


def test_a_first_policy_and_a_top_up(fixed):
    first = whole_turnover(buyer_limit=100, insured_share=0.9, premium_rate=0.003)
    more = top_up(first, 200, insured_share=0.9, premium_rate=0.001)
    both, below, above = retain_all(fixed, [Programme("both", (first, more)), first, more], SALES)
    wide = retain(fixed, whole_turnover(buyer_limit=300, insured_share=0.9), SALES)
    np.testing.assert_allclose(both.insured, below.insured + above.insured)
    np.testing.assert_allclose(both.retained, wide.retained, atol=1e-9)
    assert both.premium == pytest.approx(0.004 * SALES.sum())


def test_the_wait_costs_money_and_claims_change_the_premium(fixed):
    terms = PolicyTerms(
        insured_share=0.9, waiting_days=180, payment_days=30, insolvent_share=0.4, premium_rate=0.01,
        fees=5, bonus=0.1, malus=0.3, malus_ratio=1.0,
    )  # fmt: skip
    found = retain(fixed, terms, SALES, capital_rate=0.10)
    np.testing.assert_allclose(found.wait_cost, found.indemnity * 0.10 * (30 + 0.6 * 180) / 365)
    paid = 0.01 * SALES.sum()
    np.testing.assert_allclose(found.premium_change, premium_change(terms, found.insured, paid))
    assert set(np.unique(found.premium_change)) == {-0.1 * paid, 0.0, 0.3 * paid}
    parts = found.premium + found.premium_change + found.retained + found.wait_cost
    np.testing.assert_allclose(found.cost, parts)
    assert retain(fixed, terms, SALES).wait_cost.sum() == 0
    at_once = replace(terms, insolvent_share=1.0, payment_days=0)
    assert retain(fixed, at_once, SALES, capital_rate=0.10).wait_cost.sum() == 0


@pytest.mark.parametrize("order", [None, SHARE_LAST])
def test_limits_cut_in_a_downturn_raise_the_retained_tail(fixed, order):
    """The cut falls on the years with the largest losses, so it costs the tail more than the mean."""
    more = {} if order is None else {"order": order, "discretionary_share": 0.6}
    usual = PolicyTerms(discretionary_limit=300, named_limits={"C1": 200}, **more)
    cut = replace(usual, downturn_cut=0.5, downturn_share=0.1)
    part = replace(cut, downturn_buyers=0.25)
    kept, less, some = (found.retained for found in retain_all(fixed, [usual, cut, part], SALES))
    bad = downturn_years(cut, fixed.factor)
    assert fixed.weight[bad].sum() == pytest.approx(0.1, abs=0.002)
    np.testing.assert_array_equal(kept[~bad], less[~bad])
    assert (less >= kept - 1e-9).all()
    tails = [float(fixed.shortfall(x, 0.01)[0]) for x in (kept, some, less)]
    means = [float(fixed.mean(x)[0]) for x in (kept, some, less)]
    assert tails[0] < tails[1] < tails[2]
    assert (tails[2] - tails[0]) > 5 * (means[2] - means[0]) > 0
    halved = replace(usual, discretionary_limit=150, named_limits={"C1": 100})
    np.testing.assert_allclose(less[bad], retain(fixed, halved, SALES).retained[bad], atol=1e-9)


def test_the_worst_buyers_are_cut_first(fixed):
    """Without a limit the cut is taken from the balance."""
    cut = PolicyTerms(insured_share=1.0, downturn_cut=0.5, downturn_share=1.0, downturn_buyers=0.25)
    worst = np.argsort(-fixed.portfolio.pd)[:10]
    expected = fixed.totals(np.where(np.isin(fixed.obligor, worst), fixed.loss / 2, 0.0))
    np.testing.assert_allclose(retain(fixed, cut, SALES).retained, expected, atol=1e-9)


def test_what_is_excluded_stays_with_the_insured(fixed):
    facts = BuyerFacts(np.full(40, 0.25), np.arange(40) == 3, np.zeros(40))
    policy = PolicyTerms(insured_share=1.0, premium_rate=0.01)
    found = retain(fixed, policy, SALES, facts=facts)
    share = np.where(fixed.obligor == 3, 1.0, 0.25)
    np.testing.assert_allclose(found.retained, fixed.totals(fixed.loss * share), atol=1e-9)
    assert found.base == pytest.approx(39 * 800)
    with pytest.raises(ModelError, match="facts"):
        retain(fixed, policy, SALES, facts=BuyerFacts(np.zeros(2), np.zeros(2, dtype=bool), np.zeros(2)))


def test_a_book_without_defaults_keeps_nothing():
    runs = simulate_losses(make_portfolio(0.0, [10.0, 20.0], 0.5), Dependence(0.1), draws=10, seed=1)
    for terms in (
        PolicyTerms(aggregate_first_loss=5),
        PolicyTerms(discretionary_share=0.5, order=SHARE_LAST),
    ):
        found = retain(runs, terms, [1.0, 1.0], name="other")
        assert found.name == "other"
        assert found.retained.tolist() == [0.0] * 10
