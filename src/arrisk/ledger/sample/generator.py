"""The sample ledger: a book of trade receivables whose truth is known.

`make_sample` returns it as frames, `write_sample` as a folder with a study. The process that writes it is
documented in `Truth`; `make_latent` returns what a ledger never shows (latent risk, insolvency dates, the
day of payment without a discount), for tests of what a model recovers.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet

from arrisk.errors import LedgerError
from arrisk.ledger.sample.book import Process, draw_book
from arrisk.ledger.sample.offers import write_offers
from arrisk.ledger.sample.payment import make_clock
from arrisk.ledger.sample.study import MARKER, dirty_lines, sample_study
from arrisk.ledger.sample.tables import book_tables, customer_tables, oldest_debt
from arrisk.ledger.sample.truth import BASE_TRUTH, Industry, Segment, Truth
from arrisk.ledger.sample.world import Calendar, Customers, Ints, draw_customers, make_calendar

__all__ = ["BASE_TRUTH", "Industry", "Segment", "Truth", "make_latent", "make_sample", "write_sample"]

BLOCK = 1_000  # customers drawn together; part of the definition of a sample, not a tuning knob
INVOICES_PER_CUSTOMER = 60
FEWEST_CUSTOMERS = 20
BOOKS = ("invoices", "events", "orders")
TABLES = (*BOOKS, "customers", "limits", "signals")
STUDY_FILE = "study.toml"

Format = Literal["csv", "parquet"]


@dataclass(frozen=True, slots=True)
class _World:
    """A drawn world: everything but the books, and the seeds of the books' blocks."""

    truth: Truth
    seed: int
    calendar: Calendar
    customers: Customers
    counts: Ints
    tables: dict[str, pa.Table]
    seeds: list[np.random.SeedSequence]


def make_sample(
    invoices: int = 12_000, seed: int = 20251231, customers: int | None = None, truth: Truth = BASE_TRUTH
) -> dict[str, pd.DataFrame]:
    """Make a ledger of trade receivables whose truth is known.

    Parameters
    ----------
    invoices : int
        Number of invoices issued up to the end, credits included.
    seed : int
        Root of all random draws; the same seed gives the same ledger.
    customers : int, optional
        Number of customers; by default one for 60 invoices and at least 20.
    truth : Truth
        The process; see there for what is true of the ledger.

    Returns
    -------
    dict of str to DataFrame
        The canonical tables ``invoices``, ``events``, ``orders``, ``customers``, ``limits``, ``signals``:
        clean, dates as datetime64 and money in euros. Nothing in them was booked after ``truth.end``.

    Raises
    ------
    LedgerError
        If a number is not positive.

    Examples
    --------
    >>> tables = make_sample(invoices=500, seed=1)
    >>> len(tables["invoices"]), tables["events"]["date"].max() <= pd.Timestamp("2025-12-31")
    (500, True)
    """
    return _collect(_draw_world(invoices, seed, customers, truth), TABLES)


def make_latent(
    invoices: int = 12_000, seed: int = 20251231, customers: int | None = None, truth: Truth = BASE_TRUTH
) -> dict[str, pd.DataFrame]:
    """Return what the ledger of the same arguments does not show.

    Returns
    -------
    dict of str to DataFrame
        ``latent_customers``: customer_id, risk (z), size, habit (days), run (0 pays on any day, 1 to 5 on
        Monday to Friday, 6 at month end), frailty (log-hazard), terms (days), recovery (share without
        security), friend (offered a discount by the salespeople), default_date, distress_from, distress_to.
        ``latent_invoices``: invoice_id, usual_date (day of payment without discount and insolvency), taken
        (the discount), due_date.

    Examples
    --------
    >>> latent = make_latent(invoices=500, seed=1)
    >>> len(latent["latent_invoices"])
    500
    """
    return _collect(_draw_world(invoices, seed, customers, truth), ("latent_customers", "latent_invoices"))


def write_sample(
    folder: str | os.PathLike[str],
    invoices: int = 12_000,
    seed: int = 20251231,
    format: Format = "csv",
    customers: int | None = None,
    truth: Truth = BASE_TRUTH,
) -> Path:
    """Write a sample ledger, a study of it and some offers for it into a folder.

    The tables are those of `make_sample`. As CSV they carry a handful of rows that no ledger should hold
    (see the comment in the study), so that the quarantine has something to show; the control total in the
    study leaves those out. Files appear whole or not at all; an earlier sample in the folder is replaced.

    Parameters
    ----------
    folder : path
        Made when missing.
    invoices, seed, customers, truth
        See `make_sample`.
    format : {"csv", "parquet"}
        Parquet for large ledgers.

    Returns
    -------
    Path
        The study file.

    Raises
    ------
    LedgerError
        If the folder holds files of these names that are not a sample, or an argument is not allowed.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_sample(folder, invoices=300, seed=1).name
    'study.toml'
    """
    if format not in ("csv", "parquet"):
        raise LedgerError(f"format={format!r}; allowed: csv, parquet")
    target = Path(folder)
    _check_folder(target, format)
    world = _draw_world(invoices, seed, customers, truth)
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".sample-", dir=target) as building:
        balance, judged = _write_tables(world, Path(building), format)
        study = sample_study(truth.end, seed, balance, format == "csv", judged)
        (Path(building) / STUDY_FILE).write_bytes(study.encode())
        for file in sorted(Path(building).iterdir()):
            os.replace(file, target / file.name)
    write_offers(target, truth.end)
    return target / STUDY_FILE


def _draw_world(invoices: int, seed: int, customers: int | None, truth: Truth) -> _World:
    count = max(FEWEST_CUSTOMERS, round(invoices / INVOICES_PER_CUSTOMER)) if customers is None else customers
    for name, value, least in (("invoices", invoices, 1), ("customers", count, 1), ("seed", seed, 0)):
        if value < least:
            raise LedgerError(f"{name}={value!r}; allowed: whole numbers of at least {least}")
    economy, people, shares, papers, *blocks = np.random.SeedSequence(seed).spawn(4 + -(-count // BLOCK))
    calendar = make_calendar(truth, np.random.default_rng(economy))
    drawn = draw_customers(count, truth, calendar, np.random.default_rng(people))
    counts = _share_out(invoices, drawn, calendar, np.random.default_rng(shares))
    tables = customer_tables(drawn, counts, truth, calendar, np.random.default_rng(papers))
    return _World(truth, seed, calendar, drawn, counts, tables, blocks)


def _share_out(invoices: int, customers: Customers, calendar: Calendar, rng: np.random.Generator) -> Ints:
    """Number of invoices of each customer, in proportion to its weight and the sales of its time."""
    stop = np.minimum(customers.default, calendar.end + 1)
    sales = calendar.sold_before(customers.segment, stop)
    sales = sales - calendar.sold_before(customers.segment, customers.first)
    edges = np.cumsum(customers.weight * sales)
    owner = np.searchsorted(edges / edges[-1], rng.random(invoices), side="right")
    return np.bincount(owner, minlength=len(customers)).astype(np.int64)


def _draw_blocks(world: _World) -> Iterator[dict[str, pa.Table]]:
    """The books, one block of customers after the other."""
    process = Process(world.truth, world.calendar, make_clock(world.truth, world.calendar))
    offsets = dict.fromkeys(BOOKS, 0)
    for number, seed in enumerate(world.seeds):
        rows = slice(number * BLOCK, (number + 1) * BLOCK)
        block = world.customers.take(rows)
        rng = np.random.default_rng(seed)
        book = draw_book(block, world.counts[rows], process, rng)
        tables = book_tables(book, block, rows.start, offsets, world.truth)
        offsets = {name: offsets[name] + len(tables[name]) for name in BOOKS}
        yield tables


def _collect(world: _World, names: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    blocks = list(_draw_blocks(world))
    tables = {name: pa.concat_tables([b[name] for b in blocks]) for name in blocks[0] if name in names}
    tables |= {name: table for name, table in world.tables.items() if name in names}
    return {name: _typed(tables[name]).to_pandas() for name in names}


def _typed(table: pa.Table) -> pa.Table:
    """Money as floats and days as timestamps: what pandas and Parquet readers take without objects."""
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_decimal(column.type):
            # A cast of decimals to floats is not rounded to the nearest; a division of whole cents is.
            cents = pc.cast(pc.multiply(column, pa.scalar(100, pa.decimal128(3, 0))), pa.int64())
            column = pc.divide(pc.cast(cents, pa.float64()), 100.0)
        elif pa.types.is_date(column.type):
            column = pc.cast(column, pa.timestamp("us"))
        columns[name] = column
    return pa.table(columns)


def _check_folder(target: Path, format: Format) -> None:
    """Refuse to overwrite a ledger that is not a sample, and to mix two formats."""
    if target.exists() and not target.is_dir():
        raise LedgerError(f"{target} is a file, not a folder")
    other = "parquet" if format == "csv" else "csv"
    for name in TABLES:
        if (target / f"{name}.{other}").exists():
            raise LedgerError(f"{target} holds {name}.{other}; choose another folder or remove it first")
    taken = [f for f in (*(f"{n}.{format}" for n in TABLES), STUDY_FILE) if (target / f).exists()]
    if taken and not _is_sample(target / STUDY_FILE):
        raise LedgerError(f"{target} holds {taken[0]}, which is not of a sample; choose another folder")


def _is_sample(study: Path) -> bool:
    return study.is_file() and study.read_bytes().startswith(MARKER.encode())


def _write_tables(world: _World, folder: Path, format: Format) -> tuple[int, str | None]:
    """Write all tables; return the open balance at the end in cents, and who owes most that is old."""
    balance, last = 0, None
    oldest: list[tuple[int, str]] = []
    with ExitStack() as stack:
        writers: dict[str, Any] = {}
        thread = stack.enter_context(ThreadPoolExecutor(1))
        for tables in _draw_blocks(world):
            balance += _open_cents(tables)
            oldest += oldest_debt(tables, world.truth.end)
            if last is not None:
                last.result()
            last = thread.submit(_append, writers, {n: tables[n] for n in BOOKS}, folder, format, stack)
        if last is not None:
            last.result()
        _append(writers, {n: world.tables[n] for n in TABLES if n not in BOOKS}, folder, format, stack)
    if format == "csv":
        for name, lines in dirty_lines(folder).items():
            with open(folder / f"{name}.csv", "a", encoding="utf-8", newline="") as file:
                file.writelines(f"{line}\n" for line in lines)
    return balance, max(oldest)[1] if oldest else None


def _open_cents(tables: dict[str, pa.Table]) -> int:
    """What is owed less what settled it; recoveries settle nothing, they follow a write-off."""
    events = tables["events"]
    settled = events.filter(pc.not_equal(events["kind"], "recovery"))["amount"]
    total = [pc.sum(column).as_py() or 0 for column in (tables["invoices"]["amount"], settled)]
    return int((total[0] - total[1]) * 100)


def _append(
    writers: dict[str, Any], tables: dict[str, pa.Table], folder: Path, format: Format, stack: ExitStack
) -> None:
    for name, table in tables.items():
        table = _typed(table) if format == "parquet" else table
        if name not in writers:
            writers[name] = stack.enter_context(
                _writer(folder / f"{name}.{format}", table.schema, format, stack)
            )
        writers[name].write_table(table)


def _writer(path: Path, schema: pa.Schema, format: Format, stack: ExitStack) -> Any:
    """A writer of a table in parts; only names of customers ever need quotes."""
    if format == "parquet":
        return parquet.ParquetWriter(path, schema, compression="zstd")
    file = stack.enter_context(path.open("wb"))
    file.write((",".join(schema.names) + "\n").encode())
    if "name" in schema.names:
        return _QuotedCsv(file)
    options = arrow_csv.WriteOptions(include_header=False, quoting_style="none")
    return arrow_csv.CSVWriter(file, schema, write_options=options)


class _QuotedCsv:
    """A CSV writer that quotes where it must; slower than Arrow's, which quotes all texts or none."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def __enter__(self) -> _QuotedCsv:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def write_table(self, table: pa.Table) -> None:
        self.file.write(table.to_pandas().to_csv(index=False, header=False, lineterminator="\n").encode())
