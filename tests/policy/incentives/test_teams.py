"""Scorecards of finance and management by hand."""

from __future__ import annotations

import pytest

from arrisk.policy.incentives.scheme import Scheme
from arrisk.policy.incentives.teams import score_finance, score_management
from tests.ledger.frames import event, invoice, ledger_of


@pytest.fixture(scope="module")
def ledger():
    invoices = [invoice(str(m), f"2024-{m:02d}-01", 100.0, f"2024-{m:02d}-20") for m in range(1, 13)]
    invoices += [invoice(f"n{m}", f"2025-{m:02d}-01", 100.0, f"2025-{m:02d}-20") for m in range(1, 13)]
    events = [event(str(m), f"2024-{m:02d}-{18 if m > 6 else 28}", 100.0) for m in range(1, 12)]
    events += [event("12", "2024-12-27", 50.0, kind="write_off"), event("12", "2024-12-27", 50.0)]
    events += [
        event(f"n{m}", f"2025-{m:02d}-18", 100.0, recorded_date=f"2025-{m:02d}-19") for m in range(1, 7)
    ]
    events += [
        event(f"n{m}", f"2025-{m:02d}-18", 100.0, recorded_date=f"2025-{m:02d}-25") for m in range(7, 11)
    ]
    events += [event("n11", "2025-11-10", 100.0), event("n11", "2025-11-20", -100.0)]
    events += [event(None, "2025-12-05", 30.0, customer_id="c")]
    return ledger_of(invoices, events)


def test_finance_by_hand(ledger):
    """Twelve receipts of the year: eight recorded within a day; one names no invoice, one is reversed."""
    found = score_finance(ledger.as_of("2025-12-31"), warned=0.5)
    score = found.table.set_index("term")["score"]
    assert score["timeliness"] == pytest.approx(100 * 8 / 12)
    assert score["accuracy"] == pytest.approx(100 * 10 / 12)
    assert score["warning_effectiveness"] == 50.0
    assert found.score == pytest.approx(0.2 * 100 * 8 / 12 + 0.3 * 100 * 10 / 12 + 25)
    assert found.known == 1.0


def test_a_missing_term_is_said(ledger):
    found = score_finance(ledger.as_of("2025-12-31"))
    assert found.known == pytest.approx(0.5)
    assert "on 50% of the weight" in found.to_table().title
    assert "no back-test" in found.table["remark"].iloc[-1]


def test_management_by_hand(ledger):
    """Collected in time: 10 of 12 now (one is unpaid, one reversed), 5 of 12 before."""
    found = score_management(ledger.as_of("2025-12-31"))
    rows = found.table.set_index("term")
    assert rows.loc["collections", "year_before"] == pytest.approx(5 / 12)
    assert rows.loc["collections", "value"] == pytest.approx(10 / 12)
    assert rows.loc["collections", "score"] == 120.0
    assert rows.loc["bad_debt_rate", "value"] == 0.0
    assert rows.loc["bad_debt_rate", "year_before"] == pytest.approx(50 / 1200)
    assert rows.loc["bad_debt_rate", "score"] == 120.0


def test_without_a_year_before_nothing_is_compared():
    ledger = ledger_of([invoice("1", "2025-06-01", 10.0, "2025-07-01")], [event("1", "2025-07-01", 10.0)])
    found = score_management(ledger.as_of("2025-12-31"))
    assert found.table["score"].isna().all()
    assert found.known == 0.0
    assert "No term" in found.finding


def test_weights_decide(ledger):
    scheme = Scheme("finance", {"timeliness": 100, "accuracy": 0, "warning_effectiveness": 0})
    assert score_finance(ledger.as_of("2025-12-31"), scheme).score == pytest.approx(100 * 8 / 12)
