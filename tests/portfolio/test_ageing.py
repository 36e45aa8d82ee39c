"""Ageing against published cases, and the properties that make it one."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.errors import LedgerError
from arrisk.policy.study_file import Control
from arrisk.portfolio.ageing import bucket_names, make_ageing
from arrisk.portfolio.ageing_panel import make_ageing_panel
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import DATES, as_of_dates, ledgers

CREDITS = ["own_column", "oldest_first", "netted"]
LEVELS = ["item", "customer"]


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


def test_oracle_a3_is_35_days_past_due_and_5500_open():
    ledger = ledger_of(
        [invoice("1", "2016-11-30", 10_000, "2017-02-28")],
        [event("1", "2016-11-09", 1_500), event("1", "2016-11-30", 1_000), event("1", "2017-01-30", 2_000)],
    )
    snapshot = ledger.as_of("2017-04-04")
    assert snapshot.open_items["days_overdue"].tolist() == [35]
    assert make_ageing(snapshot).total == 5_500
    assert amounts(make_ageing(snapshot, edges=(34,)))["over 34"] == 5_500
    assert amounts(make_ageing(snapshot, edges=(35,)))["1-35"] == 5_500


def test_oracle_a5_paid_later_is_still_open():
    ledger = ledger_of([invoice("1", "2020-04-30", 100, "2020-05-15")], [event("1", "2020-06-30", 100)])
    assert amounts(make_ageing(ledger.as_of("2020-05-31")))["1-30"] == 100
    assert make_ageing(ledger.as_of("2020-06-30")).total == 0


def test_oracle_a7_by_hand():
    rows = [invoice("1", "2025-01-01", 100, "2025-01-10")]
    later = [invoice("2", "2025-01-05", 9, "2025-01-10", recorded_date="2025-02-01")]
    paid = [event("1", "2025-01-20", 60, recorded_date="2025-02-02")]
    want = make_ageing(ledger_of(rows).as_of("2025-01-31"))
    got = make_ageing(ledger_of(rows + later, paid).as_of("2025-01-31"))
    pd.testing.assert_frame_equal(got.table, want.table)
    assert amounts(make_ageing(ledger_of(rows + later, paid).as_of("2025-02-02")))["1-30"] == 49


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(ledgers(), ledgers(), as_of_dates, st.sampled_from(CREDITS), st.sampled_from(LEVELS))
def test_oracle_a7_what_is_known_later_changes_nothing(rows, later, date, credits, level):
    """Also rows dated earlier and recorded later."""
    known = [r for r in later["events"] if r["invoice_id"] is None]
    new = [dict(r, recorded_date="2024-08-01") for r in known]
    new += [dict(r, date="2024-08-01", recorded_date=None) for r in known]
    more = {
        "invoices": rows["invoices"]
        + [dict(r, invoice_id=f"x{r['invoice_id']}", recorded_date="2024-08-01") for r in later["invoices"]],
        "events": rows["events"] + new,
    }
    options = {"credits": credits, "level": level, "by": "department", "edges": (10, 45)}
    before, after = (make_ageing(ledger_of(**r).as_of(date), **options) for r in (rows, more))
    pd.testing.assert_frame_equal(before.table, after.table)
    assert before.total == after.total
    one, two = (make_ageing_panel(ledger_of(**r).as_of(date), **options).table for r in (rows, more))
    pd.testing.assert_frame_equal(one, two)


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
        {"level": "group"},
    ):
        with pytest.raises(LedgerError):
            make_ageing(snapshot, **wrong)
        with pytest.raises(LedgerError):
            make_ageing_panel(snapshot, **wrong)
    with pytest.raises(LedgerError):
        make_ageing_panel(snapshot, months=0)
    assert bucket_names((30,)) == ["1-30", "over 30"]


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(
    ledgers(),
    as_of_dates,
    st.sampled_from(["due", "issue"]),
    st.sampled_from(CREDITS),
    st.sampled_from(LEVELS),
    st.sampled_from([None, "segment", "customer_id", "salesperson", "currency"]),
)
def test_oracle_a8_everything_sums_to_the_open_balance(rows, date, clock, credits, level, by):
    snapshot = ledger_of(**rows).as_of(date)
    ageing = make_ageing(snapshot, (10, 45), clock, by, credits, level)
    assert round(ageing.table["amount"].sum() * 100) == snapshot.open_minor
    items = (snapshot.items["open_amount"].sum() - snapshot.unapplied["amount"].sum()) * 100
    assert round(items) == snapshot.open_minor
    apart = ageing.table.groupby("bucket")["amount"].sum()
    if credits == "own_column":
        assert apart["unapplied cash"] == pytest.approx(-snapshot.unapplied["amount"].sum())
        owed = snapshot.open_items
        assert apart["credits"] == pytest.approx(owed.loc[owed["amount"] < 0, "open_amount"].sum())
    else:
        assert apart["credits"] == 0


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(
    ledgers(),
    st.sampled_from(["due", "issue"]),
    st.sampled_from(CREDITS),
    st.sampled_from(LEVELS),
    st.sampled_from([None, "customer_id", "department"]),
)
def test_the_panel_is_the_ageing_of_each_month_end(rows, clock, credits, level, by):
    snapshot = ledger_of(**rows).as_of(DATES[-1])
    panel = make_ageing_panel(snapshot, 24, (15, 40), clock, by, credits, level)
    for date, month in panel.table.groupby("month_end"):
        alone = make_ageing(snapshot.as_of(date), (15, 40), clock, by, credits, level)
        assert round(month[panel.buckets].to_numpy().sum() * 100) == snapshot.as_of(date).open_minor
        got = alone.table.assign(value=alone.table[by] if by else "")
        wide = got.pivot(index="value", columns="bucket", values="amount")
        have = month.set_index(by if by else pd.Index([""]))[panel.buckets]
        have = have[(have != 0).any(axis=1)].reindex(wide.index, fill_value=0.0)
        pd.testing.assert_frame_equal(have, wide[panel.buckets], check_names=False, check_index_type=False)


@settings(max_examples=5, deadline=None)
@given(ledgers(), st.sampled_from(CREDITS))
def test_the_panel_ends_with_the_ageing_of_the_day(rows, credits):
    snapshot = ledger_of(**rows).as_of(DATES[-1])
    last = make_ageing_panel(snapshot, 3, credits=credits).table.iloc[-1]
    alone = amounts(make_ageing(snapshot, credits=credits))
    assert {k: last[k] for k in alone} == alone


def test_attributes_of_items():
    ledger = ledger_of(
        [
            invoice("1", "2025-01-01", 100, "2025-01-10", salesperson="Ann", department="north"),
            invoice("2", "2025-01-01", 40, "2025-03-10", salesperson="O'Neill", department="north"),
            invoice("3", "2025-01-01", 7, "2025-01-10"),
            invoice("4", "2025-01-01", -5, "2025-01-10", salesperson="Ann"),
        ],
        [event(None, "2025-01-02", 3, customer_id="c")],
    )
    snapshot = ledger.as_of("2025-01-31")
    table = make_ageing(snapshot, by="salesperson").table.pivot(
        index="salesperson", columns="bucket", values="amount"
    )
    assert table["1-30"].to_dict() == {"Ann": 100, "O'Neill": 0, "not given": 7}
    assert table["not due"].to_dict() == {"Ann": 0, "O'Neill": 40, "not given": 0}
    assert table.loc["Ann", "credits"] == -5
    assert table.loc["not given", "unapplied cash"] == -3
    shown = make_ageing(snapshot, by="department").to_table()
    assert shown.title == "Open balance by age and department"
    assert shown.frame["department"].tolist() == ["north", "not given"]
    panel = make_ageing_panel(snapshot, by="salesperson")
    assert set(panel.table["salesperson"]) == {"Ann", "O'Neill", "not given"}
    assert "by salesperson" in panel.to_table().title
    assert "<table" in panel._repr_html_()
    oldest = make_ageing(snapshot, by="salesperson", credits="oldest_first").table
    late = oldest[oldest["bucket"] == "1-30"].set_index("salesperson")["amount"]
    assert late.to_dict() == {"Ann": 92, "O'Neill": 0, "not given": 7}


def test_currency_is_an_attribute():
    rates = [{"date": "2025-01-01", "currency": "USD", "rate": 0.5}]
    ledger = ledger_of(
        [
            invoice("1", "2025-01-02", 100, "2025-01-10", currency="EUR"),
            invoice("2", "2025-01-02", 40, "2025-01-10", currency="USD"),
        ],
        rates=rates,
    )
    table = make_ageing(ledger.as_of("2025-01-31"), by="currency").table
    late = table[table["bucket"] == "1-30"].set_index("currency")["amount"]
    assert late.to_dict() == {"EUR": 100, "USD": 20}


def test_a_customer_stands_whole_in_the_bucket_of_its_oldest_item():
    ledger = ledger_of(
        [
            invoice("1", "2025-01-01", 100, "2025-01-10"),
            invoice("2", "2025-01-01", 40, "2025-03-10"),
            invoice("3", "2025-01-01", 6, None),
            invoice("4", "2025-01-01", -5, "2024-01-10"),
            invoice("5", "2025-01-01", 9, "2025-03-10", customer_id="d"),
            invoice("6", "2025-01-01", 8, None, customer_id="e"),
            invoice("7", "2025-01-01", 70, "2024-06-01", customer_id="f"),
            invoice("8", "2025-01-01", 30, "2025-01-30", customer_id="f"),
        ],
        [event("7", "2025-01-15", 70), event(None, "2025-01-15", 2, customer_id="c")],
    )
    snapshot = ledger.as_of("2025-01-31")
    whole = make_ageing(snapshot, level="customer")
    assert amounts(whole) == {
        "not due": 9, "1-30": 146 + 30, "31-60": 0, "61-90": 0, "over 90": 0, "no due date": 8,
        "credits": -5, "unapplied cash": -2,
    }  # fmt: skip
    assert "bucket of its oldest item" in whole.conventions
    netted = amounts(make_ageing(snapshot, level="customer", credits="netted"))
    assert (netted["1-30"], netted["credits"], netted["unapplied cash"]) == (141 + 30, 0, -2)
    oldest = amounts(make_ageing(snapshot, level="customer", credits="oldest_first"))
    assert (oldest["1-30"], oldest["unapplied cash"]) == (139 + 30, 0)
    issued = amounts(make_ageing(snapshot, level="customer", clock="issue"))
    assert issued["0-30"] == 100 + 40 + 6 + 9 + 8 + 30


def test_oldest_first_moves_the_rest_of_a_customer_to_its_oldest_item_left():
    ledger = ledger_of(
        [invoice("1", "2024-10-01", 100, "2024-10-10"), invoice("2", "2025-01-01", 40, "2025-01-20")],
        [event(None, "2025-01-15", 110, customer_id="c")],
    )
    snapshot = ledger.as_of("2025-01-31")
    oldest = make_ageing(snapshot, credits="oldest_first", level="customer")
    assert {k: v for k, v in amounts(oldest).items() if v} == {"1-30": 30}


def test_tie_out_says_what_agrees_and_refuses_what_does_not():
    snapshot = ledger_of([invoice("1", "2025-01-01", 100.01, "2025-01-10")]).as_of("2025-01-31")
    ageing = make_ageing(snapshot, by="segment")
    good = Control(snapshot.date, 100.01, 0.0)
    other = Control(pd.Timestamp("2024-12-31"), 7.0, 0.0)
    table = ageing.tie_out([other, good])
    assert table.frame["difference"].tolist() == ["0.00", "0.00"]
    assert "control total agrees" in table.title
    assert "gives no control total of 2025-01-31" in ageing.tie_out([other]).note
    with pytest.raises(LedgerError, match=r"control total is 100\.02: difference -0\.01"):
        ageing.tie_out([Control(snapshot.date, 100.02, 0.0)])
    assert len(ageing.tie_out([Control(snapshot.date, 100.02, 0.01)]).frame) == 2


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


def test_pictures_say_what_they_show():
    rows = [
        invoice(str(n), "2025-01-01", 10 + n, "2025-01-10", customer_id=f"c{n}", salesperson=f"s{n}")
        for n in range(14)
    ]
    snapshot = ledger_of([*rows, invoice("x", "2025-01-01", 41, "2025-03-10")]).as_of("2025-01-31")
    assert "% of what is owed is overdue" in make_ageing(snapshot).plot().get_title()
    plt.close("all")
    ax = make_ageing(snapshot, by="salesperson").plot()
    assert "s13 holds 10% of what is overdue" in ax.get_title()
    assert "the 12 largest of 14" in ax.get_title()
    assert len(ax.get_yticklabels()) == 12
    plt.close("all")
    early = make_ageing(snapshot.as_of("2025-01-05"), by="salesperson").plot()
    assert "Nothing is overdue" in early.get_title()
    plt.close("all")
    assert make_ageing_panel(snapshot).plot().get_title().startswith("Overdue share")
    plt.close("all")
    assert make_ageing(snapshot, clock="issue").plot().get_title() == "Age of invoices"
