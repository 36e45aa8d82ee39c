"""Alerts of small ledgers, worked out by hand, and never from what was known later."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.portfolio.signals.alerts import grid_days, make_alerts
from arrisk.portfolio.signals.rules import make_alert_rules
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import ledgers
from tests.models.early_warning.books import failing_book


def test_overdue_rules_by_hand():
    # Due 31 January: more than 30 days overdue from 2 March, the next Tuesday is 5 March.
    rows = [invoice("1", "2024-01-01", 100.0, "2024-01-31")]
    paid = [event("1", "2024-03-20", 100.0)]
    alerts = make_alerts(ledger_of(rows, paid).as_of("2024-04-30"))
    assert alerts.table[["date", "rule"]].astype(str).values.tolist() == [["2024-03-05", "watch_30"]]
    assert alerts.table["exposure"].tolist() == [100.0]
    now = alerts.now.iloc[0]
    assert not now["watch_30"]
    assert now["days_on_watch_30"] == 0


def test_materiality_keeps_small_amounts_out():
    rows = [invoice("1", "2024-01-01", 100.0, "2024-01-31")]
    rules = make_alert_rules(materiality=100.01)
    assert make_alerts(ledger_of(rows).as_of("2024-04-30"), rules).table.empty


def test_limit_use_counts_a_limit_of_zero_and_not_a_missing_one():
    rows = [invoice(c, "2024-02-01", 90.0, "2024-12-31", customer_id=c) for c in ("none", "zero", "set")]
    rows.append(invoice("old", "2024-01-01", 1.0, "2024-12-31", customer_id="old"))
    limits = [
        {"customer_id": "zero", "valid_from": "2024-01-01", "credit_limit": 0.0},
        {"customer_id": "set", "valid_from": "2024-01-01", "credit_limit": 100.0},
    ]
    alerts = make_alerts(ledger_of(rows, limits=limits).as_of("2024-03-05"))
    found = set(alerts.table[["customer_id", "rule"]].itertuples(index=False, name=None))
    assert found == {("zero", "limit_80"), ("zero", "limit_100"), ("set", "limit_80")}
    now = alerts.now.set_index("customer_id")
    assert alerts.rules["limit_80"].tell(now.loc["set"]) == "limit used 90%"
    assert alerts.rules["limit_80"].tell(now.loc["zero"]) == "owes on a limit of zero"


def test_growing_age_and_balance_of_a_customer_that_stops_paying():
    alerts = make_alerts(failing_book(bad=1, good=2).as_of("2025-01-31"))
    bad = alerts.table[alerts.table["customer_id"] == "bad0"]
    first = bad.drop_duplicates("rule").set_index("rule")["date"]
    # Due on 1 June and never paid: 15 days overdue on 16 June, 31 on 2 July.
    assert pd.Timestamp("2024-06-16") <= first["age"] <= pd.Timestamp("2024-06-22")
    assert pd.Timestamp("2024-07-02") <= first["watch_30"] <= pd.Timestamp("2024-07-08")
    assert first["age"] < first["watch_30"] < first["high_60"]
    assert "balance" in first.index
    good = alerts.table[alerts.table["customer_id"] != "bad0"]
    assert good.empty


def test_grids():
    snapshot = failing_book(1, 1).as_of("2024-03-15")
    weekly = grid_days(snapshot, make_alert_rules())
    monthly = grid_days(snapshot, make_alert_rules({"grid": "monthly"}))
    assert weekly[-1] == monthly[-1] == snapshot.day
    assert (np.diff(weekly) == 7).all()
    assert weekly[0] - 7 < pd.Timestamp(snapshot.first_date).toordinal() - 719163 <= weekly[0]
    assert len(monthly) == 15
    alerts = make_alerts(snapshot, make_alert_rules({"grid": "monthly"}))
    assert (alerts.days == monthly).all()


@pytest.mark.slow
@settings(deadline=None, max_examples=6)
@given(ledgers(), st.integers(1, 6))
def test_alerts_are_never_changed_by_what_became_known_later(rows, weeks):
    ledger = ledger_of(**rows)
    last = ledger.as_of("2024-07-31")
    rules = make_alert_rules()
    whole = make_alerts(last, rules)
    day = last.date - pd.Timedelta(weeks=weeks)
    then = make_alerts(last.as_of(day), rules)
    before = whole.table[whole.table["date"] <= day].reset_index(drop=True)
    pd.testing.assert_frame_equal(then.table, before, check_dtype=False)


@pytest.mark.slow
def test_sample_alerts_do_not_look_ahead(sample_study):
    snapshot = sample_study.snapshot()
    rules = make_alert_rules({"grid": "monthly"}, 500.0)
    whole, day = make_alerts(snapshot, rules), pd.Timestamp("2024-09-30")
    then = make_alerts(snapshot.as_of(day), rules)
    before = whole.table[whole.table["date"] <= day].reset_index(drop=True)
    assert len(before) > 300
    pd.testing.assert_frame_equal(then.table, before, check_dtype=False)
