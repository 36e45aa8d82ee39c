"""Limits that do not flap: never too soon, never without cause, nothing from later days."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from arrisk.errors import ModelError
from arrisk.policy.limits.hysteresis import follow_targets, past_targets
from arrisk.portfolio.utilisation import make_utilisation_path
from tests.ledger.frames import invoice, ledger_of

targets = arrays(float, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=st.floats(0, 1e6))


@given(targets, st.floats(0, 2), st.integers(1, 5))
def test_two_changes_are_never_closer_than_the_least_time(wanted, band, least):
    held = follow_targets(wanted, band, least)
    for column in held.T:
        changes = np.flatnonzero(np.diff(column) != 0) + 1
        assert (np.diff(changes) >= least).all()


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 2), st.integers(1, 5))
def test_a_constant_target_changes_a_limit_at_most_once(target, start, band, least):
    held = follow_targets(np.full((10, 1), target), band, least, start=[start]).ravel()
    assert (np.diff(np.append(start, held)) != 0).sum() <= 1


@given(targets, st.integers(1, 5))
def test_without_band_and_wait_limits_are_the_targets(wanted, least):
    assert follow_targets(wanted, 0.0, 1).tolist() == wanted.tolist()
    # A wide enough band never moves a limit above zero.
    positive = wanted + 1.0
    assert (follow_targets(positive, 1e12, least) == positive[0]).all()


@given(targets, st.floats(0, 2), st.integers(1, 5), st.integers(0, 10))
def test_later_targets_change_no_earlier_limit(wanted, band, least, cut):
    cut = min(cut, len(wanted) - 1) + 1
    assert (follow_targets(wanted, band, least)[:cut] == follow_targets(wanted[:cut], band, least)).all()


def test_what_is_billed_later_changes_no_earlier_target():
    bills = [invoice(str(k), f"2023-{k + 1:02d}-05", 100.0 * (k + 1)) for k in range(12)]
    bills += [invoice(f"n{k}", f"2024-{k + 1:02d}-05", 50.0) for k in range(9)]
    later = [*bills, invoice("x", "2024-12-30", 9e6)]
    known, more = (
        past_targets(make_utilisation_path(ledger_of(rows).as_of("2025-01-15")), ["c"])
        for rows in (bills, later)
    )
    assert len(known[0])
    assert known[0].tolist() == more[0].tolist()


def test_impossible_bands_are_refused():
    with pytest.raises(ModelError):
        follow_targets([[1.0]], -0.1)
    with pytest.raises(ModelError):
        follow_targets([[1.0]], 0.1, 0)
