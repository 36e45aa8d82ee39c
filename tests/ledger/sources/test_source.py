"""Sources: files as they come, every row with its line, and one clear line for what cannot be read."""

from __future__ import annotations

import ast
import csv
import datetime as dt
import inspect
import io
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import duckdb
import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.errors import LedgerError
from arrisk.ledger.sources import databases, delimited, frames, workbooks
from arrisk.ledger.sources import source as sources
from arrisk.ledger.sources.delimited import decode, read_delimited
from arrisk.ledger.sources.source import read_source

KEYS = ["_source", "_line"]
TEXT = "发票号,客户,金额\nA-1,华东贸易有限公司,100.00\nA-2,深圳市喆兴电子,20.50\n"


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def one(source: object, **options: object) -> pd.DataFrame:
    tables = read_source(source, **options)
    assert len(tables) == 1
    return next(iter(tables.values()))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gbk", "gb18030", "utf-32"])
def test_encodings_are_found(tmp_path: Path, encoding: str) -> None:
    frame = one(write(tmp_path / "a.csv", TEXT, encoding))
    assert frame.columns.tolist() == ["发票号", "客户", "金额", *KEYS]
    assert frame["客户"].tolist() == ["华东贸易有限公司", "深圳市喆兴电子"]
    assert frame["金额"].tolist() == ["100.00", "20.50"]
    assert frame["_line"].tolist() == [2, 3]
    assert set(frame["_source"]) == {"a.csv"}


def test_western_files_are_not_taken_for_chinese(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Kunde,Ort\nMüller,Köln\nJürgen Groß,Düsseldorf\n", "cp1252")
    with pytest.raises(
        LedgerError, match=r"a\.csv is neither UTF-8 nor Chinese GB18030 \(byte 0xFC on line 2\)"
    ):
        read_source(path)
    assert one(path, encoding="cp1252")["Kunde"].tolist() == ["Müller", "Jürgen Groß"]


def test_a_word_of_chinese_that_is_valid_utf8_too(tmp_path: Path) -> None:
    frame = one(write(tmp_path / "a.csv", "id,name\n1,一一\n", "gbk"))
    assert frame["name"].tolist() == ["一一"]
    for text in ("Müller", "Иванов", "Ελλάδα", "café"):
        assert one(write(tmp_path / "b.csv", f"id,name\n1,{text}\n"))["name"].tolist() == [text]


def test_broken_utf8_is_not_taken_for_chinese(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT.encode() + b"A-3,\xff,3.00\n")
    with pytest.raises(LedgerError, match="is UTF-8 but for 1 broken bytes, the first byte 0xFF on line 4"):
        read_source(path)


def test_a_wrong_encoding_is_told() -> None:
    with pytest.raises(LedgerError, match="is not ascii"):
        decode("é".encode(), "a.csv", "ascii")
    with pytest.raises(LedgerError, match="unknown encoding 'klingon'"):
        decode(b"a", "a.csv", "klingon")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(tmp_path: Path, delimiter: str) -> None:
    text = delimiter.join(["id", "name", "amount"]) + "\n" + delimiter.join(["1", "a b", "2"]) + "\n"
    frame = one(write(tmp_path / "a.csv", text))
    assert frame.loc[0, ["id", "name", "amount"]].tolist() == ["1", "a b", "2"]


def test_decimal_commas_do_not_look_like_delimiters(tmp_path: Path) -> None:
    frame = one(write(tmp_path / "a.csv", "id;amount;paid\n1;10,50;2,00\n2;3,10;0,00\n"))
    assert frame["amount"].tolist() == ["10,50", "3,10"]
    frame = one(write(tmp_path / "b.csv", "id,amount\n1,5\n"), delimiter=";")
    assert frame["id,amount"].tolist() == ["1,5"]


def test_cells_stay_as_written_and_empty_is_none(tmp_path: Path) -> None:
    frame = one(write(tmp_path / "a.csv", "id,when,what\n007, 1.50 ,NA\n,nan,\n"))
    assert frame["id"].tolist() == ["007", None]
    assert frame["when"].tolist() == [" 1.50 ", "nan"]
    assert frame["what"].tolist() == ["NA", None]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_count_where_cells_run_over_several(tmp_path: Path, end: str) -> None:
    text = f'id,note{end}1,"two{end}lines ""quoted"""{end}{end}2,plain{end}3,"x"{end}'
    frame = one(write(tmp_path / "a.csv", text))
    assert frame["_line"].tolist() == [2, 5, 6]
    assert frame["note"].tolist() == [f'two{end}lines "quoted"', "plain", "x"]


@pytest.mark.parametrize("quote", ["", '"'])
def test_blank_lines_are_no_rows_and_count(tmp_path: Path, quote: str) -> None:
    text = f"\n\nid,note\n\n1,{quote}a{quote}\n\n,\n2,b\n\n"
    frame = one(write(tmp_path / "a.csv", text))
    assert frame["_line"].tolist() == [5, 8]
    assert frame["id"].tolist() == ["1", "2"]


def test_ragged_rows_are_marked_and_not_dropped(tmp_path: Path) -> None:
    text = "id,name,amount\n1,Smith, Ltd,5.00\n2,Jones,6.00\n3,short\n4,end,7.00,,\n"
    frame = one(write(tmp_path / "a.csv", text))
    assert frame["_line"].tolist() == [2, 3, 4, 5]
    assert frame["_reason"].tolist() == ["ragged_row", None, "ragged_row", None]
    assert frame["_detail"][0] == "4 cells under 3 headers: '1,Smith, Ltd,5.00'"
    assert frame["amount"].tolist() == [None, "6.00", None, "7.00"]
    assert frame["id"].tolist() == [None, "2", "3", "4"]


def test_a_stray_quote_spoils_one_row(tmp_path: Path) -> None:
    frame = one(write(tmp_path / "a.csv", 'id,name\n1,"ab"c\n2,5" pipe\n3,"d"\n'))
    assert frame["_line"].tolist() == [2, 3, 4]
    assert frame["_reason"].tolist() == ["ragged_row", None, None]
    assert "line 2 cannot be cut into cells" in frame["_detail"][0]
    assert frame["name"].tolist() == [None, '5" pipe', "d"]


def test_a_quote_that_never_closes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"a\.csv: the quote that opens on line 3 never closes"):
        read_source(write(tmp_path / "a.csv", 'id,name\n1,a\n2,"b\n3,c\n'))
    long = "\n".join(f"{place},c" for place in range(40_000))
    with pytest.raises(LedgerError, match="the quote that opens on line 3 never closes"):
        read_source(write(tmp_path / "b.csv", f'id,name\n1,a\n2,"b\n{long}\n'))


def test_quotes_after_a_blank(tmp_path: Path) -> None:
    frame = one(write(tmp_path / "a.csv", '"id", "name"\n"1", "a, b"\n'))
    assert frame[["id", "name"]].values.tolist() == [["1", "a, b"]]


def test_titles_above_the_header_are_kept_apart(tmp_path: Path) -> None:
    text = 'My Company,,,\nA/R Ageing Detail,,,\n"As of December 31, 2025",,,\n,,,\n'
    text += "Date,Num,Due date,Open\n1/15/2025,7,2/15/2025,9\n"
    frame = one(write(tmp_path / "a.csv", text))
    assert frame.columns.tolist() == ["Date", "Num", "Due date", "Open", *KEYS]
    assert frame["_line"].tolist() == [6]
    assert frame.attrs["preamble"] == ("My Company", "A/R Ageing Detail", "As of December 31, 2025")


def test_headers_are_named_apart(tmp_path: Path) -> None:
    frame = one(write(tmp_path / "a.csv", " Date ,,Date,x\ny\n1,2,3,4\n".replace("x\ny", '"x\ny"')))
    assert frame.columns.tolist() == ["Date", "column 2", "Date (2)", "x y", *KEYS]
    assert frame["_line"].tolist() == [3]


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    frame = one(write(tmp_path / "a.csv", "id,name\n"))
    assert frame.columns.tolist() == ["id", "name", *KEYS]
    assert len(frame) == 0


def test_fast_and_careful_reading_agree(tmp_path: Path) -> None:
    rows = [f"{place},name {place % 7},{'' if place % 5 else place / 4:}" for place in range(500)]
    plain = "id,name,amount\n" + "\n".join(rows) + "\n"
    quoted = plain.replace("id,name", '"id",name')
    fast = one(write(tmp_path / "a.csv", plain))
    slow = one(write(tmp_path / "b.csv", quoted))
    pd.testing.assert_frame_equal(fast.drop(columns="_source"), slow.drop(columns="_source"))


def book(path: Path, **sheets: list[list[object]]) -> Path:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        page = workbook.create_sheet(name)
        for row in rows:
            page.append(row)
    workbook.save(path)
    return path


def test_workbooks(tmp_path: Path) -> None:
    invoices = [
        ["Ageing"],
        [],
        ["Invoice", "Date", "Amount", None],
        ["A-1", dt.datetime(2025, 1, 31), 10.5, None],
        [],
        ["007", None, 3, "note"],
    ]
    path = book(
        tmp_path / "book.xlsx", Invoices=invoices, Empty=[], 收款=[["收款日期", "金额"], [45000, "12"]]
    )
    tables = read_source(path)
    assert list(tables) == ["book/Invoices", "book/收款"]
    frame = tables["book/Invoices"]
    assert frame.columns.tolist() == ["Invoice", "Date", "Amount", "column 4", *KEYS]
    assert frame["_line"].tolist() == [4, 6]
    assert frame["_source"].tolist() == ["book.xlsx[Invoices]"] * 2
    assert frame["Date"].tolist() == [dt.datetime(2025, 1, 31), None]
    assert frame["Amount"].tolist() == [10.5, 3]
    assert frame["column 4"].tolist() == [None, "note"]
    assert frame.attrs == {"kind": "workbook", "preamble": ("Ageing",)}
    assert list(read_source(path, sheet="收款")) == ["book/收款"]
    assert list(read_source(path, sheet=1)) == ["book/Invoices"]
    with pytest.raises(LedgerError, match="has no sheet 'x'; its sheets: Invoices, Empty, 收款"):
        read_source(path, sheet="x")


def test_parquet_keeps_whole_numbers_and_text(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "id": pd.array([2**60 + 1, None], dtype="Int64"),
            "name": ["a", None],
            "day": [dt.date(9999, 12, 31), None],
        }
    )
    frame.to_parquet(tmp_path / "a.parquet")
    read = one(tmp_path / "a.parquet")
    assert read["id"][0] == 2**60 + 1
    assert read["name"].tolist() == ["a", None]
    assert str(read["day"][0]) == "9999-12-31 00:00:00"
    assert read["_line"].tolist() == [2, 3]


def test_folders(tmp_path: Path) -> None:
    write(tmp_path / "invoices.csv", "id,amount\n1,2\n")
    write(tmp_path / "README.txt", "A note on these files.\n")
    write(tmp_path / "card.md", "# card\n")
    write(tmp_path / ".hidden.csv", "id,amount\n9,9\n")
    book(tmp_path / "more.xlsx", customers=[["id", "name"], [1, "a"]], other=[["x", "y"], [1, 2]])
    parts = tmp_path / "events"
    parts.mkdir()
    pq.write_table(pa.table({"id": [1, 2]}), parts / "part-0.parquet")
    pq.write_table(pa.table({"id": [3]}), parts / "part-1.parquet")
    (parts / "_SUCCESS").touch()
    tables = read_source(tmp_path)
    assert sorted(tables) == ["events", "invoices", "more/customers", "more/other"]
    assert tables["events"]["id"].tolist() == [1, 2, 3]
    assert tables["events"]["_source"].tolist() == ["events/part-0.parquet"] * 2 + ["events/part-1.parquet"]
    assert tables["events"]["_line"].tolist() == [2, 3, 2]
    assert list(read_source(tmp_path, patterns=["*CUSTOMER*", "inv*"])) == ["invoices", "more/customers"]
    with pytest.raises(LedgerError, match=r"no table named like limits; found: .*invoices\.csv, .*events"):
        read_source(tmp_path, patterns=["limits"])


def test_lists_globs_and_equal_names(tmp_path: Path) -> None:
    for year in ("2024", "2025"):
        (tmp_path / year).mkdir()
        write(tmp_path / year / "invoices.csv", f"id,year\n1,{year}\n")
        write(tmp_path / year / f"receipts {year}.tsv", f"id\tyear\n1\t{year}\n")
    tables = read_source([tmp_path / "2024" / "invoices.csv", str(tmp_path / "2025" / "invoices.csv")])
    assert [frame["year"].tolist() for frame in tables.values()] == [["2024"], ["2025"]]
    assert list(read_source(str(tmp_path / "*" / "*.tsv"))) == ["receipts 2024", "receipts 2025"]
    folders = read_source([tmp_path / "2024", tmp_path / "2025" / "receipts 2025.tsv"])
    assert list(folders) == ["invoices", "receipts 2024", "receipts 2025"]
    with pytest.raises(LedgerError, match="no file matches"):
        read_source(str(tmp_path / "*.nothing"))


MAKERS = {
    "pandas": lambda table: table.to_pandas(),
    "arrow table": lambda table: table,
    "arrow batch": lambda table: table.to_batches()[0],
    "arrow reader": lambda table: table.to_reader(),
    "polars": pl.from_arrow,
    "polars lazy": lambda table: pl.from_arrow(table).lazy(),
    "duckdb relation": lambda table: duckdb.connect().from_arrow(table),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_frames_of_any_library(make: Callable[[pa.Table], object]) -> None:
    table = pa.table({"id": [1, 2], "name": ["a", None], "day": [dt.date(2025, 1, 31), None]})
    for frame in (one(make(table)), read_source({"invoices": make(table)})["invoices"]):
        assert frame["id"].tolist() == [1, 2]
        assert frame["name"].isna().tolist() == [False, True]
        assert str(frame["day"].iloc[0])[:10] == "2025-01-31"
        assert frame["_line"].tolist() == [2, 3]


def test_the_frame_of_the_caller_is_left_alone() -> None:
    frame = pd.DataFrame({"id": [1, 2], "name": ["a", None]}, index=[9, 8])
    before = frame.copy()
    read = one(frame)
    read["id"] = 0
    read.loc[0, "name"] = "changed"
    pd.testing.assert_frame_equal(frame, before)


def test_index_names_and_earlier_lines_are_kept() -> None:
    frame = pd.DataFrame({"amount": [1]}, index=pd.Index(["A-1"], name="invoice"))
    assert one(frame).columns.tolist() == ["invoice", "amount", *KEYS]
    kept = one(pd.DataFrame({"a": [1], "_source": ["x.csv"], "_line": [77]}))
    assert kept[KEYS].values.tolist() == [["x.csv", 77]]


def test_duckdb_connections() -> None:
    connection = duckdb.connect()
    connection.execute(
        'CREATE SCHEMA "fi""n"; '
        'CREATE TABLE "fi""n"."In voices" (id INT, due DATE, amount DECIMAL(10, 2), who VARCHAR)'
    )
    connection.execute(
        """INSERT INTO "fi""n"."In voices" VALUES
        (1, DATE '2025-01-31', 1.25, '客户 "甲"'), (NULL, NULL, NULL, NULL)"""
    )
    connection.execute("CREATE TABLE events (id INT); CREATE SCHEMA b; CREATE TABLE b.events (id INT)")
    given_frame = pd.DataFrame({"x": [1]})
    connection.register("given", given_frame)
    tables = read_source(connection)
    assert sorted(tables) == ["In voices", "b.events", "given", "main.events"]
    frame = tables["In voices"]
    assert frame["who"].tolist() == ['客户 "甲"', None]
    assert frame["id"].isna().tolist() == [False, True]
    assert str(frame["amount"][0]) == "1.25"
    assert frame["_line"].tolist() == [2, 3]
    assert list(read_source(connection, patterns=["b.*"])) == ["events"]
    with pytest.raises(LedgerError, match=r"has no table named like nothing; found: b\.events"):
        read_source(connection, patterns=["nothing"])
    assert connection.execute("SELECT 1").fetchone() == (1,)
    connection.close()
    with pytest.raises(LedgerError, match="cannot read from DuckDB"):
        read_source(connection)


@pytest.mark.parametrize("module", [sources, delimited, workbooks, frames, databases])
def test_no_engine_is_imported_to_read(module: ModuleType) -> None:
    tree = ast.parse(inspect.getsource(module))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in names if name.split(".")[0] in ("duckdb", "polars", "sqlalchemy", "pyspark")}
    assert not [node for node in top if "psycopg" in ast.unparse(node)]


BAD = {
    "missing.csv": (None, "no file or folder at"),
    "empty.csv": (b"", "empty.csv is empty"),
    "blank.csv": (b" \n\n", "blank.csv is empty"),
    "bom.csv": (b"\xef\xbb\xbf", "bom.csv is empty"),
    "zip.csv": (b"PK\x03\x04rest", "zip.csv is a zip or Excel file, not a text file"),
    "binary.csv": (b"a,b\n\x00\x01\x02", "binary.csv is binary"),
    "noise.csv": (bytes(range(1, 256)), "neither UTF-8 nor"),
    "empty.xlsx": (b"", "empty.xlsx is empty"),
    "text.xlsx": (b"a,b\n1,2\n", "text.xlsx is not an Excel workbook, or is damaged"),
    "cut.xlsx": (b"PK\x03\x04rest", "cut.xlsx is not an Excel workbook, or is damaged"),
    "locked.xlsx": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest",
        "protected by a password or of the old .xls form",
    ),
    "old.xls": (b"\xd0\xcf\x11\xe0", "files ending in .xls are not read; save it as .xlsx or CSV"),
    "text.parquet": (b"a,b\n", "text.parquet is not a Parquet file, or is damaged"),
    "empty.parquet": (b"", "empty.parquet is not a Parquet file, or is damaged"),
    "picture.png": (b"\x89PNG", "files ending in .png are not read; allowed: .csv"),
    "a.csv.gz": (b"\x1f\x8b", "files ending in .gz are not read"),
}


@pytest.mark.parametrize("name", list(BAD))
def test_bad_files_give_one_clear_line(tmp_path: Path, name: str) -> None:
    content, words = BAD[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(LedgerError) as caught:
        read_source(tmp_path / name)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bad_folders_and_objects_give_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"no table in folder .*: found nothing; allowed: \.csv"):
        read_source(tmp_path)
    write(tmp_path / "notes.md", "x")
    with pytest.raises(LedgerError, match=r"found notes\.md"):
        read_source(tmp_path)
    (tmp_path / "old.xls").touch()
    with pytest.raises(LedgerError, match=r"cannot read old\.xls; save as"):
        read_source(tmp_path)
    for source in (7, None, b"x", object()):
        with pytest.raises(LedgerError, match=r"cannot read a ledger from a .*; allowed: a CSV"):
            read_source(source)
    for source in ({}, []):
        with pytest.raises(LedgerError, match="is empty; allowed"):
            read_source(source)
    with pytest.raises(LedgerError, match="'a' is a int, not a frame or a path"):
        read_source({"a": 7})
    with pytest.raises(LedgerError, match="a list may hold paths only"):
        read_source([pd.DataFrame()])
    with pytest.raises(LedgerError, match=r"empty\.xlsx has no rows"):
        read_source(book(tmp_path / "empty.xlsx", a=[], b=[]))
    with pytest.raises(LedgerError, match="delimiter"):
        read_source(write(tmp_path / "a.csv", "a,b\n"), delimiter=";;")


def test_the_real_sample_is_read_whole(shared_data: Path) -> None:
    path = shared_data / "ibm-ar" / "WA_Fn-UseC_-Accounts-Receivable.csv"
    frame = one(path)
    lines = path.read_bytes().decode("utf-8-sig").splitlines()
    assert len(frame) == len(lines) - 1
    assert frame["_line"].tolist() == list(range(2, len(lines) + 1))
    assert ",".join(frame.iloc[-1][:-2]) == lines[-1]


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters='\n,;"\t'), max_size=6)
chinese = st.text('发票号客户编一二三甲乙丙,"\n abc123', max_size=6)


def _file(rows: list[list[str]], end: str, header: str) -> tuple[str, list[int]]:
    """Text of a file, and the line on which each row begins."""
    lines, out = [], io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=end)
    for row in [header.split(), *rows]:
        lines.append(len(out.getvalue().replace(end, "\n").split("\n")))
        writer.writerow(row)
    return out.getvalue(), lines[1:]


@settings(deadline=None)
@given(st.lists(st.lists(texts, min_size=3, max_size=3).filter(any), max_size=8))
def test_rows_in_are_rows_out_with_their_lines(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    text, lines = _file(rows, "\n", "first second third")
    path = write(tmp_path_factory.mktemp("csv") / "a.csv", text)
    frame = read_delimited(path, delimiter=",", encoding="utf-8")
    assert frame[["first", "second", "third"]].values.tolist() == [
        [cell or None for cell in row] for row in rows
    ]
    assert frame["_line"].tolist() == lines


@settings(deadline=None)
@given(st.lists(st.lists(chinese, min_size=3, max_size=3).filter(any), min_size=1, max_size=8))
def test_every_encoding_reads_the_same(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    text, _ = _file(rows, "\r\n", "发票号 客户 金额")
    folder = tmp_path_factory.mktemp("csv")
    frames = [
        read_delimited(write(folder / "a.csv", text, code))
        for code in ("gbk", "utf-8-sig", "utf-8", "utf-16")
    ]
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(frame, frames[0])
