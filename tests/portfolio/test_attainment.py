"""Attainment by hand, its edges, its mix, and ledgers that name nobody."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings

from arrisk.errors import LedgerError
from arrisk.ledger.days import day_number
from arrisk.portfolio.attainment import make_attainment
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import as_of_dates, ledgers

SOLD = [
    invoice("1", "2025-01-01", 100, "2025-01-31", customer_id="a", salesperson="Ann", department="North"),
    invoice("2", "2025-01-01", 300, "2025-01-31", customer_id="b", salesperson="Ann", department="North"),
    invoice("3", "2025-01-01", 50, "2025-02-28", customer_id="a", salesperson="Ben", department="North"),
    invoice("4", "2025-01-01", 70, None, customer_id="a", salesperson="Ben"),
    invoice("5", "2025-01-01", -40, "2025-01-31", customer_id="a", salesperson="Ben"),
]
PAID = [
    event("1", "2025-02-03", 100),  # the last day of grace
    event("2", "2025-01-20", 120),
    event("2", "2025-02-04", 100),  # a day too late
    event("2", "2025-02-20", 30, kind="credit_note"),
    event("3", "2025-02-01", 50),
]


def test_money_in_time_by_salesperson():
    attainment = make_attainment(ledger_of(SOLD, PAID).as_of("2025-06-30"), "salesperson")
    table = attainment.table.set_index("salesperson")
    assert table.loc["Ann", ["customers", "items"]].tolist() == [2, 2]
    assert table.loc["Ann", ["fell_due", "collected_in_time"]].tolist() == [370, 220]
    assert table.loc["Ann", "rate"] == pytest.approx(220 / 370)
    assert table.loc["Ben", ["fell_due", "rate"]].tolist() == [50, 1]
    assert attainment.measure == "collected in time"
    assert "from 59% to 100%" in attainment.finding()


def test_period_and_grace_have_sharp_ends():
    snapshot = ledger_of(SOLD, PAID).as_of("2025-06-30")
    february = make_attainment(snapshot, "salesperson", "2025-01-31", "2025-02-28").table
    assert february["salesperson"].tolist() == ["Ben"]
    january = make_attainment(snapshot, "salesperson", "2025-01-30", "2025-01-31", grace_days=2).table
    assert january["collected_in_time"].tolist() == [120]
    later = make_attainment(snapshot, "salesperson", "2025-01-30", "2025-01-31", grace_days=4).table
    assert later["collected_in_time"].tolist() == [320]


def test_grace_must_have_run_out():
    snapshot = ledger_of(SOLD, PAID).as_of("2025-02-02")
    with pytest.raises(LedgerError, match="2025-01-30"):
        make_attainment(snapshot, "salesperson", end="2025-01-31")
    with pytest.raises(LedgerError, match="grace"):
        make_attainment(snapshot, "salesperson", "2025-01-20", "2025-01-10")
    with pytest.raises(LedgerError, match="shoe_size"):
        make_attainment(snapshot, "shoe_size")


def test_by_a_customer_attribute_and_against_the_mix():
    customers = [
        {"customer_id": "a", "segment": "slow"},
        {"customer_id": "b", "segment": "fast"},
        {"customer_id": "d", "segment": "slow"},
    ]
    sold = [
        invoice("1", "2025-01-01", 100, "2025-01-31", customer_id="a", salesperson="Ann"),
        invoice("2", "2025-01-01", 100, "2025-01-31", customer_id="b", salesperson="Ben"),
        invoice("3", "2025-01-01", 300, "2025-01-31", customer_id="d", salesperson="Ben"),
    ]
    snapshot = ledger_of(
        sold, [event("1", "2025-01-31", 100), event("2", "2025-01-31", 100)], customers=customers
    )
    by_segment = make_attainment(snapshot.as_of("2025-06-30"), "segment").table.set_index("segment")["rate"]
    assert by_segment.to_dict() == {"slow": 0.25, "fast": 1.0}
    by_seller = make_attainment(snapshot.as_of("2025-06-30")).table.set_index("salesperson")
    assert by_seller["mix_rate"].to_dict() == {"Ann": 0.25, "Ben": (100 + 75) / 400}


def test_disputed_share_counts_disputes_opened_by_the_deadline():
    sold = [
        invoice("1", "2025-01-01", 30, "2025-01-31", salesperson="Ann", dispute_opened="2025-02-03"),
        invoice("2", "2025-01-01", 70, "2025-01-31", salesperson="Ann", dispute_opened="2025-02-04"),
    ]
    assert make_attainment(ledger_of(sold).as_of("2025-06-30")).table["disputed_share"].tolist() == [0.3]


def test_a_ledger_that_names_nobody_says_so():
    attainment = make_attainment(
        ledger_of([invoice("1", "2025-01-01", 30, "2025-01-31")]).as_of("2025-06-30")
    )
    assert attainment.table["salesperson"].tolist() == ["not given"]
    assert not attainment.names_units
    assert attainment.finding().startswith("The ledger names no salesperson; in all, 0%")
    nothing = make_attainment(ledger_of([invoice("1", "2025-01-01", 30)]).as_of("2025-06-30"))
    assert nothing.table.empty
    assert "Nothing fell due" in nothing.to_table().title


def test_text_of_the_ledger_is_escaped():
    sold = [invoice("1", "2025-01-01", 30, "2025-01-31", salesperson="<script>")]
    assert "<script>" not in make_attainment(ledger_of(sold).as_of("2025-06-30"))._repr_html_()


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(ledgers(), as_of_dates)
def test_it_equals_a_plain_count_of_items_and_movements(rows, day):
    ledger = ledger_of(**rows)
    snapshot = ledger.as_of(day)
    found = make_attainment(snapshot, "customer_id", grace_days=3)
    moves = ledger.movements[(ledger.movements["day"] <= day_number(day)) & (ledger.movements["side"] == 0)]
    due = paid = 0
    for _, own in moves.groupby("item"):
        last = own["due_day"].iloc[0]
        if pd.isna(last) or not day_number(found.start) < last <= day_number(found.end):
            continue
        owed = own.loc[own["kind"].isin([0, 2, 3]), "amount"].sum()
        in_time = -own.loc[(own["kind"] == 1) & (own["event_day"] <= last + 3), "amount"].sum()
        due += max(owed, 0)
        paid += min(max(in_time, 0), max(owed, 0))
    assert round(found.table["fell_due"].sum() * 100) == due
    assert round(found.table["collected_in_time"].sum() * 100) == paid
    assert ((found.table["rate"] >= 0) & (found.table["rate"] <= 1)).all()
