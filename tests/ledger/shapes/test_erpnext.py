# ruff: noqa: E501
from __future__ import annotations

import pytest

from tests.ledger.shapes.accounting import ledger_balance, open_at, raw_csv, shape

ENTRIES = """
name,posting_date,account_type,party_type,party,due_date,voucher_type,voucher_no,against_voucher_type,against_voucher_no,amount,account_currency,amount_in_account_currency,delinked
a1,2024-01-10,Receivable,Customer,CUST-1,2024-02-09,Sales Invoice,SINV-1,Sales Invoice,SINV-1,1000,EUR,1000,0
a2,2024-01-20,Receivable,Customer,CUST-1,2024-02-19,Sales Invoice,SINV-2,Sales Invoice,SINV-2,500,EUR,500,0
a3,2024-02-05,Receivable,Customer,CUST-1,,Payment Entry,PE-1,Sales Invoice,SINV-1,-600,EUR,-600,0
a4,2024-02-05,Receivable,Customer,CUST-1,,Payment Entry,PE-1,Payment Entry,PE-1,-150,EUR,-150,0
a5,2024-02-06,Receivable,Customer,CUST-1,,Payment Entry,PE-2,Sales Invoice,SINV-2,-500,EUR,-500,1
a6,2024-02-20,Receivable,Customer,CUST-1,,Sales Invoice,SRET-1,Sales Invoice,SINV-1,-100,EUR,-100,0
a7,2024-02-21,Receivable,Customer,CUST-1,2024-02-21,Sales Invoice,SRET-2,Sales Invoice,SRET-2,-40,EUR,-40,0
a8,2024-03-01,Receivable,Customer,CUST-2,2024-03-01,Sales Invoice,POS-1,Sales Invoice,POS-1,70,EUR,70,0
a9,2024-03-01,Receivable,Customer,CUST-2,2024-03-01,Sales Invoice,POS-1,Sales Invoice,POS-1,-70,EUR,-70,0
b1,2024-03-02,Payable,Supplier,SUP-1,,Purchase Invoice,PINV-1,Purchase Invoice,PINV-1,300,EUR,300,0
b2,2024-03-05,Receivable,Customer,CUST-1,,Payment Entry,PE-3,Sales Invoice,SRET-2,40,EUR,40,0
b3,2024-03-06,Receivable,Customer,CUST-2,,Payment Entry,PE-4,Sales Invoice,SINV-0,-25,EUR,-25,0
"""


def erpnext():
    return shape("erpnext", {"ple.csv": raw_csv(ENTRIES, "ple.csv")})


def test_open_balances_by_hand():
    shaped = erpnext()
    assert open_at(shaped, "2024-02-10") == {"SINV-1": 40_000, "SINV-2": 50_000, "CUST-1": -15_000}
    assert open_at(shaped, "2024-02-28") == {
        "SINV-1": 30_000, "SINV-2": 50_000, "CUST-1": -15_000, "SRET-2": -4_000,
    }  # fmt: skip
    assert open_at(shaped, "2024-12-31") == {
        "SINV-1": 30_000, "SINV-2": 50_000, "CUST-1": -15_000, "CUST-2": -2_500,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("date", "balance"), [("2024-02-10", 750.0), ("2024-02-28", 610.0), ("2024-12-31", 625.0)]
)
def test_the_ledger_shows_the_same_balance(date, balance):
    assert ledger_balance(erpnext(), date, "EUR") == balance


def test_delinked_and_payable_entries_are_set_apart_with_their_amount():
    apart = erpnext().quarantine.set_index("line")
    assert apart[["reason", "amount"]].to_dict("index") == {
        6: {"reason": "delinked", "amount": -500.0},
        11: {"reason": "not_receivable", "amount": 300.0},
    }


def test_kinds_of_events_follow_the_voucher():
    events = erpnext().tables["events"]
    kinds = {(e.event_id, e.invoice_id): e.kind for e in events.itertuples()}
    assert kinds[("PE-1", "SINV-1")] == "payment"
    assert kinds[("SRET-1", "SINV-1")] == "credit_note"
    assert kinds[("POS-1", "POS-1")] == "payment"
    assert any("voucher not in the source" in note for note in erpnext().notes)


def test_the_labels_of_the_list_export_fit_too():
    head = "ID,Posting Date,Party,Voucher Type,Voucher No,Against Voucher Type,Against Voucher No,Amount,Due Date,DeLinked"
    line = "x,2024-01-10,C,Sales Invoice,S1,Sales Invoice,S1,99.90,2024-02-09,0"
    shaped = shape("erpnext", {"export.csv": raw_csv(f"{head}\n{line}", "export.csv")}, currency="INR")
    assert open_at(shaped, "2024-12-31") == {"S1": 9_990}
