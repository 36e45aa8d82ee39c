"""From sums by month to curves: segment by segment, with every customer left out in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.loss_rates.loss_rates import Amount
from arrisk.models.recovery.months import MONTH, MonthCells, expect_further, unrecovered
from arrisk.models.recovery.share_interval import share_interval
from arrisk.models.recovery.write_offs import WriteOffs

__all__ = ["FEWEST_AT_RISK", "Curves", "curve_table", "further", "make_curves"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FEWEST_AT_RISK = 2
"""Customers old enough that a month of a curve needs: leaving one out must leave one."""


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Shares not recovered by segment.

    Attributes
    ----------
    segment : array of int, shape (customers,)
    ends : tuple of int
        Months that the curve of each segment has.
    survival : array of shape (segments, months + 1)
    without : array of shape (customers, months + 1)
        Of each customer's own segment without it.
    """

    segment: Ints
    ends: tuple[int, ...]
    survival: Floats
    without: Floats


def make_curves(cells: MonthCells, segment: Ints, segments: int, min_customers: int) -> Curves:
    """Curves of each segment; a curve is flat after the last month that enough customers have reached."""
    ends = tuple(_end(cells, segment == s, min_customers) for s in range(segments))
    months = cells.reached.shape[1]
    survival, without = np.ones((segments, months + 1)), np.ones((segment.size, months + 1))
    for s, end in enumerate(ends):
        inside, seen = segment == s, np.arange(months) < end
        standing, recovered = cells.standing[inside] * seen, cells.recovered[inside] * seen
        all_standing, all_back = standing.sum(axis=0), recovered.sum(axis=0)
        survival[s] = unrecovered(all_standing, all_back)
        without[inside] = unrecovered(all_standing - standing, all_back - recovered)
    return Curves(segment, ends, survival, without)


def _end(cells: MonthCells, inside: NDArray[np.bool_], min_customers: int) -> int:
    """Months that enough customers of a segment have reached."""
    enough = (cells.reached[inside] > 0).sum(axis=0) >= min_customers
    return enough.size if enough.all() else int(np.argmin(enough))


def curve_table(cells: MonthCells, names: tuple[str, ...], curves: Curves, level: float) -> pd.DataFrame:
    """The tidy table of a recovery curve.

    What is recovered only grows, so a range is never lower than those of earlier months and never higher than
    those of later ones.
    """
    rows: list[tuple[Any, ...]] = []
    for s, name in enumerate(names):
        inside = curves.segment == s
        reached, back = cells.reached[inside], cells.recovered[inside]
        for k in range(curves.ends[s]):
            paid = int((back[:, : k + 1].sum(axis=1) > 0).sum())
            share, without = 1.0 - float(curves.survival[s, k + 1]), 1.0 - curves.without[inside, k + 1]
            span = share_interval(share, without, reached[:, k], paid, level)
            at_risk = (int((reached[:, k] > 0).sum()), float(reached[:, k].sum()), float(back[:, k].sum()))
            rows.append((name, k + 1, *at_risk, share, span.low, span.high, span.method))
    columns = ["segment", "month", "customers", "amount", "recovered", "share", "ci_low", "ci_high"]
    table = pd.DataFrame(rows, columns=[*columns, "interval"])
    table = table.astype({"ci_low": float, "ci_high": float})
    table["ci_low"] = table.groupby("segment", sort=False)["ci_low"].cummax()
    table["ci_high"] = table[::-1].groupby("segment", sort=False)["ci_high"].cummin()
    return table


def further(w: WriteOffs, curves: Curves, tail: float, level: float) -> Amount:
    """Further recoveries of all write-offs, undiscounted, with the range that the curves have."""
    left = w.outstanding / w.scale
    total = float(left.sum())
    if total <= 0:
        return Amount(0.0, 0.0, 0.0, level, "nothing is outstanding")
    if not any(curves.ends):
        return Amount(None, 0.0, total, level, "no write-off is old enough: nothing is ruled out")
    value, others = 0.0, np.zeros(w.customers.size)
    for s, survival in enumerate(curves.survival):
        rows, inside = curves.segment[w.owner] == s, curves.segment == s
        ages, place = np.unique(w.age[rows], return_inverse=True)
        money = np.bincount(place.reshape(-1), left[rows], ages.size)
        part = float(expect_further(money, ages / MONTH, survival, tail)[0].sum())
        value += part
        without = expect_further(money, ages / MONTH, curves.without[inside], tail)[0]
        others[inside] = without.sum(axis=-1) - part
    bearing = np.unique(w.owner[w.lot]).size
    weights = w.by_customer(w.amount)
    span = share_interval(value / total, (value + others) / total, weights, bearing, level)
    return Amount(value, min(span.low * total, value), max(span.high * total, value), level, span.method)
