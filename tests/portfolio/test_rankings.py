"""Top lists by hand: cash, overdue money, overdue rates; ledgers that name nobody; escaping."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from arrisk.errors import LedgerError, LookAheadError
from arrisk.models.league import fit_league
from arrisk.portfolio.movements_since import make_bridge
from arrisk.portfolio.rankings import make_rankings
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import as_of_dates, ledgers


@pytest.fixture
def snapshot():
    rows = [
        invoice("1", "2025-01-01", 100, "2025-01-31", customer_id="a", salesperson="Ann"),
        invoice("2", "2025-01-01", 300, "2025-06-30", customer_id="a", salesperson="Ben"),
        invoice("3", "2025-01-01", 60, "2025-02-28", customer_id="b", salesperson="Ann"),
        invoice("4", "2025-01-01", 90, None, customer_id="<b>", salesperson=None),
        invoice("5", "2025-01-01", -10, "2025-01-31", customer_id="a", salesperson="Ann"),
    ]
    events = [
        event("1", "2025-02-10", 50),
        event("1", "2025-03-10", 30),
        event("3", "2025-03-12", 10),
        event(None, "2025-03-15", 7, customer_id="b"),
    ]
    return ledger_of(rows, events).as_of("2025-03-31")


def test_customers_by_cash_and_overdue(snapshot):
    rankings = make_rankings(snapshot)
    collected = rankings.top("collected")
    assert collected["customer_id"].tolist() == ["a", "b"]
    assert collected["collected"].tolist() == [30, 17]
    overdue = rankings.top("overdue").set_index("customer_id")
    assert overdue["overdue"].to_dict() == {"b": 50, "a": 20}
    assert overdue.loc["a", ["owed", "items", "oldest_days"]].tolist() == [320, 2, 59]
    assert rankings.top("overdue_rate")["overdue_rate"].tolist() == [1, 20 / 320]
    assert "1 hold 71% of EUR 70" in rankings.finding("overdue", 1)


def test_sellers_share_items_and_nobody_takes_unapplied_cash(snapshot):
    rankings = make_rankings(snapshot, "salesperson")
    table = rankings.table.set_index("salesperson")
    assert table["collected"].to_dict() == {"Ann": 40, "Ben": 0, "not given": 7}
    assert table["owed"].to_dict() == {"Ann": 70, "Ben": 300, "not given": 90}
    assert rankings.top("collected")["salesperson"].tolist() == ["Ann"]
    assert set(rankings.cells["cluster"]) == {"a", "b", "<b>"}


def test_it_can_be_compared(snapshot):
    league = fit_league(make_rankings(snapshot), seed=1)
    assert league.table["customer_id"].iloc[0] == "b"
    assert "items" in league.to_table().frame


def test_a_ledger_that_names_nobody_says_so(snapshot):
    rankings = make_rankings(snapshot, "department")
    assert rankings.to_table("overdue").title == "Most overdue: the ledger names no department"
    assert rankings.top("overdue").empty


def test_arguments_and_escaping(snapshot):
    with pytest.raises(LedgerError, match="shoe"):
        make_rankings(snapshot, "shoe")
    with pytest.raises(LookAheadError):
        make_rankings(snapshot, since="2025-04-30")
    with pytest.raises(LedgerError, match="allowed"):
        make_rankings(snapshot).top("biggest")  # type: ignore[arg-type]
    assert "<b>" not in make_rankings(snapshot)._repr_html_()


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(ledgers(), as_of_dates)
def test_cash_is_the_cash_of_the_bridge(rows, day):
    snapshot = ledger_of(**rows).as_of(day)
    rankings = make_rankings(snapshot, since="2024-03-15")
    cash = -make_bridge(snapshot, "2024-03-15").amount("cash received")
    assert round(rankings.table["collected"].sum() * 100) == round(cash * 100)
