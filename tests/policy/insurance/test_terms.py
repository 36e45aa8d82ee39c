"""Policy terms against worked claims, and the properties that hold for every policy."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.policy.insurance.claims import apply_terms, trace_loss
from arrisk.policy.insurance.recovery_sharing import share_recovery
from arrisk.policy.insurance.steps import DEFAULT_ORDER
from arrisk.policy.insurance.terms import PolicyTerms

EXCESS_FIRST = ("buyer_limit", "non_qualifying_loss", "each_and_every", "insured_share", "maximum_liability")
SHARE_LAST = ("buyer_limit", "threshold", "aggregate_first_loss", "insured_share", "maximum_liability")


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
    losses = [52_000.0, 45_000.0, 30_000.0, 500.0]
    paid = pay(losses, threshold=1_000 + 2_000 / 3, aggregate_first_loss=2_000, order=SHARE_LAST)
    assert paid.sum() == pytest.approx((122_000 - 2_000) * 0.9)


def test_a_threshold_is_subtracted_not_a_gate():
    assert pay(1_500, threshold=1_000, insured_share=1, order=("threshold", "insured_share"))[0] == 500


def test_recoveries_are_shared():
    insurer, insured = share_recovery(22_000, 50_000, 110_000, costs=2_000)
    assert float(insurer) == pytest.approx(9_090.91, abs=0.005)
    assert float(insured) == pytest.approx(10_909.09, abs=0.005)
    with pytest.raises(ModelError):
        share_recovery(1.0, 120.0, 100.0)


def test_aggregates_start_afresh_each_year():
    terms = PolicyTerms(insured_share=1.0, aggregate_first_loss=100, maximum_liability=150)
    paid = apply_terms([80, 80, 200, 50, 120, 400], terms, [0, 0, 0, 1, 1, 4]).indemnity
    assert paid.tolist() == [0, 60, 90, 0, 70, 150]


amounts = st.floats(0, 1e6)
any_terms = st.builds(
    PolicyTerms,
    insured_share=st.floats(0, 1),
    buyer_limit=st.one_of(amounts, st.just(math.inf)),
    non_qualifying_loss=amounts,
    each_and_every=amounts,
    aggregate_first_loss=amounts,
    maximum_liability=st.one_of(amounts, st.just(math.inf)),
    order=st.permutations(DEFAULT_ORDER).map(tuple),
)


@settings(max_examples=150, deadline=None)
@given(any_terms, st.lists(st.tuples(st.integers(0, 3), amounts), max_size=12))
def test_payments_lie_between_nothing_and_the_loss(terms, events):
    events = sorted(events, key=lambda e: e[0])
    year = np.array([e[0] for e in events], dtype=int)
    balance = np.array([e[1] for e in events], dtype=float)
    paid = apply_terms(balance, terms, year).indemnity
    assert (paid >= 0).all()
    assert (paid <= balance + 1e-6).all()
    by_year = np.bincount(year, paid, 4) if len(events) else np.zeros(4)
    if terms.order[-1] == "maximum_liability":
        assert (by_year <= terms.maximum_liability + 1e-6).all()


@settings(max_examples=150, deadline=None)
@given(any_terms, amounts, amounts)
def test_a_larger_loss_is_never_paid_less(terms, first, second):
    low, high = sorted((first, second))
    assert pay_one(low, terms) <= pay_one(high, terms) + 1e-6


def pay_one(loss, terms):
    return apply_terms([loss], terms).indemnity[0]


def test_maximum_liability_as_a_multiple_of_the_premium():
    terms = PolicyTerms(premium_rate=0.003, minimum_premium=2_000, fees=300, maximum_liability_multiple=30)
    assert terms.premium(1e6) == pytest.approx(3_300)
    assert terms.premium(1e5) == pytest.approx(2_300)
    with pytest.raises(ModelError):
        apply_terms([1.0], terms)
    assert apply_terms([1e6], terms.with_premium(3_000)).indemnity[0] == pytest.approx(90_000)


@pytest.mark.parametrize(
    "bad",
    [
        {"insured_share": 1.1},
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
