"""Tables of databases, read whole: a DuckDB connection, a PostgreSQL connection or address."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from arrisk.errors import LedgerError
from arrisk.ledger.sources.frames import arrow_frame, header_names, with_lines

__all__ = ["is_duckdb", "is_postgres", "name_fits", "read_duckdb", "read_postgres"]

_MOST_TABLES = 60  # a database with more belongs to a whole system: its tables must be named
_POSTGRES_SCHEMES = ("postgresql://", "postgres://")
_POSTGRES_TABLES = """
    SELECT n.nspname, c.relname
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind::text = ANY(%(kinds)s) AND NOT c.relispartition
      AND n.nspname <> %(standard)s AND (n.nspname !~ %(system)s OR n.oid = pg_catalog.pg_my_temp_schema())
      AND pg_catalog.has_table_privilege(c.oid, %(right)s)
    ORDER BY n.nspname, c.relname
"""
_POSTGRES_VALUES = {
    "kinds": ["r", "p", "v", "m", "f"],  # tables, partitioned ones, views, materialised views, foreign tables
    "standard": "information_schema",
    "system": "^pg_",
    "right": "SELECT",
}


def name_fits(name: str, patterns: Sequence[str] | None) -> bool:
    """Tell whether a table, sheet or file is wanted: by its full name or a part of it, in any case.

    Examples
    --------
    >>> name_fits("finance.Invoices", ["*invoice*"]), name_fits("orders", ["finance.*"]), name_fits("x", None)
    (True, False, True)
    """
    if patterns is None:
        return True
    forms = {name, *name.split("/"), name.rsplit(".", 1)[-1]}
    return any(
        fnmatch.fnmatchcase(form.casefold(), pattern.casefold()) for form in forms for pattern in patterns
    )


def is_duckdb(source: object) -> bool:
    """Tell a DuckDB connection by its type, without importing DuckDB."""
    return type(source).__name__ == "DuckDBPyConnection"


def is_postgres(source: object) -> bool:
    """Tell a PostgreSQL address or a psycopg connection, without importing psycopg."""
    if isinstance(source, str):
        return source.startswith(_POSTGRES_SCHEMES)
    return any(kind.__module__.split(".")[0] == "psycopg" for kind in type(source).__mro__)


def read_duckdb(connection: Any, patterns: Sequence[str] | None = None) -> dict[str, pd.DataFrame]:
    """Read the tables and views of a DuckDB connection, registered frames among them.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Open; it is left open.
    patterns : sequence of str, optional
        Names of the tables wanted, with * and ?, also as schema.table.

    Returns
    -------
    dict of str to DataFrame
        By table name, or schema.table where a name occurs twice.

    Raises
    ------
    LedgerError
        If there is no such table, or the database fails.
    """
    with _told("DuckDB", "duckdb", "_duckdb"):
        listed = connection.sql(
            "SELECT table_catalog, table_schema, table_name FROM information_schema.tables ORDER BY ALL"
        ).fetchall()

        def read(path: tuple[str, ...]) -> pd.DataFrame:
            quoted = ".".join('"' + part.replace('"', '""') + '"' for part in path)
            return arrow_frame(connection.sql(f"SELECT * FROM {quoted}").to_arrow_table())

        return _read_wanted(listed, patterns, read, "the DuckDB database")


def read_postgres(source: Any, patterns: Sequence[str] | None = None) -> dict[str, pd.DataFrame]:
    """Read the tables and views of a PostgreSQL database that the user may read, all as of one moment.

    Parameters
    ----------
    source : str or psycopg.Connection
        A postgresql:// address, or an open connection, which is left open and in the state it was in.
    patterns : sequence of str, optional
        Names of the tables wanted, with * and ?, also as schema.table.

    Returns
    -------
    dict of str to DataFrame
        By table name, or schema.table where a name occurs twice. `_line` counts rows as the server gave them.

    Raises
    ------
    LedgerError
        If psycopg is not installed, the server does not answer, or there is no such table.
    """
    try:
        import psycopg
        from psycopg import sql
    except ImportError:
        raise LedgerError("reading PostgreSQL needs psycopg: pip install 'arrisk[postgres]'") from None
    label = "the PostgreSQL database"
    with _told("PostgreSQL", "psycopg", secret=_password(source)), _connected(source, psycopg) as connection:
        with _cursor(connection) as cursor:
            listed = cursor.execute(_POSTGRES_TABLES, _POSTGRES_VALUES).fetchall()

        def read(path: tuple[str, ...]) -> pd.DataFrame:
            with _cursor(connection) as cursor:
                cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(*path)))
                names = header_names([column.name for column in cursor.description or ()])
                rows = cursor.fetchall()
            columns = zip(*rows, strict=True) if rows else ([] for _ in names)
            series = {
                name: pd.Series(list(cells), dtype=object) for name, cells in zip(names, columns, strict=True)
            }
            return pd.DataFrame(series, columns=names)

        return _read_wanted(listed, patterns, read, label)


def _read_wanted(
    listed: Sequence[tuple[str, ...]],
    patterns: Sequence[str] | None,
    read: Callable[[tuple[str, ...]], pd.DataFrame],
    where: str,
) -> dict[str, pd.DataFrame]:
    """Read the tables that patterns name; qualify a name by its schema where it occurs twice."""
    wanted = [path for path in listed if name_fits(".".join(path[-2:]), patterns)]
    if not wanted:
        asked = f" named like {', '.join(patterns)}" if patterns and listed else ""
        found = ", ".join(".".join(path[-2:]) for path in listed[:20]) or "none"
        raise LedgerError(f"{where} has no table{asked}; found: {found}")
    if patterns is None and len(wanted) > _MOST_TABLES:
        raise LedgerError(
            f"{where} has {len(wanted)} tables; name those of the ledger, such as 'finance.invoices'"
        )
    tables = {}
    for depth in range(1, max(len(path) for path in wanted) + 1):
        counts = Counter(path[-depth:] for path in wanted)
        unique = [path for path in wanted if counts[path[-depth:]] == 1]
        for path in unique:
            name = ".".join(path[-depth:])
            tables[name] = with_lines(read(path), name)
        wanted = [path for path in wanted if path not in unique]
    return tables


@contextmanager
def _told(what: str, *modules: str, secret: str | None = None) -> Iterator[None]:
    """Tell the errors of a driver in one line, without the password."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.split(".")[0] not in modules:
            raise
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        said = said.replace(secret, "***") if secret else said
        raise LedgerError(f"cannot read from {what}: {said[:200]}") from None


def _password(source: Any) -> str | None:
    return urlsplit(source).password if isinstance(source, str) else None


@contextmanager
def _connected(source: Any, psycopg: Any) -> Iterator[Any]:
    """Open an address for reading, or use an open connection and end the transaction that reading began."""
    if isinstance(source, str):
        with psycopg.connect(source, connect_timeout=10) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            yield connection
        return
    idle = source.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    try:
        yield source
    finally:
        if idle and not source.autocommit and not source.closed:
            source.rollback()


def _cursor(connection: Any) -> Any:
    """Make a cursor that gives plain tuples, and the ends of the calendar for infinite dates."""
    from psycopg.rows import tuple_row

    cursor = connection.cursor(row_factory=tuple_row)
    for name, loader in _infinite_loaders().items():
        cursor.adapters.register_loader(name, loader)
    return cursor


def _infinite_loaders() -> dict[str, type[Any]]:
    """Loaders that read 'infinity', which Python's dates lack, as 9999-12-31: a stand-in for no date."""
    import datetime as dt

    from psycopg.types import datetime as types

    last, first = dt.datetime.max.replace(microsecond=0), dt.datetime.min

    def endless(base: Any) -> type[Any]:
        class Loader(base):  # type: ignore[misc]
            def load(self, data: Any) -> Any:
                if bytes(data) in (b"infinity", b"-infinity"):
                    return last if bytes(data) == b"infinity" else first
                return super().load(data)

        return Loader

    return {
        "date": endless(types.DateLoader),
        "timestamp": endless(types.TimestampLoader),
        "timestamptz": endless(types.TimestamptzLoader),
    }
