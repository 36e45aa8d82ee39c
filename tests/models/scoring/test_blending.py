from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from arrisk.errors import ModelError
from arrisk.models.scoring.blending import blend, blend_range, credibility_weight, over_horizon

chance = st.floats(1e-6, 1 - 1e-6)
months = st.floats(0, 1e6)
ks = st.one_of(st.floats(0, 1e6), st.just(np.inf))


@given(st.lists(months, min_size=2, max_size=6), ks)
def test_weight_lies_between_none_and_all_and_grows_with_history(history, k):
    weight = credibility_weight(sorted(history), k)
    assert ((weight >= 0) & (weight <= 1)).all()
    assert (np.diff(weight) >= 0).all()
    assert (credibility_weight(history, 2 * k + 1) <= credibility_weight(history, k)).all()


def test_weight_at_the_ends():
    assert credibility_weight([0, 12, np.inf, np.nan], 12).tolist() == [0, 0.5, 1, 0]
    assert credibility_weight([0, 0.01, np.inf], 0).tolist() == [0, 1, 1]
    assert credibility_weight([0, 1e9, np.inf], np.inf).tolist() == [0, 0, 1]
    for history, k in [([-1.0], 12), ([1.0], -1), ([1.0], np.nan)]:
        with pytest.raises(ModelError, match="may not be negative"):
            credibility_weight(history, k)


@given(chance, chance, months, ks)
def test_blend_lies_between_its_parents(expert, behaviour, history, k):
    got = blend([expert], [behaviour], [history], k)[0]
    assert min(expert, behaviour) - 1e-12 <= got <= max(expert, behaviour) + 1e-12
    assert blend([expert], [behaviour], [0.0], k)[0] == expert
    assert blend([expert], [behaviour], [np.inf], k)[0] == behaviour
    assert blend([expert], [None], [history], k)[0] == expert


@given(chance, chance, st.floats(0, 100), st.floats(0.1, 100))
def test_blend_moves_to_behaviour_as_history_grows(expert, behaviour, history, k):
    near, far = blend([expert] * 2, [behaviour] * 2, [history + 1, history], k)
    assert abs(logit(near) - logit(behaviour)) <= abs(logit(far) - logit(behaviour)) + 1e-9


def test_blend_is_the_weighted_mean_of_log_odds():
    assert blend([0.05], [0.2], [4], 12)[0] == pytest.approx(expit(0.75 * logit(0.05) + 0.25 * logit(0.2)))
    assert blend([0.05, 0.5], [1.0, 0.0], [np.inf, np.inf]).tolist() == [1.0, 0.0]


def test_what_cannot_be_blended_is_an_error():
    with pytest.raises(ModelError, match="expert probability is missing"):
        blend([None], [0.1], [1])
    for first, second in [([1.1], [0.1]), ([0.1], [-0.1])]:
        with pytest.raises(ModelError, match="outside 0 to 1"):
            blend(first, second, [1])


@given(chance, chance, st.floats(0.1, 3), st.floats(0.1, 3), st.floats(0, 1))
def test_range_holds_the_blend_and_is_no_wider_than_both(expert, behaviour, a, b, z):
    middle = expit((1 - z) * logit(expert) + z * logit(behaviour))
    ends = [
        blend_range(
            ([expit(logit(expert) + s * a)], [expit(logit(behaviour) + s * b)]),
            [middle],
            [expert],
            [behaviour],
            [z],
        )[0]
        for s in (-1, 1)
    ]
    assert ends[0] <= middle <= ends[1]
    reach = (logit(ends[1]) - logit(ends[0])) / 2
    assert reach == pytest.approx(np.hypot((1 - z) * a, z * b), rel=0.02, abs=1e-3)
    assert reach <= max(a, b) * 1.02 + 1e-3


def test_range_is_the_parents_at_the_ends():
    low, high = ([0.02], [0.05]), ([0.2], [0.4])
    for end in (low, high):
        assert blend_range(end, [0.06], [0.06], [0.1], [0.0])[0] == pytest.approx(end[0][0])
        assert blend_range(end, [0.1], [0.06], [0.1], [1.0])[0] == pytest.approx(end[1][0])
    assert blend_range(([0.02], [np.nan]), [0.06], [0.06], [np.nan], [0.0])[0] == pytest.approx(0.02)


def test_horizons():
    p = np.array([0.0, 0.03, 0.5, 1.0])
    assert over_horizon(p, 365, 365).tolist() == pytest.approx(p.tolist())
    assert over_horizon(over_horizon(p, 365, 90), 90, 365).tolist() == pytest.approx(p.tolist())
    assert (over_horizon(p, 365, 90) <= p).all()
