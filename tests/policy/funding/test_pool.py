"""The eligible pool and what a securitisation holds back of it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.policy.funding.pool import PoolRules, _cap, select_pool
from arrisk.policy.funding.pool_history import make_pool_history
from arrisk.policy.funding.reserves import ReserveRules, estimate_advance_rate, reserve_rates
from tests.ledger.frames import event, invoice, ledger_of

LOOSE = PoolRules(largest_share=1.0)


def book():
    return ledger_of(
        [
            invoice("good", "2025-05-01", 100.0, "2025-05-31", customer_id="A"),
            invoice("old", "2025-01-01", 30.0, "2025-02-01", customer_id="B"),
            invoice("new", "2025-05-20", 50.0, "2025-06-20", customer_id="B"),
            invoice("long", "2025-05-01", 70.0, "2025-10-31", customer_id="C"),
            invoice("paid", "2025-04-01", 500.0, "2025-05-01", customer_id="D"),
        ],
        [event("paid", "2025-05-02", 500.0), event("good", "2025-05-20", 40.0)],
    )


def test_every_open_amount_is_eligible_or_has_a_reason():
    pool = select_pool(book().as_of("2025-06-01"), LOOSE)
    assert pool.open == 210.0
    assert pool.customers["eligible"].to_dict() == {"A": 60.0, "B": 50.0, "C": 0.0, "D": 0.0}
    reasons = pool.excluded.set_index("reason")["amount"]
    assert reasons["overdue for too long"] == 30.0
    assert reasons["terms too long"] == 70.0
    assert pool.balance + pool.excluded["amount"].sum() == pytest.approx(pool.open)


def test_a_customer_late_with_too_much_is_refused_whole():
    strict = PoolRules(largest_share=1.0, cross_ageing=0.3)
    pool = select_pool(book().as_of("2025-06-01"), strict)
    assert pool.customers.loc["B", "eligible"] == 0.0
    assert pool.balance + pool.excluded["amount"].sum() == pytest.approx(pool.open)


def test_customers_in_default_and_of_other_countries_are_refused():
    snapshot = book().as_of("2025-06-01")
    assert select_pool(snapshot, LOOSE, in_default=("A",)).customers.loc["A", "eligible"] == 0.0
    assert select_pool(snapshot, PoolRules(largest_share=1.0, countries=("XX",))).balance == 0.0


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=30), st.floats(0.02, 1.0))
def test_nobody_is_above_the_largest_share_and_no_more_is_cut_than_needed(amounts, share):
    balance = pd.Series(amounts)
    kept = _cap(balance, share)
    total = kept.sum()
    assert (kept <= balance + 1e-9).all()
    assert kept.max() <= share * total * (1 + 1e-9) + 1e-6
    cut = kept < balance - 1e-6 * balance
    if cut.any() and total > 0:
        assert kept[cut].to_numpy() == pytest.approx(share * total, rel=1e-6)
    if total == 0:
        assert len(amounts) * share < 1 + 1e-9


def test_what_is_booked_later_changes_neither_pool_nor_history(sample_study):
    ledger, day = sample_study.ledger(), "2024-09-30"
    early = ledger.as_of(day)
    pool, history = select_pool(early), make_pool_history(early)
    late = make_pool_history(ledger.as_of("2025-12-31"))
    shared = history.index[history.index < pd.Period("2024-09", "M")]
    assert select_pool(ledger.as_of(day)).balance == pool.balance
    columns = ["sales", "diluted", "balance"]
    pd.testing.assert_frame_equal(late.loc[shared, columns], history.loc[shared, columns])
    assert pool.balance + pool.excluded["amount"].sum() == pytest.approx(early.open_balance)


def test_month_ends_of_the_history_are_open_balances(sample_study):
    ledger = sample_study.ledger()
    today = ledger.as_of("2025-12-31")
    history, events = make_pool_history(today), today.events
    for month in ("2024-03", "2024-12", "2025-08"):
        end = pd.Period(month, "M").end_time.normalize()
        late = events[(events["date"] <= end) & (events["recorded_date"] > end)]
        unseen = late.loc[late["kind"] != "recovery", "amount"].sum()
        owed = ledger.as_of(end).open_balance - unseen
        assert history.loc[pd.Period(month, "M"), "balance"] == pytest.approx(owed, abs=0.01)


def test_an_invoice_defaults_once_with_what_is_open_on_the_day():
    ledger = ledger_of(
        [
            invoice("1", "2025-01-10", 100.0, "2025-02-10", customer_id="A"),
            invoice("2", "2025-01-10", 80.0, "2025-02-10", customer_id="A"),
            invoice("3", "2025-01-10", 60.0, "2025-02-10", customer_id="A"),
        ],
        [
            event("1", "2025-03-01", 30.0),
            event("1", "2025-08-01", 70.0),
            event("2", "2025-03-05", 80.0, kind="write_off"),
            event("3", "2025-05-01", 60.0),
        ],
    )
    history = make_pool_history(ledger.as_of("2025-12-31"), default_days=91)
    assert history["defaulted"].sum() == 150.0
    assert history.loc[pd.Period("2025-05", "M"), "defaulted"] == 70.0
    assert history.loc[pd.Period("2025-03", "M"), "defaulted"] == 80.0


def test_reserves_by_hand():
    defaults, dilutions = np.zeros(12), np.full(12, 0.01)
    defaults[4:7] = 0.02
    dilutions[3] = 0.04
    rules = ReserveRules(stress=2.5, loss_months=4, dilution_months=1, floor_names=2, rate=0.06, servicing=0)
    found = reserve_rates(defaults, dilutions, 0.5, np.array([0.1, 0.05, 0.02]), 60, rules)
    mean = 0.15 / 12
    assert found["loss"] == pytest.approx(2.5 * 0.02 * 4 * 0.5)
    assert found["dilution"] == pytest.approx((2.5 * mean + (0.04 - mean) * 0.04 / mean) * 0.5)
    assert found["floor"] == pytest.approx(0.15 + mean * 0.5)
    assert found["running"] == pytest.approx(1.5 * 60 / 365 * 1.5 * 0.06)
    core = max(found["loss"] + found["dilution"], found["floor"])
    assert found["advance"] == pytest.approx(1 - core - found["running"])


def test_a_young_ledger_has_no_advance_rate():
    history = make_pool_history(book().as_of("2025-06-01"))
    found = estimate_advance_rate(history, np.ones(1), 1.0, pd.Timestamp("2025-06-01"))
    assert not found.known
    assert "too young" in found.finding()


@pytest.mark.parametrize("bad", [{"largest_share": 0.0}, {"cross_ageing": 2.0}, {"longest_term": 0}])
def test_impossible_rules_are_errors(bad):
    with pytest.raises(ModelError):
        PoolRules(**bad)
