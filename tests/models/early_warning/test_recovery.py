"""On the sample, whose failing customers slow down before: real rules are found, a nonsense rule is not."""

import numpy as np
import pandas as pd
import pytest

from arrisk.models.early_warning.backtest import backtest_alerts
from arrisk.models.early_warning.ranking import rank_alerts
from arrisk.policy.default_counts import define_default
from arrisk.policy.early_warning import define_alerts
from arrisk.portfolio.signals.alerts import Alerts, make_alerts
from tests.models.early_warning.books import rules_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def study(sample_study):
    return sample_study


@pytest.fixture(scope="module")
def alerts(study):
    return make_alerts(study.snapshot(), define_alerts(study))


@pytest.fixture(scope="module")
def backtest(study, alerts):
    return backtest_alerts(alerts, study.snapshot(), define_default(study))


def test_slow_payment_foretells_default(backtest):
    for rule in ("watch_30", "high_60", "slower", "age", "signal_litigation"):
        row = backtest.row(rule)
        assert row["lift_low"] > 1, rule
        assert row["verdict"] == "separates"
    assert backtest.row("high_60")["precision"] > backtest.row("watch_30")["precision"] > backtest.base
    # The calendar: what is 30 days overdue needs 60 more days for a default.
    assert 50 <= backtest.row("watch_30")["lead_days"] <= 62
    assert backtest.row("age")["lead_days"] > backtest.row("watch_30")["lead_days"]


def test_losses_are_foretold_too(backtest):
    row = backtest.row("age")
    assert row["lost_lift_low"] > 1
    assert 0 < row["lost_share"] < row["precision"]


def test_alerts_at_random_do_not_separate(study, alerts):
    snapshot, rng = study.snapshot(), np.random.default_rng(11)
    rows = alerts.states[alerts.states["active"]]
    verdicts = []
    for _ in range(40):
        table = rows.iloc[rng.choice(len(rows), 250, replace=False)]
        table = table[["date", "customer_id", "exposure"]].assign(rule="noise")
        noise = Alerts(alerts.as_of, rules_of("noise"), alerts.states.assign(noise=False), table)
        verdicts.append(backtest_alerts(noise, snapshot, define_default(study)).row("noise")["verdict"])
    counts = pd.Series(verdicts).value_counts()
    assert counts.get("does not separate", 0) >= 34
    assert counts.get("separates", 0) <= 3


def test_ranking_beats_chance_and_says_whether_it_beats_the_best_rule(backtest, study):
    ranking = rank_alerts(backtest, study.assumption("alert_budget").value, study.seed)
    for ordering in ("combined points", "best single rule"):
        row = ranking.row(ordering)
        assert row["caught_low"] > row["chance"]
    assert ranking.beats == (ranking.difference.low > 0)
    assert ranking.points["watch_30"] > ranking.points["balance"]
