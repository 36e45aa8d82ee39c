"""From alerts to defaults: how many days ahead the first alert of each default came."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.days import day_numbers

__all__ = ["caught_defaults", "lead_times"]

Ints = NDArray[np.int64]


def caught_defaults(alerts: pd.DataFrame, defaults: pd.DataFrame, horizon_days: int) -> NDArray[np.float64]:
    """Days from the first alert within the horizon before each default to it; missing when there is none.

    Parameters
    ----------
    alerts, defaults : DataFrame
        `date`, `customer_id`.
    horizon_days : int

    Returns
    -------
    array, shape (defaults,)
        At least 1: an alert on the day of default warns of nothing.

    Examples
    --------
    >>> alerts = pd.DataFrame({"date": pd.to_datetime(["2024-01-01", "2024-02-01"]), "customer_id": "a"})
    >>> defaults = pd.DataFrame({"date": pd.to_datetime(["2024-03-01"] * 2), "customer_id": ["a", "b"]})
    >>> caught_defaults(alerts, defaults, 60).tolist(), caught_defaults(alerts, defaults, 40).tolist()
    ([60.0, nan], [29.0, nan])
    """
    names = pd.Index(defaults["customer_id"].unique())
    mine = alerts[alerts["customer_id"].isin(names)]
    raised, due = (day_numbers(frame["date"]).to_numpy(dtype=np.int64) for frame in (mine, defaults))
    who, whose = (names.get_indexer(pd.Index(frame["customer_id"])) for frame in (mine, defaults))
    return lead_times(who, whose, raised, due, horizon_days)


def lead_times(
    alerted: Ints, defaulted: Ints, alert_day: Ints, default_day: Ints, horizon_days: int
) -> NDArray[np.float64]:
    """`caught_defaults` on numbers of customers and days.

    Parameters
    ----------
    alerted, alert_day : array, shape (alerts,)
    defaulted, default_day : array, shape (defaults,)
    horizon_days : int
    """
    if not len(alerted) or not len(defaulted):
        return np.full(len(defaulted), np.nan)
    # One number a customer and day lets a single sorted search find the first alert of each window.
    low = min(alert_day.min(), default_day.min() - horizon_days)
    span = max(alert_day.max(), default_day.max()) - low + 1
    keys = np.append(np.sort(alerted * span + alert_day - low), np.iinfo(np.int64).max)
    due = defaulted * span + default_day - low
    first = keys[np.searchsorted(keys, due - horizon_days, side="left")]
    return np.where(first < due, due - first, np.nan)
