"""Which terms, which limit and how much in advance each grade gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.policy.grade_terms.backtest import check_expected_losses, losses_table
from arrisk.policy.grade_terms.book import GradeBook, read_grade_book
from arrisk.policy.grade_terms.inputs import Carry, GradeInputs, choose_inputs, constant_hazard
from arrisk.policy.grade_terms.margins import MARGINS, grant_at_margins
from arrisk.policy.grade_terms.needs import longest_term
from arrisk.policy.grade_terms.page import granted_table, margins_table, needs_table, swings_table
from arrisk.policy.grade_terms.pictures import plot_frontier, plot_grid
from arrisk.policy.grade_terms.summary import make_cells, make_summary
from arrisk.policy.grade_terms.swings import find_swings
from arrisk.policy.grade_terms.yearly import value_year, yearly_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot
    from arrisk.models.scoring.scorecard import Scorecard
    from arrisk.policy.assumptions import Assumption
    from arrisk.policy.study import Study

__all__ = ["OFFERED", "GradeTerms", "make_grade_terms"]

OFFERED = (14, 30, 45, 60, 90)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GradeTerms:
    """What each grade can bear, and what that is worth; made by `make_grade_terms`.

    Parameters
    ----------
    table : DataFrame
        One row a grade, best first. `grade`, `customers`, `sales` (of the last year, currency units);
        `pd`, `pd_low`, `pd_high` (of default within the horizon); `days` (of today's terms, mean by sales),
        `days_out` (with the usual delay), `pd_sale` (that a sale on those terms is caught by a default) and
        `break_even_pd` (of the same); `value` (of a sale of 1) and `cost` (of credit, the least margin),
        both with `_low` and `_high`, `chance` (that the value is not below 0), `surcharge`; `longest`
        (offered days surely bearable, NaN when none), `advance`, `secured` (shares that today's terms need;
        NaN when not even all would do); `limit_months` (of sales), `limit_factor` (of the best grade's),
        `limit_today` (NaN without limits), `above` (customers whose limit is above).
    cells : DataFrame
        For every grade and offered term: `grade`, `days`, `days_out`, `pd_sale`, `break_even_pd`, `cost`,
        `value` (these but the break-even with `_low` and `_high`), `chance`.
    yearly : DataFrame
        `grade`, and in currency units a year `today` (value of the sales on today's terms) and `granted`
        (on the table's, every customer staying), each with `_low` and `_high`; `changes` (whether they
        differ), `today_chance` (that today's terms lose nothing).
    today, granted : array of shape (grades, 1 + draws)
        The draws behind `yearly`; the first is the point.
    as_of : Timestamp
    currency : str
    horizon_days : int
    level, confidence : float
        Of the intervals; least chance at which a term counts as bearable.
    headroom : float
        Limit over what is sold, on average, over the granted terms.
    inputs : GradeInputs
    book : GradeBook
    doubt : str
        Why customers cannot be graded; empty when they can.
    """

    table: pd.DataFrame
    cells: pd.DataFrame
    yearly: pd.DataFrame
    today: Floats
    granted: Floats
    as_of: pd.Timestamp
    currency: str
    horizon_days: int
    level: float
    confidence: float
    headroom: float
    inputs: GradeInputs
    book: GradeBook
    doubt: str

    @property
    def identified(self) -> bool:
        """Whether customers can be graded at all."""
        return not self.doubt

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What was assumed, or counted in the ledger in place of an assumption."""
        return self.inputs.assumptions

    @property
    def weakest(self) -> str:
        """The grade that has sales and earns least on a sale."""
        sold = self.table[self.table["sales"] > 0]
        rows = sold if len(sold) else self.table
        return str(rows.sort_values("value", kind="stable")["grade"].iloc[0])

    def swings(self, grade: str | None = None) -> pd.DataFrame:
        """What moves the value of a sale to a grade on today's terms, largest swing first.

        Parameters
        ----------
        grade : str, optional
            By default the weakest.

        Returns
        -------
        DataFrame
            `input`, `low`, `now`, `high` (its range), `value_at_low`, `value_at_high` (of a sale of 1),
            `turns_at` (where the sale is worth nothing, everything else as it is; NaN when nowhere).
        """
        return find_swings(self, grade or self.weakest)

    def at_margins(self, margins: Sequence[float] = MARGINS) -> pd.DataFrame:
        """What each grade would get at other margins (see `grant_at_margins`)."""
        return grant_at_margins(self, margins)

    def to_table(self, name: str = "grade_terms") -> Table:
        """The policy: what each grade gets."""
        return granted_table(self, name)

    def needs_table(self, name: str = "grade_needs") -> Table:
        """What credit to each grade costs on today's terms, and what would make it bearable."""
        return needs_table(self, name)

    def margins_table(self, margins: Sequence[float] = MARGINS, name: str = "grade_margins") -> Table:
        """What each grade would get at other margins, in words."""
        return margins_table(self, margins, name)

    def swings_table(self, grade: str | None = None, name: str = "grade_swings") -> Table:
        """What would flip the weakest grade, or a given one."""
        return swings_table(self, grade or self.weakest, name)

    def losses_table(self, scorecard: Scorecard, snapshot: Snapshot, name: str = "grade_losses") -> Table:
        """Expected losses of past orders by grade against what became of them."""
        return losses_table(check_expected_losses(self, scorecard, snapshot), self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """What is left of 100 of sales, by grade and offered term."""
        return plot_grid(self, ax)

    def plot_frontier(self, ax: Axes | None = None) -> Axes:
        """Chance that a sale is caught by a default, by grade and terms, against the break-even."""
        return plot_frontier(self, ax)

    def _repr_html_(self) -> str:
        tables = (self.to_table(), self.needs_table())
        return "".join(frame_html(t.frame, t.title, t.note, t.formats) for t in tables)

    def __repr__(self) -> str:
        return repr(self.to_table())


def make_grade_terms(
    study: Study,
    scorecard: Scorecard,
    snapshot: Snapshot,
    terms: Sequence[int] = OFFERED,
    confidence: float = 0.8,
    headroom: float = 1.5,
    carry: Carry | None = None,
) -> GradeTerms:
    """Work out what each grade can bear on each of the offered terms.

    Parameters
    ----------
    study : Study
        See `choose_inputs`.
    scorecard : Scorecard
        Its back-test by grade gives the default rates and their intervals. Without a fit all customers are
        one class.
    snapshot : Snapshot
        Gives sales, terms, delays and limits; not earlier than the scorecard.
    terms : sequence of int
        Days of the terms that could be offered, increasing.
    confidence : float
        A term is bearable when its value is not below zero with at least this chance.
    headroom : float
        The limit is at most so many times what is sold, on average, over the granted terms.
    carry : callable, optional
        ``carry(pd, days)`` turns probabilities within the horizon into those within `days`, as a term
        structure does; by default at a constant hazard.

    Returns
    -------
    GradeTerms

    Raises
    ------
    ValueError
        If the terms do not increase, or confidence or headroom is impossible.
    LookAheadError
        If the snapshot is earlier than the fit.

    Notes
    -----
    Sales are taken as they were: nobody leaves when asked to pay in advance, nobody buys more on longer
    terms. So a shorter term always looks better, and `longest` is a ceiling for the risk, not advice to
    lengthen. Whether longer terms sell more is another question.
    """
    if not 0.5 <= confidence < 1:
        raise ValueError(f"confidence = {confidence!r}: from 0.5 to below 1")
    if not headroom >= 1:
        raise ValueError(f"headroom = {headroom!r}: a limit below the sales of the terms undoes them")
    offered = [int(t) for t in terms]
    longest_term(offered, np.ones(len(offered), dtype=bool))  # refuses terms that do not increase
    book = read_grade_book(scorecard, snapshot)
    carry = carry or constant_hazard(scorecard.horizon_days)
    inputs = choose_inputs(study, snapshot, book.table, scorecard.definition, carry)
    cells = make_cells(book, inputs, offered, scorecard.level)
    table = make_summary(book, inputs, cells, scorecard, offered, confidence, headroom)
    today, granted = value_year(book, inputs, table)
    return GradeTerms(
        table=table,
        cells=cells,
        yearly=yearly_table(table, today, granted, scorecard.level),
        today=today,
        granted=granted,
        as_of=snapshot.date,
        currency=snapshot.currency,
        horizon_days=scorecard.horizon_days,
        level=scorecard.level,
        confidence=confidence,
        headroom=headroom,
        inputs=inputs,
        book=book,
        doubt="" if scorecard.identified else scorecard.doubt,
    )
