# ruff: noqa: E501
from __future__ import annotations

import pandas as pd
import pytest

from arrisk.errors import AmbiguityError
from arrisk.ledger.columns.column_map import ColumnMap
from arrisk.ledger.shapes import apply_map
from arrisk.ledger.sources.source import read_source
from tests.ledger.shapes.accounting import ledger_balance, open_at, raw_csv, shape

CHINESE = {
    "发票.csv": """
发票号码,客户编号,开票日期,到期日,价税合计(元),币种,业务员
FP001,C01,2023年4月5日,2023年5月5日,"1,130.00",人民币,张三
FP002,C01,2023/4/20,2023/5/20,565.00,人民币,李四
FP003,C02,2023-04-25,1900-01-01,226.00,人民币,李四
""",
    "收款明细.csv": """
收款单号,收款日期,发票号码,客户编号,收款金额
SK001,2023-05-06,FP001,C01,1000.00
SK002,2023-05-10,,C02,50.00
""",
    "客户资料.csv": """
客户编号,客户名称,所属行业,地区
C01,华东贸易有限公司,批发,华东
C02,西南建材有限公司,建材,西南
""",
}


def raws(files: dict[str, str]) -> dict[str, pd.DataFrame]:
    return {name: raw_csv(text, name) for name, text in files.items()}


def test_chinese_headers_and_names():
    shaped = shape("arrisk", raws(CHINESE))
    assert open_at(shaped, "2023-12-31") == {"FP001": 13_000, "FP002": 56_500, "FP003": 22_600, "C02": -5_000}
    assert ledger_balance(shaped, "2023-12-31", "CNY") == 871.0
    invoices = shaped.tables["invoices"]
    assert invoices["currency"].tolist() == ["CNY"] * 3
    assert invoices["salesperson"].tolist() == ["张三", "李四", "李四"]
    assert invoices["due_date"].isna().tolist() == [False, False, True]
    assert shaped.tables["customers"]["name"].tolist() == ["华东贸易有限公司", "西南建材有限公司"]
    assert shaped.tables["events"]["kind"].tolist() == ["payment", "payment"]


def test_english_tables_by_name_and_kinds_in_other_words():
    files = {
        "data/Invoices_2024.csv": "Invoice No,Customer,Invoice Date,Amount\nA,c,2024-01-01,100\n",
        "data/Invoices_2025.csv": "Invoice No,Customer,Invoice Date,Amount\nB,c,2025-01-01,60\n",
        "data/receipts.csv": "Date,Type,Amount,Invoice No\n2024-02-01,Receipt,40,A\n2024-02-02,credit note,5,A\n"
        "2024-02-03,Write-Off,15,A\n2024-02-04,barter,1,A\n",
        "data/credit_limits.csv": "customer,valid_from,limit\nc,2024-01-01,0\n",
        "data/fx_rates.csv": "date,currency,rate\n2024-01-01,USD,0.9\n",
        "data/signals.csv": "date,signal,value\n2024-01-01,pmi,50.2\n",
        "data/orders.csv": "order_no,customer,order_date,order_amount\nO1,c,2024-01-01,250\n",
    }
    shaped = shape("arrisk", raws(files), currency="EUR")
    assert {name: len(frame) for name, frame in shaped.tables.items()} == {
        "invoices": 2, "events": 4, "limits": 1, "rates": 1, "signals": 1, "orders": 1,
    }  # fmt: skip
    assert shaped.tables["events"]["kind"].tolist() == ["payment", "credit_note", "write_off", "barter"]
    assert shaped.tables["limits"]["credit_limit"].tolist() == [0]


def test_headers_decide_where_the_name_does_not():
    files = {"Sheet1": "invoice_id,customer_id,issue_date,amount\nA,c,2024-01-01,100\n",
             "Sheet2": "date,kind,amount,invoice_id\n2024-02-01,payment,40,A\n",
             "invoice payments": "date,kind,amount,invoice_id\n2024-03-01,payment,10,A\n"}  # fmt: skip
    shaped = shape("arrisk", raws(files), currency="EUR")
    assert open_at(shaped, "2024-12-31") == {"A": 5_000}


def test_each_bad_cell_sends_its_row_to_quarantine_with_what_was_seen():
    text = """
invoice_id,customer_id,issue_date,due_date,amount,currency,instalment,discount_rate
A,c,2024-01-01,2024-01-31,100.00,EUR,1,0.02
B,c,soon,2024-01-31,100.00,EUR,,
C,c,2024-01-01,2024-01-31,hundred,EUR,,
D,c,2024-01-01,2024-01-31,100.005,EUR,,
E,,2024-01-01,2024-01-31,100.00,EUR,,
F,c,2024-01-01,2024-01-31,,EUR,,
G,c,2024-01-01,2024-01-31,100.00,Euros,,
H,c,2024-01-01,2024-01-31,100.00,EUR,1.5,
I,c,2024-01-01,2024-01-31,100.00,EUR,1,two percent
J,c,2024-01-01,31 Foo 2024,100.00,EUR,1,
"""
    shaped = shape("arrisk", {"invoices.csv": raw_csv(text, "invoices.csv")})
    assert shaped.tables["invoices"]["invoice_id"].tolist() == ["A"]
    apart = shaped.quarantine.set_index("line")
    assert apart["reason"].to_dict() == {
        3: "not_a_date", 4: "not_an_amount", 5: "not_an_amount", 6: "missing_customer_id", 7: "missing_amount",
        8: "not_a_currency", 9: "not_a_whole_number", 10: "not_a_number", 11: "not_a_date",
    }  # fmt: skip
    assert "hundred" in apart.loc[4, "detail"]
    assert apart.loc[3, "amount"] == 100.0
    assert apart.loc[3, "row"].startswith('{"invoice_id": "B", "customer_id": "c", "issue_date": "soon"')
    assert set(apart["table"]) == {"invoices"}


def test_money_is_in_the_minor_units_of_its_own_currency():
    text = "invoice_id,customer_id,issue_date,amount,currency\nA,c,2024-01-01,100,JPY\nB,c,2024-01-01,1.234,KWD\n"
    shaped = apply_map(
        ColumnMap.load("arrisk"), {"invoices.csv": raw_csv(text, "invoices.csv")}, {"decimal": "."}
    )
    assert shaped.tables["invoices"]["amount"].tolist() == [100, 1234]


def test_a_file_that_is_no_table_is_in_quarantine_and_named():
    files = {
        "invoices.csv": "invoice_id,customer_id,issue_date,amount\nA,c,2024-01-01,100\n",
        "notes.csv": "text,amount,currency\nhello,many,none\n",
    }
    shaped = shape("arrisk", raws(files), currency="EUR")
    assert shaped.quarantine[["source", "line", "reason"]].values.tolist() == [
        ["notes.csv", 2, "unread_source"]
    ]
    assert any("notes.csv was not read" in note for note in shaped.notes)


def test_columns_that_are_not_used_are_named():
    files = {"invoices.csv": "invoice_id,customer_id,issue_date,amount,colour\nA,c,2024-01-01,100,red\n"}
    shaped = shape("arrisk", raws(files), currency="EUR")
    assert "invoices.csv: 1 column not used: colour" in shaped.notes


def test_an_ambiguous_column_asks():
    files = {"invoices.csv": "invoice_id,customer_id,issue_date,amount\nA,c,05/04/2024,100\n"}
    with pytest.raises(AmbiguityError, match="day_first"):
        apply_map(ColumnMap.load("arrisk"), raws(files), {"currency": "EUR"})


def test_ids_that_lost_their_digits_are_refused():
    text = "invoice_id,customer_id,issue_date,amount\n1.2E+11,c,2024-01-01,100\n12.0,c,2024-01-01,100\n"
    shaped = shape("arrisk", {"invoices.csv": raw_csv(text, "invoices.csv")})
    assert shaped.tables["invoices"]["invoice_id"].tolist() == ["12"]
    assert shaped.quarantine["reason"].tolist() == ["digits_lost"]


def test_further_columns_of_customers_stay():
    files = {
        "invoices": "invoice_id,customer_id,issue_date,amount\nA,c,2024-01-01,100\n",
        "customers": "customer_id,name,Sales Channel\nc,Cool Cars,online\n",
    }
    customers = shape("arrisk", raws(files), currency="EUR").tables["customers"]
    assert customers["sales_channel"].tolist() == ["online"]


def test_rows_that_could_not_be_cut_into_cells_keep_their_reason(tmp_path):
    path = tmp_path / "invoices.csv"
    path.write_text("invoice_id,customer_id,issue_date,amount\nA,c,2024-01-01,100\nB,c\n", encoding="utf-8")
    raw = read_source(path)
    shaped = shape("arrisk", raw, currency="EUR")
    assert shaped.quarantine[["line", "reason"]].values.tolist() == [[3, "ragged_row"]]


def test_defaults_of_a_map_fill_what_the_source_lacks_or_leaves_empty():
    form = {
        "shape": "tables",
        "tables": {
            "invoices": {
                "source": "inv",
                "defaults": {"currency": "JPY", "instalment": 1, "due_date": "2024-06-30", "amount": 7},
                "columns": {
                    f: f
                    for f in ("invoice_id", "customer_id", "issue_date", "amount", "instalment", "currency")
                },
            }
        },
    }
    raw = {
        "inv": raw_csv(
            "invoice_id,customer_id,issue_date,amount,instalment,currency\nA,c,2024-01-01,,,\n", "inv"
        )
    }
    row = apply_map(ColumnMap.load(form), raw).tables["invoices"].iloc[0]
    assert (row["amount"], row["instalment"], row["currency"]) == (7, 1, "JPY")
    assert row["due_date"] == pd.Timestamp("2024-06-30")


def test_an_empty_currency_column_without_a_default_stays_empty():
    raw = {
        "invoices": raw_csv(
            "invoice_id,customer_id,issue_date,amount,currency\nA,c,2024-01-01,7,\n", "invoices"
        )
    }
    assert shape("arrisk", raw).tables["invoices"]["currency"].tolist() == [None]


def test_a_name_that_fits_by_chance_gives_way_to_the_headers():
    files = {"corporate.csv": "invoice_id,customer_id,issue_date,amount\nA,c,2024-01-01,100\n"}
    assert len(shape("arrisk", raws(files), currency="EUR").tables["invoices"]) == 1
