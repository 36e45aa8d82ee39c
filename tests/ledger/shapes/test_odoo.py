# ruff: noqa: E501
from __future__ import annotations

import pandas as pd
import pytest

from tests.ledger.shapes.accounting import ledger_balance, open_at, raw_csv, shape

LINES = """
id,move_name,move_type,partner_id,partner_name,date,invoice_date,date_maturity,debit,credit,amount_residual,payment_id,parent_state,account_type
101,INV/2024/0001,out_invoice,7,Azure Interior,2024-01-10,2024-01-10,2024-02-09,600.00,0.00,0.00,,posted,asset_receivable
102,INV/2024/0001,out_invoice,7,Azure Interior,2024-01-10,2024-01-10,2024-03-10,400.00,0.00,250.00,,posted,asset_receivable
103,INV/2024/0002,out_invoice,7,Azure Interior,2024-01-20,2024-01-20,2024-02-19,500.00,0.00,420.00,,posted,asset_receivable
104,BNK1/2024/0001,entry,7,Azure Interior,2024-02-05,,2024-02-05,0.00,750.00,0.00,31,posted,asset_receivable
105,RINV/2024/0001,out_refund,7,Azure Interior,2024-02-20,2024-02-20,2024-02-20,0.00,100.00,-20.00,,posted,asset_receivable
106,BNK1/2024/0002,entry,8,Deco Addict,2024-03-01,,2024-03-01,0.00,60.00,-60.00,32,posted,asset_receivable
109,INV/2024/0004,out_invoice,8,Deco Addict,2024-03-05,,2024-04-04,90.00,0.00,0.00,,posted,asset_receivable
107,INV/2024/0003,out_invoice,8,Deco Addict,2024-03-05,,2024-04-04,80.00,0.00,80.00,,draft,asset_receivable
108,INV/2024/0002,out_invoice,7,Azure Interior,2024-01-20,2024-01-20,,0.00,500.00,0.00,,posted,income
"""
PARTIALS = """
id,debit_move_id,credit_move_id,amount,max_date
1,101,104,600.00,2024-02-05
2,102,104,150.00,2024-02-05
3,103,105,80.00,2024-02-25
4,103,999,1.00,2024-03-01
"""


def odoo(lines: str = LINES):
    raw = {
        "account_move_line.csv": raw_csv(lines, "account_move_line.csv"),
        "account_partial_reconcile.csv": raw_csv(PARTIALS, "account_partial_reconcile.csv"),
    }
    return shape("odoo", raw, currency="EUR")


def test_open_balances_by_hand_with_instalments_partial_payment_and_refund():
    shaped = odoo()
    assert open_at(shaped, "2024-01-31") == {"INV/2024/0001": 100_000, "INV/2024/0002": 50_000}
    assert open_at(shaped, "2024-02-10") == {"INV/2024/0001": 25_000, "INV/2024/0002": 50_000}
    assert open_at(shaped, "2024-02-22") == {
        "INV/2024/0001": 25_000, "INV/2024/0002": 50_000, "RINV/2024/0001": -10_000,
    }  # fmt: skip
    assert open_at(shaped, "2024-12-31") == {
        "INV/2024/0001": 25_000, "INV/2024/0002": 42_000, "RINV/2024/0001": -2_000, "8": -6_000,
    }  # fmt: skip


@pytest.mark.parametrize(("date", "balance"), [("2024-02-22", 650.0), ("2024-12-31", 590.0)])
def test_the_ledger_shows_the_same_balance(date, balance):
    assert ledger_balance(odoo(), date, "EUR") == balance


def test_maturity_lines_of_one_entry_are_instalments_with_their_own_due_dates():
    shaped = odoo()
    invoices = shaped.tables["invoices"]
    parts = invoices[invoices["invoice_id"] == "INV/2024/0001"].set_index("instalment")
    assert parts["due_date"].to_dict() == {1: pd.Timestamp("2024-02-09"), 2: pd.Timestamp("2024-03-10")}
    events = shaped.tables["events"]
    mine = events[events["invoice_id"] == "INV/2024/0001"]
    assert dict(zip(mine["instalment"], mine["amount"], strict=True)) == {1: 60_000, 2: 15_000}


def test_drafts_other_accounts_and_unknown_lines_are_set_apart():
    apart = odoo().quarantine.set_index(["source", "line"])["reason"].to_dict()
    assert apart == {
        ("account_move_line.csv", 8): "cleared_never_collected",
        ("account_move_line.csv", 9): "not_posted",
        ("account_move_line.csv", 10): "not_receivable",
        ("account_partial_reconcile.csv", 5): "unknown_line",
    }


def test_a_residual_that_disagrees_is_told():
    assert not any("residual" in note for note in odoo().notes)
    assert any("1 line whose residual" in note for note in odoo(LINES.replace("420.00", "400.00")).notes)


def test_customers_carry_their_names():
    customers = odoo().tables["customers"].set_index("customer_id")["name"].to_dict()
    assert customers == {"7": "Azure Interior", "8": "Deco Addict"}


def test_without_move_types_the_sequence_tells_refunds_from_payments():
    lines = raw_csv(
        "id,move_name,partner_id,date,date_maturity,debit,credit\n"
        "1,INV/1,7,2024-01-10,2024-02-09,100.00,0\n"
        "2,RINV/1,7,2024-01-20,2024-01-20,0,30.00\n"
        "3,BNK/1,7,2024-01-25,2024-01-25,0,70.00",
        "lines.csv",
    )
    links = raw_csv("debit_move_id,credit_move_id,amount,max_date\n1,3,70.00,2024-01-25", "reconciles.csv")
    shaped = shape("odoo", {"lines.csv": lines, "reconciles.csv": links}, currency="EUR")
    assert open_at(shaped, "2024-12-31") == {"INV/1": 3_000, "RINV/1": -3_000}
