"""Dates and customers: figures as running sums over the dates, and the frame they are gathered in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger import customer_statements as statements
from arrisk.ledger.book import Snapshot
from arrisk.ledger.customer_statements import NEVER
from arrisk.ledger.days import dates

__all__ = ["CustomerGrid", "Figures", "Rows", "customers_at"]

Ints = NDArray[np.int64]
Rows = dict[str, Ints]
Figures = Mapping[str, NDArray[Any]]
ROWS_AT_ONCE = 2_500_000


@dataclass(frozen=True)
class CustomerGrid:
    """Dates by customers of a range of numbers; a figure is an array (dates, customers).

    Figures are running sums over the dates of what begins to count less what ceases to: what happens on a day
    is seen from the first date on or after it, its period, and what no date sees falls into one period more.

    Attributes
    ----------
    snapshot : Snapshot
        Of the last date.
    days : array of int, shape (dates,)
        Day numbers, increasing.
    first, width : int
        Number of the first customer, and how many there are.
    """

    snapshot: Snapshot
    days: Ints
    first: int
    width: int

    def rows(self, statement: Callable[[int, int], str]) -> Rows:
        """Rows of a statement for these customers; `customer` is the place in the grid."""
        found = self.snapshot.query(statement(self.first, self.first + self.width - 1))
        rows = {name: found.pop(name).to_numpy(dtype=np.int64) for name in map(str, list(found))}
        rows["customer"] = rows["customer"] - self.first
        return rows

    @cached_property
    def _periods(self) -> NDArray[np.int32]:
        """Period of each day from the first date to the day after the last."""
        span = np.arange(self.days[0], self.days[-1] + 2)
        return np.searchsorted(self.days, span).astype(np.int32)

    def period(self, day: Ints) -> NDArray[np.int32]:
        """The first date that sees a day."""
        return np.asarray(self._periods.take(day - self.days[0], mode="clip"), dtype=np.int32)

    def running(self, customer: Ints, period: NDArray[Any], value: Ints) -> Ints:
        """Running sums of values that begin to count in a period."""
        return self._summed(self._steps(self._places(customer, period), value))

    def during(
        self,
        customer: Ints,
        first: NDArray[Any],
        ends: Mapping[str, NDArray[Any]],
        values: Mapping[str, Ints | int],
    ) -> dict[str, Ints]:
        """Running sums of values that count from one period until another.

        Parameters
        ----------
        customer, first : arrays of int, shape (rows,)
        ends : mapping of str to array of int, shape (rows,)
            What ends in no later period than it begins does not count.
        values : mapping of str to int or array of int, shape (rows,)

        Returns
        -------
        dict of str to array of int, shape (dates, customers)
            A figure for each value and end; their names are put together.
        """
        begin = self._places(customer, first)
        begun = {name: self._steps(begin, value) for name, value in values.items()}
        out = {}
        for suffix, end in ends.items():
            places = self._places(customer, np.maximum(first, end))
            for name, value in values.items():
                out[name + suffix] = self._summed(begun[name] - self._steps(places, value))
        return out

    def _places(self, customer: Ints, period: NDArray[Any]) -> Ints:
        return np.asarray(period * np.int64(self.width) + customer)

    def _steps(self, places: Ints, value: Ints | int) -> Ints:
        total = np.zeros((len(self.days) + 1) * self.width, dtype=np.int64)
        np.add.at(total, places, value)
        return total

    def _summed(self, steps: Ints) -> Ints:
        figure = steps.reshape(-1, self.width)[:-1]
        return np.asarray(np.cumsum(figure, axis=0, out=figure))


def _parts(snapshot: Snapshot, days: Ints, customers: int) -> Iterator[CustomerGrid]:
    """Ranges of customers, so that the rows of one are not too many to be held."""
    count = int(snapshot.query(statements.known_movements())["movements"].iloc[0])
    parts = min(1 + count // ROWS_AT_ONCE, customers)
    bounds = np.linspace(0, customers, parts + 1).astype(int).tolist()
    for first, end in pairwise(bounds):
        yield CustomerGrid(snapshot, days, first, end - first)


def customers_at(snapshot: Snapshot, days: Ints, figures: Callable[[CustomerGrid], Figures]) -> pd.DataFrame:
    """Figures of all customers known at dates.

    Parameters
    ----------
    snapshot : Snapshot
        Not earlier than the last date.
    days : array of int, shape (dates,)
        Day numbers, increasing.
    figures : function of a grid to a mapping of name to array (dates, customers)

    Returns
    -------
    DataFrame
        customer_id, date and a column for each figure, by date and customer; a customer has rows from the
        first day on which anything was known of it.
    """
    snapshot = snapshot.as_of(pd.Timestamp(dates(days[-1:])[0]))
    customers = snapshot.query(statements.known_customers())
    number = customers["customer"].to_numpy(dtype=np.int64)
    since = np.full(1 + number.max(), NEVER, dtype=np.int64)
    since[number] = customers["first_day"].to_numpy(dtype=np.int64)
    gathered: dict[str, NDArray[Any]] = {}
    for part in _parts(snapshot, days, len(since)):
        for name, figure in figures(part).items():
            if name not in gathered:
                gathered[name] = np.empty((len(days), len(since)), dtype=figure.dtype)
            gathered[name][:, part.first : part.first + part.width] = figure
    seen = since[None, :] <= days[:, None]
    place = np.cumsum(since < NEVER) - 1
    who = np.broadcast_to(place, seen.shape)[seen]
    out: dict[str, Any] = {
        "customer_id": customers["customer_id"].take(who).reset_index(drop=True),
        "date": np.repeat(dates(days), seen.sum(axis=1)),
    }
    for name in list(gathered):
        figure = gathered.pop(name)
        out[name] = figure.ravel() if seen.all() else figure[seen]
    return pd.DataFrame(out, copy=False)
