"""All decisions of a study on one page: each answered by its own model, read together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from arrisk.display import Table
from arrisk.models.cash.cash_forecast import forecast_cash
from arrisk.models.cash.rolling import backtest_cash
from arrisk.models.early_warning.backtest import backtest_alerts
from arrisk.models.early_warning.ranking import rank_alerts
from arrisk.models.loss_rates.comparison import compare_loss_rates
from arrisk.models.payment.payment_hazard import fit_hazard
from arrisk.models.provision.backtest import backtest_provision
from arrisk.models.provision.provision import make_provision
from arrisk.models.scoring.fitting import fit_scorecard
from arrisk.models.timing.backtest import backtest_timing
from arrisk.models.timing.payment_timing import fit_timing
from arrisk.models.timing.rates import PaymentModel
from arrisk.policy.alert_value import value_alerts
from arrisk.policy.cash import recommend_cash
from arrisk.policy.default_counts import define_default
from arrisk.policy.discount.advice import recommend_discount
from arrisk.policy.discount.simulation import make_schemes, simulate_discounts
from arrisk.policy.early_warning import define_alerts, recommend_early_warning
from arrisk.policy.excess_history import make_excess_history
from arrisk.policy.exposure import recommend_exposure
from arrisk.policy.grade_terms.decision import recommend_grade_terms
from arrisk.policy.grading import recommend_scorecard
from arrisk.policy.health import make_health
from arrisk.policy.incentives.decision import make_incentives, recommend_incentives
from arrisk.policy.insurance.decision import recommend_insurance
from arrisk.policy.ownership import make_ownership, recommend_ownership
from arrisk.policy.payment_calendar import define_calendar
from arrisk.policy.payment_days import compare_dso, recommend_payment_days
from arrisk.policy.provision_basis import define_basis
from arrisk.policy.provisioning import recommend_provision
from arrisk.policy.recommendation import Recommendation, Verdict
from arrisk.policy.recommendation_page import interval, quantity
from arrisk.policy.reliance import recommend_reliance
from arrisk.policy.sales_plan import define_sales
from arrisk.policy.study import Study
from arrisk.policy.timing import recommend_timing
from arrisk.policy.weekly_review import recommend_health
from arrisk.policy.worklist import make_worklist
from arrisk.policy.worklist_backtest import backtest_worklist
from arrisk.portfolio.breaches import find_breaches
from arrisk.portfolio.dso_bridge import make_dso_bridge
from arrisk.portfolio.exposure import make_exposure
from arrisk.portfolio.signals.alerts import make_alerts
from arrisk.portfolio.utilisation import make_utilisation_path

__all__ = ["Agenda", "make_agenda"]

QUESTION = "Which change of the credit policy comes first?"
CHANGES = ("scorecard", "discount", "insurance")


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
    snapshot = study.snapshot()
    alerts = make_alerts(snapshot, define_alerts(study))
    backtest = backtest_alerts(alerts, snapshot, define_default(study))
    ranking = rank_alerts(backtest, study.assumption("alert_budget").value, seed=study.seed)
    card = fit_scorecard(snapshot, definition=define_default(study), seed=study.seed)

    def exposure() -> Recommendation:
        path = make_utilisation_path(snapshot)
        found = make_exposure(snapshot), find_breaches(path), make_excess_history(snapshot, path)
        return recommend_exposure(study, *found)

    def health() -> Recommendation:
        least = study.assumption("materiality").value
        page = make_health(snapshot, make_provision(snapshot, basis), least=least)
        worklist = make_worklist(snapshot, study.queues)
        return recommend_health(study, page, worklist, backtest_worklist(snapshot))

    basis = define_basis(study)
    hazard = fit_hazard(snapshot, calendar=define_calendar(study))

    def timing() -> Recommendation:
        curves = fit_timing(snapshot, "due")
        models: dict[str, PaymentModel] = {"the hazard model": hazard, "curves since due": curves}
        return recommend_timing(study, backtest_timing(snapshot, models))

    def cash() -> Recommendation:
        forecast = forecast_cash(snapshot, hazard, define_sales(study), seed=study.seed)
        return recommend_cash(study, forecast, backtest_cash(snapshot, hazard, seed=study.seed))

    def provision() -> Recommendation:
        ways = compare_loss_rates(snapshot, by=basis.by, level=basis.level)
        past = backtest_provision(snapshot, basis)
        return recommend_provision(study, make_provision(snapshot, basis), ways, past)

    def discount() -> Recommendation:
        schemes = make_schemes(snapshot, study.settings.get("discount"))
        return recommend_discount(
            study, snapshot, simulate_discounts(snapshot, schemes, study.assumptions, seed=study.seed)
        )

    families: dict[str, Callable[[], Recommendation]] = {
        "reliance": lambda: recommend_reliance(study, study.ledger()),
        "ownership": lambda: recommend_ownership(study, make_ownership(snapshot, study.queues)),
        "payment_days": lambda: recommend_payment_days(
            study, compare_dso(snapshot), make_dso_bridge(snapshot)
        ),
        "exposure": exposure,
        "health": health,
        "early_warning": lambda: recommend_early_warning(
            study, ranking.backtest, ranking, value_alerts(study, ranking.backtest, snapshot)
        ),
        "incentives": lambda: recommend_incentives(study, make_incentives(study, ranking)),
        "scorecard": lambda: recommend_scorecard(study, card, snapshot),
        "grade_terms": lambda: recommend_grade_terms(study, card, snapshot),
        "timing": timing,
        "cash": cash,
        "provision": provision,
        "discount": discount,
        "insurance": lambda: recommend_insurance(study, snapshot),
    }
    return Agenda({name: answer() for name, answer in families.items()})
