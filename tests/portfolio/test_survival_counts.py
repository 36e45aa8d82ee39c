from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.errors import LedgerError
from arrisk.portfolio.survival_counts import make_survival_counts, unpaid_share
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import DATES, as_of_dates, foreign_ledgers, ledgers
from tests.ledger.test_no_look_ahead import known
from tests.portfolio.plain_survival import counted, plain_counts

clocks = st.sampled_from(["issue", "due"])
windows = st.none() | st.sampled_from(DATES[:60])
cohorts = st.none() | st.tuples(*[st.sampled_from(DATES)] * 2).map(lambda days: tuple(sorted(days)))
attributes = st.sampled_from([(), ("customer_id",), ("segment",), ("department", "segment")])


def rows_of(invoices, events=(), date="2025-03-01", **options):
    counts = make_survival_counts(ledger_of(invoices, list(events)).as_of(date), **options)
    return [tuple(row) for row in counts.table.itertuples(index=False, name=None)], counts


def test_each_cause_leaves_on_its_day():
    invoices = [
        invoice("paid", "2025-01-01", 100, "2025-01-31"),
        invoice("same day", "2025-01-05", 100, "2025-02-04"),
        invoice("before", "2025-01-05", 100, "2025-02-04"),
        invoice("credited", "2025-01-01", 100, "2025-01-31"),
        invoice("lost", "2025-01-01", 100, "2025-01-31"),
        invoice("open", "2025-01-01", 100, "2025-01-31"),
        invoice("credit", "2025-01-01", -20),
    ]
    events = [
        event("paid", "2025-01-11", 100),
        event("same day", "2025-01-05", 100),
        event("before", "2025-01-02", 100),
        event("credited", "2025-01-21", 100, "credit_note"),
        event("lost", "2025-02-20", 100, "write_off"),
    ]
    found, counts = rows_of(invoices, events)
    assert found == [
        (-1, 0, "paid", 2, 200.0),
        (-1, 10, "paid", 1, 100.0),
        (-1, 20, "credited", 1, 100.0),
        (-1, 50, "written off", 1, 100.0),
        (-1, 59, "open", 1, 100.0),
    ]
    assert counts.excluded.to_numpy().tolist() == [["credits (amount not positive)", 1, -20.0]]


def test_partial_payments_are_slices_and_the_rest_is_censored():
    """40 paid on day 10, 30 credited on day 20, 30 open: the item itself is open."""
    events = [event("1", "2025-01-11", 40), event("1", "2025-01-21", 30, "credit_note")]
    found, _ = rows_of([invoice("1", "2025-01-01", 100)], events)
    assert found == [(-1, 10, "paid", 0, 40.0), (-1, 20, "credited", 0, 30.0), (-1, 59, "open", 1, 30.0)]


def test_discount_and_the_write_off_that_cash_then_closes():
    events = [
        event("1", "2025-01-11", 98),
        event("1", "2025-01-11", 2, "discount"),
        event("2", "2025-01-11", 30, "write_off"),
        event("2", "2025-01-21", 70),
    ]
    found, _ = rows_of([invoice("1", "2025-01-01", 100), invoice("2", "2025-01-01", 100)], events)
    assert found == [
        (-1, 10, "paid", 1, 100.0),
        (-1, 10, "written off", 0, 30.0),
        (-1, 20, "paid", 0, 70.0),
        (-1, 20, "written off", 1, 0.0),
    ]


def test_clock_since_due_has_negative_days_and_enters_before_the_day_of_issue():
    invoices = [invoice("1", "2025-01-01", 100, "2025-01-31"), invoice("2", "2025-01-01", 70)]
    found, counts = rows_of(invoices, [event("1", "2025-01-01", 100)], clock="due")
    assert found == [(-31, -30, "paid", 1, 100.0)]
    assert counts.excluded.to_numpy().tolist() == [["without a due date", 1, 70.0]]


def test_a_window_enters_older_items_late_and_drops_what_left_before():
    invoices = [invoice(n, "2025-01-01", 100) for n in ("old", "gone", "partly")]
    invoices.append(invoice("new", "2025-02-15", 100))
    events = [event("gone", "2025-01-20", 100), event("partly", "2025-01-20", 60)]
    found, counts = rows_of(invoices, events, since="2025-01-31")
    assert found == [(-1, 14, "open", 1, 100.0), (29, 59, "open", 2, 140.0)]
    assert counts.excluded.to_numpy().tolist() == [["closed before the window", 1, 160.0]]
    on_the_day, _ = rows_of(invoices, events, since="2025-01-20")
    assert (18, 19, "paid", 1, 160.0) in on_the_day


def test_a_payment_that_bounced_never_left_and_the_item_is_one():
    """Paid on day 10, bounced, paid again on day 40: the item left once, at its last closing."""
    events = [
        event("1", "2025-01-11", 100),
        event("1", "2025-01-15", -100),
        event("1", "2025-02-10", 100),
    ]
    ledger = ledger_of([invoice("1", "2025-01-01", 100)], events)
    states = {
        date: make_survival_counts(ledger.as_of(date)).table.to_numpy().tolist()
        for date in ("2025-01-12", "2025-01-20", "2025-03-01")
    }
    assert states["2025-01-12"] == [[-1, 10, "paid", 1, 100.0]]
    assert states["2025-01-20"] == [[-1, 19, "open", 1, 100.0]]
    assert states["2025-03-01"] == [[-1, 40, "paid", 1, 100.0]]


def test_a_reversal_takes_back_its_own_kind():
    """The cash bounces after the rest was written off: the loss stays, the cash is open."""
    events = [
        event("1", "2025-01-11", 60),
        event("1", "2025-01-21", 40, "write_off"),
        event("1", "2025-01-26", -60),
    ]
    found, _ = rows_of([invoice("1", "2025-01-01", 100)], events)
    assert found == [(-1, 20, "written off", 0, 40.0), (-1, 59, "open", 1, 60.0)]


def test_a_late_record_counts_from_its_date_but_only_once_it_is_known():
    paid = event("1", "2025-01-11", 100, recorded_date="2025-02-01")
    ledger = ledger_of([invoice("1", "2025-01-01", 100)], [paid])
    before, after = (make_survival_counts(ledger.as_of(d)).table for d in ("2025-01-31", "2025-02-01"))
    assert before.to_numpy().tolist() == [[-1, 30, "open", 1, 100.0]]
    assert after.to_numpy().tolist() == [[-1, 10, "paid", 1, 100.0]]


def test_cells_of_customers_and_items():
    invoices = [
        invoice("1", "2025-01-01", 100, customer_id="a", salesperson="x"),
        invoice("2", "2025-01-01", 50, customer_id="b", salesperson="x"),
        invoice("3", "2025-01-01", 30, customer_id="b"),
    ]
    ledger = ledger_of(invoices, customers=[{"customer_id": "a", "segment": "s"}, {"customer_id": "b"}])
    snapshot = ledger.as_of("2025-01-31")
    table = make_survival_counts(snapshot, by=["salesperson", "customer_id"]).table
    assert table[["salesperson", "customer_id", "amount"]].to_numpy().tolist() == [
        ["not given", "b", 30.0],
        ["x", "a", 100.0],
        ["x", "b", 50.0],
    ]
    assert make_survival_counts(snapshot, by="customer_id").table["amount"].tolist() == [100.0, 80.0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"by": "shoe_size"}, "shoe_size"),
        ({"clock": "moon"}, "clock 'moon'"),
        ({"since": "2025-03-02"}, "after the snapshot"),
    ],
)
def test_what_cannot_be_counted_is_refused(options, said):
    with pytest.raises(LedgerError, match=said):
        rows_of([invoice("1", "2025-01-01", 100)], **options)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(ledgers(), as_of_dates, clocks, windows, cohorts, attributes)
def test_counts_are_those_of_the_items_one_by_one(rows, date, clock, since, issued, by):
    ledger = ledger_of(**rows)
    snapshot = ledger.as_of(date)
    counts = make_survival_counts(snapshot, by, clock, since, issued)
    assert counted(counts.table, snapshot.scale) == plain_counts(ledger, snapshot, by, clock, since, issued)
    assert (counts.table["entry"] < counts.table["exit"]).all()
    assert (counts.table[["items", "amount"]] >= 0).all().all()


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(ledgers(), as_of_dates, clocks, windows)
def test_items_alone_are_the_same_items(rows, date, clock, since):
    snapshot = ledger_of(**rows).as_of(date)
    both, alone = (make_survival_counts(snapshot, (), clock, since, amounts=a) for a in (True, False))
    some = both.table[both.table["items"] > 0].drop(columns="amount").reset_index(drop=True)
    pd.testing.assert_frame_equal(some, alone.table)
    pd.testing.assert_frame_equal(both.excluded.drop(columns="amount"), alone.excluded)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(ledgers() | foreign_ledgers(), as_of_dates, clocks, windows)
def test_items_and_amounts_are_conserved(rows, date, clock, since):
    snapshot = ledger_of(**rows).as_of(date)
    counts = make_survival_counts(snapshot, clock=clock, since=since)
    items = snapshot.items
    assert counts.table["items"].sum() + counts.excluded["items"].sum() == len(items)
    parts = np.rint(pd.concat([counts.table["amount"], counts.excluded["amount"]]) * snapshot.scale)
    assert parts.sum() == np.rint(items["amount"] * snapshot.scale).sum()
    still = items[(items["amount"] > 0) & (items["due_date"].notna() | (clock == "issue"))]
    is_open = counts.table["cause"] == "open"
    assert counts.table.loc[is_open, "amount"].sum() == pytest.approx(still["open_amount"].sum())
    assert counts.table.loc[is_open, "items"].sum() == (still["close_kind"] == "open").sum()


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(ledgers() | foreign_ledgers(), as_of_dates, clocks)
def test_later_rows_change_nothing(rows, date, clock):
    early = {name: [r for r in part if known(r, date)] for name, part in rows.items()}
    before, after = (
        make_survival_counts(ledger_of(**part).as_of(date), "customer_id", clock) for part in (early, rows)
    )
    pd.testing.assert_frame_equal(before.table, after.table)
    pd.testing.assert_frame_equal(before.excluded, after.excluded)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(ledgers(), as_of_dates, clocks, windows, attributes)
def test_counts_deeply(rows, date, clock, since, by):
    ledger = ledger_of(**rows)
    snapshot = ledger.as_of(date)
    table = make_survival_counts(snapshot, by, clock, since).table
    assert counted(table, snapshot.scale) == plain_counts(ledger, snapshot, by, clock, since)


def test_share_unpaid_with_entry_by_hand():
    """Two at risk on day 5, of whom one pays; on day 10 two again, for one entered after day 5."""
    counts = pd.DataFrame(
        {
            "entry": [-1, -1, 5],
            "exit": [5, 10, 10],
            "cause": ["paid", "paid", "open"],
            "items": [1, 1, 1],
            "amount": [3.0, 1.0, 1.0],
        }
    )
    assert unpaid_share(counts).loc[[4, 5, 9, 10]].tolist() == [1.0, 0.5, 0.5, 0.25]
    assert unpaid_share(counts, "amount").loc[[5, 10]].tolist() == [0.25, 0.125]
    assert unpaid_share(counts[counts["items"] > 1]).empty


@pytest.fixture(scope="module")
def sample(sample_study):
    return sample_study.ledger()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("date", "clock", "since"), [("2025-12-31", "due", None), ("2024-09-30", "issue", "2024-01-01")]
)
def test_sample_ledger_item_by_item(sample, date, clock, since):
    snapshot, by = sample.as_of(date), ("segment", "salesperson")
    table = make_survival_counts(snapshot, by, clock, since).table
    assert counted(table, 100) == plain_counts(sample, snapshot, by, clock, since)


def test_picture_and_page(sample):
    counts = make_survival_counts(sample.as_of("2025-12-31"), "segment", "due")
    ax = counts.plot()
    shown = counts.to_table().frame
    assert shown["items"].tolist() == sorted(shown["items"], reverse=True)
    assert shown[["open", "paid", "credited", "written_off"]].sum().sum() == counts.table["items"].sum()
    high, low = shown["unpaid_after_30"].max(), shown["unpaid_after_30"].min()
    assert ax.get_title().startswith(f"30 days after the due date {low:.0%} (")
    assert f"{high:.0%}" in ax.get_title()
    assert [t.get_text() for t in ax.get_legend().get_texts()] == shown["segment"].tolist()
    assert "18 without a due date" in counts._repr_html_()
    assert counts.plot(measure="amount").get_ylabel() == "unpaid, share of the amount"
    alone = make_survival_counts(sample.as_of("2025-12-31"), "segment", "due", amounts=False)
    pd.testing.assert_frame_equal(alone.to_table().frame, shown.drop(columns="amount"))
    with pytest.raises(LedgerError, match="hold no 'amount'"):
        alone.plot(measure="amount")


def test_a_ledger_with_credits_alone_has_nothing_to_show():
    counts = make_survival_counts(ledger_of([invoice("1", "2025-01-01", -5)]).as_of("2025-01-31"))
    assert counts.table.empty
    assert counts.plot().get_title() == "Nothing was watched for 60 days after issue"
    assert counts.to_table().frame["items"].tolist() == [0]
