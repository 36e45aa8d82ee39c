"""Proposed maps: right where headers and values tell, open where they do not, and fit to be read."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.errors import ColumnMapError, LedgerError
from arrisk.ledger.columns.column_map import ColumnMap
from arrisk.ledger.columns.proposal import Proposal, propose_map
from arrisk.ledger.shapes import apply_map
from arrisk.ledger.sources.source import read_source


def frame(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame({name.replace("_", " "): cells for name, cells in columns.items()})


def columns(proposal: Proposal, role: str = "invoices") -> dict[str, str]:
    return tomllib.loads(proposal.toml)["tables"][role]["columns"]


SETTLED = {
    "Bill no": ["1", "2", "3"],
    "Client": ["a", "b", "a"],
    "Billing date": ["31/01/2025", "28/02/2025", "15/02/2025"],
    "Net due": ["02/03/2025", "30/03/2025", "16/03/2025"],
    "Gross": ["1,000.50", "20.00", "7.25"],
    "VAT amount": ["100.00", "2.00", "1.00"],
    "Paid on": ["20/02/2025", None, "31/03/2025"],
}


@pytest.mark.slow
def test_one_table_with_payment_dates_is_settled_invoices() -> None:
    raw = read_source({"export": pd.DataFrame(SETTLED)})
    proposal = propose_map(raw)
    assert (proposal.shape, proposal.fits, proposal.missing) == ("settled_invoices", None, ())
    assert columns(proposal) == {
        "invoice_id": "Bill no",
        "customer_id": "Client",
        "issue_date": "Billing date",
        "amount": "Gross",
        "due_date": "Net due",
        "settled_date": "Paid on",
    }
    assert [sentence.split(":")[0] for sentence in proposal.unsure] == ["currency"]
    assert not proposal.confident
    shaped = apply_map(ColumnMap.load(tomllib.loads(proposal.toml)), raw, {"currency": "EUR"})
    assert shaped.tables["invoices"]["amount"].tolist() == [100050, 2000, 725]
    assert len(shaped.quarantine) == 0


def test_payment_dates_beside_our_own_headers_are_not_lost() -> None:
    raw = {
        "a": frame(
            invoice_id=["1"],
            customer_id=["c"],
            issue_date=["2025-01-31"],
            amount=["1.5"],
            payment_date=["2025-02-28"],
        )
    }
    proposal = propose_map(raw)
    assert proposal.shape == "settled_invoices"
    assert columns(proposal)["settled_date"] == "payment date"


def test_chinese_tables_fit_the_shipped_map() -> None:
    raw = read_source(
        {
            "应收明细": pd.DataFrame(
                {
                    "发票号码": ["1", "2", "3"], "客户代码": ["001", "002", "001"],
                    "开票日期": ["2025年1月31日"] * 3,
                    "到期日(合同)": ["2025-02-28"] * 3, "价税合计": ["1,000.50"] * 3, "币种": ["CNY"] * 3,
                }
            ),
            "回款": pd.DataFrame({"收款日期": ["2025-02-27"], "发票号码": ["1"], "收款金额": ["500.00"]}),
        }
    )  # fmt: skip
    proposal = propose_map(raw)
    assert (proposal.fits, proposal.shape, proposal.missing, proposal.unsure) == ("arrisk", "tables", (), ())
    assert proposal.confident
    shaped = apply_map(ColumnMap.load(tomllib.loads(proposal.toml)), raw)
    assert {name: len(table) for name, table in shaped.tables.items()} == {"invoices": 3, "events": 1}


def test_german_tables_leave_order_and_sign_open() -> None:
    raw = read_source(
        {
            "Rechnungen": pd.DataFrame(
                {
                    "Rechnungsnr": ["1", "2", "3"], "Kunde": ["a", "b", "a"],
                    "Rechnungsdatum": ["31.01.2025"] * 3,
                    "Fällig": ["03.04.2025"] * 3, "Betrag": ["1.234", "5.678", "1.000"],
                }
            ),
            "Zahlungen": frame(Zahlungsdatum=["05.03.2025"], Rechnung=["1"], Zahlbetrag=["500"]),
        }
    )  # fmt: skip
    proposal = propose_map(raw)
    assert columns(proposal, "events") == {
        "date": "Zahlungsdatum",
        "amount": "Zahlbetrag",
        "invoice_id": "Rechnung",
    }
    kinds = [sentence.split(":")[0] for sentence in proposal.unsure]
    assert kinds == ["kind", "day_first", "decimal", "currency"]
    order = proposal.unsure[1]
    assert "column 'Fällig': nothing tells day from month" in order
    assert "the same for 'Zahlungsdatum' of Zahlungen" in order
    assert "'Rechnungsdatum' of Rechnungen has the day first" in order
    for line in ("# day_first = ?", "# decimal = ?", "# currency = ?"):
        assert line in proposal.toml
    given_map = {
        **tomllib.loads(proposal.toml),
        "options": {"day_first": True, "decimal": ",", "currency": "EUR"},
    }
    shaped = apply_map(ColumnMap.load(given_map), raw)
    assert shaped.tables["invoices"]["amount"].tolist() == [123400, 567800, 100000]
    assert str(shaped.tables["invoices"]["due_date"][0].date()) == "2025-04-03"


def test_rivals_are_named() -> None:
    raw = {"a": pd.DataFrame({**SETTLED, "Due": ["02/03/2025", None, None]})}
    proposal = propose_map(raw)
    assert columns(proposal)["due_date"] == "Net due"
    assert "a: due_date: 'Net due' or 'Due'? took 'Net due', which is filled in more rows" in proposal.unsure


def test_values_overrule_headers_that_mislead() -> None:
    misled = {**SETTLED, "Due": ["30 days", "30 days", "60 days"], "Amount": ["see note", "see note", "paid"]}
    proposal = propose_map({"a": pd.DataFrame(misled)})
    assert columns(proposal)["due_date"] == "Net due"
    assert columns(proposal)["amount"] == "Gross"


def test_values_alone_are_a_guess_that_says_so() -> None:
    raw = {
        "x": frame(c1=["1", "2", "3"], c2=["a", "b", "a"], c3=["2025-02-01"] * 3, c4=["3.50", "4.20", "3.50"])
    }
    proposal = propose_map(raw)
    assert columns(proposal) == {"invoice_id": "c1", "customer_id": "c2", "issue_date": "c3", "amount": "c4"}
    assert "x: issue_date: no header says so; took 'c3' for its values" in proposal.unsure


def test_what_is_missing_is_said_and_stops_the_map() -> None:
    raw = {
        "invoices": frame(
            Invoice_no=["1", "2"], Customer=["a", "a"], Amount=["3.50", "4.50"], Note=["x", "y"]
        )
    }
    proposal = propose_map(raw)
    assert proposal.missing == ("invoices: issue_date: no column was found for it",)
    assert "# issue_date = ?  # date of the invoice" in proposal.toml
    with pytest.raises(ColumnMapError, match="no header given for issue_date"):
        ColumnMap.load(tomllib.loads(proposal.toml))


def test_tables_of_no_use_are_left_out_and_named() -> None:
    proposal = propose_map({"export": pd.DataFrame(SETTLED), "weather": frame(sky=["blue"], wind=["west"])})
    assert "weather: left out; its columns (sky, wind) fit no table" in proposal.unsure
    lost = propose_map({"weather": frame(sky=["blue"], wind=["west"])})
    assert lost.missing == ("invoices: no table looks like one; found weather",)
    for raw in ({}, {"empty": pd.DataFrame({"_source": ["x"], "_line": [2]})}):
        with pytest.raises(LedgerError, match="no table with columns"):
            propose_map(raw)


def test_two_years_of_one_table_share_a_role() -> None:
    other = {("Bill number" if name == "Bill no" else name): cells for name, cells in SETTLED.items()}
    proposal = propose_map({"2024": pd.DataFrame(SETTLED), "2025 [new]": pd.DataFrame(other)})
    section = tomllib.loads(proposal.toml)["tables"]["invoices"]
    assert section["source"] == ["2024", "2025 [[]new]"]
    assert section["columns"]["invoice_id"] == ["Bill no", "Bill number"]


def test_an_ageing_report_needs_its_day() -> None:
    report = {
        "Contact": ["a"],
        "Invoice Number": ["1"],
        "Invoice Date": ["2025-01-31"],
        "Due Date": ["2025-02-28"],
    }
    proposal = propose_map({"a": pd.DataFrame({**report, "Total": ["5.50"], "Currency": ["EUR"]})})
    assert (proposal.fits, proposal.shape) == ("xero_ageing", "ageing_detail")
    assert [sentence.split(":")[0] for sentence in proposal.unsure] == ["report_date"]
    assert "# report_date = ?" in proposal.toml


def test_frames_are_not_changed() -> None:
    raw = {"export": pd.DataFrame(SETTLED)}
    before = raw["export"].copy()
    propose_map(raw)
    pd.testing.assert_frame_equal(raw["export"], before)


def test_the_real_sample_fits_its_map(shared_data: Path) -> None:
    proposal = propose_map(read_source(shared_data / "ibm-ar" / "WA_Fn-UseC_-Accounts-Receivable.csv"))
    assert (proposal.fits, proposal.missing, proposal.unsure) == ("ibm_ar", (), ())


@pytest.mark.slow
@settings(deadline=None, max_examples=15)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=5, unique=True), st.text(min_size=1, max_size=8))
def test_any_headers_give_a_toml_file(headers: list[str], name: str) -> None:
    raw = read_source(
        {name: pd.DataFrame({header: ["1", "2", "3"] for header in [*SETTLED, *headers]} | SETTLED)}
    )
    proposal = propose_map(raw)
    assert tomllib.loads(proposal.toml)["shape"] == proposal.shape
    assert all("\n" not in sentence for sentence in (*proposal.missing, *proposal.unsure))
