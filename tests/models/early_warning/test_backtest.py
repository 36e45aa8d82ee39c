"""Precision, recall and lead time worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.early_warning.backtest import backtest_alerts, judge_rules
from arrisk.models.early_warning.outcomes import read_outcomes
from arrisk.portfolio.signals.alerts import Alerts
from tests.models.early_warning.books import failing_book, outcomes_of, rules_of

DAYS = ["2024-06-03", "2024-06-10", "2024-06-17", "2024-06-24"]


@pytest.fixture
def by_hand():
    """Ten customers on four days; d0..d4 default on 1 August 2024, d0 and d1 with a loss."""
    people = [f"d{k}" for k in range(5)] + [f"g{k}" for k in range(5)]
    days = [(day, who, "2024-08-01" if who[0] == "d" else None) for day in DAYS for who in people]
    alerts = [(DAYS[0], "d0", "good"), (DAYS[1], "d0", "good"), (DAYS[0], "d1", "good")]
    alerts += [(DAYS[3], "d2", "good"), (DAYS[2], "g0", "good")]
    alerts += [(DAYS[0], "g1", "bad"), (DAYS[0], "g2", "bad")]
    return judge_rules(outcomes_of(days, alerts, lost=("d0", "d1")), rules_of("good", "bad", "silent"))


def test_figures_by_hand(by_hand):
    row = by_hand.row("good")
    assert by_hand.base == 0.5
    assert by_hand.base_lost == 0.2
    assert (row["alerts"], row["customers"], row["dates"]) == (5, 4, 4)
    assert row["precision"] == pytest.approx(4 / 5)
    assert row["lift"] == pytest.approx(1.6)
    assert row["lost_share"] == pytest.approx(3 / 5)
    assert row["lost_lift"] == pytest.approx(3.0)
    assert row["recall"] == pytest.approx(3 / 5)
    # First alerts on 3, 3 and 24 June: 59, 59 and 38 days before 1 August.
    assert row["lead_days"] == 59
    assert (row["lead_days_low"], row["lead_days_high"]) == (38, 59)
    weeks = (by_hand.outcomes.last - by_hand.outcomes.start).days / 7
    assert row["alerts_a_week"] == pytest.approx(5 / weeks)


def test_a_rule_that_is_wrong_or_silent(by_hand):
    bad, silent = by_hand.row("bad"), by_hand.row("silent")
    assert bad["precision"] == 0.0
    assert bad["recall"] == 0.0
    assert bad["precision_high"] > 0.5
    assert silent["alerts"] == 0
    assert np.isnan(silent["precision"])
    assert set(by_hand.table["verdict"]) == {"too few to say"}  # fewer than ten customers alerted
    assert by_hand.separating == []


def test_verdicts_follow_the_interval():
    people = [f"d{k}" for k in range(20)] + [f"g{k}" for k in range(60)]
    days = [(day, who, "2024-08-01" if who[0] == "d" else None) for day in DAYS for who in people]
    sharp = [(DAYS[0], f"d{k}", "sharp") for k in range(15)] + [
        (DAYS[0], f"g{k}", "sharp") for k in range(10)
    ]
    blunt = [(DAYS[0], f"d{k}", "blunt") for k in range(5)] + [(DAYS[0], f"g{k}", "blunt") for k in range(15)]
    wrong = [(DAYS[0], f"g{k}", "wrong") for k in range(60)] + [(DAYS[0], f"d{k}", "wrong") for k in range(4)]
    market = [(DAYS[0], f"d{k}", "market") for k in range(20)]
    test = judge_rules(
        outcomes_of(days, sharp + blunt + wrong + market), rules_of("sharp", "blunt", "wrong", "market")
    )
    verdicts = dict(zip(test.table["rule"], test.table["verdict"], strict=True))
    assert verdicts["sharp"] == "separates"
    assert verdicts["blunt"] == "does not separate"
    assert verdicts["wrong"] == "worse than chance"
    assert verdicts["market"] == "too few to say"  # one day of the market is one observation
    assert test.separating == ["sharp"]
    assert "1 of 4" in test.plot().get_title()
    assert "one in forty" in test.to_table().note
    assert list(test.losses_table().frame["followed_by_a_loss"])


def test_too_few_defaulters_judge_nothing():
    days = [(day, f"c{k}", "2024-08-01" if k < 4 else None) for day in DAYS for k in range(40)]
    alerts = [(DAYS[0], f"c{k}", "r") for k in range(20)]
    test = judge_rules(outcomes_of(days, alerts), rules_of("r"))
    assert not test.identified
    assert "4 customers defaulted" in test.doubt
    assert test.table["verdict"].tolist() == ["too few to say"]
    assert "No rule can be judged" in test.to_table().title
    assert test.plot().get_title().startswith("No alarm can be judged")


def alerts_on(snapshot, dates, customers, rule="r", **rules):
    """An alert of each customer on each date, of customers that are always active."""
    index = pd.MultiIndex.from_product([pd.to_datetime(dates), customers], names=["date", "customer_id"])
    states = index.to_frame(index=False).assign(active=True, exposure=1.0, **{rule: True})
    table = states[["date", "customer_id", "exposure"]].assign(rule=rule)
    return Alerts(snapshot.date, rules_of(rule, **rules), states, table)


def test_outcomes_of_a_ledger():
    snapshot = failing_book().as_of("2025-06-30")
    days = ["2024-05-30", "2024-08-29", "2024-08-30", "2025-03-01"]
    alerts = alerts_on(snapshot, days, ["bad0", "good2"], horizon_days=100)
    outcomes = read_outcomes(alerts, snapshot, DefaultDefinition())
    # Due on 1 June, so in default from 30 August on: 92 days after the first day and 1 after the second.
    got = outcomes.days.set_index(["date", "customer_id"])
    assert got.loc[("2024-05-30", "bad0"), "defaulted"]
    assert got.loc[("2024-08-29", "bad0"), "default_date"] == pd.Timestamp("2024-08-30")
    assert (pd.Timestamp("2024-08-30"), "bad0") not in got.index
    assert not got.xs("good2", level="customer_id")["defaulted"].any()
    assert len(got.xs("good2", level="customer_id")) == 4
    assert outcomes.defaults["date"].tolist() == [pd.Timestamp("2024-08-30")] * 2
    assert outcomes.defaulters == 1
    assert not outcomes.defaults["lost"].any()


def test_alerts_of_the_last_horizon_are_left_out():
    snapshot = failing_book().as_of("2024-10-31")
    alerts = alerts_on(snapshot, ["2024-07-15", "2024-08-01"], ["bad0", "bad1", "good2"], horizon_days=100)
    test = backtest_alerts(alerts, snapshot, DefaultDefinition())
    assert test.outcomes.last == pd.Timestamp("2024-07-23")
    row = test.row("r")
    assert row["alerts"] == 3
    assert row["precision"] == pytest.approx(2 / 3)
    assert row["recall"] == 1.0  # both defaults of 30 August were announced on 15 July
    assert row["lead_days"] == 46
