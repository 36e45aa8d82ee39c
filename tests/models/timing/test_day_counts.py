from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.models.timing import day_counts
from arrisk.models.timing.curves import kaplan_meier
from arrisk.models.timing.day_counts import day_rows, flags

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def slow_counts(duration, event, entry, each):
    """Days, number at risk and events, straight from the definition."""
    first = min(min(duration), 0) if entry is None else min(entry) + 1
    days = range(first, max(duration) + 1)
    enters = [first - 1] * len(duration) if entry is None else entry
    rows = list(zip(enters, duration, event, each, strict=True))
    at_risk = [sum(w for a, t, _, w in rows if a < d <= t) for d in days]
    return list(days), at_risk, [sum(w for _, t, e, w in rows if e and t == d) for d in days]


items = st.lists(
    st.tuples(st.integers(-128, 127), st.booleans(), st.integers(1, 90), st.integers(0, 3)),
    min_size=1,
    max_size=30,
)


@given(items, st.sampled_from([*INTEGERS, "float32", "float64", "Int64"]), st.booleans(), st.booleans())
def test_every_type_of_whole_days_counts_alike(rows, dtype, late, counted):
    duration, event, wait, count = (list(column) for column in zip(*rows, strict=True))
    if dtype.startswith("u"):
        duration = [abs(t) for t in duration]
    if counted and not any(count):
        count[0] = 1
    entry = [t - w for t, w in zip(duration, wait, strict=True)] if late else None
    typed = pd.array(duration, dtype=dtype) if dtype == "Int64" else np.array(duration, dtype=dtype)
    made = day_rows(typed, entry, None, count if counted else None)
    days, at_risk, events = slow_counts(duration, event, entry, count if counted else [1] * len(duration))
    assert made.days().tolist() == days
    assert made.at_risk().tolist() == at_risk
    assert made.leaving(flags(event, made), 2)[1].tolist() == events


@pytest.mark.parametrize("size", [1, 7, 8, 9, 50])
def test_chunks_leave_no_row_out(monkeypatch, size):
    monkeypatch.setattr(day_counts, "CHUNK", 8)
    rng = np.random.default_rng(size)
    duration, event = rng.integers(-3, 20, size).astype(np.int16), rng.random(size) < 0.5
    weights = rng.random(size)
    rows = day_rows(duration, None, weights)
    assert rows.leaving(event, 2).sum() == pytest.approx(weights.sum())
    in_one = [float(weights[(duration == d) & event].sum()) for d in rows.days()]
    np.testing.assert_allclose(rows.leaving(event, 2)[1], in_one, rtol=1e-12)


def test_narrow_days_do_not_overflow():
    curve = kaplan_meier(np.array([-120, 127], dtype=np.int8), [True, True])
    assert curve.table["day"].tolist() == [-120, 127]
    long = kaplan_meier(np.array([32_000, 32_767], dtype=np.int16), [True, True], entry=[-300, -300])
    assert long.at([32_000]).tolist() == [0.5]


def test_ten_million_rows_are_not_copied():
    """Two passes over the days: no array of eight bytes a row is ever made."""
    tracemalloc = pytest.importorskip("tracemalloc")
    duration = np.random.default_rng(1).integers(0, 90, 2_000_000).astype(np.int16)
    event = np.ones(duration.size, dtype=bool)
    tracemalloc.start()
    kaplan_meier(duration, event)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000


@pytest.mark.parametrize("event", [[1.0, np.nan], [True, None], [True, pd.NA], [True]])
def test_a_missing_flag_is_no_event(event):
    with pytest.raises(ModelError, match="event"):
        kaplan_meier([1, 2], event)


@pytest.mark.parametrize("days", [["a"], [None], [pd.NA], [np.inf], [[1]], [1e300], [2**63]])
def test_what_is_no_day_is_refused(days):
    with pytest.raises(ModelError):
        kaplan_meier(days, [True])


def test_counts_that_are_missing_are_refused():
    with pytest.raises(ModelError, match="counts"):
        kaplan_meier([1, 2], [True, True], counts=[1.0, np.nan])
