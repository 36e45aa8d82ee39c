"""The rows behind each cell of a provision: open items, sums by customer, and what each customer adds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from arrisk.errors import RunError
from arrisk.models.loss_rates.month_ends import bucket_labels
from arrisk.report.evidence.recipes import Recipe
from arrisk.report.evidence.rows import CHUNK_ROWS, Column, write_rows

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.loss_rates.loss_counts import LossCounts
    from arrisk.models.provision.provision import Provision

__all__ = ["CellItems", "cell_items", "write_customers", "write_items", "write_secured", "write_sums"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
ITEM_COLUMNS = (
    Column("segment", pa.string()),
    Column("bucket", pa.string()),
    Column("customer_id", pa.string()),
    Column("invoice_id", pa.string()),
    Column("instalment", pa.int64()),
    Column("issue_date", pa.date32()),
    Column("due_date", pa.date32()),
    Column("days_overdue", pa.int64()),
    Column("amount", pa.float64()),
    Column("open_amount", pa.float64()),
    Column("judged_by_itself", pa.bool_()),
)
SUM_COLUMNS = (
    Column("segment", pa.string()),
    Column("customer_id", pa.string()),
    Column("sum", pa.string()),
    Column("period", pa.string()),
    Column("value", pa.float64()),
)


@dataclass(frozen=True, slots=True, eq=False)
class CellItems:
    """Open items owed, in the order of their cells.

    Attributes
    ----------
    place : array of int, shape (open items,)
        Rows of `Snapshot.items`, by cell and then as they stand there.
    cell : array of int, shape (open items,)
        Segment times number of buckets plus bucket.
    days : array of int, shape (open items,)
        Days since the due date, or since the issue date of items without one.
    owner : array of int, shape (open items,)
        Place of the customer in the counts.
    totals : array of int, shape (segments, buckets)
        Owed in each cell, minor units.
    """

    place: Ints
    cell: Ints
    days: Ints
    owner: Ints
    totals: Ints


def cell_items(snapshot: Snapshot, counts: LossCounts) -> CellItems:
    """Find the open items behind each balance, and hold them to it to the minor unit.

    Raises
    ------
    RunError
        If the items of a cell do not add up to its balance, or an item belongs to no known customer.
    """
    items = snapshot.items
    owed = items["open_amount"].to_numpy(dtype=float)
    rows = np.flatnonzero((owed != 0) & (items["amount"].to_numpy(dtype=float) > 0))
    # Column by column: a selection of columns would copy the whole book.
    found = pd.DataFrame({c: items[c].iloc[rows] for c in ("customer_id", "issue_date", "days_overdue")})
    since_issue = (snapshot.date - found["issue_date"]).dt.days.to_numpy(dtype=float)
    overdue = found["days_overdue"].to_numpy(dtype=float)
    days = np.where(np.isnan(overdue), since_issue, overdue).astype(np.int64)
    owner = pd.Index(counts.customers).get_indexer(found["customer_id"].astype(str))
    if (owner < 0).any():
        stray = items["invoice_id"].iloc[rows[owner < 0][0]]
        raise RunError(f"invoice {stray!r} belongs to a customer that the loss rates do not know")
    bucket = np.searchsorted([0, *counts.edges], days, side="left")
    if counts.unit == "customer":
        worst = np.zeros(counts.customers.size, dtype=bucket.dtype)
        np.maximum.at(worst, owner, bucket)
        bucket = worst[owner]
    cell = counts.segment[owner] * counts.buckets + bucket
    order = np.argsort(cell, kind="stable")
    minor = np.rint(owed[rows] * snapshot.scale).astype(np.int64)
    totals = np.zeros((len(counts.segments), counts.buckets), dtype=np.int64)
    np.add.at(totals.reshape(-1), cell, minor)
    _tie(totals, counts, snapshot.scale)
    return CellItems(rows[order], cell[order], days[order], owner[order].astype(np.int64), totals)


def write_items(folder: Path, snapshot: Snapshot, provision: Provision, found: CellItems) -> str:
    """Write the open items behind each cell; see `write_rows`."""
    counts, judged = provision.historical.counts, provision.assessed.inside
    segments = np.repeat(np.array(counts.segments, dtype=object), counts.buckets)
    buckets = np.tile(np.array(bucket_labels(counts.edges), dtype=object), len(counts.segments))
    kept = ["customer_id", "invoice_id", "instalment", "issue_date", "due_date", "amount", "open_amount"]
    items = snapshot.items

    def chunks() -> Iterator[pd.DataFrame]:
        for start in range(0, found.place.size, CHUNK_ROWS):
            part = slice(start, start + CHUNK_ROWS)
            rows = pd.DataFrame({name: items[name].iloc[found.place[part]] for name in kept})
            rows = rows.reset_index(drop=True)
            for name in ("customer_id", "invoice_id"):
                rows[name] = rows[name].astype(str)
            for name in ("issue_date", "due_date"):
                rows[name] = rows[name].dt.date
            cells = found.cell[part]
            yield rows.assign(
                segment=segments[cells],
                bucket=buckets[cells],
                days_overdue=found.days[part],
                judged_by_itself=judged[found.owner[part]],
            )

    return write_rows(folder, "items_behind_balances", ITEM_COLUMNS, chunks(), found.place.size)


def write_sums(folder: Path, counts: LossCounts, recipe: Recipe) -> str:
    """Write every sum that is not zero by customer; see `find_recipe` and `write_rows`."""
    terms = recipe.terms
    names = np.array([t.name for t in terms], dtype=object)
    periods = np.array([t.period for t in terms], dtype=object)
    segments = np.array(counts.segments, dtype=object)
    sums = counts.terms.tocsr()
    step = max(1, CHUNK_ROWS // max(len(terms), 1))

    def chunks() -> Iterator[pd.DataFrame]:
        for start in range(0, counts.customers.size, step):
            part = sums[start : start + step].tocoo()
            order = np.lexsort((part.col, part.row))
            order = order[part.data[order] != 0]
            row, column = part.row[order] + start, part.col[order]
            yield pd.DataFrame(
                {
                    "segment": segments[counts.segment[row]],
                    "customer_id": counts.customers[row].astype(object),
                    "sum": names[column],
                    "period": periods[column],
                    "value": part.data[order].astype(float),
                }
            )

    return write_rows(folder, "sums_by_customer", SUM_COLUMNS, chunks(), int(np.count_nonzero(sums.data)))


def write_customers(folder: Path, provision: Provision) -> str:
    """Write what each customer owes by bucket and what is provided for it; see `Provision.by_customer`."""
    counts, told = provision.historical.counts, provision.by_customer
    names = [f"owed {label}" for label in bucket_labels(counts.edges)]
    texts, flags = ("segment", "customer_id"), ("assessed",)
    figures = [str(c) for c in told.columns if c not in (*texts, *flags)]
    columns = [
        *(Column(name, pa.string()) for name in texts),
        *(Column(name, pa.float64()) for name in (*names, *figures)),
        *(Column(name, pa.bool_()) for name in flags),
    ]
    place = pd.Index(counts.customers).get_indexer(told["customer_id"].astype(str))

    def chunks() -> Iterator[pd.DataFrame]:
        for start in range(0, len(told), CHUNK_ROWS):
            part = slice(start, start + CHUNK_ROWS)
            rows = told.iloc[part].reset_index(drop=True)
            rows = rows.assign(**{name: rows[name].astype(str) for name in texts})
            yield rows.join(pd.DataFrame(counts.today[place[part]], columns=names))

    return write_rows(folder, "customers", columns, chunks(), len(told))


def write_secured(folder: Path, provision: Provision) -> str:
    """Write what enhancements take over of each customer and bucket, in present worth and not rounded."""
    counts, secured = provision.historical.counts, provision.secured
    scale, labels = provision.diagnostics["scale"], np.array(bucket_labels(counts.edges), dtype=object)
    figures = {"covered": secured.covered, "integral": secured.integral, "apart": secured.separate}
    names = ("segment", "customer_id", "bucket")
    columns = [Column(n, pa.string()) for n in names] + [Column(n, pa.float64()) for n in figures]
    row, bucket = np.nonzero(secured.covered)
    segments = np.array(counts.segments, dtype=object)

    def chunks() -> Iterator[pd.DataFrame]:
        for start in range(0, row.size, CHUNK_ROWS):
            r, b = (part[start : start + CHUNK_ROWS] for part in (row, bucket))
            words = (segments[counts.segment[r]], counts.customers[r].astype(object), labels[b])
            money = {name: values[r, b] / scale for name, values in figures.items()}
            yield pd.DataFrame(dict(zip(names, words, strict=True)) | money)

    return write_rows(folder, "secured_by_customer", columns, chunks(), row.size)


def _tie(totals: Ints, counts: LossCounts, scale: int) -> None:
    wanted = np.rint(counts.balances() * scale).astype(np.int64)
    wrong = np.argwhere(totals != wanted)
    if len(wrong):
        s, b = wrong[0]
        raise RunError(
            f"the open items of segment {counts.segments[s]!r}, {bucket_labels(counts.edges)[b]} add up to "
            f"{totals[s, b] / scale:,.2f}, the balance provided for is {wanted[s, b] / scale:,.2f}: the "
            "provision was made of another ledger or day"
        )
