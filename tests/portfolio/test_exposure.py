"""Exposure against limits: conventions by hand, sums that tie, random ledgers, the sample."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from arrisk.errors import LedgerError
from arrisk.portfolio.exposure import make_exposure, utilisation
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import as_of_dates
from tests.portfolio.credit_books import credit_books, plain_exposure

INVOICES = [
    invoice("1", "2025-01-01", 100, customer_id="a"),
    invoice("2", "2025-01-01", -30, customer_id="a"),
    invoice("3", "2025-01-01", 60, customer_id="b"),
    invoice("4", "2025-01-01", 10, customer_id="z"),
]
EVENTS = [event(None, "2025-02-01", 15, customer_id="a"), event("3", "2025-03-01", 20)]
ORDERS = [
    {"order_id": "o", "customer_id": "b", "order_date": "2025-02-01", "amount": 50.0, "deposit": 5.0},
    {"order_id": "p", "customer_id": "new", "order_date": "2025-02-01", "amount": 7.0},
]
LIMITS = [
    {"customer_id": "a", "valid_from": "2024-01-01", "credit_limit": 80.0},
    {"customer_id": "a", "valid_from": "2025-03-01", "credit_limit": 50.0},
    {"customer_id": "b", "valid_from": "2024-01-01", "credit_limit": 0.0},
]
CUSTOMERS = [
    {"customer_id": "a", "group_id": "G"},
    {"customer_id": "b", "group_id": "G"},
    {"customer_id": "z"},
    {"customer_id": "new"},
]


def exposure_on(date: str, **more):
    ledger = ledger_of(INVOICES, EVENTS, orders=ORDERS, limits=LIMITS, customers=CUSTOMERS)
    return make_exposure(ledger.as_of(date), **more)


def test_parts_of_the_exposure_by_hand():
    table = exposure_on("2025-02-28").table.set_index("customer_id")
    columns = ["owed", "credits", "unapplied_cash", "open_amount", "unbilled_orders", "deposits", "exposure"]
    assert table.loc["a", columns].tolist() == [100, -30, -15, 55, 0, 0, 55]
    assert table.loc["b", columns].tolist() == [60, 0, 0, 60, 50, -5, 105]
    assert table.loc["new", columns].tolist() == [0, 0, 0, 0, 7, 0, 7]


def test_the_last_limit_valid_by_the_date_holds_and_zero_is_not_unset():
    before, after = (exposure_on(d).table.set_index("customer_id") for d in ("2025-02-28", "2025-03-01"))
    assert before["credit_limit"].to_dict() == pytest.approx(
        {"a": 80, "b": 0, "new": math.nan, "z": math.nan}, nan_ok=True
    )
    assert (before.loc["a", "headroom"], after.loc["a", "headroom"]) == (25, -5)
    assert (after.loc["a", "utilisation"], after.loc["b", "utilisation"]) == (1.1, math.inf)
    assert math.isnan(after.loc["z", "utilisation"])


def test_of_two_limits_of_one_day_the_later_row_holds():
    rows = [{"customer_id": "c", "valid_from": "2025-01-01", "credit_limit": v} for v in (10.0, 20.0)]
    ledger = ledger_of([invoice("1", "2025-01-01", 5)], limits=rows)
    assert make_exposure(ledger.as_of("2025-01-01")).table["credit_limit"].tolist() == [20]


def test_limits_and_orders_in_another_currency():
    ledger = ledger_of(
        [invoice("1", "2025-01-01", 5)],
        orders=[
            {"order_id": "o", "customer_id": "c", "order_date": "2025-02-01", "amount": 10, "currency": "USD"}
        ],
        limits=[{"customer_id": "c", "valid_from": "2025-01-15", "credit_limit": 100.0, "currency": "USD"}],
        rates=[
            {"date": "2025-01-01", "currency": "USD", "rate": 0.5},
            {"date": "2025-02-01", "currency": "USD", "rate": 0.25},
        ],
    )
    row = make_exposure(ledger.as_of("2025-03-01")).table.iloc[0]
    assert (row["credit_limit"], row["unbilled_orders"]) == (50, 2.5)


def test_credits_can_be_shown_without_being_deducted():
    apart = exposure_on("2025-02-28", credits="apart")
    row = apart.table.set_index("customer_id").loc["a"]
    assert (row["open_amount"], row["exposure"]) == (55, 100)
    assert "not deducted" in apart.conventions
    with pytest.raises(LedgerError, match="'netted', 'apart'"):
        exposure_on("2025-02-28", credits="gross")


def test_a_group_has_the_sum_of_its_members_limits():
    groups = exposure_on("2025-02-28").groups.set_index("group")
    assert groups.loc["G", ["members", "members_without_limit", "exposure", "credit_limit"]].tolist() == [
        2, 0, 160, 80,
    ]  # fmt: skip
    assert groups.loc["z", "members_without_limit"] == 1
    assert math.isnan(groups.loc["z", "credit_limit"])


def test_a_member_without_a_limit_adds_its_exposure_and_no_limit():
    ledger = ledger_of(
        [invoice("1", "2025-01-01", 10, customer_id="a"), invoice("2", "2025-01-01", 90, customer_id="b")],
        customers=[{"customer_id": c, "group_id": "G"} for c in "ab"],
        limits=[{"customer_id": "a", "valid_from": "2024-01-01", "credit_limit": 50.0}],
    )
    exposure = make_exposure(ledger.as_of("2025-02-01"))
    assert exposure.groups[["members_without_limit", "headroom"]].to_numpy().tolist() == [[1, -50]]
    assert exposure.above.empty
    assert "1 of 1 groups" in exposure.group_table().title


def test_a_group_is_not_taken_for_a_customer_of_the_same_name():
    ledger = ledger_of(
        [invoice("1", "2025-01-01", 10, customer_id="a"), invoice("2", "2025-01-01", 90, customer_id="b")],
        customers=[{"customer_id": "a", "group_id": "b"}, {"customer_id": "b"}],
    )
    groups = make_exposure(ledger.as_of("2025-02-01")).groups
    assert groups[["group", "exposure"]].to_numpy().tolist() == [["b", 90], ["b (group)", 10]]


def test_above_names_the_largest_excess_first_and_who_has_no_limit():
    exposure = exposure_on("2025-03-01")
    assert exposure.above[["customer_id", "excess"]].to_numpy().tolist() == [["b", 85], ["a", 5]]
    assert exposure.without_limit["customer_id"].tolist() == ["new", "z"]
    assert exposure.finding() == "2 of 2 customers with a limit are above it, by EUR 90 together"
    assert exposure.to_table().frame["customer_id"].tolist() == ["b", "a", "z", "new"]
    assert exposure.totals().frame["amount"].tolist() == [150, -30, -15, 105, 57, -5, 157]
    assert "<script>" not in exposure._repr_html_()


def test_without_limits_it_says_so_and_still_draws():
    exposure = make_exposure(
        ledger_of([invoice("1", "2025-01-01", 5, customer_id="$x$")]).as_of("2025-02-01")
    )
    assert exposure.finding() == "No credit limit is set for any customer: nobody can be above it"
    ax = exposure.plot()
    plt.gcf().canvas.draw()
    assert "(no limit)" in ax.get_yticklabels()[0].get_text()


def test_utilisation_at_the_edges():
    found = utilisation(np.array([0.0, 1.0, -1.0, 1.0]), np.array([0.0, 0.0, 10.0, np.nan]))
    assert found[:3].tolist() == [0, math.inf, 0]
    assert math.isnan(found[3])


@settings(max_examples=8, deadline=None)
@given(credit_books(), as_of_dates)
def test_exposure_is_a_plain_count_and_ties_to_the_open_balance(rows, date):
    snapshot = ledger_of(**rows).as_of(date)
    exposure = make_exposure(snapshot)
    table = exposure.table.set_index("customer_id")
    assert round(100 * table["open_amount"].sum()) == snapshot.open_minor
    assert round(100 * exposure.groups["exposure"].sum()) == round(100 * table["exposure"].sum())
    plain = plain_exposure(snapshot)
    assert set(plain.index) <= set(table.index)
    found = (100 * table["exposure"].reindex(plain.index)).round()
    assert found.tolist() == plain["exposure"].tolist()
    np.testing.assert_array_equal((100 * table["credit_limit"]).reindex(plain.index).round(), plain["limit"])
    assert not (table["exposure"].drop(plain.index) != 0).any()


def test_the_sample(sample_study):
    snapshot = sample_study.snapshot()
    exposure = make_exposure(snapshot)
    table = exposure.table
    assert round(100 * table["open_amount"].sum()) == snapshot.open_minor
    assert len(table) == 200
    assert table["credit_limit"].isna().sum() == 6
    assert (table["credit_limit"] == 0).any()
    orders = snapshot.orders
    unbilled = orders[orders["invoiced_date"].isna() & orders["cancelled_date"].isna()]
    assert round(100 * table["unbilled_orders"].sum()) == round(100 * unbilled["amount"].sum())
    assert round(100 * table["deposits"].sum()) == round(-100 * unbilled["deposit"].sum())
    assert (exposure.groups["members"] > 1).sum() == snapshot.customers["group_id"].nunique()
    assert pd.Series(exposure.above["excess"]).is_monotonic_decreasing
