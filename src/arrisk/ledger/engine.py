"""The engines that collapse a ledger: the one module that knows DuckDB and Spark.

Statements are written once, in the part of DuckDB's SQL that other engines share (see `statements`), and
translated by sqlglot where the engine speaks another dialect. Everything an engine returns is small.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pandas as pd
import pyarrow as pa
import sqlglot

from arrisk.errors import LedgerError

__all__ = ["DuckDBEngine", "Engine", "SparkEngine", "open_engine", "translate"]


class Engine(Protocol):
    """What a ledger needs of an engine: four methods."""

    def register(self, name: str, source: pa.Table | Path) -> None:
        """Make a table, or a Parquet file, known under a name; what had the name before is forgotten."""

    def fetch(self, sql: str) -> pd.DataFrame:
        """Run a statement whose result is small."""

    def write(self, sql: str, path: Path) -> None:
        """Run a statement and write its result as Parquet."""

    def close(self) -> None:
        """Release what the engine holds."""


# Groups of whole numbers in a known range are added up in an array, and not in a hash table, up to 2 to this
# power of them: enough for three sides, ten years of days and ten of months.
SETTINGS = {"perfect_ht_threshold": 22, "temp_directory": str(Path(tempfile.gettempdir()) / "arrisk-spill")}
MANY_ROWS = 1_000  # a table of the engine's own costs some milliseconds, and pays off from here


@cache
def _database() -> Any:
    return duckdb.connect(":memory:", config=SETTINGS)


class DuckDBEngine:
    """The embedded engine, used unless a study says otherwise.

    Parameters
    ----------
    memory_limit : str, optional
        Such as "4GB"; beyond it the engine spills to the folder for temporary files.
    threads : int, optional
        Number of threads; all cores by default.
    hold : bool
        Copy what is registered as a file into a table of the engine's own, once; statements are then several
        times faster, as long as the tables fit into memory.
    """

    def __init__(
        self, memory_limit: str | None = None, threads: int | None = None, hold: bool = False
    ) -> None:
        self._hold = hold
        given = {"memory_limit": memory_limit, "threads": threads}
        config = {name: value for name, value in given.items() if value is not None}
        # Opening a database costs far more than connecting to one; a connection's tables are its own.
        self._connection = (
            duckdb.connect(":memory:", config=SETTINGS | config) if config else _database().cursor()
        )
        self._made: dict[str, str] = {}

    def register(self, name: str, source: pa.Table | Path) -> None:
        """Make an Arrow table, or a Parquet file, known under a name.

        A large table is copied, because the engine adds up its own tables several times faster.
        """
        self._connection.unregister(name)
        if name in self._made:
            self._connection.execute(f"DROP {self._made.pop(name)} {name}")
        if isinstance(source, Path):
            text = str(source).replace("'", "''")
            self._make("TABLE" if self._hold else "VIEW", name, f"read_parquet('{text}')")
        elif source.num_rows < MANY_ROWS:
            self._connection.register(name, source)
        else:
            self._connection.register(f"{name}_given", source)
            self._make("TABLE", name, f"{name}_given")
            self._connection.unregister(f"{name}_given")

    def _make(self, kind: str, name: str, source: str) -> None:
        self._connection.execute(f"CREATE TEMP {kind} {name} AS SELECT * FROM {source}")
        self._made[name] = kind

    def fetch(self, sql: str) -> pd.DataFrame:
        """Run a statement and return its (small) result."""
        return _small(self._connection.sql(sql).to_arrow_table())

    def write(self, sql: str, path: Path) -> None:
        """Run a statement and write its result as one Parquet file."""
        target = str(path).replace("'", "''")
        self._connection.execute(f"COPY ({sql}) TO '{target}' (FORMAT parquet)")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class SparkEngine:
    """The same statements on Spark (extra [spark], Java 17).

    Parameters
    ----------
    session : pyspark.sql.SparkSession, optional
        An existing session; by default a local one is started and stopped with the engine.
    """

    def __init__(self, session: Any = None) -> None:
        self._own = session is None
        self._session = session if session is not None else _local_spark()

    def register(self, name: str, source: pa.Table | Path) -> None:
        """Make an Arrow table, or a Parquet file, known under a name."""
        session = self._session
        there = isinstance(source, Path)
        frame = session.read.parquet(str(source)) if there else session.createDataFrame(source)
        frame.createOrReplaceTempView(name)

    def fetch(self, sql: str) -> pd.DataFrame:
        """Translate a statement, run it, and return its (small) result."""
        return _small(self._session.sql(translate(sql, "spark")).toArrow())

    def write(self, sql: str, path: Path) -> None:
        """Run a statement and write its result as a folder of Parquet files."""
        self._session.sql(translate(sql, "spark")).write.parquet(str(path))

    def close(self) -> None:
        """Stop the session if the engine started it."""
        if self._own:
            self._session.stop()


def _local_spark() -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise LedgerError(
            "the Spark engine needs the extra: pip install 'arrisk[spark]' and Java 17"
        ) from error
    return (
        SparkSession.builder.master("local[2]")
        .appName("arrisk")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.ansi.enabled", "true")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .getOrCreate()
    )


def _small(table: Any) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas(types_mapper=_nullable_integers)
    return frame


def _nullable_integers(kind: pa.DataType) -> Any:
    """Whole numbers stay whole when some are missing."""
    return pd.Int64Dtype() if pa.types.is_integer(kind) else None


def translate(sql: str, dialect: str) -> str:
    """Translate a portable statement into another engine's dialect.

    Examples
    --------
    >>> translate("SELECT CAST(SUM(amount) AS BIGINT) AS amount FROM movements", "spark")
    'SELECT CAST(SUM(amount) AS BIGINT) AS amount FROM movements'
    """
    return str(sqlglot.transpile(sql, read="duckdb", write=dialect)[0])


def open_engine(name: str | Engine = "duckdb") -> Engine:
    """Open an engine by name, or pass one through.

    Raises
    ------
    LedgerError
        If the name is unknown, or the engine is not installed.

    Examples
    --------
    >>> engine = open_engine("duckdb")
    >>> int(engine.fetch("SELECT 1 AS one")["one"].iloc[0])
    1
    >>> engine.close()
    """
    if not isinstance(name, str):
        return name
    makers = {"duckdb": DuckDBEngine, "spark": SparkEngine}
    if name not in makers:
        raise LedgerError(f"unknown engine {name!r}; allowed: {', '.join(makers)}")
    engine: Engine = makers[name]()
    return engine
