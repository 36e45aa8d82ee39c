"""Past days of observation: what customers looked like then, and who defaulted after."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import pandas as pd

from arrisk.errors import ModelError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.labels import make_labels, purge_overlaps
from arrisk.models.defaults.states import default_states
from arrisk.models.features.customers import make_features
from arrisk.models.scoring.scaling import PREDICTORS, predictors

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["observation_days", "observe"]

MIN_HISTORY_DAYS = 180


def observe(
    snapshot: Snapshot, cutoffs: Sequence[pd.Timestamp], horizon_days: int, definition: DefaultDefinition
) -> pd.DataFrame:
    """Terms as they were known on each day, and what happened after it.

    Where the windows of days overlap, rows are purged: of each customer only those are kept whose windows do
    not, from the first day on (see `purge_overlaps`), so that no default is counted twice.

    Returns
    -------
    DataFrame
        `cutoff`, `customer_id`, `default`, `default_date`, `cause`, and the terms of `PREDICTORS`.
    """
    columns = ["cutoff", "customer_id", "default", "default_date", "cause", *PREDICTORS]
    if not len(cutoffs):
        return pd.DataFrame(columns=columns).astype({"default": bool, **dict.fromkeys(PREDICTORS, float)})
    states = default_states(snapshot.items, snapshot.events, snapshot.date, definition, snapshot.signals)
    parts = []
    for day in cutoffs:
        labels = make_labels(snapshot, day, horizon_days, definition, states)
        features = make_features(snapshot.as_of(day))
        terms = predictors(features).assign(customer_id=features["customer_id"])
        parts.append(labels.merge(terms, on="customer_id", how="inner").assign(cutoff=day))
    seen = purge_overlaps(pd.concat(parts, ignore_index=True), horizon_days)
    return seen[columns].reset_index(drop=True)


def observation_days(
    snapshot: Snapshot,
    horizon_days: int,
    given: Sequence[str | pd.Timestamp] | None = None,
    overlap: Literal["refuse", "purge"] = "refuse",
) -> list[pd.Timestamp]:
    """Days of observation: those given, or every `horizon_days` back from the last complete window.

    Windows that do not overlap count no default twice.

    Parameters
    ----------
    snapshot : Snapshot
    horizon_days : int
    given : sequence of date, optional
    overlap : {"refuse", "purge"}
        What becomes of given days whose windows overlap: an error, or `observe` purges their rows.

    Raises
    ------
    ModelError
        If no window fits between enough history and the snapshot, or the windows of given days overlap and
        are not to be purged.
    """
    first, last = snapshot.first_date, snapshot.date - pd.Timedelta(days=horizon_days)
    if given is not None:
        asked = sorted({pd.Timestamp(d) for d in given})
        gaps = [(b - a).days for a, b in pairwise(asked)]
        close = min(gaps, default=horizon_days) < horizon_days
        if not asked or (close and overlap == "refuse"):
            raise ModelError(
                f"days of observation must lie {horizon_days} days apart; closer windows count a default "
                'twice, unless overlap="purge" leaves rows out'
            )
        return asked
    days = []
    day = last
    while day >= first + pd.Timedelta(days=MIN_HISTORY_DAYS):
        days.append(day)
        day -= pd.Timedelta(days=horizon_days)
    if not days:
        raise ModelError(
            f"{(snapshot.date - first).days} days of history hold no window of {horizon_days} days after "
            f"{MIN_HISTORY_DAYS} days of behaviour; use a shorter horizon"
        )
    return sorted(days)
