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

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["LABELS", "MIN_HISTORY_DAYS", "Overlap", "describe_days", "observation_days", "observe"]

Overlap = Literal["refuse", "purge"]
MIN_HISTORY_DAYS = 180
LABELS = ("cutoff", "customer_id", "default", "default_date", "cause")
"""Columns of `observe` before the features."""


def observe(
    snapshot: Snapshot,
    cutoffs: Sequence[pd.Timestamp],
    horizon_days: int,
    definition: DefaultDefinition,
    states: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Features as they were known on each day, and what happened strictly after it.

    Where the windows of days overlap, rows are purged: of each customer only those are kept whose windows do
    not, from the first day on (see `purge_overlaps`), so that no default is counted twice.

    Parameters
    ----------
    snapshot : Snapshot
        Knows the windows after all days.
    cutoffs : sequence of Timestamp
        Days of the features.
    horizon_days : int
        Length of the window after each.
    definition : DefaultDefinition
    states : DataFrame, optional
        From `default_states` of the same snapshot and definition.

    Returns
    -------
    DataFrame
        `LABELS` and the columns of `make_features`; the customers invoiced in the year up to the day and not
        in default at its end. Without a day only the labels.
    """
    if not len(cutoffs):
        return pd.DataFrame(columns=list(LABELS)).astype({"default": bool})
    seen = describe_days(snapshot, cutoffs, horizon_days, definition, states)
    return purge_overlaps(seen, horizon_days).reset_index(drop=True)


def describe_days(
    snapshot: Snapshot,
    cutoffs: Sequence[pd.Timestamp],
    horizon_days: int,
    definition: DefaultDefinition,
    states: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The rows of `observe`, also those whose windows overlap; at least one day."""
    if states is None:
        states = default_states(snapshot.items, snapshot.events, snapshot.date, definition, snapshot.signals)
    parts = []
    for day in cutoffs:
        labels = make_labels(snapshot, day, horizon_days, definition, states)
        features = make_features(snapshot.as_of(day))
        parts.append(labels.merge(features, on="customer_id", how="inner").assign(cutoff=day))
    seen = pd.concat(parts, ignore_index=True)
    return seen[[*LABELS, *(c for c in seen.columns if c not in LABELS)]]


def observation_days(
    snapshot: Snapshot,
    horizon_days: int,
    given: Sequence[str | pd.Timestamp] | None = None,
    overlap: Overlap = "refuse",
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
