"""Defaults and the cash that came after them: exposure at default, received since, still open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.days import day_numbers
from arrisk.ledger.statements import KINDS, OWED
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.states import default_states
from arrisk.models.recovery.write_offs import WriteOffs, match_in_order, read_write_offs

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["read_workouts"]

Ints = NDArray[np.int64]


def read_workouts(snapshot: Snapshot, definition: DefaultDefinition | None = None) -> WriteOffs:
    """Each customer's first default as one lot: what it owed, and the cash that came of it since.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    definition : DefaultDefinition, optional
        When a customer is in default; by default its first write-off.

    Returns
    -------
    WriteOffs
        One lot a customer: `booked` is the day of default, `amount` the exposure. That is what was open, and
        known, at the end of the day before; what was credited of it later was never owed and is taken off.
        Cash is payments of those items from the day of default on, and recoveries of what was written off of
        the customer. Discounts and write-offs bring no cash. Customers that owed nothing then are left out.
    """
    begun = _first_defaults(snapshot, definition)
    moves = snapshot.query(_movements())
    moves = moves[moves["customer_id"].isin(begun.index)]
    start = moves["customer_id"].map(begun).to_numpy(dtype=np.int64)
    day, kind = moves["day"].to_numpy(dtype=np.int64), moves["kind"].to_numpy(dtype=np.int64)
    amount = moves["amount"].to_numpy(dtype=np.int64)
    stood = moves["since"].to_numpy(dtype=np.int64) < start
    owed = stood & ((day < start) | (kind == KINDS["credit_note"]))
    cash = stood & (day >= start) & (kind == KINDS["payment"])
    names = begun.index.to_numpy(dtype=str)
    whose = pd.Index(names).get_indexer(moves["customer_id"].to_numpy(dtype=str))
    exposure = np.zeros(names.size, dtype=np.int64)
    np.add.at(exposure, whose[owed], amount[owed])
    back = _recoveries(read_write_offs(snapshot), pd.Index(names), begun.to_numpy(dtype=np.int64))
    parts = [(whose[cash], day[cash], -amount[cash]), back]
    return _lots(snapshot, names, begun.to_numpy(dtype=np.int64), exposure, parts)


def _first_defaults(snapshot: Snapshot, definition: DefaultDefinition | None) -> pd.Series:
    """Day number of the first default by customer, sorted by name."""
    if definition is None:
        w = read_write_offs(snapshot)
        first = np.full(w.customers.size, np.iinfo(np.int64).max)
        np.minimum.at(first, w.owner, w.booked)
        return pd.Series(first, index=w.customers)
    states = default_states(snapshot.items, snapshot.events, snapshot.date, definition, snapshot.signals)
    first_date = states[states["in_default"]].groupby("customer_id")["date"].min()
    first_date.index = first_date.index.astype(str)
    return day_numbers(first_date).astype("int64").sort_index()


def _movements() -> str:
    return (
        "SELECT c.customer_id, m.day, m.since, m.kind, CAST(SUM(m.amount) AS BIGINT) AS amount "
        "FROM movements AS m JOIN customers AS c ON m.customer = c.customer "
        f"WHERE m.side = {OWED} GROUP BY c.customer_id, m.day, m.since, m.kind"
    )


def _recoveries(w: WriteOffs, names: pd.Index, start: Ints) -> tuple[Ints, Ints, Ints]:
    """Place of the customer, day and minor units of recoveries since the default."""
    place = names.get_indexer(pd.Index(w.customers))[w.owner[w.lot]]
    known = (place >= 0) & (w.back_day >= start[place])
    return place[known].astype(np.int64), w.back_day[known], w.back[known]


def _lots(
    snapshot: Snapshot,
    names: NDArray[np.str_],
    start: Ints,
    exposure: Ints,
    parts: list[tuple[Ints, Ints, Ints]],
) -> WriteOffs:
    """One lot a customer with its cash, no more of it than the exposure."""
    owner, day, cash = (np.concatenate(x).astype(np.int64) for x in zip(*parts, strict=True))
    daily = pd.DataFrame({"owner": owner, "day": day, "cash": cash})
    daily = daily.groupby(["owner", "day"])[["cash"]].sum().reset_index()
    daily["cash"] = daily["cash"].clip(lower=0)
    owed = np.flatnonzero(exposure > 0)
    room = np.maximum(exposure, 0)
    owner, day, cash = (daily[c].to_numpy(dtype=np.int64) for c in ("owner", "day", "cash"))
    lot, row, money = match_in_order(np.arange(names.size), room, owner, cash)
    return WriteOffs(
        snapshot.day,
        snapshot.scale,
        names[owed],
        np.arange(owed.size),
        start[owed],
        exposure[owed],
        np.searchsorted(owed, lot),
        day[row],
        money,
        {"beyond the exposure": over} if (over := int(cash.sum() - money.sum())) else {},
    )
