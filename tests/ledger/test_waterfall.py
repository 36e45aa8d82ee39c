"""Settlement of invoices: by hand, and against a replay told cent by cent."""

from __future__ import annotations

import random

import pandas as pd
import pytest
from hypothesis import given, settings

from arrisk.ledger.waterfall import Deed, Lot, Part, Replay
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.plain_replay import replay
from tests.ledger.random_ledgers import anchor, as_of_dates, ledgers

SUMS = {
    "paid_amount": "payment",
    "discount_amount": "discount",
    "credited_amount": "credit_note",
    "written_off_amount": "write_off",
    "recovered_amount": "recovery",
}


def compare(ledger, rows, date):
    snapshot = ledger.as_of(date)
    parts, unapplied = replay(rows["invoices"], rows["events"], date)
    items = snapshot.items.set_index(["invoice_id", "instalment"])
    assert set(items.index) == set(parts)
    for key, part in parts.items():
        row = items.loc[key]
        assert round(100 * row["open_amount"]) == part.open, key
        for column, kind in SUMS.items():
            assert round(100 * row[column]) == part.sums[kind], (key, column)
    cash = snapshot.unapplied
    assert {c: round(100 * a) for c, a in zip(cash["customer_id"], cash["amount"], strict=True)} == {
        customer: cents for customer, cents in unapplied.items() if cents
    }


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(ledgers(), as_of_dates)
def test_every_state_is_that_of_a_replay_cent_by_cent(rows, date):
    ledger = ledger_of(**rows)
    for day in (date, "2024-03-31", "2024-12-31"):
        compare(ledger, rows, day)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(ledgers(), as_of_dates)
def test_deeply_against_the_replay_cent_by_cent(rows, date):
    compare(ledger_of(**rows), rows, date)


@settings(max_examples=10, deadline=None)
@given(ledgers())
def test_the_order_of_rows_in_a_source_moves_no_money(rows):
    mixed = {name: random.Random(1).sample(part, len(part)) for name, part in rows.items()}
    # Equal numbers of documents are told apart by their order alone.
    if len({(i["invoice_id"], i["instalment"]) for i in rows["invoices"]}) < len(rows["invoices"]):
        return
    one, other = (ledger_of(**r).as_of("2024-12-31") for r in (rows, mixed))
    assert one.open_minor == other.open_minor


PARTS = [
    invoice("1", "2025-01-01", 30, "2025-01-31", instalment=1),
    invoice("1", "2025-01-01", 50, "2025-02-28", instalment=2),
    invoice("1", "2025-01-01", 20, "2025-03-31", instalment=3),
]


@pytest.mark.parametrize(
    ("events", "open_amounts", "unapplied"),
    [
        ([event("1", "2025-02-01", 60), event("1", "2025-02-02", -40)], [10, 50, 20], []),
        ([event("1", "2025-02-01", 110), event("1", "2025-02-02", -10)], [0, 0, 0], []),
        ([event("1", "2025-02-01", 110), event("1", "2025-02-02", -15)], [0, 0, 5], []),
        ([event("1", "2025-02-01", -15)], [30, 50, 20], [-15]),
        ([event("1", "2025-02-01", -15), event("1", "2025-02-02", 20)], [25, 50, 20], []),
        ([event("1", "2025-02-01", 20, "write_off", instalment=9)], [10, 50, 20], []),
        ([event("1", "2025-02-01", 101, "write_off")], [30, 50, 20], []),
    ],
)
def test_parts_by_hand(events, open_amounts, unapplied):
    snapshot = ledger_of(PARTS, events).as_of("2025-06-30")
    assert snapshot.items["open_amount"].tolist() == open_amounts
    assert snapshot.unapplied["amount"].tolist() == unapplied


def test_a_recovery_goes_to_the_parts_that_were_written_off():
    events = [
        event("1", "2025-02-01", 30, instalment=1),
        event("1", "2025-04-01", 70, "write_off"),
        event("1", "2025-05-01", 60, "recovery"),
        event("1", "2025-05-02", 11, "recovery"),
    ]
    ledger = ledger_of(PARTS, events)
    assert ledger.as_of("2025-06-30").items["recovered_amount"].tolist() == [0, 50, 10]
    assert ledger.quarantine["reason"].tolist() == ["recovery_beyond_write_off"]


def test_a_discount_taken_back_is_paid_by_what_was_too_much():
    events = [
        event("1", "2025-01-10", 5, "discount"),
        event("1", "2025-01-20", 100),
        event("1", "2025-01-30", -5, "discount"),
    ]
    ledger = ledger_of([invoice("1", "2025-01-01", 100)], events)
    assert ledger.as_of("2025-01-29").unapplied["amount"].tolist() == [5]
    item = ledger.as_of("2025-01-30").items.iloc[0]
    assert (item["paid_amount"], item["discount_amount"], item["open_amount"]) == (100, 0, 0)
    assert ledger.as_of("2025-01-30").unapplied.empty
    assert ledger.quarantine.empty


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([event("1", "2025-01-10", 101, "write_off")], "exceeds_open_balance"),
        ([event("1", "2025-01-10", 100), event("1", "2025-01-11", 2, "discount")], "exceeds_open_balance"),
        ([event("1", "2025-01-10", -1, "write_off")], "reversal_beyond_taken"),
        ([event("1", "2025-01-10", 1, "recovery")], "recovery_beyond_write_off"),
    ],
)
def test_what_does_not_fit_is_set_apart_and_changes_nothing(events, reason):
    ledger = ledger_of([invoice("1", "2025-01-01", 100)], events)
    assert ledger.quarantine["reason"].tolist() == [reason]
    assert ledger.checks.table.set_index("table").loc["events", "rows_quarantined"] == 1


def test_a_write_off_is_not_reversed_below_what_was_recovered():
    events = [
        event("1", "2025-02-01", 100, "write_off"),
        event("1", "2025-03-01", 60, "recovery"),
        event("1", "2025-04-01", -50, "write_off"),
        event("1", "2025-05-01", -40, "write_off"),
    ]
    ledger = ledger_of([invoice("1", "2025-01-01", 100)], events)
    item = ledger.as_of("2025-06-30").items.iloc[0]
    assert (item["written_off_amount"], item["recovered_amount"], item["open_amount"]) == (60, 60, 40)
    assert ledger.quarantine["detail"].str.contains("reversal of a write-off").tolist() == [True]


def test_a_credit_is_settled_by_its_refund():
    ledger = ledger_of([invoice("1", "2025-01-01", -40)], [event("1", "2025-02-01", -50)])
    snapshot = ledger.as_of("2025-02-28")
    assert snapshot.items["open_amount"].tolist() == [0]
    assert snapshot.unapplied["amount"].tolist() == [-10]
    assert snapshot.open_balance == 10


def test_unapplied_cash_of_two_payers_is_theirs_until_the_invoice_is_known():
    ledger = ledger_of(
        [invoice("1", "2025-03-01", 100), invoice("0", "2025-01-01", 1)],
        [
            event("1", "2025-01-10", 50, customer_id="a"),
            event("1", "2025-01-11", -20, customer_id="b"),
        ],
    )
    before = ledger.as_of("2025-02-28").unapplied
    assert dict(zip(before["customer_id"], before["amount"], strict=True)) == {"a": 50, "b": -20}
    after = ledger.as_of("2025-03-01")
    assert after.unapplied.empty
    assert after.items.set_index("invoice_id").loc["1", "open_amount"] == 70


def test_the_last_of_a_lot_takes_all_of_its_value():
    lot = Lot(Deed(0, "payment", 3, 0, 0, 0, 0.5, None), customer=0, amount=3, value=2)
    assert sum(lot.take(1) for _ in range(3)) == 2
    assert (lot.amount, lot.value) == (0, 0)


def test_records_are_in_the_order_of_time():
    book = Replay()
    parts = [Part(0, 1, 5, 10, 0, 1.0), Part(1, 2, 9, 10, 0, 1.0)]
    book.run(parts, [Deed(0, "payment", 25, 1, 1, 7, 1.0, None)])
    assert [(r.item, r.day, r.amount) for r in book.records] == [(0, 5, 10), (1, 9, 10)]
    assert [(u.customer, u.day, u.amount) for u in book.unapplied] == [(7, 1, -25), (7, 5, 10), (7, 9, 10)]


def test_a_replayed_ledger_has_whole_dates():
    rows = {
        "invoices": [anchor],
        "events": [event("anchor", "2024-03-01", 1, customer_id="c0", instalment=None)],
    }
    item = ledger_of(**rows).as_of("2024-12-31").items.iloc[0]
    assert item["closed_date"] == pd.Timestamp("2024-03-01")
