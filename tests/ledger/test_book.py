"""State of a ledger as of a date: oracles, rules of settlement, and the property that nothing looks ahead."""

from __future__ import annotations

import pandas as pd
import pytest

from arrisk.errors import LedgerError, LookAheadError
from tests.ledger.frames import event, invoice, ledger_of


def test_oracle_a3_prepayment_and_partial_payments():
    ledger = ledger_of(
        [invoice("1", "2016-11-30", 10_000, "2017-02-28")],
        [
            event("1", "2016-11-09", 1_500, customer_id="c"),
            event("1", "2016-11-30", 1_000),
            event("1", "2017-01-30", 2_000),
        ],
    )
    item = ledger.as_of("2017-04-04").items.iloc[0]
    assert (item["open_amount"], item["days_overdue"]) == (5_500, 35)
    early = ledger.as_of("2016-11-20")
    assert early.open_balance == -1_500
    assert early.items.empty
    assert early.unapplied["amount"].tolist() == [1_500]
    assert ledger.as_of("2016-11-30").open_balance == 7_500
    assert ledger.as_of("2016-11-30").unapplied.empty


def test_oracle_a5_an_invoice_paid_later_was_still_open():
    ledger = ledger_of([invoice("1", "2020-04-30", 100)], [event("1", "2020-06-30", 100)])
    assert ledger.as_of("2020-05-31").open_balance == 100
    assert ledger.as_of("2020-06-30").open_balance == 0


def test_late_recorded_receipt_is_unknown_until_recorded():
    ledger = ledger_of(
        [invoice("1", "2025-01-01", 100, "2025-01-31")],
        [event("1", "2025-01-20", 100, recorded_date="2025-02-03")],
    )
    assert ledger.as_of("2025-02-02").open_balance == 100
    item = ledger.as_of("2025-02-03").items.iloc[0]
    assert item["open_amount"] == 0
    assert item["closed_date"] == pd.Timestamp("2025-01-20")


@pytest.mark.parametrize(
    ("events", "open_amount", "kind"),
    [
        ([event("1", "2025-01-05", 30, "write_off"), event("1", "2025-01-09", 70)], 0, "written_off"),
        ([event("1", "2025-01-05", 100, "credit_note")], 0, "credited"),
        ([event("1", "2025-01-05", 20, "credit_note"), event("1", "2025-01-06", 80)], 0, "paid"),
        ([event("1", "2025-01-05", 98), event("1", "2025-01-05", 2, "discount")], 0, "paid"),
        ([event("1", "2025-01-05", 100), event("1", "2025-01-06", -100)], 100, "open"),
    ],
)
def test_close_kind(events, open_amount, kind):
    item = ledger_of([invoice("1", "2025-01-01", 100)], events).as_of("2025-12-31").items.iloc[0]
    assert (item["open_amount"], item["close_kind"]) == (open_amount, kind)


def test_overpayment_is_unapplied_cash_and_its_refund_takes_it_away():
    ledger = ledger_of(
        [invoice("1", "2025-01-01", 100)], [event("1", "2025-01-05", 120), event("1", "2025-02-01", -20)]
    )
    assert ledger.as_of("2025-01-31").unapplied["amount"].tolist() == [20]
    assert ledger.as_of("2025-01-31").open_balance == -20
    assert ledger.as_of("2025-02-01").unapplied.empty
    assert ledger.as_of("2025-02-01").items["open_amount"].tolist() == [0]


def test_instalments_take_cash_oldest_first_and_named_first():
    parts = [
        invoice("1", "2025-01-01", 30, "2025-01-31", instalment=1),
        invoice("1", "2025-01-01", 50, "2025-02-28", instalment=2),
        invoice("1", "2025-01-01", 20, "2025-03-31", instalment=3),
    ]
    oldest = ledger_of(parts, [event("1", "2025-02-01", 60)]).as_of("2025-02-02").items
    assert oldest["open_amount"].tolist() == [0, 20, 20]
    named = ledger_of(parts, [event("1", "2025-02-01", 60, instalment=2)]).as_of("2025-02-02").items
    assert named["open_amount"].tolist() == [20, 0, 20]
    beyond = ledger_of(parts, [event("1", "2025-02-01", 110)]).as_of("2025-02-02")
    assert beyond.items["open_amount"].tolist() == [0, 0, 0]
    assert beyond.unapplied["amount"].tolist() == [10]


def test_a_part_known_later_changes_no_earlier_state():
    first = invoice("1", "2025-01-01", 100, "2025-03-31", instalment=1)
    second = invoice("1", "2025-01-01", 50, "2025-01-31", instalment=2, recorded_date="2025-02-10")
    paid = [event("1", "2025-01-15", 120)]
    before = ledger_of([first], paid).as_of("2025-02-09")
    after = ledger_of([first, second], paid)
    pd.testing.assert_frame_equal(before.items, after.as_of("2025-02-09").items)
    assert before.unapplied["amount"].tolist() == [20]
    assert after.as_of("2025-02-10").items["open_amount"].tolist() == [0, 30]


def test_write_off_recovery_and_dispute_as_they_stood():
    ledger = ledger_of(
        [invoice("1", "2025-01-01", 100, dispute_opened="2025-02-01", dispute_closed="2025-03-01")],
        [event("1", "2025-04-01", 100, "write_off"), event("1", "2025-06-01", 30, "recovery")],
    )
    assert [
        bool(ledger.as_of(d).items["disputed"].iloc[0]) for d in ("2025-01-31", "2025-02-01", "2025-03-01")
    ] == [
        False,
        True,
        False,
    ]
    may, june = ledger.as_of("2025-05-31").items.iloc[0], ledger.as_of("2025-06-01").items.iloc[0]
    assert (may["written_off_amount"], may["recovered_amount"]) == (100, 0)
    assert (june["recovered_amount"], june["open_amount"]) == (30, 0)


def test_credits_are_items_of_their_own():
    snapshot = ledger_of([invoice("1", "2025-01-01", 100), invoice("2", "2025-01-02", -30)]).as_of(
        "2025-01-31"
    )
    assert snapshot.open_balance == 70
    assert snapshot.open_items["open_amount"].tolist() == [100, -30]


def test_currencies_close_to_zero_at_the_rate_of_the_invoice():
    rates = [
        {"date": "2025-01-01", "currency": "USD", "rate": 0.9133},
        {"date": "2025-02-01", "currency": "USD", "rate": 1.5},
    ]
    ledger = ledger_of(
        [invoice("1", "2025-01-10", 100.01, currency="USD"), invoice("2", "2025-01-10", 50, currency="EUR")],
        [event("1", "2025-02-10", 33.33, currency="USD"), event("1", "2025-02-11", 66.68, currency="USD")],
        rates=rates,
    )
    assert ledger.as_of("2025-01-31").open_balance == pytest.approx(round(100.01 * 0.9133, 2) + 50, abs=1e-9)
    assert ledger.as_of("2025-02-11").open_balance == 50


def test_mixed_currencies_without_rates_go_to_quarantine_and_without_a_name_are_an_error():
    rows = [invoice("1", "2025-01-10", 100, currency="USD"), invoice("2", "2025-01-10", 50, currency="EUR")]
    ledger = ledger_of(rows)
    assert ledger.quarantine["reason"].tolist() == ["no_rate"]
    assert ledger.as_of("2025-12-31").open_balance == 50
    with pytest.raises(LedgerError, match="2 currencies"):
        ledger_of(rows, currency=None)


def test_a_snapshot_does_not_look_ahead():
    snapshot = ledger_of([invoice("1", "2025-01-10", 100)]).as_of("2025-06-30")
    assert snapshot.as_of("2025-03-31").open_balance == 100
    with pytest.raises(LookAheadError):
        snapshot.as_of("2025-07-01")
    with pytest.raises(LedgerError, match="nothing was known"):
        snapshot.as_of("2024-12-31")


def test_orders_and_limits_show_only_what_was_known():
    ledger = ledger_of(
        [invoice("1", "2025-02-10", 100)],
        orders=[
            {"order_id": "o", "customer_id": "c", "order_date": "2025-01-05", "amount": 100.0,
             "invoice_id": "1", "invoiced_date": "2025-02-10", "cancelled_date": None}
        ],
        limits=[
            {"customer_id": "c", "valid_from": "2025-01-01", "credit_limit": 0.0},
            {"customer_id": "c", "valid_from": "2025-03-01", "credit_limit": 500.0},
        ],
    )  # fmt: skip
    early, late = ledger.as_of("2025-02-10").as_of("2025-02-10"), ledger.as_of("2025-03-01")
    assert early.limits["credit_limit"].tolist() == [0.0]
    assert late.limits["credit_limit"].tolist() == [0.0, 500.0]
    assert late.orders["invoice_id"].tolist() == ["1"]


def test_tie_out_names_the_difference():
    ledger = ledger_of([invoice("1", "2025-01-10", 100)])
    ledger.tie_out("2025-01-31", "100.00")
    with pytest.raises(LedgerError, match=r"difference -0\.01"):
        ledger.tie_out("2025-01-31", 100.01)
