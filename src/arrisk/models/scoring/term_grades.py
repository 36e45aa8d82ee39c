"""Default rates by grade and number of days without a model: Kaplan-Meier beside what was expected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.intervals import upper_bound
from arrisk.models.timing.curves import kaplan_meier

__all__ = ["observed_by_grade"]

Floats = NDArray[np.float64]
COLUMNS = [
    "grade",
    "days",
    "observations",
    "customers",
    "defaults",
    "observed",
    "ci_low",
    "ci_high",
    "expected",
]


def observed_by_grade(
    grade: NDArray[np.object_],
    duration: NDArray[np.int64],
    event: NDArray[np.bool_],
    customer: NDArray[np.int64],
    expected: Floats,
    days: Sequence[int],
    level: float,
) -> pd.DataFrame:
    """Compare what was seen by grade and number of days with what was expected.

    Parameters
    ----------
    grade : array of str, shape (n,)
    duration : array of int, shape (n,)
        Days to default or to the last day followed.
    event : array of bool, shape (n,)
    customer : array of int, shape (n,)
    expected : array of float, shape (n, len(days))
        Probability of default of each row within each number of days.
    days : sequence of int
    level : float

    Returns
    -------
    DataFrame
        `grade`, `days`, `observations`, `customers`, `defaults` (seen by then), `observed` (Kaplan-Meier,
        missing where nobody was followed so long), `ci_low`, `ci_high` (by customer; without a default from
        0 to the exact upper limit with customers as trials), `expected` (mean).
    """
    rows: list[tuple[Any, ...]] = []
    for name in np.unique(grade):
        pick = grade == name
        parts = duration[pick], event[pick], customer[pick]
        rows += [(name, *row) for row in _rows(*parts, expected[pick].mean(axis=0), days, level)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _rows(
    duration: NDArray[np.int64],
    event: NDArray[np.bool_],
    customer: NDArray[np.int64],
    expected: Floats,
    days: Sequence[int],
    level: float,
) -> list[tuple[Any, ...]]:
    curve = kaplan_meier(duration, event, clusters=customer, level=level)
    groups = np.unique(customer).size
    rows = []
    for day, mean in zip(days, expected, strict=True):
        known = curve.table[curve.table["day"] <= day]
        low, high = 0.0, upper_bound(0, groups, level).high
        seen = 1.0 - float(curve.at(day)[0])
        if seen > 0:
            low, high = (1.0 - known[["ci_high", "ci_low"]].iloc[-1]).to_numpy(float)
        if np.isnan(seen):
            low = high = np.nan
        counted = int((event & (duration <= day)).sum())
        rows.append((day, duration.size, groups, counted, seen, low, high, float(mean)))
    return rows
