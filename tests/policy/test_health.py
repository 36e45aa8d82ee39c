"""The health report: figures by hand, sentences, movements, risks, and what it says without a past."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given, settings

from arrisk.models.provision.provision import make_provision
from arrisk.policy.health import FIGURES, make_health
from arrisk.policy.health_page import describe_change, write
from arrisk.portfolio.headline import make_headline
from arrisk.portfolio.turnover import make_turnover
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import as_of_dates, ledgers


@pytest.fixture(scope="module")
def sample(sample_study):
    return sample_study.snapshot()


def small_ledger():
    invoices = [
        invoice("1", "2025-01-10", 400, "2025-02-10", customer_id="a", dispute_opened="2025-03-01"),
        invoice("2", "2025-02-10", 300, "2025-03-10", customer_id="b"),
        invoice("3", "2025-03-10", 200, "2025-04-10", customer_id="b"),
        invoice("4", "2025-03-12", 100, "2025-06-10", customer_id="c"),
    ]
    events = [event("2", "2025-03-20", 250), event(None, "2025-03-25", 7, customer_id="c")]
    return ledger_of(invoices, events)


def test_figures_by_hand():
    health = make_health(small_ledger().as_of("2025-04-30"))
    assert health.month == pd.Timestamp("2025-03-31")
    assert health.value("open_balance") == 743
    assert health.value("overdue") == 650
    assert health.value("overdue_share") == pytest.approx(650 / 750)
    assert health.value("largest_customer_share") == pytest.approx(400 / 750)
    assert health.value("unapplied_cash") == 7
    # a is 79 days overdue, b 51: one of three on watch, one of high risk
    assert health.value("watch_share") == pytest.approx(1 / 3)
    assert health.value("high_risk_share") == pytest.approx(1 / 3)
    assert health.value("overdue", "month_before") == 450
    # April: 750 owed at its beginning and end, nothing sold, 650 of the end overdue
    assert health.value("cei") == pytest.approx(0.0)
    assert math.isnan(health.value("dso", "year_before"))


def test_figures_agree_with_those_of_the_other_pages(sample):
    health = make_health(sample)
    headline = make_headline(sample).frame.iloc[0]
    pairs = {"overdue": "overdue", "over_90_days": "over_90_days", "dso": "dso"}
    pairs |= {"largest_customer_share": "largest_customer_share", "overdue_share": "overdue_share"}
    for ours, theirs in pairs.items():
        assert health.value(ours) == pytest.approx(headline[theirs]), ours
    family = make_turnover(sample, months=13).table.set_index("month_end")
    for column, day in (("now", health.as_of), ("month_before", health.month), ("year_before", health.year)):
        for figure in ("dso", "best_possible_dso", "cei"):
            expected = family.loc[day, figure]
            if not math.isnan(expected):  # the first month of a table has no month before
                assert health.value(figure, column) == pytest.approx(expected), (figure, column)


def test_changes_in_words():
    assert describe_change(5.0, 4.0, "days", -1, "x") == "up 1.0 days in x: worse"
    assert describe_change(5.0, 4.0, "days", 0, "x") == "up 1.0 days in x"
    assert describe_change(0.9, 0.8, "percent", 1, "x") == "up 10.0 points in x: better"
    assert describe_change(100.0, 100.2, "money", -1, "x") == "unchanged in x"
    assert describe_change(50.0, 0.0, "money", -1, "x") == "up 50 in x: worse"
    assert describe_change(50.0, math.nan, "money", -1, "x") == ""
    assert write(0.5, "percent") == "50.0%"


def test_every_figure_has_a_sentence_and_none_says_why():
    table = make_health(small_ledger().as_of("2025-04-30")).to_table()
    assert len(table.frame) == len(FIGURES)
    assert table.frame["what changed"].str.len().min() > 5
    assert not table.frame["what changed"].str.contains("because|due to|thanks", regex=True).any()
    assert table.title.startswith("Of 9 figures, ")


def test_without_a_past_there_is_nothing_to_compare_with():
    health = make_health(ledger_of([invoice("1", "2025-01-10", 5, "2025-02-10")]).as_of("2025-01-20"))
    assert health.finding() == "There is no earlier day to compare with"
    assert (health.to_table().frame["month before"] == "-").all()
    health.plot().figure.canvas.draw()


def test_top_risks_with_expected_loss():
    snapshot = small_ledger().as_of("2025-04-30")
    risks = make_health(snapshot, customers=1).risks
    assert risks[["customer_id", "overdue", "oldest_days", "disputed"]].to_numpy().tolist() == [
        ["a", 400, 79, 400]
    ]
    assert risks["share"].tolist() == [400 / 650]
    assert risks["expected_loss"].isna().all()
    unknown = make_health(snapshot, make_provision(snapshot))
    assert "No expected loss: No rate, the ledger is too young" in unknown.risks_table().note


def test_expected_losses_add_up_to_the_provision(sample):
    provision = make_provision(sample)
    late = make_health(sample, provision, customers=10_000).risks
    rest = provision.by_customer[~provision.by_customer["customer_id"].isin(late["customer_id"])]
    assert len(rest) > 0
    total = late["expected_loss"].sum() + rest["provision"].sum()
    assert total == pytest.approx(provision.total.value, abs=0.005)
    assert late["overdue"].sum() == pytest.approx(make_health(sample).value("overdue"))


def test_the_page_is_escaped_and_whole():
    ledger = ledger_of(
        [invoice("1", "2025-01-10", 5, "2025-02-10", customer_id="<i>x")],
        customers=[{"customer_id": "<i>x", "name": "<script>alert(1)</script>"}],
    )
    page = make_health(ledger.as_of("2025-03-31"))._repr_html_()
    assert "<script>" not in page
    assert "<i>x" not in page
    assert page.count("<table") == 4


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(ledgers(), as_of_dates)
def test_any_ledger_has_a_report_whose_movements_foot(rows, day):
    snapshot = ledger_of(**rows).as_of(day)
    health = make_health(snapshot)
    amounts = (health.bridge.table["amount"] * 100).round().astype(int).tolist()
    assert (
        sum(amounts[:-1]) == amounts[-1] == snapshot.open_minor == round(health.value("open_balance") * 100)
    )
    assert health._repr_html_()
