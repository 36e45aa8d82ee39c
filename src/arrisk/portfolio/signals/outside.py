"""Outside signals day by day, each from the day on which it was known."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.days import day_numbers
from arrisk.portfolio.signals.own_past import TO_NORMAL

__all__ = ["customer_signal", "market_shortfall"]

Floats = NDArray[np.float64]
LAST_VALUES, FEWEST_VALUES = 24, 6


def customer_signal(
    signals: pd.DataFrame, name: str, days: NDArray[np.int64], customers: NDArray[np.object_], keep: int
) -> Floats:
    """Whether a signal about each customer became known in the last `keep` days.

    Parameters
    ----------
    signals : DataFrame
        As `Snapshot.signals`.
    name : str
    days : array, shape (days,)
        Day numbers.
    customers : array, shape (customers,)
    keep : int

    Returns
    -------
    array, shape (days, customers)
        1 or 0.
    """
    out = np.zeros((len(days), len(customers)))
    mine = signals[(signals["signal"] == name) & signals["customer_id"].notna()]
    place = pd.Index(customers).get_indexer(pd.Index(mine["customer_id"]))
    for column, known in zip(place, _known_days(mine), strict=True):
        if column >= 0:
            out[(days >= known) & (days < known + keep), column] = 1.0
    return out


def market_shortfall(
    signals: pd.DataFrame,
    name: str,
    days: NDArray[np.int64],
    customers: pd.DataFrame,
    level: float | None = None,
) -> Floats:
    """How far the latest known value of a market signal lies below a level, or below its own past.

    Parameters
    ----------
    signals : DataFrame
        As `Snapshot.signals`; rows about an industry or region concern its customers, rows about none all.
    name : str
    days : array, shape (days,)
    customers : DataFrame
        `customer_id`, and industry and region where given; one row a customer.
    level : float, optional
        By default the median of the last 24 values known, in their robust standard deviations.

    Returns
    -------
    array, shape (days, customers)
        Positive is below; the largest of the signals that concern the customer, missing without one.
    """
    out = np.full((len(days), len(customers)), np.nan)
    mine = signals[(signals["signal"] == name) & signals["customer_id"].isna()]
    whom = mine[["industry", "region"]].fillna("")
    for keys, rows in mine.groupby([whom["industry"], whom["region"]]):
        concerned = np.ones(len(customers), dtype=bool)
        for column, value in zip(("industry", "region"), keys, strict=True):
            if value != "":
                concerned &= _attribute(customers, column) == value
        short = _shortfall(rows, days, level)[:, None]
        out[:, concerned] = np.fmax(out[:, concerned], short)
    return out


def _attribute(customers: pd.DataFrame, column: str) -> NDArray[np.object_]:
    if column not in customers.columns:
        return np.full(len(customers), None, dtype=object)
    return customers[column].to_numpy(dtype=object)


def _known_days(signals: pd.DataFrame) -> NDArray[np.int64]:
    known = signals[["date", "recorded_date"]].max(axis=1)
    return day_numbers(known).to_numpy(dtype=np.int64)


def _shortfall(rows: pd.DataFrame, days: NDArray[np.int64], level: float | None) -> Floats:
    """Of one series; on each day the value of the latest date among those known counts."""
    rows = rows.sort_values("date", kind="stable")
    known, values = _known_days(rows), rows["value"].to_numpy(dtype=float)
    out = np.full(len(days), np.nan)
    for t, day in enumerate(days):
        seen = values[(known <= day) & np.isfinite(values)]
        if seen.size and level is not None:
            out[t] = level - seen[-1]
        elif seen.size >= FEWEST_VALUES:
            out[t] = _below_own_past(seen[-LAST_VALUES:])
    return out


def _below_own_past(values: Floats) -> float:
    middle = float(np.median(values))
    spread = TO_NORMAL * float(np.median(np.abs(values - middle)))
    return (middle - float(values[-1])) / spread if spread > 0 else 0.0
