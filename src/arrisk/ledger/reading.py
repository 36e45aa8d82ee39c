"""`read_ledger`: from a raw source to a checked ledger."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from arrisk.ledger.assembly import build_ledger
from arrisk.ledger.book import Ledger
from arrisk.ledger.checks import Rules
from arrisk.ledger.columns.column_map import ColumnMap
from arrisk.ledger.engine import Engine
from arrisk.ledger.shapes import apply_map
from arrisk.ledger.sources.databases import is_duckdb, is_postgres
from arrisk.ledger.sources.source import read_source

__all__ = ["read_ledger"]

_RULES = frozenset(Rules.__dataclass_fields__)


def read_ledger(
    source: Any,
    columns: str | Path | Mapping[str, Any] | ColumnMap = "arrisk",
    *,
    currency: str | None = None,
    control: Mapping[str, float | str] | None = None,
    engine: str | Engine = "duckdb",
    encoding: str | None = None,
    delimiter: str | None = None,
    **options: Any,
) -> Ledger:
    """Read a ledger from files, frames or a database.

    Parameters
    ----------
    source : path, list of paths, DataFrame, mapping of table name to frame, or connection
        CSV, Excel or Parquet files or a folder of them; pandas, polars or Arrow frames; a DuckDB or
        PostgreSQL connection, or a ``postgresql://`` address.
    columns : str, path, mapping or ColumnMap
        A shipped column map by name (``arrisk.shipped_maps()``), or one of your own.
    currency : str, optional
        Reporting currency (ISO 4217); by default the only one there is.
    control : mapping of date to balance, optional
        Control totals the open balance must tie to, to the minor unit.
    engine : {"duckdb", "spark"} or Engine
        What runs the statements.
    encoding, delimiter : str, optional
        Of text files; found out by default.
    **options
        The rules of `arrisk.Rules` (prepayments, unknown_customers, negative_invoices), and what a column map
        may also say: date_format, day_first, decimal, thousands, report_date, ...

    Returns
    -------
    Ledger

    Raises
    ------
    LedgerError
        If the source cannot be read or holds no usable invoice, or a control total does not tie.
    AmbiguityError
        If dates or amounts have two readings; the message names the option that decides.

    Examples
    --------
    >>> import pandas as pd
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["c", "c"],
    ...     "issue_date": ["2025-01-31", "2025-02-28"],
    ...     "due_date": ["2025-03-02", None], "amount": [100.0, 50.0]})
    >>> read_ledger({"invoices": invoices}, currency="EUR").as_of("2025-02-10").open_balance
    100.0
    """
    rules = Rules(**{k: v for k, v in options.items() if k in _RULES})
    reading = {k: v for k, v in options.items() if k not in _RULES}
    column_map = ColumnMap.load(columns)
    if currency is not None:
        reading["currency"] = currency
    encoding = encoding or column_map.options.get("encoding")
    delimiter = delimiter or column_map.options.get("delimiter")
    # A database holds much that is no ledger; of files and frames everything given is read.
    wanted = [name for table in column_map.tables.values() for name in table.source]
    patterns = wanted if is_duckdb(source) or is_postgres(source) else None
    raw = read_source(source, patterns=patterns, encoding=encoding, delimiter=delimiter)
    shaped = apply_map(column_map, raw, reading)
    del raw  # as large as the ledger
    ledger = build_ledger(
        shaped.tables,
        currency or column_map.options.get("currency"),
        rules,
        engine=engine,
        quarantine=shaped.quarantine,
        notes=shaped.notes,
    )
    for date, balance in (control or {}).items():
        ledger.tie_out(date, balance)
    return ledger
