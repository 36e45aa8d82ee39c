"""A card: what a fitted scorecard is, once it is fitted - terms, points, grades - and how it scores."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.scoring.card_page import plot_points, points_table
from arrisk.models.scoring.card_sql import card_sql
from arrisk.models.scoring.reasons import tell_reasons
from arrisk.models.scoring.scaling import DAYS_PER_YEAR, GRADES, PointScale
from arrisk.models.scoring.terms import CardTerm, units_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Card"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """A scorecard that can be saved: log-odds of default are the intercept plus what each term adds.

    Parameters
    ----------
    terms : tuple of BinnedTerm or LinearTerm, length k
        In the order in which they are added up.
    intercept : float
        Log-odds of default where all terms add nothing.
    covariance : array, shape (k + 1, k + 1)
        Of the intercept and the coefficients, in this order; customer-clustered when `clusters` is given.
    scale : PointScale
    grades : mapping of grade to float
        Highest probability of default within a year of each grade, best grade first, the last 1. They are
        fixed beforehand, so that grades compare over time.
    horizon_days : int or None
        The probability is of default within so many days; without it no grade is given.
    clusters : int or None
        Number of customers behind a clustered covariance; intervals then use Student's t with one degree of
        freedom less.
    about : mapping of str to str
        Where the card comes from: definition of default, as_of, method, n, events ...

    Raises
    ------
    ModelError
        If shapes do not agree, a number is not finite, two terms read one column, or the grades are not in
        order.

    Examples
    --------
    >>> from arrisk.models.scoring.terms import LinearTerm
    >>> late = LinearTerm("days_late", low=0, high=120, step=30, fill=0, coefficient=0.7)
    >>> card = Card((late,), intercept=-4.0, covariance=np.diag([0.04, 0.01]), horizon_days=365)
    >>> card.score(pd.DataFrame({"days_late": [0, 60, None]})).round(3)
          pd  pd_low  pd_high  points grade
    0  0.018   0.012    0.026   617.0     A
    1  0.069   0.041    0.114   577.0     B
    2  0.018   0.012    0.026   617.0     A
    """

    terms: tuple[CardTerm, ...]
    intercept: float
    covariance: Floats
    scale: PointScale = field(default_factory=PointScale)
    grades: Mapping[str, float] = field(default_factory=lambda: dict(GRADES))
    horizon_days: int | None = None
    clusters: int | None = None
    about: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        covariance = np.array(self.covariance, dtype=float)
        covariance.flags.writeable = False
        object.__setattr__(self, "terms", tuple(self.terms))
        object.__setattr__(self, "intercept", float(self.intercept))
        object.__setattr__(self, "covariance", covariance)
        object.__setattr__(self, "grades", {str(g): float(b) for g, b in self.grades.items()})
        object.__setattr__(self, "about", {str(k): str(v) for k, v in self.about.items()})
        _check(self)

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that the card reads, in the order of its terms."""
        return tuple(term.name for term in self.terms)

    def score(self, frame: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
        """Probability of default, points and grade of each row.

        Parameters
        ----------
        frame : DataFrame
            With the columns `names`; others are ignored.
        level : float
            Of the interval of the probability.

        Returns
        -------
        DataFrame
            Index as given; `pd`, `pd_low`, `pd_high` (symmetric in the log-odds, from the covariance),
            `points` (whole) and, when `horizon_days` is known, `grade`.

        Raises
        ------
        ModelError
            If columns are missing; they are named.
        """
        units = self.units(frame)
        middle = self._added(units)
        half = self._quantile(level) * np.sqrt(self._variance(units))
        out = {
            "pd": expit(middle),
            "pd_low": expit(middle - half),
            "pd_high": expit(middle + half),
            "points": np.floor(self.scale.offset - self.scale.factor * middle + 0.5),
        }
        scored = pd.DataFrame(out, index=frame.index)
        if self.horizon_days is not None:
            scored["grade"] = self._grade(middle)
        return scored

    def log_odds(self, frame: pd.DataFrame) -> Floats:
        """Log-odds of default of each row, shape (n,)."""
        _require(frame, self.names)
        total = np.full(len(frame), self.intercept)
        for term in self.terms:
            total += term.coefficient * term.units(frame[term.name])
        return total

    def units(self, frame: pd.DataFrame) -> Floats:
        """What the coefficients multiply: WoE of binned terms, steps of linear ones; shape (n, k)."""
        _require(frame, self.names)
        return units_of(self.terms, frame)

    def term_points(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Points of each term and row, not rounded: they add up to the points before these are rounded.

        Notes
        -----
        The points of the intercept are spread evenly over the terms: a term has
        ``(offset - factor * intercept) / k - factor * coefficient * units`` points.
        """
        units = self.units(frame)
        columns = {
            term.name: self.base_points - self.scale.factor * (term.coefficient * units[:, j])
            for j, term in enumerate(self.terms)
        }
        return pd.DataFrame(columns, index=frame.index)

    @property
    def base_points(self) -> float:
        """Points of the intercept that each term carries; all of them when there is no term."""
        return (self.scale.offset - self.scale.factor * self.intercept) / max(1, len(self.terms))

    @property
    def grade_limits(self) -> dict[str, float]:
        """Highest log-odds over the horizon of each grade but the last.

        The yearly bound is carried to the horizon at a constant hazard: ``1 - (1 - p) ** (days / 365)``.
        """
        if self.horizon_days is None:
            raise ModelError("a card without a horizon gives no grades")
        share = self.horizon_days / DAYS_PER_YEAR
        bounds = list(self.grades.items())[:-1]
        # log((1 - s) / s) with s = (1 - p) ** share, the chance to come through the horizon
        return {g: math.log(math.expm1(-share * math.log1p(-p))) for g, p in bounds}

    def reasons(
        self, frame: pd.DataFrame, count: int = 2, words: Mapping[str, str] | None = None
    ) -> list[str]:
        """What costs each row most points against the average customer; see `tell_reasons`."""
        return tell_reasons(self, frame, count, words)

    def points_table(self, name: str = "points") -> Table:
        """Points, counts and weight of evidence of each bin of each term."""
        return points_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Points that each bin gives or takes, the terms that move the score most."""
        return plot_points(self, ax)

    def to_sql(self, table: str | Sequence[str], keep: Sequence[str] | None = None) -> str:
        """One SELECT that scores a table; see `card_sql`."""
        return card_sql(self, table, keep)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the card as JSON, which `read_card` reads; the file appears whole or not at all."""
        from arrisk.models.scoring.card_file import write_card

        return write_card(self, path)

    def _repr_html_(self) -> str:
        table = self.points_table()
        return frame_html(table.frame, table.title, table.note, table.formats)

    def _grade(self, log_odds: Floats) -> NDArray[np.object_]:
        names = np.array(list(self.grades), dtype=object)
        return np.asarray(names[np.searchsorted(list(self.grade_limits.values()), log_odds, side="left")])

    def _added(self, units: Floats) -> Floats:
        """Term by term and in order, so that a row's score does not depend on the rows beside it."""
        total = np.full(len(units), self.intercept)
        for j, term in enumerate(self.terms):
            total += term.coefficient * units[:, j]
        return total

    def _variance(self, units: Floats) -> Floats:
        v = self.covariance
        spread = v[0, 0] + 2 * (units @ v[0, 1:]) + np.einsum("ij,ij->i", units @ v[1:, 1:], units)
        return np.asarray(np.maximum(spread, 0.0), dtype=float)

    def _quantile(self, level: float) -> float:
        tail = 0.5 + level / 2
        return float(stats.norm.ppf(tail) if self.clusters is None else stats.t.ppf(tail, self.clusters - 1))


def _require(frame: pd.DataFrame, names: tuple[str, ...]) -> None:
    absent = [n for n in names if n not in frame.columns]
    if absent:
        raise ModelError(f"the card reads {', '.join(map(repr, absent))}, which the frame lacks")
    twice = [n for n in names if list(frame.columns).count(n) > 1]
    if twice:
        raise ModelError(f"the frame has more than one column {', '.join(map(repr, twice))}")


def _check(card: Card) -> None:
    size = len(card.terms) + 1
    if card.covariance.shape != (size, size):
        raise ModelError(f"covariance has shape {card.covariance.shape}, expected {(size, size)}")
    if not (math.isfinite(card.intercept) and np.isfinite(card.covariance).all()):
        raise ModelError("intercept and covariance must be finite")
    if len(set(card.names)) < len(card.names):
        raise ModelError(f"two terms read one column: {', '.join(card.names)}")
    bounds = list(card.grades.values())
    if bounds != sorted(set(bounds)) or not bounds or bounds[0] <= 0 or bounds[-1] != 1:
        raise ModelError(f"grades need rising yearly bounds above 0, the last 1; got {dict(card.grades)}")
    if card.horizon_days is not None and card.horizon_days < 1:
        raise ModelError(f"horizon_days is {card.horizon_days}; at least 1")
    if card.clusters is not None and card.clusters < 2:
        raise ModelError(f"clusters is {card.clusters}; clustered errors need at least two customers")
