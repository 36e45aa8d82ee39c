"""Orders placed and not yet billed: what of each was outstanding, day by day, and its deposit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from arrisk.errors import LedgerError
from arrisk.ledger.days import NO_DAY

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["DEPOSITS", "Deposits", "order_steps"]

Deposits = Literal["on_orders", "in_cash"]
DEPOSITS = {
    "on_orders": "deposits as orders state them, from the day of the order, at most what is unbilled of it",
    "in_cash": "deposits are part of unapplied cash and not deducted again",
}
FAR = np.iinfo(np.int64).max
PLACED, BILLED, ENDED = 0, 1, 2


def order_steps(snapshot: Snapshot, deposits: Deposits = "on_orders") -> pd.DataFrame:
    """Changes of unbilled orders and of their deposits by customer and day.

    Parameters
    ----------
    snapshot : Snapshot
    deposits : {"on_orders", "in_cash"}
        Deduct what the orders state; or nothing, where the books hold deposits as cash on account and they
        are in unapplied cash already.

    Returns
    -------
    DataFrame
        customer_id, day (day number), unbilled, deposits: changes in minor units, sorted; their running sums
        are never below zero.

    Raises
    ------
    LedgerError
        If `deposits` is neither.

    Notes
    -----
    An order counts from its date until it is billed or cancelled. Invoices that name the order take their
    amounts off it when they are known, never below zero: that is how partial bills are seen. The row of the
    order has room for one invoice and one date: on the later of that date and the day its invoice is known
    the whole order counts as billed. An order that names an invoice which is not in the ledger has not been
    billed as far as the ledger knows. Orders and invoices of zero or less (returns) change nothing.
    """
    if deposits not in DEPOSITS:
        raise LedgerError(f"deposits {deposits!r}: allowed are {', '.join(map(repr, DEPOSITS))}")
    orders = _orders(snapshot)
    rows = pd.concat([_placed(orders), _bills(snapshot, orders), _ends(orders)], ignore_index=True)
    rows = rows.sort_values(["order", "day", "rank"], kind="stable", ignore_index=True)
    order = rows["order"].to_numpy()
    by_order = rows.groupby("order")
    left = orders["amount"].to_numpy()[order] - by_order["billed"].cumsum().to_numpy()
    ended = by_order["ended"].cummax().to_numpy(dtype=bool)
    left = np.where(ended, 0, np.maximum(left, 0))
    held = np.minimum(orders["deposit"].to_numpy()[order], left)
    first = (rows["rank"] == PLACED).to_numpy()
    steps = pd.DataFrame(
        {
            "customer_id": orders["customer_id"].to_numpy()[order],
            "day": rows["day"].to_numpy(),
            "unbilled": _changes(left, first),
            "deposits": _changes(held, first) * (deposits == "on_orders"),
        }
    )
    steps = steps.groupby(["customer_id", "day"], as_index=False)[["unbilled", "deposits"]].sum()
    return steps[(steps[["unbilled", "deposits"]] != 0).any(axis=1)].reset_index(drop=True)


def _changes(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    return np.asarray(np.where(first, values, np.diff(values, prepend=0)), dtype=np.int64)


def _orders(snapshot: Snapshot) -> pd.DataFrame:
    """Orders above zero: customer, amounts in minor units, the day each began and the day it ended."""
    orders = snapshot.orders
    orders = orders[(orders["amount"] > 0).to_numpy()].reset_index(drop=True)
    begin, dated = _day_numbers(orders["order_date"], FAR), _day_numbers(orders["invoiced_date"], NO_DAY)
    named = orders["invoice_id"].notna().to_numpy()
    known = _known_invoices(snapshot, orders["invoice_id"]) if named.any() else np.full(len(orders), NO_DAY)
    told = named | orders["invoiced_date"].notna().to_numpy()
    billed = np.where(told, np.maximum(dated, known), FAR)
    end = np.minimum(billed, _day_numbers(orders["cancelled_date"], FAR))
    return pd.DataFrame(
        {
            "order_id": orders["order_id"],
            "customer_id": orders["customer_id"],
            "amount": _minor(orders["amount"], snapshot.scale),
            "deposit": np.maximum(_minor(orders["deposit"], snapshot.scale), 0),
            "begin": begin,
            "end": np.maximum(begin, end),
        }
    )


def _minor(amounts: pd.Series, scale: int) -> np.ndarray:
    return np.asarray(np.rint(amounts.fillna(0).to_numpy(dtype=float) * scale), dtype=np.int64)


def _day_numbers(dates: pd.Series, missing: int) -> np.ndarray:
    days = pd.to_datetime(dates).to_numpy(dtype="datetime64[D]").astype(np.int64)
    return np.asarray(np.where(days == NO_DAY, missing, days), dtype=np.int64)


def _known_invoices(snapshot: Snapshot, invoices: pd.Series) -> np.ndarray:
    """The day on which each invoice was first known; `NO_DAY` for one that is not in the ledger."""
    items = snapshot.items
    first = items.groupby("invoice_id")["recorded_date"].min().reindex(invoices.to_numpy())
    return _day_numbers(first, NO_DAY)


def _placed(orders: pd.DataFrame) -> pd.DataFrame:
    number = np.arange(len(orders))
    return _rows(number, orders["begin"].to_numpy(), PLACED, np.zeros(len(orders), dtype=np.int64))


def _ends(orders: pd.DataFrame) -> pd.DataFrame:
    """What ends an order; an order without an end has no row."""
    ends = np.flatnonzero((orders["end"] < FAR).to_numpy())
    day = orders["end"].to_numpy()[ends]
    return _rows(ends, day, ENDED, np.zeros(len(ends), dtype=np.int64))


def _bills(snapshot: Snapshot, orders: pd.DataFrame) -> pd.DataFrame:
    """Invoices that name an order."""
    none = np.zeros(0, dtype=np.int64)
    if orders.empty:
        return _rows(none, none, BILLED, none)
    items = snapshot.items
    bills = items[(items["order_id"].isin(orders["order_id"]) & (items["amount"] > 0)).to_numpy(dtype=bool)]
    order = pd.Index(orders["order_id"]).get_indexer(bills["order_id"])
    day = np.maximum(_day_numbers(bills["recorded_date"], NO_DAY), orders["begin"].to_numpy()[order])
    return _rows(order, day, BILLED, _minor(bills["amount"], snapshot.scale))


def _rows(order: np.ndarray, day: np.ndarray, rank: int, billed: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"order": order, "day": day, "rank": rank, "billed": billed, "ended": rank == ENDED})
