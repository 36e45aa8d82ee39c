"""Ageing against published cases, and the properties that make it one."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.errors import LedgerError
from arrisk.portfolio.ageing import bucket_names, make_ageing
from arrisk.portfolio.ageing_panel import make_ageing_panel
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import DATES, as_of_dates, ledgers


def amounts(ageing):
    return ageing.table.set_index("bucket")["amount"].to_dict()


def test_oracle_a1():
    due = {
        "2018-01-15": 500,
        "2017-12-15": 1000,
        "2017-11-15": 2000,
        "2017-10-15": 4000,
        "2017-09-15": 8000,
        "2017-08-15": 160000,
    }
    ledger = ledger_of([invoice(day, "2017-08-01", amount, day) for day, amount in due.items()])
    got = amounts(make_ageing(ledger.as_of("2017-12-31"), edges=(30, 60, 90, 120)))
    want = {"not due": 500, "1-30": 1000, "31-60": 2000, "61-90": 4000, "91-120": 8000, "over 120": 160000}
    assert {k: v for k, v in got.items() if v} == want


def test_oracle_a3_in_its_bucket():
    ledger = ledger_of(
        [invoice("1", "2016-11-30", 10_000, "2017-02-28")],
        [event("1", "2016-11-09", 1_500), event("1", "2016-11-30", 1_000), event("1", "2017-01-30", 2_000)],
    )
    assert amounts(make_ageing(ledger.as_of("2017-04-04")))["31-60"] == 5_500


@pytest.mark.parametrize(
    ("date", "bucket"),
    [
        ("2025-01-31", "not due"),
        ("2025-02-01", "1-30"),
        ("2025-03-02", "1-30"),
        ("2025-03-03", "31-60"),
        ("2025-05-02", "over 90"),
    ],
)
def test_day_zero_is_not_overdue_and_edges_belong_below(date, bucket):
    ledger = ledger_of([invoice("1", "2025-01-01", 10, "2025-01-31")])
    assert amounts(make_ageing(ledger.as_of(date)))[bucket] == 10


def test_invoice_clock_needs_no_due_date():
    ledger = ledger_of([invoice("1", "2025-01-01", 10), invoice("2", "2025-01-31", 5, "2025-03-01")])
    got = make_ageing(ledger.as_of("2025-01-31"), clock="issue")
    assert amounts(got) == {
        "0-30": 15,
        "31-60": 0,
        "61-90": 0,
        "over 90": 0,
        "credits": 0,
        "unapplied cash": 0,
    }
    assert amounts(make_ageing(ledger.as_of("2025-01-31")))["no due date"] == 10


def test_credits_have_three_conventions():
    ledger = ledger_of(
        [
            invoice("1", "2025-01-01", 100, "2025-01-10"),
            invoice("2", "2025-03-01", 100, "2025-03-31"),
            invoice("3", "2025-03-01", -30, "2025-03-01"),
        ],
        [event(None, "2025-03-02", 90, customer_id="c")],
    )
    snapshot = ledger.as_of("2025-03-02")
    own = amounts(make_ageing(snapshot))
    assert (own["31-60"], own["not due"], own["credits"], own["unapplied cash"]) == (100, 100, -30, -90)
    oldest = amounts(make_ageing(snapshot, credits="oldest_first"))
    assert (oldest["31-60"], oldest["not due"], oldest["credits"], oldest["unapplied cash"]) == (0, 80, 0, 0)
    netted = amounts(make_ageing(snapshot, credits="netted"))
    assert (netted["1-30"], netted["31-60"], netted["credits"], netted["unapplied cash"]) == (
        -30,
        100,
        0,
        -90,
    )


def test_by_attribute_and_bad_arguments():
    ledger = ledger_of(
        [
            invoice("1", "2025-01-01", 100, "2025-01-10"),
            invoice("2", "2025-01-01", 7, "2025-01-10", customer_id="d"),
        ],
        customers=[{"customer_id": "c", "segment": 'a "b"'}, {"customer_id": "d", "segment": "中'"}],
    )
    snapshot = ledger.as_of("2025-01-31")
    table = make_ageing(snapshot, by="segment").table
    assert table[table["bucket"] == "1-30"].set_index("segment")["amount"].to_dict() == {
        'a "b"': 100,
        "中'": 7,
    }
    for wrong in (
        {"edges": (30, 20)},
        {"edges": ()},
        {"edges": (0,)},
        {"clock": "paid"},
        {"by": "colour"},
        {"credits": "x"},
    ):
        with pytest.raises(LedgerError):
            make_ageing(snapshot, **wrong)
    assert bucket_names((30,)) == ["1-30", "over 30"]


@settings(max_examples=25, deadline=None)
@given(
    ledgers(),
    as_of_dates,
    st.sampled_from(["due", "issue"]),
    st.sampled_from(["own_column", "oldest_first", "netted"]),
)
def test_oracle_a8_everything_sums_to_the_open_balance(rows, date, clock, credits):
    snapshot = ledger_of(**rows).as_of(date)
    ageing = make_ageing(snapshot, edges=(10, 45), clock=clock, credits=credits)
    assert round(ageing.table["amount"].sum() * 100) == snapshot.open_minor
    items = (snapshot.items["open_amount"].sum() - snapshot.unapplied["amount"].sum()) * 100
    assert round(items) == snapshot.open_minor


@settings(max_examples=25, deadline=None)
@given(ledgers())
def test_the_panel_is_the_ageing_of_each_month_end(rows):
    snapshot = ledger_of(**rows).as_of(DATES[-1])
    panel = make_ageing_panel(snapshot, months=24, edges=(15, 40)).table
    for _, row in panel.iterrows():
        alone = amounts(make_ageing(snapshot.as_of(row["month_end"]), edges=(15, 40)))
        assert {k: row[k] for k in alone} == alone


def test_panel_by_segment_sums_to_the_whole():
    ledger = ledger_of(
        [
            invoice("1", "2025-01-01", 100, "2025-01-10"),
            invoice("2", "2025-02-01", 7, "2025-02-10", customer_id="d"),
        ],
        customers=[{"customer_id": "c", "segment": "a"}, {"customer_id": "d", "segment": "b"}],
    )
    snapshot = ledger.as_of("2025-03-15")
    whole = make_ageing_panel(snapshot).table.set_index("month_end")
    parts = make_ageing_panel(snapshot, by="segment").table.drop(columns="segment").groupby("month_end").sum()
    pd.testing.assert_frame_equal(parts, whole, check_names=False)
    assert whole.index[-1] == pd.Timestamp("2025-03-15")
