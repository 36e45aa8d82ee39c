"""Factors on loss rates: the published example, scopes, the cap, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.models.loss_rates.arithmetic import scale_rates
from arrisk.models.overlay.factors import Factor, change_by, make_factors, scale_loss_rates
from tests.models.overlay.stated_rates import stated_rates

HISTORY = [0.003, 0.08, 0.26, 0.58, 0.82]
PRINTED = ["0.3%", "8.0%", "26.0%", "58.0%", "82.0%"]
LOOKED_FORWARD = ["0.3%", "8.8%", "28.6%", "63.8%", "90.2%"]
BUCKETS = ["not due", "1-30", "31-60", "61-90", "over 90"]


@pytest.fixture(scope="module")
def history():
    return stated_rates([HISTORY], [[100_000, 10_000, 5_000, 2_000, 1_000]])


def test_past_due_rates_of_asc_326_example_5(history):
    """Past-due rates ten per cent up, through the rates of a book."""
    assert [f"{r:.1%}" for r in history.table["rate"]] == PRINTED
    after = scale_loss_rates(history, {"past due": 1.1}, "unemployment is forecast to rise")
    assert [f"{r:.1%}" for r in after.table["rate"]] == LOOKED_FORWARD
    np.testing.assert_allclose(after.table["rate"], scale_rates(HISTORY, [1, 1.1, 1.1, 1.1, 1.1]))
    assert after.total.value == pytest.approx(300 + 880 + 1430 + 1276 + 902)
    assert "unemployment" in after.conventions["overlay"]
    assert "overlay" not in history.conventions


def test_intervals_follow_the_factor(history):
    after = scale_loss_rates(history, 1.1, "why not")
    inside = after.table["rate"].between(after.table["ci_low"], after.table["ci_high"])
    assert inside.all()
    assert after.total.low > history.total.low
    assert after.total.high > history.total.high


def test_one_number_by_segment_by_bucket_and_by_both():
    rates = stated_rates([[0.1, 0.2, 0.4]] * 2, [[1, 1, 1]] * 2, ("Food", "Health"))
    change = {"Food": 2.0, "1-30": 3.0, ("Health", "over 30"): 0.5}
    after = scale_loss_rates(rates, change, "test").replicates.rates
    np.testing.assert_allclose(after, [[0.2, 1.0, 0.8], [0.1, 0.6, 0.2]])


def test_points_are_added_and_stay_fractions():
    change = change_by([Factor(0.02, "points"), Factor(-0.5, "points", buckets=("a",))], ["all"], ["a", "b"])
    np.testing.assert_allclose(change(np.array([[0.1, 0.99]])), [[0.0, 1.0]])


def test_a_cap_holds_back_what_is_added_but_lowers_nothing():
    change = change_by([Factor(2.0, cap=0.9)], ["all"], ["a", "b", "c"])
    np.testing.assert_allclose(change(np.array([[0.2, 0.5, 0.95]])), [[0.4, 0.9, 0.95]])


@given(
    st.lists(st.floats(0, 1), min_size=3, max_size=3),
    st.floats(0, 100),
    st.floats(-1, 1),
    st.floats(0.01, 1),
)
def test_rates_stay_fractions_and_in_their_order(rates, factor, points, cap):
    rates = np.sort(rates)[None]
    steps = [Factor(factor, cap=cap), Factor(points, "points", cap=cap)]
    after = change_by(steps, ["all"], ["a", "b", "c"])(rates)
    assert ((after >= 0) & (after <= 1)).all()
    assert (np.diff(after) >= -1e-12).all()


def test_missing_rates_stay_missing():
    after = change_by([Factor(1.5)], ["all"], ["a", "b"])(np.array([[np.nan, 0.1]]))
    assert np.isnan(after[0, 0])
    assert after[0, 1] == pytest.approx(0.15)


def test_what_is_refused(history):
    for bad, words in (
        ({"Retail": 1.1}, "'Retail' is no segment"),
        ({("all", "1-31"): 1.1}, "bucket '1-31'"),
        (-0.1, "at least 0"),
        (float("nan"), "finite"),
        ((), "no factor"),
    ):
        with pytest.raises(ModelError, match=words):
            scale_loss_rates(history, bad, "test")
    with pytest.raises(ModelError, match="say why"):
        scale_loss_rates(history, 1.1, " ")
    with pytest.raises(ModelError, match="kind"):
        Factor(1.1, "absolute")
    with pytest.raises(ModelError, match="fraction"):
        Factor(2.0, "points")
    with pytest.raises(ModelError, match="cap"):
        Factor(1.1, cap=1.5)
    with pytest.raises(ModelError, match="sequence of names"):
        Factor(1.1, buckets="1-30")
    with pytest.raises(ModelError, match="segment and a bucket"):
        make_factors({"1-30": 2.0}, ["1-30"], BUCKETS)
