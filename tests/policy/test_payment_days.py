"""DSO against a year before: by hand, with its interval, and the verdict it gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.policy.payment_days import compare_dso, recommend_payment_days
from arrisk.policy.study import Study
from arrisk.portfolio.dso_bridge import make_dso_bridge
from arrisk.portfolio.turnover import make_turnover
from tests.ledger.frames import event, invoice, ledger_of


def payers(slow_from: str, days: int, slower: int, customers: int = 40) -> list:
    """Customers invoiced monthly who pay after `days`, and after `slower` more once a date has passed."""
    rng = np.random.default_rng(7)
    invoices, events = [], []
    for c in range(customers):
        size = rng.lognormal(7, 0.5)
        for n, issued in enumerate(pd.date_range("2023-06-01", "2025-12-15", freq="MS")):
            number = f"{c}-{n}"
            wait = days + int(rng.integers(0, 5)) + (slower if issued >= pd.Timestamp(slow_from) else 0)
            paid = issued + pd.Timedelta(days=wait)
            due = f"{issued + pd.Timedelta(days=14):%Y-%m-%d}"
            invoices.append(invoice(number, f"{issued:%Y-%m-%d}", round(size, 2), due, customer_id=f"c{c}"))
            if paid <= pd.Timestamp("2025-12-31"):
                events.append(event(number, f"{paid:%Y-%m-%d}", round(size, 2)))
    return [invoices, events]


@pytest.fixture
def study(tmp_path):
    return Study.from_toml(
        """
[study]
name = "s"
title = "S"
as_of = 2025-12-31
currency = "EUR"
seed = 1
[ledger]
path = "."
[assumptions.cost_of_capital]
value = 0.08
unit = "per year, 365"
source = "test"
""",
        tmp_path / "study.toml",
    )


@pytest.mark.parametrize(
    ("slow_from", "slower", "verdict"),
    [("2025-06-01", 45, "adopt"), ("2030-01-01", 0, "keep"), ("2025-06-01", -35, "reject")],
)
def test_verdict_follows_the_change(study, slow_from, slower, verdict):
    change = compare_dso(ledger_of(*payers(slow_from, 50, slower)).as_of("2025-12-31"))
    recommendation = recommend_payment_days(study, change)
    assert recommendation.verdict == verdict
    days, low, high = change.row("change", "days_delinquent")
    assert low <= days <= high
    for measure in ("dso", "days_delinquent"):
        now, before = (change.row(term, measure)[0] for term in ("now", "year before"))
        assert change.row("change", measure)[0] == pytest.approx(now - before)
    assert recommendation.expected_value.value == pytest.approx(days * change.daily_sales)


def test_longer_terms_lengthen_dso_but_call_for_no_tightening(study):
    invoices, events = payers("2025-06-01", 20, 30)
    for row in invoices:
        more = 30 if row["issue_date"] >= "2025-06-01" else 0
        row["due_date"] = f"{pd.Timestamp(row['issue_date']) + pd.Timedelta(days=25 + more):%Y-%m-%d}"
    snapshot = ledger_of(invoices, events).as_of("2025-12-31")
    change, bridge = compare_dso(snapshot), make_dso_bridge(snapshot)
    assert change.row("change")[1] > 0
    recommendation = recommend_payment_days(study, change, bridge)
    assert recommendation.verdict == "keep"
    assert f"payment terms {bridge.table['days'].iloc[2]:+.1f}" in recommendation.notes[0]
    assert bridge.table["days"].iloc[2] > 20
    assert "days delinquent" in str(change.to_table())


def test_without_due_dates_lateness_cannot_be_told(study):
    invoices, events = payers("2030-01-01", 50, 0)
    undated = [dict(row, due_date=None) for row in invoices]
    change = compare_dso(ledger_of(undated, events).as_of("2025-12-31"))
    assert change.identified
    assert not change.dated
    assert "due date" in recommend_payment_days(study, change).answer


def test_dso_by_hand():
    ledger = ledger_of(
        [
            invoice(f"{c}{y}", f"{y}-12-01", 100.0 + c, customer_id=f"c{c}")
            for c in range(10)
            for y in (2023, 2024, 2025)
        ],
        [event(f"{c}{y}", f"{y + 1}-01-15", 100.0 + c) for c in range(10) for y in (2023, 2024)]
        + [event(f"{c}2025", "2025-12-20", 50.0) for c in range(10)],
    )
    change = compare_dso(ledger.as_of("2025-12-31"), window=3)
    assert change.row("year before")[0] == pytest.approx(92)
    assert change.row("now")[0] == pytest.approx((1045 - 500) / 1045 * 92)
    assert change.daily_sales == pytest.approx(1045 / 92)
    last = make_turnover(ledger.as_of("2025-12-31"), months=1).table.iloc[-1]
    assert change.row("now")[0] == pytest.approx(last["dso"])
    assert change.row("year before")[0] == pytest.approx(last["dso_year_before"])


def test_a_short_ledger_or_a_handful_of_customers_cannot_say(study):
    for rows, date in (
        (payers("2030-01-01", 50, 0), "2024-03-31"),
        (payers("2030-01-01", 50, 0, customers=4), "2025-12-31"),
    ):
        change = compare_dso(ledger_of(*rows).as_of(date))
        assert not change.identified
        assert recommend_payment_days(study, change).verdict == "the data cannot say"


def test_one_customer_who_explains_the_change_widens_the_interval(study):
    invoices, events = payers("2030-01-01", 30, 0)
    huge = [invoice(f"h{n}", f"{d:%Y-%m-%d}", 80_000, f"{d:%Y-%m-%d}", customer_id="huge") for n, d in
            enumerate(pd.date_range("2023-06-01", "2025-12-15", freq="MS"))]  # fmt: skip
    paid = [
        event(f"h{n}", f"{pd.Timestamp(i['issue_date']) + pd.Timedelta(days=20):%Y-%m-%d}", 80_000)
        for n, i in enumerate(huge[:-3])
    ]
    change = compare_dso(ledger_of(invoices + huge, events + paid).as_of("2025-12-31"))
    days, low, high = change.row("change", "days_delinquent")
    assert days > 20
    assert low < 0 < high
    assert recommend_payment_days(study, change).verdict == "keep"
