from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from arrisk.models.features.catalogue import ATTRIBUTES, FEATURES
from arrisk.models.features.customers import make_features
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import as_of_dates, ledgers


def known(row, date):
    return max(row.get("issue_date") or row["date"], row.get("recorded_date") or "") <= date


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(ledgers(), as_of_dates)
def test_rows_known_later_change_no_bit(rows, date):
    early = {name: [r for r in part if known(r, date)] for name, part in rows.items()}
    before = make_features(ledger_of(**early).as_of(date))
    after = make_features(ledger_of(**rows).as_of(date))
    pd.testing.assert_frame_equal(before, after, check_exact=True)


@pytest.fixture(scope="module")
def features() -> pd.Series:
    """Paid 10 late, paid 5 early, open 20 overdue, not due, a credit, and one too old."""
    ledger = ledger_of(
        [
            invoice("old", "2023-01-01", 500, "2023-01-31"),
            invoice("late", "2024-06-01", 100, "2024-07-01"),
            invoice("early", "2024-09-01", 300, "2024-10-01"),
            invoice("overdue", "2024-11-11", 60, "2024-12-11", dispute_opened="2024-12-20"),
            invoice("not due", "2024-12-21", 140, "2025-01-20"),
            invoice("credit", "2024-12-21", -50),
        ],
        [
            event("old", "2023-12-31", 500),
            event("late", "2024-07-11", 100),
            event("early", "2024-09-26", 300),
            event("overdue", "2024-12-01", 20),
        ],
        limits=[
            {"customer_id": "c", "valid_from": "2024-01-01", "credit_limit": 1000.0},
            {"customer_id": "c", "valid_from": "2024-06-01", "credit_limit": 400.0},
            {"customer_id": "c", "valid_from": "2025-06-01", "credit_limit": 1.0},
        ],
    )
    return make_features(ledger.as_of("2024-12-31")).iloc[0]


def test_settled_and_open_items_count_as_late(features):
    assert features["n_invoices"] == 4
    assert features["amount"] == 600
    assert features["share_late_settled"] == 0.5
    assert features["share_late"] == pytest.approx(2 / 3)
    assert features["mean_days_late"] == pytest.approx((10 - 5 + 20) / 3)
    assert features["median_days_late"] == 10


def test_open_position(features):
    assert features["open_amount"] == 180
    assert features["overdue_share"] == pytest.approx(40 / 180)
    assert features["oldest_overdue_days"] == 20
    assert features["disputed_share"] == pytest.approx(40 / 180)
    assert features["utilisation"] == pytest.approx(180 / 400)


def test_trend_tenure_and_pace(features):
    assert features["trend_days_late"] == pytest.approx(20 - (10 - 5) / 2)
    assert features["months_customer"] == pytest.approx(730 / (365.25 / 12))
    assert features["order_change"] == pytest.approx(np.log((2.5 / 90) / (2.5 / 275)))


def test_nothing_known_is_missing_rather_than_zero():
    row = make_features(ledger_of([invoice("1", "2024-12-30", 100, "2025-01-29")]).as_of("2024-12-31")).iloc[
        0
    ]
    for name in ("share_late", "mean_days_late", "trend_days_late", "utilisation"):
        assert np.isnan(row[name])
    assert row["oldest_overdue_days"] == 0


def test_every_column_is_described():
    table = make_features(ledger_of([invoice("1", "2024-12-30", 100)]).as_of("2024-12-31"))
    assert list(table.columns) == ["customer_id", *FEATURES, *ATTRIBUTES]
