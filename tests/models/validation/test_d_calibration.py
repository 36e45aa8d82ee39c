from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.validation.d_calibration import d_calibration


def test_by_hand_with_a_censored_item():
    """Two events at survival .9 and .3; one censored at .5: half a bin of width .4 above .4, the rest below.

    Bins of width .2: the censored item has .1/.5 in the third, .2/.5 in each of the two below.
    """
    survival = [0.9, 0.3, 0.5]
    found = d_calibration(survival, survival, [True, True, False], bins=5)
    np.testing.assert_allclose(found.table["items"], [0.4, 1.4, 0.2, 0.0, 1.0])
    expected = 3 / 5
    wanted = sum((o - expected) ** 2 / expected for o in (0.4, 1.4, 0.2, 0.0, 1.0))
    assert found.statistic == pytest.approx(wanted)
    assert found.df == 4
    assert found.p_independent == pytest.approx(stats.chi2.sf(wanted, 4))


def test_a_day_spreads_an_item_between_its_evenings():
    found = d_calibration([0.7], [0.2], [True], bins=10)
    np.testing.assert_allclose(found.table["items"], [0, 0, 0.2, 0.2, 0.2, 0.2, 0.2, 0, 0, 0], atol=1e-12)


def test_edges_belong_to_the_bin_above_and_one_to_the_last():
    edges = np.arange(11) / 10
    found = d_calibration(edges, edges, np.ones(11), bins=10)
    assert found.table["items"].tolist() == [1.0] * 9 + [2.0]


def daily_book(rng, customers, share=0.0, censor=True):
    """Days with a constant chance of a fifth; `share` of a customer's items copy its first uniform."""
    who = np.repeat(np.arange(customers), rng.integers(1, 15, customers))
    first = rng.random(customers)[who]
    u = np.where(rng.random(who.size) < share, first, rng.random(who.size))
    days = np.ceil(np.log(1 - u) / np.log(0.8)).astype(int)
    view = rng.integers(1, 12, who.size) if censor else np.full(who.size, 10**6)
    paid = days <= view
    last = np.minimum(days, view)
    return 0.8 ** (last - 1.0), 0.8**last, paid, who


@pytest.mark.slow
def test_holds_its_size_when_items_of_a_customer_move_together():
    rng = np.random.default_rng(1)
    p = []
    for _ in range(400):
        found = d_calibration(*daily_book(rng, 100, share=0.9))
        p.append((found.p_value, found.p_independent))
    by_customer, independent = (np.array(p) < 0.05).mean(axis=0)
    assert 0.02 < by_customer < 0.085, by_customer
    assert independent > 0.3, independent


def test_whole_days_do_not_look_wrong():
    """Without the spread over the day, days with a chance of a fifth would fill some bins and not others."""
    rng = np.random.default_rng(2)
    before, after, paid, who = daily_book(rng, 400)
    assert d_calibration(before, after, paid, who).p_value > 0.01
    assert d_calibration(after, after, paid, who).p_value < 1e-6


def test_finds_curves_that_are_too_slow():
    rng = np.random.default_rng(3)
    before, after, paid, who = daily_book(rng, 150)
    found = d_calibration(np.sqrt(before), np.sqrt(after), paid, who)
    assert found.p_value < 1e-4
    assert found.largest_gap > 0.03


def test_copies_of_items_in_their_customer_change_nothing():
    rng = np.random.default_rng(4)
    before, after, paid, who = daily_book(rng, 80)
    once = d_calibration(before, after, paid, who)
    thrice = d_calibration(*(np.repeat(v, 3) for v in (before, after, paid, who)))
    assert thrice.p_value == pytest.approx(once.p_value)
    assert thrice.statistic == pytest.approx(3 * once.statistic)
    assert thrice.design_effect == pytest.approx(3 * once.design_effect)


def test_one_customer_is_no_test():
    found = d_calibration([0.5, 0.4], [0.4, 0.3], [True, True], ["a", "a"])
    assert np.isnan(found.p_value)
    assert found.customers == 1


@pytest.mark.parametrize(
    ("before", "after", "bins", "match"),
    [([0.5], [0.6], 10, "fall with time"), ([1.2], [0.6], 10, "between"), ([0.5], [0.4], 1, "1 bins")],
)
def test_refuses_what_is_no_curve(before, after, bins, match):
    with pytest.raises(ModelError, match=match):
        d_calibration(before, after, [True], bins=bins)
