from __future__ import annotations

import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.labels import make_labels
from arrisk.models.defaults.states import default_states
from arrisk.models.scoring.follow_up import follow_observations

LAST = pd.Timestamp("2025-12-31")


def states_of(*rows):
    frame = pd.DataFrame(rows, columns=["customer_id", "date", "in_default"])
    return frame.assign(date=pd.to_datetime(frame["date"]), cause="overdue")


def seen(*rows):
    frame = pd.DataFrame(rows, columns=["customer_id", "cutoff"])
    return frame.assign(cutoff=pd.to_datetime(frame["cutoff"]), pd=0.1)


def test_the_next_entry_counts_and_a_change_of_cause_does_not():
    states = states_of(
        ("a", "2025-02-01", True), ("a", "2025-03-01", True), ("a", "2025-04-01", False),
        ("a", "2025-06-01", True), ("b", "2025-05-01", True),
    )  # fmt: skip
    rows = seen(
        ("a", "2025-01-31"),
        ("a", "2025-02-01"),
        ("a", "2025-04-01"),
        ("a", "2025-06-02"),
        ("c", "2025-01-01"),
    )
    found = follow_observations(rows, states, LAST)
    assert [f"{d:%m-%d}" for d in found["end"]] == ["02-01", "06-01", "06-01", "12-31", "12-31"]
    assert found["event"].tolist() == [True, True, True, False, False]
    assert "grade" not in found


def test_the_last_day_has_no_future_and_a_later_one_is_refused():
    assert follow_observations(seen(("a", "2025-12-31")), states_of(), LAST).empty
    with pytest.raises(ModelError, match="cannot be followed"):
        follow_observations(seen(("a", "2026-01-01")), states_of(), LAST)


def test_follow_ups_agree_with_labels_on_the_sample(sample_study):
    snapshot, definition = sample_study.snapshot(), DefaultDefinition(materiality=500)
    states = default_states(snapshot.items, snapshot.events, snapshot.date, definition, snapshot.signals)
    for cutoff in ("2024-06-30", "2025-03-31"):
        labels = make_labels(snapshot, cutoff, 180, definition, states)
        rows = labels[["customer_id"]].assign(cutoff=pd.Timestamp(cutoff), pd=0.1)
        found = follow_observations(rows, states, snapshot.date)
        inside = found["event"] & (found["end"] <= pd.Timestamp(cutoff) + pd.Timedelta(days=180))
        assert inside.tolist() == labels["default"].tolist()
        assert (found["end"][inside] == labels["default_date"][inside]).all()
        assert inside.sum() > 0
