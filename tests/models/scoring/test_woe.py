from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.models.scoring.woe import information_value, weight_of_evidence

BAD, GOOD = [135, 105, 14, 46], [139, 164, 49, 348]


def test_evidence_of_the_checking_account_is_the_known_one():
    woe = weight_of_evidence(BAD, GOOD)
    assert woe.tolist() == pytest.approx([-0.8181, -0.4014, 0.4055, 1.1763], abs=5e-5)
    assert information_value(BAD, GOOD, woe) == pytest.approx(0.6660115, abs=5e-8)


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=8), st.floats(0.1, 20)
)
def test_smoothing_draws_every_bin_to_the_average_and_turns_none_around(counts, smoothing):
    bad, good = (np.array(x, dtype=float) for x in zip(*counts, strict=True))
    bad[0], good[0] = bad[0] + 1, good[0] + 1
    less, more = (weight_of_evidence(bad, good, s) for s in (smoothing, 2 * smoothing))
    assert (np.abs(more) <= np.abs(less) + 1e-12).all()
    raw = np.sign(good / good.sum() - bad / bad.sum())
    assert (np.sign(np.round(less, 12)) * raw >= 0).all()
    assert (less[(bad == 0) & (good == 0)] == 0).all()
    assert information_value(bad, good, less) >= -1e-12


def test_a_bin_stands_where_the_posterior_mean_of_its_rate_is():
    bad, good = np.array([3.0, 7.0]), np.array([100.0, 900.0])
    ratio = (bad / 10 + 0.5 / 10) / (good / 1000 + 0.5 / 10)
    assert weight_of_evidence(bad, good, 0.5).tolist() == pytest.approx((-np.log(ratio)).tolist())


def test_what_cannot_be_weighed_is_refused():
    with pytest.raises(ModelError, match="both events and non-events"):
        weight_of_evidence([0, 0], [1, 2], 0.5)
    with pytest.raises(ModelError, match="unsmoothed"):
        weight_of_evidence([0, 2], [1, 2])
