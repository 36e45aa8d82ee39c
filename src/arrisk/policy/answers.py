"""The answer to every decision of a study, in the order of the notebooks and with the calls they make."""

from __future__ import annotations

from collections.abc import Callable

from arrisk.ledger.book import Snapshot
from arrisk.models.cash.cash_forecast import forecast_cash
from arrisk.models.cash.rolling import backtest_cash
from arrisk.models.early_warning.backtest import backtest_alerts
from arrisk.models.early_warning.ranking import rank_alerts
from arrisk.models.loss_rates.comparison import compare_loss_rates
from arrisk.models.payment.payment_hazard import PaymentHazard, fit_hazard
from arrisk.models.provision.backtest import backtest_provision
from arrisk.models.provision.provision import make_provision
from arrisk.models.scoring.fitting import fit_scorecard
from arrisk.models.scoring.scorecard import Scorecard
from arrisk.models.timing.backtest import backtest_timing
from arrisk.models.timing.payment_timing import fit_timing
from arrisk.models.timing.rates import PaymentModel
from arrisk.policy.alert_value import value_alerts
from arrisk.policy.cash import recommend_cash
from arrisk.policy.default_counts import define_default
from arrisk.policy.discount.advice import recommend_discount
from arrisk.policy.discount.objective import compare_discounts
from arrisk.policy.discount.pilot import design_pilot
from arrisk.policy.discount.running_advice import recommend_running_scheme
from arrisk.policy.discount.simulation import make_schemes, simulate_discounts
from arrisk.policy.discount.verdict import evaluate_running_scheme
from arrisk.policy.early_warning import define_alerts, recommend_early_warning
from arrisk.policy.excess_history import make_excess_history
from arrisk.policy.exposure import recommend_exposure
from arrisk.policy.funding.decision import recommend_funding
from arrisk.policy.funding.funding_plan import compare_funding
from arrisk.policy.grade_terms.decision import recommend_grade_terms
from arrisk.policy.grading import recommend_scorecard
from arrisk.policy.health import make_health
from arrisk.policy.incentives.decision import make_incentives, recommend_incentives
from arrisk.policy.insurance.case import make_insurance_case
from arrisk.policy.insurance.decision import recommend_insurance
from arrisk.policy.limits.limit_policy import make_limits
from arrisk.policy.limits.review import recommend_limits
from arrisk.policy.limits.stop_threshold import compare_stop_thresholds
from arrisk.policy.ownership import make_ownership, recommend_ownership
from arrisk.policy.payment_calendar import define_calendar
from arrisk.policy.payment_days import compare_dso, recommend_payment_days
from arrisk.policy.provision_basis import define_basis
from arrisk.policy.provisioning import recommend_provision
from arrisk.policy.recommendation import Recommendation
from arrisk.policy.reliance import recommend_reliance
from arrisk.policy.sales_plan import define_sales
from arrisk.policy.stress.decision import recommend_stress
from arrisk.policy.stress.insured import usual_policy
from arrisk.policy.stress.stress_report import stress_book
from arrisk.policy.study import Study
from arrisk.policy.terms.decision import recommend_terms
from arrisk.policy.terms.frontier import compare_terms
from arrisk.policy.terms.terms_policy import make_terms_policy
from arrisk.policy.timing import recommend_timing
from arrisk.policy.weekly_review import recommend_health
from arrisk.policy.worklist import make_worklist
from arrisk.policy.worklist_backtest import backtest_worklist
from arrisk.portfolio.breaches import find_breaches
from arrisk.portfolio.dso_bridge import make_dso_bridge
from arrisk.portfolio.exposure import make_exposure
from arrisk.portfolio.signals.alerts import make_alerts
from arrisk.portfolio.utilisation import make_utilisation_path

__all__ = ["answer_decisions"]

Answers = dict[str, Callable[[], Recommendation]]


def answer_decisions(study: Study) -> dict[str, Recommendation]:
    """Answer every decision of a study.

    Parameters
    ----------
    study : Study

    Returns
    -------
    dict of family to Recommendation
        In the order of the notebooks, each as its notebook gives it.
    """
    snapshot = study.snapshot()
    card = fit_scorecard(snapshot, definition=define_default(study), seed=study.seed)
    hazard = fit_hazard(snapshot, calendar=define_calendar(study))
    families = {
        **_books(study, snapshot),
        **_customers(study, snapshot, card),
        **_money_to_come(study, snapshot, hazard),
        **_terms_of_trade(study, snapshot, card),
        **_losses_carried(study, snapshot, card, hazard),
    }
    return {name: answer() for name, answer in families.items()}


def _books(study: Study, snapshot: Snapshot) -> Answers:
    """Whether the books carry a decision, who owns what is overdue, who pays slowly or is above limits."""

    def exposure() -> Recommendation:
        path = make_utilisation_path(snapshot)
        found = make_exposure(snapshot), find_breaches(path), make_excess_history(snapshot, path)
        return recommend_exposure(study, *found)

    return {
        "reliance": lambda: recommend_reliance(study, study.ledger()),
        "ownership": lambda: recommend_ownership(study, make_ownership(snapshot, study.queues)),
        "payment_days": lambda: recommend_payment_days(
            study, compare_dso(snapshot), make_dso_bridge(snapshot)
        ),
        "exposure": exposure,
    }


def _customers(study: Study, snapshot: Snapshot, card: Scorecard) -> Answers:
    """Whom to discuss and to watch, what salespeople are paid for, and what a customer's grade means."""
    alerts = make_alerts(snapshot, define_alerts(study))
    backtest = backtest_alerts(alerts, snapshot, define_default(study))
    ranking = rank_alerts(backtest, study.assumption("alert_budget").value, seed=study.seed)

    def health() -> Recommendation:
        least = study.assumption("materiality").value
        page = make_health(snapshot, make_provision(snapshot, define_basis(study)), least=least)
        worklist = make_worklist(snapshot, study.queues)
        return recommend_health(study, page, worklist, backtest_worklist(snapshot))

    return {
        "health": health,
        "early_warning": lambda: recommend_early_warning(
            study, ranking.backtest, ranking, value_alerts(study, ranking.backtest, snapshot)
        ),
        "incentives": lambda: recommend_incentives(study, make_incentives(study, ranking)),
        "scorecard": lambda: recommend_scorecard(study, card, snapshot),
        "grade_terms": lambda: recommend_grade_terms(study, card, snapshot),
    }


def _money_to_come(study: Study, snapshot: Snapshot, hazard: PaymentHazard) -> Answers:
    """When open invoices are paid, how much cash comes, and how much to provide."""

    def timing() -> Recommendation:
        curves = fit_timing(snapshot, "due")
        models: dict[str, PaymentModel] = {"the hazard model": hazard, "curves since due": curves}
        return recommend_timing(study, backtest_timing(snapshot, models))

    def cash() -> Recommendation:
        forecast = forecast_cash(snapshot, hazard, define_sales(study), seed=study.seed)
        return recommend_cash(study, forecast, backtest_cash(snapshot, hazard, seed=study.seed))

    def provision() -> Recommendation:
        basis = define_basis(study)
        ways = compare_loss_rates(snapshot, by=basis.by, level=basis.level)
        past = backtest_provision(snapshot, basis)
        return recommend_provision(study, make_provision(snapshot, basis), ways, past)

    return {"timing": timing, "cash": cash, "provision": provision}


def _terms_of_trade(study: Study, snapshot: Snapshot, card: Scorecard) -> Answers:
    """Discounts, terms and limits."""
    verdict = evaluate_running_scheme(
        snapshot,
        cost_of_capital=study.assumption("cost_of_capital").value,
        grace_days=study.assumption("grace_days").value,
    )
    pilot = design_pilot(snapshot, assumptions=study.assumptions, trials=100, seed=study.seed)

    def discount() -> Recommendation:
        schemes = make_schemes(snapshot, study.settings.get("discount"))
        grid = simulate_discounts(snapshot, schemes, study.assumptions, seed=study.seed)
        trial = design_pilot(
            snapshot,
            compare_discounts(study, grid).trial_terms,
            assumptions=study.assumptions,
            reference=schemes.reference,
            trials=100,
            seed=study.seed,
        )
        return recommend_discount(study, snapshot, grid, verdict=verdict, pilot=trial)

    def terms() -> Recommendation:
        policy = make_terms_policy(study, card, snapshot)
        return recommend_terms(study, policy, compare_terms(study, policy), snapshot)

    def limits() -> Recommendation:
        stops = compare_stop_thresholds(study, card, snapshot)
        return recommend_limits(study, card, snapshot, make_limits(study, card, snapshot), stops)

    return {
        "discount": discount,
        "running_scheme": lambda: recommend_running_scheme(study, verdict, pilot=pilot),
        "terms": terms,
        "limits": limits,
    }


def _losses_carried(study: Study, snapshot: Snapshot, card: Scorecard, hazard: PaymentHazard) -> Answers:
    """Who bears the losses, who lends on the invoices, and what a bad year takes."""
    case = make_insurance_case(study, snapshot, card)

    def stress() -> Recommendation:
        forecast = forecast_cash(snapshot, hazard, define_sales(study), draws=200, seed=study.seed)
        report = stress_book(study, snapshot, case.model, forecast, usual_policy(study))
        return recommend_stress(study, report)

    return {
        "insurance": lambda: recommend_insurance(study, snapshot, case),
        "funding": lambda: recommend_funding(study, compare_funding(study, snapshot, case.model)),
        "stress": stress,
    }
