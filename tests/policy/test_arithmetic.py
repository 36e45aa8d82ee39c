"""Published cases of discount and credit-policy arithmetic, to the printed digit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.policy.arithmetic import (
    affordable_rate,
    discount_cost,
    discount_factor,
    discount_profit,
    factoring_benefit,
    scheme_value,
)


@pytest.mark.parametrize(
    ("conventions", "printed"),
    [
        ({"year": 360, "base": "price"}, 36.00),
        ({"year": 360, "base": "paid"}, 36.73),
        ({"year": 365, "base": "paid"}, 37.24),
        ({"year": 365, "compound": True}, 44.59),
        ({"year": 360, "compound": True}, 43.86),
    ],
)
def test_two_ten_net_thirty_under_five_conventions(conventions, printed):
    assert round(100 * discount_cost(0.02, 20, **conventions), 2) == printed


@pytest.mark.parametrize(
    ("rate", "days", "net", "printed"),
    [
        (1, 10, 30, 18.43),
        (2, 10, 45, 21.28),
        (3, 10, 45, 32.25),
        (1, 10, 60, 7.37),
        (3, 10, 30, 56.44),
        (4, 10, 180, 8.95),
    ],
)
def test_textbook_list(rate, days, net, printed):
    assert round(100 * discount_cost(rate / 100, net - days), 2) == printed


@pytest.mark.parametrize(("rate", "days", "net", "printed"), [(2, 20, 45, 34.31), (2, 10, 50, 20.24)])
def test_effective_list(rate, days, net, printed):
    assert round(100 * discount_cost(rate / 100, net - days, compound=True), 2) == printed


def test_kaplan_f9():
    cost = discount_cost(0.02, 65 - 30, compound=True)
    assert round(100 * cost, 3) == 23.452
    assert cost > 0.20  # dearer than the overdraft: reject


def test_parts_of_a_day_count():
    assert discount_cost(0.02, 12.5) == pytest.approx(0.02 / 0.98 * 365 / 12.5)
    assert discount_cost(0.02, 12.5, year=360, compound=True) == pytest.approx((1 / 0.98) ** (360 / 12.5) - 1)


def test_abc_co():
    result = discount_profit(50e6, take_up=0.2, rate=0.01, accelerated_days=57 - 7, cost_of_capital=0.06)
    assert (round(result.saving), round(result.cost), round(result.net)) == (82_192, 100_000, -17_808)


@pytest.mark.parametrize(
    ("k", "early", "late", "printed"),
    [(0.06, 10, 30, 0.319), (0.06, 10, 60, 0.795), (0.10, 10, 60, 1.297), (0.10, 10, 90, 2.067)],
)
def test_timing_only_maximum_rate(k, early, late, printed):
    rate = affordable_rate(k, discount_days=early, late_days=late)
    assert round(100 * rate, 3) == printed
    assert rate == pytest.approx(1 - (1 + k) ** ((early - late) / 365))


SHEET = {"discount_days": 10, "late_days": 60, "take_up": 0.3, "variable_cost": 0.7, "loss_rate": 0.01}


@pytest.mark.parametrize(
    ("changes", "printed"),
    [
        ({"default_relief": 0.0}, 1.05),
        ({"default_relief": 1.0}, 2.04),
        ({"default_relief": 1.0, "sales_effect": 0.02}, 3.86),
        ({"already_early": 0.25, "early_days": 15}, 0.81),
        ({"already_early": 0.50, "early_days": 15}, 0.58),
        ({"already_early": 0.75, "early_days": 15}, 0.34),
    ],
)
def test_assumption_sheet(changes, printed):
    assert round(100 * affordable_rate(0.08, **(SHEET | changes)), 2) == printed


@given(
    st.floats(0.0, 0.3),
    st.floats(0.05, 1.0),
    st.floats(0.0, 0.9),
    st.floats(0.0, 1.0),
    st.floats(0.0, 0.05),
)
def test_the_affordable_rate_is_where_the_value_is_zero(k, take_up, early, relief, extra):
    sheet = {
        "take_up": take_up,
        "already_early": early,
        "default_relief": relief,
        "sales_effect": extra,
        "loss_rate": 0.01,
        "variable_cost": 0.7,
    }
    rate = affordable_rate(k, discount_days=10, late_days=60, early_days=15, **sheet)
    pv = discount_factor(k, [10, 60, 15])
    value = scheme_value(rate, discount_pv=pv[0], late_pv=pv[1], early_pv=pv[2], **sheet)
    assert value == pytest.approx(0.0, abs=1e-12)


def test_scheme_value_by_the_cash_flows_of_a_hundred_customers():
    """30 takers, 10 of them early anyway, two of a hundred defaulting; everybody owes 1."""
    pv = discount_factor(0.08, [10, 60, 15])
    without = 10 * pv[2] + 20 * (1 - 0.5 * 0.02) * pv[1]
    offered = 30 * (1 - 0.01) * pv[0]
    value = scheme_value(
        0.01,
        take_up=0.3,
        discount_pv=pv[0],
        late_pv=pv[1],
        early_pv=pv[2],
        already_early=1 / 3,
        loss_rate=0.02,
        default_relief=0.5,
    )
    assert 100 * value == pytest.approx(offered - without, rel=1e-12)


def test_scheme_value_broadcasts():
    values = scheme_value(
        np.array([0.0, 0.01])[:, None], take_up=np.array([0.1, 0.2, 0.3]), discount_pv=1.0, late_pv=0.99
    )
    assert values.shape == (2, 3)
    assert (values[0] > 0).all()
    assert values[1] == pytest.approx(0.0)


def test_joan_co():
    benefit = factoring_benefit(
        15.6e6,
        3.8e6,
        reduction=0.3,
        overdraft_rate=0.08,
        fee_rate=0.005,
        advance_share=0.8,
        advance_rate=0.09,
        admin_saving=20e3,
    )
    assert round(benefit) == 11_920


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: discount_cost(1.0, 20), "rate = 1.0"),
        (lambda: discount_cost(-0.01, 20), "rate = -0.01"),
        (lambda: discount_cost(0.02, 0), "no sooner"),
        (lambda: affordable_rate(0.08, discount_days=10, late_days=60, take_up=0.0), "nobody takes"),
        (lambda: affordable_rate(0.08, discount_days=10, late_days=60, already_early=0.5), "early_days"),
        (lambda: discount_cost(0.02, 20, base="net"), "allowed are paid, price"),
        (
            lambda: discount_profit(1.0, take_up=2.0, rate=0.01, accelerated_days=5, cost_of_capital=0.1),
            "take_up = 2.0",
        ),
    ],
)
def test_inputs_out_of_range_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
