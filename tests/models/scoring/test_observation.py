from __future__ import annotations

import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.scoring.observation import observation_days, observe
from tests.models.payment_books import book_of

DAYS = ["2023-01-01", "2023-03-01", "2023-06-01", "2023-07-01", "2023-12-01"]


@pytest.fixture(scope="module")
def snapshot():
    return book_of(1, customers=40, failing=0.35).as_of("2024-06-18")


def test_close_days_need_a_policy(snapshot):
    with pytest.raises(ModelError, match="purge"):
        observation_days(snapshot, 180, DAYS)
    assert observation_days(snapshot, 180, DAYS, overlap="purge") == [pd.Timestamp(d) for d in DAYS]


def test_no_default_is_counted_twice_when_rows_are_purged(snapshot):
    days = observation_days(snapshot, 180, DAYS, overlap="purge")
    seen = observe(snapshot, days, 180, DefaultDefinition())
    gaps = seen.sort_values("cutoff").groupby("customer_id")["cutoff"].diff().dropna()
    assert (gaps >= pd.Timedelta(days=180)).all()
    found = seen[seen["default"]]
    assert not found.duplicated(["customer_id", "default_date"]).any()
    assert len(found) > 5
    every = [observe(snapshot, [day], 180, DefaultDefinition()) for day in days]
    kept = pd.concat(every).merge(seen[["cutoff", "customer_id"]])
    pd.testing.assert_frame_equal(
        kept.sort_values(["cutoff", "customer_id"], ignore_index=True),
        seen.sort_values(["cutoff", "customer_id"], ignore_index=True),
    )


def test_days_that_do_not_overlap_lose_no_row(snapshot):
    days = observation_days(snapshot, 180)
    seen = observe(snapshot, days, 180, DefaultDefinition())
    assert len(seen) == sum(len(observe(snapshot, [day], 180, DefaultDefinition())) for day in days)
