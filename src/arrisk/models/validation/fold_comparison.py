"""The same model under three ways of splitting: what row-wise folds pretend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.errors import ModelError
from arrisk.models.validation.discrimination import Auc, auc_clustered
from arrisk.models.validation.folds import customer_folds, out_of_time
from arrisk.models.validation.held_out import out_of_fold, score_held_out
from arrisk.models.validation.resampling import customer_codes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BY_CUSTOMER", "BY_ROW", "COLUMNS", "LATER", "LATER_OTHERS", "FoldComparison", "compare_folds"]

COLUMNS = ["split", "auc", "ci_low", "ci_high", "rows", "events", "defaulters"]

BY_ROW, BY_CUSTOMER = "rows dealt at random", "whole customers"
LATER, LATER_OTHERS = "later days", "later days, other customers"
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8C8C8C"


@dataclass(frozen=True, slots=True, eq=False)
class FoldComparison:
    """AUC of one model under several splits; made by `compare_folds`.

    Attributes
    ----------
    table : DataFrame
        A row a split: `split`, `auc`, `ci_low`, `ci_high` (by customer), `rows` and `events` tested,
        `defaulters` (customers with an event among them).
    folds : int
    horizon_days : int
    level : float
    as_of : Timestamp or None
        Day on which all outcomes were known, for the picture.
    doubt : str
        Why there is nothing to compare; empty when there is.
    """

    table: pd.DataFrame
    folds: int
    horizon_days: int
    level: float
    as_of: pd.Timestamp | None = None
    doubt: str = ""

    def auc(self, split: str) -> float:
        """AUC of a split, by its name."""
        return float(self.table.loc[self.table["split"] == split, "auc"].iloc[0])

    @property
    def finding(self) -> str:
        """What row-wise folds would have claimed, in one sentence."""
        if self.doubt:
            return f"Nothing to compare: {self.doubt}"
        rows, customers = self.auc(BY_ROW), self.auc(BY_CUSTOMER)
        if rows - customers < 0.02:
            return f"Folds by row and by customer agree: AUC {rows:.2f} and {customers:.2f}"
        return f"Folds by row claim an AUC of {rows:.2f}; on customers not seen before it is {customers:.2f}"

    def to_table(self, name: str = "fold_comparison") -> Table:
        """AUC of each split with its interval."""
        note = (
            f"{self.folds} folds; later days: trained on rows whose label window of {self.horizon_days} days "
            "was over before the test period began, which holds the last 30% of rows. Intervals by customer, "
            f"{self.level:.0%}. Rows of one customer on both sides let a model recognise the customer."
        )
        formats: dict[str, Format] = dict.fromkeys(("rows", "events", "defaulters"), "integer")
        return Table(
            name, self.finding, self.table.round({"auc": 4, "ci_low": 4, "ci_high": 4}), note, formats
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """AUC of each split with its interval; half is chance."""
        from matplotlib import pyplot as plt

        ax = ax if ax is not None else plt.subplots()[1]
        shown = self.table.iloc[::-1]
        where = np.arange(len(shown))
        bars = np.array([shown["auc"] - shown["ci_low"], shown["ci_high"] - shown["auc"]])
        for k, split in enumerate(shown["split"]):
            colour = ORANGE if split == BY_ROW else BLUE
            ax.errorbar(
                shown["auc"].iloc[k], where[k], xerr=bars[:, k : k + 1], fmt="o", capsize=4, color=colour
            )
        ax.axvline(0.5, color=GREY, lw=1, ls=":")
        ax.set_yticks(
            where, [f"{s}\n{d} defaulters" for s, d in zip(shown["split"], shown["defaulters"], strict=True)]
        )
        ax.set(xlabel=f"area under the curve, {self.level:.0%} interval (0.5 is chance)")
        ax.set_ylim(-0.6, max(len(shown), 1) - 0.4)
        ax.set_title(self.finding)
        return ax if self.as_of is None else stamp(ax, self.as_of)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def compare_folds(
    fit: Any,
    x: Any,
    y: ArrayLike,
    customers: ArrayLike,
    dates: ArrayLike | None = None,
    horizon_days: int = 0,
    folds: int = 5,
    seed: int = 0,
    level: float = 0.95,
) -> FoldComparison:
    """Measure one model under row-wise folds, folds of whole customers, and on later days.

    On later days it is tested twice: trained on earlier days of all customers, and of other customers alone.

    Parameters
    ----------
    fit : estimator or callable
        A scikit-learn classifier, or a function as `arrisk.models.validation.held_out.Fit` describes.
    x : DataFrame or array, shape (rows, features)
    y : array of bool, shape (rows,)
    customers : array, shape (rows,)
    dates : array of dates, shape (rows,), optional
        Days of observation; without them there is no test on later days.
    horizon_days : int
        Length of the label window.
    folds : int
    seed : int
        Of both kinds of folds.
    level : float

    Returns
    -------
    FoldComparison

    Raises
    ------
    ModelError
        If a split leaves one class only, on either side.

    Notes
    -----
    Scores of all folds are ordered together, so they must be on one scale, as probabilities are.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, who = rng.normal(size=(200, 1)), np.arange(200) // 2
    >>> y = x[:, 0] + rng.normal(size=200) > 1
    >>> compare_folds(lambda x, y: lambda rows: rows[:, 0], x, y, who).table["split"].tolist()
    ['rows dealt at random', 'whole customers']
    """
    event = np.asarray(y).astype(bool)
    who, _ = customer_codes(customers, event.size)
    one, other = np.random.SeedSequence(seed).spawn(2)
    rows = []
    for split, units, child in ((BY_ROW, np.arange(event.size), one), (BY_CUSTOMER, who, other)):
        fold = customer_folds(event, units, folds, child)
        scores = out_of_fold(fit, x, event, who, fold)
        rows.append(_row(split, event, who, scores, level))
    if dates is not None:
        train, test = out_of_time(dates, horizon_days)
        later = score_held_out(fit, x, event, who, train, test)
        rows.append(_row(LATER, event[test], who[test], later, level))
        for k in np.unique(fold[test]):
            mine = test & (fold == k)
            scores[mine] = score_held_out(fit, x, event, who, train & (fold != k), mine)
        rows.append(_row(LATER_OTHERS, event[test], who[test], scores[test], level))
    return FoldComparison(pd.DataFrame(rows, columns=COLUMNS), folds, horizon_days, level)


def _row(
    split: str, event: np.ndarray, who: np.ndarray, scores: np.ndarray, level: float
) -> tuple[str, float, float, float, int, int, int]:
    try:
        area: Auc = auc_clustered(event, scores, who, level)
    except ModelError as error:
        raise ModelError(f"{split}: {error}") from error
    counts = int(event.size), int(event.sum()), int(np.unique(who[event]).size)
    return split, area.value, area.low, area.high, *counts
