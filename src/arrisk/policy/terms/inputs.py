"""What the value of other terms rests on beyond that of today's: elasticity, marginal risk, days taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from arrisk.policy.assumptions import Assumption
from arrisk.policy.grade_terms.book import GradeBook
from arrisk.policy.grade_terms.inputs import (
    Carry,
    GradeInputs,
    choose_inputs,
    draw_triangle,
    given_or_typical,
)
from arrisk.policy.terms.delays import DelaySlope, fit_delay_slope

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.scoring.scorecard import Scorecard
    from arrisk.policy.study import Study

__all__ = ["SPAWN_KEY", "TermsInputs", "choose_terms_inputs"]

SPAWN_KEY = 14
NAMES = ("terms_elasticity", "extra_pd_ratio", "asset_correlation")
USED = ("stop_margin", "gross_margin", "lgd", "cost_of_capital", "overrun_days", "risk_budget")
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class TermsInputs:
    """Points and draws; made by `choose_terms_inputs`. The first draw of every array is its point.

    Parameters
    ----------
    base : GradeInputs
        Default rates, margin, loss, interest and overrun.
    elasticity, extra_pd_ratio, slope, correlation : array of shape (1 + draws,)
        Relative change of sales for 30 days more; hazard of the sales won over the grade's; days later per
        day of terms; asset correlation.
    delays : DelaySlope
    assumptions : tuple of Assumption
    """

    base: GradeInputs
    elasticity: Floats
    extra_pd_ratio: Floats
    slope: Floats
    correlation: Floats
    delays: DelaySlope
    assumptions: tuple[Assumption, ...]

    def assumed(self, name: str) -> Assumption:
        """One of the assumptions."""
        return next(a for a in self.assumptions if a.name == name)


def choose_terms_inputs(
    study: Study, scorecard: Scorecard, snapshot: Snapshot, book: GradeBook, carry: Carry
) -> TermsInputs:
    """Draw what `choose_inputs` draws, and the assumptions on other terms from their ranges.

    Parameters
    ----------
    study : Study
        Gives `terms_elasticity`, `extra_pd_ratio`, `asset_correlation` (typical values when it does not),
        the seed, and what `choose_inputs` takes.
    scorecard : Scorecard
    snapshot : Snapshot
    book : GradeBook
    carry : callable
    """
    base = choose_inputs(study, snapshot, book.table, scorecard.definition, carry)
    count = base.margin.size - 1
    seeds = np.random.SeedSequence(study.seed, spawn_key=(SPAWN_KEY,)).spawn(len(NAMES) + 1)
    given = [given_or_typical(study, name) for name in NAMES]
    elasticity, extra, correlation = (
        np.append(a.value, draw_triangle(a, count, np.random.default_rng(seed)))
        for a, seed in zip(given, seeds, strict=False)
    )
    delays = fit_delay_slope(snapshot, scorecard.definition.days, scorecard.level)
    slope = np.append(delays.value, delays.draws(count, np.random.default_rng(seeds[-1])))
    kept = tuple(a for a in base.assumptions if a.name in USED)
    return TermsInputs(
        base, elasticity, extra, slope, correlation, delays, (*given, *kept, delays.assumption())
    )
