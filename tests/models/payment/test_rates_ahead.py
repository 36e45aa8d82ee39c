from __future__ import annotations

import numpy as np
import pytest

from arrisk.models.hazard.counts import count_item_days
from arrisk.models.payment.ahead import over_states
from arrisk.models.payment.baseline import band_rates, pooled_rates
from arrisk.models.payment.speed import shrunken_speeds


def test_pooled_rates_solve_the_score_of_their_block():
    """A block of d payments in n plain item-days has the rate v with d k(v) + 1/2 = v (n + 1)."""
    rng = np.random.default_rng(1)
    exit, cause = rng.geometric(0.05, 400), rng.integers(0, 2, 400)
    days = count_item_days(exit, cause, np.zeros(400, dtype=int), 1, np.zeros(400, dtype=int))
    found = pooled_rates(days, np.ones(1), np.zeros(1, dtype=int), 1, (0.25, 0.5))
    rates = found.rates[0]
    assert rates[[0, -1]].tolist() == [0.25, 0.5]
    assert (found.first, found.tail_from) == (days.first - 1, days.first + len(rates) - 2)
    paid = np.bincount(exit[cause == 1], minlength=exit.max() + 1)[days.first :]
    at_risk = days.at_risk.sum(axis=0)
    changes = np.flatnonzero(np.diff(rates[1:-1]) != 0) + 1
    assert len(changes) > 5
    for block in np.split(np.arange(len(paid)), changes):
        v, d, n = rates[1:-1][block[0]], paid[block].sum(), at_risk[block].sum()
        assert d >= 10
        assert d * v / (1 - np.exp(-v)) + 0.5 == pytest.approx(v * (n + 1))


def test_band_rates_are_events_over_item_days():
    first, last = np.array([-5, 0, 10]), np.array([4, 19, 29])
    found = band_rates(first, last, np.array([False, True, True]), np.zeros(3, dtype=int), 1, (0, 10), 0.0)
    assert found.rates[0] == pytest.approx([0, 0 / 16, 2 / 31])
    assert found.at(np.array([0]), np.array([-1, 0, 9, 10, 99])) == pytest.approx(
        found.rates[0][[0, 1, 1, 2, 2]]
    )


def test_rates_over_states_are_those_of_a_markov_chain():
    """Against the powers of a chain with five states: three of dispute, paid and lost."""
    rng = np.random.default_rng(4)
    paid, lost = rng.uniform(0, 0.3, (3, 6, 40)), rng.uniform(0, 0.05, (3, 6, 40))
    moves = rng.uniform(0, 0.2, (2, 6, 40))
    state = np.array([0, 0, 1, 1, 2, 2])
    one, other = over_states(paid, lost, moves, state)
    for kind in range(6):
        at = np.eye(3)[state[kind]]
        gone = np.zeros(2)
        for day in range(40):
            p, q = paid[:, kind, day], lost[:, kind, day]
            leave = 1 - np.exp(-(p + q))
            new = gone + np.array([at @ (leave * p / (p + q)), at @ (leave * q / (p + q))])
            left = at * (1 - leave)
            rate = one[kind, day] + other[kind, day]
            assert left.sum() / at.sum() == pytest.approx(np.exp(-rate))
            assert (new - gone)[0] / (at @ leave) == pytest.approx(one[kind, day] / rate)
            opened, closed = (1 - np.exp(-moves[:, kind, day])) * left[:2]
            at, gone = left + np.array([-opened, opened - closed, closed]), new


def test_without_disputes_rates_stay_as_they_are():
    paid, lost = np.full((3, 2, 4), 0.1), np.full((3, 2, 4), 0.01)
    found = over_states(paid, lost, np.zeros((2, 2, 4)), np.zeros(2, dtype=int))
    assert (found[0] == 0.1).all()
    assert (found[1] == 0.01).all()


def test_speeds_are_found_where_customers_differ_and_not_where_they_do_not():
    rng = np.random.default_rng(6)
    expected = rng.uniform(5, 40, 400)
    alike = rng.poisson(expected).astype(float)
    assert shrunken_speeds(alike, expected, expected)[1] < 0.01
    truth = rng.gamma(10, 0.1, 400)
    speeds, v = shrunken_speeds(rng.poisson(expected * truth).astype(float), expected, expected)
    assert v == pytest.approx(0.1, abs=0.03)
    assert np.mean((speeds - truth) ** 2) < 0.6 * np.mean((truth - 1) ** 2)
