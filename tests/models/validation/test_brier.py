"""Brier's parts add up, whatever the groups."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss

from arrisk.errors import ModelError
from arrisk.models.validation.brier import brier, log_loss
from arrisk.models.validation.grouping import by_grade, by_quantile, by_width

rows = st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=60)


@given(rows, st.integers(1, 12), st.randoms(use_true_random=False))
def test_the_parts_add_up_for_every_grouping(data, groups, random):
    y, p = (np.array(v, dtype=float) for v in zip(*data, strict=True))
    for grouping in (
        by_quantile(p, groups),
        by_width(p, groups),
        by_grade([random.choice("ABC") for _ in p]),
    ):
        b = brier(y, p, grouping)
        total = b.reliability - b.resolution + b.uncertainty + b.within_variance - 2 * b.within_covariance
        assert total == pytest.approx(b.score, abs=1e-12)
        assert min(b.reliability, b.resolution, b.uncertainty, b.within_variance) >= 0


@given(rows, st.integers(1, 12), st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order_of_rows_and_keep_ties_together(data, groups, random):
    p = np.round([v for _, v in data], 1)
    order = np.array(random.sample(range(len(p)), len(p)))
    grouping = by_quantile(p, groups)
    np.testing.assert_array_equal(by_quantile(p[order], groups).codes, grouping.codes[order])
    for value in np.unique(p):
        assert len(set(grouping.codes[p == value])) == 1
    assert set(grouping.codes) == set(range(len(grouping.labels)))
    assert (np.diff(grouping.codes[np.argsort(p)]) >= 0).all()


def test_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    p = rng.random(500)
    y = rng.random(500) < p
    assert brier(y, p).score == pytest.approx(brier_score_loss(y, p), abs=1e-15)
    assert log_loss(y, p) == pytest.approx(sklearn_log_loss(y, p), abs=1e-12)
    assert 0 < brier(y, p).skill < 1
    assert brier(y, np.full(500, y.mean())).skill == pytest.approx(0, abs=1e-12)


def test_ends_are_kept_finite_and_one_class_has_no_skill():
    assert np.isfinite(log_loss([1, 0], [0.0, 1.0]))
    assert np.isnan(brier([0, 0], [0.1, 0.2]).skill)


@pytest.mark.parametrize(
    ("y", "p"),
    [([], []), ([0, 1], [0.5]), ([0, 2], [0.5, 0.5]), ([0, 1], [0.5, 1.5]), ([0, 1], [0.5, np.nan])],
)
def test_impossible_input_is_refused(y, p):
    with pytest.raises(ModelError):
        brier(y, p)


def test_impossible_groups_are_refused():
    for make, arguments in ((by_quantile, ([0.1], 0)), (by_width, ([np.nan], 2)), (by_grade, ([],))):
        with pytest.raises(ModelError):
            make(*arguments)
