from __future__ import annotations

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.validation.survival_brier import brier_difference, survival_brier


def test_by_hand_with_day_zero_and_a_censored_item():
    """Paid on day 0, censored in the evening of day 1, paid on day 1, open on day 2.

    In view on days 0 and 1: all. On day 2: of two left in the evening of day 1 one stays, 1/2.
    """
    curve = np.tile([0.8, 0.5, 0.2], (4, 1))
    found = survival_brier([0, 1, 1, 2], [True, False, True, False], curve, [0, 1, 2])
    day0 = (0.8**2 + 3 * 0.2**2) / 4
    day1 = (2 * 0.5**2 + 2 * 0.5**2) / 4
    day2 = (2 * 0.2**2 + 0.8**2 / 0.5) / 4
    np.testing.assert_allclose(found.by_day, [day0, day1, day2])
    assert found.integrated.value == pytest.approx(np.mean([day0, day1, day2]))
    assert found.losses.mean() == pytest.approx(found.integrated.value)


def sample(n, seed=1):
    rng = np.random.default_rng(seed)
    rate = 0.03 * rng.lognormal(0, 0.6, n)
    days = np.ceil(rng.exponential(1 / rate)).astype(int)
    view = rng.integers(20, 160, n)
    at = np.arange(1, 92)
    return rng, days, view, at, np.exp(-np.outer(rate, at))


def test_agrees_with_scikit_survival_where_no_event_ties_with_censoring():
    metrics = pytest.importorskip("sksurv.metrics", reason="scikit-survival is added by `make oracles`")
    util = pytest.importorskip("sksurv.util")
    _, days, view, _, _ = sample(300)
    event = days <= view
    exit_ = 2 * np.minimum(days, view) + ~event
    at = np.arange(2, 140, 2)
    rng = np.random.default_rng(9)
    curve = np.exp(-np.outer(rng.lognormal(-4, 0.5, 300), at))
    # Even days end without censoring, so that the chance of being in view is the same at both of its ends.
    y = util.Surv.from_arrays(event, exit_ + 1.0)
    theirs = metrics.brier_score(y, y, curve, at + 1.0)[1]
    np.testing.assert_allclose(survival_brier(exit_, event, curve, at).by_day, theirs, atol=1e-12)


def test_censoring_does_not_move_it():
    _, days, view, at, curve = sample(20_000)
    truth = survival_brier(days, np.ones(days.size), curve, at[at <= days.max()])
    seen = survival_brier(np.minimum(days, view), days <= view, curve, at)
    assert seen.integrated.value == pytest.approx(truth.integrated.value, rel=0.015)


def test_the_truth_is_nearer_than_one_curve_for_all_and_the_difference_knows_customers():
    _, days, view, at, curve = sample(400)
    rows = np.minimum(days, view), days <= view
    right = survival_brier(*rows, curve, at)
    flat = survival_brier(*rows, np.tile(curve.mean(axis=0), (400, 1)), at)
    gap = brier_difference(right, flat)
    assert gap.high < 0
    fives = [np.repeat(v, 5, axis=0) for v in (*rows, curve)]
    again = survival_brier(*fives, at, customers=np.repeat(np.arange(400), 5))
    assert again.integrated.value == pytest.approx(right.integrated.value)
    assert again.integrated.high == pytest.approx(right.integrated.high)
    naive = survival_brier(*fives, at)
    width = again.integrated.high - again.integrated.low
    assert naive.integrated.high - naive.integrated.low < 0.6 * width


def test_same_view_for_all_needs_no_weights():
    days = np.array([3, 5, 8, 8])
    curve = np.linspace(0.9, 0.2, 8)
    found = survival_brier(days, days < 8, np.tile(curve, (4, 1)), np.arange(1, 9))
    open_ = days[:, None] + (days == 8)[:, None] > np.arange(1, 9)
    np.testing.assert_allclose(found.by_day, ((open_ - curve) ** 2).mean(axis=0))


@pytest.mark.parametrize(
    ("curve", "at", "match"),
    [
        ([[0.5, 0.4]], [1], "shape"),
        ([[1.5]], [1], "between 0 and 1"),
        ([[np.nan]], [1], "between 0 and 1"),
        ([[0.5]], [9], "nobody is in view"),
        ([[0.5, 0.5]], [2, 1], "increasing"),
    ],
)
def test_refuses_what_it_cannot_judge(curve, at, match):
    with pytest.raises(ModelError, match=match):
        survival_brier([2], [True], curve, at)
