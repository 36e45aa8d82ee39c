"""Rows set apart: what is kept of them, and how they are counted."""

from __future__ import annotations

import json

import pandas as pd

from arrisk.ledger.assembly import build_ledger
from arrisk.ledger.quarantine import QUARANTINE_COLUMNS, Quarantine, reasons_table
from tests.ledger.frames import invoice, ledger_of, typed


def moved(**more):
    frame = typed("invoices", [invoice("1", "2025-01-01", 5.25), invoice("发票<2>", "2025-01-02", 7)])
    tables = {"invoices": frame.assign(_source="a.csv", _line=[2, 9], currency="EUR")}
    quarantine = Quarantine(**more)
    quarantine.move(
        tables, "invoices", [False, True], "late", lambda f: [f"row of {n}" for n in f["invoice_id"]]
    )
    return tables, quarantine


def test_a_row_keeps_where_it_came_from_and_what_it_said():
    tables, quarantine = moved()
    assert tables["invoices"]["invoice_id"].tolist() == ["1"]
    row = quarantine.frame().iloc[0]
    assert row[["table", "source", "line", "reason", "detail", "amount", "currency"]].tolist() == [
        "invoices", "a.csv", 9, "late", "row of 发票<2>", 7.0, "EUR"
    ]  # fmt: skip
    assert json.loads(row["row"]) == {
        "invoice_id": "发票<2>", "customer_id": "c", "issue_date": "2025-01-02 00:00:00", "amount": 7.0,
        "currency": "EUR",
    }  # fmt: skip


def test_rows_set_apart_while_reading_come_first_and_stay():
    _, first = moved()
    _, both = moved(frame=first.frame())
    assert len(both.frame()) == 2
    assert len(first.frame()) == 1


def test_nothing_set_apart_is_an_empty_frame_with_all_columns():
    quarantine = Quarantine()
    tables = {"invoices": typed("invoices", [invoice("1", "2025-01-01", 5)])}
    quarantine.move(tables, "invoices", [False], "late", "never")
    assert quarantine.frame().columns.tolist() == QUARANTINE_COLUMNS
    assert quarantine.summary("invoices") == ""
    assert reasons_table(quarantine.frame()).empty


def test_the_summary_names_the_first_lines():
    _, quarantine = moved()
    assert quarantine.summary("invoices") == "1 late (line 9: row of 发票<2>)"
    assert quarantine.summary("events") == ""


def test_reasons_are_counted_with_their_money():
    ledger = ledger_of([invoice("1", "2025-01-01", 5)] * 3 + [invoice("2", "2025-01-01", float("nan"))])
    table = ledger.checks.reasons.set_index("reason")
    assert table["rows"].to_dict() == {"duplicate_invoice": 2, "missing_amount": 1}
    assert table["amount"].to_dict() == {"duplicate_invoice": 10.0, "missing_amount": 0.0}
    assert table.loc["duplicate_invoice", "first_lines"] == "invoices:3, invoices:4"


def test_checks_show_text_of_a_ledger_escaped():
    frame = typed("invoices", [invoice("1", "2025-01-01", 5)]).assign(
        _reason="bad", _detail="<script>alert(1)</script>", _source="a", _line=2
    )
    whole = pd.concat([frame, typed("invoices", [invoice("2", "2025-01-01", 5)])])
    html = build_ledger({"invoices": whole}, "EUR").checks._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
