# ruff: noqa: E501
from __future__ import annotations

import pandas as pd
import pytest

from arrisk.errors import LedgerError
from tests.ledger.shapes.accounting import ledger_balance, open_at, raw_csv, shape

HEAD = (
    "BUKRS,KUNNR,BELNR,GJAHR,BUZEI,BUDAT,BLDAT,ZFBDT,ZBD1T,ZBD2T,ZBD3T,ZBD1P,SHKZG,WRBTR,WAERS,"
    "AUGDT,AUGBL,BLART,REBZG,REBZJ,REBZZ,WSKTO,UMSKZ\n"
)
LINES = """
1000,0000100001,90000001,2024,001,20240115,20240110,20240110,14,30,0,2.000,S,1000.00,EUR,20240212,1400000001,RV,,0000,000,0.00,
1000,0000100001,90000002,2024,001,20240120,20240120,20240120,14,30,45,0.000,S,500.00,EUR,20240212,1400000001,RV,,0000,000,0.00,
1000,0000100001,1600000001,2024,001,20240201,20240201,20240201,30,0,0,0.000,H,20.00,EUR,20240212,1400000001,DG,,0000,000,0.00,
1000,0000100001,1400000001,2024,002,20240212,20240212,20240212,0,0,0,0.000,H,1480.00,EUR,20240212,1400000001,DZ,,0000,000,20.00,
1000,0000100001,90000003,2024,001,20240301,20240301,20240301,30,0,0,0.000,S,800.00,EUR,00000000,,RV,,0000,000,0.00,
1000,0000100001,1600000002,2024,001,20240315,20240315,20240301,30,0,0,0.000,H,30.00,EUR,00000000,,DG,90000003,2024,001,0.00,
1000,0000100001,1400000002,2024,002,20240410,20240410,20240410,0,0,0,0.000,H,300.00,EUR,00000000,,DZ,90000003,2024,001,0.00,
1000,0000100001,90000004,2024,001,20240302,20240302,20240302,30,0,0,0.000,S,100.00,EUR,20240401,1400000003,RV,,0000,000,0.00,
1000,0000100001,1400000003,2024,002,20240401,20240401,20240401,0,0,0,0.000,H,100.00,EUR,20240401,1400000003,DZ,,0000,000,0.00,
1000,0000100001,1400000003,2024,003,20240401,20240401,20240302,30,0,0,0.000,S,40.00,EUR,20240501,1400000004,DZ,90000004,2024,001,0.00,
1000,0000100001,1400000004,2024,002,20240501,20240501,20240501,0,0,0,0.000,H,40.00,EUR,20240501,1400000004,DZ,,0000,000,0.00,
1000,0000100001,90000005,2024,001,20240303,20240303,20240303,30,0,0,0.000,S,77.00,EUR,20240404,100000099,RV,,0000,000,0.00,
1000,0000100002,90000006,2024,001,20240105,20240105,20240105,30,0,0,0.000,S,200.00,EUR,20240120,100000050,RV,,0000,000,0.00,
1000,0000100002,1400000005,2024,002,20240115,20240115,20240115,0,0,0,0.000,H,200.00,EUR,20240120,100000050,DZ,,0000,000,0.00,
1000,0000100002,1500000001,2024,001,20240120,20240120,20240120,0,0,0,0.000,S,60.00,EUR,00000000,,DZ,,0000,000,0.00,F
"""


def sap(lines: str = LINES, **options: object):
    return shape("sap_items", {"bsid.csv": raw_csv(HEAD + lines.strip(), "bsid.csv")}, **options)


def test_open_items_are_those_of_the_system_on_each_key_date():
    shaped = sap()
    first, second, third, fourth, sixth = (f"1000-9000000{n}-2024" for n in (1, 2, 3, 4, 6))
    assert open_at(shaped, "2024-01-16") == {first: 100_000, sixth: 20_000, "100002": -20_000}
    assert open_at(shaped, "2024-02-11") == {first: 100_000, second: 50_000, "1000-1600000001-2024": -2_000}
    assert open_at(shaped, "2024-02-12") == {}
    assert open_at(shaped, "2024-03-31") == {third: 77_000, fourth: 10_000}
    assert open_at(shaped, "2024-04-01") == {third: 77_000, fourth: 4_000}
    assert open_at(shaped, "2024-06-30") == {third: 47_000}


@pytest.mark.parametrize(
    ("date", "balance"),
    [("2024-01-16", 1000.0), ("2024-02-11", 1480.0), ("2024-03-31", 870.0), ("2024-06-30", 470.0)],
)
def test_the_ledger_shows_the_same_balance(date, balance):
    assert ledger_balance(sap(), date, "EUR") == balance


def test_net_due_is_baseline_plus_the_longest_term_and_a_loose_credit_is_due_at_its_baseline():
    due = sap().tables["invoices"].set_index("invoice_id")["due_date"]
    assert due["1000-90000001-2024"] == pd.Timestamp("2024-02-09")
    assert due["1000-90000002-2024"] == pd.Timestamp("2024-03-05")
    assert due["1000-1600000001-2024"] == pd.Timestamp("2024-02-01")


def test_an_invoice_is_dated_by_its_document_and_known_from_its_posting():
    row = sap().tables["invoices"].set_index("invoice_id").loc["1000-90000001-2024"]
    assert row["issue_date"] == pd.Timestamp("2024-01-10")
    assert row["recorded_date"] == pd.Timestamp("2024-01-15")
    assert row["discount_rate"] == pytest.approx(0.02)
    assert row["discount_days"] == 14
    assert row["customer_id"] == "100001"


def test_a_clearing_group_is_used_up_oldest_first_and_the_discount_is_an_event_of_its_own():
    events = sap().tables["events"]
    cleared = events[events["invoice_id"].isin(["1000-90000001-2024", "1000-90000002-2024"])]
    got = {(e.invoice_id[5:13], e.kind): e.amount for e in cleared.itertuples()}
    assert got == {
        ("90000001", "credit_note"): 2_000,
        ("90000001", "payment"): 98_000,
        ("90000002", "payment"): 48_000,
        ("90000002", "discount"): 2_000,
    }


def test_a_residual_keeps_the_invoice_open_under_its_own_due_date():
    shaped = sap()
    events = shaped.tables["events"]
    mine = events[events["invoice_id"] == "1000-90000004-2024"].sort_values("date", kind="stable")
    assert sorted(mine["amount"]) == [-4_000, 4_000, 10_000]
    assert "1000-1400000003-2024" not in set(shaped.tables["invoices"]["invoice_id"])
    assert shaped.tables["invoices"].set_index("invoice_id").loc[
        "1000-90000004-2024", "due_date"
    ] == pd.Timestamp("2024-04-01")


def test_cleared_without_any_money_is_reported_and_noted_items_are_left_out():
    apart = sap().quarantine.set_index("line")
    assert apart.loc[13, "reason"] == "cleared_never_collected"
    assert apart.loc[13, "amount"] == 77.0
    assert '"BELNR": "90000005"' in apart.loc[13, "row"]
    assert apart.loc[16, "reason"] == "noted_item"
    assert len(apart) == 2


def test_a_payment_cleared_later_than_posted_can_count_from_its_own_day():
    shaped = sap(apply_payments="when_posted")
    assert "100002" not in open_at(shaped, "2024-01-16")
    assert "1000-90000006-2024" not in open_at(shaped, "2024-01-16")
    with pytest.raises(LedgerError, match="allowed: when_cleared, when_posted"):
        sap(apply_payments="sometimes")


def test_a_credit_cleared_against_nothing_in_the_source_is_set_apart():
    line = "1000,0000100001,1400000009,2024,002,20240410,20240410,20240410,0,0,0,0,H,300.00,EUR,20240410,1400000009,DZ,,0000,000,12.00,"
    invoice = "1000,0000100001,90000009,2024,001,20240301,20240301,20240301,30,0,0,0,S,80.00,EUR,00000000,,RV,,0000,000,0.00,"
    shaped = sap(f"{line}\n{invoice}")
    assert shaped.quarantine[["reason", "amount"]].values.tolist() == [
        ["cleared_without_counterpart", -300.0]
    ]
    assert open_at(shaped, "2024-12-31") == {"1000-90000009-2024": 8_000}


def test_a_group_that_does_not_balance_leaves_the_difference_open_and_says_so():
    shaped = sap(
        "1000,1,90000001,2024,001,20240115,20240110,20240110,30,0,0,0,S,100.00,EUR,20240212,14,RV,,,,,\n"
        "1000,1,14,2024,001,20240212,20240212,20240212,0,0,0,0,H,90.00,EUR,20240212,14,DZ,,,,,"
    )
    assert open_at(shaped, "2024-12-31") == {"1000-90000001-2024": 1_000}
    assert any("1 clearing group do not balance" in note for note in shaped.notes)


def test_bad_cells_and_signs_are_set_apart_with_what_was_seen():
    shaped = sap(
        "1000,1,90000001,2024,001,20240115,20240110,20240110,30,0,0,0,S,100.00,EUR,00000000,,RV,,,,,\n"
        "1000,1,90000002,2024,001,20240115,20240110,20240110,30,0,0,0,Q,100.00,EUR,00000000,,RV,,,,,\n"
        "1000,1,90000003,2024,001,2024-99-15,20240110,20240110,30,0,0,0,S,100.00,EUR,00000000,,RV,,,,,\n"
        "1000,1,90000004,2024,001,20240115,20240110,20240110,30,0,0,0,S,n.v.,EUR,00000000,,RV,,,,,"
    )
    apart = shaped.quarantine.set_index("line")
    assert apart["reason"].to_dict() == {3: "unknown_sign", 4: "not_a_date", 5: "not_an_amount"}
    assert "Q" in apart.loc[3, "detail"]
    assert "n.v." in apart.loc[5, "detail"]


def test_an_fbl5n_layout_with_signed_amounts_and_net_due_dates():
    raw = raw_csv(
        """
Customer,Document Number,Posting Date,Document Date,Document Type,Amount in doc. curr.,Document currency,Net due date,Clearing date,Clearing Document
100001,90000001,2024-01-15,2024-01-10,RV,"1,000.00",EUR,2024-02-09,2024-02-12,14
100001,14,2024-02-12,2024-02-12,DZ,"1,000.00-",EUR,2024-02-12,2024-02-12,14
100001,90000002,2024-02-15,2024-02-15,RV,250.00,EUR,2024-03-16,,
""",
        "fbl5n.csv",
    )
    shaped = shape("sap_items", {"fbl5n.csv": raw})
    assert open_at(shaped, "2024-02-11") == {"90000001": 100_000}
    assert open_at(shaped, "2024-02-15") == {"90000002": 25_000}
    assert shaped.tables["invoices"]["due_date"].iloc[0] == pd.Timestamp("2024-02-09")


def test_names_come_from_lines_that_are_kept():
    raw = raw_csv(
        """
KUNNR,NAME1,BELNR,BUDAT,SHKZG,WRBTR,WAERS,AUGDT,AUGBL,BLART,UMSKZ
1,Noted AG,90000001,20240115,S,100.00,EUR,,,RV,F
1,Kept AG,90000002,20240116,S,70.00,EUR,,,RV,
""",
        "bsid.csv",
    )
    customers = shape("sap_items", {"bsid.csv": raw}).tables["customers"]
    assert customers[["customer_id", "name", "_line"]].values.tolist() == [["1", "Kept AG", 3]]


def test_lines_that_name_each_other_do_not_hang():
    shaped = sap(
        "1000,1,14,2024,1,20240115,20240110,20240110,30,0,0,0,S,100.00,EUR,00000000,,DZ,15,2024,1,,\n"
        "1000,1,15,2024,1,20240115,20240110,20240110,30,0,0,0,S,60.00,EUR,00000000,,DZ,14,2024,1,,"
    )
    assert sum(open_at(shaped, "2024-12-31").values()) == 16_000
