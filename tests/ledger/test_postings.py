"""Movements: exact integers, the short way and the replay alike, and money of other currencies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.ledger import postings
from arrisk.ledger.assembly import build_ledger
from arrisk.ledger.postings import post, to_reporting
from tests.ledger.frames import event, invoice, ledger_of, typed
from tests.ledger.random_ledgers import foreign_ledgers

RATES = [
    {"date": "2025-01-01", "currency": "USD", "rate": 0.9},
    {"date": "2025-02-01", "currency": "USD", "rate": 0.8},
]


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(foreign_ledgers())
def test_the_short_way_is_the_replay(rows):
    short = ledger_of(**rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings, "_part_plain", lambda items, events: (nothing(items, events), events))
        long = ledger_of(**rows)
    for date in ("2024-04-15", "2024-12-31"):
        one, other = short.as_of(date), long.as_of(date)
        assert one.open_minor == other.open_minor
        pd.testing.assert_frame_equal(one.items, other.items)
        pd.testing.assert_frame_equal(one.unapplied, other.unapplied)
        pd.testing.assert_frame_equal(one.events, other.events)


def nothing(items, events):
    plain, _ = PART_PLAIN(items, events.iloc[:0])
    return plain


PART_PLAIN = postings._part_plain


def test_movements_add_up_to_invoices_less_events():
    events = [
        event("1", "2025-01-10", 30),
        event("1", "2025-01-11", 90),
        event(None, "2025-01-12", 5, customer_id="d"),
    ]
    moves = ledger_of([invoice("1", "2025-01-01", 100)], events).movements
    assert moves["amount"].sum() == 10_000 - 12_500
    assert moves.groupby("side")["amount"].sum().to_dict() == {0: 0, 2: -2500}
    assert (moves["amount"] != 0).all()


def test_a_foreign_prepayment_is_worth_its_own_day_until_its_invoice_is_known():
    rows = [invoice("1", "2025-02-10", 100, currency="USD"), invoice("0", "2025-01-01", 1)]
    paid = [
        event("1", "2025-01-10", 60, customer_id="c", currency="USD"),
        event("1", "2025-02-20", 40, currency="USD"),
    ]
    ledger = ledger_of(rows, paid, rates=RATES)
    before, after, end = (ledger.as_of(d) for d in ("2025-02-09", "2025-02-10", "2025-02-20"))
    assert (before.unapplied["amount"].tolist(), before.events["amount"].tolist()) == ([54], [54])
    assert after.unapplied.empty
    assert after.items["open_amount"].tolist() == [1, 32]
    assert after.events["amount"].tolist() == [48]
    assert end.open_balance == 1


def test_a_receipt_before_the_first_rate_waits_for_its_invoice():
    paid = [event("1", "2024-12-20", 60, customer_id="c", currency="USD")]
    ledger = ledger_of(
        [invoice("1", "2025-02-10", 100, currency="USD"), invoice("0", "2024-01-01", 1)], paid, rates=RATES
    )
    assert ledger.quarantine.empty
    assert ledger.as_of("2025-02-09").open_balance == 1
    assert ledger.as_of("2025-02-10").items["open_amount"].tolist() == [1, 32]


@pytest.mark.parametrize(
    ("currency", "minor", "rate", "cents"), [("JPY", 1000, 0.0061, 610), ("KWD", 1500, 3.0, 450)]
)
def test_minor_units_differ_between_currencies(currency, minor, rate, cents):
    frames = {
        "invoices": typed("invoices", [invoice("1", "2025-01-10", minor, currency=currency)], 0),
        "rates": typed("rates", [{"date": "2025-01-01", "currency": currency, "rate": rate}]),
    }
    # 1000 yen are 6.10 euros; 1500 fils are one and a half dinars, 4.50 euros.
    assert build_ledger(frames, "EUR").as_of("2025-01-31").open_minor == cents


@given(
    st.lists(st.integers(1, 10**6), min_size=1, max_size=8),
    st.floats(0.001, 200.0, allow_nan=False).filter(lambda f: f != 1.0),
)
def test_an_item_that_closes_in_its_currency_closes_in_the_reporting_one(parts, factor):
    items = pd.DataFrame(
        {"item": [0], "invoice": [0], "instalment": [1], "customer": [0], "amount": [sum(parts)],
         "issue_day": [0], "due_day": pd.array([None], dtype="Int64"), "day": [0], "factor": [factor]}
    )  # fmt: skip
    count = len(parts)
    events = pd.DataFrame(
        {"event": range(count), "invoice": 0, "instalment": pd.array([None] * count, dtype="Int64"),
         "customer": 0, "kind": "payment", "amount": parts, "event_day": range(count),
         "day": range(count), "factor": factor}
    )  # fmt: skip
    moves = post(items, events).movements
    assert moves["amount"].sum() == 0
    assert set(moves["side"]) <= {0}


def test_conversion_is_exact_where_there_is_nothing_to_convert():
    large = np.array([2**53 + 1, 3], dtype=np.int64)
    assert to_reporting(large, np.array([1.0, 0.5])).tolist() == [2**53 + 1, 2]
    assert to_reporting(large, np.ones(2)).tolist() == large.tolist()
