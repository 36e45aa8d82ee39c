"""The worklist by hand, the back-test against a plain count, and the verdict of the weekly meeting."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.timing.payment_timing import fit_timing, refit_hazards
from arrisk.policy.health import make_health
from arrisk.policy.study_file import Queue
from arrisk.policy.weekly_review import recommend_health
from arrisk.policy.worklist import candidates, make_worklist
from arrisk.policy.worklist_backtest import AT_STAKE, RULES, backtest_worklist
from tests.ledger.frames import event, invoice, ledger_of
from tests.policy.test_ownership import late_payers, study_with

QUEUES = (Queue("sales", 0, 30), Queue("finance", 31, 60), Queue("legal", 90, None))


@pytest.fixture(scope="module")
def sample(sample_study):
    return sample_study


def with_open_items():
    """Forty settled items, most paid ten days late, and six that are open on 30 June."""
    invoices = [invoice(f"p{n}", "2025-01-01", 50, "2025-01-31", customer_id=f"p{n % 12}") for n in range(40)]
    events = [event(f"p{n}", f"2025-02-{10 + n % 15}", 50) for n in range(40)]
    invoices += [
        invoice("1", "2025-05-01", 1000, "2025-06-20", customer_id="a", salesperson="Ann"),
        invoice("2", "2025-04-01", 100, "2025-04-20", customer_id="a", salesperson="Ben"),
        invoice("3", "2025-06-01", 5000, "2025-07-07", customer_id="b", salesperson="Ben"),
        invoice("4", "2025-06-01", 9000, "2025-07-08", customer_id="later"),
        invoice("5", "2025-06-01", 9000, None, customer_id="undated"),
        invoice("6", "2025-05-01", 800, "2025-06-29", customer_id="<b>", dispute_opened="2025-06-30"),
        invoice("7", "2025-05-01", -90, "2025-06-29", customer_id="<b>"),
    ]
    return ledger_of(invoices, events).as_of("2025-06-30")


def test_overdue_and_soon_due_items_by_what_is_at_stake():
    snapshot = with_open_items()
    timing = fit_timing(snapshot, clock="due")
    items = candidates(snapshot, timing, days=30, ahead=7)
    assert set(items["invoice_id"]) == {"1", "2", "3", "6"}
    worklist = make_worklist(snapshot, QUEUES, capacity=2)
    predicted = timing.predict(snapshot, days=(30,)).set_index("invoice_id")["p_paid_30"]
    stake = (1 - predicted[["1", "2", "3", "6"]]) * [1000, 100, 5000, 800]
    by_customer = pd.Series({"a": stake["1"] + stake["2"], "b": stake["3"], "<b>": stake["6"]})
    best = by_customer.sort_values(ascending=False)
    assert worklist.table["customer_id"].tolist() == best.index[:2].tolist()
    assert worklist.table["at_stake"].to_numpy() == pytest.approx(best.to_numpy()[:2])
    assert worklist.at_stake == pytest.approx(by_customer.sum())
    assert worklist.covered == pytest.approx(best[:2].sum() / best.sum())
    assert worklist.curve[-1] == pytest.approx(1)
    assert (worklist.candidates, worklist.amount, worklist.open_amount) == (3, 6900, 24900)


def test_reasons_owners_and_sellers():
    table = make_worklist(with_open_items(), QUEUES).table.set_index("customer_id")
    assert table.loc["a", "reason"] == "2 items overdue, the oldest 71 days"
    assert table.loc["a", "owner"] == "nobody"
    assert table.loc["a", "salesperson"] == "Ann"
    assert table.loc["b", "reason"] == "1 due within 7 days"
    assert table.loc["b", "owner"] == "sales"
    reason = table.loc["<b>", "reason"]
    assert reason == "1 day overdue; 100% in dispute; 90 of credits and unapplied cash to clear"


def test_tables_hold_the_items_behind_the_rows_and_escape_them():
    worklist = make_worklist(with_open_items(), QUEUES, capacity=1)
    items = worklist.items_table().frame
    assert items["customer_id"].unique().tolist() == worklist.table["customer_id"].tolist()
    assert items["at_stake"].sum() == pytest.approx(worklist.listed)
    assert "<b>" not in make_worklist(with_open_items())._repr_html_()
    worklist.plot().figure.canvas.draw()


def test_without_due_dates_there_is_no_list(tmp_path):
    ledger = ledger_of([invoice(str(n), "2025-01-01", 50) for n in range(30)])
    snapshot = ledger.as_of("2025-06-30")
    worklist, backtest = make_worklist(snapshot), backtest_worklist(snapshot)
    assert worklist.table.empty
    assert worklist.finding().startswith("No list can be made: ")
    assert worklist.to_table().frame.empty
    assert worklist.items_table().frame.empty
    worklist.plot().figure.canvas.draw()
    backtest.plot().figure.canvas.draw()
    said = recommend_health(study_with(tmp_path, QUEUES), make_health(snapshot), worklist, backtest)
    assert said.verdict == "the data cannot say"
    assert "due date" in said.experiment


def test_arguments_are_checked():
    snapshot = with_open_items()
    with pytest.raises(ModelError, match="capacity"):
        make_worklist(snapshot, capacity=0)
    with pytest.raises(ModelError, match="days"):
        make_worklist(snapshot, days=0)


def test_the_list_takes_the_curves_it_is_given(sample):
    snapshot = sample.snapshot()
    by_segment = make_worklist(snapshot, timing=fit_timing(snapshot, clock="due", by="segment"))
    assert by_segment.at_stake != make_worklist(snapshot).at_stake


def test_a_past_list_is_a_plain_count(sample):
    """One past day: the list made then, against what is open or was written off thirty days later."""
    snapshot = sample.snapshot()
    test = backtest_worklist(snapshot, capacity=5, dates=1)
    then = snapshot.as_of(snapshot.date - pd.Timedelta(days=30))
    timing = refit_hazards(fit_timing(snapshot, clock="due"), then)
    listed = make_worklist(then, capacity=5, timing=timing)
    keys = ["invoice_id", "instalment"]
    before, after = (s.items.set_index(keys) for s in (then, snapshot))
    items = candidates(then, timing).set_index(keys)
    unpaid = (after["open_amount"] + after["written_off_amount"] - before["written_off_amount"]).reindex(
        items.index
    )
    unpaid = np.clip(unpaid, 0, items["open_amount"])
    on = items["customer_id"].isin(listed.table["customer_id"])
    row = test.trials.set_index("rule").loc[AT_STAKE]
    assert row["unpaid"] == pytest.approx(unpaid.sum())
    assert row["listed"] == pytest.approx(unpaid[on].sum())
    assert row["expected"] == pytest.approx(listed.listed)
    assert not test.identified


@pytest.mark.slow
def test_the_sample_s_lists_hold_most_of_what_stays_unpaid(sample):
    test = backtest_worklist(sample.snapshot())
    assert test.dates == 12
    row = test.row()
    assert row["ci_low"] < row["share"] < row["ci_high"]
    assert row["share"] > 0.8
    assert 0.7 < test.ratio_low < test.ratio < test.ratio_high < 1.5
    longer = backtest_worklist(sample.snapshot(), capacity=40, dates=6).row()["share"]
    assert longer > backtest_worklist(sample.snapshot(), capacity=5, dates=6).row()["share"]
    assert set(test.trials["rule"]) == set(RULES)
    test.plot().figure.canvas.draw()
    assert "12 past days" in test._repr_html_()


def test_nothing_later_changes_a_past_list(sample):
    """The trial of a day needs nothing that became known after its thirty days."""
    late, early = (sample.snapshot().as_of(day) for day in ("2025-12-31", "2025-12-01"))
    one = backtest_worklist(late, dates=2).trials
    other = backtest_worklist(early, dates=1).trials
    shared = one[one["date"] == pd.Timestamp("2025-11-01")].reset_index(drop=True)
    pd.testing.assert_frame_equal(shared, other.reset_index(drop=True), check_dtype=False)


def test_verdicts(tmp_path, sample):
    snapshot = sample.snapshot()
    health = make_health(snapshot)
    worklist, test = make_worklist(snapshot, QUEUES), backtest_worklist(snapshot)
    works = recommend_health(study_with(tmp_path, QUEUES), health, worklist, test)
    assert works.verdict == "adopt"
    assert not works.identified
    assert "random tenth" in works.experiment
    assert works.answer.startswith(f"Work the list: {len(worklist.table)} of {worklist.candidates}")
    assert any("Without an owner" in note for note in works.notes)
    rests = recommend_health(study_with(tmp_path, QUEUES, materiality=1e7), health, worklist, test)
    assert rests.verdict == "keep"
    assert rests.flip is not None
    assert rests.flip.threshold == 1e7


def test_customers_that_always_pay_need_no_list(tmp_path):
    """All pay within a week of the due date: bounds by customers, and no meeting."""
    invoices, events = late_payers(12, 2)
    snapshot = ledger_of(invoices, events).as_of("2025-12-31")
    worklist, test = make_worklist(snapshot), backtest_worklist(snapshot)
    assert test.identified
    said = recommend_health(study_with(tmp_path, QUEUES, 500.0), make_health(snapshot), worklist, test)
    assert said.verdict == "keep"
    assert said.expected_value is not None
    assert said.expected_value.low == 0
