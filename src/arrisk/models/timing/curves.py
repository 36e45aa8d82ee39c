"""Exact Kaplan-Meier curves in whole days, with intervals that know the customers.

Pure functions on arrays. A day is whole and day 0 is legal: a customer who pays on the day of issue has
duration 0 and counts. An item is at risk on the days ``entry < day <= duration``; one that has been watched
from its first day has ``entry = first day - 1``, which is what leaving `entry` out means.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from arrisk.display import frame_html
from arrisk.errors import ModelError
from arrisk.models.timing.day_counts import DayRows, Floats, Ints, day_rows, flags

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SurvivalCurve", "closed_only_curve", "kaplan_meier"]

CLUSTER_CHUNK = 256


@dataclass(frozen=True, slots=True)
class SurvivalCurve:
    """Probability of still being open, day by day.

    Parameters
    ----------
    table : DataFrame
        One row per day on which an item left: `day`, `items_at_risk` (count), `at_risk` and `events`
        (weighted), `survival` (share still open after that day), `se`, `ci_low`, `ci_high`.
    first_day, last_day : int
        Days between which anything is known; the curve has no value after `last_day`.
    n, n_events : int
        Items used and items whose event was seen.
    n_clusters : int or None
        Customers behind the intervals, None when rows are taken as independent.
    level : float
        Level of the intervals.
    method : str
        How the standard errors were found.
    """

    table: pd.DataFrame
    first_day: int
    last_day: int
    n: int
    n_events: int
    n_clusters: int | None
    level: float
    method: str

    def at(self, days: ArrayLike) -> Floats:
        """Share still open after each day; 1 before the first, missing after the last observed day."""
        asked = np.atleast_1d(np.asarray(days, dtype=float))
        known = np.concatenate([[1.0], self.table["survival"].to_numpy(float)])
        out: Floats = known[np.searchsorted(self.table["day"].to_numpy(float), asked, side="right")]
        return np.where(asked > self.last_day, np.nan, out)

    def quantile(self, share: float = 0.5) -> float:
        """First day by which at least `share` are closed; missing when the curve does not get there."""
        reached = self.table.loc[self.table["survival"] <= 1.0 - share + 1e-12, "day"]
        return float(reached.iloc[0]) if len(reached) else float("nan")

    def restricted_mean(self, horizon: int) -> float:
        """Mean of min(day of closing, `horizon`) in days; missing when the curve ends before `horizon`."""
        start = min(self.first_day, 0)
        days = np.arange(start, horizon)
        return float(start + self.at(days).sum())

    def plot(self, ax: Axes | None = None, label: str | None = None) -> Axes:
        """Draw the steps with their interval."""
        ax = _axes(ax)
        day = np.concatenate([[self.first_day - 1], self.table["day"].to_numpy(float)])
        survival = np.concatenate([[1.0], self.table["survival"].to_numpy(float)])
        low, high = self.table["ci_low"].to_numpy(float), self.table["ci_high"].to_numpy(float)
        (line,) = ax.step(day, survival, where="post", label=label)
        ax.fill_between(day[1:], low, high, step="post", alpha=0.18, color=line.get_color(), linewidth=0)
        ax.set(xlabel="days", ylabel="share still open", ylim=(0, 1.02))
        return ax

    def _repr_html_(self) -> str:
        return frame_html(self.table, "Share still open by day", self.method)


def kaplan_meier(
    duration: ArrayLike,
    event: ArrayLike,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    counts: ArrayLike | None = None,
) -> SurvivalCurve:
    """Kaplan-Meier curve in whole days, exact by counting.

    Parameters
    ----------
    duration : array of int, shape (n,)
        Day of the event or of censoring. Day 0 and negative days (clock since due) are legal.
    event : array of bool, shape (n,)
        True when the event was seen, False when the item was censored at the end of that day.
    entry : array of int, shape (n,), optional
        Last day on which the item was not yet watched (left truncation): at risk on ``entry < day``.
    weights : array of float, shape (n,), optional
        For example amounts. They weight the curve; they are not replicates, so the standard error is then the
        robust one (infinitesimal jackknife) rather than Greenwood's.
    clusters : array, shape (n,), optional
        Customers. The standard error is then robust to any dependence within a customer, and the interval
        uses Student's t with (clusters - 1) degrees of freedom.
    level : float
        Level of the pointwise log-log interval.
    counts : array of int, shape (n,), optional
        Items that each row stands for, as in `make_survival_counts`, with the same result as that many rows.
        A weight is then that of the whole row, and weighted intervals need the clusters: a sum of weights
        does not tell how they vary.

    Returns
    -------
    SurvivalCurve

    Raises
    ------
    ModelError
        On empty input, fractional or missing days, negative weights, an entry that is not before its exit, or
        weights on counts without clusters.

    Notes
    -----
    Kaplan and Meier (1958), Greenwood (1926). The robust variance sums the squared influences
    ``-(d_c - Y_c D/R) / (R - D)`` over clusters; with every row its own cluster, equal weights and no
    entry it is Greenwood's formula exactly. Where the curve is still 1 there is no lower limit and where it
    is 0 no upper one: these are missing, not certain.

    Examples
    --------
    Four invoices: one paid on the day of issue, one after 3 days, two still open after 5.

    >>> kaplan_meier([0, 3, 5, 5], [True, True, False, False]).at([0, 2, 3, 5]).tolist()
    [0.75, 0.75, 0.5, 0.5]
    >>> kaplan_meier([0, 3, 5], [True, True, False], counts=[1, 1, 2]).at([5]).tolist()
    [0.5]
    """
    rows = day_rows(duration, entry, weights, counts)
    happened = flags(event, rows)
    left = rows.leaving(happened, 2)
    events, at_risk = left[1], rows.at_risk(left.sum(axis=0))
    gone = left if rows.weights is None else rows.leaving(happened, 2, weighted=False)
    items = at_risk if rows.weights is None else rows.at_risk(gone.sum(axis=0), weighted=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(at_risk > 0, events / at_risk, 0.0)
    survival: Floats = np.cumprod(1.0 - hazard).astype(np.float64)
    survival[survival < 1e-12] = 0.0
    variance, groups = _log_variance(rows, happened, events, at_risk, clusters)
    table = _curve_table(rows.days(), items, at_risk, events, survival, variance, groups, level)
    seen = (left.sum(axis=0) > 0) | (gone.sum(axis=0) > 0)
    return SurvivalCurve(
        table=table[seen].reset_index(drop=True),
        first_day=rows.first,
        last_day=rows.first + int(np.flatnonzero(seen)[-1]),
        n=int(gone.sum()),
        n_events=int(gone[1].sum()),
        n_clusters=groups,
        level=level,
        method=_method(weights is not None, groups),
    )


def closed_only_curve(
    duration: ArrayLike, event: ArrayLike, counts: ArrayLike | None = None
) -> SurvivalCurve:
    """Curve of the closed items alone: the common mistake, kept to show its bias.

    Near the as-of date only the fast payers have closed, so this curve falls too quickly. Use `kaplan_meier`,
    which says what the arrays hold.

    Examples
    --------
    >>> closed_only_curve([0, 3, 5, 5], [True, True, False, False]).at([3]).tolist()
    [0.0]
    """
    happened = np.asarray(event).astype(bool)
    some = None if counts is None else np.asarray(counts)[happened]
    return kaplan_meier(np.asarray(duration)[happened], happened[happened], counts=some)


def _log_variance(
    rows: DayRows, happened: NDArray[np.bool_], events: Floats, at_risk: Floats, clusters: ArrayLike | None
) -> tuple[Floats, int | None]:
    """Variance of log survival by day, and the number of clusters (None: rows are independent)."""
    rest = at_risk - events
    with np.errstate(divide="ignore", invalid="ignore"):
        if clusters is None and rows.weights is None:
            return np.cumsum(np.where(events > 0, events / (at_risk * rest), 0.0)), None
        if clusters is None and rows.counts is not None:
            raise ModelError("weights on counts need clusters: a sum of weights does not tell how they vary")
        hazard = np.where(at_risk > 0, events / at_risk, 0.0)
        per_unit = np.where(events > 0, 1.0 / rest, 0.0)
    ids = np.arange(rows.exit.size) if clusters is None else np.asarray(clusters)
    code = pd.factorize(ids, use_na_sentinel=False)[0]
    groups = int(code.max()) + 1
    if clusters is not None and groups < 2:
        return np.full(rows.length, np.nan), groups
    total = _sum_squares(rows, happened, code, hazard, per_unit)
    return (total, None) if clusters is None else (total * groups / (groups - 1), groups)


def _sum_squares(
    rows: DayRows, happened: NDArray[np.bool_], code: Ints, hazard: Floats, unit: Floats
) -> Floats:
    """Sum over clusters of their squared influence on log survival, by day, in chunks of clusters."""
    order = np.argsort(code, kind="stable")
    each = rows.per_row()
    w = np.ones(rows.exit.size) if each is None else each.astype(float)
    total = np.zeros(rows.length)
    edges = np.searchsorted(code[order], np.arange(0, code.max() + 1 + CLUSTER_CHUNK, CLUSTER_CHUNK))
    for low, high in pairwise(edges.tolist()):
        pick = order[low:high]
        if not pick.size:
            continue
        local = code[pick] - code[pick[0]]
        shape = (int(local.max()) + 1, rows.length + 1)
        leave = local * shape[1] + rows.exit[pick] - rows.first
        died = _grid(leave, w[pick] * happened[pick], shape)
        begin = local * shape[1] + (0 if rows.start is None else rows.start[pick] - rows.first)
        held = np.cumsum(_grid(begin, w[pick], shape) - _grid(leave + 1, w[pick], shape), axis=1)
        with np.errstate(invalid="ignore", over="ignore"):
            influence = np.cumsum((died - held * np.append(hazard, 0.0))[:, :-1] * unit, axis=1)
            total += (influence**2).sum(axis=0)
    return total


def _grid(index: Ints, weights: Floats, shape: tuple[int, int]) -> Floats:
    filled = np.bincount(index, weights=weights, minlength=shape[0] * shape[1])
    return filled.astype(np.float64).reshape(shape)


def _curve_table(
    day: Ints,
    items: Floats,
    at_risk: Floats,
    events: Floats,
    survival: Floats,
    variance: Floats,
    groups: int | None,
    level: float,
) -> pd.DataFrame:
    tail = 0.5 + level / 2.0
    z = stats.norm.ppf(tail) if groups is None else stats.t.ppf(tail, max(groups - 1, 1))
    inside = (survival > 0.0) & (survival < 1.0) & np.isfinite(variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_s = np.where(inside, np.log(survival), -1.0)
        half = z * np.sqrt(np.where(inside, variance, 0.0)) / np.abs(log_s)
        se = np.where(inside, survival * np.sqrt(variance), np.where(survival == 1.0, 0.0, np.nan))
    low = np.where(inside, survival ** np.exp(half), np.where(survival == 0.0, 0.0, np.nan))
    high = np.where(inside, survival ** np.exp(-half), np.where(survival == 1.0, 1.0, np.nan))
    return pd.DataFrame(
        {
            "day": day,
            "items_at_risk": items.astype(np.int64),
            "at_risk": at_risk,
            "events": events,
            "survival": survival,
            "se": se,
            "ci_low": low,
            "ci_high": high,
        }
    )


def _method(weighted: bool, groups: int | None) -> str:
    weight = "amount-weighted" if weighted else "each item counts once"
    if groups is not None:
        return f"Kaplan-Meier, {weight}; log-log intervals robust to dependence within {groups} clusters"
    kind = "robust (infinitesimal jackknife)" if weighted else "Greenwood"
    return f"Kaplan-Meier, {weight}; {kind} standard errors, items taken as independent, log-log intervals"


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    made: Axes = plt.subplots(figsize=(7.2, 4.2))[1]
    return made
