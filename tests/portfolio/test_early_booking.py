"""Booking early: receipts taken back and invoices credited soon after a month end."""

from __future__ import annotations

import pandas as pd
import pytest

from arrisk.errors import LedgerError
from arrisk.portfolio.early_booking import check_early_booking
from tests.ledger.frames import event, invoice, ledger_of


def book(taken_back: int, credited: int = 0):
    """Ada and Bob sell alike; so many of Ada's receipts of month ends are taken back ten days later."""
    invoices, events = [], []
    days = pd.date_range("2025-02-01", "2025-10-31", freq="3D")
    for n, day in enumerate(days):
        for who in ("Ada", "Bob"):
            number = f"{who}{n}"
            invoices.append(invoice(number, f"{day:%Y-%m-%d}", 100.0, salesperson=who, customer_id=f"{who}c"))
            events.append(event(number, f"{day + pd.Timedelta(days=2):%Y-%m-%d}", 100.0))
    paid = [e for e in events if e["invoice_id"].startswith("Ada") and _at_end(e["date"])]
    for e in paid[:taken_back]:
        back = pd.Timestamp(e["date"]) + pd.Timedelta(days=10)
        events.append(event(e["invoice_id"], f"{back:%Y-%m-%d}", -100.0))
    sold = [i for i in invoices if i["salesperson"] == "Bob" and _at_end(i["issue_date"])]
    for i in sold[:credited]:
        events = [e for e in events if e["invoice_id"] != i["invoice_id"]]
        late = pd.Timestamp(i["issue_date"]) + pd.Timedelta(days=5)
        events.append(event(i["invoice_id"], f"{late:%Y-%m-%d}", 60.0, kind="credit_note"))
    return ledger_of(invoices, events)


def _at_end(day: str) -> bool:
    date = pd.Timestamp(day)
    return date.days_in_month - date.day < 3


def flags(check):
    rows = check.table[check.table["flagged"]]
    return list(zip(rows["unit"], rows["check"], strict=True))


def test_nothing_undone_flags_nobody():
    check = check_early_booking(book(0).as_of("2025-12-31"))
    assert flags(check) == []
    assert (check.table["p_adjusted"] == 1.0).all()
    assert "No sign of early booking" in check.to_table().title


def test_receipts_taken_back_flag_their_seller():
    check = check_early_booking(book(7).as_of("2025-12-31"))
    assert flags(check) == [("Ada", "receipt taken back")]
    row = check.table.set_index(["unit", "check"]).loc[("Ada", "receipt taken back")]
    assert row["undone"] == 7
    assert row["undone_elsewhere"] == 0
    assert "Ada (receipt taken back)" in check.finding


def test_invoices_credited_flag_their_seller():
    check = check_early_booking(book(0, credited=6).as_of("2025-12-31"))
    assert flags(check) == [("Bob", "invoice credited")]


def test_one_reversal_is_chance():
    assert flags(check_early_booking(book(1).as_of("2025-12-31"))) == []


def test_what_may_still_be_undone_is_left_out():
    ledger = book(0)
    late = check_early_booking(ledger.as_of("2025-12-31")).table["at_month_end"].sum()
    early = check_early_booking(ledger.as_of("2025-10-31")).table["at_month_end"].sum()
    assert early < late


def test_by_hand():
    """One receipt of a month end out of one taken back, none of two elsewhere: p = 1/3."""
    invoices = [invoice(n, "2025-01-05", 10.0, salesperson="Ada") for n in "123"]
    events = [event("1", "2025-01-31", 10.0), event("1", "2025-02-03", -10.0)]
    events += [event("2", "2025-01-15", 10.0), event("3", "2025-01-20", 10.0)]
    table = check_early_booking(ledger_of(invoices, events).as_of("2025-06-30")).table
    row = table[table["check"] == "receipt taken back"].iloc[0]
    assert (row["at_month_end"], row["undone"], row["elsewhere"], row["undone_elsewhere"]) == (1, 1, 2, 0)
    assert row["p_value"] == pytest.approx(1 / 3)


def test_a_ledger_without_salespeople_says_so():
    ledger = ledger_of([invoice("1", "2025-01-05", 10.0)], [event("1", "2025-01-31", 10.0)])
    check = check_early_booking(ledger.as_of("2025-06-30"))
    assert check.table.empty
    assert "names no salesperson" in check.to_table().title


@pytest.mark.parametrize("wrong", [{"unit": "segment"}, {"months": 0}, {"within": 0}, {"level": 0.0}])
def test_settings_that_cannot_be(wrong):
    ledger = ledger_of([invoice("1", "2025-01-05", 10.0)])
    with pytest.raises(LedgerError):
        check_early_booking(ledger.as_of("2025-06-30"), **wrong)
