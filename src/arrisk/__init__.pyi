"""Every public name and the module it lives in; a module is loaded when a name of it is first used."""

from .display import Table
from .errors import ArriskError, OfferError
from .ledger.book import Ledger, Snapshot
from .ledger.checks import Rules
from .ledger.columns.column_map import shipped_maps
from .ledger.columns.proposal import propose_map
from .ledger.reading import read_ledger
from .ledger.sample.generator import make_sample, write_sample
from .ledger.stored import open_ledger
from .models.cash.cash_forecast import forecast_cash
from .models.cash.independent_range import compare_independent_cash
from .models.cash.rolling import backtest_cash
from .models.cash.sales import SalesPlan
from .models.cash.shocks import estimate_shocks
from .models.defaults.definition import DefaultDefinition
from .models.defaults.labels import make_invoice_labels, make_labels
from .models.early_warning.backtest import backtest_alerts
from .models.early_warning.ranking import rank_alerts
from .models.early_warning.watch_list import make_watch_list
from .models.effects.assignment import find_offer_rules
from .models.effects.bounds import bound_schemes, bound_takers, bound_unoffered
from .models.effects.bunching import check_bunching
from .models.effects.differences import estimate_differences
from .models.effects.discontinuity import estimate_discontinuity
from .models.effects.interrupted import estimate_interruption
from .models.effects.outcomes import observe_outcomes
from .models.features.customers import make_features
from .models.features.invoices import make_invoice_features
from .models.hazard.continuous import fit_cox
from .models.late_score.comparison import compare_late_scores
from .models.late_score.score import fit_late_score
from .models.league import fit_league
from .models.loss_rates.arithmetic import (
    absorption,
    allowance_movement,
    cohort_rates,
    flow_rates,
    migration_rate,
    scale_rates,
)
from .models.loss_rates.comparison import compare_loss_rates
from .models.loss_rates.fit import fit_loss_rates
from .models.loss_rates.segmentation import compare_segments
from .models.losses.closed_form import (
    aggregate_pmf,
    basel_risk_weight,
    conditional_pd,
    effective_names,
    finite_pool_pmf,
    stop_loss,
    vasicek_expected_shortfall,
    vasicek_quantile,
)
from .models.losses.correlation import estimate_correlation
from .models.losses.cover import Cover, make_cover
from .models.losses.engine import evaluate_losses
from .models.losses.level_posterior import CorrelationPrior
from .models.losses.loss_counts import count_losses
from .models.losses.loss_model import fit_loss_model
from .models.losses.measures import loss_measures
from .models.losses.portfolio import Dependence, make_portfolio
from .models.losses.simulation import simulate_losses
from .models.overlay.factors import Factor
from .models.overlay.log import append_overlay, read_overlays, withdraw_overlay
from .models.overlay.macro import fit_macro_link
from .models.overlay.macro_series import make_macro_series
from .models.overlay.scenarios import Scenario, weigh_scenarios
from .models.payment.calendar import PaymentCalendar
from .models.payment.closed_days import find_closed_days
from .models.payment.next_payment import find_next_payments
from .models.payment.next_payment_backtest import backtest_pay_days
from .models.payment.pay_days import find_pay_days
from .models.payment.payment_hazard import fit_hazard
from .models.provision.backtest import backtest_provision
from .models.provision.basis import Basis
from .models.provision.bridge import make_provision_bridge
from .models.provision.enhancement import Enhancement
from .models.provision.framework import Elections
from .models.provision.individual import Assessment, Recovery
from .models.provision.loss_table import compare_allowance
from .models.provision.movement import make_movement
from .models.provision.provision import make_provision
from .models.provision.sensitivity import vary_provision
from .models.recovery.guarantee_value import value_guarantee
from .models.recovery.loss_given_default import fit_lgd
from .models.recovery.pursuit import value_pursuit
from .models.recovery.recovery_curve import fit_recovery
from .models.regression.logit import fit_logit
from .models.scoring.binner import WoeBinner
from .models.scoring.card_file import read_card
from .models.scoring.classifier import ScorecardClassifier
from .models.scoring.expert import ExpertCard
from .models.scoring.expert_backtest import backtest_expert
from .models.scoring.fitting import fit_scorecard
from .models.scoring.low_default import bound_grades
from .models.scoring.newcomers import score_new_customers
from .models.scoring.panel_folds import compare_score_folds
from .models.scoring.term_structure import fit_term_structure
from .models.scoring.timing_agreement import compare_with_timing
from .models.timing.backtest import backtest_timing
from .models.timing.closed_bias import compare_closed_only
from .models.timing.competing import aalen_johansen
from .models.timing.curves import closed_only_curve, kaplan_meier
from .models.timing.endings import fit_incidence
from .models.timing.entry_bias import compare_entry
from .models.timing.independence import compare_independent
from .models.timing.payment_timing import fit_timing
from .models.timing.resampled_curve import resample_curve
from .models.trial.assignment import assign_trial, read_assignment
from .models.trial.plan import TrialPlan
from .models.trial.reading import read_pilot
from .models.trial.stopping import make_stopping_rule
from .models.validation.drift import compare_samples
from .models.validation.fold_comparison import compare_folds
from .models.validation.folds import CustomerTimeSplit
from .models.validation.sentinels import find_leaks
from .models.validation.validation import validate_score
from .policy.agenda import make_agenda
from .policy.alert_value import value_alerts
from .policy.carrying import carrying_cost
from .policy.cash import recommend_cash
from .policy.default_counts import count_defaults, define_default
from .policy.discount.advice import recommend_discount
from .policy.discount.affordable import make_affordable_rates
from .policy.discount.objective import compare_discounts
from .policy.discount.pilot import design_pilot
from .policy.discount.running_advice import recommend_running_scheme
from .policy.discount.running_scheme import describe_running_scheme
from .policy.discount.schemes import SlidingScale
from .policy.discount.sheet import make_assumption_sheet
from .policy.discount.simulation import make_schemes, simulate_discounts
from .policy.discount.verdict import evaluate_running_scheme
from .policy.discount_price import price_discount
from .policy.early_warning import define_alerts, recommend_early_warning
from .policy.excess_history import make_excess_history
from .policy.exposure import recommend_exposure
from .policy.funding.decision import recommend_funding
from .policy.funding.funding_plan import compare_funding
from .policy.funding.pool import PoolRules, select_pool
from .policy.funding.pool_routes import Factoring, InsuredLoan, NonRecourseFactoring, Securitisation
from .policy.funding.rates import effective_rate
from .policy.funding.routes import EarlyPayment, Overdraft, Voucher
from .policy.grade_terms.decision import recommend_grade_terms
from .policy.grade_terms.terms import make_grade_terms
from .policy.grading import recommend_scorecard
from .policy.health import make_health
from .policy.incentives.decision import make_incentives, recommend_incentives
from .policy.insurance.case import make_insurance_case
from .policy.insurance.claims import apply_terms, trace_loss
from .policy.insurance.comparison import compare_policies
from .policy.insurance.decision import recommend_insurance
from .policy.insurance.exclusions import BuyerFacts, read_buyer_facts
from .policy.insurance.forms import Programme, excess_of_loss, selective, single_buyer, top_up, whole_turnover
from .policy.insurance.recovery_sharing import share_recovery
from .policy.insurance.retained import retain, retain_all
from .policy.insurance.stability import map_stability
from .policy.insurance.terms import PolicyTerms
from .policy.limits.budget import share_risk_budget
from .policy.limits.exposure_slope import estimate_exposure_slope
from .policy.limits.heuristics import compare_limit_rules
from .policy.limits.hysteresis import compare_limit_bands
from .policy.limits.limit_plan import make_limit_plan
from .policy.limits.limit_policy import make_limits
from .policy.limits.release import release_or_stop
from .policy.limits.review import recommend_limits
from .policy.limits.stop_threshold import compare_stop_thresholds
from .policy.limits.tightening import estimate_tightening
from .policy.loss_basis import make_loss_model
from .policy.offers.comparison import compare_offers
from .policy.offers.reading import read_offer, read_offers
from .policy.offers.template import offer_template
from .policy.ownership import make_ownership, recommend_ownership
from .policy.payment_calendar import define_calendar
from .policy.payment_days import compare_dso, recommend_payment_days
from .policy.provision_basis import define_basis
from .policy.provisioning import recommend_provision
from .policy.recommendation import Recommendation
from .policy.reliance import recommend_reliance
from .policy.sales_plan import define_sales
from .policy.stress.decision import recommend_stress
from .policy.stress.insured import usual_policy
from .policy.stress.reserve import size_reserve
from .policy.stress.reverse import reverse_stress
from .policy.stress.stress_report import stress_book
from .policy.study import Study, open_study
from .policy.terms.customer_value import value_customers
from .policy.terms.decision import recommend_terms
from .policy.terms.frontier import compare_terms
from .policy.terms.interest_book import make_late_interest
from .policy.terms.milestone_comparison import compare_milestones
from .policy.terms.milestones import MilestonePlan, Progress
from .policy.terms.prepayment import compare_prepayment
from .policy.terms.terms_policy import make_terms_policy
from .policy.terms.trial import design_terms_trial
from .policy.timing import recommend_timing
from .policy.vat import vat_with_discount
from .policy.weekly_review import recommend_health
from .policy.worklist import make_worklist
from .policy.worklist_backtest import backtest_worklist
from .portfolio.ageing import make_ageing
from .portfolio.ageing_panel import make_ageing_panel
from .portfolio.attainment import make_attainment
from .portfolio.breaches import find_breaches
from .portfolio.class_changes import make_class_changes
from .portfolio.concentration import make_concentration
from .portfolio.customer_panel import make_customer_panel
from .portfolio.dso_bridge import make_dso_bridge
from .portfolio.early_booking import check_early_booking
from .portfolio.exposure import make_exposure
from .portfolio.flows import make_flows
from .portfolio.headline import make_headline
from .portfolio.movements_since import make_bridge
from .portfolio.rankings import make_rankings
from .portfolio.signals.alerts import make_alerts
from .portfolio.survival_counts import make_survival_counts
from .portfolio.turnover import make_turnover
from .portfolio.utilisation import make_utilisation_path
from .report.evidence.pack import write_evidence
from .report.evidence.sign_off import sign_off
from .report.evidence.verification import verify_evidence
from .report.runner import run_study
from .report.style import use_style

__version__: str

__all__ = [
    "ArriskError",
    "Assessment",
    "Basis",
    "BuyerFacts",
    "CorrelationPrior",
    "Cover",
    "CustomerTimeSplit",
    "DefaultDefinition",
    "Dependence",
    "EarlyPayment",
    "Elections",
    "Enhancement",
    "ExpertCard",
    "Factor",
    "Factoring",
    "InsuredLoan",
    "Ledger",
    "MilestonePlan",
    "NonRecourseFactoring",
    "OfferError",
    "Overdraft",
    "PaymentCalendar",
    "PolicyTerms",
    "PoolRules",
    "Programme",
    "Progress",
    "Recommendation",
    "Recovery",
    "Rules",
    "SalesPlan",
    "Scenario",
    "ScorecardClassifier",
    "Securitisation",
    "SlidingScale",
    "Snapshot",
    "Study",
    "Table",
    "TrialPlan",
    "Voucher",
    "WoeBinner",
    "aalen_johansen",
    "absorption",
    "aggregate_pmf",
    "allowance_movement",
    "append_overlay",
    "apply_terms",
    "assign_trial",
    "backtest_alerts",
    "backtest_cash",
    "backtest_expert",
    "backtest_pay_days",
    "backtest_provision",
    "backtest_timing",
    "backtest_worklist",
    "basel_risk_weight",
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
    "compare_funding",
    "compare_independent",
    "compare_independent_cash",
    "compare_late_scores",
    "compare_limit_bands",
    "compare_limit_rules",
    "compare_loss_rates",
    "compare_milestones",
    "compare_offers",
    "compare_policies",
    "compare_prepayment",
    "compare_samples",
    "compare_score_folds",
    "compare_segments",
    "compare_stop_thresholds",
    "compare_terms",
    "compare_with_timing",
    "conditional_pd",
    "count_defaults",
    "count_losses",
    "define_alerts",
    "define_basis",
    "define_calendar",
    "define_default",
    "define_sales",
    "describe_running_scheme",
    "design_pilot",
    "design_terms_trial",
    "effective_names",
    "effective_rate",
    "estimate_correlation",
    "estimate_differences",
    "estimate_discontinuity",
    "estimate_exposure_slope",
    "estimate_interruption",
    "estimate_shocks",
    "estimate_tightening",
    "evaluate_losses",
    "evaluate_running_scheme",
    "excess_of_loss",
    "find_breaches",
    "find_closed_days",
    "find_leaks",
    "find_next_payments",
    "find_offer_rules",
    "find_pay_days",
    "finite_pool_pmf",
    "fit_cox",
    "fit_hazard",
    "fit_incidence",
    "fit_late_score",
    "fit_league",
    "fit_lgd",
    "fit_logit",
    "fit_loss_model",
    "fit_loss_rates",
    "fit_macro_link",
    "fit_recovery",
    "fit_scorecard",
    "fit_term_structure",
    "fit_timing",
    "flow_rates",
    "forecast_cash",
    "kaplan_meier",
    "loss_measures",
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
    "make_cover",
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
    "make_loss_model",
    "make_macro_series",
    "make_movement",
    "make_ownership",
    "make_portfolio",
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
    "offer_template",
    "open_ledger",
    "open_study",
    "price_discount",
    "propose_map",
    "rank_alerts",
    "read_assignment",
    "read_buyer_facts",
    "read_card",
    "read_ledger",
    "read_offer",
    "read_offers",
    "read_overlays",
    "read_pilot",
    "recommend_cash",
    "recommend_discount",
    "recommend_early_warning",
    "recommend_exposure",
    "recommend_funding",
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
    "recommend_stress",
    "recommend_terms",
    "recommend_timing",
    "release_or_stop",
    "resample_curve",
    "retain",
    "retain_all",
    "reverse_stress",
    "run_study",
    "scale_rates",
    "score_new_customers",
    "select_pool",
    "selective",
    "share_recovery",
    "share_risk_budget",
    "shipped_maps",
    "sign_off",
    "simulate_discounts",
    "simulate_losses",
    "single_buyer",
    "size_reserve",
    "stop_loss",
    "stress_book",
    "top_up",
    "trace_loss",
    "use_style",
    "usual_policy",
    "validate_score",
    "value_alerts",
    "value_customers",
    "value_guarantee",
    "value_pursuit",
    "vary_provision",
    "vasicek_expected_shortfall",
    "vasicek_quantile",
    "vat_with_discount",
    "verify_evidence",
    "weigh_scenarios",
    "whole_turnover",
    "withdraw_overlay",
    "write_evidence",
    "write_sample",
]
