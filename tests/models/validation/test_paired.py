"""Two scores on the same rows, and KS."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.validation.discrimination import auc, auc_clustered, auc_delong, gini
from arrisk.models.validation.ks import ks, ks_by_customer
from arrisk.models.validation.paired import difference_by_customer, difference_clustered, difference_delong

rows = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=4, max_size=40)


def split(data):
    one, other = (np.array(v, dtype=float) for v in zip(*data, strict=True))
    return np.arange(len(one)) % 2 == 0, one, other


@given(rows)
def test_auc_is_the_count_of_pairs(data):
    y, one, _ = split(data)
    pairs = [(a > b) + 0.5 * (a == b) for a in one[y] for b in one[~y]]
    assert auc(y, one) == pytest.approx(np.mean(pairs), abs=1e-12)


@given(rows)
def test_differences_are_antisymmetric(data):
    y, one, other = split(data)
    who = np.arange(len(y)) // 2
    for measure in (difference_delong, lambda *a: difference_clustered(*a, who)):
        d, back = measure(y, one, other), measure(y, other, one)
        assert (d.value, d.low, d.high) == pytest.approx((-back.value, -back.high, -back.low), abs=1e-12)
        assert d.value == pytest.approx(d.one - d.other)
        assert (d.one, d.other) == (pytest.approx(auc(y, one)), pytest.approx(auc(y, other)))


def test_paired_delong_by_hand():
    """Placements of events 2/3, 1 against 0, 1; of non-events 1, 1, 1/2 against 1/2, 1/2, 1/2.

    Their differences 2/3, 0 and 1/2, 1/2, 0 have variances 2/9 and 1/12, so the error is that of
    1/9 + 1/36 = 5/36 about 5/6 - 1/2.
    """
    got = difference_delong([0, 0, 0, 1, 1], [1, 2, 4, 3, 5], [3, 4, 2, 1, 5])
    assert (got.one, got.other) == (pytest.approx(5 / 6), pytest.approx(1 / 2))
    assert got.low == pytest.approx(1 / 3 - 1.959964 * np.sqrt(5 / 36), abs=1e-6)
    assert got.high == 1.0


def test_one_row_a_customer_gives_the_error_of_delong():
    rng = np.random.default_rng(0)
    y = rng.random(4000) < 0.3
    one, other = rng.normal(size=4000) + y, rng.normal(size=4000) + 0.5 * y
    plain, by = difference_delong(y, one, other), difference_clustered(y, one, other, np.arange(4000))
    assert by.high - by.low == pytest.approx(plain.high - plain.low, rel=0.01)
    drawn = difference_by_customer(y, one, other, np.arange(4000), seed=1, draws=400)
    assert drawn.low == pytest.approx(by.low, abs=0.006)
    assert drawn.high == pytest.approx(by.high, abs=0.006)
    single, customer = auc_delong(y, one), auc_clustered(y, one, np.arange(4000))
    assert customer.high - customer.low == pytest.approx(single.high - single.low, rel=0.01)


def test_customers_widen_what_rows_would_narrow():
    rng = np.random.default_rng(3)
    y = rng.random(200) < 0.2
    one, other = rng.normal(size=200) + y, rng.normal(size=200)
    tiled = [np.tile(v, 5) for v in (y, one, other, np.arange(200))]
    once, many = difference_clustered(y, one, other, np.arange(200)), difference_clustered(*tiled)
    assert many.high - many.low == pytest.approx(once.high - once.low)
    again = auc_clustered(tiled[0], tiled[1], tiled[3])
    assert again.high == pytest.approx(auc_clustered(y, one, np.arange(200)).high)
    assert difference_delong(*tiled[:3]).high < many.high


def test_a_score_differs_from_itself_by_nothing():
    y, score = np.arange(30) % 3 == 0, np.arange(30) % 7
    same = difference_by_customer(y, score, score, np.arange(30), seed=0)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_perfect_separation_keeps_an_interval():
    y = np.repeat([False, True], [50, 5])
    a = auc_clustered(y, y.astype(float), np.arange(55))
    assert a.high == 1.0
    assert 0.5 < a.low < 0.85
    b = auc_clustered(y, -y.astype(float), np.arange(55))
    assert (b.low, b.high) == (0.0, pytest.approx(1 - a.low))
    assert gini(a).low == pytest.approx(2 * a.low - 1)


def test_ks_agrees_with_scipy_and_knows_where():
    rng = np.random.default_rng(5)
    y = rng.random(300) < 0.3
    score = np.round(rng.normal(size=300) + y, 1)
    got = ks_by_customer(y, score, np.arange(300), seed=1)
    assert got.value == ks(y, score) == pytest.approx(stats.ks_2samp(score[y], score[~y]).statistic)
    gap = (score[~y] <= got.at).mean() - (score[y] <= got.at).mean()
    assert gap == pytest.approx(got.value)
    assert got.low < got.value < got.high
    assert got.bias > 0
    assert ks_by_customer(y, -score, np.arange(300), seed=1).value == pytest.approx(got.value)


def test_order_of_rows_does_not_matter():
    rng = np.random.default_rng(6)
    y, score, who = rng.random(90) < 0.3, rng.normal(size=90), np.arange(90) // 3
    order = rng.permutation(90)
    one, two = (auc_clustered(y, score, who), auc_clustered(y[order], score[order], who[order]))
    assert (one.low, one.high) == pytest.approx((two.low, two.high))
    assert ks(y, score) == pytest.approx(ks(y[order], score[order]))


def test_one_class_or_one_customer_is_refused():
    for call in (
        lambda: ks([0, 0], [1, 2]),
        lambda: auc_clustered([0, 0, 1], [1, 2, 3], [1, 2, 3]),
        lambda: difference_delong([0, 0, 1], [1, 2, 3], [1, 2, 3]),
        lambda: difference_clustered([0, 1], [1, 2], [2, 1], [7, 7]),
        lambda: ks_by_customer([0, 1], [1, 2], [1, 2, 3], seed=0),
        lambda: difference_by_customer([0, 0, 0, 1], [1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3], seed=0),
    ):
        with pytest.raises(ModelError):
            call()
