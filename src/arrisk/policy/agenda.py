"""All decisions of a study on one page: each answered by its own model, read together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from arrisk.display import Table
from arrisk.policy.answers import answer_decisions
from arrisk.policy.recommendation import Recommendation, Verdict
from arrisk.policy.recommendation_page import interval, quantity
from arrisk.policy.study import Study

__all__ = ["Agenda", "make_agenda"]

QUESTION = "Which change of the credit policy comes first?"
CHANGES = ("scorecard", "discount", "running_scheme", "terms", "limits", "insurance", "funding")


@dataclass(frozen=True, slots=True)
class Agenda:
    """The recommendations of a study, by family.

    Attributes
    ----------
    recommendations : mapping of family to Recommendation
        In the order of the notebooks.
    """

    recommendations: Mapping[str, Recommendation]

    def decisions(self) -> Table:
        """Question, verdict and answer of every decision."""
        rows = [(r.decision, r.verdict, r.answer) for r in self.recommendations.values()]
        frame = pd.DataFrame(rows, columns=["question", "verdict", "answer"])
        return Table("decisions", "The decisions on one page", frame)

    def values(self) -> Table:
        """What each decision is worth, with its interval, and what would flip it."""
        rows = [
            {
                "question": r.decision,
                "worth": quantity(e.value, e.unit) if (e := r.expected_value) else "",
                "interval": interval(e.low, e.high, e.unit) if e else "",
                "level": f"{e.level:.0%}" if e else "",
                "what would flip it": r.flip.sentence if r.flip else "",
            }
            for r in self.recommendations.values()
            if r.verdict != "the data cannot say"
        ]
        columns = ["question", "worth", "interval", "level", "what would flip it"]
        return Table(
            "flips",
            "What each decision is worth, and what would flip it",
            pd.DataFrame(rows, columns=columns),
        )

    def experiments(self) -> Table:
        """What the data cannot say, or do not identify, and the cheapest way to find out."""
        rows = [
            (
                r.decision,
                "cannot say" if r.verdict == "the data cannot say" else "not identified",
                r.experiment,
            )
            for r in self.recommendations.values()
            if not r.identified
        ]
        frame = pd.DataFrame(rows, columns=["question", "standing", "cheapest next experiment"])
        return Table("experiments", "What the data do not settle, and how to find out", frame)

    def recommend(self, study: Study) -> Recommendation:
        """The one change to begin with, or none.

        Among the decisions that call for a change of a rule and are worth a gain, the one whose gain is
        surest: the largest lower end of an interval. Without one, nothing changes; without any value, the
        data cannot say.
        """
        valued = [r for name in CHANGES if (r := self.recommendations[name]).expected_value is not None]
        if not valued:
            return Recommendation(
                decision=QUESTION,
                verdict="the data cannot say",
                as_of=study.as_of,
                scope="all decisions of this study",
                answer="This ledger supports no change of a rule: it shows no worth of any change.",
                experiment=next(r.experiment for r in self.recommendations.values() if r.experiment),
            )
        called_for = [r for r in valued if _calls_for_change(r)]
        best = max(called_for or valued, key=_surest)
        doubt = (
            "" if _surest(best) > 0 else " The interval reaches below zero: begin so that it can be undone."
        )
        lead = "Begin here:" if called_for else "Change nothing yet; the nearest is this:"
        verdict: Verdict = "adopt" if called_for else "keep"
        return replace(best, decision=QUESTION, verdict=verdict, answer=f"{lead} {best.answer}{doubt}")


def _calls_for_change(recommendation: Recommendation) -> bool:
    estimate = recommendation.expected_value
    return recommendation.verdict in ("adopt", "reject") and estimate is not None and estimate.value > 0


def _surest(recommendation: Recommendation) -> float:
    estimate = recommendation.expected_value
    return estimate.low if estimate is not None else float("-inf")


def make_agenda(study: Study) -> Agenda:
    """Answer every decision of a study.

    Parameters
    ----------
    study : Study

    Returns
    -------
    Agenda
        The same recommendations as in the notebooks of the families.
    """
    return Agenda(answer_decisions(study))
