"""Past windows gathered while a back-test goes by, so that each day knows the shocks seen so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.cash.shock_windows import PERIOD_DAYS, item_ends
from arrisk.models.cash.shocks import Shocks, shocks_of_windows
from arrisk.models.timing.rates import DailyRates, PaymentModel

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["PastWindow", "add_issued", "open_window", "shocks_so_far"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
KEYS = ["invoice_id", "instalment"]


@dataclass(frozen=True, slots=True, eq=False)
class PastWindow:
    """Items of the 28 days after a day, with the rates of payment that a model gave them on it.

    Parameters
    ----------
    snapshot : Snapshot
        Of the evening before the window.
    model : PaymentModel
        Knows no more than it.
    items : array of int
        Numbers of the items in the ledger.
    customer_id : array
    kind : array of int
        Row of each item in `rates`.
    rates : array, shape (kinds, 29)
        Cumulative rate of payment by the end of each day, the first zero.
    """

    snapshot: Snapshot
    model: PaymentModel
    items: Ints
    customer_id: NDArray[np.object_]
    kind: Ints
    rates: Floats


def open_window(
    snapshot: Snapshot, model: PaymentModel, items: pd.DataFrame, rates: DailyRates
) -> PastWindow:
    """The window of the open items of a day, with their described rates on at least 28 days."""
    known = snapshot.items
    place = np.flatnonzero((known["open_amount"] != 0).to_numpy())
    index = pd.MultiIndex.from_frame(known.loc[place, KEYS])
    found = index.get_indexer(pd.MultiIndex.from_frame(items[KEYS]))
    return PastWindow(
        snapshot,
        model,
        np.asarray(snapshot.item_numbers[place[found]], dtype=np.int64),
        items["customer_id"].to_numpy(dtype=object),
        np.asarray(rates.kind, dtype=np.int64),
        _cumulative(rates),
    )


def add_issued(window: PastWindow, over: Snapshot) -> PastWindow:
    """The window with the items issued in it, as a later day knows them; they count from their issue."""
    then, known = window.snapshot, over.items
    ahead = (known["issue_date"] - then.date).dt.days.to_numpy()
    fresh = (ahead > 0) & (ahead <= PERIOD_DAYS) & (known["amount"] > 0).to_numpy()
    fresh &= ~np.isin(over.item_numbers, window.items)
    if not fresh.any():
        return window
    # What became of them later is not for the model to see.
    new = known.loc[fresh].reset_index(drop=True)
    new = new.assign(open_amount=new["amount"], days_overdue=np.nan, disputed=False)
    items = window.model.describe(then, new)
    rates = window.model.rates(items, then.date, PERIOD_DAYS)
    return PastWindow(
        then,
        window.model,
        np.concatenate([window.items, over.item_numbers[fresh]]),
        np.concatenate([window.customer_id, items["customer_id"].to_numpy(dtype=object)]),
        np.concatenate([window.kind, rates.kind + len(window.rates)]),
        np.vstack([window.rates, _cumulative(rates)]),
    )


def shocks_so_far(windows: list[PastWindow], snapshot: Snapshot, seed: int = 0) -> Shocks:
    """The shocks that a day could know: from windows that were over, with what it knew of their items.

    See Also
    --------
    arrisk.models.cash.shock_windows.watch_windows : The same for one day, which fits its own models.
    """
    over = [w for w in windows if w.snapshot.day + PERIOD_DAYS <= snapshot.day]
    end, paid = item_ends(snapshot, max((int(w.items.max(initial=0)) for w in over), default=0))
    frames: dict[str, list[NDArray[np.generic]]] = {"customer_id": [], "rate": [], "paid": []}
    for w in over:
        ahead = np.minimum(end[w.items] - w.snapshot.day, PERIOD_DAYS + 1)
        inside = (ahead <= PERIOD_DAYS) & paid[w.items]
        seen = np.where(inside, PERIOD_DAYS, np.clip(ahead, 0, PERIOD_DAYS))
        frames["customer_id"].append(w.customer_id)
        frames["rate"].append(w.rates[w.kind, seen])
        frames["paid"].append(inside)
    dates = pd.DatetimeIndex([w.snapshot.date for w in over]).repeat([w.items.size for w in over])
    nothing = {"customer_id": np.empty(0, object), "rate": np.empty(0), "paid": np.empty(0, bool)}
    columns = {name: np.concatenate([nothing[name], *parts]) for name, parts in frames.items()}
    return shocks_of_windows(pd.DataFrame({"date": dates, **columns}), snapshot.date, seed)


def _cumulative(rates: DailyRates) -> Floats:
    daily = rates.paid[:, :PERIOD_DAYS]
    return np.hstack([np.zeros((len(daily), 1)), np.cumsum(daily, axis=1)])
