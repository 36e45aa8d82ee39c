"""Classes of customers and their changes, by hand and against the customer panel."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from arrisk.errors import LedgerError
from arrisk.portfolio.class_changes import customer_classes, make_class_changes
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import as_of_dates, ledgers


def test_edges_of_the_classes():
    rows = [
        invoice("1", "2025-01-01", 100, "2025-03-01", customer_id="30 days"),
        invoice("2", "2025-01-01", 100, "2025-02-28", customer_id="31 days"),
        invoice("3", "2025-01-01", 100, "2025-01-30", customer_id="60 days"),
        invoice("4", "2025-01-01", 100, "2025-01-29", customer_id="61 days"),
        invoice("5", "2025-01-01", 9, "2025-01-01", customer_id="little"),
        invoice("6", "2025-01-01", -50, "2025-01-01", customer_id="credit"),
    ]
    found = customer_classes(ledger_of(rows).as_of("2025-03-31"), least=10)
    assert found.to_dict() == {
        "30 days": "ordinary",
        "31 days": "watch",
        "60 days": "watch",
        "61 days": "high risk",
        "little": "ordinary",
        "credit": "ordinary",
    }


def test_changes_are_counted_with_new_customers_apart():
    rows = [
        invoice("1", "2025-01-01", 100, "2025-02-20", customer_id="worse"),
        invoice("2", "2025-01-01", 100, "2025-01-15", customer_id="better"),
        invoice("3", "2025-03-05", 100, "2025-04-05", customer_id="new"),
    ]
    snapshot = ledger_of(rows, [event("2", "2025-03-10", 100)]).as_of("2025-03-31")
    changes = make_class_changes(snapshot)
    table = changes.table.set_index("class_then")
    assert table.loc["ordinary", "watch"] == 1
    assert table.loc["watch", "ordinary"] == 1
    assert table.loc["new", "ordinary"] == 1
    assert table["total"].sum() == 3
    assert (changes.worse, changes.better) == (1, 1)
    assert changes.amounts.set_index("class")["overdue"].to_dict() == {
        "ordinary": 0,
        "watch": 100,
        "high risk": 0,
    }
    assert "1 customers got worse" in changes.to_table().title


def test_before_the_ledger_everybody_is_new():
    changes = make_class_changes(ledger_of([invoice("1", "2025-01-01", 1)]).as_of("2025-01-10"))
    assert changes.table["total"].tolist() == [0, 0, 0, 1]
    assert changes._repr_html_()


def test_days_are_checked():
    with pytest.raises(LedgerError, match="increasing"):
        customer_classes(ledger_of([invoice("1", "2025-01-01", 1)]).as_of("2025-01-10"), (60, 30))


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(ledgers(), as_of_dates)
def test_counts_hold_every_customer_once(rows, day):
    snapshot = ledger_of(**rows).as_of(day)
    changes = make_class_changes(snapshot, since="2024-03-15")
    assert changes.table["total"].sum() == len(snapshot.customers) == changes.amounts["customers"].sum()
    items = snapshot.items
    late = items[(items["amount"] > 0) & (items["open_amount"] > 0) & (items["days_overdue"] > 0)]
    assert round(changes.amounts["overdue"].sum() * 100) == round(late["open_amount"].sum() * 100)
