"""Policy terms against worked claims, and the properties that hold for every policy."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.policy.insurance.claims import apply_terms, trace_loss
from arrisk.policy.insurance.recovery_sharing import share_recovery
from arrisk.policy.insurance.steps import EXCESS_FIRST, SHARE_LAST, STEPS, THRESHOLD_ORDER, TOP_UP_ORDER
from arrisk.policy.insurance.terms import PolicyTerms


def pay(balance, **terms):
    return apply_terms(np.atleast_1d(np.asarray(balance, dtype=float)), PolicyTerms(**terms)).indemnity


def test_the_full_chain_step_by_step():
    terms = PolicyTerms(
        insured_share=0.9,
        non_qualifying_loss=1_000,
        each_and_every=500,
        aggregate_first_loss=2_000,
        maximum_liability=200_000,
    )
    trace = trace_loss(75_000, terms).set_index("step")["amount"]
    assert trace["non_qualifying_loss"] == 75_000
    assert trace["insured_share"] == pytest.approx(67_500)
    assert trace["each_and_every"] == pytest.approx(67_000)
    assert trace["aggregate_first_loss"] == pytest.approx(65_000)
    assert trace["maximum_liability"] == pytest.approx(65_000)


@pytest.mark.parametrize(
    ("loss", "share", "paid"), [(999.99, 0.9, 0), (1000, 0.9, 900), (1000.01, 1, 1000.01)]
)
def test_the_gate_is_all_or_nothing(loss, share, paid):
    assert pay(loss, insured_share=share, non_qualifying_loss=1_000)[0] == pytest.approx(paid)


@pytest.mark.parametrize(("limit", "balance", "paid"), [(1e6, 950_000, 855_000), (5e5, 800_000, 450_000)])
def test_buyer_limits(limit, balance, paid):
    assert pay(balance, buyer_limit=limit)[0] == pytest.approx(paid)


def test_excess_before_the_share():
    assert pay(50_000, each_and_every=5_000, order=EXCESS_FIRST)[0] == pytest.approx(40_500)
    assert pay(50_000, each_and_every=5_000)[0] == pytest.approx(40_000)


def test_share_applied_last_to_the_year():
    """Deductible of 1,000: 59,000 + 39,000 + 24,000 = 122,000 are above it."""
    losses = [60_000.0, 40_000.0, 25_000.0, 500.0]
    paid = apply_terms(
        losses,
        PolicyTerms(insured_share=0.9, threshold=1_000, aggregate_first_loss=2_000, order=SHARE_LAST),
    )
    assert paid.before("aggregate_first_loss").sum() == 122_000
    assert paid.indemnity.sum() == pytest.approx(108_000)


def test_a_threshold_is_subtracted_not_a_gate():
    terms = {"insured_share": 0.9, "order": THRESHOLD_ORDER}
    assert pay([1_500, 1_000, 999], threshold=1_000, **terms).tolist() == [450, 0, 0]
    assert pay([1_500, 1_000, 999], non_qualifying_loss=1_000).tolist() == [1_350, 900, 0]


def test_recoveries_are_shared():
    insurer, insured = share_recovery(22_000, 50_000, 110_000, costs=2_000)
    assert float(insurer) == pytest.approx(9_090.91, abs=0.005)
    assert float(insured) == pytest.approx(10_909.09, abs=0.005)
    for bad in [(1.0, 120.0, 100.0), (-1.0, 5.0, 10.0)]:
        with pytest.raises(ModelError):
            share_recovery(*bad)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.01, 1e6), st.floats(0, 1), st.floats(0, 1e6), st.floats(0, 1e6))
def test_recovery_shares_add_up(debt, part, recovery, costs):
    insurer, insured = share_recovery(recovery, part * debt, debt, costs)
    assert float(insurer + insured) == pytest.approx(recovery - costs)
    assert float(insurer) == pytest.approx(part * (recovery - costs), abs=1e-6)


def test_aggregates_start_afresh_each_year():
    terms = PolicyTerms(insured_share=1.0, aggregate_first_loss=100, maximum_liability=150)
    paid = apply_terms([80, 80, 200, 50, 120, 400], terms, [0, 0, 0, 1, 1, 4]).indemnity
    assert paid.tolist() == [0, 60, 90, 0, 70, 150]


amounts = st.floats(0, 1e6)
limits = st.one_of(amounts, st.just(math.inf))
some_terms = {
    "insured_share": st.floats(0, 1),
    "buyer_limit": limits,
    "non_qualifying_loss": amounts,
    "each_and_every": amounts,
    "threshold": amounts,
    "underlying_limit": amounts,
    "aggregate_first_loss": amounts,
    "maximum_liability": limits,
}
any_terms = st.builds(PolicyTerms, order=st.permutations(STEPS).map(tuple), **some_terms)
some_losses = st.lists(st.tuples(st.integers(0, 3), amounts), max_size=12).map(sorted)
ways = st.sampled_from(["in order", "pro rata"])


@settings(max_examples=100, deadline=None)
@given(any_terms, some_losses, ways)
def test_payments_lie_between_nothing_and_the_loss(terms, losses, allocation):
    year = np.array([e[0] for e in losses], dtype=int)
    balance = np.array([e[1] for e in losses], dtype=float)
    paid = apply_terms(balance, terms, year, allocation=allocation).indemnity
    assert (paid >= 0).all()
    assert (paid <= balance * (1 + 1e-12)).all()
    by_year = np.bincount(year, paid, 4) if len(losses) else np.zeros(4)
    if terms.order[-1] == "maximum_liability":
        assert (by_year <= terms.maximum_liability + 1e-6).all()


@settings(max_examples=100, deadline=None)
@given(any_terms, amounts, amounts)
def test_a_larger_loss_is_never_paid_less(terms, first, second):
    low, high = sorted((first, second))
    assert pay_one(low, terms) <= pay_one(high, terms) + 1e-6


def pay_one(loss, terms):
    return apply_terms([loss], terms).indemnity[0]


@settings(max_examples=100, deadline=None)
@given(any_terms, st.sampled_from(sorted(some_terms)), amounts, some_losses)
def test_a_kinder_term_never_pays_less_in_the_year(terms, field, change, losses):
    """Single steps of the year on the default order, or any order of steps on single losses."""
    kinder = {"buyer_limit": 1, "maximum_liability": 1, "insured_share": 1}.get(field, -1)
    value = getattr(terms, field) + kinder * (change / 1e6 if field == "insured_share" else change)
    value = min(value, 1.0) if field == "insured_share" else max(value, 0.0)
    balance = [e[1] for e in losses]
    before, after = (
        apply_terms(balance, replace(t, order=TOP_UP_ORDER, threshold=0.0)).indemnity.sum()
        for t in (terms, replace(terms, **{field: value}))
    )
    assert after >= before - 1e-6


@settings(max_examples=60, deadline=None)
@given(any_terms, some_losses)
def test_a_year_pays_the_same_however_its_losses_are_ordered_or_aggregates_spread(terms, losses):
    """As long as no step on single losses stands behind a step of the year."""
    terms = replace(terms, order=TOP_UP_ORDER, threshold=0.0)
    balance = np.array([e[1] for e in losses], dtype=float)
    in_order = apply_terms(balance, terms).indemnity.sum()
    assert apply_terms(balance[::-1], terms).indemnity.sum() == pytest.approx(in_order, abs=1e-6)
    spread = apply_terms(balance, terms, allocation="pro rata").indemnity.sum()
    assert spread == pytest.approx(in_order, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(amounts, st.floats(0, 1), limits, amounts, amounts)
def test_order_matters_only_as_it_should(loss, share, limit, excess, gate):
    """Limit and excess in front of the share are the share of what they leave; alone, steps commute."""
    terms = {"insured_share": share, "buyer_limit": limit, "each_and_every": excess}
    first = pay(loss, order=EXCESS_FIRST, **terms)[0]
    assert first == pytest.approx(share * max(min(loss, limit) - excess, 0.0))
    assert pay(loss, **terms)[0] <= first + 1e-6
    only = {"insured_share": share, "non_qualifying_loss": gate}
    orders = [("non_qualifying_loss", "insured_share"), ("insured_share", "non_qualifying_loss")]
    gated, shared = (pay(loss, order=order, **only)[0] for order in orders)
    assert shared <= gated
    assert gated == (share * loss if loss >= gate else 0.0)


def test_the_year_in_its_middle():
    """Part of the first loss is used up, and part of the maximum liability is paid."""
    terms = PolicyTerms(
        insured_share=0.9,
        non_qualifying_loss=1_000,
        each_and_every=500,
        aggregate_first_loss=2_000,
        maximum_liability=200_000,
    )
    later = terms.remaining(first_loss_used=1_500, paid=140_000)
    assert apply_terms([75_000], later).indemnity[0] == pytest.approx(60_000)
    whole_year = apply_terms([2_000, 150_000, 100_000], terms)
    used = min(2_000 * 0.9 - 500, 2_000)
    rest = terms.remaining(first_loss_used=used)
    assert whole_year.indemnity[1:].sum() == pytest.approx(
        apply_terms([150_000, 100_000], rest).indemnity.sum()
    )
    with pytest.raises(ModelError, match="with_premium"):
        PolicyTerms(maximum_liability_multiple=30).remaining()


def test_maximum_liability_as_a_multiple_of_the_premium():
    terms = PolicyTerms(premium_rate=0.003, minimum_premium=2_000, fees=300, maximum_liability_multiple=30)
    assert terms.premium(1e6) == pytest.approx(3_300)
    assert terms.premium(1e5) == pytest.approx(2_300)
    both = replace(terms, maximum_liability=80_000)
    assert both.with_premium(3_000).maximum_liability == 80_000
    assert both.with_premium(2_000).maximum_liability == 60_000
    with pytest.raises(ModelError):
        apply_terms([1.0], terms)
    assert apply_terms([1e6], terms.with_premium(3_000)).indemnity[0] == pytest.approx(90_000)


@pytest.mark.parametrize(
    "bad",
    [
        {"insured_share": 1.1},
        {"discretionary_share": -0.1},
        {"named_limits": {"a": -1.0}},
        {"named_limits": {"a": 5.0}, "order": ("insured_share",)},
        {"discretionary_share": 0.5, "insured_share": 1.0, "order": ("buyer_limit",)},
        {"underlying_limit": 5.0},
        {"maximum_liability_multiple": 30, "order": ("buyer_limit", "insured_share")},
        {"maximum_liability_multiple": math.nan},
        {"downturn_cut": 1.5},
        {"buyers": -1},
        {"excluded_buyers": "C1"},
        {"order": "buyer_limit"},
        {"buyer_limit": -1.0},
        {"premium_rate": math.nan},
        {"order": ("buyer_limit", "magic")},
        {"order": ("buyer_limit", "buyer_limit")},
        {"threshold": 5.0},
        {"premium_base": "turnover"},
    ],
)
def test_impossible_policies_are_errors(bad):
    with pytest.raises(ModelError):
        PolicyTerms(**bad)


def test_impossible_losses_are_errors():
    for balance, year in [([-1.0], [0]), ([1.0, 2.0], [1, 0]), ([1.0], [0, 1])]:
        with pytest.raises(ModelError):
            apply_terms(balance, PolicyTerms(), year)
