"""The ledger of the benchmark, kept in the folder for temporary files: made once, then opened.

Neither the sample nor its normal form is ever in memory as a whole: the sample is written in blocks of
customers, and normalised in parts of some blocks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.dataset as dataset
import pyarrow.parquet as parquet

from arrisk.ledger.assembly import build_ledger
from arrisk.ledger.book import Ledger
from arrisk.ledger.sample.generator import write_sample
from arrisk.ledger.stored import store_ledgers
from arrisk.ledger.tables import TABLES

BOOK = ("invoices", "events", "orders", "customers", "limits", "signals")
CUSTOMERS_IN_PART = 10_000


def sample_folder(invoices: int) -> Path:
    """The raw sample as Parquet."""
    folder = Path(tempfile.gettempdir()) / f"arrisk-bench-{invoices}"
    if not folder.exists():
        write_sample(folder, invoices=invoices, format="parquet")
    return folder


def stored_sample(invoices: int) -> Path:
    """The sample normalised and stored."""
    folder = Path(tempfile.gettempdir()) / f"arrisk-bench-{invoices}-stored"
    if not folder.exists():
        store_ledgers(_parts(sample_folder(invoices)), folder)
    return folder


def _parts(folder: Path) -> Iterator[Ledger]:
    names = np.sort(parquet.read_table(folder / "customers.parquet")["customer_id"].to_numpy())
    for start in range(0, len(names), CUSTOMERS_IN_PART):
        last = min(start + CUSTOMERS_IN_PART, len(names)) - 1
        tables = {name: _rows(folder, name, names[start], names[last], start == 0) for name in BOOK}
        yield build_ledger(tables, "EUR")


def _rows(folder: Path, name: str, first: str, last: str, is_first: bool) -> pd.DataFrame:
    """Typed rows of the customers between two; what concerns no customer goes with the first part."""
    who = pc.field("customer_id")
    mine = (who >= first) & (who <= last)
    chosen = (mine | who.is_null()) if is_first else mine
    table = dataset.dataset(folder / f"{name}.parquet").to_table(filter=chosen)
    return pd.DataFrame({c: _typed(table[c], TABLES[name][c].kind) for c in table.column_names})


def _typed(column: Any, kind: str) -> Any:
    if kind == "date":
        return column.to_numpy().astype("datetime64[s]")
    if kind == "money":
        missing = pc.is_null(column).to_numpy().astype(bool)
        minor = np.rint(np.nan_to_num(column.to_numpy().astype(float)) * 100).astype(np.int64)
        return pd.arrays.IntegerArray(minor, missing)
    if kind == "int":
        missing = pc.is_null(column).to_numpy().astype(bool)
        return pd.arrays.IntegerArray(pc.fill_null(column, 0).to_numpy().astype(np.int64), missing)
    return column.to_numpy().astype(float if kind == "number" else object)
