"""The figures at the head of a report, from a ledger worked by hand."""

from __future__ import annotations

import pytest

from arrisk.portfolio.headline import make_headline
from tests.ledger.frames import event, invoice, ledger_of


def test_headline_by_hand():
    ledger = ledger_of(
        [
            invoice("1", "2025-01-01", 100, "2025-01-31"),
            invoice("2", "2025-03-01", 300, "2025-04-30", customer_id="d"),
            invoice("3", "2025-03-01", -20, "2025-03-01"),
        ],
        [event("1", "2025-02-01", 40), event(None, "2025-02-02", 5, customer_id="c")],
    )
    row = make_headline(ledger.as_of("2025-03-31")).frame.iloc[0]
    assert row["open_balance"] == 60 + 300 - 20 - 5
    assert (row["overdue"], row["over_90_days"]) == (60, 0)
    assert row["overdue_share"] == pytest.approx(60 / 360)
    assert row["largest_customer_share"] == pytest.approx(300 / 360)
    assert row["dso"] == pytest.approx(360 / 380 * 90)


def test_headline_of_an_empty_book_has_no_shares():
    ledger = ledger_of([invoice("1", "2025-01-01", 100, "2025-01-31")], [event("1", "2025-01-05", 100)])
    row = make_headline(ledger.as_of("2025-03-31")).frame.iloc[0]
    assert row["open_balance"] == 0
    assert row["overdue_share"] is None
