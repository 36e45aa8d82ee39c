"""arrisk: risk in trade receivables, from a raw ledger to a defended credit-policy decision.

The rooms, one way through: ledger (what happened), portfolio (where we stand), models (what will be), policy
(what to do), report (how it is told).
"""

from arrisk.display import Table
from arrisk.errors import ArriskError
from arrisk.ledger.book import Ledger, Snapshot
from arrisk.ledger.checks import Rules
from arrisk.ledger.columns.column_map import shipped_maps
from arrisk.ledger.columns.proposal import propose_map
from arrisk.ledger.reading import read_ledger
from arrisk.ledger.sample.generator import make_sample, write_sample
from arrisk.ledger.stored import open_ledger
from arrisk.models.cash.cash_forecast import forecast_cash
from arrisk.models.cash.independent_range import compare_independent_cash
from arrisk.models.cash.rolling import backtest_cash
from arrisk.models.cash.sales import SalesPlan
from arrisk.models.cash.shocks import estimate_shocks
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.labels import make_invoice_labels, make_labels
from arrisk.models.early_warning.backtest import backtest_alerts
from arrisk.models.early_warning.ranking import rank_alerts
from arrisk.models.early_warning.watch_list import make_watch_list
from arrisk.models.effects.assignment import find_offer_rules
from arrisk.models.effects.bounds import bound_schemes, bound_takers, bound_unoffered
from arrisk.models.effects.bunching import check_bunching
from arrisk.models.effects.differences import estimate_differences
from arrisk.models.effects.discontinuity import estimate_discontinuity
from arrisk.models.effects.interrupted import estimate_interruption
from arrisk.models.effects.outcomes import observe_outcomes
from arrisk.models.features.customers import make_features
from arrisk.models.features.invoices import make_invoice_features
from arrisk.models.hazard.continuous import fit_cox
from arrisk.models.late_score.comparison import compare_late_scores
from arrisk.models.late_score.score import fit_late_score
from arrisk.models.league import fit_league
from arrisk.models.loss_rates.arithmetic import (
    absorption,
    allowance_movement,
    cohort_rates,
    flow_rates,
    migration_rate,
    scale_rates,
)
from arrisk.models.loss_rates.comparison import compare_loss_rates
from arrisk.models.loss_rates.fit import fit_loss_rates
from arrisk.models.loss_rates.segmentation import compare_segments
from arrisk.models.overlay.factors import Factor
from arrisk.models.overlay.log import append_overlay, read_overlays, withdraw_overlay
from arrisk.models.overlay.macro import fit_macro_link
from arrisk.models.overlay.macro_series import make_macro_series
from arrisk.models.overlay.scenarios import Scenario, weigh_scenarios
from arrisk.models.payment.calendar import PaymentCalendar
from arrisk.models.payment.closed_days import find_closed_days
from arrisk.models.payment.next_payment import find_next_payments
from arrisk.models.payment.next_payment_backtest import backtest_pay_days
from arrisk.models.payment.pay_days import find_pay_days
from arrisk.models.payment.payment_hazard import fit_hazard
from arrisk.models.provision.backtest import backtest_provision
from arrisk.models.provision.basis import Basis
from arrisk.models.provision.bridge import make_provision_bridge
from arrisk.models.provision.enhancement import Enhancement
from arrisk.models.provision.framework import Elections
from arrisk.models.provision.individual import Assessment, Recovery
from arrisk.models.provision.loss_table import compare_allowance
from arrisk.models.provision.movement import make_movement
from arrisk.models.provision.provision import make_provision
from arrisk.models.provision.sensitivity import vary_provision
from arrisk.models.recovery.guarantee_value import value_guarantee
from arrisk.models.recovery.loss_given_default import fit_lgd
from arrisk.models.recovery.pursuit import value_pursuit
from arrisk.models.recovery.recovery_curve import fit_recovery
from arrisk.models.regression.logit import fit_logit
from arrisk.models.scoring.binner import WoeBinner
from arrisk.models.scoring.card_file import read_card
from arrisk.models.scoring.classifier import ScorecardClassifier
from arrisk.models.scoring.expert import ExpertCard
from arrisk.models.scoring.expert_backtest import backtest_expert
from arrisk.models.scoring.fitting import fit_scorecard
from arrisk.models.scoring.low_default import bound_grades
from arrisk.models.scoring.newcomers import score_new_customers
from arrisk.models.scoring.panel_folds import compare_score_folds
from arrisk.models.scoring.term_structure import fit_term_structure
from arrisk.models.scoring.timing_agreement import compare_with_timing
from arrisk.models.timing.backtest import backtest_timing
from arrisk.models.timing.closed_bias import compare_closed_only
from arrisk.models.timing.competing import aalen_johansen
from arrisk.models.timing.curves import closed_only_curve, kaplan_meier
from arrisk.models.timing.endings import fit_incidence
from arrisk.models.timing.entry_bias import compare_entry
from arrisk.models.timing.independence import compare_independent
from arrisk.models.timing.payment_timing import fit_timing
from arrisk.models.timing.resampled_curve import resample_curve
from arrisk.models.trial.assignment import assign_trial, read_assignment
from arrisk.models.trial.plan import TrialPlan
from arrisk.models.trial.reading import read_pilot
from arrisk.models.trial.stopping import make_stopping_rule
from arrisk.models.validation.drift import compare_samples
from arrisk.models.validation.fold_comparison import compare_folds
from arrisk.models.validation.folds import CustomerTimeSplit
from arrisk.models.validation.sentinels import find_leaks
from arrisk.models.validation.validation import validate_score
from arrisk.policy.agenda import make_agenda
from arrisk.policy.alert_value import value_alerts
from arrisk.policy.carrying import carrying_cost
from arrisk.policy.cash import recommend_cash
from arrisk.policy.default_counts import count_defaults, define_default
from arrisk.policy.discount.advice import recommend_discount
from arrisk.policy.discount.affordable import make_affordable_rates
from arrisk.policy.discount.objective import compare_discounts
from arrisk.policy.discount.pilot import design_pilot
from arrisk.policy.discount.running_advice import recommend_running_scheme
from arrisk.policy.discount.running_scheme import describe_running_scheme
from arrisk.policy.discount.schemes import SlidingScale
from arrisk.policy.discount.sheet import make_assumption_sheet
from arrisk.policy.discount.simulation import make_schemes, simulate_discounts
from arrisk.policy.discount.verdict import evaluate_running_scheme
from arrisk.policy.discount_price import price_discount
from arrisk.policy.early_warning import define_alerts, recommend_early_warning
from arrisk.policy.excess_history import make_excess_history
from arrisk.policy.exposure import recommend_exposure
from arrisk.policy.grade_terms.decision import recommend_grade_terms
from arrisk.policy.grade_terms.terms import make_grade_terms
from arrisk.policy.grading import recommend_scorecard
from arrisk.policy.health import make_health
from arrisk.policy.incentives.decision import make_incentives, recommend_incentives
from arrisk.policy.insurance.case import make_insurance_case
from arrisk.policy.insurance.decision import recommend_insurance
from arrisk.policy.insurance.stability import map_stability
from arrisk.policy.insurance.terms import PolicyTerms
from arrisk.policy.limits.budget import share_risk_budget
from arrisk.policy.limits.exposure_slope import estimate_exposure_slope
from arrisk.policy.limits.heuristics import compare_limit_rules
from arrisk.policy.limits.hysteresis import compare_limit_bands
from arrisk.policy.limits.limit_plan import make_limit_plan
from arrisk.policy.limits.limit_policy import make_limits
from arrisk.policy.limits.release import release_or_stop
from arrisk.policy.limits.review import recommend_limits
from arrisk.policy.limits.stop_threshold import compare_stop_thresholds
from arrisk.policy.limits.tightening import estimate_tightening
from arrisk.policy.ownership import make_ownership, recommend_ownership
from arrisk.policy.payment_calendar import define_calendar
from arrisk.policy.payment_days import compare_dso, recommend_payment_days
from arrisk.policy.provision_basis import define_basis
from arrisk.policy.provisioning import recommend_provision
from arrisk.policy.recommendation import Recommendation
from arrisk.policy.reliance import recommend_reliance
from arrisk.policy.sales_plan import define_sales
from arrisk.policy.study import Study, open_study
from arrisk.policy.terms.customer_value import value_customers
from arrisk.policy.terms.decision import recommend_terms
from arrisk.policy.terms.frontier import compare_terms
from arrisk.policy.terms.interest_book import make_late_interest
from arrisk.policy.terms.milestone_comparison import compare_milestones
from arrisk.policy.terms.milestones import MilestonePlan, Progress
from arrisk.policy.terms.prepayment import compare_prepayment
from arrisk.policy.terms.terms_policy import make_terms_policy
from arrisk.policy.terms.trial import design_terms_trial
from arrisk.policy.timing import recommend_timing
from arrisk.policy.vat import vat_with_discount
from arrisk.policy.weekly_review import recommend_health
from arrisk.policy.worklist import make_worklist
from arrisk.policy.worklist_backtest import backtest_worklist
from arrisk.portfolio.ageing import make_ageing
from arrisk.portfolio.ageing_panel import make_ageing_panel
from arrisk.portfolio.attainment import make_attainment
from arrisk.portfolio.breaches import find_breaches
from arrisk.portfolio.class_changes import make_class_changes
from arrisk.portfolio.concentration import make_concentration
from arrisk.portfolio.customer_panel import make_customer_panel
from arrisk.portfolio.dso_bridge import make_dso_bridge
from arrisk.portfolio.early_booking import check_early_booking
from arrisk.portfolio.exposure import make_exposure
from arrisk.portfolio.flows import make_flows
from arrisk.portfolio.headline import make_headline
from arrisk.portfolio.movements_since import make_bridge
from arrisk.portfolio.rankings import make_rankings
from arrisk.portfolio.signals.alerts import make_alerts
from arrisk.portfolio.survival_counts import make_survival_counts
from arrisk.portfolio.turnover import make_turnover
from arrisk.portfolio.utilisation import make_utilisation_path
from arrisk.report.evidence.pack import write_evidence
from arrisk.report.evidence.sign_off import sign_off
from arrisk.report.evidence.verification import verify_evidence
from arrisk.report.runner import run_study
from arrisk.report.style import use_style

__version__ = "0.1.0"

__all__ = [
    "ArriskError",
    "Assessment",
    "Basis",
    "CustomerTimeSplit",
    "DefaultDefinition",
    "Elections",
    "Enhancement",
    "ExpertCard",
    "Factor",
    "Ledger",
    "MilestonePlan",
    "PaymentCalendar",
    "PolicyTerms",
    "Progress",
    "Recommendation",
    "Recovery",
    "Rules",
    "SalesPlan",
    "Scenario",
    "ScorecardClassifier",
    "SlidingScale",
    "Snapshot",
    "Study",
    "Table",
    "TrialPlan",
    "WoeBinner",
    "aalen_johansen",
    "absorption",
    "allowance_movement",
    "append_overlay",
    "assign_trial",
    "backtest_alerts",
    "backtest_cash",
    "backtest_expert",
    "backtest_pay_days",
    "backtest_provision",
    "backtest_timing",
    "backtest_worklist",
    "bound_grades",
    "bound_schemes",
    "bound_takers",
    "bound_unoffered",
    "carrying_cost",
    "check_bunching",
    "check_early_booking",
    "closed_only_curve",
    "cohort_rates",
    "compare_allowance",
    "compare_closed_only",
    "compare_discounts",
    "compare_dso",
    "compare_entry",
    "compare_folds",
    "compare_independent",
    "compare_independent_cash",
    "compare_late_scores",
    "compare_limit_bands",
    "compare_limit_rules",
    "compare_loss_rates",
    "compare_milestones",
    "compare_prepayment",
    "compare_samples",
    "compare_score_folds",
    "compare_segments",
    "compare_stop_thresholds",
    "compare_terms",
    "compare_with_timing",
    "count_defaults",
    "define_alerts",
    "define_basis",
    "define_calendar",
    "define_default",
    "define_sales",
    "describe_running_scheme",
    "design_pilot",
    "design_terms_trial",
    "estimate_differences",
    "estimate_discontinuity",
    "estimate_exposure_slope",
    "estimate_interruption",
    "estimate_shocks",
    "estimate_tightening",
    "evaluate_running_scheme",
    "find_breaches",
    "find_closed_days",
    "find_leaks",
    "find_next_payments",
    "find_offer_rules",
    "find_pay_days",
    "fit_cox",
    "fit_hazard",
    "fit_incidence",
    "fit_late_score",
    "fit_league",
    "fit_lgd",
    "fit_logit",
    "fit_loss_rates",
    "fit_macro_link",
    "fit_recovery",
    "fit_scorecard",
    "fit_term_structure",
    "fit_timing",
    "flow_rates",
    "forecast_cash",
    "kaplan_meier",
    "make_affordable_rates",
    "make_ageing",
    "make_ageing_panel",
    "make_agenda",
    "make_alerts",
    "make_assumption_sheet",
    "make_attainment",
    "make_bridge",
    "make_class_changes",
    "make_concentration",
    "make_customer_panel",
    "make_dso_bridge",
    "make_excess_history",
    "make_exposure",
    "make_features",
    "make_flows",
    "make_grade_terms",
    "make_headline",
    "make_health",
    "make_incentives",
    "make_insurance_case",
    "make_invoice_features",
    "make_invoice_labels",
    "make_labels",
    "make_late_interest",
    "make_limit_plan",
    "make_limits",
    "make_macro_series",
    "make_movement",
    "make_ownership",
    "make_provision",
    "make_provision_bridge",
    "make_rankings",
    "make_sample",
    "make_schemes",
    "make_stopping_rule",
    "make_survival_counts",
    "make_terms_policy",
    "make_turnover",
    "make_utilisation_path",
    "make_watch_list",
    "make_worklist",
    "map_stability",
    "migration_rate",
    "observe_outcomes",
    "open_ledger",
    "open_study",
    "price_discount",
    "propose_map",
    "rank_alerts",
    "read_assignment",
    "read_card",
    "read_ledger",
    "read_overlays",
    "read_pilot",
    "recommend_cash",
    "recommend_discount",
    "recommend_early_warning",
    "recommend_exposure",
    "recommend_grade_terms",
    "recommend_health",
    "recommend_incentives",
    "recommend_insurance",
    "recommend_limits",
    "recommend_ownership",
    "recommend_payment_days",
    "recommend_provision",
    "recommend_reliance",
    "recommend_running_scheme",
    "recommend_scorecard",
    "recommend_terms",
    "recommend_timing",
    "release_or_stop",
    "resample_curve",
    "run_study",
    "scale_rates",
    "score_new_customers",
    "share_risk_budget",
    "shipped_maps",
    "sign_off",
    "simulate_discounts",
    "use_style",
    "validate_score",
    "value_alerts",
    "value_customers",
    "value_guarantee",
    "value_pursuit",
    "vary_provision",
    "vat_with_discount",
    "verify_evidence",
    "weigh_scenarios",
    "withdraw_overlay",
    "write_evidence",
    "write_sample",
]
