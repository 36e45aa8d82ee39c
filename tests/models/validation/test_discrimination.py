from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from arrisk.errors import ModelError
from arrisk.models.validation.discrimination import auc, auc_by_customer, auc_delong


def test_auc_agrees_with_scikit_learn_with_ties():
    rng = np.random.default_rng(1)
    y, score = rng.random(400) < 0.2, rng.integers(0, 8, 400)
    assert auc(y, score) == pytest.approx(roc_auc_score(y, score), abs=1e-12)
    assert auc_by_customer(y, score, np.arange(400), seed=1).value == auc(y, score)


def test_delong_by_hand():
    """Events 3 and 5 against 1, 2, 4: placements (2/3, 1) and (1, 1, 1/2), variance 1/36 + 1/36."""
    got = auc_delong([0, 0, 0, 1, 1], [1, 2, 4, 3, 5])
    assert got.value == pytest.approx(5 / 6)
    assert got.low == pytest.approx(5 / 6 - 1.959964 * np.sqrt(1 / 18), abs=1e-6)
    assert got.high == 1.0


def test_bootstrap_by_customer_agrees_with_delong_when_rows_are_independent():
    rng = np.random.default_rng(2)
    y = rng.random(600) < 0.2
    score = rng.normal(size=600) + y
    by_customer = auc_by_customer(y, score, np.arange(600), seed=3, draws=2000)
    delong = auc_delong(y, score)
    assert by_customer.low == pytest.approx(delong.low, abs=0.01)
    assert by_customer.high == pytest.approx(delong.high, abs=0.01)


def test_repeating_rows_of_a_customer_does_not_narrow_the_interval():
    rng = np.random.default_rng(4)
    y = rng.random(150) < 0.2
    score = rng.normal(size=150) + y
    once = auc_by_customer(y, score, np.arange(150), seed=5, draws=1000)
    many = auc_by_customer(np.tile(y, 5), np.tile(score, 5), np.tile(np.arange(150), 5), seed=5, draws=1000)
    assert many.high - many.low == pytest.approx(once.high - once.low, rel=1e-9)
    naive = auc_delong(np.tile(y, 5), np.tile(score, 5))
    assert naive.high - naive.low < 0.6 * (once.high - once.low)


def test_same_seed_same_interval():
    rng = np.random.default_rng(6)
    y, score = rng.random(80) < 0.3, rng.normal(size=80)
    who = np.repeat(np.arange(20), 4)
    assert auc_by_customer(y, score, who, seed=7) == auc_by_customer(y, score, who, seed=7)


@pytest.mark.parametrize(("y", "score"), [([0, 0], [1, 2]), ([0, 1], [1, np.nan]), ([0, 1], [1, 2, 3])])
def test_unusable_input_is_refused(y, score):
    with pytest.raises(ModelError):
        auc(y, score)
