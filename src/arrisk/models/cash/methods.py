"""Forecasts of the cash of an open book, all with one signature: a book as one day knew it, cash by week.

A method sees a `CashBook` and nothing else: the open items and what had been recorded by the evening of its
day. Cash is that on the items open on the day; new sales are not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.cash.chain_ladder import cash_ahead, spread_over_weeks
from arrisk.models.cash.rivals import (
    BUCKETS,
    ageing_bucket,
    ageing_shares,
    by_ageing,
    customer_mean,
    terms_only,
)
from arrisk.models.timing.rates import DailyRates, PaymentModel
from arrisk.models.triangle import cumulated_triangle, month_blocks

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["CURVES", "RIVALS", "CashBook", "Method", "PastCash", "make_book"]

WEEK = 7
EARLIER_BOOKS = 4
CURVES = "payment curves"

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class PastCash:
    """Invoices and receipts of a snapshot as arrays, each with the day on which it was known.

    Parameters
    ----------
    names : Index
        Invoices; arrays of invoices have their order.
    issued, known : array of int
        Day number of the issue of each invoice, and of the evening on which it was known.
    amount : array
        Invoiced, currency units; credits are zero.
    paid_day, paid_known, paid_place : array of int, shape (receipts,)
        Day of each payment on an invoice, sorted; the day on which it was known; place of the invoice.
    paid_amount : array, shape (receipts,)
    """

    names: pd.Index
    issued: Ints
    known: Ints
    amount: Floats
    paid_day: Ints
    paid_known: Ints
    paid_place: Ints
    paid_amount: Floats

    @classmethod
    def of(cls, snapshot: Snapshot) -> PastCash:
        """Read a snapshot once, for all days before it."""
        items, events = snapshot.items, snapshot.events
        place, names = pd.factorize(items["invoice_id"])
        issued, known = (_day_numbers(items[c]) for c in ("issue_date", "recorded_date"))
        first, seen = np.full((2, len(names)), np.iinfo(np.int64).max)
        np.minimum.at(first, place, issued)
        np.minimum.at(seen, place, known)
        amount = np.bincount(place, np.clip(items["amount"].to_numpy(float), 0.0, None), len(names))
        paid = ((events["kind"] == "payment") & events["invoice_id"].notna()).to_numpy()
        where = pd.Index(names).get_indexer(pd.Index(events["invoice_id"].to_numpy()[paid]))
        day, recorded = (_day_numbers(events[c])[paid] for c in ("date", "recorded_date"))
        order = np.flatnonzero(where >= 0)[np.argsort(day[where >= 0], kind="stable")]
        money = events["amount"].to_numpy(float)[paid]
        return cls(
            pd.Index(names),
            first,
            seen,
            amount.astype(np.float64),
            day[order],
            recorded[order],
            where[order],
            money[order],
        )

    def between(self, after: int, until: int, known: int) -> Ints:
        """Receipts dated after one day up to another and known by a third, as places."""
        begin, end = np.searchsorted(self.paid_day, [after, until], side="right")
        return np.asarray(begin + np.flatnonzero(self.paid_known[begin:end] <= known), dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class CashBook:
    """The open book of a day and what was known then.

    Parameters
    ----------
    snapshot : Snapshot
        Of that day.
    items : DataFrame
        Open items of positive amount: customer_id, invoice_id, issue_date, due_date, `days_overdue` (with
        the usual terms where no due date is given), `amount`.
    amounts : array, shape (items,)
        Open, less the customer's credits and cash on account, currency units; the `amount` of the items.
    curves : PaymentModel
        Payment curves fitted on the day.
    past : PastCash
        Of a later snapshot; methods take from it what was known on the day.
    bucket : array of int, shape (invoices,)
        Ageing bucket of each invoice of `past`, -1 for one not open.
    earlier : tuple of CashBook
        Books of earlier days, the latest last.
    weeks : int
    """

    snapshot: Snapshot
    items: pd.DataFrame
    amounts: Floats
    curves: PaymentModel
    past: PastCash
    bucket: NDArray[np.int8]
    earlier: tuple[CashBook, ...]
    weeks: int

    @property
    def day(self) -> int:
        """Day number of the book."""
        return self.snapshot.day

    @property
    def held(self) -> float:
        """Net open amount of the book, currency units."""
        return float(self.amounts.sum())

    def came(self, known: int) -> Floats:
        """Cash on the invoices of the book by bucket and week, as known on a day; (buckets, weeks).

        Weeks after `known` hold what had been recorded ahead of its date, as a rule nothing.
        """
        rows = self.past.between(self.day, self.day + WEEK * self.weeks, known)
        bucket = self.bucket[self.past.paid_place[rows]].astype(np.int64)
        mine = bucket >= 0
        week = (self.past.paid_day[rows][mine] - self.day - 1) // WEEK
        cash = np.bincount(
            bucket[mine] * self.weeks + week, self.past.paid_amount[rows][mine], BUCKETS * self.weeks
        )
        return cash.astype(np.float64).reshape(BUCKETS, self.weeks)


Method = Callable[[CashBook], Floats]
"""Takes the book of a day, returns the cash expected in each of its weeks, shape (weeks,); currency units.
Missing values say that the day did not know enough."""


def make_book(
    snapshot: Snapshot, curves: PaymentModel, past: PastCash, earlier: tuple[CashBook, ...], weeks: int
) -> CashBook:
    """The book of a snapshot, with the customers' credits and cash on account taken off what they owe."""
    items = curves.open_items(snapshot)
    terms = (items["due_date"] - items["issue_date"]).dt.days
    usual = float(terms.median()) if terms.notna().any() else 0.0
    age = (snapshot.date - items["issue_date"]).dt.days
    items = items.assign(
        days_overdue=items["days_overdue"].fillna(age - usual),
        amount=(amounts := items["open_amount"].to_numpy(float) * _net_share(snapshot, items)),
    )
    bucket = np.full(len(past.names), -1, dtype=np.int8)
    # Written backwards, so that an invoice in instalments keeps the bucket of its first.
    places = past.names.get_indexer(pd.Index(items["invoice_id"]))[::-1]
    bucket[places] = ageing_bucket(items["days_overdue"])[::-1]
    return CashBook(snapshot, items, amounts, curves, past, bucket, earlier, weeks)


def by_terms(book: CashBook) -> Floats:
    """Everything is paid on its due date, and what is overdue at once."""
    return terms_only(book.items["days_overdue"], book.amounts, book.weeks)


def by_customer_mean(book: CashBook) -> Floats:
    """Each customer pays as late as on average in its settled history; what is past that comes at once."""
    return customer_mean(book.items, settled_items(book.snapshot), book.weeks)


def by_ageing_shares(book: CashBook) -> Floats:
    """Shares of each ageing bucket that came in each week, from the last four books whose weeks are over."""
    over = [b for b in book.earlier if b.day + WEEK * book.weeks <= book.day][-EARLIER_BOOKS:]
    if not over:
        return np.full(book.weeks, np.nan)
    held = [
        np.bincount(ageing_bucket(b.items["days_overdue"]), b.amounts, BUCKETS).astype(np.float64)
        for b in over
    ]
    shares = ageing_shares(held, [b.came(book.day) for b in over])
    return by_ageing(book.items["days_overdue"], book.amounts, shares)


def by_chain_ladder(book: CashBook) -> Floats:
    """Chain-ladder on invoice months that end with the as-of day; see `arrisk.models.cash.chain_ladder`.

    All cash of the invoices known counts in the triangle; what comes in a month ahead is even over its days.
    """
    past, day = book.past, book.day
    ours = np.flatnonzero((past.known <= day) & (past.amount > 0))
    if not ours.size:
        return np.full(book.weeks, np.nan)
    ahead = WEEK * book.weeks // 28 + 1
    ends = month_blocks(day, int(past.issued[ours].min()), ahead)
    months = len(ends) - 1 - ahead
    origin = np.full(len(past.names), -1, dtype=np.int64)
    origin[ours] = np.clip(np.searchsorted(ends, past.issued[ours], side="left") - 1, 0, months - 1)
    rows = past.between(-(2**62), day, day)
    rows = rows[origin[past.paid_place[rows]] >= 0]
    begin = origin[past.paid_place[rows]]
    # Cash that came before the invoice's month counts in it.
    paid = np.maximum(np.searchsorted(ends, past.paid_day[rows], side="left") - 1, begin)
    triangle = cumulated_triangle(begin, paid - begin, past.paid_amount[rows], months)
    sold = np.bincount(origin[ours], past.amount[ours], months)
    place = origin[past.names.get_indexer(pd.Index(book.items["invoice_id"]))]
    left = np.bincount(place[place >= 0], book.amounts[place >= 0], months)
    cash = cash_ahead(triangle, sold, left, ahead).sum(axis=0)
    return spread_over_weeks(cash, ends[months:], book.weeks)


def by_curves(book: CashBook) -> Floats:
    """Payment curves of all items on one clock, given how long each has been open."""
    rates = book.curves.rates(book.items, book.snapshot.date, WEEK * book.weeks)
    held = np.bincount(rates.kind, book.amounts, len(rates.paid))
    by_kind = DailyRates(rates.paid, rates.lost, np.arange(len(rates.paid)))
    return np.asarray((held @ by_kind.paths()).reshape(book.weeks, WEEK).sum(axis=1), dtype=float)


RIVALS: Mapping[str, Method] = MappingProxyType(
    {
        "terms only": by_terms,
        "customer mean": by_customer_mean,
        "ageing percentages": by_ageing_shares,
        "chain-ladder": by_chain_ladder,
        CURVES: by_curves,
    }
)
"""The rivals of a model, the simplest first."""


def settled_items(snapshot: Snapshot) -> pd.DataFrame:
    """Customer and days late of every item paid so far."""
    known = snapshot.items
    paid = ((known["close_kind"] == "paid") & known["due_date"].notna() & (known["amount"] > 0)).to_numpy()
    closed, due = (_day_numbers(known[c])[paid] for c in ("closed_date", "due_date"))
    return pd.DataFrame({"customer_id": known["customer_id"].to_numpy()[paid], "days_late": closed - due})


def _net_share(snapshot: Snapshot, items: pd.DataFrame) -> Floats:
    """Share of each customer's open items left after its credits and unapplied cash."""
    every = snapshot.items
    is_credit = ((every["open_amount"] != 0) & (every["amount"] <= 0)).to_numpy()
    credits, waiting = every[["customer_id", "open_amount"]][is_credit], snapshot.unapplied
    people, place = np.unique(items["customer_id"].to_numpy(dtype=object), return_inverse=True)
    gross = np.bincount(place, weights=items["open_amount"], minlength=len(people))
    less = np.zeros(len(people) + 1)
    known = pd.Index(people)
    # Customers without open items are not found and count in the last place, which is dropped.
    np.add.at(less, known.get_indexer(pd.Index(credits["customer_id"])), -credits["open_amount"])
    np.add.at(less, known.get_indexer(pd.Index(waiting["customer_id"])), waiting["amount"])
    return np.asarray(np.clip((gross - less[:-1]) / gross, 0.0, 1.0)[place], dtype=float)


def _day_numbers(dates: pd.Series) -> Ints:
    return dates.to_numpy(dtype="datetime64[D]").astype(np.int64)
