"""From sources of every kind to the same ledger."""

from __future__ import annotations

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from arrisk import read_ledger
from arrisk.errors import AmbiguityError, LedgerError

INVOICES = pd.DataFrame(
    {
        "invoice_id": ["R-1", "R-2", "R-3"],
        "customer_id": ["Köln AG", "客户二", "Köln AG"],
        "issue_date": ["2025-01-13", "2025-02-28", "2025-03-31"],
        "due_date": ["2025-02-12", None, "2025-04-30"],
        "amount": [1234.56, 50.0, -20.05],
    }
)
EVENTS = pd.DataFrame(
    {
        "invoice_id": ["R-1", "R-1"],
        "date": ["2025-02-03", "2025-02-20"],
        "kind": ["payment", "write_off"],
        "amount": [1000.0, 34.56],
    }
)
CHINESE = {
    "invoice_id": "发票号", "customer_id": "客户编号", "issue_date": "开票日期", "due_date": "到期日",
    "amount": "金额", "date": "日期", "kind": "类型",
}  # fmt: skip
OPEN = 229.95


def same(ledger):
    """All of it was read: the balance, the split of it, and no row set apart."""
    snapshot = ledger.as_of("2025-12-31")
    assert ledger.quarantine.empty
    assert snapshot.open_balance == OPEN
    assert snapshot.items["open_amount"].tolist() == [200.0, 50.0, -20.05]
    assert snapshot.items["customer_id"].tolist() == ["Köln AG", "客户二", "Köln AG"]
    assert snapshot.items["due_date"].isna().tolist() == [False, True, False]
    counts = ledger.checks.table.set_index("table")["rows_in"]
    assert (counts["invoices"], counts["events"]) == (3, 2)
    return True


def written(frame, decimal=".", names=None):
    text = frame.rename(columns=names or {}).astype(object)
    amount = (names or {}).get("amount", "amount")
    text[amount] = [
        f"{a:,.2f}".replace(",", "_").replace(".", decimal).replace("_", "." if decimal == "," else "")
        for a in frame["amount"]
    ]
    return text


@pytest.mark.parametrize(
    ("encoding", "decimal", "delimiter", "names"),
    [
        ("utf-8", ".", ",", {}),
        ("utf-8-sig", ",", ";", {}),
        ("gbk", ".", ",", CHINESE),
        ("utf-8-sig", ".", "\t", CHINESE),
    ],
    ids=["plain", "decimal comma, BOM", "GBK in Chinese", "tabs in Chinese"],
)
def test_text_files(tmp_path, encoding, decimal, delimiter, names):
    for name, frame in (("invoices", INVOICES), ("events", EVENTS)):
        frame = frame.replace("Köln AG", "Koeln AG") if encoding == "gbk" else frame
        path = tmp_path / f"{name}.csv"
        written(frame, decimal, names).to_csv(path, index=False, sep=delimiter, encoding=encoding)
    ledger = read_ledger(tmp_path, currency="EUR", control={"2025-12-31": OPEN})
    if encoding == "gbk":
        assert ledger.as_of("2025-12-31").items["customer_id"].tolist() == ["Koeln AG", "客户二", "Koeln AG"]
        assert ledger.as_of("2025-12-31").open_balance == OPEN
    else:
        assert same(ledger)


def typed_frames():
    dated = {"issue_date": "datetime64[s]", "due_date": "datetime64[s]"}
    return {"invoices": INVOICES.astype(dated), "events": EVENTS.astype({"date": "datetime64[s]"})}


def test_excel(tmp_path):
    path = tmp_path / "book.xlsx"
    with pd.ExcelWriter(path) as book:
        for name, frame in typed_frames().items():
            frame.to_excel(book, sheet_name=name, index=False)
    assert same(read_ledger(path, currency="EUR"))


def test_parquet(tmp_path):
    for name, frame in typed_frames().items():
        frame.to_parquet(tmp_path / f"{name}.parquet")
    assert same(read_ledger(tmp_path, currency="EUR"))


def test_frames_of_pandas_and_arrow_and_polars():
    assert same(read_ledger(typed_frames(), currency="EUR"))
    tables = {
        name: pa.Table.from_pandas(frame, preserve_index=False) for name, frame in typed_frames().items()
    }
    assert same(read_ledger(tables, currency="EUR"))
    polars = pytest.importorskip("polars", reason="the extra [polars] is not installed")
    assert same(read_ledger({n: polars.from_arrow(t) for n, t in tables.items()}, currency="EUR"))


def test_a_duckdb_connection():
    with duckdb.connect(":memory:") as connection:
        for name, frame in typed_frames().items():
            connection.register("given", frame)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
            connection.unregister("given")
        assert same(read_ledger(connection, currency="EUR"))


def test_a_control_total_that_does_not_tie_names_the_difference():
    with pytest.raises(LedgerError, match=r"is 229\.95 EUR, the control total 230\.00: difference -0\.05"):
        read_ledger(typed_frames(), currency="EUR", control={"2025-12-31": "230.00"})


def test_dates_with_two_readings_are_asked_about():
    frame = INVOICES.assign(issue_date=["01/02/2025", "03/04/2025", "05/06/2025"], due_date=None)
    with pytest.raises(AmbiguityError, match="day_first"):
        read_ledger({"invoices": frame}, currency="EUR")
    day = read_ledger({"invoices": frame}, currency="EUR", day_first=True).as_of("2025-12-31").items
    month = read_ledger({"invoices": frame}, currency="EUR", day_first=False).as_of("2025-12-31").items
    assert day["issue_date"].dt.month.tolist() == [2, 4, 6]
    assert month["issue_date"].dt.month.tolist() == [1, 3, 5]


def test_an_amount_with_two_readings_is_asked_about(tmp_path):
    written(INVOICES).assign(amount=["1.234", "5.678", "9.012"]).to_csv(
        tmp_path / "invoices.csv", index=False
    )
    with pytest.raises(AmbiguityError, match="decimal"):
        read_ledger(tmp_path, currency="EUR")
    assert read_ledger(tmp_path, currency="EUR", decimal=",").as_of("2025-12-31").open_balance == 15924


def test_rules_and_reading_options_go_where_they_belong():
    early = EVENTS.assign(date="2025-01-01", customer_id="x")
    with pytest.raises(LedgerError, match="precede their invoice"):
        read_ledger({"invoices": INVOICES, "events": early}, currency="EUR", prepayments="error")
    with pytest.raises(LedgerError, match="prepayment"):
        read_ledger({"invoices": INVOICES, "events": early}, currency="EUR", prepayment="keep")


def test_the_frames_of_the_caller_stay_as_they_were():
    frames = typed_frames()
    copies = {name: frame.copy(deep=True) for name, frame in frames.items()}
    assert same(read_ledger(frames, currency="EUR"))
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, copies[name])


def test_of_a_database_only_the_tables_of_the_map_are_read():
    import duckdb

    connection = duckdb.connect(":memory:")
    connection.sql("CREATE TABLE payroll AS SELECT 1 AS secret")
    connection.sql(
        "CREATE TABLE invoices AS SELECT '1' AS invoice_id, 'c' AS customer_id, "
        "DATE '2025-01-31' AS issue_date, 100.00 AS amount"
    )
    ledger = read_ledger(connection, currency="EUR")
    connection.close()
    assert ledger.quarantine.empty
    assert ledger.as_of("2025-01-31").open_balance == 100
