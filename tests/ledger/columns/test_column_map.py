# ruff: noqa: E501
from __future__ import annotations

import pandas as pd
import pytest

from arrisk.errors import ColumnMapError
from arrisk.ledger.columns.column_map import ColumnMap, did_you_mean, header_key, shipped_maps
from arrisk.ledger.columns.roles import CODES, FIELDS, NEEDED_ROLES
from arrisk.ledger.shapes import apply_map
from arrisk.ledger.tables import TABLES, required

SHIPPED = (
    "arrisk", "dynamics365", "erpnext", "ibm_ar", "odoo", "payment_date", "quickbooks_ageing", "sap_items", "xero_ageing",
)  # fmt: skip


def small(**changes):
    form = {
        "name": "ours",
        "shape": "tables",
        "tables": {
            "invoices": {
                "source": "inv*",
                "columns": {
                    "invoice_id": "No",
                    "customer_id": "Cust",
                    "issue_date": "Day",
                    "amount": ["Amt", "Value"],
                },
            }
        },
    }
    return {**form, **changes}


def frame(name: str = "inv", **columns: list[str]) -> pd.DataFrame:
    out = pd.DataFrame(columns)
    return out.assign(_source=name, _line=range(2, len(out) + 2))


def test_the_maps_that_are_shipped_are_these_and_load():
    assert tuple(shipped_maps()) == SHIPPED
    for name, title in shipped_maps().items():
        column_map = ColumnMap.load(name)
        assert column_map.name == name
        assert column_map.title == title
        assert set(NEEDED_ROLES[column_map.shape]) <= set(column_map.tables)
        assert set(column_map.codes) == set(CODES[column_map.shape])


@pytest.mark.parametrize("name", SHIPPED)
def test_a_map_changed_by_its_owner_is_not_the_one_loaded_next(name):
    mine, shipped = ColumnMap.load(name), ColumnMap.load(name)
    for table in mine.tables.values():
        table.columns.clear()
        table.defaults["currency"] = "XXX"
    mine.options["currency"] = "XXX"
    mine.codes.clear()
    mine.tables.clear()
    assert ColumnMap.load(name) == shipped != mine


@pytest.mark.parametrize("name", SHIPPED)
def test_no_header_of_a_role_means_two_fields(name):
    for role, table in ColumnMap.load(name).tables.items():
        seen: dict[str, str] = {}
        for field, headers in table.columns.items():
            for header in headers:
                other = seen.setdefault(header_key(header), field)
                allowed = name == "payment_date" and {other, field} == {"issue_date", "recorded_date"}
                assert other == field or allowed, f"{name} {role}: {header} is {other} and {field}"


def test_our_own_map_knows_every_column_of_every_table():
    tables = ColumnMap.load("arrisk").tables
    assert set(tables) == set(TABLES)
    for name, columns in TABLES.items():
        assert set(tables[name].columns) == set(columns)
        for field in columns:
            assert tables[name].columns[field][0] == field


def test_every_shape_has_a_shipped_map_and_knows_its_fields():
    assert {ColumnMap.load(name).shape for name in SHIPPED} == set(FIELDS)
    assert set(FIELDS) == set(CODES) == set(NEEDED_ROLES)
    assert all(FIELDS["tables"][name][field].required for name in TABLES for field in required(name))


def test_a_map_of_ones_own_loads_from_a_file(tmp_path):
    path = tmp_path / "ours.toml"
    path.write_text(
        'name = "ours"\nshape = "tables"\n[options]\nday_first = true\n[tables.invoices]\nsource = "inv*"\n'
        '[tables.invoices.columns]\ninvoice_id = "No"\ncustomer_id = "Cust"\nissue_date = "Day"\namount = "Amt"\n',
        encoding="utf-8",
    )
    column_map = ColumnMap.load(path)
    raw = {"inv": frame(No=["1"], Cust=["c"], Day=["05/04/2023"], Amt=["10.50"])}
    shaped = apply_map(column_map, raw, {"currency": "EUR"})
    row = shaped.tables["invoices"].iloc[0]
    assert (row["amount"], row["issue_date"]) == (1050, pd.Timestamp("2023-04-05"))
    assert ColumnMap.load(str(path)) == column_map == ColumnMap.load(column_map)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shape": "tabels"}, "shape = 'tabels': did you mean 'tables'"),
        ({"shpe": "tables"}, "unknown key 'shpe': did you mean 'shape'"),
        ({"options": {"dayfirst": True}}, "unknown option 'dayfirst': did you mean 'day_first'"),
        ({"options": {"day_first": "yes"}}, "day_first = 'yes' is not of type bool"),
        ({"options": {"currency": True}}, "currency = True is not of type str"),
        ({"codes": {"paymnt": ["x"]}}, "unknown key 'paymnt': did you mean 'payment'"),
        ({"codes": {"payment": 3}}, "must be a text or a list of texts"),
        ({"tables": {}}, "no .tables.<role>. section"),
        ({"tables": {"invoice": {}}}, "did you mean 'invoices'"),
        ({"tables": {"invoices": 3}}, "must be a section"),
        ({"tables": {"invoices": {"columns": {"custmer_id": "x"}}}}, "did you mean 'customer_id'"),
        (
            {"tables": {"invoices": {"columns": {"invoice_id": "x"}}}},
            "no header given for customer_id, issue_date, amount",
        ),
        ({"tables": {"invoices": {"sources": "x"}}}, "did you mean 'source'"),
        ({"tables": 3}, "must be a section"),
    ],
)
def test_a_map_that_is_not_of_the_form_is_refused_with_a_hint(changes, said):
    with pytest.raises(ColumnMapError, match=said):
        ColumnMap.load(small(**changes))


def test_unknown_names_and_broken_files_are_refused(tmp_path):
    with pytest.raises(
        ColumnMapError, match=r"no column map 'sapitems': did you mean 'sap_items'.*shipped: arrisk"
    ):
        ColumnMap.load("sapitems")
    with pytest.raises(ColumnMapError, match="no column map at"):
        ColumnMap.load(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("name = ", encoding="utf-8")
    with pytest.raises(ColumnMapError, match="is not TOML"):
        ColumnMap.load(broken)
    broken.write_bytes(b"\xff\xfe\x00binary")
    with pytest.raises(ColumnMapError, match="cannot read the column map"):
        ColumnMap.load(broken)


def test_headers_match_without_case_spaces_underscores_and_units_in_brackets():
    raw = {"inv": frame(**{" NO ": ["1"], "cust": ["c"], "ＤＡＹ": ["2024-01-31"], "Value（元）": ["7"]})}
    shaped = apply_map(ColumnMap.load(small()), raw, {"currency": "CNY"})
    assert shaped.tables["invoices"]["amount"].tolist() == [700]


def test_a_missing_required_header_is_named_with_what_was_found_and_a_hint():
    raw = {"inv": frame(No=["1"], Custt=["c"], Day=["2024-01-31"], Amt=["7"])}
    with pytest.raises(
        ColumnMapError, match=r"customer_id .looked for Cust.: did you mean 'Custt'.*No, Custt, Day, Amt"
    ):
        apply_map(ColumnMap.load(small()), raw)


def test_no_source_for_a_needed_role_is_told_with_the_names_that_were_found():
    with pytest.raises(ColumnMapError, match=r"no source for 'invoices': looked for .*; found notes"):
        apply_map(ColumnMap.load("arrisk"), {"notes": frame("notes", Text=["hello"])})


def test_options_of_the_caller_are_checked_and_win():
    raw = {"inv": frame(No=["1"], Cust=["c"], Day=["05/04/2023"], Amt=["7"])}
    month_first = ColumnMap.load(small(options={"day_first": False}))
    assert apply_map(month_first, raw).tables["invoices"]["issue_date"][0] == pd.Timestamp("2023-05-04")
    shaped = apply_map(month_first, raw, {"day_first": True})
    assert shaped.tables["invoices"]["issue_date"][0] == pd.Timestamp("2023-04-05")
    with pytest.raises(ColumnMapError, match="unknown option 'dayfirst'"):
        apply_map(month_first, raw, {"dayfirst": True})


def test_did_you_mean_is_silent_when_nothing_is_near():
    assert did_you_mean("zzz", ["customer_id"]) == ""
