"""What the door keeps and what it sets apart, reason by reason; rows and money always add up."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings

from arrisk import read_ledger
from arrisk.errors import LedgerError
from arrisk.ledger.assembly import build_ledger
from arrisk.ledger.checks import Rules, check_tables
from arrisk.ledger.quarantine import Quarantine
from tests.ledger.frames import event, invoice, ledger_of, typed
from tests.ledger.random_ledgers import foreign_ledgers

ONE = invoice("1", "2025-01-01", 100, "2025-01-31")
LISTED = [{"customer_id": "c"}]
DOLLARS = [{"date": "2025-01-05", "currency": "usd", "rate": 0.9}]

CASES = {
    "duplicate_invoice": {"invoices": [ONE, ONE]},
    "missing_customer_id": {"invoices": [ONE, invoice("2", "2025-01-01", 5) | {"customer_id": " "}]},
    "missing_issue_date": {"invoices": [ONE, invoice("2", "1900-01-01", 5)]},
    "missing_amount": {"invoices": [ONE, invoice("2", "2025-01-01", float("nan"))]},
    "unknown_customer": {
        "invoices": [ONE, invoice("2", "2025-01-01", 5, customer_id="x")],
        "customers": LISTED,
    },
    "no_rate": {"invoices": [ONE, invoice("2", "2025-01-04", 5, currency="USD")], "rates": DOLLARS},
    "unknown_kind": {"invoices": [ONE], "events": [event("1", "2025-01-05", 5, "gift")]},
    "missing_date": {"invoices": [ONE], "events": [event("1", "9999-12-31", 5)]},
    "zero_amount": {"invoices": [ONE], "events": [event("1", "2025-01-05", 0)]},
    "negative_amount": {"invoices": [ONE], "events": [event("1", "2025-01-05", -5, "recovery")]},
    "no_target": {"invoices": [ONE], "events": [event(None, "2025-01-05", 5)]},
    "needs_invoice": {
        "invoices": [ONE],
        "events": [event(None, "2025-01-05", 5, "discount", customer_id="c")],
    },
    "unknown_invoice": {"invoices": [ONE], "events": [event("9", "2025-01-05", 5)]},
    "currency_mismatch": {
        "invoices": [ONE],
        "events": [event("1", "2025-01-05", 5, currency="USD")],
        "rates": DOLLARS,
    },
    "duplicate_event": {"invoices": [ONE], "events": [event("1", "2025-01-05", 5, event_id="e")] * 2},
    "exceeds_open_balance": {"invoices": [ONE], "events": [event("1", "2025-01-05", 101, "discount")]},
    "duplicate_customer": {"invoices": [ONE], "customers": LISTED * 2},
    "negative_limit": {
        "invoices": [ONE],
        "limits": [{"customer_id": "c", "valid_from": "2025-01-01", "credit_limit": -1.0}],
    },
    "duplicate_order": {
        "invoices": [ONE],
        "orders": [{"order_id": "o", "customer_id": "c", "order_date": "2025-01-01", "amount": 1.0}] * 2,
    },
    "not_positive": {"invoices": [ONE], "rates": [{"date": "2025-01-01", "currency": "USD", "rate": 0.0}]},
    "duplicate_rate": {"invoices": [ONE], "rates": DOLLARS * 2},
    "missing_value": {"invoices": [ONE], "signals": [{"date": "2025-01-01", "signal": "pmi", "value": None}]},
}


def rows_add_up(ledger, given):
    table = ledger.checks.table.set_index(["table", "currency"])
    assert (table["rows_in"] == table["rows_kept"] + table["rows_quarantined"]).all()
    money = table[["amount_in", "amount_kept", "amount_quarantined"]].mul(1000).round().astype("int64")
    assert (money["amount_in"] == money["amount_kept"] + money["amount_quarantined"]).all()
    counts = table.groupby("table")["rows_in"].sum()
    assert {name: counts[name] for name, rows in given.items() if rows} == {
        n: len(r) for n, r in given.items() if r
    }
    assert table["rows_quarantined"].sum() == len(ledger.quarantine)


@pytest.mark.parametrize("reason", CASES)
def test_each_reason(reason):
    ledger = ledger_of(**CASES[reason])
    assert ledger.quarantine["reason"].tolist() == [reason]
    assert ledger.quarantine[["source", "line", "detail"]].notna().all(axis=None)
    rows_add_up(ledger, CASES[reason])


@settings(max_examples=12, deadline=None)
@given(foreign_ledgers())
def test_every_row_is_kept_or_set_apart(rows):
    rows_add_up(ledger_of(**rows), rows)


def test_the_frames_of_the_caller_stay_as_they_were():
    given = CASES["duplicate_event"] | {"customers": LISTED * 2, "rates": DOLLARS}
    frames = {name: typed(name, rows) for name, rows in given.items()}
    copies = {name: frame.copy(deep=True) for name, frame in frames.items()}
    items = build_ledger(frames, "EUR").as_of("2025-12-31").items
    items["amount"] += 1
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, copies[name])


@pytest.mark.parametrize("sentinel", ["1900-01-01", "1753-01-01", "9999-12-31"])
def test_a_sentinel_due_date_is_no_due_date(sentinel):
    frame = typed("invoices", [ONE]).assign(due_date=pd.Series([sentinel]).astype("datetime64[s]"))
    ledger = build_ledger({"invoices": frame}, "EUR")
    assert ledger.as_of("2025-06-30").items["due_date"].isna().tolist() == [True]
    assert "1 invoices have no due date" in ledger.checks.notes[0]


def test_prepayments_are_kept_set_apart_or_refused():
    rows = {
        "invoices": [ONE],
        "events": [event("1", "2024-12-20", 30, customer_id="c"), event("1", "2025-01-01", 5)],
    }
    kept = ledger_of(**rows)
    assert kept.as_of("2024-12-31").open_balance == -30
    assert "1 of 2 events precede their invoice (1): kept as unapplied cash" in kept.checks.notes[0]
    apart = ledger_of(**rows, rules=Rules(prepayments="quarantine"))
    assert apart.quarantine["reason"].tolist() == ["before_invoice"]
    assert apart.as_of("2025-01-01").open_balance == 95
    with pytest.raises(
        LedgerError, match=r"1 of 2 events precede their invoice \(1\); allowed with prepayments='keep'"
    ):
        ledger_of(**rows, rules=Rules(prepayments="error"))


def test_unknown_customers_may_be_added():
    rows = CASES["unknown_customer"] | {"events": [event(None, "2025-01-09", 3, customer_id="y")]}
    assert sorted(ledger_of(**rows).quarantine["table"]) == ["events", "invoices"]
    added = ledger_of(**rows, rules=Rules(unknown_customers="add"))
    assert added.quarantine.empty
    assert added.as_of("2025-12-31").customers["customer_id"].tolist() == ["c", "x", "y"]


def test_negative_invoices_may_be_set_apart():
    rows = [ONE, invoice("2", "2025-01-01", -5)]
    assert ledger_of(rows).as_of("2025-12-31").open_balance == 95
    apart = ledger_of(rows, rules=Rules(negative_invoices="quarantine"))
    assert apart.quarantine[["reason", "amount"]].iloc[0].tolist() == ["negative_amount", -5]


def test_a_rule_must_be_one_of_those_there_are():
    with pytest.raises(LedgerError, match="prepayments='drop'; allowed: keep, quarantine, error"):
        Rules(prepayments="drop")


def test_overpayment_and_cash_without_an_invoice_are_unapplied():
    events = [
        event("1", "2025-01-05", 120),
        event(None, "2025-01-06", 7, customer_id="d"),
        event("9", "2025-01-06", 1, customer_id="d"),
    ]
    ledger = ledger_of([ONE], events)
    cash = ledger.as_of("2025-01-31").unapplied
    assert dict(zip(cash["customer_id"], cash["amount"], strict=True)) == {"c": 20, "d": 8}
    assert any("name an invoice that is not here" in note for note in ledger.checks.notes)


def test_events_go_to_quarantine_with_their_invoice():
    rows = {
        "invoices": [ONE, invoice("2", "2025-01-01", 5, customer_id="x")],
        "events": [
            event("2", "2025-01-05", 5, customer_id="c"),
            event("2", "2024-12-05", 5, customer_id="c"),
        ],
        "customers": LISTED,
    }
    ledger = ledger_of(**rows)
    assert ledger.quarantine["reason"].tolist() == ["invoice_in_quarantine", "unknown_customer"]
    # What was paid before the invoice could be seen cannot be undone by it.
    assert ledger.as_of("2025-12-31").unapplied["amount"].tolist() == [5]


def test_a_bad_row_does_not_push_out_a_good_one_of_the_same_number():
    rows = [invoice("1", "2025-01-01", 5, customer_id="x"), ONE]
    ledger = ledger_of(rows, customers=LISTED)
    assert ledger.quarantine["reason"].tolist() == ["unknown_customer"]
    assert ledger.as_of("2025-12-31").open_balance == 100


def test_a_document_with_another_amount_is_not_a_duplicate():
    events = [event("1", "2025-01-05", 50, event_id="e"), event("1", "2025-01-09", -50, event_id="e")]
    ledger = ledger_of([ONE], events)
    assert ledger.quarantine.empty
    assert ledger.as_of("2025-12-31").open_balance == 100
    assert any("another date or amount" in note for note in ledger.checks.notes)


def test_twins_without_a_number_are_kept_and_said():
    ledger = ledger_of([ONE], [event("1", "2025-01-05", 5)] * 2)
    assert ledger.as_of("2025-12-31").open_balance == 90
    assert any("look the same as another" in note for note in ledger.checks.notes)


def test_a_rate_of_nothing_converts_nothing():
    rates = [{"date": "2025-01-01", "currency": "USD", "rate": -1.0}, *DOLLARS]
    rows = [
        ONE,
        invoice("2", "2025-01-02", 5, currency="USD"),
        invoice("3", "2025-01-05", 10, currency="usd "),
    ]
    ledger = ledger_of(rows, rates=rates)
    assert ledger.quarantine["reason"].tolist() == ["no_rate", "not_positive"]
    assert ledger.as_of("2025-12-31").open_balance == 109


@pytest.mark.parametrize(
    ("currency", "digits", "amount"), [("JPY", 0, 12345), ("KWD", 3, 12.345), ("EUR", 2, 0.07)]
)
def test_money_has_the_digits_of_its_currency(currency, digits, amount):
    frames = {
        "invoices": typed(
            "invoices", [invoice("1", "2025-01-01", amount), invoice("1", "2025-01-01", amount)], digits
        ),
        "events": typed("events", [event("1", "2025-01-02", amount / 5)], digits),
    }
    ledger = build_ledger(frames, currency)
    minor = round(amount * 10**digits)
    assert ledger.as_of("2025-01-31").open_minor == minor - round(amount / 5 * 10**digits)
    row = ledger.checks.table.set_index("table").loc["invoices"]
    assert row[["amount_in", "amount_kept", "amount_quarantined"]].tolist() == [2 * amount, amount, amount]
    assert ledger.quarantine["amount"].tolist() == [amount]


def test_text_in_a_number_column_is_set_apart_with_its_line():
    invoices = pd.DataFrame(
        {
            "invoice_id": ["1", "2"],
            "customer_id": ["c", "c"],
            "issue_date": ["2025-01-31"] * 2,
            "amount": ["5.00", "five"],
        }
    )
    ledger = read_ledger({"invoices": invoices}, currency="EUR")
    assert ledger.quarantine["line"].tolist() == [3]
    assert "five" in ledger.quarantine["row"].iloc[0]
    assert ledger.as_of("2025-12-31").open_balance == 5


def test_cleared_but_never_collected_is_said_and_not_counted_as_paid():
    rows = pd.DataFrame(
        {
            "doc_id": ["1.0", "2.0"],
            "cust_number": ["0200769623", "200769623"],
            "document_create_date": ["20190105"] * 2,
            "posting_date": ["2019-01-05"] * 2,
            "due_in_date": ["20190205.0"] * 2,
            "total_open_amount": ["10.00", "20.00"],
            "invoice_currency": ["USD"] * 2,
            "clear_date": ["2019-02-01", None],
            "isOpen": ["0", "0"],
        }
    )
    ledger = read_ledger({"invoices": rows}, columns="payment_date", currency="USD")
    seen = ledger.quarantine.shape[0] + len(ledger.items)
    assert seen == 2
    assert ledger.as_of("2019-12-31").items["customer_id"].tolist() == ["200769623"] * len(ledger.items)
    assert ledger.as_of("2019-12-31").items["paid_amount"].sum() == 10
    said = " ".join([*ledger.checks.notes, *ledger.quarantine["reason"], *ledger.quarantine["detail"]])
    assert "clear" in said or "settled" in said


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({}, "no invoices found"),
        ({"bills": pd.DataFrame()}, "unknown table 'bills'; allowed: invoices"),
        (
            {"invoices": pd.DataFrame({"invoice_id": ["1"]})},
            "missing columns customer_id, issue_date, amount; found invoice_id",
        ),
    ],
)
def test_tables_that_are_no_ledger(tables, message):
    with pytest.raises(LedgerError, match=message):
        check_tables(tables, None, Rules(), Quarantine())


def test_when_nothing_is_left_the_reasons_are_said():
    rows = [invoice("1", "2025-01-01", 5, customer_id="x")]
    with pytest.raises(LedgerError, match=r"every row of invoices was rejected: 1 unknown_customer \(line 2"):
        ledger_of(rows, customers=LISTED)
    frame = typed("invoices", rows).assign(_reason="bad_amount", _detail="'much' is no amount")
    with pytest.raises(LedgerError, match="1 bad_amount"):
        build_ledger({"invoices": frame}, "EUR")
