"""Orders until they are billed or cancelled, and their deposits: every convention by hand."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings

from arrisk.errors import LedgerError
from arrisk.ledger.days import dates
from arrisk.portfolio.unbilled import order_steps
from tests.ledger.frames import invoice, ledger_of
from tests.ledger.random_ledgers import as_of_dates
from tests.portfolio.credit_books import credit_books, plain_unbilled


def order(number: str, date: str, amount: float, **more) -> dict:
    return {"order_id": number, "customer_id": "c", "order_date": date, "amount": amount, **more}


def steps(*orders: dict, invoices: list | None = None, as_of: str = "2025-12-31", **more) -> list[tuple]:
    ledger = ledger_of([invoice("first", "2024-01-01", 1), *(invoices or [])], orders=list(orders))
    found = order_steps(ledger.as_of(as_of), **more)
    days = pd.DatetimeIndex(dates(found["day"])).strftime("%Y-%m-%d")
    return list(zip(days, found["unbilled"] / 100, found["deposits"] / 100, strict=True))


def test_an_order_counts_until_it_is_billed_or_cancelled():
    assert steps(order("1", "2025-02-01", 50)) == [("2025-02-01", 50, 0)]
    billed = order("1", "2025-02-01", 50, invoiced_date="2025-03-01")
    assert steps(billed) == [("2025-02-01", 50, 0), ("2025-03-01", -50, 0)]
    assert steps(billed, as_of="2025-02-28") == [("2025-02-01", 50, 0)]
    cancelled = order("1", "2025-02-01", 50, cancelled_date="2025-02-03", invoiced_date="2025-03-01")
    assert steps(cancelled) == [("2025-02-01", 50, 0), ("2025-02-03", -50, 0)]


def test_an_order_is_billed_when_its_invoice_is_known():
    late = invoice("i", "2025-03-01", 50, recorded_date="2025-03-05")
    named = order("1", "2025-02-01", 50, invoice_id="i", invoiced_date="2025-03-01")
    assert steps(named, invoices=[late])[1] == ("2025-03-05", -50, 0)
    assert steps(order("1", "2025-02-01", 50, invoice_id="i"), invoices=[late])[1] == ("2025-03-05", -50, 0)
    assert steps(named, invoices=[late], as_of="2025-03-04") == [("2025-02-01", 50, 0)]


def test_an_invoice_that_is_not_in_the_ledger_bills_nothing():
    dated = order("1", "2025-02-01", 50, invoice_id="ghost", invoiced_date="2025-03-01")
    assert steps(dated) == [("2025-02-01", 50, 0)]


def test_an_order_billed_before_its_date_never_counts():
    assert steps(order("1", "2025-02-01", 50, invoiced_date="2025-01-01")) == []


def test_partial_bills_are_seen_by_the_invoices_that_name_the_order():
    parts = [
        invoice("a", "2025-03-01", 20, order_id="1"),
        invoice("b", "2025-04-01", 40, order_id="1"),
        invoice("back", "2025-04-02", -40, order_id="1"),
    ]
    silent = order("1", "2025-02-01", 50, deposit=40)
    assert steps(silent, invoices=parts) == [
        ("2025-02-01", 50, 40),
        ("2025-03-01", -20, -10),
        ("2025-04-01", -30, -30),
    ]
    told = order("1", "2025-02-01", 50, invoiced_date="2025-03-15")
    assert steps(told, invoices=parts) == [
        ("2025-02-01", 50, 0),
        ("2025-03-01", -20, 0),
        ("2025-03-15", -30, 0),
    ]


def test_a_deposit_counts_at_most_for_what_is_unbilled_or_is_in_cash_already():
    assert steps(order("1", "2025-02-01", 50, deposit=80)) == [("2025-02-01", 50, 50)]
    assert steps(order("1", "2025-02-01", 50, deposit=20), deposits="in_cash") == [("2025-02-01", 50, 0)]
    with pytest.raises(LedgerError, match="'on_orders', 'in_cash'"):
        steps(order("1", "2025-02-01", 50), deposits="no")


def test_orders_of_zero_or_less_change_nothing():
    assert steps(order("1", "2025-02-01", -50), order("2", "2025-02-01", 0)) == []


@settings(max_examples=8, deadline=None)
@given(credit_books(), as_of_dates)
def test_running_sums_are_what_a_plain_count_of_orders_says(rows, date):
    snapshot = ledger_of(**rows).as_of(date)
    found = order_steps(snapshot)
    sums = found.groupby("customer_id")[["unbilled", "deposits"]].sum()
    plain = plain_unbilled(snapshot)
    both = sums.join(plain, how="outer", rsuffix="_plain").fillna(0)
    assert (both["unbilled"] == both["unbilled_plain"]).all()
    assert (both["deposits"] == both["deposits_plain"]).all()
    running = found.groupby("customer_id")[["unbilled", "deposits"]].cumsum()
    assert (running >= 0).all(axis=None)
    assert (running["deposits"] <= running["unbilled"]).all()
