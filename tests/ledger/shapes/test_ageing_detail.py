from __future__ import annotations

import pandas as pd
import pytest

from arrisk.errors import ColumnMapError
from arrisk.ledger.sources.source import read_source
from tests.ledger.shapes.accounting import ledger_balance, open_at, raw_csv, shape

QUICKBOOKS = """
Date,Transaction type,Num,Customer full name,Due date,Amount,Open balance
91 or more days past due,,,,,,
2024-08-01,Invoice,1001,Cool Cars,2024-08-31,450.00,450.00
Total for 91 or more days past due,,,,,$450.00,$450.00
1 - 30 days past due,,,,,,
2024-11-20,Invoice,1040,Geeta Kalapatapu,2024-12-20,"1,000.00",250.00
2024-12-05,Payment,,Geeta Kalapatapu,2024-12-05,-60.00,-60.00
2024-12-06,Credit Memo,1045,Cool Cars,2024-12-06,-30.00,-30.00
Total for 1 - 30 days past due,,,,,"$910.00",$160.00
TOTAL,,,,,"$1,360.00",$610.00
"""

XERO = """
Aged Receivables Detail,Unnamed: 1,Unnamed: 2,Unnamed: 3,Unnamed: 4,Unnamed: 5,Unnamed: 6
Demo Company,,,,,,
As at 31 December 2024,,,,,,
Invoice Date,Due Date,Invoice Number,Invoice Reference,Current,Older,Total
Basket Case,,,,,,
5 Nov 2024,15 Nov 2024,INV-0010,P/O 9711,0.00,234.00,234.00
12 Dec 2024,12 Dec 2024,CN-0015,,0.00,-20.00,-20.00
Total Basket Case,,,,0.00,214.00,214.00
City Limousines,,,,,,
20 Dec 2024,10 Jan 2025,INV-0025,,100.50,0.00,100.50
Total City Limousines,,,,100.50,0.00,100.50
Total,,,,100.50,214.00,314.50
Percentage of total,,,,32%,68%,100%
"""


def quickbooks(**options: object):
    return shape(
        "quickbooks_ageing", {"ar.csv": raw_csv(QUICKBOOKS, "ar.csv")}, report_date="2024-12-31", **options
    )


def test_quickbooks_open_balances_by_hand():
    shaped = quickbooks(currency="USD")
    assert open_at(shaped, "2024-12-31") == {
        "1001": 45_000, "1040": 25_000, "Geeta Kalapatapu": -6_000, "1045": -3_000,
    }  # fmt: skip
    assert open_at(shaped, "2024-12-30")["1040"] == 100_000
    assert ledger_balance(shaped, "2024-12-31", "USD") == 610.0


def test_headings_and_totals_are_report_lines():
    apart = quickbooks().quarantine
    assert set(apart["reason"]) == {"report_line"}
    assert sorted(apart["line"]) == [2, 4, 5, 9, 10]


def test_what_was_paid_is_dated_by_the_report_and_said():
    shaped = quickbooks()
    events = shaped.tables["events"].set_index("invoice_id")
    assert events.loc["1040", "date"] == pd.Timestamp("2024-12-31")
    assert events.loc["1040", "amount"] == 75_000
    assert any("1 document paid in part" in note for note in shaped.notes)


def test_xero_takes_the_customer_from_the_heading_and_skips_titles():
    shaped = shape(
        "xero_ageing", {"aged.csv": raw_csv(XERO, "aged.csv")}, report_date="2024-12-31", currency="NZD"
    )
    invoices = shaped.tables["invoices"].set_index("invoice_id")
    assert invoices["customer_id"].to_dict() == {
        "INV-0010": "Basket Case", "CN-0015": "Basket Case", "INV-0025": "City Limousines",
    }  # fmt: skip
    assert open_at(shaped, "2024-12-31") == {"INV-0010": 23_400, "CN-0015": -2_000, "INV-0025": 10_050}
    assert open_at(shaped, "2024-12-15") == {"INV-0010": 23_400, "CN-0015": -2_000}
    assert ledger_balance(shaped, "2024-12-31", "NZD") == 314.5
    assert set(shaped.quarantine["reason"]) == {"report_line"}
    assert len(shaped.quarantine) == 9


def test_a_document_without_a_date_or_with_text_for_an_amount_is_no_report_line():
    raw = raw_csv(
        """
Date,Transaction type,Num,Customer,Due date,Amount,Open balance
,Invoice,1001,Cool Cars,2024-08-31,450.00,450.00
2024-08-02,Invoice,1002,Cool Cars,2024-09-01,450.00,see note
2024-08-03,Invoice,1003,Cool Cars,2024-09-02,100.00,100.00
""",
        "ar.csv",
    )
    shaped = shape("quickbooks_ageing", {"ar.csv": raw}, report_date="2024-12-31")
    assert shaped.quarantine.set_index("line")["reason"].to_dict() == {
        2: "missing_issue_date",
        3: "not_an_amount",
    }


def test_the_report_date_must_be_given_and_be_a_date():
    raw = {"ar.csv": raw_csv(QUICKBOOKS, "ar.csv")}
    with pytest.raises(ColumnMapError, match="report_date='2025-12-31'"):
        shape("quickbooks_ageing", raw)
    with pytest.raises(ColumnMapError, match="is not a date"):
        shape("quickbooks_ageing", raw, report_date="yesterday-ish")


def test_a_file_with_titles_blank_lines_and_short_headings(tmp_path):
    path = tmp_path / "Aged Receivables.csv"
    path.write_text(
        "Aged Receivables Detail\nDemo Company\nAs at 31 December 2024\n\n"
        "Invoice Date,Due Date,Invoice Number,Invoice Reference,Current,Older,Total\n\n"
        "Basket Case\n5 Nov 2024,15 Nov 2024,INV-0010,P/O 9711,0.00,234.00,234.00\n"
        "Total Basket Case,,,,0.00,234.00,234.00\n\nTotal,,,,0.00,234.00,234.00\n",
        encoding="utf-8",
    )
    raw = read_source(path)
    shaped = shape("xero_ageing", raw, currency="NZD")
    row = shaped.tables["invoices"].iloc[0]
    assert (row["customer_id"], row["amount"], row["_line"]) == ("Basket Case", 23_400, 8)
    assert set(shaped.quarantine["reason"]) == {"report_line"}


def test_the_day_of_the_report_may_stand_in_its_title(tmp_path):
    path = tmp_path / "A_R Ageing.csv"
    path.write_text(
        'Craig\'s Design,,,,,,,\nA/R Ageing Detail,,,,,,,\n"As of December 31, 2024",,,,,,,\n,,,,,,,\n'
        ",Date,Transaction type,Num,Customer full name,Due date,Amount,Open balance\n"
        "91 or more days past due,,,,,,,\n"
        ",2024-08-01,Invoice,1001,Cool Cars,2024-08-31,450.00,400.00\n"
        "Total for 91 or more days past due,,,,,,$450.00,$400.00\n",
        encoding="utf-8",
    )
    shaped = shape("quickbooks_ageing", read_source(path), currency="USD")
    assert shaped.tables["events"][["date", "amount"]].values.tolist() == [
        [pd.Timestamp("2024-12-31"), 5_000]
    ]
    assert open_at(shaped, "2024-12-31") == {"1001": 40_000}
