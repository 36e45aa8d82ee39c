"""Tables of an evidence pack as files, written in chunks: CSV that a spreadsheet opens, Parquet beyond it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from arrisk.report.workbook import DANGEROUS_STARTS

__all__ = ["CHUNK_ROWS", "SPREADSHEET_ROWS", "file_sha256", "write_frame", "write_rows"]

CHUNK_ROWS = 100_000
SPREADSHEET_ROWS = 1_000_000
CHUNK_BYTES = 1 << 20
STARTS = "^[" + "".join("\\" + c if c in "-+=@" else c for c in DANGEROUS_STARTS) + "]"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file: its name and what it holds."""

    name: str
    kind: pa.DataType


def write_rows(
    folder: Path, stem: str, columns: Sequence[Column], chunks: Iterable[pd.DataFrame], rows: int
) -> str:
    """Write the chunks of a table as one file and return its name.

    Parameters
    ----------
    folder : Path
    stem : str
        Name of the file without its ending.
    columns : sequence of Column
    chunks : iterable of DataFrame
        Each with these columns; one is held at a time.
    rows : int
        How many rows the chunks have together: up to `SPREADSHEET_ROWS` they go to CSV, in which text that a
        spreadsheet could run gets an apostrophe in front; more go to Parquet, as they are.

    Returns
    -------
    str
        The same chunks give the same bytes.
    """
    schema = pa.schema([(c.name, c.kind) for c in columns])
    as_csv = rows <= SPREADSHEET_ROWS
    name = f"{stem}.csv" if as_csv else f"{stem}.parquet"
    open_writer = csv.CSVWriter if as_csv else _parquet
    with (folder / name).open("wb") as stream, open_writer(stream, schema) as writer:
        for chunk in chunks:
            table = pa.Table.from_pandas(chunk, schema, preserve_index=False)
            writer.write_table(_neutral(table) if as_csv else table)
    return name


def write_frame(folder: Path, stem: str, frame: pd.DataFrame) -> str:
    """Write a small table whole; see `write_rows`."""
    texts = {str(c): _column(frame[c]) for c in frame.columns}
    columns = [Column(name, kind) for name, (kind, _) in texts.items()]
    whole = pd.DataFrame({name: values for name, (_, values) in texts.items()})
    return write_rows(folder, stem, columns, [whole], len(frame))


def file_sha256(path: Path) -> str:
    """SHA-256 of the bytes of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _parquet(stream: Any, schema: pa.Schema) -> Any:
    return parquet.ParquetWriter(stream, schema, compression="zstd", use_dictionary=True)


def _neutral(table: pa.Table) -> pa.Table:
    """The table with an apostrophe before texts that a spreadsheet could run (see `neutral`)."""
    for index, kind in enumerate(table.schema):
        if pa.types.is_string(kind.type):
            column = table.column(index)
            marked = pc.binary_join_element_wise("'", column, "")
            safe = pc.if_else(pc.match_substring_regex(column, STARTS), marked, column)
            table = table.set_column(index, kind, safe)
    return table


def _column(values: pd.Series[Any]) -> tuple[pa.DataType, pd.Series[Any]]:
    """How to keep a column of any frame: numbers and days as they are, all else as text."""
    if pd.api.types.is_bool_dtype(values):
        return pa.bool_(), values
    if pd.api.types.is_integer_dtype(values):
        return pa.int64(), values
    if pd.api.types.is_float_dtype(values):
        return pa.float64(), values
    if pd.api.types.is_datetime64_any_dtype(values):
        return pa.date32(), values.dt.date
    return pa.string(), values.astype(object).where(values.notna(), None).map(
        lambda v: v if v is None else str(v)
    )
