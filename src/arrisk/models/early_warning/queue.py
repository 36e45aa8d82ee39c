"""The queue of a team that can look at so many alerts a week: who is handled, by which ordering."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["handle"]


def handle(candidates: pd.DataFrame, budget: int, refractory_days: int) -> pd.DataFrame:
    """The alerts that are handled: each day the first `budget` of those that wait.

    Parameters
    ----------
    candidates : DataFrame
        `date`, `customer_id`, `score`, `exposure`; one row a customer and day. An alert not handled on its
        day is gone.
    budget : int
        Alerts that can be handled on each day.
    refractory_days : int
        A customer is not handled again within so many days.

    Returns
    -------
    DataFrame
        The rows handled, with the highest score first within a day; ties by exposure, then by identifier.
        Rows without a positive score are not worth handling.

    Examples
    --------
    >>> waiting = pd.DataFrame({"date": pd.to_datetime(["2024-01-01"] * 2 + ["2024-01-08"] * 2),
    ...     "customer_id": ["a", "b", "a", "b"], "score": [2.0, 1.0, 2.0, 1.0], "exposure": 1.0})
    >>> handle(waiting, 1, 90)[["date", "customer_id"]].astype(str).values.tolist()
    [['2024-01-01', 'a'], ['2024-01-08', 'b']]
    """
    rows = candidates[candidates["score"] > 0]
    rows = rows.sort_values(
        ["date", "score", "exposure", "customer_id"], ascending=[True, False, False, True], kind="stable"
    )
    chosen: list[int] = []
    last: dict[str, np.datetime64] = {}
    wait = np.timedelta64(refractory_days, "D")
    for _, day in rows.groupby("date", sort=True):
        left = budget
        for label, customer, date in zip(day.index, day["customer_id"], day["date"].to_numpy(), strict=True):
            if left == 0:
                break
            if customer in last and date - last[customer] <= wait:
                continue
            chosen.append(label)
            last[customer] = date
            left -= 1
    return rows.loc[chosen]
