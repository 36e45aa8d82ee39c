"""Values of stops worked out by hand, and each verdict from the data that calls for it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import StudyError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.early_warning.backtest import backtest_alerts, judge_rules
from arrisk.models.early_warning.ranking import rank_alerts
from arrisk.policy.alert_value import AlertValue, follow_orders, value_alerts
from arrisk.policy.early_warning import alerts_for_experiment, define_alerts, recommend_early_warning
from arrisk.policy.study import Study, study_template
from tests.ledger.frames import event, invoice, ledger_of
from tests.models.early_warning.books import failing_book, outcomes_of, rules_of
from tests.models.early_warning.test_backtest import alerts_on

DAYS = ["2024-06-03", "2024-06-10", "2024-06-17", "2024-06-24"]


@pytest.fixture(scope="module")
def study():
    return Study.from_toml(study_template("ledger", "arrisk", "2025-06-30", "EUR"), Path("study.toml"))


def fixed(study, **values):
    """The study with assumptions that have no range."""
    rows = tuple(
        replace(a, value=values[a.name], low=values[a.name], high=values[a.name]) if a.name in values else a
        for a in study.assumptions
    )
    return replace(study, assumptions=rows)


def test_orders_of_the_stop_are_followed_by_hand():
    rows = [
        invoice("on the day", "2024-03-01", 1.0, "2024-04-01"),
        invoice("first", "2024-03-02", 10.0, "2024-04-02"),
        invoice("last", "2024-03-31", 100.0, "2024-05-01"),
        invoice("after", "2024-04-01", 1000.0, "2024-05-01"),
        invoice("too young", "2024-03-15", 5000.0, "2024-12-01"),
        invoice("other", "2024-03-15", 70.0, "2024-05-01", customer_id="d"),
    ]
    events = [
        event("first", "2024-04-02", 4.0, "credit_note"),
        event("last", "2024-09-01", 100.0, "write_off"),
        event("last", "2024-10-01", 30.0, "recovery"),
        event("other", "2024-05-01", 70.0),
    ]
    snapshot = ledger_of(rows, events).as_of("2024-12-31")
    alerts = pd.DataFrame({"date": pd.to_datetime(["2024-03-01"] * 3), "customer_id": ["c", "d", "nobody"]})
    got = follow_orders(alerts, snapshot, 30, 90)
    assert got.loc[0].tolist() == pytest.approx([106.0, 70.0, 6.0])
    assert got.loc[1].tolist() == pytest.approx([70.0, 0.0, 0.0])
    assert got.loc[2].tolist() == [0.0, 0.0, 0.0]


def test_overlapping_stops_count_an_order_once():
    rows = [invoice(str(day), f"2024-03-{day:02d}", 10.0, "2024-04-15") for day in range(1, 31)]
    snapshot = ledger_of(rows).as_of("2024-12-31")
    alerts = pd.DataFrame(
        {"date": pd.to_datetime(["2024-03-01", "2024-03-11"]), "customer_id": "c", "rule": "r"}
    )
    assert follow_orders(alerts, snapshot, 15, 90)["sales"].tolist() == [100.0, 150.0]
    other = alerts.assign(rule=["r", "s"])
    assert follow_orders(other, snapshot, 15, 90)["sales"].tolist() == [150.0, 150.0]


def test_value_is_loss_avoided_less_margin_lost(study):
    snapshot = failing_book().as_of("2025-06-30")
    people = ["bad0", "good2"]
    alerts = alerts_on(snapshot, ["2024-07-10"], people, horizon_days=100, stop_days=62)
    backtest = backtest_alerts(alerts, snapshot, DefaultDefinition())
    value = value_alerts(fixed(study, stop_margin=0.25, lgd=0.6), backtest, snapshot)
    row = value.best(["r"])
    years = backtest.outcomes.weeks * 7 / 365
    # Billed on 1 August and 1 September: 2,000 of each customer; the bad one's is stuck.
    assert row["sales"] == pytest.approx(4000 / years)
    assert row["avoided"] == pytest.approx(0.6 * 2000 / years)
    assert row["value"] == pytest.approx((1200 - 1000) / years)
    assert row["break_even"] == pytest.approx(0.3)
    assert row["false_stop"] == pytest.approx(500.0)
    assert row["at_stake"] == pytest.approx(0.6 * 1.0 / years)
    assert row["value_low"] <= row["value"] <= row["value_high"]
    assert value.to_table().frame["alerts"].tolist() == [2]


def test_alerts_for_an_experiment():
    assert alerts_for_experiment(0.4) == 2 * int(np.ceil((0.24 + 0.16) * (1.959964 + 0.841621) ** 2 / 0.04))
    assert alerts_for_experiment(0.1) > alerts_for_experiment(0.3) > alerts_for_experiment(0.3, 0.1)


def test_rules_come_from_the_study(study):
    toml = study_template("ledger", "arrisk", "2025-06-30", "EUR")
    own = Study.from_toml(toml + "\n[settings.early_warning]\nutilisation = [0.7]\n", Path("study.toml"))
    assert "limit_70" in define_alerts(own).names
    assert "EUR 500" in define_alerts(study)["watch_30"].words
    wrong = Study.from_toml(toml + "\n[settings.early_warning]\nlimit = 0.7\n", Path("study.toml"))
    with pytest.raises(StudyError, match="unknown key 'limit'"):
        define_alerts(wrong)


@pytest.fixture(scope="module")
def backtest():
    people = [f"d{k}" for k in range(20)] + [f"g{k}" for k in range(60)]
    days = [(day, who, "2024-08-01" if who[0] == "d" else None) for day in DAYS for who in people]
    alerts = [(DAYS[0], f"d{k}", "sharp") for k in range(15)] + [
        (DAYS[0], f"g{k}", "sharp") for k in range(10)
    ]
    alerts += [(DAYS[0], f"d{k}", "blunt") for k in range(5)]
    alerts += [(DAYS[0], f"g{k}", "blunt") for k in range(15)]
    on = {"sharp": [False] * len(days), "blunt": [False] * len(days)}
    return judge_rules(outcomes_of(days, alerts, on=on), rules_of("sharp", "blunt"))


def worth(study, low, middle, high):
    """A value of both rules; the blunt one is worth more, but does not separate."""
    rows = [
        {"rule": "sharp", "value": middle, "value_low": low, "value_high": high, "avoided": 300.0 + middle},
        {"rule": "blunt", "value": middle + 1, "value_low": low, "value_high": high + 1, "avoided": 301.0},
    ]
    table = pd.DataFrame(rows).assign(
        alerts=20, sales=1000.0, margin_lost=300.0, false_stop=20.0, at_stake=50.0
    )
    table["break_even"] = table["avoided"] / table["sales"]
    margin, lgd = study.assumption("stop_margin"), study.assumption("lgd")
    labels = {"sharp": "sharp", "blunt": "blunt"}
    return AlertValue(pd.Timestamp("2025-06-30"), "EUR", table, margin, lgd, 90, 0.95, labels)


@pytest.mark.parametrize(
    ("ends", "verdict", "words", "threshold"),
    [
        ((20.0, 100.0, 200.0), "adopt", "stop new orders at the alarm 'sharp'", 0.32),
        ((-50.0, 100.0, 200.0), "keep", "would have gained EUR 100", 0.25),
        ((-200.0, -100.0, -20.0), "keep", "would have cost EUR 100", 0.10),
        ((-900.0, -300.0, -20.0), "keep", "would have cost EUR 300", None),
    ],
)
def test_verdict_follows_the_interval_of_the_best_rule_that_separates(
    study, backtest, ends, verdict, words, threshold
):
    r = recommend_early_warning(study, backtest, rank_alerts(backtest), worth(study, *ends))
    assert r.verdict == verdict
    assert words in r.answer
    assert not r.identified
    assert r.flip.threshold == (None if threshold is None else pytest.approx(threshold))
    assert r.expected_value.value == ends[1]
    assert "Toss a coin at each alarm 'sharp'" in r.experiment
    assert any("blunt" in note for note in r.notes)
    assert {a.name for a in r.assumptions} == {"stop_margin", "lgd", "alert_budget"}
    assert type(r).from_json(r.to_json()).verdict == verdict


def test_alarms_no_better_than_chance_are_rejected(study, backtest):
    dull = judge_rules(backtest.outcomes, rules_of("blunt"))
    r = recommend_early_warning(study, dull, rank_alerts(dull), worth(study, -10.0, 0.0, 10.0))
    assert r.verdict == "reject"
    assert "foretells default better than chance" in r.answer
    assert r.flip.threshold == 1.0
    assert r.flip.current < 1.0


def test_too_few_defaulters_leave_it_open(study):
    snapshot = failing_book().as_of("2025-06-30")
    alerts = alerts_on(snapshot, ["2024-07-10"], ["bad0", "bad1", "good2"])
    backtest = backtest_alerts(alerts, snapshot, DefaultDefinition())
    ranking, value = rank_alerts(backtest), value_alerts(study, backtest, snapshot)
    r = recommend_early_warning(study, backtest, ranking, value)
    assert r.verdict == "the data cannot say"
    assert "2 customers defaulted" in r.answer
    assert r.experiment


def test_a_ledger_too_young_leaves_it_open(study):
    snapshot = failing_book().as_of("2023-03-31")
    alerts = alerts_on(snapshot, ["2023-03-31"], ["bad0"])
    backtest = backtest_alerts(alerts, snapshot, DefaultDefinition())
    r = recommend_early_warning(
        study, backtest, rank_alerts(backtest), value_alerts(study, backtest, snapshot)
    )
    assert r.verdict == "the data cannot say"
    assert "too young" in r.answer
    assert backtest.plot().get_title()
    assert len(backtest.to_table().frame) == 1
