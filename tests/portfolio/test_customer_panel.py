"""Customers at many dates: by hand, against the ageing panel, and with no look ahead."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.errors import LedgerError, LookAheadError
from arrisk.ledger import customer_statements as statements
from arrisk.ledger.engine import SparkEngine, translate
from arrisk.ledger.reading import read_ledger
from arrisk.portfolio import customer_grid
from arrisk.portfolio.ageing_panel import make_ageing_panel
from arrisk.portfolio.customer_panel import PANEL_COLUMNS, customer_ages, make_customer_panel
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import DATES, foreign_ledgers, ledgers
from tests.portfolio.plain_customers import customers_on

WEEKS = DATES[13::7]
MONTH_ENDS = [day for day in DATES if day.endswith(("-29", "-30"))]


@st.composite
def books(draw):
    """Random ledgers with orders, some cancelled, disputes that end, and customers named before they buy."""
    rows = draw(ledgers() | foreign_ledgers())
    day = st.none() | st.sampled_from(DATES)
    for row in rows["invoices"]:
        row["dispute_closed"] = draw(day)
    orders = draw(
        st.lists(st.tuples(st.sampled_from(DATES), day, st.sampled_from(["c0", "c1", "c9"])), max_size=4)
    )
    rows["orders"] = [
        {"order_id": f"o{n}", "customer_id": who, "order_date": placed, "cancelled_date": cancelled,
         "amount": 7.0 + n, "currency": "EUR"}
        for n, (placed, cancelled, who) in enumerate(orders)
    ]  # fmt: skip
    if draw(st.booleans()):
        rows["customers"] = [{"customer_id": "c0"}, {"customer_id": "a", "since_date": draw(day)}]
    return rows


def plain(ledger, days):
    return pd.concat([customers_on(ledger.as_of(day)) for day in days], ignore_index=True)


@pytest.mark.slow
@settings(max_examples=4, deadline=None)
@given(books(), st.sampled_from([WEEKS, MONTH_ENDS]))
def test_one_pass_is_the_snapshot_of_each_day(rows, days):
    ledger = ledger_of(**rows)
    table = make_customer_panel(ledger.as_of(DATES[-1]), days).table
    pd.testing.assert_frame_equal(table, plain(ledger, days), check_exact=True)


@settings(max_examples=4, deadline=None)
@given(books())
def test_customers_may_come_in_parts(rows):
    snapshot = ledger_of(**rows).as_of(DATES[-1])
    whole = make_customer_panel(snapshot, WEEKS).table
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(customer_grid, "ROWS_AT_ONCE", 1)
        pd.testing.assert_frame_equal(make_customer_panel(snapshot, WEEKS).table, whole, check_exact=True)
    ages = customer_ages(snapshot, WEEKS)
    pd.testing.assert_frame_equal(ages, whole[list(ages)], check_exact=True)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(books(), st.sampled_from([WEEKS, MONTH_ENDS]))
def test_one_pass_is_the_snapshot_of_each_day_deeply(rows, days):
    ledger = ledger_of(**rows)
    table = make_customer_panel(ledger.as_of(DATES[-1]), days).table
    pd.testing.assert_frame_equal(table, plain(ledger, days), check_exact=True)


def on(ledger, *days, customer="c"):
    """Rows of one customer, a dict for each day."""
    table = make_customer_panel(ledger.as_of(days[-1]), days).table
    return table[table["customer_id"] == customer].to_dict("records")


def test_open_and_overdue_by_hand():
    ledger = ledger_of(
        [invoice("1", "2025-01-01", 100, "2025-01-31"), invoice("2", "2025-02-01", 50, "2025-03-01")],
        [event("1", "2025-03-10", 40), event("1", "2025-05-20", 60), event("2", "2025-02-20", 50)],
    )
    days = ["2025-01-31", "2025-02-01", "2025-03-02", "2025-03-03", "2025-04-01", "2025-05-02", "2025-05-31"]
    rows = on(ledger, *days)
    kept = ["open_amount", "overdue_amount", "overdue_30", "overdue_60", "overdue_90", "oldest_overdue_days"]
    assert [[row[c] for c in kept] for row in rows] == [
        [100, 0, 0, 0, 0, 0],
        [150, 100, 0, 0, 0, 1],
        [100, 100, 0, 0, 0, 30],
        [100, 100, 100, 0, 0, 31],
        [60, 60, 60, 0, 0, 60],
        [60, 60, 60, 60, 60, 91],
        [0, 0, 0, 0, 0, 0],
    ]
    assert [row["open_items"] for row in rows] == [1, 2, 1, 1, 1, 1, 0]
    assert [row["overdue_items"] for row in rows] == [0, 1, 1, 1, 1, 1, 0]


def test_windows_hold_the_days_up_to_the_date():
    ledger = ledger_of(
        [invoice("1", "2025-01-01", 100, "2025-01-10"), invoice("2", "2025-01-02", 7, None)],
        [event("1", "2025-01-15", 100), event("2", "2025-01-15", 7)],
    )
    rows = on(ledger, "2025-03-31", "2025-04-01", "2025-04-14", "2025-04-15", "2026-01-14", "2026-01-15")
    assert [row["invoiced_90"] for row in rows] == [107, 7, 0, 0, 0, 0]
    assert [row["settled_90"] for row in rows] == [2, 2, 2, 0, 0, 0]
    assert [row["settled_365"] for row in rows] == [2, 2, 2, 2, 2, 0]
    assert [row["mean_days_late_90"] for row in rows[:3]] == [5, 5, 5]
    assert np.isnan([row["mean_days_late_90"] for row in rows[3:]]).all()
    assert [row["late_share_365"] for row in rows[:5]] == [1] * 5


def test_a_reopened_item_is_settled_again_only_when_it_is_closed_again():
    ledger = ledger_of(
        [invoice("1", "2025-01-01", 100, "2025-01-10")],
        [event("1", "2025-01-12", 100), event("1", "2025-01-20", -100), event("1", "2025-02-10", 100)],
    )
    rows = on(ledger, "2025-01-15", "2025-01-25", "2025-02-15", "2025-05-10", "2025-05-11")
    assert [row["settled_90"] for row in rows] == [1, 0, 1, 1, 0]
    assert [row["mean_days_late_365"] for row in rows if row["settled_365"]] == [2, 31, 31, 31]
    assert [row["overdue_items"] for row in rows] == [0, 1, 0, 0, 0]


def test_a_restated_closure_counts_once_with_what_is_known_by_then():
    """A payment turns out, later, to have been a credit note: a credited item says nothing of paying."""
    ledger = ledger_of(
        [invoice("1", "2025-01-01", 100, "2025-01-10"), invoice("2", "2025-01-01", 50, "2025-01-10")],
        [
            event("1", "2025-01-12", 100),
            event("1", "2025-01-20", -100),
            event("1", "2025-01-21", 100, "credit_note"),
            event("2", "2025-01-11", 50, recorded_date="2025-03-01"),
        ],
    )
    rows = on(ledger, "2025-01-15", "2025-01-25", "2025-03-01", "2025-04-11")
    assert [row["settled_90"] for row in rows] == [1, 0, 1, 0]
    assert [row["mean_days_late_365"] for row in rows if row["settled_365"]] == [2, 1, 1]


def test_credits_cash_and_disputes_have_columns_of_their_own():
    ledger = ledger_of(
        [
            invoice("1", "2025-01-01", 100, "2025-01-10", dispute_opened="2025-01-05",
                    dispute_closed="2025-02-01"),
            invoice("2", "2025-01-01", -30, "2025-01-10"),
        ],
        [event("1", "2025-01-20", 40), event(None, "2025-01-25", 5, customer_id="c")],
    )  # fmt: skip
    rows = on(ledger, "2025-01-04", "2025-01-05", "2025-01-31", "2025-02-01")
    assert [row["disputed_amount"] for row in rows] == [0, 100, 60, 0]
    assert [row["credit_amount"] for row in rows] == [30, 30, 35, 35]
    assert [row["open_amount"] for row in rows] == [100, 100, 60, 60]


def test_orders_count_until_they_are_cancelled_and_invoices_stand_in_before_any():
    orders = [
        {"order_id": "1", "customer_id": "c", "order_date": "2025-02-01", "amount": 10.0, "currency": "EUR"},
        {"order_id": "2", "customer_id": "c", "order_date": "2025-02-01", "amount": 5.0, "currency": "EUR",
         "cancelled_date": "2025-03-01"},
        {"order_id": "3", "customer_id": "new", "order_date": "2025-02-03", "amount": 1.0, "currency": "EUR"},
    ]  # fmt: skip
    ledger = ledger_of([invoice("1", "2025-01-01", 100)], orders=orders)
    days = ["2025-01-31", "2025-02-02", "2025-02-28", "2025-03-01", "2025-05-02"]
    rows = on(ledger, *days)
    assert [row["ordered_90"] for row in rows] == [100, 15, 15, 10, 0]
    assert [row["ordered_365"] for row in rows] == [100, 15, 15, 10, 10]
    assert [row["date"] for row in on(ledger, *days, customer="new")] == list(map(pd.Timestamp, days[2:]))


def test_days_are_month_ends_or_those_given():
    snapshot = ledger_of([invoice("1", "2025-01-10", 100)]).as_of("2025-03-15")
    table = make_customer_panel(snapshot).table
    assert list(table["date"].dt.strftime("%Y-%m-%d")) == ["2025-01-31", "2025-02-28", "2025-03-15"]
    assert list(table.columns) == ["customer_id", "date", *PANEL_COLUMNS]
    for days in ([], ["2025-02-01", "2025-02-01"], ["2025-01-01"]):
        with pytest.raises(LedgerError, match="days"):
            make_customer_panel(snapshot, days)
    with pytest.raises(LookAheadError, match="cannot look ahead to 2025-03-16"):
        make_customer_panel(snapshot, ["2025-03-16"])
    with pytest.raises(LedgerError, match="months=0"):
        make_customer_panel(snapshot, months=0)


def test_table_shows_the_largest_overdue_first():
    ledger = ledger_of([invoice("1", "2025-01-01", 5, "2025-01-10", customer_id="<b>"),
                        invoice("2", "2025-01-01", 100, "2025-01-10", customer_id="z")])  # fmt: skip
    panel = make_customer_panel(ledger.as_of("2025-02-01"))
    assert panel.to_table(top=1).frame["customer_id"].tolist() == ["z"]
    assert "<b>" not in panel._repr_html_()
    ax = panel.plot()
    assert ax.get_title() == "100% of the customers that owe are overdue"
    assert [line.get_ydata()[-1] for line in ax.get_lines()] == [100, 0, 0, 0]
    nothing = ledger_of([invoice("1", "2025-01-01", -5)]).as_of("2025-02-01")
    assert make_customer_panel(nothing).plot(plt.figure().gca()).get_title() == "Nothing owed"


@settings(max_examples=8, deadline=None)
@given(ledgers())
def test_customers_sum_to_the_ageing_panel(rows):
    snapshot = ledger_of(**rows).as_of(DATES[-1])
    ageing = make_ageing_panel(snapshot, edges=(30, 60, 90)).table.set_index("month_end")
    table = make_customer_panel(snapshot).table
    sums = table.groupby("date")[["open_amount", "overdue_amount", "overdue_60", "credit_amount"]].sum()
    late = ageing[["1-30", "31-60", "61-90", "over 90"]]
    owed = late.sum(axis=1) + ageing["not due"] + ageing["no due date"]
    assert ((sums["open_amount"] - owed).abs() < 0.005).all()
    assert ((sums["overdue_amount"] - late.sum(axis=1)).abs() < 0.005).all()
    assert ((sums["overdue_60"] - late.iloc[:, 2:].sum(axis=1)).abs() < 0.005).all()
    credits = -ageing["credits"] - ageing["unapplied cash"]
    assert ((sums["credit_amount"] - credits).abs() < 0.005).all()


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(ledgers())
def test_later_rows_change_nothing(rows):
    ledger = ledger_of(**rows)
    middle = WEEKS[len(WEEKS) // 2]
    whole = make_customer_panel(ledger.as_of(DATES[-1]), WEEKS).table
    known = {
        name: [
            row
            for row in part
            if max(row.get("issue_date") or row["date"], row.get("recorded_date") or "") <= middle
        ]
        for name, part in rows.items()
    }
    early = [day for day in WEEKS if day <= middle]
    before = make_customer_panel(ledger_of(**known).as_of(middle), early).table
    seen = whole[whole["date"] <= middle].reset_index(drop=True)
    pd.testing.assert_frame_equal(seen, before, check_exact=True)


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("customer_balances", statements.balance_rows(3, 5)),
        ("customer_spells", statements.spell_rows(3, 5)),
        ("customer_disputes", statements.disputed_rows(3, 5)),
        ("customer_orders", statements.order_rows(3, 5)),
    ],
)
def test_spark_text_is_as_reviewed(root, name, statement):
    golden = root / "tests" / "ledger" / "golden" / f"{name}.spark.sql"
    assert translate(statement, "spark") + "\n" == golden.read_text(encoding="utf-8")


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore:::pyspark", "ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_the_panel_of_the_sample_is_equal_on_spark(java, root):
    spark = SparkEngine()
    here, there = (read_ledger(root / "data" / "sample", engine=engine) for engine in ("duckdb", spark))
    one, other = (make_customer_panel(ledger.as_of("2025-12-31")).table for ledger in (here, there))
    spark.close()
    pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.slow
def test_the_sample_is_the_snapshot_of_each_day(sample_study):
    ledger = sample_study.ledger()
    days = ["2023-06-30", "2024-02-29", "2025-12-31"]
    table = make_customer_panel(ledger.as_of(days[-1]), days).table
    pd.testing.assert_frame_equal(table, plain(ledger, days), check_exact=True)
