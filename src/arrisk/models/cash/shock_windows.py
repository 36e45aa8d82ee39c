"""Chances that a model gave to all items in past windows, beside who paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.days import day_numbers
from arrisk.models.timing.day_counts import Floats, Ints
from arrisk.models.timing.rates import PaymentModel

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["PERIOD_DAYS", "item_ends", "watch_windows"]

PERIOD_DAYS = 28
HISTORY_DAYS = 182
MOST_WINDOWS = 26
WINDOWS_A_FIT = 3
FAR = np.iinfo(np.int64).max


def watch_windows(snapshot: Snapshot, model: PaymentModel, most: int = MOST_WINDOWS) -> pd.DataFrame:
    """Chances and outcomes of all items in past windows of 28 days.

    Parameters
    ----------
    snapshot : Snapshot
    model : PaymentModel
        Fitted anew on the first day of every third window: a forecast of 13 weeks is as old in its end.
    most : int
        Number of windows at most, the latest; those that begin within half a year of the first day of the
        ledger are left out.

    Returns
    -------
    DataFrame
        One row an item and window: `date` (first evening), `customer_id`, `rate` (cumulative rate of payment
        to the end of the window, or to the loss of the item), `paid` (whether it was paid in the window).
        Items issued in the window count from their issue on.

    Raises
    ------
    ModelError
        If the model cannot be fitted on a past day.
    """
    days, parts = _past_days(snapshot, most), []
    end, paid = item_ends(snapshot)
    for k, day in enumerate(days):
        then = snapshot.as_of(day)
        if k % WINDOWS_A_FIT == 0:
            model = model.refit(then)
        every, number = _in_window(snapshot, then)
        parts.append(_watch(then, model, every, end[number], paid[number]))
    nothing = pd.DataFrame({"customer_id": [], "rate": np.empty(0), "paid": np.empty(0, dtype=bool)})
    nothing.insert(0, "date", pd.to_datetime([]))
    return pd.concat(parts, ignore_index=True) if parts else nothing


def _past_days(snapshot: Snapshot, most: int) -> list[pd.Timestamp]:
    first = snapshot.first_date + pd.Timedelta(days=HISTORY_DAYS)
    days = [snapshot.date - pd.Timedelta(days=PERIOD_DAYS * (k + 1)) for k in range(most)]
    return [day for day in days[::-1] if day >= first]


def item_ends(snapshot: Snapshot, last: int = 0) -> tuple[Ints, NDArray[np.bool_]]:
    """Day number on which each item (by its number) ended as known at a snapshot, and whether by payment.

    Parameters
    ----------
    snapshot : Snapshot
    last : int
        Number of the last item asked for, if the snapshot does not know it.
    """
    known, numbers = snapshot.items, snapshot.item_numbers
    size = 1 + max(last, int(numbers.max(initial=0)))
    end, paid = np.full(size, FAR), np.zeros(size, dtype=bool)
    gone = (known["close_kind"] != "open").to_numpy()
    end[numbers[gone]] = day_numbers(known.loc[gone, "closed_date"]).to_numpy(dtype=np.int64)
    paid[numbers] = (known["close_kind"] == "paid").to_numpy()
    return end, paid


def _in_window(snapshot: Snapshot, then: Snapshot) -> tuple[pd.DataFrame, Ints]:
    """Items open on a past day or issued in its window, and their numbers."""
    known, later = then.items, snapshot.items
    is_open = ((known["close_kind"] == "open") & (known["amount"] > 0)).to_numpy()
    owned = then.item_numbers[is_open]
    issued = later["issue_date"].to_numpy(dtype="datetime64[D]").astype(np.int64) - then.day
    fresh = (issued > 0) & (issued <= PERIOD_DAYS) & (later["amount"] > 0).to_numpy()
    # An invoice may be known before the day of its issue.
    fresh &= ~np.isin(snapshot.item_numbers, owned)
    new: pd.DataFrame = later.loc[fresh]
    # What became of them later is not for the model to see.
    new = new.assign(open_amount=new["amount"], days_overdue=np.nan, disputed=False)
    numbers = np.append(owned, snapshot.item_numbers[fresh]).astype(np.int64)
    return pd.concat([known.loc[is_open], new], ignore_index=True), numbers


def _watch(
    then: Snapshot, model: PaymentModel, every: pd.DataFrame, end: Ints, is_paid: NDArray[np.bool_]
) -> pd.DataFrame:
    """Chances and outcomes of items in the window after a day."""
    items = model.describe(then, every)
    rates = model.rates(items, then.date, PERIOD_DAYS)
    ahead = np.minimum(end - then.day, PERIOD_DAYS + 1)
    paid = (ahead <= PERIOD_DAYS) & is_paid
    seen = np.where(paid, PERIOD_DAYS, np.clip(ahead, 0, PERIOD_DAYS))
    return pd.DataFrame(
        {
            "date": then.date,
            "customer_id": items["customer_id"].to_numpy(),
            "rate": _sums(rates.paid, rates.kind, seen),
            "paid": paid,
        }
    )


def _sums(rates: Floats, kind: Ints, days: Ints) -> Floats:
    """Cumulative rate of each item over its days."""
    sums = np.hstack([np.zeros((len(rates), 1)), np.cumsum(rates, axis=1)])
    return np.asarray(sums[kind, days], dtype=float)
