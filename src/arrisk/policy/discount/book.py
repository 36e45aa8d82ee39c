"""The invoices that schemes are valued on, as integers: a year's sales, or what is open now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.policy.discount.timing import DEFAULTED

__all__ = ["Book", "BookKind", "book_rows", "make_book"]

BookKind = Literal["sales", "open"]
QUARTER = 91
YEAR = 365
Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Book:
    """Invoices, one an entry, sorted by customer and block.

    Parameters
    ----------
    kind : {"sales", "open"}
        The sales of the last 365 days, standing for those of the year to come, each from its issue on; or
        the invoices open at the as-of date, from that date on.
    customer : array of int
        Number of the customer.
    amount : array of float
        Currency units.
    reached : array of int
        How many of the (sorted) thresholds the amount reaches.
    offered : array of bool
        Whether the running scheme covered it.
    age : array of int
        Day of its life on which it is known to be open still; -1 for a sale to come.
    block : array of int
        Invoices of a block are lost together: those of a customer, in a year's sales by quarter of issue.
    segment, number, held : arrays, customers
        Segment of each customer, and how many invoices he has of what amount.
    """

    kind: BookKind
    customer: Ints
    amount: Floats
    reached: Ints
    offered: NDArray[np.bool_]
    age: Ints
    block: Ints
    segment: Ints
    number: Ints
    held: Floats

    def only(self, rows: Ints, reached: Ints) -> Book:
        """Some of the invoices, with the thresholds that they reach."""
        customer, amount = self.customer[rows], self.amount[rows]
        return replace(
            self,
            customer=customer,
            amount=amount,
            reached=reached,
            offered=self.offered[rows],
            age=self.age[rows],
            block=self.block[rows],
            number=np.bincount(customer, minlength=len(self.segment)),
            held=_by_customer(customer, amount, len(self.segment)),
        )


def _by_customer(customer: Ints, amount: Floats, size: int) -> Floats:
    return np.asarray(np.bincount(customer, amount, size), dtype=float)


def book_rows(frame: pd.DataFrame, date: pd.Timestamp, kind: BookKind) -> pd.DataFrame:
    """Rows of `offer_frame` that belong to a book, `amount` being what they are in it with.

    Parameters
    ----------
    frame : DataFrame
        See `arrisk.policy.discount.history.offer_frame`, with a column kind, how each ended.
    date : Timestamp
        As-of date.
    kind : {"sales", "open"}
        See `Book`; what has defaulted is not offered a discount.
    """
    if kind == "sales":
        return frame[frame["issue_date"] > date - pd.Timedelta(days=YEAR)]
    if kind != "open":
        raise ValueError(f"book = {kind!r}: allowed are sales, open")
    rows = frame[(frame["open_amount"] > 0) & (frame["kind"] != DEFAULTED)]
    return rows.assign(amount=rows["open_amount"])


def make_book(
    rows: pd.DataFrame, date: pd.Timestamp, kind: BookKind, thresholds: Floats, segment: Ints
) -> Book:
    """Collapse the rows of a book to integers; `rows` has a column code, the number of the customer."""
    rows = rows[rows["amount"] > 0]
    age = (date - rows["issue_date"]).dt.days.to_numpy()
    code = rows["code"].to_numpy(dtype=np.int64)
    quarter = age // QUARTER if kind == "sales" else np.zeros_like(age)
    block = np.unique(code * (YEAR + 1) + quarter, return_inverse=True)[1].ravel()
    order = np.argsort(block, kind="stable")
    amount = rows["amount"].to_numpy(dtype=float)[order]
    return Book(
        kind=kind,
        customer=code[order],
        amount=amount,
        reached=np.searchsorted(np.sort(thresholds), amount, side="right"),
        offered=rows["offered"].to_numpy(dtype=bool)[order],
        age=np.full(len(order), -1) if kind == "sales" else np.minimum(age[order], YEAR),
        block=block[order],
        segment=segment,
        number=np.bincount(code, minlength=len(segment)),
        held=_by_customer(code, rows["amount"].to_numpy(dtype=float), len(segment)),
    )
