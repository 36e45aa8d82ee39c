"""Labels: who fell into default strictly after the day of the features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.errors import LookAheadError, ModelError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.states import default_states

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["make_labels"]

ACTIVE_DAYS = 365


def make_labels(
    snapshot: Snapshot,
    at: str | pd.Timestamp,
    horizon_days: int,
    definition: DefaultDefinition | None = None,
    states: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Which customers, not in default on a day, fall into it within the horizon.

    Parameters
    ----------
    snapshot : Snapshot
        Knows the whole window: its date is not before `at` + `horizon_days`.
    at : date
        Day of the features. The window is (at, at + horizon_days]: strictly after.
    horizon_days : int
        Positive.
    definition : DefaultDefinition, optional
    states : DataFrame, optional
        From `default_states` of the same snapshot and definition, when several days are labelled.

    Returns
    -------
    DataFrame
        `customer_id`, `default` (bool), `default_date`, `cause`, sorted; the customers invoiced in the year
        up to `at` and not in default at its end.

    Raises
    ------
    LookAheadError
        If the window is not over at the snapshot.
    ModelError
        If the horizon is not positive.
    """
    begin, end = pd.Timestamp(at), pd.Timestamp(at) + pd.Timedelta(days=horizon_days)
    if horizon_days <= 0:
        raise ModelError(f"horizon_days = {horizon_days}: the window must lie after the day of the features")
    if end > snapshot.date:
        raise LookAheadError(
            f"the window ends {end:%Y-%m-%d}, after the snapshot of {snapshot.date:%Y-%m-%d}: "
            "a customer without default so far is not yet a good one"
        )
    items = snapshot.items
    if states is None:
        states = default_states(
            items, snapshot.events, snapshot.date, definition or DefaultDefinition(), snapshot.signals
        )
    issued = items["issue_date"]
    active = (items["amount"] > 0) & (issued <= begin) & (issued > begin - pd.Timedelta(days=ACTIVE_DAYS))
    before = states[states["date"] <= begin].groupby("customer_id")["in_default"].last()
    out = pd.DataFrame({"customer_id": np.sort(items.loc[active, "customer_id"].unique())})
    already = set(before.index[before])
    out = out[~out["customer_id"].isin(already)].reset_index(drop=True)
    within = states[(states["date"] > begin) & (states["date"] <= end) & states["in_default"]]
    first = within.groupby("customer_id")[["date", "cause"]].first().reindex(out["customer_id"])
    out["default"] = first["date"].notna().to_numpy()
    out["default_date"] = first["date"].to_numpy()
    out["cause"] = first["cause"].fillna("").to_numpy()
    return out
