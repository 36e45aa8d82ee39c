"""The process behind the sample is known: what a hazard regression makes of it, against the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from arrisk.ledger.days import day_number
from arrisk.ledger.sample.generator import make_latent, make_sample
from arrisk.ledger.sample.truth import BASE_TRUTH, Truth
from arrisk.models.hazard.counts import DayClasses, count_item_days
from arrisk.models.hazard.fit import fit_daily_hazard
from arrisk.models.payment.calendar import PaymentCalendar
from arrisk.models.payment.payment_hazard import fit_hazard

pytestmark = pytest.mark.slow
CLOSED = ["01-01", "05-01", "12-25", "12-26"]
CALENDAR = PaymentCalendar(holidays=CLOSED)
SEGMENTS = ["Manufacturing", "Public", "Retail", "Wholesale"]
FIRST_AGE, LAST_AGE = -40, 60
CALENDAR_TRUTH = {
    "run day of a weekly payer": np.log(BASE_TRUTH.run_weight),
    "other day of a weekly payer": np.log(BASE_TRUTH.off_run_weight),
    "month end of a month-end payer": np.log(BASE_TRUTH.month_end_weight),
    "other day of a month-end payer": np.log(BASE_TRUTH.off_month_weight),
    "last open day of the month": np.log(BASE_TRUTH.last_day_weight),
    **dict.fromkeys(("Monday", "Tuesday", "Thursday", "Friday"), 0.0),
}
SEGMENT_TRUTH = {s.name: s.log_hazard for s in BASE_TRUTH.segments if s.name != "Wholesale"}


def quiet_truth() -> Truth:
    """The sample's process without what no covariate shows: frailty, distress, disputes, the economy."""
    calm = tuple(replace(segment, dispute_share=0.0) for segment in BASE_TRUTH.segments)
    return replace(
        BASE_TRUTH,
        frailty_sd=0.0,
        risk_hazard=0.0,
        false_distress_share=0.0,
        month_shock_sd=0.0,
        pmi_hazard=0.0,
        segments=calm,
    )


def days_of(column) -> np.ndarray:
    return pd.to_datetime(column).to_numpy().astype("datetime64[D]").astype(np.int64)


def latent_fit(seed: int) -> pd.DataFrame:
    """Log hazard ratios on the latent clock (due date plus habit) with the latent runs."""
    world = {"invoices": 12_000, "seed": seed, "truth": quiet_truth()}
    invoices, latent = make_sample(**world)["invoices"], make_latent(**world)
    customers = latent["latent_customers"].set_index("customer_id")
    segment = make_sample(**world)["customers"].set_index("customer_id")["segment"]
    hidden = latent["latent_invoices"].rename(columns={"due_date": "due"})
    items = invoices.merge(hidden, on="invoice_id")
    healthy = customers.loc[items["customer_id"], ["distress_from", "default_date"]].isna().all(axis=1)
    items = items[healthy.to_numpy() & (items["amount"] > 0).to_numpy()]
    own = customers.loc[items["customer_id"]]
    origin = days_of(items["due"]) + np.rint(own["habit"].to_numpy()).astype(np.int64)
    end = day_number(BASE_TRUTH.end)
    paid = np.where(items["usual_date"].isna(), end + 1, days_of(items["usual_date"]))
    exit = np.minimum(np.minimum(paid, end) - origin, LAST_AGE)
    cause = ((paid <= end) & (paid - origin <= LAST_AGE)).astype(np.int64)
    entry = np.maximum(days_of(items["issue_date"]) - origin, FIRST_AGE) - 1
    use = exit > entry
    first = int((origin + entry)[use].min()) + 1
    codes = CALENDAR.codes(first, int((origin + exit)[use].max()))
    cell = segment.loc[items["customer_id"]].map(SEGMENTS.index).to_numpy(dtype=np.int64)
    days = count_item_days(
        exit[use], cause[use], cell[use], len(SEGMENTS), entry[use], None, None, origin[use],
        DayClasses(codes, first, own["run"].to_numpy(dtype=np.int64)[use]),
    )  # fmt: skip
    design = pd.DataFrame(np.eye(len(SEGMENTS))[:, :-1], columns=SEGMENTS[:-1])
    customers_of = items["customer_id"].to_numpy()[use]
    return fit_daily_hazard(days, design, CALENDAR.design, customers_of).table.set_index("term")


def test_on_the_latent_clock_calendar_and_segments_are_recovered():
    """Each within three of its standard errors, all of which are below 0.07, and rightly sized together."""
    table = latent_fit(5)
    truth = pd.Series(CALENDAR_TRUTH | SEGMENT_TRUTH)
    found = table.loc[truth.index]
    off = (found["estimate"] - truth) / found["se"]
    assert found["se"].max() < 0.07
    assert off.abs().max() < 3
    assert 0.3 < (off**2).mean() < 2.2
    assert table.loc["closed day", "estimate"] == -np.inf


def test_on_the_feasible_clock_the_calendar_stays_and_habits_blur_speed(sample_study):
    """A clock that knows habits with an error, and runs by estimate: effects shrink by up to a fifth."""
    snapshot = sample_study.ledger().as_of("2025-12-31")
    table = fit_hazard(snapshot, holidays=CLOSED).table.set_index("term")
    ratio = table["estimate"] / pd.Series(CALENDAR_TRUTH)
    run = (
        table.loc["run day of a weekly payer", "estimate"]
        - table.loc["other day of a weekly payer", "estimate"]
    )
    truth = CALENDAR_TRUTH["run day of a weekly payer"] - CALENDAR_TRUTH["other day of a weekly payer"]
    assert 0.8 < run / truth < 1.05
    assert ratio["last open day of the month"] == pytest.approx(1, abs=0.35)
    assert table.loc["closed day", "estimate"] == -np.inf
    dispute = table.loc["in dispute"]
    assert BASE_TRUTH.dispute_hazard < dispute["estimate"] < 0.6 * BASE_TRUTH.dispute_hazard
