"""PostgreSQL: a ledger read from a real server, started for these tests and thrown away after them."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from arrisk.errors import LedgerError
from arrisk.ledger.sources.source import read_source
from arrisk.ledger.values.scalars import parse_dates, parse_money

psycopg = pytest.importorskip("psycopg")
pytestmark = pytest.mark.postgres

PASSWORD = "s3cret-word"


def _programs() -> Path | None:
    """Folder of the server's programs, by pg_config or where Debian puts them."""
    found = []
    if config := shutil.which("pg_config"):
        done = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        found.append(Path(done.stdout.strip()))
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if (folder / "initdb").exists()), None)


def _run(*command: str | Path) -> None:
    """Run a program of the server; as root, as the user postgres, for it refuses root."""
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    words = [*as_user, *map(str, command)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr + done.stdout


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server program on this machine (Debian: apt-get install postgresql)")
    if os.geteuid() == 0 and not shutil.which("runuser"):
        pytest.skip("PostgreSQL refuses to run as root, and there is no runuser to become another user")
    folder = Path(tempfile.mkdtemp(prefix="arrisk-pg-"))
    secret = folder / "password"
    secret.write_text(PASSWORD)
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        shutil.chown(secret, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data, log = folder / "data", folder / "log"
    pooled = ["-U", "arrisk", f"--pwfile={secret}", "-A", "scram-sha-256"]
    _run(programs / "initdb", "-D", data, "-E", "UTF8", "--locale=C", "--no-sync", *pooled)
    settings = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off"
    _run(programs / "pg_ctl", "-D", data, "-l", log, "-w", "-o", settings, "start")
    try:
        yield f"postgresql://arrisk:{PASSWORD}@127.0.0.1:{port}/postgres"
    finally:
        _run(programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)


TABLE = 'Rechnungen "25" 发票'
NAME = '"fin ""A"" x"."Rechnungen ""25"" 发票"'
SCHEMA = f"""
CREATE SCHEMA "fin ""A"" x";
CREATE TABLE {NAME} (
    "Invoice ""No"" x" text PRIMARY KEY, "客户" text, "issue" date, "due" date, "Amount" numeric(14, 2),
    "booked" timestamptz, "days" integer);
CREATE TABLE payments (id bigint, paid timestamp, amount numeric, note varchar(40), open boolean);
CREATE TABLE parts (id int, year int) PARTITION BY LIST (year);
CREATE TABLE parts_2024 PARTITION OF parts FOR VALUES IN (2024);
CREATE TABLE parts_2025 PARTITION OF parts FOR VALUES IN (2025);
CREATE MATERIALIZED VIEW "open items" AS SELECT 1 AS id, NULL::date AS due;
INSERT INTO parts VALUES (1, 2024), (2, 2025);
INSERT INTO payments VALUES (1, '2025-02-28 10:11:12', 10.005, NULL, true);
INSERT INTO payments VALUES (NULL, 'infinity', 'NaN', 'x', NULL);
INSERT INTO {NAME} VALUES ('A-3', NULL, '2025-02-02', 'infinity', 1, NULL, NULL);
"""
ROWS = [
    ("A'1; DROP TABLE x; --", '华东 "贸易"', dt.date(2025, 1, 31), dt.date(9999, 12, 31), Decimal("1234.50")),
    ("A-2", "O'Neill\\n", dt.date(2025, 2, 1), None, Decimal("-0.01")),
]


@pytest.fixture(scope="module")
def filled(address: str) -> str:
    with psycopg.connect(address) as connection:
        connection.execute(SCHEMA)
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {NAME} VALUES (%s, %s, %s, %s, %s, '2025-02-01 23:30+00', 7)", ROWS
            )
    return address


def check(frame: pd.DataFrame) -> None:
    assert frame.columns.tolist() == [
        'Invoice "No" x', "客户", "issue", "due", "Amount", "booked", "days", "_source", "_line",
    ]  # fmt: skip
    assert frame['Invoice "No" x'].tolist() == ["A-3", ROWS[0][0], "A-2"]
    assert frame["客户"].tolist() == [None, ROWS[0][1], ROWS[1][1]]
    assert frame["Amount"].tolist() == [Decimal("1.00"), Decimal("1234.50"), Decimal("-0.01")]
    assert frame["issue"].tolist() == [dt.date(2025, 2, 2), dt.date(2025, 1, 31), dt.date(2025, 2, 1)]
    assert frame["_line"].tolist() == [2, 3, 4]
    assert set(frame["_source"]) == {TABLE}
    assert parse_money(frame["Amount"], column="Amount", digits=2).values.tolist() == [100, 123450, -1]
    due = parse_dates(frame["due"], column="due")
    assert due.values.isna().all()
    assert due.sentinels == 2
    booked = parse_dates(frame["booked"], column="booked")
    assert booked.notes
    assert booked.values.notna().tolist() == [False, True, True]


def test_an_address_is_read(filled: str) -> None:
    tables = read_source(filled)
    assert sorted(tables) == [TABLE, "open items", "parts", "payments"]
    check(tables[TABLE])
    assert tables["parts"]["id"].tolist() == [1, 2]
    payments = tables["payments"]
    assert payments["id"].tolist() == [1, None]
    assert payments["open"].tolist() == [True, None]
    assert parse_dates(payments["paid"], column="paid").values.dt.strftime("%F").tolist()[0] == "2025-02-28"
    assert parse_dates(payments["paid"], column="paid").sentinels == 1
    money = parse_money(payments["amount"], column="amount", digits=2)
    assert money.detail.tolist() == ["finer than the minor unit: '10.005'", None]
    assert money.values.isna().all()


def test_a_connection_is_read_and_left_as_it_was(filled: str) -> None:
    from psycopg.rows import dict_row

    with psycopg.connect(filled, row_factory=dict_row) as connection:
        check(read_source(connection, patterns=["*发票*"])[TABLE])
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        connection.execute("CREATE TEMP TABLE invoices AS SELECT 7 AS id")
        assert read_source(connection, patterns=["invoices"])["invoices"]["id"].tolist() == [7]
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        assert connection.execute("SELECT id FROM invoices").fetchone() == {"id": 7}
        connection.rollback()


def test_names_may_carry_their_schema(filled: str) -> None:
    assert list(read_source(filled, patterns=["public.pay*"])) == ["payments"]
    with psycopg.connect(filled) as connection:
        connection.execute("CREATE SCHEMA other; CREATE TABLE other.payments (id int)")
        assert sorted(read_source(connection, patterns=["payments"])) == ["other.payments", "public.payments"]
        connection.rollback()


def test_what_cannot_be_read_is_told_without_the_password(filled: str) -> None:
    with pytest.raises(LedgerError, match=r"has no table named like limits; found: .*public\.payments"):
        read_source(filled, patterns=["limits"])
    for wrong in (filled.replace("arrisk:", "nobody:"), f"postgresql://arrisk:{PASSWORD}@127.0.0.1:1/x"):
        with pytest.raises(LedgerError, match="cannot read from PostgreSQL") as caught:
            read_source(wrong)
        assert PASSWORD not in str(caught.value)
        assert "\n" not in str(caught.value)
    with psycopg.connect(filled) as connection:
        with pytest.raises(psycopg.Error):
            connection.execute("SELECT nonsense")
        with pytest.raises(LedgerError, match="current transaction is aborted"):
            read_source(connection)
    with pytest.raises(LedgerError, match="the connection is closed"):
        read_source(connection)


def test_a_database_of_a_whole_system_must_be_narrowed(filled: str) -> None:
    with psycopg.connect(filled) as connection:
        for place in range(61):
            connection.execute(f"CREATE TEMP TABLE t{place} (id int)")
        with pytest.raises(LedgerError, match=r"has \d+ tables; name those of the ledger"):
            read_source(connection)
        assert list(read_source(connection, patterns=["t60"])) == ["t60"]
        connection.rollback()
