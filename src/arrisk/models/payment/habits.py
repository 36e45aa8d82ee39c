"""How customers had paid so far, as any evening knew it: read once for all days of a ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.statements import KINDS, OWED
from arrisk.models.features.invoice_history import FAR
from arrisk.models.features.steps import Clock, Evenings

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["CustomerHabits", "customer_habits"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PRIOR_ITEMS = 2.0
FARTHEST = 60
LATELY_DAYS = 120
SPELLS = (
    "SELECT customer AS code, issue_day AS issue, due_day AS due, since, start_day AS start, "
    'end_day AS "end", end_event_day AS paid_on, cause, next_day AS again '
    f"FROM spells WHERE side = {OWED} AND amount > 0"
)


@dataclass(frozen=True, slots=True, eq=False)
class _Totals:
    """Running totals of whole numbers by customer; exact, so the order of equal days does not matter."""

    clock: Clock
    keys: Ints
    sums: tuple[Floats, ...]

    @classmethod
    def of(cls, clock: Clock, code: Ints, day: Ints, *values: Floats) -> _Totals:
        keys = clock.key(code, day)
        order = np.argsort(keys, kind="stable")
        return cls(clock, keys[order], tuple(np.append(0.0, np.cumsum(value[order])) for value in values))

    def at(self, code: Ints, day: Ints) -> list[Floats]:
        """Totals of the steps known on evenings, by value."""
        start, stop = Evenings(code, day, self.clock).seen(self.keys)
        return [total[stop] - total[start] for total in self.sums]


@dataclass(frozen=True, slots=True, eq=False)
class CustomerHabits:
    """What was known of customers on the evenings up to a day; made by `customer_habits`.

    Attributes
    ----------
    day : int
        The last evening that can be asked for.
    dated_since : int
        Day on which the first due date was known; `FAR` without one.
    customers : Index
        The last place of `numbers` is that of an unknown customer.
    numbers : array of int, shape (customers + 1,)
    own, book, lately : running totals
        Number and days late of what was settled, and the same that leaves again after 120 days.
    overdue : running totals
        Items open past due.
    """

    day: int
    dated_since: int
    customers: pd.Index
    numbers: Ints
    own: _Totals
    book: _Totals
    lately: _Totals
    overdue: _Totals

    @classmethod
    def of(cls, snapshot: Snapshot) -> CustomerHabits:
        """Read them from a snapshot."""
        found = snapshot.query(SPELLS)
        spells = {str(name): np.asarray(found[name].to_numpy(np.int64, na_value=FAR)) for name in found}
        who, when, number, late = _settlements(spells)
        whose, days, one = _overdue(spells)
        first = int(min(when.min(initial=snapshot.day), days.min(initial=snapshot.day)))
        clock = Clock(first, snapshot.day)
        twice, gone = np.append(who, who), np.append(when, when + LATELY_DAYS)
        table = snapshot.query("SELECT customer, customer_id FROM customers")
        return cls(
            day=snapshot.day,
            dated_since=int(spells["since"][spells["due"] < FAR].min(initial=FAR)),
            customers=pd.Index(table["customer_id"].to_numpy(dtype=object)),
            numbers=np.append(table["customer"].to_numpy(dtype=np.int64), -1),
            own=_Totals.of(clock, who, when, number, late),
            book=_Totals.of(clock, np.zeros_like(who), when, number, late),
            lately=_Totals.of(clock, twice, gone, np.append(number, -number), np.append(late, -late)),
            overdue=_Totals.of(clock, whose, days, one),
        )

    def serves(self, day: int) -> bool:
        """Whether a snapshot of a day would find the same on all evenings up to it."""
        return day == self.day or (day < self.day and (self.dated_since == FAR or self.dated_since <= day))

    def codes(self, names: Any) -> Ints:
        """The ledger's numbers of customers, -1 for one it does not know."""
        return np.asarray(self.numbers[self.customers.get_indexer(pd.Index(names))], dtype=np.int64)

    def on(self, code: Ints, evening: Ints) -> dict[str, Floats]:
        """How customers had paid so far, as it was known on evenings.

        Parameters
        ----------
        code : array of int, shape (n,)
            Numbers of customers; -1 for one that is not known yet.
        evening : array of int, shape (n,)
            Day numbers, none after `day`.

        Returns
        -------
        dict of str to array, shape (n,)
            n_settled; book_days: mean days from due date to settlement of all items; usual: the same of the
            customer, drawn to that of the book by two items of it; trend: mean of its items settled in the
            last 120 days less `usual`, missing without one; overdue: its open items past due.

        Notes
        -----
        Days count from -60 to 60. In a book without due dates they count from the issue. Credited items are
        left out; an item that came back is open again.
        """
        who, day = np.asarray(code, dtype=np.int64), np.asarray(evening, dtype=np.int64)
        n, days = self.own.at(who, day)
        n_book, days_book = self.book.at(np.zeros_like(who), day)
        recent, days_lately = self.lately.at(who, day)
        book = np.divide(days_book, n_book, out=np.zeros_like(n), where=n_book > 0)
        usual = (days + PRIOR_ITEMS * book) / (n + PRIOR_ITEMS)
        lately = np.divide(days_lately, recent, out=np.full_like(n, np.nan), where=recent > 0)
        return {
            "n_settled": n,
            "book_days": book,
            "usual": usual,
            "trend": lately - usual,
            "overdue": self.overdue.at(who, day)[0],
        }


# Every step counts from the evening on which it was known, so what a later snapshot says of an earlier
# evening is what that evening's own snapshot says of it. Models fitted on many past days ask again and
# again; the habits of the latest day asked for are kept as long as their ledger is.
_KEPT: WeakKeyDictionary[object, CustomerHabits] = WeakKeyDictionary()


def customer_habits(snapshot: Snapshot) -> CustomerHabits:
    """Habits that hold for all evenings up to a snapshot's."""
    kept = _KEPT.get(snapshot.source)
    if kept is not None and kept.serves(snapshot.day):
        return kept
    found = CustomerHabits.of(snapshot)
    if kept is None or found.day > kept.day:
        _KEPT[snapshot.source] = found
    return found


def _settlements(spells: dict[str, Ints]) -> tuple[Ints, Ints, Floats, Floats]:
    """Customer, day, count and days late of what was settled; taken away again where an item came back."""
    dated = bool((spells["due"] < FAR).any())
    start = spells["due"] if dated else spells["issue"]
    shut = (start < FAR) & (spells["end"] < FAR) & (spells["cause"] != KINDS["credit_note"])
    back = shut & (spells["again"] < FAR)
    late = np.clip(spells["paid_on"] - start, -FARTHEST, FARTHEST).astype(float)
    who = np.append(spells["code"][shut], spells["code"][back])
    when = np.append(spells["end"][shut], spells["again"][back])
    number = np.append(np.ones(int(shut.sum())), -np.ones(int(back.sum())))
    return who, when, number, np.append(late[shut], -late[back])


def _overdue(spells: dict[str, Ints]) -> tuple[Ints, Ints, Floats]:
    """Customer, day and change of the number of items open past their due date."""
    begin = np.maximum(spells["start"], spells["due"] + 1)
    some = begin < spells["end"]
    who, one = spells["code"][some], np.ones(int(some.sum()))
    return np.append(who, who), np.append(begin[some], spells["end"][some]), np.append(one, -one)
