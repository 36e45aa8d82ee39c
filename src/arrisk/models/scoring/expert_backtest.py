"""The back-test of expert points: did those of whom the experts thought ill default more?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.errors import ModelError
from arrisk.models.intervals import jeffreys
from arrisk.models.scoring.scaling import GRADES
from arrisk.models.validation.discrimination import Auc, auc_by_customer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ExpertBacktest", "backtest_expert"]

FEWEST_DEFAULTERS = 10
DRAWS = 400
BLUE, ORANGE = "#0072B2", "#D55E00"
CANNOT_SAY = "the data cannot say"
RATES = ("observed", "ci_low", "ci_high", "expected")


@dataclass(frozen=True, slots=True)
class ExpertBacktest:
    """Expert points against what happened; from `backtest_expert`.

    Parameters
    ----------
    table : DataFrame
        By grade, best first: grade, rows, customers, defaulters (customers that defaulted in any of the
        grade's rows), observed (defaulters over customers) with ci_low and ci_high (Jeffreys), expected (mean
        over the customers of the probability that the experts gave to a default in any of these rows).
    auc : Auc or None
        How well points order, interval by customer; None with too few defaulters.
    defaulters, customers : int
    level : float
    as_of : Timestamp or None
    """

    table: pd.DataFrame
    auc: Auc | None
    defaulters: int
    customers: int
    level: float
    as_of: pd.Timestamp | None = None

    @property
    def doubt(self) -> str:
        """Why the points are still judgement alone; empty when they were seen to order customers."""
        seen = f"{self.defaulters} of {self.customers} customers defaulted"
        if self.auc is None:
            return f"{seen}; a back-test needs at least {FEWEST_DEFAULTERS} that did and some that did not"
        if self.auc.low <= 0.5:
            return f"the area under the curve may be chance: {_area(self.auc)}"
        return ""

    @property
    def verdict(self) -> str:
        """Either "the data cannot say" or "the points order customers"."""
        return CANNOT_SAY if self.doubt else "the points order customers"

    def finding(self) -> str:
        """Whether the points are borne out."""
        if self.doubt:
            return f"Expert points remain judgement: {CANNOT_SAY} ({self.doubt})"
        assert self.auc is not None
        return f"Expert points order customers: area under the curve {_area(self.auc)}"

    def to_table(self, name: str = "expert_backtest") -> Table:
        """Observed and expected rates by grade."""
        note = (
            f"observed: customers of the grade that defaulted, with the {self.level:.0%} Jeffreys interval; "
            "expected: what the experts gave to a default in any window of the customer. A customer counts "
            "once in each grade it had."
        )
        formats: dict[str, Format] = dict.fromkeys(RATES, "percent")  # type: ignore[arg-type]
        return Table(name, self.finding(), self.table, note, formats)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Observed against expected rates by grade."""
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.subplots()[1]
        rows = self.table[self.table["customers"] > 0]
        at = np.arange(len(rows))
        ax.vlines(at, 100 * rows["ci_low"], 100 * rows["ci_high"], color=BLUE, lw=2)
        ax.plot(at, 100 * rows["observed"], "o", color=BLUE, label="defaulted")
        ax.plot(at, 100 * rows["expected"], "_", ms=26, mew=2.5, color=ORANGE, label="experts expected")
        told = rows[["grade", "defaulters", "customers"]].itertuples(index=False)
        ax.set_xticks(at, [f"grade {g}\n{d} of {n}" for g, d, n in told])
        ax.set(ylabel="customers that default, %", ylim=(0, None), xlim=(-0.6, len(rows) - 0.4))
        area = CANNOT_SAY if self.auc is None else f"area under the curve {_area(self.auc)}"
        ax.set_title(f"Experts and what happened: {area}")
        ax.legend(loc="upper left")
        return ax if self.as_of is None else stamp(ax, self.as_of, f"bars: {self.level:.0%}")

    def _repr_html_(self) -> str:
        t = self.to_table()
        return frame_html(t.frame, t.title, t.note, t.formats)


def backtest_expert(
    scored: pd.DataFrame,
    defaulted: ArrayLike,
    customers: ArrayLike,
    seed: int = 0,
    level: float = 0.95,
    as_of: pd.Timestamp | None = None,
) -> ExpertBacktest:
    """Compare expert points of past days with the defaults after them.

    Parameters
    ----------
    scored : DataFrame
        As `ExpertCard.score` gives it, with the card in force on each day: `points`, `pd`, `grade`. The
        probabilities should be for the length of the window in which defaults were looked for, see
        `over_horizon`; the area under the curve does not depend on it.
    defaulted : array of bool, shape (rows,)
    customers : array, shape (rows,)
        Whose row it is; intervals resample customers.
    seed : int
    level : float
    as_of : Timestamp, optional
        For the picture.

    Raises
    ------
    ModelError
        If there are no rows or lengths differ.

    Examples
    --------
    >>> scored = pd.DataFrame({"points": [620.0, 540.0], "pd": [0.016, 0.21], "grade": ["A", "C"]})
    >>> backtest_expert(scored, [False, True], ["a", "b"]).verdict
    'the data cannot say'
    """
    hit, who = np.asarray(defaulted, dtype=bool), np.asarray(customers)
    if not len(scored) or hit.shape != (len(scored),) or who.shape != hit.shape:
        raise ModelError(f"{len(scored)} scored rows need as many outcomes and customers, and some rows")
    rows = pd.DataFrame(
        {"who": who, "hit": hit, "pd": scored["pd"].to_numpy(), "grade": scored["grade"].to_numpy()}
    )
    people, fallen = rows["who"].nunique(), rows.loc[rows["hit"], "who"].nunique()
    enough = fallen >= FEWEST_DEFAULTERS and not hit.all()
    area = auc_by_customer(hit, -scored["points"], who, seed, DRAWS, level) if enough else None
    table = pd.DataFrame([_by_grade(g, rows[rows["grade"] == g], level) for g in GRADES])
    table.columns = ["grade", "rows", "customers", "defaulters", *RATES]
    return ExpertBacktest(table, area, fallen, people, level, as_of)


def _by_grade(grade: str, rows: pd.DataFrame, level: float) -> tuple[object, ...]:
    people, fallen = rows["who"].nunique(), rows.loc[rows["hit"], "who"].nunique()
    low, high = jeffreys(fallen, people, level) if people else (np.nan, np.nan)
    seen = fallen / people if people else np.nan
    # A customer with several rows had several windows to default in.
    spared = (1.0 - rows["pd"]).groupby(rows["who"]).prod()
    return grade, len(rows), people, fallen, seen, low, high, 1.0 - spared.mean()


def _area(auc: Auc) -> str:
    return f"{auc.value:.2f} ({auc.low:.2f} to {auc.high:.2f})"
