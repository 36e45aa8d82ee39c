"""Receipts under failures and delays, by hand; drawn receipts against the forecast they come from."""

from __future__ import annotations

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.cash.cash_forecast import forecast_cash
from arrisk.models.cash.shocks import NO_SHOCKS
from arrisk.models.timing.payment_timing import fit_timing
from arrisk.policy.stress.receipts import Failures, draw_receipts
from tests.models.payment_books import book_of
from tests.policy.stress.small_books import slip_receipts


def lost(customer, day):
    failures = Failures(np.zeros(1, dtype=np.int64), np.array([customer]), np.array([day]))
    return slip_receipts().lost(failures, np.zeros(1, dtype=np.int64)).tolist()


def test_weeks_add_up_by_hand():
    assert slip_receipts().weekly().tolist() == [[120.0, 50.0]]
    assert slip_receipts().by_customer().tolist() == [100.0, 50.0, 20.0]


@pytest.mark.parametrize(
    ("customer", "day", "expected"),
    [
        (0, 1, [[70.0, 30.0]]),
        (0, 3, [[70.0, 30.0]]),
        (0, 4, [[0.0, 30.0]]),
        (0, 11, [[0.0, 0.0]]),
        (2, 14, [[0.0, 20.0]]),
        (2, 15, [[0.0, 0.0]]),
        (-1, 1, [[0.0, 0.0]]),
    ],
)
def test_what_a_failure_takes_away(customer, day, expected):
    assert lost(customer, day) == expected


def test_failures_of_many_draws_meet_their_receipts():
    failures = Failures(np.array([0, 0, 2]), np.array([0, 1, 2]), np.array([1, 1, 1]))
    pair = np.zeros(3, dtype=np.int64)
    assert slip_receipts().lost(failures, pair).tolist() == [[120.0, 30.0], [0.0, 0.0], [0.0, 20.0]]


def test_a_delay_moves_whole_days_and_drops_what_falls_behind():
    five = np.full(3, 5.0)
    assert slip_receipts().delayed(five, 0).weekly().tolist() == [[0.0, 120.0]]
    assert slip_receipts().delayed(five, 10).weekly().tolist() == [[120.0, 0.0]]
    assert slip_receipts().delayed(np.array([0.0, 5.0, 0.0]), 0).weekly().tolist() == [[70.0, 100.0]]


@pytest.fixture(scope="module")
def forecast():
    snapshot = book_of(62, customers=20, days=500).as_of("2023-10-10")
    return forecast_cash(snapshot, fit_timing(snapshot, "due"), draws=50, shocks=NO_SHOCKS)


def test_receipts_are_those_of_the_forecast(forecast):
    drawn = draw_receipts(forecast, 150, seed=4)
    own, expected = drawn.weekly().sum(axis=1), forecast.total()
    error = np.hypot(own.std(ddof=1) / np.sqrt(own.size), expected["expected_error"].iloc[0])
    assert own.mean() == pytest.approx(expected["expected"].iloc[0], abs=4 * error)
    assert drawn.by_customer().sum() == pytest.approx(own.mean(), rel=1e-12)
    key = drawn.draw * drawn.names.size + drawn.customer
    assert (np.diff(key) >= 0).all()
    assert drawn.day.min() >= 1
    assert drawn.day.max() <= forecast.days


def test_the_first_draws_do_not_depend_on_how_many_follow(forecast):
    few, many = draw_receipts(forecast, 50, seed=4), draw_receipts(forecast, 100, seed=4)
    np.testing.assert_array_equal(few.weekly(), many.weekly()[:50])
    with pytest.raises(ModelError, match="at least one draw"):
        draw_receipts(forecast, 0)
