"""Limits within a risk budget: against a linear programme, kept, priced, and told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from arrisk.models.tail import expected_shortfall
from arrisk.policy.assumptions import Assumption
from arrisk.policy.limits import limit_plan
from arrisk.policy.limits.break_even import turning_hazard, turning_rate
from arrisk.policy.limits.limit import Line, value_line
from arrisk.policy.limits.limit_plan import TAIL, TailBook, make_limit_plan, plan_within
from arrisk.policy.limits.plan_page import MODEL, WITHIN
from arrisk.policy.limits.review import recommend_limits

YEARS = 400


def small_book(seed=0, customers=6):
    """Lines worth the same for each unit, whose failures come in part from one common cause."""
    rng = np.random.default_rng(seed)
    chance = rng.uniform(0.01, 0.2, customers)
    bad = rng.random(YEARS) < 0.1
    fails = rng.random((YEARS, customers)) < np.where(bad[:, None], np.minimum(4 * chance, 0.9), chance)
    year, customer = np.nonzero(fails)
    top, worth = rng.uniform(50, 200, customers), rng.uniform(0.05, 0.5, customers)
    limits = tuple(np.linspace(0.0, t, 25) for t in top)
    values = tuple(w * m for w, m in zip(worth, limits, strict=True))
    return TailBook(year, customer, YEARS, limits, tuple(0.6 * m for m in limits), values), fails, top, worth


def by_programme(fails, top, worth, budget):
    """Rockafellar and Uryasev (2000): the shortfall as a linear programme over stakes, edge and excesses."""
    years, customers = fails.shape
    per_year = np.hstack([0.6 * fails, -np.ones((years, 1)), -np.eye(years)])
    tail = np.concatenate([np.zeros(customers), [1.0], np.full(years, 1 / (years * (1 - TAIL)))])
    goal = np.concatenate([-worth, np.zeros(years + 1)])
    bounds = [(0, t) for t in top] + [(None, None)] + [(0, None)] * years
    limits = np.append(np.zeros(years), budget)
    return -linprog(goal, A_ub=np.vstack([per_year, tail]), b_ub=limits, bounds=bounds).fun


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_a_plan_earns_what_the_exact_programme_does(seed):
    book, fails, top, worth = small_book(seed)
    budget = 0.6 * book.shortfall(0.6 * top)
    limits, price = plan_within(book, budget, top)
    losses = (fails * 0.6 * limits).sum(axis=1)
    assert float(expected_shortfall(losses, 1 - TAIL)[0]) <= budget * (1 + 1e-9)
    exact = by_programme(fails, top, worth, budget)
    assert 0.99 * exact <= float(worth @ limits) <= exact * (1 + 1e-9)
    assert price > 0


def test_a_budget_that_does_not_bind_changes_nothing():
    book, _, top, _ = small_book()
    limits, price = plan_within(book, 1e9, top)
    assert limits.tolist() == top.tolist()
    assert price == 0.0


def test_shares_of_the_worst_years_sum_to_the_shortfall():
    book, _, top, _ = small_book()
    stakes = 0.6 * top
    assert float(book.worst_rates(stakes) @ stakes) == pytest.approx(book.shortfall(stakes))


def test_at_break_even_two_limits_are_worth_the_same():
    line = Line(np.array([40.0, 100.0]), rate=0.2, hazard=0.1, lgd=0.6, run_up=2.0, slope=0.3)
    for changed in (
        replace(line, rate=turning_rate(line, 50.0, 100.0)),
        replace(line, hazard=turning_hazard(line, 50.0, 100.0)),
    ):
        year = value_line(changed, [50.0, 100.0])
        assert float(year.value[0]) == pytest.approx(float(year.value[1]), abs=1e-8)
    assert np.isnan(turning_rate(line, 100.0, 300.0))


@pytest.mark.slow
def test_the_sample_is_cut_where_its_budget_is_small(sample_study, scored, policy, monkeypatch):
    free = make_limit_plan(sample_study, policy)
    assert not free.binds
    assert free.policy is policy
    assert free.total(MODEL, "value") == pytest.approx(float(policy.draws[2, 0]))
    assert free.total(MODEL, "bad_year") == pytest.approx(float(policy.tail["shortfall"].iloc[2]))
    small = Assumption("risk_budget", 0.06, 0.05, 0.2, "fraction of yearly margin", "a test")
    known = limit_plan.given_or_typical
    monkeypatch.setattr(
        limit_plan, "given_or_typical", lambda s, n: small if n == "risk_budget" else known(s, n)
    )
    tight = make_limit_plan(sample_study, policy)
    assert tight.binds
    assert tight.total(WITHIN, "bad_year") <= tight.budget * (1 + 1e-9)
    assert tight.price > 1
    assert (tight.policy.table["limit"] <= policy.table["limit"]).all()
    assert tight.prices["value"].is_monotonic_increasing
    told = recommend_limits(sample_study, *scored, policy, plan=tight)
    assert told.verdict == "adopt"
    assert "passes the risk budget" in told.answer
    assert "one unit more would earn" in told.answer
    assert told.options[-1].name.endswith("without the budget")
