import pandas as pd
import pytest

from arrisk.errors import StudyError
from arrisk.portfolio.signals.rules import AlertRules, make_alert_rules


def test_thresholds_come_from_the_settings_and_are_printed():
    rules = make_alert_rules({"utilisation": [0.9], "order_growth": 2.0, "unusual": 4}, 500.0, "EUR")
    words = dict(zip(rules.names, rules.to_table().frame["turns_on_when"], strict=True))
    assert "EUR 500 or more is more than 30 days overdue" in words["watch_30"]
    assert "2 times the own past" in words["spike"]
    assert "90%" in words["limit_90"]
    assert "4 robust standard deviations" in words["age"]
    assert rules["spike"].conditions == (("order_growth", 2.0), ("slower_days", 5.0))
    assert "limit_80" not in rules.names


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"thresholds": 1}, "unknown key 'thresholds'"),
        ({"grid": "daily"}, "allowed are weekly, monthly"),
        ({"lead_days": 200}, "less than horizon_days"),
        ({"refractory_days": -1}, "may not be negative"),
    ],
)
def test_wrong_settings_are_refused(settings, words):
    with pytest.raises(StudyError, match=words):
        make_alert_rules(settings)


def test_rule_names_never_hide_a_measure():
    rules = make_alert_rules()
    measures = {measure for rule in rules.rules for measure, _ in rule.conditions}
    assert not measures & set(rules.names)
    assert isinstance(rules, AlertRules)


def test_conditions_hold_together_and_a_missing_measure_holds_nothing():
    spike = make_alert_rules()["spike"]
    measures = pd.DataFrame({"order_growth": [1.6, 1.6, 1.0, None], "slower_days": [6.0, 1.0, 6.0, 6.0]})
    assert spike.holds(measures).tolist() == [True, False, False, False]


def test_market_rules_are_marked_and_a_level_is_strict():
    rules = make_alert_rules()
    assert [r.name for r in rules.rules if r.common] == ["signal_pmi", "signal_climate"]
    measures = pd.DataFrame({"market_pmi": [0.0, 0.1, -1.0]})
    assert rules["signal_pmi"].holds(measures).tolist() == [False, True, False]
