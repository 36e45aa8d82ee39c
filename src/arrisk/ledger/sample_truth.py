"""The truth behind the sample ledger: every parameter of the process that writes it.

A model fitted on the sample can be held against these numbers. Rates are per day, month or invoice as named; effects
on speed of payment and on default are on the log-hazard scale (complementary log-log link).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

__all__ = ["BASE_TRUTH", "Industry", "Segment", "Truth"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of customers and what sets it apart.

    Parameters
    ----------
    name : str
    share : float
        Fraction of customers.
    terms : tuple of (days, probability)
        Payment terms; a customer has one.
    habit_days : float
        Mean of the customers' own delay against the due date (negative is before it).
    log_hazard : float
        Effect on the daily log-hazard of payment.
    log_default : float
        Effect on the monthly log-hazard of insolvency.
    dispute_share : float
        Probability that a customer disputes an invoice it has not paid yet.
    season : tuple of 12 float
        Relative sales by month of issue, January first.
    industries : tuple of (name, probability)
    """

    name: str
    share: float
    terms: tuple[tuple[int, float], ...]
    habit_days: float
    log_hazard: float
    log_default: float
    dispute_share: float
    season: tuple[float, ...]
    industries: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Industry:
    """An industry: its effect on the monthly log-hazard of insolvency and its sensitivity to the PMI."""

    name: str
    log_default: float
    pmi_sensitivity: float


FLAT = (0.97, 0.97, 1.03, 1.0, 1.0, 1.02, 0.96, 0.88, 1.05, 1.06, 1.06, 1.0)
CHRISTMAS = (0.8, 0.8, 0.9, 0.92, 0.94, 0.95, 0.92, 0.95, 1.08, 1.22, 1.42, 1.1)
BUDGET_YEAR = (0.75, 0.85, 1.0, 0.95, 0.95, 1.1, 0.9, 0.75, 1.0, 1.1, 1.25, 1.4)

SEGMENTS = (
    Segment(
        "Retail", 0.25, ((14, 0.45), (30, 0.55)), -15.5, 0.10, 0.15, 0.030, CHRISTMAS,
        (("Food", 0.45), ("Electronics", 0.40), ("Health", 0.15)),
    ),
    Segment(
        "Wholesale", 0.35, ((14, 0.20), (30, 0.60), (45, 0.20)), -12.5, 0.0, 0.0, 0.040, FLAT,
        (("Food", 0.35), ("Electronics", 0.30), ("Construction", 0.25), ("Health", 0.10)),
    ),
    Segment(
        "Manufacturing", 0.30, ((30, 0.60), (45, 0.20), (60, 0.20)), -12.5, 0.0, 0.1, 0.060, FLAT,
        (("Automotive", 0.40), ("Construction", 0.35), ("Electronics", 0.25)),
    ),
    Segment(
        "Public", 0.10, ((30, 1.0),), -8.0, -0.15, -3.0, 0.015, BUDGET_YEAR,
        (("Municipal", 0.7), ("Health", 0.3)),
    ),
)  # fmt: skip

INDUSTRIES = (
    Industry("Food", -0.25, 0.5),
    Industry("Electronics", 0.0, 1.0),
    Industry("Construction", 0.45, 1.5),
    Industry("Automotive", 0.15, 1.5),
    Industry("Health", -0.35, 0.3),
    Industry("Municipal", 0.0, 0.0),
)


@dataclass(frozen=True, slots=True)
class Truth:
    """Parameters of the process behind the sample ledger.

    **Customers.** Each has a latent risk z ~ N(0, 1) that nobody observes, a log-size, a segment, an industry, one
    payment term and a habit: its own delay against the due date, N(segment habit + `risk_habit` z + `size_habit`
    size, `habit_sd`) days; larger customers have longer terms (rank correlation `terms_size`). Its invoices share a log-normal frailty. The number of its invoices is proportional to a
    gamma weight times the time it is a customer; `new_share` of the customers start after `start`.

    **Payment.** On day t an invoice that is still open is paid with probability 1 - exp(-exp(eta)), where

        eta = a(t - due - habit) + run(t) + month(t) + x b + frailty + dispute(t) + distress(t).

    a(r) rises like a logistic from exp(`log_floor`) to exp(`log_plateau`) per working day over about `rise_days`; after
    `tail_after` days it falls to `tail_level` of that, by a factor e every `tail_days`. run(t): nobody pays on weekends and on 1 January, 1 May, 25
    and 26 December; customers with a weekly run pay `run_weight` times as fast on their weekday and `off_run_weight`
    on others; month-end payers `month_end_weight` on the last two business days and `off_month_weight` on others; the
    last business day has `last_day_weight` for all. month(t) is `pmi_hazard` per point that the PMI is above 50 plus
    a common shock N(0, `month_shock_sd`) shared by all customers in a month. x b is the segment's `log_hazard`, plus
    `risk_hazard` z. dispute(t) is `dispute_hazard` while a dispute is open, distress(t) `distress_hazard` while the
    customer is in distress: `distress_days` before an insolvency, or in a spell that passes (`false_distress_share`
    of the others).

    **Default.** A customer becomes insolvent in a month with log-hazard `log_default` + `risk_default` z + `size_default` x
    size + its
    segment's and industry's effect + `pmi_default` x industry sensitivity x (50 - PMI) + a common shock
    N(0, `default_shock_sd`). From that day it buys and pays nothing; what it owes is written off `write_off_days`
    later, one day for all its invoices. `no_recovery_share` of the defaulters return nothing; of the others a
    Beta-like share with mean `recovery_mean` (more with security) comes back in two parts, `recovery_days` after the
    write-off. There is no other write-off.

    **Discount.** `discount_rate` within `discount_days` is offered from `discount_from` (a) to the segment
    `discount_segment` on invoices of at least `discount_minimum`, and (b) by the salespeople to the
    `discount_friends` of Manufacturing with the lowest latent risk, whatever the size. An offer is taken with
    log-odds `take_up` + `take_risk` z: good risks take it more often, and they pay early anyway, so that takers
    against non-takers overstates the effect. The threshold and the start identify it. A taker pays on its last
    business day within the period, or on the day it would have paid anyway if that is earlier; `unearned_share` of
    them deduct although they pay late.

    **Other documents.** Shares of invoices: paid in two parts `partial_share`; disputed by segment, `dispute_credit`
    of which end in a credit note; partly credited without a dispute `credit_share`, wholly `full_credit_share`;
    overpaid `overpaid_share`; returned by the bank and paid again `bounced_share`; negative `negative_share`;
    without due date `no_due_share`; cash on account `on_account_share`; receipts booked 1 to 7 days late
    `late_booking_share`.

    Parameters
    ----------
    start, end : date
        First and last day; nothing booked after `end` is in the ledger.
    segments, industries : tuple
    """

    start: dt.date = dt.date(2023, 1, 1)
    end: dt.date = dt.date(2025, 12, 31)
    segments: tuple[Segment, ...] = SEGMENTS
    industries: tuple[Industry, ...] = INDUSTRIES
    # Customers and sales
    new_share: float = 0.15
    weight_shape: float = 2.5
    weight_size: float = 0.25
    log_amount: float = 9.05
    size_sd: float = 0.60
    amount_sd: float = 0.75
    growth: float = 0.05
    sales_pmi: float = 0.01
    habit_sd: float = 6.5
    risk_habit: float = 2.0
    size_habit: float = 2.0
    terms_size: float = 0.6
    frailty_sd: float = 0.50
    # Payment
    log_floor: float = -7.0
    log_plateau: float = -1.5
    rise_days: float = 2.5
    tail_after: int = 9
    tail_level: float = 0.085
    tail_days: float = 5.0
    weekly_share: float = 0.60
    weekday_weights: tuple[float, ...] = (0.10, 0.10, 0.15, 0.50, 0.15)
    month_end_share: float = 0.12
    run_weight: float = 4.4
    off_run_weight: float = 0.15
    month_end_weight: float = 6.0
    off_month_weight: float = 0.45
    last_day_weight: float = 1.5
    pmi_hazard: float = 0.02
    month_shock_sd: float = 0.08
    risk_hazard: float = -0.12
    dispute_hazard: float = -1.8
    distress_hazard: float = -1.1
    # Economy
    pmi_persistence: float = 0.80
    pmi_sd: float = 1.1
    pmi_slump: float = -4.0
    # Default
    log_default: float = -6.05
    risk_default: float = 0.90
    size_default: float = -0.28
    pmi_default: float = 0.10
    default_shock_sd: float = 0.25
    distress_days: tuple[int, int] = (60, 180)
    false_distress_share: float = 0.06
    surge_share: float = 0.5
    surge_invoices: float = 0.12
    write_off_days: tuple[int, int] = (120, 200)
    no_recovery_share: float = 0.4
    recovery_mean: float = 0.25
    recovery_days: tuple[int, int] = (45, 330)
    # Discount
    discount_rate: float = 0.02
    discount_days: int = 10
    discount_from: dt.date = dt.date(2024, 4, 1)
    discount_segment: str = "Wholesale"
    discount_minimum: float = 5000.0
    discount_friends: float = 0.20
    take_up: float = -1.0
    take_risk: float = -0.9
    unearned_share: float = 0.08
    # Other documents
    partial_share: float = 0.05
    dispute_credit: float = 0.35
    credit_share: float = 0.015
    full_credit_share: float = 0.004
    overpaid_share: float = 0.002
    bounced_share: float = 0.002
    negative_share: float = 0.003
    no_due_share: float = 0.0015
    on_account_share: float = 0.001
    late_booking_share: float = 0.03
    deposit_share: float = 0.30
    cancelled_share: float = 0.015


BASE_TRUTH = Truth()
