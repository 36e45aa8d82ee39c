"""A designed pilot of a discount: its finding, its plan on record, and the code that will read it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html, money
from arrisk.models.effects.outcomes import OUTCOMES
from arrisk.models.trial.assignment import Assignment
from arrisk.models.trial.plan import TrialPlan
from arrisk.models.trial.power_curve import PowerCurve
from arrisk.models.trial.stopping import StoppingRule
from arrisk.policy.assumptions import Assumption
from arrisk.policy.discount.draws import Reference

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PilotDesign", "unit_of"]

WIDTH = 62
DAYS_A_MONTH = 30.4375
SCRIPT = '''\
"""Reads the pilot of {words}, as planned on {as_of}, before it started. Change nothing but the paths.

Usage: python FILE STUDY ASSIGNMENT, the study file of the ledger and the CSV file of the arms.
"""

import datetime
import sys

import arrisk as ar

PLAN = ar.TrialPlan(
{plan}
)
# Benefit from z = {benefit}; harm to z = {harm}; looks on {dates}.
OFFER = ({rate!r}, {days!r})
DIGEST = "{digest}"


def analyse(snapshot, path):
    """The planned analysis of the newest look; read again at the next."""
    arms = ar.read_assignment(path, DIGEST)
    return ar.read_pilot(snapshot, arms, PLAN, digest=DIGEST, offer=OFFER)


if __name__ == "__main__":
    reading = analyse(ar.open_study(sys.argv[1]).snapshot(), sys.argv[2])
    for table in (
        reading.to_table(),
        reading.outcomes_table(),
        reading.compliance_table(),
        reading.checks_table(),
    ):
        print(table, end="\\n\\n")
'''


@dataclass(frozen=True, slots=True, repr=False)
class PilotDesign:
    """A pilot ready to start: who is offered what, when it is read, and what it can show.

    Make one with `design_pilot`.

    Parameters
    ----------
    plan : TrialPlan
    terms : Reference
        The discount offered to the treated arm.
    assignment : Assignment
    curve : PowerCurve
        By the part of the customers that takes the offer.
    expected : float
        Shift of all who are offered, on the assumed take-up, in the unit of the outcome.
    power : float
        Chance to see the expected shift.
    needed : int
        Customers that would show it with the power that was asked for, by the usual rule that precision
        grows with the root of their number.
    cost : float
        Expected cost of the pilot: discounts granted less the value of earlier money; negative is a gain.
    take_up : Assumption
    table : DataFrame
        The options compared: terms by outcome.
    target : float
        The power that was asked for.
    currency : str
    as_of : Timestamp
    left_out : int
        Customers that are offered a discount already and do not take part.
    """

    plan: TrialPlan
    terms: Reference
    assignment: Assignment
    curve: PowerCurve
    expected: float
    power: float
    needed: int
    cost: float
    take_up: Assumption
    table: pd.DataFrame
    target: float
    currency: str
    as_of: pd.Timestamp
    left_out: int

    @property
    def rule(self) -> StoppingRule:
        """When the pilot stops."""
        return self.plan.rule

    @property
    def enough(self) -> bool:
        """Whether the book is large enough to show the expected shift."""
        return self.power >= self.target

    @property
    def words(self) -> str:
        """The terms in words."""
        return self.terms.words

    @property
    def instead(self) -> str:
        """Why the terms that come first among the options are not the ones tried; empty when they are."""
        first = self.table.iloc[0]
        wanted = Reference(float(first["rate"]), int(first["within_days"]))
        if wanted == self.terms:
            return ""
        return (
            f"{wanted.words} itself would move all who are offered it by "
            f"{abs(first['expected_shift']):.2g} {unit_of(self.plan)} at its take-up of "
            f"{first['take_up']:.0%}, seen with {first['power']:.0%}: about "
            f"{int(first['customers_needed']):,} customers would do"
        )

    def finding(self) -> str:
        """The pilot in one sentence."""
        units = self.assignment.units
        drawn, unit = int(units["treated"].sum()), unit_of(self.plan)
        text = f"{len(units):,} customers, {drawn:,} of them drawn to be offered {self.words} for "
        text += f"{_months(self.plan)}, "
        odds = f"{self.target:.0%} power, {1 - self.plan.level:.0%} two-sided"
        shown = f"show a shift of {self.curve.detectable:.2g} {unit} ({odds})"
        if not np.isfinite(self.curve.detectable):
            shown = f"would not show the offer even if all took it ({odds})"
        expected = f"{abs(self.expected):.2g} {{}} expected at a take-up of {self.take_up.value:.0%}"
        if self.enough:
            return f"{text}{shown}; {expected.format('are')}. {self._close()}"
        need = f"seen with {self.power:.0%}; about {self.needed:,} customers would do"
        return f"{text}{shown}, but {expected.format('are')}, {need}. {self._close()}"

    def _close(self) -> str:
        return f"{self._price()}. {self.instead}" if self.instead else self._price()

    def _price(self) -> str:
        if self.cost <= 0:
            return "On the assumed take-up it costs nothing on average"
        return f"On the assumed take-up it costs about {money(float(f'{self.cost:.2g}'), self.currency)}"

    def to_table(self, name: str = "pilot_options") -> Table:
        """The options compared, ready to be shown."""
        note = (
            f"expected_shift: of all who are offered, at the take-up ({self.take_up.source}); power: "
            "chance to see it, simulated on the book's own past. cost: "
            f"discounts less the value of earlier money, {self.currency}."
        )
        formats: dict[str, Format] = {
            "rate": "percent",
            "take_up": "percent",
            "power": "percent",
            "cost": "money",
        }
        return Table(name, self.finding(), self.table, note, formats)

    def plan_table(self, name: str = "pilot_plan") -> Table:
        """What is put on record before the start, a row each."""
        frame = pd.DataFrame(self._record(), columns=["what", "planned"])
        return Table(name, "The pilot's plan on record", frame)

    def to_text(self) -> str:
        """The plan to put on record before the start: what is done, what decides, what proves it."""
        return "\n".join([f"Pilot of {self.words}", "", *(f"{k}: {v}" for k, v in self._record())])

    def _record(self) -> list[tuple[str, str]]:
        plan, rule, units = self.plan, self.rule, self.assignment.units
        before = plan.baseline
        looks = (
            f"{day}: benefit from z = {b:.3f}, harm to z = {-h:.3f}"
            for day, b, h in zip(plan.look_dates, rule.benefit, rule.harm, strict=True)
        )
        return [
            ("question", f"what offering {self.words} does to the {OUTCOMES[plan.outcome]}"),
            ("customers", f"{len(units):,} with invoices from {before[0]} to {before[1]}; groups together"),
            ("left out", f"{self.left_out:,} that are offered a discount already"),
            ("arms", f"{int(units['treated'].sum()):,} offered, the others not; drawn in strata"),
            (
                "strata",
                "; ".join(f"{k} {v}" for k, v in units["stratum"].value_counts().sort_index().items()),
            ),
            ("draw", f"seed {self.assignment.seed}, SHA-256 {self.assignment.digest}"),
            ("invoices", f"issued from {plan.start} to the day before {plan.end}"),
            (
                "outcome",
                f"{OUTCOMES[plan.outcome]} up to {plan.horizon} days; every one of {plan.weigh} counts once",
            ),
            (
                "analysis",
                "everyone as assigned; least squares on arm, stratum and own past, HC3; permutation test",
            ),
            ("error", f"{1 - plan.level:.0%}, two-sided, over all looks ({plan.spending} spending)"),
            *((f"look {k}", words) for k, words in enumerate(looks, start=1)),
            ("futility", f"may stop when conditional power is below {plan.futility:.0%}; not binding"),
            ("expected", f"{self.expected:+.3g} {unit_of(plan)}, seen with {self.power:.0%}"),
            ("take-up assumed", f"{self.take_up.value:.0%} ({self.take_up.source})"),
            ("expected cost", money(self.cost, self.currency)),
        ]

    def analysis_code(self) -> str:
        """A Python script that reads the pilot with the parameters of the plan, ready to run."""
        rule, plan = self.rule, self.plan
        lines = [f"    {f.name}={getattr(plan, f.name)!r}," for f in fields(plan)]
        return SCRIPT.format(
            words=self.words,
            as_of=f"{self.as_of:%Y-%m-%d}",
            plan="\n".join(lines),
            benefit=", ".join(f"{b:.3f}" for b in rule.benefit),
            harm=", ".join(f"{-h:.3f}" for h in rule.harm),
            dates=", ".join(str(d) for d in plan.look_dates),
            rate=self.terms.rate,
            days=self.terms.days,
            digest=self.assignment.digest,
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Chance to see an effect by its size, with the expected one."""
        axes = self.curve.plot(ax)
        axes.plot([abs(self.expected)], [self.power], "o", color="black", label="expected")
        axes.legend(loc="lower right")
        units = self.assignment.units
        seen = f"{self.curve.detectable:.2g} {unit_of(self.plan)} is seen with {self.target:.0%}"
        said = (
            f"{len(units):,} customers, {units['treated'].sum()} of them offered {self.words}: a shift "
            f"of {seen}, the expected {abs(self.expected):.2g} with {self.power:.0%}"
        )
        axes.set_title(fill(said, WIDTH), loc="left")
        return axes

    def __repr__(self) -> str:
        return f"PilotDesign, as of {self.as_of:%Y-%m-%d}. {self.finding()}"

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def unit_of(plan: TrialPlan) -> str:
    """The unit of a plan's outcome, in words that follow a number."""
    return {"days": "days to payment", "value": "per 100 invoiced"}.get(
        plan.outcome, "unpaid per 100 invoiced"
    )


def _months(plan: TrialPlan) -> str:
    months = round((plan.end - plan.start).days / DAYS_A_MONTH)
    return "a month" if months == 1 else f"{months} months"
