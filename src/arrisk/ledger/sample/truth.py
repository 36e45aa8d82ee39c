"""The truth behind the sample ledger: every parameter of the process that writes it.

A model fitted on the sample can be held against these numbers. Rates are per day, month or invoice as named;
effects on the speed of payment and on default are on the log-hazard scale (complementary log-log link).
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
        "Retail", 0.25, ((14, 0.20), (30, 0.50), (45, 0.30)), -14.5, 0.10, 0.15, 0.030, CHRISTMAS,
        (("Food", 0.45), ("Electronics", 0.40), ("Health", 0.15)),
    ),
    Segment(
        "Wholesale", 0.35, ((30, 0.40), (45, 0.60)), -11.5, 0.0, 0.0, 0.040, FLAT,
        (("Food", 0.35), ("Electronics", 0.30), ("Construction", 0.25), ("Health", 0.10)),
    ),
    Segment(
        "Manufacturing", 0.30, ((30, 0.15), (45, 0.65), (60, 0.20)), -11.5, 0.0, 0.1, 0.060, FLAT,
        (("Automotive", 0.40), ("Construction", 0.35), ("Electronics", 0.25)),
    ),
    Segment(
        "Public", 0.10, ((30, 1.0),), -7.0, -0.15, -3.0, 0.015, BUDGET_YEAR,
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
    """Parameters of the process behind the sample ledger, from `start` to `end` inclusive.

    Nothing that was booked after `end` is in the ledger: open invoices stay open.

    Notes
    -----
    **Customers.** Each belongs to one of `segments` and of `industries`, and has a latent risk z and a
    size s, both N(0, 1), that nobody observes. Its payment term is drawn from its segment, longer for
    larger customers (correlation `terms_size`). Its habit is its own delay against the due date:
    N(segment's habit + `risk_habit` z + `size_habit` s, `habit_sd`) days. All its invoices share a
    frailty: the segment's log-hazard + `risk_hazard` z + N(0, `frailty_sd`). `new_share` of the customers
    start after `start`.

    **Sales.** Invoices are shared out in proportion to a gamma weight (shape `weight_shape`) times
    exp(`weight_size` s) and to the time a customer buys; days of issue follow the segment's season,
    `growth` a year, and `sales_pmi` per point of the purchasing managers' index (PMI). Amounts are
    log-normal: `log_amount` + `size_sd` s + N(0, `amount_sd`), and 2% dearer each year.

    **Economy.** The monthly PMI is 50.5 with a slump of `pmi_slump` points centred a little after the
    middle, and noise of persistence `pmi_persistence` and standard deviation `pmi_sd`.

    **Payment.** On day t an open invoice is paid with probability 1 - exp(-exp(eta)), where

        eta = a(t - due - habit) + run(t) + month(t) + frailty + dispute(t) + distress(t).

    exp a(r) rises like a logistic from exp(`log_floor`) to exp(`log_plateau`) over about `rise_days`;
    after `tail_after` days it falls to `tail_level` of that, by a factor e every `tail_days`. run(t):
    nobody pays on weekends and on 1 January, 1 May, 25 and 26 December. `weekly_share` of the customers
    have a weekly run, on Monday to Friday by `weekday_weights`: `run_weight` times as fast on that day,
    `off_run_weight` on others. `month_end_share` pay at `month_end_weight` on the last two open days of a
    month and `off_month_weight` on others. The last open day of a month has `last_day_weight` for all.
    month(t): `pmi_hazard` per point of PMI above 50 plus a shock N(0, `month_shock_sd`) common to all
    customers. dispute(t): `dispute_hazard` while a dispute is open, 5 to 25 days after the issue and from
    then on for `dispute_days` or until the payment. distress(t): `distress_hazard` while the customer is
    in distress, for a time drawn from `distress_days` before an insolvency, or in a spell as long that
    passes (`false_distress_share` of the others).

    **Default.** A customer becomes insolvent in a month with log-hazard `log_default` + `risk_default` z
    + `size_default` s + its segment's and industry's effect + `pmi_default` x the industry's sensitivity
    x (50 - PMI) + a common shock N(0, `default_shock_sd`). `surge_share` of the failing customers move
    `surge_invoices` of their orders into the 90 days before. From the day of insolvency a customer buys
    and pays nothing; what it owes is written off `write_off_days` later, all on one day.
    `no_recovery_share` return nothing; the others a share that is uniform with mean `recovery_mean` (0.25
    more with security), in two parts, the first `recovery_days` after the write-off. There is no other
    write-off, and no other default.

    **Discount.** `discount_rate` within `discount_days` is offered from `discount_from` on (a) to the
    segment `discount_segment` on invoices of at least `discount_minimum`, and (b) by the salespeople to
    the `discount_friends` of Manufacturing with the lowest latent risk, whatever the amount. An
    undisputed offer is taken with log-odds `take_up` + `take_risk` z + `take_wait` x (term + habit): good
    risks and those who would not wait long anyway take it more often, so that comparing takers with others
    overstates what the discount does.
    The threshold and the start identify it. A taker pays on the last open day of the period, or on its
    usual day if that is earlier; `unearned_share` of the takers pay on their usual day and deduct all the
    same.

    **Other papers**, as shares of invoices unless said: paid in two parts `partial_share`; disputed by
    segment, and `dispute_credit` of the disputes that end before the payment end in a credit note;
    credited in part `credit_share`, wholly `full_credit_share`; overpaid `overpaid_share`; returned by
    the bank and paid again `bounced_share`; negative `negative_share`; without due date `no_due_share`;
    cash on account `on_account_share`; booked 1 to 7 days late `late_booking_share` of the receipts;
    orders cancelled `cancelled_share`; a deposit of 30% on `deposit_share` of the orders of customers
    with z > 1.5.

    Examples
    --------
    >>> from dataclasses import replace
    >>> replace(BASE_TRUTH, partial_share=0.0).partial_share
    0.0
    """

    start: dt.date = dt.date(2023, 1, 1)
    end: dt.date = dt.date(2025, 12, 31)
    segments: tuple[Segment, ...] = SEGMENTS
    industries: tuple[Industry, ...] = INDUSTRIES
    # Customers and sales
    new_share: float = 0.15
    weight_shape: float = 2.5
    weight_size: float = 0.25
    log_amount: float = 8.97
    size_sd: float = 0.60
    amount_sd: float = 0.75
    growth: float = 0.05
    sales_pmi: float = 0.01
    habit_sd: float = 7.0
    risk_habit: float = 2.0
    size_habit: float = 0.5
    terms_size: float = 0.6
    frailty_sd: float = 0.40
    # Payment
    log_floor: float = -7.0
    log_plateau: float = -1.1
    rise_days: float = 2.5
    tail_after: int = 8
    tail_level: float = 0.45
    tail_days: float = 4.3
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
    dispute_days: tuple[int, int] = (20, 120)
    distress_hazard: float = -1.4
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
    surge_invoices: float = 0.20
    write_off_days: tuple[int, int] = (210, 390)
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
    take_up: float = 0.1
    take_risk: float = -0.8
    take_wait: float = -0.05
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
