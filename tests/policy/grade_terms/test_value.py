"""One sale on account by hand, its break-even, and what it takes to bear it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.policy.grade_terms.needs import (
    advance_share,
    limit_months,
    longest_term,
    price_surcharge,
    secured_share,
)
from arrisk.policy.grade_terms.value import (
    break_even_pd,
    credit_cost,
    pd_within,
    sale_value,
    turning_points,
)
from arrisk.policy.granting import grant_or_refuse

shares = st.floats(0.001, 0.999)
rates = st.floats(0.0, 0.5)
terms = st.floats(0.0, 400.0)
margins = st.floats(0.001, 0.9)
workouts = st.floats(0.0, 700.0)


def test_cost_by_hand():
    """A year at 25%: v = .8; 10% fail and lose 50%: .8 x .95 = .76 comes back."""
    assert credit_cost(0.1, 365, lgd=0.5, cost_of_capital=0.25) == pytest.approx(0.24)
    # The recovery comes another year later: .8 x (.9 + .1 x .5 x .8) = .752.
    assert credit_cost(0.1, 365, lgd=0.5, cost_of_capital=0.25, workout_days=365) == pytest.approx(0.248)
    # On 360 days of a year of 360 it is the same .24.
    assert credit_cost(0.1, 360, lgd=0.5, cost_of_capital=0.25, year=360) == pytest.approx(0.24)
    # Half of it secured at 10%: loss of .5 x .5 + .5 x .1 = .3; .8 x .97 = .776.
    half = credit_cost(0.1, 365, lgd=0.5, cost_of_capital=0.25, secured=0.5, secured_lgd=0.1)
    assert half == pytest.approx(0.224)


def test_value_by_hand():
    """Margin 20%, cost 24%: -4%; with a quarter in advance 20 - .75 x 24 = 2%; a sixth makes it nothing."""
    assert sale_value(0.2, 0.24) == pytest.approx(-0.04)
    assert sale_value(0.2, 0.24, 0.25) == pytest.approx(0.02)
    assert advance_share(0.2, 0.24) == pytest.approx(1 / 6)
    assert sale_value(0.2, 0.24, 1 / 6) == pytest.approx(0.0, abs=1e-15)
    # 1.25 on account is worth 1.25 x .76 = .95 - .75 = .2, the margin of cash: no, 1 / .76 is needed.
    assert price_surcharge(0.24) == pytest.approx(1 / 0.76 - 1)


def test_break_even_by_hand():
    """.8 x (1 - p x .5) = .8 of cost: p = 0; at a margin of .28: 1 - .5 p = .9, p = .2."""
    at = {"lgd": 0.5, "cost_of_capital": 0.25}
    assert break_even_pd(0.2, 365, **at) == pytest.approx(0.0, abs=1e-15)
    assert break_even_pd(0.28, 365, **at) == pytest.approx(0.2)
    assert break_even_pd(0.1, 365, **at) < 0
    assert break_even_pd(0.9, 365, **at) > 1


def test_secured_share_by_hand():
    """Cost .24 unsecured, .8 x .99 = .792, so .208 secured: a margin of .224 needs half of it."""
    at = {"lgd": 0.5, "secured_lgd": 0.1, "cost_of_capital": 0.25}
    assert secured_share(0.224, 0.1, 365, **at) == pytest.approx(0.5)
    assert secured_share(0.3, 0.1, 365, **at) == 0
    assert math.isnan(secured_share(0.2, 0.1, 365, **at))  # waiting alone costs .2
    assert math.isnan(secured_share(0.22, 0.1, 365, **{**at, "secured_lgd": 0.5}))


def test_limit_by_hand():
    """Margin 30%, sales of 12 a year earn 3.6; a tenth may be lost; at 20% and 60% lost the limit is 3."""
    assert limit_months(0.3, 0.2, lgd=0.6, risk_budget=0.1, most=9.0) == pytest.approx(3.0)
    assert limit_months(0.3, 0.2, lgd=0.6, risk_budget=0.1, most=2.0) == 2.0
    assert limit_months(0.3, 0.0, lgd=0.6, risk_budget=0.1, most=2.0) == 2.0
    assert limit_months(-0.1, 0.2, lgd=0.6, risk_budget=0.1, most=2.0) == 0.0


def test_probability_over_other_days():
    """Survival of half the horizon is the root: 1 - .81 ** .5 = .1."""
    assert pd_within(0.19, 180, 90) == pytest.approx(0.1)
    assert pd_within(0.19, 180, 360) == pytest.approx(1 - 0.81**2)
    assert pd_within([0.0, 1.0], 180, 30).tolist() == [0.0, 1.0]
    assert pd_within(0.5, 180, 0) == 0.0


def test_longest_term_ends_where_the_first_fails():
    assert longest_term([10, 20, 30], [True, False, True]) == 10
    assert math.isnan(longest_term([10], [False]))


@given(margins, shares, workouts)
def test_without_interest_it_is_the_rule_of_granting(margin, pd, workout):
    """Revenue 1, cost 1 - margin: break-even chance of being paid is cost over revenue."""
    rule = grant_or_refuse(1.0, 1 - margin, 1 - pd)
    at = {"lgd": 1.0, "cost_of_capital": 0.0, "workout_days": workout}
    assert 1 - break_even_pd(margin, 30, **at) == pytest.approx(rule.break_even, abs=1e-12)
    assert sale_value(margin, credit_cost(pd, 30, **at)) == pytest.approx(rule.first, abs=1e-12)


@given(margins, terms, shares, rates, workouts)
def test_at_the_break_even_probability_the_sale_is_worth_nothing(margin, days, lgd, rate, workout):
    at = {"lgd": lgd, "cost_of_capital": rate, "workout_days": workout}
    turn = float(break_even_pd(margin, days, **at))
    if 0 <= turn <= 1:
        assert abs(sale_value(margin, credit_cost(turn, days, **at))) < 1e-12
    else:
        end = 1.0 if turn > 1 else 0.0
        value = float(sale_value(margin, credit_cost(end, days, **at)))
        assert value > -1e-12 if turn > 1 else value < 1e-12


@given(margins, shares, terms, shares, rates)
def test_needed_shares_make_the_sale_bearable(margin, pd, days, lgd, rate):
    at = {"lgd": lgd, "cost_of_capital": rate}
    cost = credit_cost(pd, days, **at)
    advance = float(advance_share(margin, cost))
    assert 0 <= advance <= 1
    assert abs(sale_value(margin, cost, advance)) < 1e-12 or (advance == 0 and margin > cost)
    secured = float(secured_share(margin, pd, days, secured_lgd=lgd / 10, **at))
    if math.isnan(secured):
        full = credit_cost(pd, days, secured=1.0, secured_lgd=lgd / 10, **at)
        assert sale_value(margin, full) < 1e-12
    else:
        assert 0 <= secured <= 1
        value = sale_value(margin, credit_cost(pd, days, secured=secured, secured_lgd=lgd / 10, **at))
        assert abs(value) < 1e-10 or (secured == 0 and value > 0)


@given(margins, st.tuples(shares, terms, shares, rates), st.tuples(shares, terms, shares, rates))
def test_value_falls_with_risk_loss_term_and_rate(margin, one, two):
    low, high = np.minimum(one, two), np.maximum(one, two)
    base = credit_cost(low[0], low[1], lgd=low[2], cost_of_capital=low[3])
    for moved in range(4):
        pd, days, lgd, rate = np.where(np.arange(4) == moved, high, low)
        assert credit_cost(pd, days, lgd=lgd, cost_of_capital=rate) >= base - 1e-15


@given(st.floats(0.0, 1.0), shares, st.floats(1.0, 400.0), shares, rates)
def test_each_turning_point_turns_the_sale(margin, pd, days, lgd, rate):
    now = {"pd": pd, "days": days, "lgd": lgd, "cost_of_capital": rate}
    turn = turning_points(margin, **now)
    assert abs(sale_value(turn["margin"], credit_cost(**now))) < 1e-12
    for name in ("pd", "lgd", "cost_of_capital"):
        if not math.isnan(turn[name]):
            assert abs(sale_value(margin, credit_cost(**{**now, name: turn[name]}))) < 1e-9


@given(shares, terms, shares, rates)
def test_the_surcharge_makes_credit_as_good_as_cash(pd, days, lgd, rate):
    """Sold for 1 + x on account less the cost .7 is as good as 1 - .7 in cash."""
    cost = float(credit_cost(pd, days, lgd=lgd, cost_of_capital=rate))
    price = 1 + float(price_surcharge(cost))
    assert price * (1 - cost) - 0.7 == pytest.approx(0.3, abs=1e-12)


def test_nothing_of_the_price_is_worth_anything():
    assert price_surcharge(1.0) == math.inf
    assert break_even_pd(0.1, 0, lgd=0.0, cost_of_capital=0.0) == math.inf
    assert break_even_pd(0.1, 3650, lgd=0.0, cost_of_capital=0.5) == -math.inf
    assert math.isnan(advance_share(-0.01, 0.0))


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: credit_cost(1.2, 30, lgd=0.5, cost_of_capital=0.1), "pd"),
        (lambda: credit_cost(math.nan, 30, lgd=0.5, cost_of_capital=0.1), "pd"),
        (lambda: credit_cost(0.1, -1, lgd=0.5, cost_of_capital=0.1), "days"),
        (lambda: credit_cost(0.1, 30, lgd=-0.5, cost_of_capital=0.1), "lgd"),
        (lambda: credit_cost(0.1, 30, lgd=0.5, cost_of_capital=-0.1), "cost_of_capital"),
        (lambda: sale_value(1.5, 0.1), "margin"),
        (lambda: sale_value(math.nan, 0.1), "margin"),
        (lambda: sale_value(0.5, 0.1, advance=1.1), "advance"),
        (lambda: pd_within(0.1, 0, 30), "horizon_days"),
        (lambda: limit_months(0.3, 0.1, lgd=0.5, risk_budget=2.0, most=1.0), "risk_budget"),
        (lambda: longest_term([30, 14], [True, True]), "terms"),
        (lambda: longest_term([], []), "terms"),
    ],
)
def test_impossible_inputs_are_named(call, named):
    with pytest.raises(ValueError, match=named):
        call()
