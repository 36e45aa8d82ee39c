"""The columns of an ageing: buckets of days between edges, and what has a column of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import LedgerError
from arrisk.ledger.statements import CREDIT, UNAPPLIED

__all__ = [
    "CREDITS",
    "NOT_DUE",
    "NO_DATE",
    "UNAPPLIED_CASH",
    "Clock",
    "Credits",
    "Level",
    "bucket_names",
    "column_names",
    "columns_of",
    "describe",
]

Clock = Literal["due", "issue"]
Credits = Literal["own_column", "oldest_first", "netted"]
Level = Literal["item", "customer"]
NOT_DUE, NO_DATE, CREDITS, UNAPPLIED_CASH = "not due", "no due date", "credits", "unapplied cash"


def bucket_names(edges: Sequence[int], clock: Clock = "due") -> list[str]:
    """Names of the age buckets between edges in days; an edge belongs to the bucket below it.

    Parameters
    ----------
    edges : sequence of int
        Last day of each bucket, increasing: (30, 60, 90) gives 1-30, 31-60, 61-90, over 90.
    clock : {"due", "issue"}
        Days since the due date (day 0 is not overdue), or since the invoice date (day 0 counts).

    Raises
    ------
    LedgerError
        If the edges are not increasing positive whole numbers.

    Examples
    --------
    >>> bucket_names((30, 60))
    ['1-30', '31-60', 'over 60']
    """
    whole = [int(e) for e in edges]
    if (
        not whole
        or whole != sorted(set(whole))
        or whole[0] < 1
        or any(e != w for e, w in zip(edges, whole, strict=True))
    ):
        raise LedgerError(f"edges {tuple(edges)}: give increasing whole days, such as (30, 60, 90)")
    if clock not in ("due", "issue"):
        raise LedgerError(f"clock {clock!r}: allowed are 'due' and 'issue'")
    starts = [1 if clock == "due" else 0, *[e + 1 for e in whole]]
    return [f"{a}-{b}" for a, b in zip(starts, whole, strict=False)] + [f"over {whole[-1]}"]


def column_names(edges: Sequence[int], clock: Clock) -> list[str]:
    """All columns of an ageing, in order: not due, the buckets, no due date, credits, unapplied cash."""
    first = [NOT_DUE] if clock == "due" else []
    last = [NO_DATE] if clock == "due" else []
    return [*first, *bucket_names(edges, clock), *last, CREDITS, UNAPPLIED_CASH]


def columns_of(
    side: NDArray[np.int64],
    age: NDArray[np.int64],
    missing: NDArray[np.bool_],
    edges: Sequence[int],
    clock: Clock,
) -> NDArray[np.int64]:
    """Column position of each cell: where its age falls, or its own column.

    Parameters
    ----------
    side : array
        Of the movements; see `arrisk.ledger.statements`.
    age : array
        Days since the clock day.
    missing : array of bool
        Whether there is no clock day.
    edges, clock
        As in `bucket_names`.
    """
    columns = column_names(edges, clock)
    if clock == "due":
        inside = np.where(age <= 0, 0, 1 + np.searchsorted(np.asarray(edges), age, side="left"))
        inside = np.where(missing, columns.index(NO_DATE), inside)
    else:
        inside = np.searchsorted(np.asarray(edges), age, side="left")
    inside = np.where(side == CREDIT, columns.index(CREDITS), inside)
    return np.asarray(np.where(side == UNAPPLIED, columns.index(UNAPPLIED_CASH), inside), dtype=np.int64)


def describe(currency: str, clock: Clock, credits: Credits, level: Level) -> str:
    """The conventions in words."""
    start = (
        "days since the due date, day 0 is not overdue" if clock == "due" else "days since the invoice date"
    )
    shown = {
        "own_column": "credits and unapplied cash in columns of their own",
        "oldest_first": "credits and unapplied cash set against the oldest items of the customer",
        "netted": "credits netted in the buckets by their own age, unapplied cash in a column of its own",
    }[credits]
    whole = "" if level == "item" else " All that a customer owes stands in the bucket of its oldest item."
    return f"Amounts in {currency}; {start}, both ends of a bucket included; {shown}.{whole}"
