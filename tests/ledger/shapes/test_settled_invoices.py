# ruff: noqa: E501
from __future__ import annotations

import pandas as pd

from tests.ledger.shapes.accounting import ledger_balance, open_at, raw_csv, shape

HEAD = (
    "business_code,cust_number,name_customer,clear_date,buisness_year,doc_id,posting_date,document_create_date,"
    "document_create_date.1,due_in_date,invoice_currency,document type,posting_id,area_business,total_open_amount,"
    "baseline_create_date,cust_payment_terms,invoice_id,isOpen\n"
)
ROWS = """
U001,0200769623,WAL-MAR corp,2020-02-11 00:00:00,2020.0,1930438491.0,2020-01-26,20200125,20200126,20200210.0,USD,RV,1.0,,54273.28,20200126.0,NAH4,1930438491.0,0
U001,200769623,WAL-MAR in,,2020.0,1930659387.0,2020-03-11,20200311,20200311,20200326.0,USD,RV,1.0,,3525.59,20200311.0,NAH4,1930659387.0,1
CA02,0140105686,SYSC llc,,2020.0,2960623488.0,2020-03-30,20200330,20200330,20200409.0,CAD,RV,1.0,,1000.00,20200331.0,CA10,2960623488.0,0
U001,200769623.0,WAL-MAR corp,2020-03-27 00:00:00,2020.0,1930500000.0,2020-03-01,20200301,20200301,00000000,USD,X2,1.0,,0.00,20200311.0,NAH4,,0
"""


def payment_date():
    return shape("payment_date", {"dataset.csv": raw_csv(HEAD + ROWS.strip(), "dataset.csv")})


def test_float_dates_and_three_ways_to_write_one_customer():
    shaped = payment_date()
    invoices = shaped.tables["invoices"].set_index("invoice_id")
    assert invoices["customer_id"].unique().tolist() == ["200769623"]
    assert invoices.loc["1930438491", "due_date"] == pd.Timestamp("2020-02-10")
    assert invoices.loc["1930438491", "issue_date"] == pd.Timestamp("2020-01-25")
    assert invoices.loc["1930438491", "recorded_date"] == pd.Timestamp("2020-01-26")
    assert pd.isna(invoices.loc["1930500000", "due_date"])
    assert shaped.tables["customers"][["customer_id", "name"]].values.tolist() == [
        ["200769623", "WAL-MAR corp"]
    ]
    assert any("1 customer with more than one name" in note for note in shaped.notes)


def test_open_before_and_after_the_settlement():
    shaped = payment_date()
    assert open_at(shaped, "2020-02-10") == {"1930438491": 5_427_328}
    assert open_at(shaped, "2020-03-31") == {"1930659387": 352_559}
    assert ledger_balance(shaped, "2020-02-10", "USD") == 54273.28
    assert ledger_balance(shaped, "2020-03-31", "USD") == 3525.59


def test_closed_without_a_day_is_cleared_never_collected():
    apart = payment_date().quarantine
    assert apart[["line", "reason", "amount", "currency"]].values.tolist() == [
        [4, "cleared_never_collected", 1000.0, "CAD"]
    ]


def test_open_with_a_day_of_settlement_is_told_and_the_day_counts():
    text = HEAD + ROWS.strip().splitlines()[0].removesuffix("0") + "1"
    shaped = shape("payment_date", {"d.csv": raw_csv(text, "d.csv")})
    assert open_at(shaped, "2020-12-31") == {}
    assert any("called open but have a day of settlement" in n or "is called open" in n for n in shaped.notes)


IBM = """
countryCode,customerID,PaperlessDate,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,Disputed,SettledDate,PaperlessBill,DaysToSettle,DaysLate
391,0379-NEVHP,4/6/2013,611365,1/2/2013,2/1/2013,55.94,No,1/15/2013,Paper,13,0
406,8976-AMJEO,3/3/2012,7900770,1/26/2013,2/25/2013,61.74,Yes,3/3/2013,Electronic,36,6
"""


def test_the_ibm_sample_is_month_first_and_what_became_known_later_is_not_read():
    shaped = shape("ibm_ar", {"anything.csv": raw_csv(IBM, "anything.csv")})
    assert open_at(shaped, "2013-01-14") == {"611365": 5_594}
    assert open_at(shaped, "2013-03-02") == {"7900770": 6_174}
    assert shaped.tables["customers"]["country"].tolist() == ["391", "406"]
    assert not {"dispute_opened", "dispute_closed"} & set(shaped.tables["invoices"].columns)
    assert any("Disputed and PaperlessDate are not read" in note for note in shaped.notes)


def test_the_whole_ibm_file(shared_data):
    path = shared_data / "ibm-ar" / "WA_Fn-UseC_-Accounts-Receivable.csv"
    raw = raw_csv(path.read_text(encoding="utf-8"), path.name)
    shaped = shape("ibm_ar", {path.name: raw})
    assert {name: len(frame) for name, frame in shaped.tables.items()} == {
        "invoices": 1930, "events": 1930, "customers": 100,
    }  # fmt: skip
    assert len(shaped.quarantine) == 0
    assert len(open_at(shaped, "2013-06-30")) == 84
    assert len(open_at(shaped, "2013-07-01")) == 83
    assert open_at(shaped, "2014-12-31") == {}
