from __future__ import annotations

import pandas as pd
import pytest

from arrisk.errors import LookAheadError, ModelError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.labels import make_labels
from arrisk.models.defaults.states import default_states
from tests.ledger.frames import event, invoice, ledger_of

END = "2025-12-31"


def states(invoices, events=(), definition=None, date=END):
    snapshot = ledger_of(invoices, list(events)).as_of(date)
    return default_states(snapshot.items, snapshot.events, snapshot.date, definition or DefaultDefinition())


def dates(table):
    return [(f"{r.date:%Y-%m-%d}", bool(r.in_default), r.cause) for r in table.itertuples()]


DUE = invoice("1", "2025-01-01", 100, "2025-01-31")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], [("2025-05-01", True, "overdue")]),
        ([event("1", "2025-05-01", 100)], []),
        ([event("1", "2025-05-02", 100)], [("2025-05-01", True, "overdue"), ("2025-05-02", False, "")]),
        ([event("1", "2025-03-01", 99)], [("2025-05-01", True, "overdue")]),
        ([event("1", "2025-03-01", 100), event("1", "2025-06-01", -100)], [("2025-06-01", True, "overdue")]),
        (
            [event("1", "2025-06-01", 100, "write_off")],
            [("2025-05-01", True, "overdue"), ("2025-06-01", True, "written off")],
        ),
        ([event("1", "2025-02-15", 100, "write_off")], [("2025-02-15", True, "written off")]),
        ([event("1", "2025-03-01", 100, "credit_note")], []),
    ],
)
def test_default_begins_at_the_end_of_the_ninetieth_day_past_due(events, expected):
    assert dates(states([DUE], events)) == expected


def test_materiality_adds_the_customers_items_and_an_overpayment_pays_no_other():
    two = [DUE, invoice("2", "2025-01-11", 60, "2025-02-10")]
    assert dates(states(two, definition=DefaultDefinition(materiality=150))) == [
        ("2025-05-11", True, "overdue")
    ]
    assert dates(states(two, definition=DefaultDefinition(materiality=161))) == []
    paid = [event("1", "2025-06-01", 500)]
    assert dates(states(two, paid, DefaultDefinition(materiality=50)))[-1][1]


def test_share_of_what_is_owed():
    books = [DUE, invoice("2", "2025-04-20", 900, "2025-12-20")]
    assert dates(states(books, definition=DefaultDefinition(share=0.2))) == []
    assert dates(states(books, definition=DefaultDefinition(share=0.1))) == [("2025-05-01", True, "overdue")]


def test_oldest_instalment_is_paid_first():
    parts = [
        invoice("1", "2025-01-01", 50, "2025-01-31", instalment=1),
        invoice("1", "2025-01-01", 50, "2025-03-31", instalment=2),
    ]
    assert dates(states(parts, [event("1", "2025-02-01", 50)])) == [("2025-06-29", True, "overdue")]


def label(at, horizon, invoices, events=(), date=END):
    return make_labels(ledger_of(invoices, list(events)).as_of(date), at, horizon)


@pytest.mark.parametrize(
    ("at", "horizon", "rows"),
    [
        ("2025-04-30", 1, [True]),
        ("2025-04-30", 30, [True]),
        ("2025-04-01", 29, [False]),
        ("2025-04-01", 30, [True]),
        ("2025-05-01", 30, []),
        ("2024-12-31", 30, []),
    ],
)
def test_the_window_is_strictly_after_the_day_and_closed_at_its_end(at, horizon, rows):
    """Default on 2025-05-01. On that day the customer is in default already and leaves the population."""
    books = [DUE, invoice("0", "2024-12-01", 5, "2099-01-01", customer_id="other")]
    labels = label(at, horizon, books)
    assert labels.loc[labels["customer_id"] == "c", "default"].tolist() == rows


def test_a_customer_without_invoice_for_a_year_is_not_judged():
    assert label("2026-01-31", 30, [DUE], [event("1", "2025-02-01", 100)], date="2026-12-31").empty


def test_a_window_that_is_not_over_is_refused():
    with pytest.raises(LookAheadError, match="not yet a good one"):
        label("2025-12-01", 31, [DUE])
    with pytest.raises(ModelError, match="after the day"):
        label("2025-12-01", 0, [DUE])


def test_labels_do_not_move_when_later_rows_arrive_after_the_window():
    early = label("2025-04-01", 60, [DUE], date="2025-06-01")
    later = label("2025-04-01", 60, [DUE], [event("1", "2025-08-01", 100)])
    pd.testing.assert_frame_equal(early, later)


@pytest.mark.parametrize("wrong", [{"days": -1}, {"materiality": -1}, {"share": 2}])
def test_impossible_definitions_are_refused(wrong):
    with pytest.raises(ModelError):
        DefaultDefinition(**wrong)
