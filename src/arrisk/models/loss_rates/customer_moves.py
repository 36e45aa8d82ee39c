"""What became of each customer's money month by month: what roll rates and chains are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from arrisk.errors import ModelError
from arrisk.ledger.days import dates, day_number, month_end, month_index
from arrisk.ledger.statements import KINDS
from arrisk.models.loss_rates.loss_counts import FOLLOWED_MONTHS, Unit, check_horizon
from arrisk.models.loss_rates.month_ends import Recoveries, recovered_shares
from arrisk.portfolio.customer_states import lift_transitions
from arrisk.portfolio.flow_cells import FlowCells, read_exact_flow_cells
from arrisk.portfolio.transitions import (
    WRITTEN_OFF,
    Transitions,
    destination_names,
    make_transitions,
    open_names,
    sum_transitions,
)

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = [
    "UNITS",
    "CustomerMoves",
    "Measure",
    "Odd",
    "balances_by_customer",
    "customer_ranges",
    "read_customer_moves",
    "sum_by_customer",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Measure = Literal["amount", "items"]
Odd = Literal["aged", "apart"]
MOVEMENTS_AT_ONCE = 2_000_000
"""Movements of customers read together: about 1 GB."""
UNITS: dict[Unit, str] = {
    "item": "items: each in its own bucket",
    "customer": "customers: all that one owes stands in its worst bucket",
}


@dataclass(frozen=True, slots=True, eq=False)
class CustomerMoves:
    """Transitions by customer over whole months, and what else the rates need.

    Attributes
    ----------
    customers : array of str, shape (customers,)
        All that ever owed anything, sorted.
    edges : tuple of int
        Days overdue at which a bucket ends.
    unit : {"item", "customer"}
        Whose state it is: see `lift_transitions`.
    month_ends : DatetimeIndex of length months
        Ends of the months in which money moved.
    found : Transitions
        `cell` is the place of the customer, `month` that of the month end; minor units.
    recovered : array of shape (customers,)
        Share of each customer's write-offs recovered by the as-of date.
    today : array of shape (customers, buckets)
        Owed at the as-of date, currency units, for the same unit.
    scale : int
        Minor units in a currency unit.
    undated : int
        Items without a due date.
    followed : array of bool, shape (customers, buckets)
        Whether the customer stood in the bucket at the start of a month that began the horizon or longer
        before the last month end.
    """

    customers: NDArray[Any]
    edges: tuple[int, ...]
    unit: Unit
    month_ends: pd.DatetimeIndex
    found: Transitions
    recovered: Floats
    today: Floats
    scale: int
    undated: int
    followed: NDArray[np.bool_]

    @property
    def buckets(self) -> int:
        """Number of buckets, "not due" included."""
        return len(self.edges) + 2

    def values(self, of: Measure) -> Floats:
        """Currency units or items of each transition."""
        if of not in get_args(Measure):
            raise ModelError(f"of={of!r}: allowed are {get_args(Measure)}")
        return self.found.amount / self.scale if of == "amount" else self.found.items.astype(float)

    def seen(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether customers stood in buckets at the start of a month, and lost from there on.

        Returns
        -------
        exposed, hit : arrays of shape (customers, buckets)
        """
        found, last = self.found, self.buckets - 1
        shape = (len(self.customers), self.buckets)
        stood, lost = _stood(found, np.ones(found.cell.size, dtype=bool), shape), np.zeros(shape, dtype=bool)
        gone = (found.destination == destination_names(self.edges).index(WRITTEN_OFF)) & (found.amount > 0)
        lost[found.cell[gone], np.minimum(found.origin[gone], last)] = True
        later = np.logical_or.accumulate(lost[:, ::-1], axis=1)[:, ::-1]
        return stood, stood & later

    def window(self) -> str:
        """The months in words."""
        first = self.month_ends[0].to_period("M").start_time - pd.Timedelta(days=1)
        return f"{first:%Y-%m-%d} to {self.month_ends[-1]:%Y-%m-%d}, {len(self.month_ends)} monthly moves"


def read_customer_moves(
    snapshot: Snapshot,
    months: int,
    edges: Sequence[int],
    unit: Unit = "item",
    disputes: Odd = "aged",
    no_due_date: Odd = "aged",
    by_month: bool = True,
    horizon: int = FOLLOWED_MONTHS,
    recoveries: Recoveries = "known",
) -> CustomerMoves:
    """Follow every item of every customer over the last whole months.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    months : int
        Months wanted; fewer when the ledger is younger. A month that has not ended is left out.
    edges : sequence of int
        Days overdue at which a bucket ends.
    unit : {"item", "customer"}
        States of items, or of customers: the whole balance of a customer stands in its worst bucket.
    disputes : {"aged", "apart"}
        Disputed items among the others by age, or in a state of their own.
    no_due_date : {"aged", "apart"}
        Items without a due date aged from their issue, or in a state of their own.
    by_month : bool
        Keep months apart; otherwise they are added up and all transitions are of month 0.

    Raises
    ------
    ModelError
        If the ledger has no whole month, or an argument is not allowed.
    """
    _check(months, edges, unit, disputes, no_due_date)
    check_horizon(horizon)
    ended = int(month_index([snapshot.day + 1])[0]) - 1
    now = int(month_index([snapshot.day])[0])
    first = max(ended - months + 1, int(month_index([day_number(snapshot.first_date)])[0]))
    if ended < first:
        raise ModelError("loss rates need a whole month of the ledger, there is none before its date")
    whole = ended - first + 1
    choices = _Choices(now - first + 1, whole, edges, unit, disputes, no_due_date, by_month, whole - horizon)
    parts = [_read_part(snapshot, choices, numbers) for numbers in customer_ranges(snapshot)]
    customers = np.concatenate([part.customers for part in parts])
    if not customers.size:
        raise ModelError("the snapshot holds no invoice")
    order = np.argsort(customers)
    customers = customers[order]
    return CustomerMoves(
        customers=customers,
        edges=tuple(edges),
        unit=unit,
        month_ends=pd.DatetimeIndex(dates(month_end(np.arange(first, ended + 1)))),
        found=_together(parts, np.argsort(order)),
        recovered=recovered_shares(snapshot, customers, recoveries),
        today=np.concatenate([part.today for part in parts])[order] / snapshot.scale,
        scale=snapshot.scale,
        undated=sum(part.undated for part in parts),
        followed=np.concatenate([part.followed for part in parts])[order],
    )


@dataclass(frozen=True, slots=True)
class _Choices:
    """Months to read, whole ones to keep, the arguments of `read_customer_moves`, and the last month whose
    start lies the horizon before the last month end.
    """

    months: int
    whole: int
    edges: Sequence[int]
    unit: Unit
    disputes: Odd
    no_due_date: Odd
    by_month: bool
    seasoned: int


@dataclass(frozen=True, slots=True)
class _Part:
    customers: NDArray[Any]
    found: Transitions
    today: Floats
    undated: int
    followed: NDArray[np.bool_]


def customer_ranges(snapshot: Snapshot) -> list[tuple[int, int]]:
    """Ranges of customers' numbers that each have about as many movements as fit into memory."""
    size = snapshot.query("SELECT COUNT(*) AS moves, MAX(customer) AS last FROM movements")
    moves, last = (int(size[name].fillna(0).iloc[0]) for name in ("moves", "last"))
    parts = min(1 + moves // MOVEMENTS_AT_ONCE, last + 1)
    bounds = np.linspace(0, last + 1, parts + 1).astype(int).tolist()
    return list(pairwise(bounds))


def _read_part(snapshot: Snapshot, choices: _Choices, numbers: tuple[int, int]) -> _Part:
    cells = read_exact_flow_cells(snapshot, choices.months, "customer_id", numbers)
    if choices.disputes == "aged" or choices.unit == "customer":
        cells = cells.without_disputes()
    undated = int(cells.items[~cells.dated & (cells.kind == KINDS["invoice"])].sum())
    if choices.no_due_date == "aged":
        cells = replace(cells, dated=np.ones_like(cells.dated))
    found = make_transitions(cells, choices.edges)
    if choices.unit == "customer":
        found = lift_transitions(found, choices.edges)
    kept = found.month < choices.whole
    found = Transitions(*(getattr(found, column.name)[kept] for column in fields(Transitions)))
    followed = _stood(found, found.month <= choices.seasoned, (len(cells.labels), len(choices.edges) + 2))
    if not choices.by_month:
        found = sum_transitions(replace(found, month=np.zeros_like(found.month)))
    today = balances_by_customer(cells, snapshot.day, choices.edges, choices.unit)
    return _Part(np.asarray(cells.labels, dtype=str), found, today, undated, followed)


def _stood(found: Transitions, rows: NDArray[np.bool_], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Whether customers had money in buckets at the start of a month in some transitions."""
    out = np.zeros(shape, dtype=bool)
    rows = rows & (found.origin < shape[1]) & (found.amount > 0)
    out[found.cell[rows], found.origin[rows]] = True
    return out


def _together(parts: Sequence[_Part], place: Ints) -> Transitions:
    """The transitions of all parts, customers in their places among all."""
    starts = np.cumsum([0, *(len(part.customers) for part in parts)])
    cells = [place[part.found.cell + start] for part, start in zip(parts, starts, strict=False)]
    others = {
        column.name: np.concatenate([getattr(part.found, column.name) for part in parts])
        for column in fields(Transitions)
    }
    return Transitions(**(others | {"cell": np.concatenate(cells)}))


def balances_by_customer(cells: FlowCells, day: int, edges: Sequence[int], unit: Unit) -> Floats:
    """Owed on the last day of cells by customer and bucket, minor units.

    Returns
    -------
    array of shape (customers, buckets)
        Items without a due date are aged from their issue.
    """
    buckets = len(edges) + 2
    bucket = np.searchsorted([0, *edges], day - cells.clock_day, side="left")
    flat = cells.cell * buckets + bucket
    out = np.zeros(len(cells.labels) * buckets, dtype=np.int64)
    np.add.at(out, flat, cells.amount)
    owed = out.reshape(-1, buckets)
    if unit == "customer":
        worst = buckets - 1 - np.argmax(owed[:, ::-1] != 0, axis=1)
        lifted = np.zeros_like(owed)
        lifted[np.arange(len(owed)), worst] = owed.sum(axis=1)
        owed = lifted
    return owed.astype(float)


def sum_by_customer(rows: Ints, columns: Ints, values: Floats, shape: tuple[int, int]) -> sparse.csr_array:
    """Sparse sums from triplets; entries of the same place add up."""
    return sparse.coo_array((values, (rows, columns)), shape=shape).tocsr()


def _check(months: int, edges: Sequence[int], unit: Unit, disputes: Odd, no_due_date: Odd) -> None:
    if months < 1:
        raise ModelError(f"months={months}: at least 1")
    if list(edges) != sorted(set(edges)) or not edges or edges[0] < 1:
        raise ModelError(f"edges must be increasing days of at least 1, got {tuple(edges)}")
    if unit not in get_args(Unit):
        raise ModelError(f"unit={unit!r}: allowed are {get_args(Unit)}")
    if disputes not in get_args(Odd) or no_due_date not in get_args(Odd):
        raise ModelError(f"disputes and no_due_date are one of {get_args(Odd)}")
    open_names(edges)
