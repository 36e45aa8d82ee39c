from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import LookAheadError, ModelError
from arrisk.models.timing.backtest import REFERENCE, backtest_timing
from arrisk.models.timing.payment_timing import fit_timing
from arrisk.models.timing.simple_days import customer_mean_days, due_date_days
from tests.ledger.frames import event, invoice, ledger_of
from tests.models.payment_books import book_of, rows_of

BRIER = "integrated Brier score"


@pytest.fixture(scope="module")
def snapshot():
    return book_of(41, customers=30, failing=0.1, days=620).as_of("2023-09-10")


@pytest.fixture(scope="module")
def result(snapshot):
    return backtest_timing(snapshot, {"due": fit_timing(snapshot, "due")})


def test_outcomes_are_those_of_the_ledger(snapshot, result):
    """Every item open on a past day counts on it, paid within the horizon or not."""
    day = result.dates[-1]
    held = snapshot.as_of(day).open_items
    later = snapshot.items.set_index("invoice_id").loc[held["invoice_id"]]
    inside = (later["close_kind"] == "paid") & ((later["closed_date"] - day).dt.days <= result.horizon)
    last = result.by_date[(result.by_date["date"] == day) & (result.by_date["model"] == "due")]
    assert last["items"].item() == len(held)
    assert last["paid"].item() == inside.sum()
    assert result.items == result.by_date.loc[result.by_date["model"] == "due", "items"].sum()
    assert day + pd.Timedelta(days=91) <= snapshot.date


def test_the_due_date_rule_is_scored_as_it_stands(snapshot, result):
    """Its curve is 1 before the day it names and 0 from it on, so its Brier score is a share of item-days."""
    misses, rows = 0.0, 0
    for day in result.dates:
        held = snapshot.as_of(day).open_items
        now = snapshot.items.set_index("invoice_id").loc[held["invoice_id"]]
        named = np.maximum((held["due_date"] - day).dt.days.to_numpy(), 1)
        paid = (now["closed_date"] - day).dt.days.where(now["close_kind"] == "paid", 10_000).to_numpy(float)
        ahead = np.arange(1, 92)
        said, was = named[:, None] > ahead, np.maximum(paid, 1)[:, None] > ahead
        misses += (said != was).mean(axis=1).sum()
        rows += len(held)
    assert result.value("due date only", BRIER) == pytest.approx(misses / rows)


def test_curves_beat_the_rules_that_name_a_day(result):
    for rival in ("customer mean", "due date only"):
        assert result.value("due", BRIER) < result.value(rival, BRIER)
        assert result.value(rival, "D-calibration p") < 1e-6
    assert result.value("due", "D-calibration p") > 0.001
    assert result.identified
    low, high = result.interval("due date only", "Brier less reference")
    assert low < result.value("due date only", BRIER) - result.value(REFERENCE, BRIER) < high


def test_pages(result):
    ax = result.plot()
    np.testing.assert_allclose(ax.lines[0].get_ydata(), result.by_day["due"])
    assert result.by_day["due"].mean() == pytest.approx(result.value("due", BRIER))
    table = result.to_table()
    assert table.frame["model"].tolist() == list(result.models)
    assert table.title == result.finding
    assert REFERENCE in result._repr_html_()


def test_what_happens_after_the_snapshot_changes_nothing():
    invoices, events = rows_of(42, customers=15, days=420)
    cut = "2022-12-01"
    known = [e for e in events if e["date"] <= cut], [i for i in invoices if i["issue_date"] <= cut]
    tables = []
    for some, sold in ((events, invoices), known):
        snapshot = ledger_of(sold, some).as_of(cut)
        tables.append(backtest_timing(snapshot, {"due": fit_timing(snapshot, "due")}).table)
    pd.testing.assert_frame_equal(*tables)


def test_a_past_day_knows_what_was_recorded_by_its_evening():
    """Receipts of before that were recorded after it: open on the day, whenever after it they were booked."""
    invoices, events = rows_of(43, customers=20, days=480)
    cut, found = "2022-11-30", []
    for booked in (None, "2022-12-15", "2023-02-10"):
        late = [booked is not None and "2022-11-20" < e["date"] <= cut for e in events]
        told = [{**e, "recorded_date": booked if x else e["date"]} for e, x in zip(events, late, strict=True)]
        snapshot = ledger_of(invoices, told).as_of("2023-04-01")
        tried = backtest_timing(snapshot, {"due": fit_timing(snapshot, "due")}, [cut])
        found.append(tried.by_date.set_index("model"))
    prompt, soon, slow = found
    pd.testing.assert_frame_equal(soon, slow)
    assert soon["items"].iloc[0] - prompt["items"].iloc[0] == sum(late) > 3
    # Their cash had come, so they count as paid on the first day.
    assert soon["paid"].iloc[0] - prompt["paid"].iloc[0] == sum(late)


def test_late_past_days_are_censored_not_left_out(snapshot):
    models = {"due": fit_timing(snapshot, "due")}
    found = backtest_timing(snapshot, models, ["2023-05-01", "2023-08-20"])
    assert found.horizon == 91
    assert len(found.dates) == 2
    short = backtest_timing(snapshot, models, ["2023-08-20"])
    assert short.horizon == 21


def test_items_written_off_are_unpaid_for_good():
    invoices = [
        invoice(f"i{k:03d}", f"2023-{1 + k % 9:02d}-05", 10, f"2023-{1 + k % 9:02d}-25") for k in range(90)
    ]
    events = []
    for k, i in enumerate(invoices):
        due = pd.Timestamp(i["due_date"])
        lost = k % 10 == 0
        day = due + pd.Timedelta(days=20 if lost else k % 7)
        events.append(event(i["invoice_id"], f"{day:%Y-%m-%d}", 10, "write_off" if lost else "payment"))
    snapshot = ledger_of(invoices, events).as_of("2023-12-31")
    found = backtest_timing(snapshot, {"due": fit_timing(snapshot, "due")}, ["2023-09-10"])
    assert found.by_date.loc[found.by_date["model"] == "due", "items"].item() == 11
    assert found.by_date.loc[found.by_date["model"] == "due", "paid"].item() == 9
    assert not found.identified
    assert "too few" in found.finding


def test_refuses_to_look_ahead(snapshot):
    models = {"due": fit_timing(snapshot, "due")}
    with pytest.raises(LookAheadError, match="is not before"):
        backtest_timing(snapshot, models, ["2023-09-10"])
    with pytest.raises(LookAheadError, match="knows more"):
        backtest_timing(snapshot.as_of("2023-09-01"), models)
    young = snapshot.as_of("2022-06-01")
    with pytest.raises(ModelError, match="no past day"):
        backtest_timing(young, {"due": fit_timing(young, "due")})


def test_named_days_by_hand():
    rows = [
        invoice("p1", "2024-01-01", 10, "2024-01-31", customer_id="a"),
        invoice("p2", "2024-01-01", 10, "2024-01-31", customer_id="a"),
        invoice("p3", "2024-01-01", 10, "2024-01-31", customer_id="b"),
        invoice("o1", "2024-02-01", 10, "2024-03-02", customer_id="a"),
        invoice("o2", "2024-02-01", 10, "2024-02-12", customer_id="b"),
        invoice("o3", "2024-02-01", 10, "2024-03-02", customer_id="new"),
        invoice("o4", "2024-02-01", 10, None, customer_id="a"),
    ]
    paid = [event("p1", "2024-02-04", 10), event("p2", "2024-02-07", 10), event("p3", "2024-02-10", 10)]
    snapshot = ledger_of(rows, paid).as_of("2024-02-20")
    due, mean = due_date_days(snapshot), customer_mean_days(snapshot)
    # Due in 11 days, overdue, in 11 days; without a due date the median terms of 30 days.
    assert due.open_items(snapshot)["wait"].tolist() == [11, 1, 11, 11]
    # a was 5.5 days late on average, b 10, all 7.
    assert mean.open_items(snapshot)["wait"].tolist() == [17, 2, 18, 17]
    chances = due.rates(due.open_items(snapshot), snapshot.date, 15).paths()
    np.testing.assert_allclose(chances.argmax(axis=1) + 1, [11, 1, 11, 11])
    np.testing.assert_allclose(chances.max(axis=1), 1.0)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)
