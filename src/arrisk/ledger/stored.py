"""Ledgers kept in a folder, normalised: Parquet files and a few facts as JSON.

The engine reads relations from their files, so that a ledger larger than memory can be asked; the tables
themselves are loaded one by one when they are needed.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet

from arrisk.errors import LedgerError
from arrisk.ledger.book import Ledger, LedgerSize
from arrisk.ledger.engine import Engine, open_engine
from arrisk.ledger.quarantine import LedgerChecks, reasons_table
from arrisk.ledger.relations import RELATIONS, make_relation

__all__ = ["open_ledger", "store_ledgers"]

FACTS, FORMAT = "ledger.json", 2
TABLES = ("items", "events", "customers", "orders", "limits", "signals", "recoveries", "quarantine")
KEPT_AS_RELATIONS = ("movements", "spells")
ORDER = {
    "items": ["invoice_id", "instalment"],
    "customers": ["customer_id"],
    "orders": ["order_date", "customer_id"],
    "limits": ["valid_from", "customer_id"],
    "signals": ["date"],
}
NUMBERS = ("item", "invoice", "event", "customer")
# Columns whose values hardly repeat: a dictionary of them only costs time.
MANY_VALUES = {"item", "customer", "event", "amount"}
GROUP_ROWS = 250_000


def store_ledgers(ledgers: Iterable[Ledger], folder: str | Path) -> Path:
    """Keep ledgers of different customers as one, in a folder.

    A ledger too large to be normalised at once is stored from parts of it: each part has customers, and so
    invoices, of its own. What concerns no customer, as some signals do, belongs into one of them.

    Parameters
    ----------
    ledgers : iterable of Ledger
        In one currency; they are taken one after the other.
    folder : str or Path
        Made anew; a ledger stored there before is replaced. Nothing is left there if anything fails.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    LedgerError
        If there is no ledger, currencies differ, or the folder holds something else.
    """
    target = Path(folder)
    if target.exists() and not (target / FACTS).is_file() and any(target.iterdir()):
        raise LedgerError(f"{target} holds something else than a ledger; give a new folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as room:
        new, old = Path(room) / "new", Path(room) / "old"
        new.mkdir()
        with ExitStack() as files:
            facts = _write_parts(ledgers, _Files(new, files))
        (new / FACTS).write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")
        if target.exists():
            os.replace(target, old)
        os.replace(new, target)
        shutil.rmtree(old, ignore_errors=True)
    return target


def open_ledger(folder: str | Path, engine: str | Engine = "duckdb") -> Ledger:
    """Open a ledger kept by `Ledger.store`.

    Parameters
    ----------
    folder : str or Path
    engine : str or Engine

    Raises
    ------
    LedgerError
        If there is no ledger in the folder, or it was kept by another version.

    Examples
    --------
    >>> import tempfile, arrisk as ar
    >>> invoices = pd.DataFrame({"invoice_id": ["1"], "customer_id": ["c"],
    ...     "issue_date": ["2025-01-01"], "amount": [5.0]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kept = ar.read_ledger({"invoices": invoices}, currency="EUR").store(folder + "/book")
    ...     open_ledger(kept).as_of("2025-01-31").open_balance
    5.0
    """
    place = Path(folder)
    try:
        facts = json.loads((place / FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LedgerError(f"no ledger is stored in {place}: {FACTS} is missing or cannot be read") from error
    if facts.get("format") != FORMAT:
        raise LedgerError(
            f"the ledger in {place} has format {facts.get('format')}; this version reads {FORMAT}"
        )
    tables = _StoredTables(place, facts["types"], facts["parts"])
    checks = LedgerChecks(tables["checks"], reasons_table(tables["quarantine"]), tuple(facts["notes"]))
    relations = {name: _path(place, "relations", name) for name in RELATIONS}
    size = LedgerSize(**facts["size"])
    return Ledger(facts["currency"], tables, size, checks, open_engine(engine), relations)


def _path(folder: Path, room: str, name: str) -> Path:
    return folder / room / f"{name}.parquet"


class _StoredTables(Mapping[str, pd.DataFrame]):
    """Tables of a stored ledger, each loaded when it is asked for."""

    def __init__(self, folder: Path, types: Mapping[str, Mapping[str, str]], parts: int) -> None:
        self._folder, self._types, self._parts = folder, types, parts
        self._loaded: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._loaded:
            room = "relations" if name in KEPT_AS_RELATIONS else "tables"
            table = parquet.read_table(_path(self._folder, room, name))
            columns = {c: _column(table[c], kind) for c, kind in self._types[name].items()}
            frame = pd.DataFrame(columns, index=pd.RangeIndex(len(table)))
            self._loaded[name] = self._in_order(name, frame)
        return self._loaded[name]

    def _in_order(self, name: str, frame: pd.DataFrame) -> pd.DataFrame:
        """Parts stand one after the other; so some tables must be put in order again."""
        if self._parts == 1 or name not in ORDER:
            return frame
        return frame.sort_values(ORDER[name], kind="stable", ignore_index=True)

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)


def _column(values: pa.ChunkedArray, kind: str) -> Any:
    """A column of the type that it had in memory."""
    if kind == "Int64":
        whole = values.cast(pa.int64())
        return pd.arrays.IntegerArray(
            pc.fill_null(whole, 0).to_numpy().copy(), pc.is_null(whole).to_numpy().astype(bool)
        )
    if kind == "object":
        return values.to_numpy().astype(object)
    return values.to_numpy().astype(kind)


class _Files:
    """The Parquet files of a ledger being written: opened with the first part, closed by the stack."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._writers: dict[str, parquet.ParquetWriter] = {}
        self.types: dict[str, dict[str, str]] = {}

    def add_frame(self, name: str, frame: pd.DataFrame, shift: Mapping[str, int]) -> None:
        """Add rows of a table."""
        self.types.setdefault(name, {str(c): str(kind) for c, kind in frame.dtypes.items()})
        table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
        self._write("tables", name, table, shift)

    def add_relation(self, name: str, table: pa.Table, shift: Mapping[str, int]) -> None:
        """Add rows of a relation, by the day on which they were known within the part."""
        self._write("relations", name, table, shift)

    def _write(self, room: str, name: str, table: pa.Table, shift: Mapping[str, int]) -> None:
        key = f"{room}/{name}"
        table = _shifted(table, shift)
        if key not in self._writers:
            path = _path(self._folder, room, name)
            path.parent.mkdir(exist_ok=True)
            texts = [f.with_type(pa.string()) if pa.types.is_null(f.type) else f for f in table.schema]
            repeated = [f.name for f in texts if f.name not in MANY_VALUES]
            writer = parquet.ParquetWriter(
                path, pa.schema(texts), compression="snappy", use_dictionary=repeated
            )
            self._writers[key] = self._stack.enter_context(writer)
        writer = self._writers[key]
        writer.write_table(table.select(writer.schema.names).cast(writer.schema), row_group_size=GROUP_ROWS)


def _shifted(table: pa.Table, shift: Mapping[str, int]) -> pa.Table:
    """Numbers of a part moved beyond those of the parts before; what is negative names nothing."""
    for name, by in shift.items():
        if by and name in table.column_names:
            place, values = table.column_names.index(name), table[name]
            moved = pc.add(values, pa.scalar(by, values.type))
            names = pc.greater_equal(values, pa.scalar(0, values.type))
            table = table.set_column(place, table.schema.field(place), pc.if_else(names, moved, values))
    return table


def _write_parts(ledgers: Iterable[Ledger], files: _Files) -> dict[str, Any]:
    """Write ledger after ledger; return the facts of all."""
    sizes: list[LedgerSize] = []
    notes: dict[str, None] = {}
    checks: list[pd.DataFrame] = []
    shift, currency = dict.fromkeys(NUMBERS, 0), ""
    for ledger in ledgers:
        if sizes and ledger.currency != currency:
            raise LedgerError(f"ledgers in {currency} and {ledger.currency} cannot be stored as one")
        currency = ledger.currency
        _write_part(ledger, files, shift)
        shift = {name: by + _count(ledger, name) for name, by in shift.items()}
        sizes.append(ledger.size)
        checks.append(ledger.checks.table)
        notes |= dict.fromkeys(ledger.checks.notes)
    if not sizes:
        raise LedgerError("there is no ledger to store")
    files.add_frame("checks", _added_up(checks), {})
    totals = {name: sum(getattr(size, name) for size in sizes) for name in LedgerSize._fields[:4]}
    days = {"first_day": min(s.first_day for s in sizes), "last_day": max(s.last_day for s in sizes)}
    facts = {"format": FORMAT, "currency": currency, "parts": len(sizes), "size": totals | days}
    return facts | {"notes": list(notes), "types": files.types}


def _write_part(ledger: Ledger, files: _Files, shift: Mapping[str, int]) -> None:
    for name in TABLES:
        files.add_frame(name, ledger.tables[name], shift)
    for name in RELATIONS:
        table = make_relation(name, ledger)
        if name in KEPT_AS_RELATIONS:
            frame = getattr(ledger, name)
            files.types.setdefault(name, {str(c): str(kind) for c, kind in frame.dtypes.items()})
        if name == "movements":
            event = pa.array(ledger.movements["event"], pa.int32(), from_pandas=True)
            table = table.append_column("event", event).sort_by(RELATIONS[name].since)
        files.add_relation(name, table, shift)


def _count(ledger: Ledger, name: str) -> int:
    """How many numbers of items, invoices, events or customers a ledger uses up."""
    table = {"item": "items", "invoice": "items", "event": "events", "customer": "customers"}[name]
    return int(ledger.tables[table][name].max()) + 1 if len(ledger.tables[table]) else 0


def _added_up(checks: list[pd.DataFrame]) -> pd.DataFrame:
    if len(checks) == 1:
        return checks[0]
    keys = ["table", "currency"]
    return pd.concat(checks).groupby(keys, sort=False, dropna=False, as_index=False).sum()
