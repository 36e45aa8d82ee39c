"""What was written off and what came back of it, write-off by write-off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.ledger.days import day_numbers
from arrisk.ledger.statements import KINDS, OWED

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["WriteOffs", "match_in_order", "read_write_offs"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class WriteOffs:
    """Write-offs as they were known on a day, with what came back of each.

    Attributes
    ----------
    day : int
        The as-of date as a day number.
    scale : int
        Minor units in one unit of the currency.
    customers : array of str, shape (customers,)
        All with a write-off, sorted.
    owner, booked, amount : arrays of int, shape (write-offs,)
        Place of the customer, day on which the write-off was known, minor units; what was written back is
        taken off the latest write-offs of the invoice.
    lot, back_day, back : arrays of int, shape (recoveries,)
        Place of the write-off, day on which the cash was known, minor units; by write-off and day.
    stray : dict of str to int
        Minor units of recoveries that belong to no write-off, by reason.
    """

    day: int
    scale: int
    customers: NDArray[Any]
    owner: Ints
    booked: Ints
    amount: Ints
    lot: Ints
    back_day: Ints
    back: Ints
    stray: dict[str, int]

    @property
    def age(self) -> Ints:
        """Days from each write-off to the as-of date."""
        return self.day - self.booked

    @property
    def outstanding(self) -> Ints:
        """Not recovered of each write-off, minor units."""
        back = np.bincount(self.lot, self.back, self.amount.size)
        return np.asarray(self.amount - np.rint(back).astype(np.int64), dtype=np.int64)

    def by_customer(self, amounts: ArrayLike) -> Floats:
        """Sums by customer of amounts by write-off, currency units if these are minor units."""
        values = np.asarray(amounts, dtype=float)
        return np.bincount(self.owner, values, self.customers.size).astype(float) / self.scale


def read_write_offs(snapshot: Snapshot) -> WriteOffs:
    """Read write-offs and their recoveries from what was known on a day.

    Both count from the day on which they were booked, so that nothing younger than the as-of date is missing.
    A recovery belongs to its invoice, of several write-offs of one to the oldest with something left. One
    without invoice goes to what is left of the customer's write-offs, the oldest first, after those with an
    invoice; what finds none is stray. The ledger itself refuses recoveries of an invoice beyond what was
    written off of it, and before.

    Parameters
    ----------
    snapshot : Snapshot

    Returns
    -------
    WriteOffs
    """
    lots = _lots(snapshot)
    names, owner = np.unique(lots["customer_id"].to_numpy(dtype=str), return_inverse=True)
    owner = owner.astype(np.int64).reshape(-1)
    booked, amount = (lots[c].to_numpy(dtype=np.int64) for c in ("day", "amount"))
    events = snapshot.events
    events = events[(events["kind"] == "recovery").to_numpy(dtype=bool)]
    back = np.rint(events["amount"].to_numpy(dtype=float) * snapshot.scale).astype(np.int64)
    back_day = day_numbers(events["recorded_date"]).to_numpy(dtype=np.int64)
    order = np.argsort(back_day, kind="stable")
    events, back, back_day = events.iloc[order], back[order], back_day[order]
    bound = events["invoice_id"].notna().to_numpy(dtype=bool)
    invoices = pd.Index(lots["invoice_id"].unique())
    of_lots, of_events = (invoices.get_indexer(f["invoice_id"]) for f in (lots, events))
    found = [_matched(of_lots, amount, of_events, back, bound)]
    left = amount - np.bincount(found[0][0], found[0][2], amount.size).astype(np.int64)
    whose = pd.Index(names).get_indexer(events["customer_id"].astype("string").fillna("").to_numpy(dtype=str))
    found.append(_matched(owner, left, whose, back, ~bound))
    lot, row, money = (np.concatenate(parts).astype(np.int64) for parts in zip(*found, strict=True))
    early = back_day[row] < booked[lot]
    stray = {
        "no write-off to belong to": int(back.sum() - money.sum()),
        "before the write-off": int(money[early].sum()),
    }
    lot, row, money = lot[~early], row[~early], money[~early]
    order = np.lexsort((back_day[row], lot))
    return WriteOffs(
        snapshot.day,
        snapshot.scale,
        names,
        owner,
        booked,
        amount,
        lot[order],
        back_day[row][order],
        money[order],
        {reason: cents for reason, cents in stray.items() if cents},
    )


def _lots(snapshot: Snapshot) -> pd.DataFrame:
    """One row an invoice and day with a write-off: customer_id, invoice_id, day, amount; by day."""
    moves = snapshot.query(
        "SELECT c.customer_id, m.item, m.day, CAST(-SUM(m.amount) AS BIGINT) AS amount "
        "FROM movements AS m JOIN customers AS c ON m.customer = c.customer "
        f"WHERE m.kind = {KINDS['write_off']} AND m.side = {OWED} GROUP BY c.customer_id, m.item, m.day"
    )
    names = pd.Series(snapshot.items["invoice_id"].to_numpy(), index=snapshot.item_numbers)
    moves["invoice_id"] = names.reindex(moves["item"].to_numpy(dtype=np.int64)).to_numpy()
    keys = ["customer_id", "invoice_id", "day"]
    lots: pd.DataFrame = moves.groupby(keys)["amount"].sum().reset_index()
    lots = lots.sort_values(["day", "invoice_id"])
    lots = lots.astype({"day": "int64", "amount": "int64"}).reset_index(drop=True)
    invoice = pd.factorize(lots["invoice_id"])[0].astype(np.int64)
    lots["amount"] = _without_reversed(invoice, lots["amount"].to_numpy(dtype=np.int64))
    out: pd.DataFrame = lots[lots["amount"] > 0].reset_index(drop=True)
    return out


def _without_reversed(invoice: Ints, amount: Ints) -> Ints:
    """Amounts by day with what was written back taken off the latest write-offs before it."""
    out = amount.copy()
    for row in np.flatnonzero(amount < 0):
        back, out[row] = -amount[row], 0
        for earlier in np.flatnonzero((invoice[:row] == invoice[row]) & (out[:row] > 0))[::-1]:
            taken = min(back, out[earlier])
            out[earlier] -= taken
            back -= taken
    return out


def _matched(
    group: Ints, room: Ints, wanted: Ints, back: Ints, rows: NDArray[np.bool_]
) -> tuple[Ints, Ints, Ints]:
    """Write-off, recovery and minor units of each match of chosen recoveries."""
    rows = rows & (wanted >= 0)
    lots = np.argsort(group, kind="stable")
    back_order = np.flatnonzero(rows)[np.argsort(wanted[rows], kind="stable")]
    one, two, money = match_in_order(group[lots], room[lots], wanted[back_order], back[back_order])
    return lots[one], back_order[two], money


def match_in_order(
    group: ArrayLike, room: ArrayLike, wanted: ArrayLike, amount: ArrayLike
) -> tuple[Ints, Ints, Ints]:
    """Match amounts to rooms of the same group, the first to the first, each as far as it goes.

    Parameters
    ----------
    group, room : arrays of int, shape (rooms,)
        Sorted by group, within it in the order in which rooms are filled.
    wanted, amount : arrays of int, shape (amounts,)
        The same of what is to be matched.

    Returns
    -------
    tuple of three arrays of int
        Row of the room, row of the amount, and how much of it; what finds no room is left out.

    Examples
    --------
    >>> [part.tolist() for part in match_in_order([0, 0, 1], [10, 5, 7], [0, 1, 1], [12, 4, 9])]
    [[0, 1, 2, 2], [0, 0, 1, 2], [10, 2, 4, 3]]
    """
    g, r, w, a = (np.asarray(x, dtype=np.int64) for x in (group, room, wanted, amount))
    size = int(max(g.max(initial=-1), w.max(initial=-1))) + 1
    width = np.maximum(_sums(g, r, size), _sums(w, a, size))
    start = np.concatenate([[0], np.cumsum(width)])[:-1] if size else np.zeros(0, dtype=np.int64)
    ends_room, ends_amount = _ends(g, r, start, size), _ends(w, a, start, size)
    marks = np.unique(np.concatenate([ends_room, ends_room - r, ends_amount, ends_amount - a]))
    low, high = marks[:-1], marks[1:]
    inside = [_inside(ends_room, r, low), _inside(ends_amount, a, low)]
    both = (inside[0] >= 0) & (inside[1] >= 0)
    return inside[0][both], inside[1][both], (high - low)[both]


def _sums(group: Ints, amount: Ints, size: int) -> Ints:
    out = np.zeros(size, dtype=np.int64)
    np.add.at(out, group, amount)
    return out


def _ends(group: Ints, amount: Ints, start: Ints, size: int) -> Ints:
    """Where each stretch ends when those of a group lie one after the other from the group's start."""
    before = np.concatenate([[0], np.cumsum(_sums(group, amount, size))])[:-1] if size else start
    return np.asarray(np.cumsum(amount) - before[group] + start[group], dtype=np.int64)


def _inside(ends: Ints, amount: Ints, low: Ints) -> Ints:
    """Row of the stretch that holds each point, -1 if none does; empty stretches hold nothing."""
    row = np.searchsorted(ends, low, side="right")
    found = np.minimum(row, max(ends.size - 1, 0))
    if not ends.size:
        return np.full(low.size, -1)
    return np.asarray(np.where((row < ends.size) & (ends[found] - amount[found] <= low), row, -1))
