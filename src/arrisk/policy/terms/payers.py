"""How each customer pays, and how surely: the slow-but-sure payers of a book."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["read_payers"]

YEAR = 365


def read_payers(
    snapshot: Snapshot, customers: pd.DataFrame, pd_high: pd.Series, default_days: int, level: float = 0.95
) -> pd.DataFrame:
    """How late each customer pays as a rule, beside its sales and its grade.

    Parameters
    ----------
    snapshot : Snapshot
    customers : DataFrame
        `customer_id`, `grade`, `sales` (of the last year), as in `GradeBook.customers`.
    pd_high : Series
        Upper end of the default rate, by grade.
    default_days : int
        Days past due from which a debt counts as in default: such payments are left out, and only items due
        that long ago count.
    level : float
        Of the interval of the delay.

    Returns
    -------
    DataFrame
        A row for every customer with sales and a ripe item: `customer_id`, `grade`, `sales`, `terms` (mean
        days), `items` (paid, ripe), `delay` (mean days past due by amount), `delay_low` (lower end of the
        interval of the mean over its items), `late_share` (of its items), `pd_high`.
    """
    from scipy import stats

    items, end = snapshot.items, snapshot.date - pd.Timedelta(days=default_days)
    late = (items["closed_date"] - items["due_date"]).dt.days
    ripe = (items["due_date"] <= end) & (items["due_date"] > end - pd.Timedelta(days=YEAR))
    paid = items[ripe & (items["close_kind"] == "paid") & (late < default_days) & (items["paid_amount"] > 0)]
    rows = pd.DataFrame(
        {
            "customer_id": paid["customer_id"],
            "late": late[paid.index].astype(float),
            "terms": (paid["due_date"] - paid["issue_date"]).dt.days.astype(float),
            "weight": paid["paid_amount"],
            "moved": paid["paid_amount"] * late[paid.index],
            "is_late": (late[paid.index] > 0).astype(float),
        }
    )
    by = rows.groupby("customer_id")
    count, spread = by.size(), by["late"].std(ddof=1).fillna(np.inf)
    reach = pd.Series(stats.t.ppf(0.5 + level / 2, np.maximum(count - 1, 1)), count.index)
    found = pd.DataFrame(
        {
            "terms": by["terms"].mean(),
            "items": count,
            "delay": by["moved"].sum() / by["weight"].sum(),
            "delay_low": by["late"].mean() - reach * spread / np.sqrt(count),
            "late_share": by["is_late"].mean(),
        }
    )
    out = customers[customers["sales"] > 0].merge(found, left_on="customer_id", right_index=True)
    out = out[["customer_id", "grade", "sales", *found.columns]]
    return out.assign(pd_high=out["grade"].map(pd_high).astype(float)).reset_index(drop=True)
