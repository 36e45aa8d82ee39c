"""The reserve by hand, and against quarters whose law is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from arrisk.policy.stress.quarter_needs import QuarterNeeds, measure_needs, pick_cases
from arrisk.policy.stress.reserve import _break_even, _step
from arrisk.policy.stress.runs import run_scenario
from arrisk.policy.stress.scenarios import DebtorDefault
from tests.policy.stress.small_books import slip_book, slip_receipts


def two_cases():
    """Four quarters in each of two cases of weights .75 and .25."""
    needs = np.array([[0.0, 10.0, 20.0, 30.0], [10.0, 20.0, 30.0, 100.0]])
    weight = np.array([[0.75 / 4] * 4, [0.25 / 4] * 4])
    return QuarterNeeds(needs, weight, 4)


def test_quantiles_count_the_weight_of_cases():
    found = two_cases()
    assert found.quantile(0.5) == 20.0
    assert found.quantile(0.9) == 30.0
    assert found.quantile(0.99) == 100.0
    assert found.quantiles(0.99).tolist() == [30.0, 100.0]
    assert found.range(found.quantiles(0.99), 0.8) == (30.0, 100.0)


def test_chances_and_shortfalls_by_hand():
    found = two_cases()
    assert found.chance(30.0) == pytest.approx(1 - 0.25 / 4)
    assert found.chances(20.0).tolist() == [0.75, 0.5]
    assert found.shortfalls(20.0).tolist() == [2.5, 22.5]
    assert found.shortfall(20.0) == pytest.approx(0.75 * 2.5 + 0.25 * 22.5)
    assert found.chance(found.quantile(0.9)) >= 0.9


def test_a_quarter_needs_the_floor_and_its_lowest_week():
    quiet, failing = (run_scenario(slip_book(), s, 2) for s in (None, DebtorDefault("largest")))
    found = measure_needs(((0.5, quiet), (0.5, failing)), 50.0)
    assert found.needs.tolist() == [[50.0, 50.0], [150.0, 150.0]]
    assert found.weight.sum() == pytest.approx(1.0)
    more = measure_needs(((1.0, quiet),), 50.0, payments=np.array([100.0, 100.0]))
    assert more.needs.tolist() == [[80.0, 80.0]]


def test_payments_may_follow_sales():
    book = slip_book(receipts=replace(slip_receipts(), sold=np.array([0.6])))
    quiet = run_scenario(book, None, 1)
    assert measure_needs(((1.0, quiet),), 50.0).needs.tolist() == [[50.0]]
    # Half of 100 a week falls by 40%: 80 a week, 160 in all, 170 come in.
    dear = np.array([100.0, 100.0])
    found = measure_needs(((1.0, quiet),), 50.0, payments=dear, variable=0.5)
    assert found.needs == pytest.approx(np.array([[50.0]]))
    assert measure_needs(((1.0, quiet),), 50.0, payments=dear).needs.tolist() == [[80.0]]


def test_the_reserve_of_normal_needs_is_their_quantile():
    rng = np.random.default_rng(7)
    found = QuarterNeeds(rng.normal(100, 10, (4, 20_000)), np.full((4, 20_000), 1 / 80_000), 80_000)
    assert found.quantile(0.99) == pytest.approx(123.263, abs=0.5)
    exact = np.sqrt(0.99 * 0.01 / 80_000) / 0.0026652 * 1.0
    assert found.error(0.99) == pytest.approx(exact, rel=0.3)


def test_many_cases_are_thinned_without_bias():
    grid = pd.DataFrame({"scale": np.arange(1.0, 41.0), "rho": 0.1, "weight": 1 / 40})
    kept = pick_cases(grid, 20)
    assert len(kept) == 20
    assert kept["weight"].sum() == pytest.approx(1.0)
    assert kept["scale"] @ kept["weight"] == pytest.approx(20.5, abs=0.6)
    assert pick_cases(grid.assign(weight=[0.0] * 39 + [1.0]), 5)["scale"].tolist() == [40.0]


def test_the_step_and_its_break_even():
    assert _step(50.0, 80.0, 10.0) == (50.0, 80.0)
    assert _step(90.0, 80.0, 10.0) == (10.0, 90.0)
    found = two_cases()
    avoided = (found.shortfall(20.0) - found.shortfall(30.0)) * 4
    assert _break_even(found, (20.0, 30.0), 0.08, 4.0) == pytest.approx(0.08 * 10 / avoided)
    assert _break_even(found, (100.0, 200.0), 0.08, 4.0) == np.inf
