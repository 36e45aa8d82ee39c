from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import LookAheadError, ModelError
from arrisk.models.payment.calendar import PaymentCalendar
from arrisk.models.payment.next_payment import find_next_payments
from arrisk.models.payment.next_payment_backtest import DUE, MODEL, ON_RUN, USUAL, backtest_pay_days
from arrisk.models.payment.pay_days import find_pay_days
from arrisk.models.payment.payment_hazard import fit_hazard
from arrisk.models.timing.payment_timing import fit_timing
from arrisk.models.timing.rates import DailyRates
from tests.ledger.frames import event, invoice, ledger_of

AS_OF = "2025-09-30"
CALENDAR = PaymentCalendar(holidays=["01-01", "05-01", "12-25", "12-26"])


@pytest.fixture(scope="module")
def snapshot(sample_study):
    return sample_study.ledger().as_of(AS_OF)


@pytest.fixture(scope="module")
def timing(snapshot):
    return fit_timing(snapshot, "due")


@pytest.fixture(scope="module")
def pay_days(snapshot):
    return find_pay_days(snapshot, CALENDAR)


@pytest.fixture(scope="module")
def found(snapshot, timing, pay_days):
    return find_next_payments(snapshot, timing, pay_days)


@dataclass(frozen=True)
class Flat:
    """Every item is paid at one rate on the days given, counted from the snapshot, and on no other."""

    days: tuple[int, ...]
    rate: float
    calendar: PaymentCalendar = CALENDAR

    def open_items(self, snapshot):
        items = snapshot.items
        return items[(items["close_kind"] == "open") & (items["amount"] > 0)].reset_index(drop=True)

    def rates(self, items, date, horizon):
        paid = np.zeros((1, horizon))
        paid[0, [d - 1 for d in self.days]] = self.rate
        return DailyRates(paid, np.zeros((1, horizon)), np.zeros(len(items), dtype=np.int64))


def book(pay_every: str, due: str, start: str = "2025-01-01"):
    """A customer that pays on some days, and its one open item; as of Monday 2025-06-02."""
    days = pd.date_range(start, "2025-05-31", freq=pay_every)
    issued = [f"{d - pd.Timedelta(days=10):%Y-%m-%d}" for d in days]
    invoices = [invoice(f"{k}", day, 10) for k, day in enumerate(issued)]
    events = [event(f"{k}", f"{day:%Y-%m-%d}", 10) for k, day in enumerate(days)]
    return ledger_of([*invoices, invoice("open", "2025-05-01", 100, due)], events).as_of("2025-06-02")


def test_the_likely_day_is_the_likeliest_and_the_range_holds_what_it_says():
    # Days 4, 11 and 18 ahead, each with a chance of one half: 0.5, 0.25, 0.125.
    found = find_next_payments(book("W-FRI", "2025-06-30"), Flat((4, 11, 18), np.log(2.0)), horizon=30)
    row = found.table.iloc[0]
    assert row["likely_day"] == pd.Timestamp("2025-06-06")
    assert row["probability"] == pytest.approx(0.5)
    assert row["not_paid"] == pytest.approx(0.125)
    assert row["expected_cash"] == pytest.approx(87.5)
    assert row["from_day"] == pd.Timestamp("2025-06-06")
    assert pd.isna(row["to_day"])  # nine in ten are paid after the horizon
    assert row["range_chance"] == pytest.approx(1.0)
    wide = find_next_payments(book("W-FRI", "2025-06-30"), Flat((4, 11, 18), 2.0), horizon=30).table.iloc[0]
    assert (wide["from_day"], wide["to_day"]) == (pd.Timestamp("2025-06-06"), pd.Timestamp("2025-06-13"))
    assert wide["range_chance"] == pytest.approx(1 - np.exp(-4.0))


@pytest.mark.parametrize(
    ("pays", "due", "day_ahead", "contact", "rule"),
    [
        ("W-FRI", "2025-06-30", 11, "2025-06-11", "2 open days before its Friday run"),
        ("W-FRI", "2025-05-20", 11, "2025-06-04", "2 open days before its Friday run"),  # overdue
        ("W-FRI", "2025-06-30", 1, "2025-06-03", "next open day: its likely day is near"),
        ("BME", "2025-06-20", 28, "2025-06-25", "2 open days before its month end"),
        ("BME", "2025-05-20", 28, "2025-06-03", "next open day: the last month end passed it over"),
        ("B", "2025-05-20", 4, "2025-06-03", "next open day: overdue"),
        ("B", "2025-06-20", 7, "2025-06-05", "2 open days before its likely day"),
    ],
)
def test_the_contact_comes_before_the_run(pays, due, day_ahead, contact, rule):
    snapshot = book(pays, due, "2025-01-01" if pays != "BME" else "2024-01-01")
    row = find_next_payments(snapshot, Flat((day_ahead,), 1.0), horizon=40).table.iloc[0]
    assert (f"{row['contact_day']:%Y-%m-%d}", row["contact_rule"]) == (contact, rule)


def test_the_chances_of_an_item_add_up(found, snapshot, timing, pay_days):
    table = found.table
    assert len(table) == len(timing.open_items(snapshot))
    assert table["expected_cash"].is_monotonic_decreasing
    assert found.cash.sum() == pytest.approx(table["expected_cash"].sum())
    is_open = CALENDAR.is_open(snapshot.day + 1, snapshot.day + found.horizon)
    assert (found.cash[~is_open] == 0).all()
    assert table["likely_day"].dt.dayofweek.max() < 5
    assert table["contact_day"].dt.dayofweek.max() < 5
    assert (table["contact_day"] > snapshot.date).all()
    weekly = table[table["pays"] == "Thursdays"]
    assert (weekly["likely_day"].dt.dayofweek == 3).mean() > 0.95
    whole = find_next_payments(snapshot, timing, pay_days, by="customer")
    assert whole.cash.sum() == pytest.approx(found.cash.sum())
    assert whole.table["open_amount"].sum() == pytest.approx(table["open_amount"].sum())
    assert whole.table["customer_id"].is_unique


def test_nothing_open_is_said(timing):
    done = ledger_of(
        [invoice("1", "2025-10-01", 10, "2025-10-31"), invoice("2", "2025-10-01", -5, "2025-10-31")],
        [event("1", "2025-11-06", 10)],
    ).as_of("2025-11-30")
    found = find_next_payments(done, timing)
    assert found.table.empty
    assert found.to_table().title == "Nothing is open"
    assert "Nothing is open" in found._repr_html_()
    found.plot()


def test_names_are_escaped_and_the_picture_speaks(found):
    hostile = ledger_of(
        [invoice(f"<b>{k}", "2025-10-01", 10, "2025-10-31", customer_id="<script>") for k in range(3)],
        [event("<b>0", "2025-11-06", 10)],
    ).as_of("2025-11-30")
    html = find_next_payments(hostile, Flat((1,), 1.0))._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    ax = found.plot()
    assert "Most cash" in ax.get_title()
    assert "EUR" in ax.get_ylabel()


def test_models_do_not_look_back_and_arguments_are_checked(snapshot, timing):
    with pytest.raises(LookAheadError):
        find_next_payments(snapshot.as_of("2025-06-30"), timing)
    with pytest.raises(ModelError, match="allowed: item or customer"):
        find_next_payments(snapshot, timing, by="region")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def backtest(sample_study, timing):
    ledger = sample_study.ledger()
    dates = ["2025-03-31", "2025-06-30", AS_OF]
    return backtest_pay_days(ledger.as_of("2025-12-31"), timing, dates, CALENDAR)


def test_pay_days_of_the_past_came_true(backtest):
    scores = backtest.table.set_index("method")
    assert scores.loc[MODEL, "on_the_day"] > 3 * scores.loc[[DUE, USUAL], "on_the_day"].max()
    assert scores.loc[MODEL, "on_the_weekday"] > 0.6
    assert scores.loc[ON_RUN, "on_the_day"] > 2 * scores.loc[USUAL, "on_the_day"]
    assert backtest.differences.set_index("term").loc[[DUE, USUAL], "verdict"].eq("better").all()
    weekly = backtest.weekly.set_index("method")
    assert weekly.loc[MODEL, "on_the_weekday"] > 0.75
    told = backtest.diagnostics
    assert told["covered"] == pytest.approx(told["covered_said"], abs=0.05)
    assert told["not_paid_came"] == pytest.approx(told["not_paid_said"], abs=0.05)
    assert "80%" in backtest.to_table().note
    assert "within 2 days" in [t.get_text() for t in backtest.plot().get_legend().get_texts()]


@pytest.mark.slow
def test_a_hazard_on_the_calendar_names_the_day_more_often(sample_study, backtest):
    last = sample_study.ledger().as_of("2025-12-31")
    hazard = fit_hazard(last, calendar=CALENDAR)
    dates = sorted(backtest.items["date"].unique())
    found = backtest_pay_days(last, hazard, dates)
    assert found.differences["verdict"].eq("better").all()
    ours, pooled = (b.table.set_index("method").loc[MODEL, "on_the_day"] for b in (found, backtest))
    assert ours > pooled + 0.03
    pd.testing.assert_frame_equal(found.table.iloc[1:3], backtest.table.iloc[1:3])  # rivals stay


def test_the_scores_are_those_of_the_items(backtest):
    paid = backtest.items.dropna(subset=["paid_date"])
    error = (paid["paid_date"] - paid[DUE]).dt.days.abs()
    row = backtest.table.set_index("method").loc[DUE]
    assert row["mean_error_days"] == pytest.approx(error.mean())
    assert row["within_2_days"] == pytest.approx((error <= 2).mean())
    assert backtest.by_date.groupby("method")["items"].sum().eq(len(paid)).all()
    assert (backtest.items[DUE] > backtest.items["date"]).all()
    hits = [(paid["paid_date"] == paid[method]).mean() for method in (MODEL, ON_RUN)]
    row = backtest.differences.set_index("term").loc[ON_RUN]
    assert row["estimate"] == pytest.approx(hits[0] - hits[1])
    assert row["ci_low"] < row["estimate"] < row["ci_high"]


def test_outcomes_must_be_known(sample_study, timing, snapshot):
    with pytest.raises(ModelError, match="the next 91 days are not known on 2025-09-30"):
        backtest_pay_days(snapshot, timing, ["2025-08-31"])
    with pytest.raises(ModelError, match="no dates"):
        backtest_pay_days(snapshot, timing, [])
