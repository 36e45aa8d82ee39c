"""Weights, scores with missing terms, and ranks that hang on the weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from arrisk.errors import StudyError
from arrisk.policy.incentives.scheme import (
    SCHEMES,
    Scheme,
    make_incentive_schemes,
    rank_ranges,
    weighted_scores,
)

SCORES = st.lists(st.lists(st.integers(0, 120), min_size=3, max_size=3), min_size=2, max_size=5)


def test_weights_of_the_sources():
    shares = {name: list(weights.values()) for name, weights in SCHEMES.items()}
    assert shares == {"sales": [40, 30, 30], "finance": [20, 30, 50], "management": [50, 30, 20]}


def test_a_study_may_give_other_weights_and_leaves_the_rest():
    schemes = make_incentive_schemes({"finance": {"accuracy": 100}})
    assert schemes["finance"].weights == {"timeliness": 0, "accuracy": 100, "warning_effectiveness": 0}
    assert schemes["sales"].weights == SCHEMES["sales"]


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"sales": {"collections": 50}}, "sum to 100, got collections 50, .* \\(sum 50\\)"),
        ({"sales": {"collection": 100}}, "unknown term 'collection'.*did you mean \"collections\""),
        ({"sales": {"collections": 130, "overdue_reduction": -30}}, "must not be negative"),
    ],
)
def test_weights_that_cannot_be(given_, said):
    with pytest.raises(StudyError, match=said):
        make_incentive_schemes(given_)


def test_a_missing_term_is_left_out_and_its_weight_is_said():
    scores, known = weighted_scores(
        np.array([[80.0, np.nan, 110.0], [np.nan] * 3]), np.array([0.4, 0.3, 0.3])
    )
    assert scores[0] == pytest.approx((80 * 0.4 + 110 * 0.3) / 0.7)
    assert np.isnan(scores[1])
    assert known.tolist() == [0.7, 0.0]


def smallest_difference(a, b, shares, spread):
    bounds = [(max(s - spread, 0), min(s + spread, 1)) for s in shares]
    found = linprog(np.array(a) - np.array(b), A_eq=[[1.0] * len(shares)], b_eq=[1.0], bounds=bounds)
    return found.fun


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(values=SCORES, spread=st.sampled_from([0.0, 0.1, 0.3, 1.0]))
def test_rank_ranges_agree_with_linear_programming(values, spread):
    shares = np.array([0.4, 0.3, 0.3])
    best, worst = rank_ranges(np.array(values, dtype=float), shares, spread)
    for k, mine in enumerate(values):
        others = [v for j, v in enumerate(values) if j != k]
        before = sum(smallest_difference(v, mine, shares, spread) > 1e-7 for v in others)
        behind = sum(smallest_difference(mine, v, shares, spread) > 1e-7 for v in others)
        assert best[k] == 1 + before
        assert worst[k] == len(values) - behind


@given(values=SCORES)
def test_without_room_the_rank_is_the_rank_of_the_score(values):
    shares = np.array([0.4, 0.3, 0.3])
    best, worst = rank_ranges(np.array(values, dtype=float), shares, 0.0)
    scores = np.round(weighted_scores(np.array(values, dtype=float), shares)[0], 9)
    assert np.all(best <= 1 + (scores[:, None] > scores[None, :]).sum(axis=0))
    assert np.all(worst >= 1 + (scores[:, None] > scores[None, :]).sum(axis=0))


def test_a_scheme_says_its_weights():
    assert str(Scheme("x", {"a_b": 30, "c": 70})) == "x: a b 30, c 70"
