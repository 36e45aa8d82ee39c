"""Chances of past windows gathered while a back-test goes by, so that each day knows the shocks so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.days import day_number, day_numbers
from arrisk.models.cash.shocks import PERIOD_DAYS, Shocks, shocks_of_windows
from arrisk.models.timing.rates import PaymentModel

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["PastWindow", "shocks_so_far", "watch_window"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FAR = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class PastWindow:
    """Items of the 28 days after a day, with the rate at which the model of that day let them be paid.

    Parameters
    ----------
    date : Timestamp
    items : array of int
        Numbers of the items in the ledger.
    customer_id : array
    rate : array
        Cumulative rate of payment until the end of the window.
    """

    date: pd.Timestamp
    items: Ints
    customer_id: NDArray[np.object_]
    rate: Floats


def watch_window(snapshot: Snapshot, fitted: PaymentModel, over: Snapshot) -> PastWindow:
    """The window after a day by the model fitted on it, seen on a later day when it is over.

    Parameters
    ----------
    snapshot : Snapshot
        Of the evening before the window.
    fitted : PaymentModel
        Knows no more than it.
    over : Snapshot
        Not before the last day of the window; items issued in it count from their issue on.
    """
    end = snapshot.date + pd.Timedelta(days=PERIOD_DAYS)
    known, date = over.items, snapshot.date
    fresh = ((known["issue_date"] > date) & (known["issue_date"] <= end) & (known["amount"] > 0)).to_numpy()
    own = fitted.open_items(snapshot)
    new = fitted.describe(snapshot, known.loc[fresh].reset_index(drop=True))
    numbers = [numbers_of(snapshot, own), over.item_numbers[fresh]]
    parts = [part for part in (own, new) if len(part)]
    rates = [fitted.rates(part, date, PERIOD_DAYS) for part in parts]
    total = [r.paid[:, :PERIOD_DAYS].sum(axis=1)[r.kind] for r in rates]
    who = [part["customer_id"].to_numpy(dtype=object) for part in parts]
    return PastWindow(
        date,
        np.concatenate(numbers),
        np.concatenate([*who, np.empty(0, dtype=object)]),
        np.concatenate([*total, np.empty(0)]),
    )


def numbers_of(snapshot: Snapshot, items: pd.DataFrame) -> Ints:
    """Numbers in the ledger of open items of a snapshot, in their order."""
    known = snapshot.items
    place = np.flatnonzero((known["open_amount"] != 0).to_numpy())
    keys = ["invoice_id", "instalment"]
    index = pd.MultiIndex.from_frame(known.loc[place, keys])
    found = index.get_indexer(pd.MultiIndex.from_frame(items[keys]))
    return np.asarray(snapshot.item_numbers[place[found]], dtype=np.int64)


def shocks_so_far(windows: list[PastWindow], snapshot: Snapshot, seed: int = 0) -> Shocks:
    """The shocks that a day could know: from windows that were over, with what it knew of their items."""
    known, numbers = snapshot.items, snapshot.item_numbers
    size = 1 + max([int(numbers.max(initial=0)), *(int(w.items.max(initial=0)) for w in windows)])
    closed = np.full(size, FAR)
    gone = (known["close_kind"] != "open").to_numpy()
    closed[numbers[gone]] = day_numbers(known["closed_date"][gone]).to_numpy(dtype=np.int64)
    over = [w for w in windows if day_number(w.date) + PERIOD_DAYS <= snapshot.day]
    dates = pd.DatetimeIndex([w.date for w in over])
    left = [closed[w.items] <= day_number(w.date) + PERIOD_DAYS for w in over]
    every = pd.DataFrame(
        {
            "date": dates.repeat([w.items.size for w in over]),
            "customer_id": np.concatenate([np.empty(0, dtype=object), *(w.customer_id for w in over)]),
            "rate": np.concatenate([np.empty(0), *(w.rate for w in over)]),
            "paid": np.concatenate([np.empty(0, dtype=bool), *left]),
        }
    )
    # Write-offs and credits are no slow payers; when they would have paid is not known.
    lost = np.zeros(size, dtype=bool)
    lost[numbers[gone]] = (known["close_kind"][gone] != "paid").to_numpy()
    is_lost = np.concatenate([np.empty(0, dtype=bool), *(lost[w.items] for w in over)])
    every = every.loc[~(is_lost & every["paid"].to_numpy(dtype=bool))]
    return shocks_of_windows(every, snapshot.date, seed)
