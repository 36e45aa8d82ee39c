from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import LookAheadError, ModelError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.labels import make_invoice_labels, make_labels, purge_overlaps
from tests.ledger.frames import event, invoice, ledger_of

END = "2025-12-31"
DUE = invoice("1", "2025-01-01", 100, "2025-01-31")


def label(at, horizon, invoices, events=(), date=END):
    return make_labels(ledger_of(invoices, list(events)).as_of(date), at, horizon)


@pytest.mark.parametrize(
    ("at", "horizon", "rows"),
    [
        ("2025-04-30", 1, [True]),
        ("2025-04-30", 30, [True]),
        ("2025-04-01", 29, [False]),
        ("2025-04-01", 30, [True]),
        ("2025-05-01", 30, []),
        ("2024-12-31", 30, []),
    ],
)
def test_the_window_is_strictly_after_the_day_and_closed_at_its_end(at, horizon, rows):
    """Default on 2025-05-01. On that day the customer is in default already and leaves the population."""
    books = [DUE, invoice("0", "2024-12-01", 5, "2099-01-01", customer_id="other")]
    labels = label(at, horizon, books)
    assert labels.loc[labels["customer_id"] == "c", "default"].tolist() == rows


def test_a_customer_without_invoice_for_a_year_is_not_judged():
    assert label("2026-01-31", 30, [DUE], [event("1", "2025-02-01", 100)], date="2026-12-31").empty


def test_a_window_that_is_not_over_is_refused():
    with pytest.raises(LookAheadError, match="not yet a good one"):
        label("2025-12-01", 31, [DUE])
    with pytest.raises(ModelError, match="after the day"):
        label("2025-12-01", 0, [DUE])


def test_labels_do_not_move_when_later_rows_arrive_after_the_window():
    early = label("2025-04-01", 60, [DUE], date="2025-06-01")
    later = label("2025-04-01", 60, [DUE], [event("1", "2025-08-01", 100)])
    pd.testing.assert_frame_equal(early, later)


def invoice_labels(at, horizon, invoices, events=(), date=END, definition=None):
    made = make_invoice_labels(ledger_of(invoices, list(events)).as_of(date), at, horizon, definition)
    return made.set_index("invoice_id")


def test_invoices_that_are_open_and_not_in_default_are_labelled():
    """Due 31 January, so 90 days past due on 1 May."""
    books = [
        invoice(number, "2025-01-01", 100, "2025-01-31", customer_id=number)
        for number in ("open", "paid", "written", "part")
    ]
    events = [
        event("paid", "2025-03-01", 100),
        event("written", "2025-04-15", 100, "write_off"),
        event("part", "2025-03-01", 80),
    ]
    labels = invoice_labels("2025-02-28", 90, books, events, definition=DefaultDefinition(materiality=50))
    assert labels["default"].to_dict() == {"open": True, "paid": False, "part": False, "written": True}
    assert labels["cause"].to_dict() == {"open": "overdue", "paid": "", "part": "", "written": "written off"}
    assert labels.loc["open", "default_date"] == pd.Timestamp("2025-05-01")
    assert labels.loc["written", "default_date"] == pd.Timestamp("2025-04-15")
    assert invoice_labels("2025-03-01", 30, books, events).index.tolist() == ["open", "part", "written"]
    assert invoice_labels("2025-05-01", 30, books, events).empty
    assert not invoice_labels("2025-02-28", 61, books, events)["default"]["open"]


def test_the_label_of_an_invoice_is_that_of_a_customer_with_it_alone():
    for at, horizon in (("2025-04-01", 29), ("2025-04-01", 30), ("2025-04-30", 1)):
        customer = label(at, horizon, [DUE])
        single = invoice_labels(at, horizon, [DUE]).reset_index()
        columns = ["default", "default_date", "cause"]
        pd.testing.assert_frame_equal(customer[columns], single[columns], check_dtype=False)


def test_an_invoice_reopened_by_a_reversal_is_judged_by_its_day():
    back = [event("1", "2025-02-10", 100), event("1", "2025-04-01", -100)]
    assert invoice_labels("2025-03-01", 90, [DUE], back).empty
    assert invoice_labels("2025-04-15", 60, [DUE], back)["default"]["1"]


def test_a_window_of_invoices_that_is_not_over_is_refused():
    with pytest.raises(LookAheadError):
        invoice_labels("2025-12-01", 31, [DUE])


def test_labels_of_invoices_do_not_move_with_later_rows(sample_study):
    snapshot = sample_study.snapshot()
    early = make_invoice_labels(snapshot.as_of("2024-12-31"), "2024-06-30", 120)
    later = make_invoice_labels(snapshot, "2024-06-30", 120)
    late_booked = snapshot.events.query("date <= '2024-12-31' < recorded_date")["invoice_id"]
    some = ~early["invoice_id"].isin(late_booked)
    same = later[later["invoice_id"].isin(early.loc[some, "invoice_id"])]
    pd.testing.assert_frame_equal(early[some].reset_index(drop=True), same.reset_index(drop=True))
    assert early["default"].sum() > 5


days = st.integers(0, 700).map(lambda d: pd.Timestamp("2024-01-01") + pd.Timedelta(days=d))


@given(st.sets(st.tuples(st.sampled_from("abc"), days), max_size=15), st.integers(1, 300), st.integers(0, 60))
def test_purged_windows_do_not_overlap_and_none_is_purged_without_need(rows, horizon, gap):
    seen = pd.DataFrame(sorted(rows), columns=["customer_id", "cutoff"])
    seen = seen.astype({"cutoff": "datetime64[s]"})
    kept = purge_overlaps(seen, horizon, gap)
    step = pd.Timedelta(days=horizon + gap)
    for who, part in seen.groupby("customer_id"):
        mine = kept.loc[kept["customer_id"] == who, "cutoff"]
        assert (mine.diff().dropna() >= step).all()
        assert part["cutoff"].min() == mine.min()
        for cutoff in part["cutoff"]:
            assert cutoff in set(mine) or cutoff < mine[mine <= cutoff].max() + step


def test_an_impossible_purge_is_refused():
    seen = pd.DataFrame({"customer_id": ["a", "a"], "cutoff": pd.to_datetime(["2025-01-01"] * 2)})
    with pytest.raises(ModelError, match="twice"):
        purge_overlaps(seen, 30)
    with pytest.raises(ModelError, match="length"):
        purge_overlaps(seen[:1], 30, -1)


def test_purging_from_the_front_does_not_pick_days_by_what_happened():
    """Customers default at a daily rate of 1 in 500 and leave: kept rows default at the rate of all rows."""
    rng = np.random.default_rng(0)
    dies = rng.geometric(1 / 500, 4000)
    begins = rng.integers(0, 60, dies.size)
    who, cutoff = np.nonzero(np.arange(0, 720, 30)[None, :] * 1.0 < dies[:, None])
    cutoff = cutoff * 30 + begins[who]
    seen = pd.DataFrame(
        {"customer_id": who, "cutoff": pd.Timestamp("2024-01-01") + pd.to_timedelta(cutoff, "D")}
    )
    seen = seen.assign(default=cutoff + 180 >= dies[who])[cutoff < dies[who]]
    kept = purge_overlaps(seen, 180)
    truth = 1 - (1 - 1 / 500) ** 180
    assert kept["default"].mean() == pytest.approx(truth, abs=0.02)
    assert len(kept) < len(seen) / 4
