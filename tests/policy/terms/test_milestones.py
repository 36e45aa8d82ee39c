"""Milestones by hand and by their properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from arrisk.policy.terms.milestone_comparison import compare_milestones
from arrisk.policy.terms.milestones import (
    MilestonePlan,
    Progress,
    exposure_path,
    plan_value,
    single_payment,
)
from tests.policy.grade_terms.books import study_with

PLAN = MilestonePlan("30/50/20", (0, 60, 150), (0.3, 0.5, 0.2))
EVEN = Progress((0, 120), (0.0, 1.0))
RATES = {"margin": 0.3, "horizon_days": 180, "lgd": 0.6, "cost_of_capital": 0.08}


def test_thirty_fifty_twenty_by_hand():
    assert PLAN.weighted_days == 0.5 * 60 + 0.2 * 150
    assert PLAN.present_value(0.08) == pytest.approx(
        0.3 + 0.5 * 1.08 ** (-60 / 365) + 0.2 * 1.08 ** (-150 / 365)
    )
    assert PLAN.present_value(0.08, year=360) < PLAN.present_value(0.08)
    path = exposure_path(PLAN, EVEN)
    # Half delivered and 80% paid on day 60; all delivered on day 120; the retention is paid on day 150.
    assert path[0] == pytest.approx(-0.3)
    assert path[60] == pytest.approx(-0.3)
    assert path[120] == pytest.approx(0.2)
    assert path[149] == pytest.approx(0.2)
    assert path[150] == pytest.approx(0.0)
    assert path.max() == pytest.approx(0.2)
    assert exposure_path(single_payment(150), EVEN).max() == pytest.approx(1.0)


def test_expected_loss_by_hand():
    """Delivered at once, all due on day 2, half fail within 2 days: the whole price is at stake on both."""
    out = plan_value(
        single_payment(2), Progress((0,), (1.0,), linear=False), margin=0.3, pd=0.5, horizon_days=2, lgd=0.6,
        cost_of_capital=0.0,
    )  # fmt: skip
    assert out["expected_loss"] == pytest.approx(0.5 * 0.6)
    assert out["value"] == pytest.approx(0.5 + 0.5 * 0.4 - 0.7)
    assert out["exposure_days"] == 2
    assert out["peak"] == 1


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 20)), min_size=1, max_size=8))
def test_weighted_days_and_present_value(parts):
    days = tuple(sorted(d for d, _ in parts))
    total = sum(w for _, w in parts)
    cents = [100 * w // total + 1 for _, w in parts[1:]]
    shares = ((100 - sum(cents)) / 100, *(c / 100 for c in cents))
    assume(shares[0] > 0)
    plan = MilestonePlan("p", days, shares)
    assert plan.weighted_days == pytest.approx(float(np.dot(plan.shares, plan.days)))
    assert plan.present_value(0.0) == pytest.approx(1.0)
    # One payment on the mean day is worth less than payments spread around it.
    assert plan.present_value(0.1) >= 1.1 ** (-plan.weighted_days / 365) - 1e-12


@given(st.floats(0.0, 0.9), st.floats(0.0, 0.9))
def test_more_risk_costs_more(one, two):
    low, high = sorted((one, two))
    value = [plan_value(single_payment(150), EVEN, pd=p, **RATES) for p in (low, high)]
    assert value[0]["value"] >= value[1]["value"] - 1e-12


def test_an_advance_exposes_less(sample_study):
    plans = (PLAN, single_payment(150))
    found = compare_milestones(sample_study, plans, EVEN, pd_customer=0.1)
    first, last = found.table.iloc[0], found.table.iloc[1]
    assert first["expected_loss"] < last["expected_loss"]
    assert first["value"] > last["value"]
    assert found.price_cut["30/50/20"] > 0
    assert found.price_cut[plans[1].name] == 0
    assert len(found.to_table().frame) == 2
    assert found.plot().get_xlabel()


def test_the_price_cut_levels_the_plans():
    study = study_with(gross_margin=0.3)
    plans = (PLAN, single_payment(150))
    cut = compare_milestones(study, plans, EVEN, pd_customer=0.1).price_cut[PLAN.name]
    # At a price of 1 - cut the same costs are a smaller margin of a smaller price.
    lower = plan_value(
        PLAN, EVEN, margin=1 - 0.7 / (1 - cut), pd=0.1, horizon_days=180, lgd=0.6, cost_of_capital=0.08
    )
    base = plan_value(plans[1], EVEN, pd=0.1, **RATES)
    assert (1 - cut) * lower["value"] == pytest.approx(base["value"])


@pytest.mark.parametrize(
    ("days", "shares", "words"),
    [
        ((0, 60), (0.3, 0.6), "sum to 0.9"),
        ((60, 0), (0.5, 0.5), "not decreasing"),
        ((0, 1), (1.5, -0.5), "each above 0"),
        ((0,), (0.5, 0.5), "needs both"),
    ],
)
def test_plans_that_cannot_be_are_refused(days, shares, words):
    with pytest.raises(ValueError, match=words):
        MilestonePlan("x", days, shares)


def test_ten_tenths_are_one():
    assert MilestonePlan("tenths", tuple(range(10)), (0.1,) * 10).weighted_days == 4.5


@pytest.mark.parametrize(("days", "done"), [((0, 0), (0.0, 1.0)), ((0, 1), (0.5, 0.9)), ((0, 1), (1.0, 0.5))])
def test_progress_that_cannot_be_is_refused(days, done):
    with pytest.raises(ValueError, match="shares"):
        Progress(days, done)
