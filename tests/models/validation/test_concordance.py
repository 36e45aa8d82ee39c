from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines.utils import concordance_index

from arrisk.errors import ModelError
from arrisk.models.validation.censoring import in_view
from arrisk.models.validation.concordance import concordance, concordance_difference, sums_below

rows = st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 4)), min_size=2, max_size=30)


def by_hand(days, event, predicted, horizon):
    """The definition, pair by pair; the chance of being in view by counting."""
    n, above, below = len(days), 0.0, 0.0
    for i in range(n):
        if not event[i] or days[i] > horizon:
            continue
        stay = 1.0
        for d in range(days[i]):
            evening = sum(days[k] > d or (days[k] == d and not event[k]) for k in range(n))
            gone = sum(days[k] == d and not event[k] for k in range(n))
            stay *= 1 - gone / evening if evening else 1.0
        for j in range(n):
            if days[j] > days[i] or (days[j] == days[i] and not event[j]):
                below += stay**-2
                above += stay**-2 * ((predicted[j] > predicted[i]) + 0.5 * (predicted[j] == predicted[i]))
    return above / below if below else None


@given(rows, st.integers(0, 6))
def test_equals_the_definition_with_ties_censoring_and_day_zero(sample, horizon):
    days, event, predicted = map(list, zip(*sample, strict=True))
    wanted = by_hand(days, event, predicted, horizon)
    if wanted is None:
        with pytest.raises(ModelError, match="no pair"):
            concordance(days, event, predicted, horizon)
    else:
        assert concordance(days, event, predicted, horizon).value == pytest.approx(wanted, abs=1e-12)


@given(rows)
def test_sums_below_equal_plain_loops(sample):
    position, _, rank = (np.array(v) for v in zip(*sample, strict=True))
    weights = np.arange(1.0, rank.size + 1)
    asked = np.minimum(position, rank.size)
    limit = np.roll(rank, 1) + 1
    wanted = [weights[:p][rank[:p] < r].sum() for p, r in zip(asked, limit, strict=True)]
    np.testing.assert_allclose(sums_below(rank, weights, asked, limit), wanted)


def test_without_censoring_it_is_harrells():
    rng = np.random.default_rng(1)
    days = rng.integers(0, 40, 300)
    predicted = np.round(days + rng.normal(0, 15, 300), -1)
    wanted = concordance_index(days, predicted, np.ones(300))
    assert concordance(days, np.ones(300), predicted).value == pytest.approx(wanted, abs=1e-12)


def test_agrees_with_scikit_survival_where_no_event_ties_with_censoring():
    """Its weights put censoring of a day before the events of that day, so days of both must differ."""
    metrics = pytest.importorskip("sksurv.metrics", reason="scikit-survival is added by `make oracles`")
    util = pytest.importorskip("sksurv.util")
    rng = np.random.default_rng(2)
    event = rng.random(300) < 0.6
    days = 2 * rng.integers(0, 60, 300) + ~event
    predicted = np.round(days * rng.lognormal(0, 0.8, 300) / 5)
    y = util.Surv.from_arrays(event, days + 1.0)
    for horizon in (60, 130):
        theirs = metrics.concordance_index_ipcw(y, y, -predicted, tau=horizon + 1.5)[0]
        assert concordance(days, event, predicted, horizon).value == pytest.approx(theirs, abs=1e-10)


def test_censoring_does_not_move_it():
    rng = np.random.default_rng(3)
    n = 20_000
    habit = rng.normal(30, 8, n)
    days = np.maximum(np.round(habit + rng.gamma(2, 6, n)), 0).astype(int)
    view = rng.integers(10, 70, n)
    truth = concordance(days, np.ones(n), habit, horizon=45).value
    seen = concordance(np.minimum(days, view), days <= view, habit, horizon=45).value
    assert seen == pytest.approx(truth, abs=0.012)


def test_items_of_one_customer_are_worth_one():
    """Every item five times in one customer: the same value and the same interval as once."""
    rng = np.random.default_rng(4)
    days, predicted = rng.integers(0, 50, 80), rng.normal(0, 1, 80)
    predicted = predicted + days / 20
    once = concordance(days, np.ones(80), predicted)
    often = concordance(
        np.repeat(days, 5), np.ones(400), np.repeat(predicted, 5), None, np.repeat(range(80), 5)
    )
    assert often.value == pytest.approx(once.value)
    assert (often.low, often.high) == pytest.approx((once.low, once.high))
    naive = concordance(np.repeat(days, 5), np.ones(400), np.repeat(predicted, 5))
    assert naive.high - naive.low < 0.6 * (often.high - often.low)


@pytest.mark.slow
def test_intervals_by_customer_hold_the_truth():
    rng = np.random.default_rng(5)

    def book(customers):
        habit = rng.normal(0, 1, customers)
        who = np.repeat(np.arange(customers), rng.integers(1, 12, customers))
        latent = 20 + 6 * habit[who] + rng.gamma(2, 4, who.size)
        said = 20 + 6 * habit[who] + rng.normal(0, 3, customers)[who]
        other = 20 + rng.normal(0, 3, customers)[who] + 3 * habit[who]
        view = rng.integers(10, 60, who.size)
        days = np.maximum(np.round(latent), 0)
        return np.minimum(days, view), days <= view, said, other, who

    big = book(3_000)
    truth = concordance(*big[:3], 40).value
    gap = truth - concordance(big[0], big[1], big[3], 40).value
    hits = np.zeros(2)
    for _ in range(150):
        days, paid, said, other, who = book(60)
        c = concordance(days, paid, said, 40, who)
        d = concordance_difference(days, paid, said, other, 40, who)
        hits += [c.low <= truth <= c.high, d.low <= gap <= d.high]
    assert (hits / 150 > 0.89).all(), hits / 150
    assert (hits / 150 < 0.99).all(), hits / 150


def test_perfect_order_has_no_interval_and_says_so():
    c = concordance([1, 2, 3], [True] * 3, [1, 2, 3])
    assert c.value == 1.0
    assert np.isnan(c.low)
    assert "no interval" in c.method


@pytest.mark.parametrize(
    ("days", "event", "predicted", "match"),
    [
        ([1, 2], [True], [1, 2], "event has 1"),
        ([1, 2], [True, True], [1, np.nan], "one prediction"),
        ([1.5, 2], [True, True], [1, 2], "whole"),
        ([1, 2], [False, False], [1, 2], "no pair"),
    ],
)
def test_refuses_what_it_cannot_judge(days, event, predicted, match):
    with pytest.raises(ModelError, match=match):
        concordance(days, event, predicted)


def test_view_by_hand():
    """Day 0: one of four leaves in the evening; day 2: of two left in the evening one leaves."""
    view = in_view([0, 1, 2, 2, 3], [False, True, True, False, True])
    np.testing.assert_allclose(view.on([-5, 0, 1, 2, 3, 9]), [1, 1, 0.8, 0.8, 0.4, 0.4])
