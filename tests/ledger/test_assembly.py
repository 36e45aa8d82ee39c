"""From checked tables to a ledger: customers, orders, limits, several ledgers on one engine."""

from __future__ import annotations

from typing import ClassVar

import pandas as pd
import pytest

from arrisk.errors import LedgerError
from arrisk.ledger.assembly import build_ledger
from arrisk.ledger.counts import make_checks
from arrisk.ledger.engine import DuckDBEngine
from arrisk.portfolio.ageing import make_ageing
from tests.ledger.frames import event, invoice, ledger_of, typed

ONE = invoice("1", "2025-01-01", 100, "2025-01-31")


def test_customers_are_seen_from_the_first_day_anything_was_known_of_them():
    ledger = ledger_of(
        [ONE, invoice("2", "2025-02-01", 5, customer_id="late", recorded_date="2025-03-01")],
        [event(None, "2025-02-10", 5, customer_id="payer")],
        orders=[{"order_id": "o", "customer_id": "buyer", "order_date": "2025-01-20", "amount": 9.0}],
    )
    seen = {
        d: ledger.as_of(d).customers["customer_id"].tolist()
        for d in ("2025-01-19", "2025-02-28", "2025-03-01")
    }
    assert seen == {
        "2025-01-19": ["c"],
        "2025-02-28": ["buyer", "c", "payer"],
        "2025-03-01": ["buyer", "c", "late", "payer"],
    }


def test_customers_keep_their_attributes_and_columns_of_their_own():
    listed = [
        {"customer_id": "c", "segment": None, "since_date": "2024-06-01", "rating": "B"},
        {"customer_id": "b", "segment": "retail", "since_date": "2025-05-01", "rating": "A"},
    ]
    ledger = ledger_of([ONE], customers=listed)
    table = ledger.as_of("2025-06-30").customers
    assert table["customer_id"].tolist() == ["b", "c"]
    assert table["segment"].tolist() == ["retail", "all"]
    assert table["rating"].tolist() == ["A", "B"]
    assert ledger.as_of("2025-01-31").customers["customer_id"].tolist() == ["c"]


def test_an_order_does_not_tell_of_an_invoice_that_is_not_known_yet():
    order = {"order_id": "o", "customer_id": "c", "order_date": "2024-12-01", "amount": 100.0}
    orders = [
        order | {"invoice_id": "1"},
        order | {"order_id": "p", "invoice_id": "9"},
        order | {"order_id": "q"},
    ]
    ledger = ledger_of([ONE, invoice("0", "2024-01-01", 1)], orders=orders)
    assert ledger.as_of("2024-12-31").orders["invoice_id"].tolist() == [None, None, None]
    assert ledger.as_of("2025-01-01").orders["invoice_id"].tolist() == ["1", None, None]


def test_side_tables_are_in_the_reporting_currency():
    rates = [{"date": "2025-01-01", "currency": "USD", "rate": 0.5}]
    order = {"order_id": "o", "customer_id": "c", "order_date": "2025-01-02", "amount": 10.0, "deposit": None}
    limit = {"customer_id": "c", "valid_from": "2025-01-02", "credit_limit": 0.0, "currency": "USD"}
    snapshot = ledger_of([ONE], orders=[order | {"currency": "USD"}], limits=[limit], rates=rates).as_of(
        "2025-06-30"
    )
    assert snapshot.orders["amount"].tolist() == [5.0]
    assert snapshot.orders["deposit"].isna().tolist() == [True]
    assert snapshot.limits["credit_limit"].tolist() == [0.0]


def test_several_ledgers_share_an_engine_without_mixing():
    engine = DuckDBEngine(threads=1)
    first = ledger_of([ONE], engine=engine)
    assert make_ageing(first.as_of("2025-06-30")).total == 100
    second = ledger_of([invoice("1", "2025-01-01", 7)], engine=engine)
    assert make_ageing(second.as_of("2025-06-30")).total == 7
    assert first.as_of("2025-06-30").items["open_amount"].tolist() == [100]
    assert make_ageing(first.as_of("2025-06-30"), by="segment").table["amount"].sum() == 100


def test_a_count_that_does_not_add_up_is_an_error():
    frames = {"invoices": typed("invoices", [ONE, invoice("2", "2025-01-01", 5)])}
    ledger = build_ledger(frames, "EUR")
    assert ledger.checks.table["rows_kept"].tolist() == [2]

    class Lost:
        tables: ClassVar = {"invoices": frames["invoices"].iloc[:1]}
        currency = "EUR"

    with pytest.raises(
        LedgerError, match="invoices EUR: 2 rows came in, 1 kept and 0 set apart do not add up"
    ):
        make_checks(frames, Lost(), None, ledger.quarantine, ())


def test_amounts_of_a_trillion_stay_exact():
    rows = [invoice(str(n), "2025-01-01", 10.0**12 + 0.01) for n in range(3)]
    ledger = ledger_of(rows, [event("1", "2025-01-02", 10.0**12)])
    assert ledger.as_of("2025-01-31").open_minor == 2 * 10**14 + 3
    assert ledger.as_of("2025-01-31").items["open_amount"].tolist()[1] == 0.01


def test_text_of_any_string_type_is_read_alike():
    frame = typed("invoices", [ONE, invoice("2", "2025-01-02", 5)])
    texts = frame.astype({"invoice_id": "string", "customer_id": "string"})
    one, other = (build_ledger({"invoices": f}, "EUR").as_of("2025-06-30").items for f in (frame, texts))
    pd.testing.assert_frame_equal(one, other)
