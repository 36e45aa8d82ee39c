"""Books with few defaults or none: bounds by grade, and a plain word on what the data cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.errors import ModelError
from arrisk.models.scoring.pluto_tasche import (
    jeffreys_upper,
    pluto_tasche,
    pluto_tasche_periods,
    scale_to_central,
)
from arrisk.portfolio.ageing import bucket_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LowDefault", "ageing_grades", "bound_grades", "bound_low_default"]

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8C8C8C"
CANNOT_SAY, BOUNDS_ONLY = "the data cannot say", "upper bounds only"
NOT_OVERDUE = "not overdue"
FRACTIONS = ("observed", "jeffreys", "pluto_tasche", "mc_error", "scaled")


@dataclass(frozen=True, slots=True)
class LowDefault:
    """Highest default rates by grade that the counts do not rule out; from `bound_low_default`.

    Parameters
    ----------
    table : DataFrame
        grade (best first), n, defaults, observed, jeffreys (each grade on its own), pluto_tasche (with all
        worse grades), and where asked for mc_error and scaled; fractions for one period.
    level : float
        Confidence of the bounds.
    correlation : float
        Asset correlation of the customers.
    periods : int
        How many periods the customers were followed.
    persistence : float
        Correlation of the common factor with itself a period later.
    central : float or None
        Central tendency the bounds were scaled to.
    horizon_days : int or None
        Length of a period.
    as_of : Timestamp or None
        Day on which the counts were known.
    unit : str
        What was counted: customers, or customers in each of several windows.
    """

    table: pd.DataFrame
    level: float
    correlation: float
    periods: int = 1
    persistence: float = 0.0
    central: float | None = None
    horizon_days: int | None = None
    as_of: pd.Timestamp | None = None
    unit: str = "customers"

    @property
    def customers(self) -> int:
        """Number of customers, the trials."""
        return int(self.table["n"].sum())

    @property
    def defaulters(self) -> int:
        """Number of customers that defaulted."""
        return int(self.table["defaults"].sum())

    @property
    def verdict(self) -> str:
        """Either "the data cannot say", without any default, or "upper bounds only"."""
        return BOUNDS_ONLY if self.defaulters else CANNOT_SAY

    def bound(self, grades: ArrayLike) -> np.ndarray:
        """Pluto-Tasche bound of each customer by its grade.

        Raises
        ------
        ModelError
            For a grade that has no bound.
        """
        of_grade = dict(zip(self.table["grade"], self.table["pluto_tasche"], strict=True))
        asked = [str(g) for g in np.asarray(grades, dtype=object).ravel()]
        unknown = sorted(set(asked) - set(of_grade))
        if unknown:
            raise ModelError(f"no bound for grade {unknown[0]!r}; there are {', '.join(of_grade)}")
        return np.array([of_grade[g] for g in asked])

    def finding(self) -> str:
        """What the counts say, and what they cannot."""
        held = self._held()
        ends = held[["grade", "pluto_tasche"]].iloc[sorted({0, len(held) - 1})].itertuples(index=False)
        reach = " to ".join(f"{bound:.2%} ({grade})" for grade, bound in ends)
        if self.defaulters:
            return (
                f"{self.defaulters} of {self.customers} {self.unit} defaulted: up to {reach} is not ruled out"
            )
        return f"None of {self.customers} {self.unit} defaulted: up to {reach} is possible, {CANNOT_SAY} more"

    def _held(self) -> pd.DataFrame:
        """Grades that some customer has; all when nobody is there."""
        held = self.table[self.table["n"] > 0]
        return held if len(held) else self.table

    @property
    def assumptions(self) -> str:
        """Level, correlation, periods and scaling in words."""
        length = f" of {self.horizon_days} days" if self.horizon_days else ""
        together = (
            f"asset correlation {self.correlation:.0%}" if self.correlation else "customers independent"
        )
        told = f"{self.level:.1%} one-sided bounds, {together}, one period{length}"
        if self.periods > 1:
            told += (
                f", from customers followed over {self.periods} periods with a common factor of persistence "
                f"{self.persistence:.2f}"
            )
        if self.central is not None:
            told += f"; scaled to a mean of {self.central:.2%}"
        return told

    def to_table(self, name: str = "low_default") -> Table:
        """Counts and bounds by grade ready to be shown."""
        note = (
            f"{self.assumptions[0].upper()}{self.assumptions[1:]}. The trials are {self.unit}. jeffreys: "
            "each grade on its own, independent customers; pluto_tasche: each grade with all worse ones, so "
            "that no grade is below a better one. A grade without customers has the bound of those around it."
        )
        if not self.defaulters:
            note += " Bounds are no estimates: without a default nothing tells the true rates from zero."
        elif self._out_of_order():
            note += (
                " The observed rates do not rise with the grades; few defaults neither prove nor refute that."
            )
        formats: dict[str, Format] = dict.fromkeys(FRACTIONS, "percent")  # type: ignore[arg-type]
        return Table(name, self.finding(), self.table, note, formats)

    def _out_of_order(self) -> bool:
        return bool(np.any(np.diff(self.table["observed"].dropna()) < 0))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Observed rates and their bounds by grade."""
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.subplots()[1]
        rows = self._held().iloc[::-1]
        at = np.arange(len(rows))
        ax.barh(
            at, 100 * rows["pluto_tasche"], height=0.45, color=BLUE, alpha=0.25, label="Pluto-Tasche bound"
        )
        ax.plot(100 * rows["jeffreys"], at, "|", color=ORANGE, ms=18, mew=2.5, label="Jeffreys bound")
        ax.plot(100 * rows["observed"], at, "o", color=BLUE, clip_on=False, label="observed")
        ticks = [f"{g}\n{d} of {n}" for g, n, d in rows[["grade", "n", "defaults"]].itertuples(index=False)]
        ax.set_yticks(at, ticks)
        longest = 100 * max(rows["pluto_tasche"].max(), rows["jeffreys"].max())
        ax.set(ylim=(-0.6, len(rows) - 0.4), xlim=(0, 1.1 * longest))
        ax.grid(visible=False, axis="y")
        length = f"within {self.horizon_days} days" if self.horizon_days else "in a period"
        ax.set_xlabel(f"customers that default {length}, %")
        best, worst = rows["pluto_tasche"].iloc[-1], rows["pluto_tasche"].iloc[0]
        seen = f"{self.defaulters} of {self.customers} {self.unit} defaulted"
        ax.set_title(f"{seen}: {best:.1%} to {worst:.1%} is not ruled out")
        ax.legend(loc="upper right")
        together = f"{self.level:.0%} bounds, correlation {self.correlation:.0%}"
        return ax if self.as_of is None else stamp(ax, self.as_of, together)

    def _repr_html_(self) -> str:
        t = self.to_table()
        return frame_html(t.frame, t.title, t.note, t.formats)


def bound_low_default(
    grades: Sequence[str],
    n: ArrayLike,
    d: ArrayLike,
    level: float,
    correlation: float,
    *,
    periods: int = 1,
    persistence: float = 0.0,
    central: float | None = None,
    horizon_days: int | None = None,
    as_of: pd.Timestamp | None = None,
    unit: str = "customers",
    seed: int = 0,
) -> LowDefault:
    """Bound the default rate of each grade by Pluto and Tasche and by Jeffreys.

    Parameters
    ----------
    grades : sequence of str
        Names, best grade first.
    n, d : array of int, shape (grades,)
        Customers and how many of them defaulted (in any of the periods).
    level : float
        Confidence of the bounds, 0.5 for a middling, 0.95 for a prudent reading.
    correlation : float
        Asset correlation; 0 treats customers as independent.
    periods : int
        How many periods the customers were followed; the bounds are for one.
    persistence : float
        Correlation of the common factor with itself a period later.
    central : float, optional
        Scale the bounds so that their mean over the customers is this, in the column `scaled`.
    horizon_days : int, optional
        Length of a period, for the words.
    as_of : Timestamp, optional
        Day of the counts, for the picture.
    unit : str
        What was counted, for the words.
    seed : int
        Of the simulated factor, used with several periods and a correlation.

    Raises
    ------
    ModelError
        If a grade is named twice or the counts, the level or the correlation are not possible.

    Examples
    --------
    >>> low = bound_low_default(["A", "B", "C"], [100, 400, 300], [0, 0, 0], level=0.5, correlation=0.0)
    >>> low.table["pluto_tasche"].mul(100).round(2).tolist(), low.verdict
    ([0.09, 0.1, 0.23], 'the data cannot say')
    """
    names = [str(g) for g in grades]
    if len(set(names)) != len(names) or len(names) != np.size(n):
        raise ModelError(f"need one different name a grade, got {names} for {np.size(n)} counts")
    table = pd.DataFrame({"grade": names, "n": np.asarray(n), "defaults": np.asarray(d)})
    if periods == 1:
        bounds, errors = pluto_tasche(n, d, level, correlation), np.zeros(len(names))
    else:
        bounds, errors = pluto_tasche_periods(n, d, level, correlation, periods, persistence, seed)
    whole = table["defaults"] / table["n"].where(table["n"] > 0)
    table["observed"] = _in_a_period(whole.to_numpy(), periods)
    table["jeffreys"] = _in_a_period(jeffreys_upper(n, d, level), periods)
    table["pluto_tasche"] = bounds
    if errors.any():
        table["mc_error"] = errors
    if central is not None:
        table["scaled"] = scale_to_central(bounds, n, central)
    told = (horizon_days, as_of, unit)
    return LowDefault(table, level, correlation, periods, persistence, central, *told)


def _in_a_period(rate: np.ndarray, periods: int) -> np.ndarray:
    """Rate of one period from that of all of them together, where every period is alike."""
    return rate if periods == 1 else np.asarray(1.0 - (1.0 - rate) ** (1.0 / periods))


def bound_grades(
    grades: pd.Series,
    defaulted: pd.Series,
    level: float,
    correlation: float,
    *,
    customers: pd.Series | None = None,
    order: Sequence[str] | None = None,
    horizon_days: int | None = None,
    as_of: pd.Timestamp | None = None,
) -> LowDefault:
    """Count customers and defaults by grade, and bound the default rate of each grade.

    Parameters
    ----------
    grades : Series
        Grade of each row: of an expert, or ageing buckets (`ageing_grades`). An ordered category gives the
        order, best first.
    defaulted : Series of bool
        Whether the row ended in default.
    level, correlation : float
        As in `bound_low_default`.
    customers : Series, optional
        Customer of each row, when a customer has several (a row for each day it was looked at, in the order
        of time). It then counts once: with its grade on the first day, and as a default if any row is. That
        is prudent, as a customer seen for several windows had more time to default.
    order : sequence of str, optional
        Grades best first, where `grades` is no ordered category. Grades nobody has are kept: their bound is
        that of the grades around them.
    horizon_days, as_of : optional
        For the words.

    Raises
    ------
    ModelError
        If there are no rows, a grade is missing or not in the order, or the order is not known.

    Examples
    --------
    >>> low = bound_grades(pd.Series(["A", "B", "B", "A"]), pd.Series([False, False, True, False]), 0.9, 0.0,
    ...     order=["A", "B"])
    >>> low.table["n"].tolist(), low.table["defaults"].tolist(), low.verdict
    ([2, 2], [0, 1], 'upper bounds only')
    """
    rows = pd.DataFrame(
        {"grade": grades.astype("string").array, "default": np.asarray(defaulted, dtype=bool)}
    )
    names = _order(grades, order)
    if rows.empty:
        raise ModelError("no customers: there is nothing to bound")
    strangers = rows.loc[~rows["grade"].isin(names), "grade"]
    if len(strangers):
        first = strangers.iloc[0]
        told = "a missing grade" if pd.isna(first) else f"the grade {first!r}"
        raise ModelError(
            f"{len(strangers)} rows have {told} or another that is not one of {', '.join(names)}"
        )
    if customers is not None:
        by = rows.groupby(np.asarray(customers), sort=False)
        rows = pd.DataFrame({"grade": by["grade"].first(), "default": by["default"].any()})
    counts = rows.groupby("grade")["default"].agg(["size", "sum"]).reindex(names, fill_value=0).astype(int)
    return bound_low_default(
        names, counts["size"], counts["sum"], level, correlation, horizon_days=horizon_days, as_of=as_of
    )


def _order(grades: pd.Series, order: Sequence[str] | None) -> list[str]:
    if order is not None:
        return [str(g) for g in order]
    if isinstance(grades.dtype, pd.CategoricalDtype) and grades.dtype.ordered:
        return [str(g) for g in grades.cat.categories]
    raise ModelError("grades have no order: give order=, best grade first, or an ordered category")


def ageing_grades(oldest_overdue_days: ArrayLike, edges: Sequence[int] = (30, 60, 90)) -> pd.Series:
    """Ageing bucket of each customer's oldest open item, as an ordered grade, best first.

    Parameters
    ----------
    oldest_overdue_days : array
        Days past due, 0 when nothing is overdue, as the feature of that name.
    edges : sequence of int
        Last day of each bucket.

    Returns
    -------
    Series
        An ordered category.

    Raises
    ------
    ModelError
        If a value is missing or negative.

    Examples
    --------
    >>> ageing_grades([0, 12, 95]).tolist()
    ['not overdue', '1-30', 'over 90']
    """
    days = np.asarray(oldest_overdue_days, dtype=float)
    if not (days >= 0).all():
        raise ModelError("days overdue of the oldest item may be neither missing nor negative")
    names = [NOT_OVERDUE, *bucket_names(edges)]
    code = np.where(days > 0, 1 + np.searchsorted(np.asarray(edges), days, side="left"), 0)
    return pd.Series(pd.Categorical([names[c] for c in code], categories=names, ordered=True))
