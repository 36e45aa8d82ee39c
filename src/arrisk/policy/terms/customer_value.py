"""What a customer is worth: go on, restrict or stop, by grade and customer, with the risk that flips it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize

from arrisk.display import Table, frame_html
from arrisk.policy.arithmetic import discount_factor
from arrisk.policy.assumptions import Assumption
from arrisk.policy.grade_terms.book import GradeBook, read_grade_book
from arrisk.policy.grade_terms.inputs import (
    Carry,
    GradeInputs,
    choose_inputs,
    constant_hazard,
    given_or_typical,
)
from arrisk.policy.terms.customer_value_page import (
    customers_table,
    describe_choices,
    grades_table,
    plot_choices,
)
from arrisk.policy.terms.draws import draw_assumptions, mean_and_range
from arrisk.policy.terms.inputs import SPAWN_KEY
from arrisk.policy.terms.relationship import Relationship, value_relationship

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot
    from arrisk.models.scoring.scorecard import Scorecard
    from arrisk.policy.study import Study

__all__ = ["CustomerValue", "value_customers"]

PERIOD_DAYS = 91.25
PERIODS = 20
YEAR = 365
EXPOSURE_LEFT = 0.5
NAMES = ("customer_churn", "restriction_loss", "learning_periods")
CHOICES = ("go on", "restrict", "stop")
LEAST_PD, MOST_PD = 1e-6, 1.0 - 1e-6
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CustomerValue:
    """Value of the three choices; made by `value_customers`.

    Parameters
    ----------
    grades : DataFrame
        A row a grade with sales, per 100 of yearly sales: `grade`, `sales` (currency units), `pd` (within a
        period), `go_on`, `restrict` (value of the choice now, the best one later), each with `_low` and
        `_high`; `waiting` (what being able to choose again is worth), `choice`, `chance` (that it is the best
        of the draws), `restrict_at`, `stop_at` (chance of default within a period from which restricting, or
        stopping, is better; NaN when none is).
    customers : DataFrame
        `customer_id`, `grade`, `sales`, `pd` (within a period), `go_on`, `restrict` (currency units),
        `choice`, `restrict_at`, `stop_at`. Largest sales first.
    periods : int
        Quarters looked ahead.
    exposure_left : float
        Of the exposure when restricted.
    assumptions : tuple of Assumption
    level : float
    as_of : Timestamp
    currency : str
    """

    grades: pd.DataFrame
    customers: pd.DataFrame
    periods: int
    exposure_left: float
    assumptions: tuple[Assumption, ...]
    level: float
    as_of: pd.Timestamp
    currency: str

    def finding(self) -> str:
        """Which grades to go on with, in one sentence."""
        return describe_choices(self)

    def to_table(self, name: str = "customer_value") -> Table:
        """Value of each choice by grade, and the default rates that flip them."""
        return grades_table(self, name)

    def customers_table(self, name: str = "customer_choices", most: int = 10) -> Table:
        """The customers nearest to a change of the choice."""
        return customers_table(self, name, most)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Default rate of each grade between the rates from which to restrict and to stop."""
        return plot_choices(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)

    def __repr__(self) -> str:
        return repr(self.to_table())


def value_customers(
    study: Study,
    scorecard: Scorecard,
    snapshot: Snapshot,
    periods: int = PERIODS,
    exposure_left: float = EXPOSURE_LEFT,
    carry: Carry | None = None,
    book: GradeBook | None = None,
) -> CustomerValue:
    """Value going on with a customer, restricting it, and stopping, over the quarters ahead.

    Parameters
    ----------
    study : Study
        Gives `customer_churn`, `restriction_loss`, `learning_periods` (typical values when it does not) and
        what `choose_inputs` takes.
    scorecard : Scorecard
        Gives grades, and each customer's own default rate where it predicts one.
    snapshot : Snapshot
    periods : int
        Quarters.
    exposure_left : float
        Exposure of a restricted customer over today's, from 0 (payment in advance) to 1.
    carry : callable, optional
        See `make_grade_terms`: a term structure makes the first quarter's hazard its own.
    book : GradeBook, optional
        When read before from the same two, as `TermsPolicy.book`.

    Returns
    -------
    CustomerValue

    Raises
    ------
    ValueError
        If the exposure left lies outside 0 to 1.

    Notes
    -----
    A quarter's gain is a quarter of the year's sales times margin less waiting. A default loses `lgd` of
    what is owed: sales of the terms and the overrun (see `GradeInputs`). The prior of a customer weighs as
    much as `learning_periods` quarters of its own. Restricting loses `restriction_loss` of sales. Stopping
    is worth 0, and ends it.
    """
    if not 0 <= exposure_left <= 1:
        raise ValueError(f"exposure_left = {exposure_left!r}: a fraction from 0 to 1")
    book = book or read_grade_book(scorecard, snapshot)
    carry = carry or constant_hazard(scorecard.horizon_days)
    inputs = choose_inputs(study, snapshot, book.table, scorecard.definition, carry)
    given = tuple(given_or_typical(study, name) for name in NAMES)
    drawn = draw_assumptions(study, given, inputs.margin.size - 1, (SPAWN_KEY, 3))
    sold = [k for k, s in enumerate(book.table["sales"]) if s > 0]
    worlds = {k: _world(book, inputs, drawn, k, exposure_left) for k in sold}
    grades = pd.DataFrame([_grade_row(book, inputs, worlds[k], k, periods, scorecard.level) for k in sold])
    return CustomerValue(
        grades=grades,
        customers=_customers(scorecard, snapshot, book, inputs, worlds, grades, periods),
        periods=periods,
        exposure_left=exposure_left,
        assumptions=(*given, *(inputs.assumed(n) for n in ("lgd", "cost_of_capital", "overrun_days"))),
        level=scorecard.level,
        as_of=snapshot.date,
        currency=snapshot.currency,
    )


def _world(
    book: GradeBook, inputs: GradeInputs, drawn: Mapping[str, Floats], grade: int, left: float
) -> dict[str, Floats]:
    """Gains and losses of a quarter per 1 of yearly sales, by draw; the first is the point."""
    row = book.table.iloc[grade]
    out = max(float(row["term"] + row["delay"]), 0.0)
    quarter = PERIOD_DAYS / YEAR
    later = discount_factor(inputs.cost_of_capital, out)
    gain = quarter * (inputs.margin - 1.0 + later)
    loss = inputs.lgd * (float(row["term"]) + inputs.overrun) / YEAR
    kept = 1.0 - drawn["restriction_loss"]
    waited = quarter * (inputs.margin - left * (1.0 - later))
    return {
        "gain": gain,
        "loss": loss,
        "restricted_gain": kept * waited,
        "restricted_loss": left * loss,
        "factor": discount_factor(inputs.cost_of_capital, PERIOD_DAYS)
        * (1.0 - drawn["customer_churn"]) ** quarter,
        "learning": drawn["learning_periods"],
    }


def _value(world: Mapping[str, Floats], pd_period: Any, periods: int, point: bool = False) -> Relationship:
    """Value per 1 of yearly sales at some chance of default within a period, by draw or at the point."""
    at = {k: v[0] for k, v in world.items()} if point else world
    chance = np.clip(np.asarray(pd_period, dtype=float), LEAST_PD, MOST_PD)
    names = ("restricted_gain", "restricted_loss", "factor")
    return value_relationship(
        at["gain"],
        at["loss"],
        **{n: at[n] for n in names},
        paid=(1.0 - chance) * at["learning"],
        defaulted=chance * at["learning"],
        periods=periods,
    )


def _grade_row(
    book: GradeBook, inputs: GradeInputs, world: Mapping[str, Floats], k: int, periods: int, level: float
) -> dict[str, Any]:
    chance = inputs.carry(inputs.pd[k], PERIOD_DAYS)
    found = _value(world, chance, periods)
    ways = np.array([found.go_on[1:], found.restrict[1:], np.zeros(found.go_on.size - 1)])
    best = int(ways.mean(axis=1).argmax())
    return {
        "grade": book.table["grade"].iloc[k],
        "sales": float(book.table["sales"].iloc[k]),
        "pd": float(chance[0]),
        **mean_and_range("go_on", 100 * found.go_on[1:], level),
        **mean_and_range("restrict", 100 * found.restrict[1:], level),
        "waiting": float(100 * found.waiting[1:].mean()),
        "choice": CHOICES[best],
        "chance": float((ways.argmax(axis=0) == best).mean()),
        **_flips(world, periods),
    }


def _flips(world: Mapping[str, Floats], periods: int) -> dict[str, float]:
    """Chance of default within a period at which the choice turns, everything else at its point."""

    def ahead(chance: float) -> float:
        found = _value(world, chance, periods, point=True)
        return float(found.go_on - found.restrict)

    def worth(chance: float) -> float:
        found = _value(world, chance, periods, point=True)
        return float(np.maximum(found.go_on, found.restrict))

    return {"restrict_at": _root(ahead), "stop_at": _root(worth)}


def _root(function: Any) -> float:
    if function(LEAST_PD) <= 0:
        return 0.0
    if function(MOST_PD) > 0:
        return float("nan")
    return float(optimize.brentq(function, LEAST_PD, MOST_PD, xtol=1e-10))


def _customers(
    scorecard: Scorecard,
    snapshot: Snapshot,
    book: GradeBook,
    inputs: GradeInputs,
    worlds: Mapping[int, Mapping[str, Floats]],
    grades: pd.DataFrame,
    periods: int,
) -> pd.DataFrame:
    """The three choices for each customer that buys, at the points of the inputs."""
    scored = scorecard.predict(snapshot)
    people = book.customers[book.customers["sales"] > 0].copy()
    own = dict(zip(scored["customer_id"], scored["pd"], strict=True)) if "pd" in scored else {}
    flips = grades.set_index("grade")
    parts = []
    for k, world in worlds.items():
        grade = book.table["grade"].iloc[k]
        rows = people[people["grade"] == grade]
        within = rows["customer_id"].map(own).astype(float).fillna(float(inputs.pd[k, 0])).to_numpy()
        chance = np.asarray(inputs.carry(within, PERIOD_DAYS), dtype=float)
        found = _value(world, chance, periods, point=True)
        ways = np.array([found.go_on, found.restrict, np.zeros(len(rows))])
        sales = rows["sales"].to_numpy(dtype=float)
        parts.append(
            pd.DataFrame(
                {
                    "customer_id": rows["customer_id"].to_numpy(),
                    "grade": grade,
                    "sales": sales,
                    "pd": chance,
                    "go_on": sales * found.go_on,
                    "restrict": sales * found.restrict,
                    "choice": [CHOICES[i] for i in ways.argmax(axis=0)],
                    "restrict_at": flips.loc[grade, "restrict_at"],
                    "stop_at": flips.loc[grade, "stop_at"],
                }
            )
        )
    out = pd.concat(parts, ignore_index=True)
    return out.sort_values(["sales", "customer_id"], ascending=[False, True], ignore_index=True)
