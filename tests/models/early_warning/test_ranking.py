"""The combination against the best single rule, on time after the fit."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.early_warning import ranking as module
from arrisk.models.early_warning.backtest import judge_rules
from arrisk.models.early_warning.past import make_past
from arrisk.models.early_warning.queue import handle
from arrisk.models.early_warning.ranking import COMBINED, SINGLE, rank_alerts
from tests.models.early_warning.books import AS_OF, START, outcomes_of, rules_of

HORIZON = 100
NAMES = ["strong", "weak", "noise"]


def history(seed: int = 0, customers: int = 120, failing: int = 60):
    """Weekly days of customers; the strong rule is on 60 days before most defaults, the weak before some."""
    rng = np.random.default_rng(seed)
    days, states = pd.date_range(START, AS_OF, freq="7D"), []
    fails = {k: START + pd.Timedelta(days=int(rng.integers(60, 546))) for k in range(failing)}
    seen = {
        (k, rule): rng.random() < share for k in fails for rule, share in (("strong", 0.8), ("weak", 0.4))
    }
    for day in days:
        for k in range(customers):
            date = fails.get(k, pd.Timestamp.max)
            if day >= date:
                continue
            ahead = (date - day).days
            near = {rule: ahead <= 60 and seen.get((k, rule), False) for rule in ("strong", "weak")}
            quiet = rng.random(3) < (0.01, 0.02, 0.05)
            on = [near["strong"] or quiet[0], near["weak"] or quiet[1], quiet[2]]
            states.append(
                (f"{day:%Y-%m-%d}", f"c{k:03d}", f"{date:%Y-%m-%d}" if ahead <= HORIZON else None, *on)
            )
    return states


def backtest_of(states, **rules):
    on = {name: [bool(row[3 + at]) for row in states] for at, name in enumerate(NAMES)}
    before: dict[tuple[str, str], bool] = {}
    alerts = []
    for row in states:
        for at, name in enumerate(NAMES):
            if row[3 + at] and not before.get((row[1], name), False):
                alerts.append((row[0], row[1], name))
            before[row[1], name] = bool(row[3 + at])
    outcomes = outcomes_of([row[:3] for row in states], alerts, HORIZON, on=on)
    return judge_rules(outcomes, rules_of(*NAMES, horizon_days=HORIZON, lead_days=20, **rules))


@pytest.fixture(scope="module")
def test():
    return backtest_of(history())


@pytest.fixture(scope="module")
def ranking(test):
    return rank_alerts(test, budget=2, seed=1)


def test_points_and_best_rule_find_the_strong_one(ranking):
    assert ranking.best_rule == "strong"
    assert ranking.points["strong"] > ranking.points["weak"] > ranking.points["noise"] >= 0


def test_both_orderings_beat_chance(ranking):
    assert ranking.identified
    for name in (COMBINED, SINGLE):
        row = ranking.row(name)
        assert row["caught_low"] > row["chance"]
        assert row["lead_days"] >= 20
    assert ranking.difference.low <= ranking.gain <= ranking.difference.high
    weeks = (AS_OF - ranking.start).days // 7 + 1
    assert ranking.table.query("budget == 2")["handled"].max() <= 2 * weeks


def test_only_defaults_with_a_full_horizon_after_the_start_are_counted(test, ranking):
    late = test.outcomes.defaults["date"] >= ranking.start + pd.Timedelta(days=HORIZON)
    assert ranking.defaults == late.sum()
    assert ranking.start >= START + pd.Timedelta(days=HORIZON)


def test_what_happens_later_does_not_change_what_is_handled_before(test):
    outcomes = test.outcomes
    turn = pd.Timestamp("2025-01-01")
    later = outcomes.days["date"] + pd.Timedelta(days=HORIZON) > turn
    rng = np.random.default_rng(5)
    flipped = outcomes.days.copy()
    flipped.loc[later, "defaulted"] = rng.random(int(later.sum())) < 0.5
    other = replace(outcomes, days=flipped)

    def handled(of):
        past = make_past(of, NAMES, 20, seed=3)
        start, queues = module._queues(past, of, [2], 2, 90)
        return start, {k: q.loc[q["date"] <= turn, ["date", "customer_id"]] for k, q in queues.items()}

    (start, one), (start_too, two) = handled(outcomes), handled(other)
    assert start == start_too < turn
    for key, rows in one.items():
        assert len(rows)
        pd.testing.assert_frame_equal(rows, two[key])


def test_a_customer_is_scored_by_what_others_taught(test):
    past = make_past(test.outcomes, NAMES, 20, seed=3)
    scores = {name: np.zeros(len(past.day)) for name in (COMBINED, SINGLE)}
    use = past.fold == 0
    module._score(past, use, ~use, 2, scores)
    want = past.on[use] @ past.points(~use)
    got = scores[COMBINED][use]
    assert ((got == 0) | (got == want)).all()
    assert (got > 0).any()
    assert not scores[COMBINED][~use].any()


def test_too_few_defaulters_rank_nothing(test):
    few = backtest_of(history(customers=30, failing=6))
    weak = rank_alerts(few, budget=2)
    assert not weak.identified
    assert weak.doubt
    assert weak.to_table().title.startswith("No ordering can be tested")
    assert weak.plot().get_title().startswith("No ordering")
    none = backtest_of(history(customers=20, failing=2))
    assert rank_alerts(none).points == {}
    assert rank_alerts(none).points_table().frame.empty
    with pytest.raises(ModelError, match="budget = 0"):
        rank_alerts(test, budget=0)


def test_shown(ranking):
    assert "strong" in ranking.points_table().frame["rule"].tolist()
    assert ranking.plot().get_xlabel() == "alerts handled a week (at most)"
    assert "best single rule" in ranking.to_table().title
    assert ranking.earlier.low <= ranking.earlier_days <= ranking.earlier.high


def test_queue_keeps_to_the_budget_and_the_silent_time():
    dates = pd.to_datetime(["2024-01-01"] * 3 + ["2024-01-08"] * 3)
    rows = pd.DataFrame(
        {"date": dates, "customer_id": list("abcabc"), "score": [3.0, 2, 0, 3, 2, 1], "exposure": 1.0}
    )
    got = handle(rows, 2, 30)
    assert got["customer_id"].tolist() == ["a", "b", "c"]
    assert handle(rows, 1, 0)["customer_id"].tolist() == ["a", "a"]
    assert handle(rows.assign(score=1.0, exposure=[1, 3, 2, 1, 3, 2]), 1, 0)["customer_id"].tolist() == [
        "b",
        "b",
    ]


@pytest.mark.slow
def test_a_copy_of_the_best_rule_does_not_make_the_combination_win():
    """Where all rules carry the same news, combining adds nothing, and is not said to."""
    wins = []
    for seed in range(8):
        states = [(*row[:3], row[3], row[3], row[3]) for row in history(seed, 60, 30)]
        wins.append(rank_alerts(backtest_of(states), budget=2, seed=seed).beats)
    assert sum(wins) <= 1
