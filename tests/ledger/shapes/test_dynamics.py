from __future__ import annotations

import pandas as pd
import pytest

from arrisk.ledger.reading import read_ledger
from tests.ledger.shapes.accounting import ledger_balance, open_at, raw_csv, shape

TRANS = """
RecId,AccountNum,TransDate,DueDate,DocumentDate,AmountCur,CurrencyCode,Invoice,Voucher,TransType,Closed
5001,C-01,2024-01-10,2024-02-09,2024-01-10,1000.00,EUR,INV-1,V1,2,2024-02-12
5002,C-01,2024-01-20,2024-02-19,2024-01-20,500.00,EUR,INV-2,V2,2,1900-01-01
5003,C-01,2024-02-05,1900-01-01,1900-01-01,-1200.00,EUR,,P1,15,1900-01-01
5004,C-01,2024-02-12,1900-01-01,1900-01-01,-20.00,EUR,,P1D,27,2024-02-12
5005,C-01,2024-02-20,2024-02-20,2024-02-20,-50.00,EUR,CRN-1,V5,2,2024-03-01
5006,C-02,2024-01-15,2024-02-14,2024-01-15,77.00,EUR,INV-3,V6,2,2024-03-03
5007,C-02,2024-01-16,2024-02-15,2024-01-16,90.00,EUR,INV-4,V7,2,1900-01-01
5001,C-01,2024-01-10,2024-02-09,2024-01-10,1000.00,EUR,INV-1,V1,2,2024-02-12
"""
SETTLEMENTS = """
TransRecId,OffsetRecId,TransDate,SettleAmountCur
5001,5003,2024-02-12,980.00
5003,5001,2024-02-12,-980.00
5001,5004,2024-02-12,20.00
5004,5001,2024-02-12,-20.00
5002,5005,2024-03-01,50.00
5005,5002,2024-03-01,-50.00
5002,5003,2024-03-10,100.00
5002,9999,2024-03-11,5.00
5007,5003,2024-03-12,30.00
5003,5007,2024-03-12,-30.00
5007,5003,2024-03-20,-30.00
5003,5007,2024-03-20,30.00
"""
OPEN = """
RefRecId,AmountCur,DueDate
5002,350.00,2024-02-19
5003,-120.00,1900-01-01
5007,90.00,2024-02-15
"""


def dynamics(still_open: str = OPEN):
    raw = {
        "CustTrans.csv": raw_csv(TRANS, "CustTrans.csv"),
        "CustSettlement.csv": raw_csv(SETTLEMENTS, "CustSettlement.csv"),
        "CustTransOpen.csv": raw_csv(still_open, "CustTransOpen.csv"),
    }
    return shape("dynamics365", raw)


def test_open_balances_by_hand_with_partial_payment_credit_and_a_settlement_taken_back():
    shaped = dynamics()
    assert open_at(shaped, "2024-02-06") == {
        "INV-1": 100_000, "INV-2": 50_000, "C-01": -120_000, "INV-4": 9_000,
    }  # fmt: skip
    assert open_at(shaped, "2024-02-25") == {
        "INV-2": 50_000,
        "CRN-1": -5_000,
        "C-01": -22_000,
        "INV-4": 9_000,
    }
    assert open_at(shaped, "2024-03-15") == {"INV-2": 35_000, "C-01": -9_000, "INV-4": 6_000}
    assert open_at(shaped, "2024-12-31") == {"INV-2": 35_000, "C-01": -12_000, "INV-4": 9_000}


@pytest.mark.parametrize(
    ("date", "balance"), [("2024-02-25", 320.0), ("2024-03-15", 320.0), ("2024-12-31", 320.0)]
)
def test_the_ledger_shows_the_same_balance(date, balance):
    assert ledger_balance(dynamics(), date, "EUR") == balance


def test_the_sentinel_date_means_open_and_closed_without_settlement_is_reported():
    shaped = dynamics()
    apart = shaped.quarantine.set_index(["source", "line"])
    assert apart.loc[("CustTrans.csv", 7), "reason"] == "cleared_never_collected"
    assert apart.loc[("CustTrans.csv", 7), "amount"] == 77.0
    assert apart.loc[("CustTrans.csv", 9), "reason"] == "duplicate_transaction"
    assert apart.loc[("CustSettlement.csv", 9), "reason"] == "unknown_transaction"
    assert len(apart) == 3
    assert set(shaped.supporting["role"]) == {"settlements", "open_transactions"}


def test_a_discount_is_an_event_of_its_own_kind():
    events = dynamics().tables["events"]
    mine = events[events["invoice_id"] == "INV-1"]
    assert dict(zip(mine["kind"], mine["amount"], strict=True)) == {"payment": 98_000, "discount": 2_000}
    assert set(mine["date"]) == {pd.Timestamp("2024-02-12")}


def test_open_transactions_that_disagree_are_told():
    agreeing = dynamics()
    assert not any("CustTransOpen says" in note for note in agreeing.notes)
    other = dynamics(OPEN.replace("350.00", "400.00"))
    assert any("1 transaction open" in note and "5002" in note for note in other.notes)


def test_settlements_without_a_currency_are_read_in_the_digits_of_their_transaction():
    trans = raw_csv(
        """
RecId,AccountNum,TransDate,DueDate,AmountCur,CurrencyCode,Invoice,Voucher,TransType,Closed
1,C,2024-01-10,2024-02-09,50000,JPY,J1,V1,2,1900-01-01
2,C,2024-01-20,1900-01-01,-20000,JPY,,V2,15,2024-01-20
""",
        "CustTrans.csv",
    )
    links = raw_csv(
        "TransRecId,OffsetRecId,TransDate,SettleAmountCur\n1,2,2024-01-20,20000", "CustSettlement.csv"
    )
    shaped = shape("dynamics365", {"CustTrans.csv": trans, "CustSettlement.csv": links})
    assert open_at(shaped, "2024-12-31") == {"J1": 30_000}


def test_a_folder_of_exports_reads_to_the_end(tmp_path):
    for name, text in (("CustTrans", TRANS), ("CustSettlement", SETTLEMENTS), ("CustTransOpen", OPEN)):
        (tmp_path / f"{name}.csv").write_text(text.strip(), encoding="utf-8")
    ledger = read_ledger(tmp_path, "dynamics365", control={"2024-12-31": 320.0})
    assert ledger.currency == "EUR"
    assert ledger.as_of("2024-02-25").open_balance == 320.0
