"""Chances that a model gave to all items in past windows, beside who paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.models.timing.day_counts import Floats, Ints
from arrisk.models.timing.rates import PaymentModel

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["PERIOD_DAYS", "watch_windows"]

PERIOD_DAYS = 28
HISTORY_DAYS = 182
MOST_WINDOWS = 26
WINDOWS_A_FIT = 3
KEYS = ["invoice_id", "instalment"]


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
    ends = _ends(snapshot)
    for k, day in enumerate(days):
        then = snapshot.as_of(day)
        if k % WINDOWS_A_FIT == 0:
            model = model.refit(then)
        parts.append(_watch(then, model, _issued_in(snapshot, day), ends))
    nothing = pd.DataFrame({"customer_id": [], "rate": np.empty(0), "paid": np.empty(0, dtype=bool)})
    nothing.insert(0, "date", pd.to_datetime([]))
    return pd.concat(parts, ignore_index=True) if parts else nothing


def _past_days(snapshot: Snapshot, most: int) -> list[pd.Timestamp]:
    first = snapshot.first_date + pd.Timedelta(days=HISTORY_DAYS)
    days = [snapshot.date - pd.Timedelta(days=PERIOD_DAYS * (k + 1)) for k in range(most)]
    return [day for day in days[::-1] if day >= first]


def _ends(snapshot: Snapshot) -> pd.DataFrame:
    """How and on which day number each item ended, as known at the snapshot."""
    known = snapshot.items
    is_open = (known["close_kind"] == "open").to_numpy()
    closed = known["closed_date"].to_numpy(dtype="datetime64[D]").astype(np.int64)
    far = np.iinfo(np.int64).max
    return known[KEYS].assign(
        end=np.where(is_open, far, closed), is_paid=(known["close_kind"] == "paid").to_numpy()
    )


def _issued_in(snapshot: Snapshot, day: pd.Timestamp) -> pd.DataFrame:
    known = snapshot.items
    last = day + pd.Timedelta(days=PERIOD_DAYS)
    fresh = (known["issue_date"] > day) & (known["issue_date"] <= last) & (known["amount"] > 0)
    issued: pd.DataFrame = known.loc[fresh.to_numpy()]
    # What became of them later is not for the model to see.
    return issued.assign(open_amount=issued["amount"], days_overdue=np.nan, disputed=False)


def _watch(then: Snapshot, model: PaymentModel, fresh: pd.DataFrame, ends: pd.DataFrame) -> pd.DataFrame:
    """Chances and outcomes of the items open on a day or issued in its window."""
    known = then.items
    is_open = ((known["close_kind"] == "open") & (known["amount"] > 0)).to_numpy()
    every = pd.concat([known.loc[is_open], fresh], ignore_index=True)
    # An invoice may be known before the day of its issue.
    items = model.describe(then, every.drop_duplicates(KEYS, ignore_index=True))
    rates = model.rates(items, then.date, PERIOD_DAYS)
    found = items[KEYS].merge(ends, how="left", on=KEYS)
    ahead = np.minimum(found["end"].to_numpy(dtype=np.int64) - then.day, PERIOD_DAYS + 1)
    paid = (ahead <= PERIOD_DAYS) & found["is_paid"].to_numpy(dtype=bool)
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
