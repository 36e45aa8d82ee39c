"""A survival curve in whole days and what can be read from it: shares, quantiles, restricted means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from arrisk.display import Format, Table, frame_html
from arrisk.models.timing.day_counts import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CurveFigure", "SurvivalCurve", "loglog_limits"]

SHOWN_DAYS = (30, 60, 90)
LIMITS = ["estimate", "se", "ci_low", "ci_high"]


@dataclass(frozen=True, slots=True)
class CurveFigure:
    """A figure read from a curve, with its standard error (missing for a quantile) and its interval."""

    estimate: float
    se: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True, slots=True)
class SurvivalCurve:
    """Probability of still being open, day by day.

    Parameters
    ----------
    table : DataFrame
        One row per day on which an item left: `day`, `items_at_risk` (count), `at_risk` and `events`
        (weighted), `survival` (share still open after that day), `se`, `ci_low`, `ci_high`.
    means : DataFrame
        One row per horizon from the first day on: `horizon`, and `estimate`, `se`, `ci_low`, `ci_high` of the
        mean of min(day of closing, horizon), in days.
    first_day, last_day : int
        Days between which anything is known; the curve has no value after `last_day`.
    n, n_events : int
        Items used and items whose event was seen.
    n_clusters : int or None
        Customers behind the intervals, None when rows are taken as independent.
    level : float
        Level of the intervals.
    method : str
        How the intervals were found.
    """

    table: pd.DataFrame
    means: pd.DataFrame
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

    def late_share(self, days: ArrayLike) -> pd.DataFrame:
        """Share still open after each day, with its interval: on the clock since due, P(late > day).

        Returns
        -------
        DataFrame
            day, estimate, se, ci_low, ci_high; missing where the curve says nothing.
        """
        asked = np.atleast_1d(np.asarray(days, dtype=np.int64))
        row = np.searchsorted(self.table["day"].to_numpy(), asked, side="right") - 1
        figures = self.table[["survival", "se", "ci_low", "ci_high"]].to_numpy(float)
        before = np.array([1.0, 0.0, np.nan, 1.0])
        out = np.where((row < 0)[:, None], before, figures[np.maximum(row, 0)])
        out[asked > self.last_day] = np.nan
        return pd.DataFrame({"day": asked, **dict(zip(LIMITS, out.T, strict=True))})

    def quantile(self, share: float = 0.5) -> float:
        """First day by which at least `share` are closed; missing when the curve does not get there."""
        return self._first_day("survival", share)

    def quantile_interval(self, share: float = 0.5) -> CurveFigure:
        """`quantile` with the days on which the limits of the curve get there; missing where they do not.

        Notes
        -----
        Brookmeyer and Crowley, *A confidence interval for the median survival time*, Biometrics 38 (1982).
        """
        low, high = self._first_day("ci_low", share), self._first_day("ci_high", share)
        return CurveFigure(self.quantile(share), float("nan"), low, high)

    def _first_day(self, column: str, share: float) -> float:
        reached = self.table.loc[self.table[column] <= 1.0 - share + 1e-12, "day"]
        return float(reached.iloc[0]) if len(reached) else float("nan")

    def restricted_mean(self, horizon: int) -> float:
        """Mean of min(day of closing, `horizon`) in days; missing when the curve ends before `horizon`."""
        return self.restricted_mean_interval(horizon).estimate

    def restricted_mean_interval(self, horizon: int) -> CurveFigure:
        """`restricted_mean` with its standard error and interval; known for good once all have closed."""
        last = int(self.means["horizon"].iloc[-1])
        done = self.table["survival"].iloc[-1] == 0.0
        if horizon <= self.first_day:
            return CurveFigure(float(horizon), 0.0, float(horizon), float(horizon))
        if horizon > last and not done:
            return CurveFigure(*[float("nan")] * 4)
        row = self.means.iloc[min(horizon, last) - self.first_day - 1]
        return CurveFigure(*(float(row[name]) for name in LIMITS))

    def summary(self, days: Sequence[int] = SHOWN_DAYS, horizon: int = 90) -> pd.DataFrame:
        """Tidy figures: median, restricted mean and shares still open; term, estimate, ci_low, ci_high."""
        median, mean = self.quantile_interval(), self.restricted_mean_interval(horizon)
        rows = [("median days", median.estimate, median.ci_low, median.ci_high)]
        rows += [(f"mean days, at most {horizon}", mean.estimate, mean.ci_low, mean.ci_high)]
        for day, share, _, low, high in self.late_share(list(days)).to_numpy(float).tolist():
            rows.append((f"share open after {day:.0f} days", share, low, high))
        return pd.DataFrame(rows, columns=["term", "estimate", "ci_low", "ci_high"])

    @property
    def diagnostics(self) -> dict[str, Any]:
        """What the curve rests on."""
        return {
            "items": self.n,
            "events": self.n_events,
            "customers": self.n_clusters,
            "known_until": self.last_day,
            "method": self.method,
        }

    def to_table(self, name: str = "survival_curve") -> Table:
        """`summary` as a table."""
        formats: dict[str, Format] = dict.fromkeys(["estimate", "ci_low", "ci_high"], "number")
        return Table(name, f"{self.level:.0%} intervals of the curve", self.summary(), self.method, formats)

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


def loglog_limits(
    survival: Floats, variance: Floats, freedom: Floats | None, level: float
) -> tuple[Floats, Floats, Floats]:
    """Standard error and log-log limits of a share.

    Parameters
    ----------
    survival : array, shape (days,)
    variance : array, shape (days,)
        Of log survival.
    freedom : array, shape (days,), or None
        Degrees of freedom of the variance; None: normal.
    level : float

    Notes
    -----
    Kalbfleisch and Prentice (1980): ``S ** exp(+- q se(log S) / log S)``. There is no lower limit where the
    share is 1 and no upper one where it is 0: these are missing, not certain.
    """
    tail = 0.5 + level / 2.0
    quantile = stats.norm.ppf(tail) if freedom is None else stats.t.ppf(tail, freedom)
    inside = (survival > 0.0) & (survival < 1.0) & np.isfinite(variance)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        log_s = np.where(inside, np.log(survival), -1.0)
        half = quantile * np.sqrt(np.where(inside, variance, 0.0)) / np.abs(log_s)
        se = np.where(inside, survival * np.sqrt(variance), np.where(survival == 1.0, 0.0, np.nan))
        low = np.where(inside, survival ** np.exp(half), np.where(survival == 0.0, 0.0, np.nan))
        high = np.where(inside, survival ** np.exp(-half), np.where(survival == 1.0, 1.0, np.nan))
    return se, low, high


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    made: Axes = plt.subplots(figsize=(7.2, 4.2))[1]
    return made
