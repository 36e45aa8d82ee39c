"""The items of a snapshot as plain arrays, with numbers for customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.days import NO_DAY

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["KnownItems", "Numbering", "float_days", "known_items", "numbering"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class KnownItems:
    """Items owed that a snapshot knows, one place an item; days are day numbers, money is in minor units.

    Attributes
    ----------
    names : array of text, shape (customers,)
        Customers, sorted.
    code : array of int, shape (items,)
        Place of the customer in `names`.
    invoice : array of int, shape (items,)
        Number of the invoice; instalments share it.
    issue, due, closed : array of float, shape (items,)
        Missing where there is no due date, and where the item is open.
    amount, open : array of float, shape (items,)
    is_open, credited, disputed : array of bool, shape (items,)
        `credited` was closed by a credit note; `disputed` is in dispute now.
    late : array of float, shape (items,)
        Days past due when settled, or so far when open; missing when nothing is known yet: not due, credited.
    day : int
        Of the snapshot.
    scale : int
        Minor units in one unit.
    """

    names: NDArray[Any]
    code: Ints
    invoice: Ints
    issue: Floats
    due: Floats
    closed: Floats
    amount: Floats
    open: Floats
    is_open: Flags
    credited: Flags
    disputed: Flags
    late: Floats
    day: int
    scale: int

    @property
    def size(self) -> int:
        """Customers."""
        return len(self.names)

    @property
    def age(self) -> Floats:
        """Days since issue, shape (items,)."""
        return self.day - self.issue


@dataclass(frozen=True, slots=True, eq=False)
class Numbering:
    """Places of the ledger's own customer numbers among the customers of the features (-1: not there)."""

    place: Ints
    size: int

    def spread(self, customer: pd.Series, values: pd.Series, empty: float) -> Floats:
        """Values by customer number, at the places of the features; `empty` where there is no row."""
        place = self.place[customer.to_numpy(dtype=np.int64)]
        out = np.full(self.size, empty)
        out[place[place >= 0]] = values.to_numpy(dtype=float, na_value=np.nan)[place >= 0]
        return out


def known_items(snapshot: Snapshot) -> KnownItems:
    """Items owed, from the snapshot alone."""
    items = snapshot.items
    amount = np.rint(items["amount"].to_numpy(dtype=float) * snapshot.scale)
    issue = float_days(items["issue_date"])
    keep = (amount > 0) & (issue <= snapshot.day)
    code, names = pd.factorize(items["customer_id"].to_numpy()[keep], sort=True)
    due, closed = float_days(items["due_date"])[keep], float_days(items["closed_date"])[keep]
    kind = items["close_kind"].to_numpy()[keep]
    is_open, credited = np.asarray(kind == "open"), np.asarray(kind == "credited")
    late = np.where(is_open, snapshot.day, closed) - due
    late[is_open & ~(late > 0) | credited] = np.nan
    return KnownItems(
        names=np.asarray(names, dtype=object),
        code=code.astype(np.int64),
        invoice=_runs(items["invoice_id"].to_numpy()[keep]),
        issue=issue[keep],
        due=due,
        closed=closed,
        amount=amount[keep],
        open=np.rint(items["open_amount"].to_numpy(dtype=float)[keep] * snapshot.scale),
        is_open=is_open,
        credited=credited,
        disputed=items["disputed"].to_numpy(dtype=bool)[keep],
        late=late,
        day=snapshot.day,
        scale=snapshot.scale,
    )


def numbering(snapshot: Snapshot, names: NDArray[Any]) -> Numbering:
    """How to find customers of the features by the numbers that statements give."""
    table = snapshot.query("SELECT customer, customer_id FROM customers")
    place = np.full(int(table["customer"].max()) + 1, -1, dtype=np.int64)
    place[table["customer"].to_numpy(dtype=np.int64)] = pd.Index(names).get_indexer(
        pd.Index(table["customer_id"].to_numpy(dtype=object))
    )
    return Numbering(place, len(names))


def float_days(dates: pd.Series) -> Floats:
    """Day numbers as floats, missing where the date is.

    Examples
    --------
    >>> float_days(pd.Series(pd.to_datetime(["1970-01-03", None]))).tolist()
    [2.0, nan]
    """
    whole = dates.to_numpy().astype("datetime64[D]").astype(np.int64)
    return np.where(whole == NO_DAY, np.nan, whole)


def _runs(sorted_ids: NDArray[Any]) -> Ints:
    """Number of each run of equal identifiers."""
    new = np.append(True, sorted_ids[1:] != sorted_ids[:-1])[: len(sorted_ids)]
    return np.cumsum(new).astype(np.int64) - 1
