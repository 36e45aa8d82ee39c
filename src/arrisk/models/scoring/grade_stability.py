"""How firm grades are: what other customers, drawn by the same chance, would have made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.display import Format, Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.scoring.card import Card
from arrisk.models.validation.resampling import Seed, customer_codes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FitCard", "GradeStability", "grade_stability"]

FitCard = Callable[[pd.DataFrame, NDArray[np.bool_], NDArray[np.int64]], Card]
BLUE, GREY = "#0072B2", "#8C8C8C"


@dataclass(frozen=True, slots=True, eq=False)
class GradeStability:
    """Grades under refits on resampled customers; made by `grade_stability`.

    Attributes
    ----------
    table : DataFrame
        A row a grade that was given: `grade`, `rows`, `kept` (mean share of them with the same grade in a
        refit), `better`, `worse` (mean shares with another one).
    moved : array, shape (draws,)
        Number of rows whose grade changes in each refit.
    rows : int
        Rows graded.
    failed : int
        Resamples on which no card could be fitted, left out.
    level : float
        Of the interval of `moved`.
    """

    table: pd.DataFrame
    moved: NDArray[np.int64]
    rows: int
    failed: int
    level: float

    @property
    def interval(self) -> tuple[float, float]:
        """Rows whose grade changes: the quantiles over refits."""
        tail = (1.0 - self.level) / 2
        low, high = np.quantile(self.moved, [tail, 1.0 - tail])
        return float(low), float(high)

    @property
    def finding(self) -> str:
        """How many grades hang on chance, in one sentence."""
        low, high = self.interval
        return (
            f"{self.moved.mean():,.0f} of {self.rows:,} grades ({self.moved.mean() / self.rows:.0%}) would "
            f"differ had chance drawn other customers, {low:,.0f} to {high:,.0f} as a rule"
        )

    def to_table(self, name: str = "grade_stability") -> Table:
        """Share of each grade that keeps it when the card is fitted on customers drawn again."""
        note = (
            f"{len(self.moved)} refits on customers drawn with replacement; the bounds of the grades stay as "
            f"they are. The range holds {self.level:.0%} of the refits."
        )
        if self.failed:
            note += f" {self.failed} resamples could not be fitted and are left out."
        formats: dict[str, Format] = dict.fromkeys(("kept", "better", "worse"), "percent")
        return Table(name, self.finding, self.table.round(6), note, formats | {"rows": "integer"})

    def plot(self, ax: Axes | None = None) -> Axes:
        """Share of each grade that keeps it."""
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.subplots()[1]
        where = np.arange(len(self.table))
        ax.bar(where, 100.0, color=GREY, alpha=0.25, width=0.6)
        ax.bar(where, 100.0 * self.table["kept"], color=BLUE, width=0.6)
        names = zip(self.table["grade"], self.table["rows"], strict=True)
        ax.set_xticks(where, [f"{grade}\n{rows:,} rows" for grade, rows in names], parse_math=False)
        ax.set(ylabel="refits that give the same grade, %", ylim=(0, 100))
        ax.set_title(
            f"{self.moved.mean() / self.rows:.0%} of the grades change when the card is fitted again"
        )
        return ax

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def grade_stability(
    fit: FitCard,
    frame: pd.DataFrame,
    event: ArrayLike,
    customers: ArrayLike | None = None,
    scored: pd.DataFrame | None = None,
    draws: int = 100,
    seed: Seed = 0,
    level: float = 0.95,
) -> GradeStability:
    """Fit a card again on customers drawn with replacement, and count the grades that change.

    Parameters
    ----------
    fit : callable
        Takes features, events and customers (whole numbers) and gives a `Card` with a horizon; it is called
        once on the rows as they are and once a draw.
    frame : DataFrame, shape (n, features)
    event : array of bool, shape (n,)
    customers : array, shape (n,), optional
        All rows of a customer are drawn together, and a customer drawn twice counts as two. Without it every
        row is a customer.
    scored : DataFrame, optional
        Rows to grade; by default those of `frame`.
    draws : int
    seed : int or SeedSequence
    level : float

    Returns
    -------
    GradeStability

    Raises
    ------
    ModelError
        If the card gives no grades, or fewer than half of the resamples can be fitted.

    Examples
    --------
    >>> from arrisk.models.regression.logit import fit_logit
    >>> from arrisk.models.scoring.terms import LinearTerm
    >>> rng = np.random.default_rng(2)
    >>> late = pd.DataFrame({"late": rng.normal(0, 1, 300)})
    >>> fails = rng.random(300) < 1 / (1 + np.exp(3 - late["late"]))
    >>> def fit(frame, event, customers):
    ...     found = fit_logit(frame[["late"]].clip(-2, 2), event, customers, "auto")
    ...     term = LinearTerm("late", -2, 2, 1, 0, found.coefficients[1])
    ...     return Card((term,), found.coefficients[0], found.covariance, horizon_days=365)
    >>> grade_stability(fit, late, fails, draws=20).rows
    300
    """
    happened = np.asarray(event).astype(bool)
    code, count = customer_codes(np.arange(len(frame)) if customers is None else customers, len(frame))
    rows = frame if scored is None else scored
    names, first = _positions(fit(frame, happened, code), rows)
    rng = np.random.default_rng(seed)
    of_customer = np.split(np.argsort(code, kind="stable"), np.cumsum(np.bincount(code))[:-1])
    seen = []
    for _ in range(draws):
        drawn = [of_customer[c] for c in rng.integers(0, count, count)]
        take = np.concatenate(drawn)
        who = np.repeat(np.arange(count), [part.size for part in drawn])
        try:
            seen.append(_positions(fit(frame.iloc[take], happened[take], who), rows)[1])
        except (ModelError, ValueError):
            continue
    if 2 * len(seen) < draws:
        raise ModelError(f"{draws - len(seen)} of {draws} resamples could not be fitted: too few events")
    return _summed(names, first, np.array(seen), draws - len(seen), level)


def _positions(card: Card, rows: pd.DataFrame) -> tuple[list[str], NDArray[np.int64]]:
    """The grades there are, best first, and the position of each row's grade."""
    names = list(card.grades)
    limits = list(card.grade_limits.values())
    return names, np.searchsorted(limits, card.log_odds(rows), side="left").astype(np.int64)


def _summed(
    names: list[str], first: NDArray[np.int64], again: NDArray[np.int64], failed: int, level: float
) -> GradeStability:
    kept, better, worse = ((f(again, first)).mean(axis=0) for f in (np.equal, np.less, np.greater))
    rows = [
        (name, int(own.sum()), kept[own].mean(), better[own].mean(), worse[own].mean())
        for position, name in enumerate(names)
        if (own := first == position).any()
    ]
    table = pd.DataFrame(rows, columns=["grade", "rows", "kept", "better", "worse"])
    return GradeStability(table, (again != first).sum(axis=1), first.size, failed, level)
