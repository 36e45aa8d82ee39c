"""What folds claim: one flexible model on the customers of many past days, judged in three ways."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from arrisk.errors import ModelError
from arrisk.models.scoring.observation import LABELS, describe_days
from arrisk.models.scoring.scorecard import FEWEST_DEFAULTERS, count_defaulters
from arrisk.models.validation.fold_comparison import COLUMNS, FoldComparison, compare_folds
from arrisk.models.validation.rivals import as_numbers, learn_boosting

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.defaults.definition import DefaultDefinition

__all__ = ["compare_score_folds"]

EVERY_DAYS = 60
MIN_HISTORY_DAYS = 180


def compare_score_folds(
    snapshot: Snapshot,
    definition: DefaultDefinition,
    horizon_days: int = 180,
    every_days: int = EVERY_DAYS,
    seed: int = 0,
    level: float = 0.95,
) -> FoldComparison:
    """Judge gradient boosting on all features by rows, by whole customers and on later days.

    Parameters
    ----------
    snapshot : Snapshot
    definition : DefaultDefinition
    horizon_days : int
        Length of the label window.
    every_days : int
        Distance of the past days; when it is shorter than the horizon a default is told by several rows.
    seed : int
    level : float

    Returns
    -------
    FoldComparison
        Without rows, and with a doubt, when the ledger is too young or fewer than 10 customers defaulted;
        without later days when one class is missing there.

    Notes
    -----
    This is what a scorecard should not be judged by: the same customer stands in many rows, with features
    that hardly change and the same default ahead, so that a model that knows the customer knows the answer.
    """
    last = snapshot.date - pd.Timedelta(days=horizon_days)
    first = snapshot.first_date + pd.Timedelta(days=MIN_HISTORY_DAYS)
    count = (last - first).days // every_days + 1
    none = FoldComparison(pd.DataFrame(columns=COLUMNS), 0, horizon_days, level, snapshot.date)
    if count < 2:
        return replace(none, doubt=f"the ledger is too young for windows of {horizon_days} days")
    days = list(pd.date_range(end=last, periods=count, freq=f"{every_days}D"))
    seen = describe_days(snapshot, days, horizon_days, definition)
    if (few := count_defaulters(seen)) < FEWEST_DEFAULTERS:
        return replace(none, doubt=f"{few} customers defaulted; at least {FEWEST_DEFAULTERS} are needed")
    x, y, who = as_numbers(seen.drop(columns=list(LABELS))), seen["default"], seen["customer_id"]
    told: dict[str, Any] = {"horizon_days": horizon_days, "seed": seed, "level": level}
    try:
        found = compare_folds(learn_boosting(seed), x, y, who, seen["cutoff"], **told)
    except ModelError:
        found = compare_folds(learn_boosting(seed), x, y, who, **told)
    return replace(found, as_of=snapshot.date)
