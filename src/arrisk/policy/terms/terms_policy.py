"""Which days of credit for which grade: the value of a year on each of the offered terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.policy.grade_terms.book import GradeBook, read_grade_book
from arrisk.policy.grade_terms.inputs import Carry, constant_hazard
from arrisk.policy.grade_terms.needs import longest_term
from arrisk.policy.terms.changes import TermsChanges, find_terms_changes
from arrisk.policy.terms.draws import mean_and_range
from arrisk.policy.terms.inputs import TermsInputs, choose_terms_inputs
from arrisk.policy.terms.page import break_even_table, describe_finding, inputs_table, policy_table
from arrisk.policy.terms.pictures import plot_policy
from arrisk.policy.terms.worth import TermsWorth, break_even_elasticity, value_terms

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot
    from arrisk.models.scoring.scorecard import Scorecard
    from arrisk.policy.assumptions import Assumption
    from arrisk.policy.study import Study

__all__ = ["OFFERED", "TODAY", "TermsPolicy", "make_terms_policy"]

OFFERED = (30, 45, 60, 90)
TODAY = "today"
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TermsPolicy:
    """A year of every grade on each of the offered terms and on today's; made by `make_terms_policy`.

    Parameters
    ----------
    table : DataFrame
        A row for every grade (best first) and option (today's terms first): `grade`, `option`, `terms` (days,
        of today's the mean by sales), `days` (from delivery to payment); in currency units a year `sales`,
        `loss` (expected), `value` and `gain` (against today's), these two with `_low` and `_high`; `chance`
        (that it is worth more than today's), `chance_best`, `regret` (expected, against knowing the draw),
        `break_even` (elasticity at which it is worth what today's is; NaN when none), `value_at_low`,
        `value_at_high` (mean value at the ends of the elasticity's range) and `sure` (whether it beats
        today's at both ends, and in at least `confidence` of the draws).
    value, loss : array of shape (grades, options, draws)
        The draws behind it, currency units a year; the same draw means the same world for all.
    options : tuple of str
        Of the second axis.
    offered : tuple of int
        Days, of the options after the first.
    as_of : Timestamp
    currency : str
    level, confidence : float
        Of the intervals; least chance of a gain that counts as sure.
    inputs : TermsInputs
    book : GradeBook
    changes : TermsChanges
        What the ledger itself shows of terms that were changed.
    doubt : str
        Why customers cannot be graded; empty when they can.
    """

    table: pd.DataFrame
    value: Floats
    loss: Floats
    options: tuple[str, ...]
    offered: tuple[int, ...]
    as_of: pd.Timestamp
    currency: str
    level: float
    confidence: float
    inputs: TermsInputs
    book: GradeBook
    changes: TermsChanges
    doubt: str

    @property
    def grades(self) -> list[str]:
        """Grades, best first."""
        return [str(g) for g in self.book.table["grade"]]

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What was assumed, or counted in the ledger in place of an assumption."""
        return self.inputs.assumptions

    @property
    def diagnostics(self) -> dict[str, float]:
        """Draws, and the largest Monte Carlo error of an expected gain (currency units a year)."""
        gain = self.value - self.value[:, :1, :]
        error = gain.std(axis=2, ddof=1) / np.sqrt(self.value.shape[2])
        return {"draws": float(self.value.shape[2]), "mc_error_of_gain": float(error.max())}

    def finding(self) -> str:
        """Which terms win, and whether the range of the elasticity decides it, in one sentence."""
        return describe_finding(self)

    def to_table(self, name: str = "terms_by_grade") -> Table:
        """A year on each of the terms, by grade: value, gain with its interval, chance to be best, regret."""
        return policy_table(self, name)

    def break_even_table(self, name: str = "terms_break_even") -> Table:
        """By grade and terms: how much sales would have to move to make up for the wait and the risk."""
        return break_even_table(self, name)

    def inputs_table(self, name: str = "terms_inputs") -> Table:
        """What it rests on: each assumption with its range and source."""
        return inputs_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Gain over today's terms by grade and offered terms."""
        return plot_policy(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)

    def __repr__(self) -> str:
        return repr(self.to_table())


def make_terms_policy(
    study: Study,
    scorecard: Scorecard,
    snapshot: Snapshot,
    terms: Sequence[int] = OFFERED,
    confidence: float = 0.9,
    carry: Carry | None = None,
) -> TermsPolicy:
    """Value a year of each grade's sales on each of the terms that could be offered.

    Parameters
    ----------
    study : Study
        See `choose_terms_inputs`.
    scorecard : Scorecard
        Without a fit all customers are one class.
    snapshot : Snapshot
        Not earlier than the scorecard.
    terms : sequence of int
        Days, increasing.
    confidence : float
        From 0.5 to below 1.
    carry : callable, optional
        Probabilities of default within the horizon to those within other days; by default at a constant
        hazard.

    Returns
    -------
    TermsPolicy

    Raises
    ------
    ValueError
        If the terms do not increase, or the confidence is impossible.
    LookAheadError
        If the snapshot is earlier than the fit.

    Notes
    -----
    All terms are valued on the same draws. Every figure is the mean over the draws, not the value at the
    middle of the ranges: the range of the elasticity is not symmetric.
    """
    if not 0.5 <= confidence < 1:
        raise ValueError(f"confidence = {confidence!r}: from 0.5 to below 1")
    offered = tuple(int(t) for t in terms)
    longest_term(list(offered), np.ones(len(offered), dtype=bool))  # refuses terms that do not increase
    book = read_grade_book(scorecard, snapshot)
    inputs = choose_terms_inputs(
        study, scorecard, snapshot, book, carry or constant_hazard(scorecard.horizon_days)
    )
    worths = [[value_terms(book, inputs, k, t) for t in (None, *offered)] for k in range(len(book.table))]
    value = np.array([[w.value[1:] for w in row] for row in worths])
    return TermsPolicy(
        table=_table(book, inputs, worths, offered, scorecard.level, confidence),
        value=value,
        loss=np.array([[w.loss[1:] for w in row] for row in worths]),
        options=(TODAY, *(f"{t} days" for t in offered)),
        offered=offered,
        as_of=snapshot.date,
        currency=snapshot.currency,
        level=scorecard.level,
        confidence=confidence,
        inputs=inputs,
        book=book,
        changes=find_terms_changes(snapshot),
        doubt="" if scorecard.identified else scorecard.doubt,
    )


def _table(
    book: GradeBook,
    inputs: TermsInputs,
    worths: list[list[TermsWorth]],
    offered: tuple[int, ...],
    level: float,
    confidence: float,
) -> pd.DataFrame:
    """The rows of `TermsPolicy.table`."""
    given = inputs.assumed("terms_elasticity")
    value = np.array([[w.value[1:] for w in row] for row in worths])
    rows: list[dict[str, object]] = []
    for k, seen in enumerate(book.table.to_dict("records")):
        best, top = value[k].argmax(axis=0), value[k].max(axis=0)
        for j, terms in enumerate((None, *offered)):
            gain = value[k, j] - value[k, 0]
            low, high = (
                float(value_terms(book, inputs, k, terms, e).value[1:].mean())
                for e in (given.low, given.high)
            )
            chance, now = float((gain > 0).mean()), float(value[k, 0].mean())
            rows.append(
                {
                    "grade": seen["grade"],
                    "option": TODAY if terms is None else f"{terms} days",
                    "terms": float(seen["term"]) if terms is None else float(terms),
                    **_means(worths[k][j]),
                    **mean_and_range("value", value[k, j], level),
                    **mean_and_range("gain", gain, level),
                    "chance": chance,
                    "chance_best": float((best == j).mean()),
                    "regret": float((top - value[k, j]).mean()),
                    "break_even": _break_even(book, inputs, k, terms),
                    "value_at_low": low,
                    "value_at_high": high,
                    "sure": min(low, high) > now and chance >= confidence,
                }
            )
    return pd.DataFrame(rows)


def _means(worth: TermsWorth) -> dict[str, float]:
    return {name: float(getattr(worth, name)[1:].mean()) for name in ("days", "sales", "loss")}


def _break_even(book: GradeBook, inputs: TermsInputs, grade: int, terms: int | None) -> float:
    return float("nan") if terms is None else break_even_elasticity(book, inputs, grade, terms)
