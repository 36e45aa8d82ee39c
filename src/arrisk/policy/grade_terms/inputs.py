"""What the value of a grade rests on, as points and as draws: default rates, margin, loss, interest.

A sale is caught by a default that comes before it is paid. A failing customer pays ever later, so that takes
more days than the terms and the usual delay: `overrun` days more than the terms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.policy.assumptions import KNOWN, TYPICAL_SOURCE, Assumption
from arrisk.policy.grade_terms.losses import CountedLosses, count_losses
from arrisk.policy.grade_terms.value import credit_cost, pd_within

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.defaults.definition import DefaultDefinition
    from arrisk.policy.study import Study

__all__ = ["Carry", "GradeInputs", "choose_inputs", "constant_hazard", "draw_triangle", "given_or_typical"]

DRAWS = 2_000
SPAWN_KEY = 8
Floats = NDArray[np.float64]
Carry = Callable[[Floats, ArrayLike], Floats]
"""From probabilities of default within the horizon to those within some days; arrays broadcast."""


@dataclass(frozen=True, slots=True, eq=False)
class GradeInputs:
    """Points and draws; made by `choose_inputs`. The first draw of every array is its point.

    Parameters
    ----------
    pd : array of shape (grades, 1 + draws)
        Of default within the horizon.
    margin, lgd, cost_of_capital, overrun : array of shape (1 + draws,)
        Fractions; effective annual rate; days.
    carry : callable
        From the horizon to other days.
    assumptions : tuple of Assumption
        Margin, loss given default, cost of capital, overrun, the risk budget and the insured share.
    """

    pd: Floats
    margin: Floats
    lgd: Floats
    cost_of_capital: Floats
    overrun: Floats
    carry: Carry
    assumptions: tuple[Assumption, ...]

    def assumed(self, name: str) -> Assumption:
        """One of the assumptions."""
        return next(a for a in self.assumptions if a.name == name)

    def caught(self, grade: int, term: float) -> Floats:
        """Probability that a sale to the grade is caught by a default before it is paid, by draw."""
        return self.carry(self.pd[grade], term + self.overrun)

    def cost(self, grade: int, term: float, days_out: float) -> Floats:
        """Cost of a sale on account on some terms, paid after `days_out` as a rule, by draw."""
        return credit_cost(
            self.caught(grade, term), days_out, lgd=self.lgd, cost_of_capital=self.cost_of_capital
        )


def constant_hazard(horizon_days: int) -> Carry:
    """Carry probabilities at a constant hazard (see `pd_within`)."""
    return lambda pd, days: pd_within(pd, horizon_days, days)


def choose_inputs(
    study: Study,
    snapshot: Snapshot,
    counts: pd.DataFrame,
    definition: DefaultDefinition,
    carry: Carry,
    draws: int = DRAWS,
) -> GradeInputs:
    """Draw default rates from their Jeffreys posteriors and the assumptions from their ranges.

    Parameters
    ----------
    study : Study
        Gives `stop_margin` (or `gross_margin`), `lgd`, `cost_of_capital`, `insured_share`, `risk_budget` and
        the seed. The last two are typical values when it does not.
    snapshot : Snapshot
        When it shows customers that were lost, what a default costs is counted (see `count_losses`);
        otherwise `lgd` is the study's, and a failing customer is supplied until it counts as in default.
    counts : DataFrame
        `rows` and `defaults` by grade.
    definition : DefaultDefinition
    carry : callable
    draws : int

    Returns
    -------
    GradeInputs
        Margin and cost of capital (and an assumed loss given default) from triangles over their ranges; the
        point of a default rate is its posterior mean, ``(defaults + 1/2) / (rows + 1)``.

    Raises
    ------
    StudyError
        If an assumption is missing.
    """
    margin = study.get("stop_margin") or study.assumption("gross_margin")
    capital = study.assumption("cost_of_capital")
    rates, spread, losses = (
        np.random.default_rng(s) for s in np.random.SeedSequence(study.seed, spawn_key=(SPAWN_KEY,)).spawn(3)
    )
    counted = count_losses(snapshot, definition, draws, losses)
    counted = counted or _assumed(study, definition, draws, losses)
    d, n = (counts[c].to_numpy(dtype=float)[:, None] for c in ("defaults", "rows"))
    drawn = rates.beta(d + 0.5, n - d + 0.5, size=(len(counts), draws))
    return GradeInputs(
        pd=np.hstack([(d + 0.5) / (n + 1.0), drawn]),
        margin=np.append(margin.value, draw_triangle(margin, draws, spread)),
        lgd=np.append(counted.lgd.value, counted.lgd_draws),
        cost_of_capital=np.append(capital.value, draw_triangle(capital, draws, spread)),
        overrun=np.append(counted.overrun.value, counted.overrun_draws),
        carry=carry,
        assumptions=(
            margin,
            counted.lgd,
            capital,
            counted.overrun,
            given_or_typical(study, "risk_budget"),
            given_or_typical(study, "insured_share"),
        ),
    )


def _assumed(
    study: Study, definition: DefaultDefinition, draws: int, rng: np.random.Generator
) -> CountedLosses:
    """What a default costs where the ledger shows no losses: the study's word, and supply until default."""
    lgd, days = study.assumption("lgd"), float(definition.days)
    told = "convention: a failing customer is supplied until it counts as in default; no loss in the ledger"
    overrun = Assumption("overrun_days", days, days, days, "days", told)
    return CountedLosses(lgd, overrun, draw_triangle(lgd, draws, rng), np.full(draws, days))


def given_or_typical(study: Study, name: str) -> Assumption:
    """The study's assumption, or the typical value of `KNOWN` when it gives none."""
    known = KNOWN[name]
    typical = Assumption(name, known.value, known.low, known.high, known.unit, TYPICAL_SOURCE)
    return study.get(name) or typical


def draw_triangle(a: Assumption, draws: int, rng: np.random.Generator) -> Floats:
    """Draws from the triangle over an assumption's range; of shape (draws,)."""
    if not a.is_range:
        return np.full(draws, float(a.value))
    return np.asarray(rng.triangular(a.low, a.value, a.high, draws), dtype=float)
