"""Intervals and bounds go through an overlay as rates do."""

from __future__ import annotations

import numpy as np
import pytest

from arrisk.models.loss_rates.fit import fit_loss_rates
from arrisk.models.overlay.factors import Factor, scale_loss_rates
from tests.loss_book import loss_book
from tests.models.overlay.stated_rates import stated_rates

DATE = "2024-12-31"


@pytest.fixture(scope="module")
def rates():
    return fit_loss_rates(loss_book(customers=30, invoices=1500, lost_share=0.3).as_of(DATE))


def test_the_interval_of_each_rate_is_changed_at_its_ends(rates):
    after = scale_loss_rates(rates, [Factor(1.2), Factor(0.01, "points")], "test").table
    for end in ("ci_low", "ci_high"):
        np.testing.assert_allclose(after[end], np.minimum(1.2 * rates.table[end] + 0.01, 1.0))
    assert (after["interval"] == rates.table["interval"]).all()


def test_one_overlay_on_another_is_both_at_once(rates):
    both = scale_loss_rates(rates, [Factor(1.2), Factor(0.7)], "test")
    twice = scale_loss_rates(scale_loss_rates(rates, 1.2, "test"), 0.7, "test")
    np.testing.assert_allclose(twice.table["ci_high"], both.table["ci_high"])
    assert (twice.total.low, twice.total.high) == pytest.approx((both.total.low, both.total.high))


def test_a_rate_at_the_cap_keeps_the_interval_of_its_history():
    history = stated_rates([[0.1, 0.4, 0.8]], [[0.0, 0.0, 100.0]])
    after = scale_loss_rates(history, 1.26, "test").table.iloc[-1]
    assert after["rate"] == 1.0
    assert after["ci_low"] == pytest.approx(1.26 * history.table["ci_low"].iloc[-1])
    assert after["ci_low"] < 0.99
    assert after["ci_high"] == 1.0


def test_a_factor_of_one_changes_nothing(rates):
    same = scale_loss_rates(rates, 1.0, "test")
    np.testing.assert_array_equal(same.table["ci_high"], rates.table["ci_high"])
    assert same.total == rates.total


def test_a_bound_is_scaled_too():
    """A book without losses gives bounds; what raises rates raises what they may be."""
    bound = fit_loss_rates(loss_book(customers=40, invoices=200, lost_share=0.0).as_of(DATE))
    after = scale_loss_rates(bound, 1.5, "test")
    assert after.total.value is None
    seen = bound.table["customers"] > 0
    assert 0 < bound.total.high < after.total.high
    assert after.total.high == pytest.approx(1.5 * bound.total.high)
    np.testing.assert_allclose(
        after.table["ci_high"][seen], np.minimum(1.5 * bound.table["ci_high"][seen], 1.0)
    )
