"""The limit of one customer: closed forms, the theorem of all or nothing, naive loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.policy.limits.limit import (
    BookRisk,
    Line,
    best_exposure,
    best_limit,
    break_even_hazard,
    limit_for_exposure,
    mean_within,
    round_limit,
    value_line,
)

amounts = st.lists(st.floats(1.0, 1e6), min_size=1, max_size=30)
rates, hazards, shares = st.floats(0.001, 3.0), st.floats(0.0, 3.0), st.floats(0.01, 1.0)


def a_line(**changes) -> Line:
    given = {"wanted": np.array([100.0, 250.0, 400.0]), "rate": 0.10, "hazard": 0.05, "lgd": 0.8}
    return Line(**(given | changes))


@given(amounts, st.lists(st.floats(0.0, 2e6), min_size=1, max_size=5))
def test_mean_within_is_the_plain_average(wanted, limits):
    naive = [sum(min(x, edge) for x in wanted) / len(wanted) for edge in limits]
    assert mean_within(wanted, limits) == pytest.approx(naive)
    assert mean_within(wanted, np.inf) == pytest.approx(np.mean(wanted))


@given(amounts, st.floats(0.0, 1.0))
def test_a_limit_is_found_for_any_exposure(wanted, share):
    exposure = share * float(np.mean(wanted))
    assert float(mean_within(wanted, limit_for_exposure(wanted, exposure))) == pytest.approx(exposure)


def test_value_by_hand():
    line = a_line(run_up=2.0, slope=0.5)
    year = value_line(line, 300.0)
    exposure, at_failure = (100 + 250 + 300) / 3, (200 + 300 + 300) / 3
    hazard = 0.05 * (1 + 0.5 * (exposure / 250 - 1))
    assert float(year.margin) == pytest.approx(0.10 * exposure)
    assert float(year.loss) == pytest.approx(hazard * 0.8 * at_failure)
    assert float(year.value) == pytest.approx(0.10 * exposure - hazard * 0.8 * at_failure)


@given(amounts, rates, hazards, shares)
def test_all_or_nothing_without_slope_run_up_and_price(wanted, rate, hazard, lgd):
    line = Line(np.array(wanted), rate, hazard, lgd)
    assert line.all_or_nothing
    best = best_limit(line)
    if rate > hazard * lgd * (1 + 1e-6):
        assert best == max(wanted)
    elif rate < hazard * lgd:
        assert best == 0.0
    # Each unit of exposure earns the same.
    year = value_line(line, [max(wanted) / 3, max(wanted)])
    assert year.value / year.exposure == pytest.approx([rate - hazard * lgd] * 2)


@given(amounts, rates, st.floats(0.01, 3.0), shares, st.floats(0.05, 1.0))
def test_linear_hazard_has_the_closed_form(wanted, rate, hazard, lgd, slope):
    line = Line(np.array(wanted), rate, hazard, lgd, slope=slope)
    exposure = best_exposure(rate, hazard, lgd, slope, line.usual)
    by_form = float(value_line(line, limit_for_exposure(wanted, exposure)).value)
    assert float(value_line(line, best_limit(line)).value) == pytest.approx(
        by_form, rel=1e-7, abs=1e-7 * rate * line.usual
    )


def test_the_optimum_inside_solves_the_first_order_condition():
    line = a_line(wanted=np.array([100.0]), rate=0.05, hazard=0.05, slope=0.5)
    # rate = hazard lgd (1 - slope + 2 slope e / usual)
    assert best_limit(line) == pytest.approx(75.0, abs=1e-4)
    assert best_exposure(0.05, 0.05, 0.8, 0.5, 100.0) == pytest.approx(75.0)


@pytest.mark.parametrize(
    "line",
    [
        a_line(run_up=2.5, hazard=0.11),
        a_line(slope=0.8, hazard=0.12),
        a_line(risk=BookRisk(rest=900.0, shared=0.02, price=0.3)),
        a_line(run_up=1.5, slope=0.3, risk=BookRisk(rest=400.0, shared=0.1, price=0.4)),
    ],
)
def test_no_point_of_a_fine_grid_is_better(line):
    best = best_limit(line)
    values = value_line(line, np.linspace(0.0, 500.0, 20_001)).value
    assert float(value_line(line, best).value) >= values.max() - 1e-9
    assert 0 <= best <= 400


def test_a_price_of_capital_bends_the_value_only_by_the_customers_own_variance():
    coarse = a_line(wanted=np.array([400.0]), risk=BookRisk(rest=100.0, shared=0.05, price=0.45))
    assert not coarse.all_or_nothing
    assert 0 < best_limit(coarse) < 400
    # In a book so fine that only what is shared counts, capital grows in proportion: all or nothing again.
    fine = a_line(wanted=np.array([400.0]), risk=BookRisk(rest=1e14, shared=1e6, price=0.35))
    year = value_line(fine, [100.0, 200.0, 400.0])
    assert year.capital / year.exposure == pytest.approx([year.capital[0] / 100.0] * 3, rel=1e-4)
    assert best_limit(fine) == pytest.approx(400.0)


def test_capital_is_the_growth_of_the_books_deviation():
    risk = BookRisk(rest=2500.0, shared=0.3, price=0.1)
    line = a_line(wanted=np.array([200.0]), risk=risk)
    p, x = 1 - np.exp(-0.05), 0.8 * 200
    growth = np.sqrt(2500 + 2 * 0.3 * x + p * (1 - p) * x * x) - 50
    assert float(value_line(line, 200.0).capital) == pytest.approx(0.1 * growth)


@given(amounts, rates, st.floats(0.001, 3.0), shares, st.floats(1.0, 4.0), st.floats(0.0, 1.0))
def test_a_riskier_customer_never_gets_more(wanted, rate, hazard, lgd, run_up, slope):
    top = max(wanted)
    safer, riskier = (
        best_limit(Line(np.array(wanted), rate, h, lgd, run_up, slope)) for h in (hazard, 1.5 * hazard)
    )
    assert riskier <= safer + 1e-3 * top


@given(amounts, rates, shares, st.floats(1.0, 4.0), st.floats(0.0, 1.0))
def test_at_the_break_even_hazard_nothing_is_earned(wanted, rate, lgd, run_up, slope):
    line = Line(np.array(wanted), rate, 0.1, lgd, run_up, slope)
    turning = break_even_hazard(line, max(wanted))
    year = value_line(Line(line.wanted, rate, turning, lgd, run_up, slope), max(wanted))
    assert float(year.value) == pytest.approx(0.0, abs=1e-9 * float(year.margin))


def test_a_customer_in_default_gets_nothing():
    assert best_limit(a_line(hazard=np.inf)) == 0.0
    assert float(value_line(a_line(hazard=np.inf), 0.0).value) == 0.0


def test_steps_are_kept_by_rounding():
    steps = [100.0, 1000.0, 1100.0, 2500.0, 95_000.0, 1_000_000.0]
    assert round_limit(steps).tolist() == steps
    assert round_limit(0.4) == 0.0


@pytest.mark.parametrize(
    "changes", [{"wanted": np.array([-1.0])}, {"wanted": np.array([])}, {"lgd": 1.2}, {"run_up": 0.5}]
)
def test_impossible_numbers_are_refused(changes):
    with pytest.raises(ModelError):
        a_line(**changes)
