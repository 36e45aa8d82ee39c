"""What a trial showed: finding, tables and picture."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import pandas as pd
from scipy import stats

from arrisk.display import Table, frame_html, stamp
from arrisk.models.effects.effect import Effect
from arrisk.models.trial.plan import TrialPlan
from arrisk.models.trial.stopping import StoppingRule

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["TrialReading"]

WIDTH = 62
DECISIONS = {
    "benefit": "stop: it works",
    "harm": "stop: it does harm",
    "futility": "stop: it is not likely to show the planned effect any more",
    "go on": "go on to the next look",
    "no effect": "no effect shown",
}


@dataclass(frozen=True, slots=True)
class TrialReading:
    """The planned analysis of a trial; make one with `read_pilot`.

    Parameters
    ----------
    effect : Effect
        Of being offered, at this look; its interval is the repeated one.
    plan : TrialPlan
    rule : StoppingRule
    looks : DataFrame
        A row a look so far: `look`, `date`, `customers`, `shift`, `se`, `df`, `ci_low`, `ci_high` (repeated
        intervals), `z` (above 0 is better), `benefit_from_z`, `harm_to_z`, `decision`.
    decision : str
        What the rule says: "benefit", "harm", "futility", "go on" or "no effect"; an earlier stop stands.
    permutation_p : float
        Exact test of no effect on anybody, by redrawing the arms.
    compliance : DataFrame
        By `arm`: `customers`, `with_invoices`, `offered`, `not_as_assigned`, `invoices_offered`.
    takers : dict
        `take_up`, and `effect` on takers with `se` and `df`.
    outcomes : DataFrame
        The shift of every outcome; only the planned one decides.
    digest : str
        Of the assignment.
    as_of : Timestamp
    """

    effect: Effect
    plan: TrialPlan
    rule: StoppingRule
    looks: pd.DataFrame
    decision: str
    permutation_p: float
    compliance: pd.DataFrame
    takers: dict[str, float]
    outcomes: pd.DataFrame
    digest: str
    as_of: pd.Timestamp

    @property
    def takers_interval(self) -> tuple[float, float]:
        """Interval of the effect on takers, at the level of the plan, for one look."""
        half = float(stats.t.ppf(0.5 + self.plan.level / 2, self.takers["df"])) * self.takers["se"]
        return self.takers["effect"] - half, self.takers["effect"] + half

    def finding(self) -> str:
        """What the trial showed, in one sentence."""
        e, look = self.effect, len(self.looks)
        text = (
            f"Look {look} of {self.plan.looks}, {DECISIONS[self.decision]}. Being offered moved the "
            f"{e.unit} by {e.estimate:+.2f} ({e.ci_low:+.2f} to {e.ci_high:+.2f}, {e.level:.0%} over all "
            f"looks; {e.clusters:,} customers)"
        )
        if not e.identified:
            words = "; ".join(e.checks.loc[~e.checks["passed"], "words"])
            text += f"; not to be relied on: {words}"
        return text

    def to_table(self, name: str = "trial_reading") -> Table:
        """The looks with their boundaries, ready to be shown."""
        t, low_high = self.takers, self.takers_interval
        note = (
            f"Everyone counts as assigned. z above 0 is better. Permutation p {self.permutation_p:.3f}. "
            f"Take-up {t['take_up']:.0%}; effect on takers {t['effect']:+.2f} ({low_high[0]:+.2f} to "
            f"{low_high[1]:+.2f}). Assignment {self.digest[:12]}."
        )
        return Table(name, self.finding(), self.looks, note, {"date": "date"})

    def outcomes_table(self, name: str = "trial_outcomes") -> Table:
        """The shift of every outcome."""
        note = "Intervals for one look, not adjusted for looking at several outcomes."
        return Table(name, "What being offered changed", self.outcomes, note)

    def compliance_table(self, name: str = "trial_compliance") -> Table:
        """Who was offered, by arm."""
        strayed = int(self.compliance["not_as_assigned"].sum())
        title = f"{strayed:,} customers were not treated as assigned"
        return Table(name, title, self.compliance, "", {"invoices_offered": "percent"})

    def checks_table(self, name: str = "trial_checks") -> Table:
        """What the ledger could refute of the trial."""
        passed = int(self.effect.checks["passed"].sum())
        return Table(name, f"{passed} of {len(self.effect.checks)} checks passed", self.effect.checks)

    def plot(self, ax: Axes | None = None) -> Axes:
        """The shift at each look with its repeated interval."""
        axes = plt.subplots()[1] if ax is None else ax
        t = self.looks
        reach = [t["shift"] - t["ci_low"], t["ci_high"] - t["shift"]]
        axes.axhline(0, color="0.5", linewidth=0.8)
        axes.errorbar(t["look"], t["shift"], yerr=reach, fmt="o", color="#0072B2", capsize=4)
        axes.set_xticks(
            t["look"], [f"look {k}\n{d:%Y-%m-%d}" for k, d in zip(t["look"], t["date"], strict=True)]
        )
        axes.set(xlim=(0.5, self.plan.looks + 0.5), ylabel=f"shift, {self.effect.unit}")
        axes.set_title(fill(self.finding(), WIDTH), loc="left")
        return stamp(axes, self.as_of, "bars: intervals that hold over all looks")

    def __repr__(self) -> str:
        return f"TrialReading, as of {self.as_of:%Y-%m-%d}. {self.finding()}"

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)
