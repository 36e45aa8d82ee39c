"""Customers drawn again: whole, reproducible, in little memory."""

from __future__ import annotations

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.validation import resampling
from arrisk.models.validation.resampling import (
    customer_codes,
    customer_weights,
    resample_customers,
    weight_blocks,
)


def test_blocks_hold_the_same_numbers_whatever_their_size(monkeypatch):
    who = np.repeat(np.arange(40), 3)
    whole = customer_weights(who, 25, seed=7)
    monkeypatch.setattr(resampling, "CELLS", 500)
    blocks = list(weight_blocks(who, 25, seed=7))
    assert len(blocks) > 5
    np.testing.assert_array_equal(np.concatenate(blocks), whole)


def test_customers_are_drawn_whole_and_as_many_as_there_are():
    who = np.array(["a", "b", "a", "c", None, None], dtype=object)
    weights = customer_weights(who, 200, seed=1)
    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
    np.testing.assert_array_equal(weights[:, 4], weights[:, 5])
    assert (weights[:, [0, 1, 3, 4]].sum(axis=1) == 4).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(6), abs=0.25)


def test_resamples_without_a_value_are_left_out_but_not_most_of_them():
    def sometimes(weights):
        return np.where(weights[:, 0] > 0, weights[:, 0], np.nan)

    kept = resample_customers(sometimes, np.arange(10), seed=2, draws=300)
    assert 150 < kept.size < 300
    with pytest.raises(ModelError, match="too few defaulters"):
        resample_customers(lambda w: np.full(len(w), np.nan), np.arange(10), seed=2, draws=20)


def test_codes_need_a_customer_a_row():
    assert customer_codes([3, 3, 1])[0].tolist() == [0, 0, 1]
    for who, rows in (([], None), ([1, 2], 3)):
        with pytest.raises(ModelError, match="customers given"):
            customer_codes(who, rows)
