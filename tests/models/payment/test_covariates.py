from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from arrisk.errors import ModelError
from arrisk.models.payment.covariates import Covariate, describe_items, find_covariates
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import as_of_dates, ledgers
from tests.models.payment_books import book_of

END = "2024-12-31"
NUMBERS = ["n_settled", "book_days", "usual", "trend", "overdue", "terms", "amount"]


def described(ledger, date=END):
    snapshot = ledger.as_of(date)
    items = snapshot.items[snapshot.items["amount"] > 0]
    return describe_items(snapshot, items).set_axis(items["invoice_id"], axis=0)


def two_customers():
    rows = [
        invoice("a1", "2024-01-01", 100, "2024-01-31", customer_id="a"),
        invoice("b1", "2024-01-01", 100, "2024-01-31", customer_id="b"),
        invoice("a2", "2024-03-01", 100, "2024-03-31", customer_id="a"),
        invoice("a3", "2024-03-02", 100, "2024-03-31", customer_id="a"),
        invoice("a4", "2024-08-01", 100, "2024-08-31", customer_id="a"),
    ]
    paid = [event("a1", "2024-02-20", 100), event("b1", "2024-03-01", 100)]
    return ledger_of(rows, paid)


def test_habits_are_those_of_the_evening_before():
    found = described(two_customers())
    # On 29 February one item of the book is settled, 20 days late; on 1 March a second one, 30 days late.
    assert found.loc["a1", "n_settled"] == 0
    assert found.loc["a2", ["n_settled", "book_days", "usual"]].tolist() == [1, 20, 20]
    assert found.loc["a3", ["n_settled", "book_days"]].tolist() == [1, 25]
    assert found.loc["a3", "usual"] == pytest.approx((20 + 2 * 25) / 3)
    assert found.loc["a3", "trend"] == pytest.approx(20 - (20 + 2 * 25) / 3)


def test_overdue_counts_open_items_past_due_and_the_trend_forgets():
    found = described(two_customers())
    assert found["overdue"].to_dict() == {"a1": 0, "b1": 0, "a2": 0, "a3": 0, "a4": 2}
    assert np.isnan(found.loc["a4", "trend"])


def test_an_item_still_to_be_issued_sees_the_snapshot():
    ledger = two_customers()
    plan = pd.DataFrame(
        {
            "customer_id": ["a", "nobody"],
            "issue_date": pd.to_datetime(["2025-03-01"] * 2),
            "due_date": pd.to_datetime(["2025-03-31"] * 2),
            "amount": [5.0, 5.0],
        },
        index=[7, 3],
    )
    found = describe_items(ledger.as_of(END), plan)
    assert found.index.tolist() == [7, 3]
    assert found["n_settled"].tolist() == [1, 0]
    assert found["overdue"].tolist() == [3, 0]
    assert found.loc[3, "usual"] == found.loc[3, "book_days"] == 25


@settings(max_examples=8)
@given(ledgers(), as_of_dates)
def test_an_item_is_described_alike_at_all_later_snapshots(rows, date):
    ledger = ledger_of(**rows)
    keys = ["invoice_id", "instalment"]

    def at(day):
        snapshot = ledger.as_of(day)
        items = snapshot.items
        items = items[(items["amount"] > 0) & (items["issue_date"] <= snapshot.date)]
        return describe_items(snapshot, items)[NUMBERS].set_index([items[key] for key in keys])

    before, after = at(date), at(END)
    pd.testing.assert_frame_equal(before, after.reindex(before.index), check_exact=True)


def test_bands_and_levels_of_the_fit_hold_for_later_items():
    frame = pd.DataFrame(
        {
            "usual": np.arange(99.0),
            "overdue": [0.0] * 60 + [1.0] * 38 + [5.0],
            "segment": ["A"] * 50 + ["B"] * 48 + ["rare"],
            "region": [None] * 99,
            "amount": [3.0] * 99,
        }
    )
    usual, overdue, segment = find_covariates(frame, ["usual", "overdue", "segment", "region", "amount"])
    assert np.bincount(usual.codes(frame["usual"])).tolist() == [33, 33, 33]
    assert usual.codes([-1e9, 1e9, np.nan]).tolist() == [0, 2, usual.reference]
    assert overdue.levels == ("below 1", "1 or more")  # a band of one item joins its neighbour
    assert segment.levels == ("A", "B", "other")
    assert segment.reference == 0
    assert segment.codes(["B", "rare", "never seen", None]).tolist() == [1, 2, 2, 0]
    assert segment.terms == ("segment: B", "segment: other")
    assert segment.design(np.array([0, 1, 2])).tolist() == [[0, 0], [1, 0], [0, 1]]


def test_unknown_covariates_are_named():
    with pytest.raises(ModelError, match=r"no covariate 'colour'.*usual"):
        find_covariates(pd.DataFrame(), ["colour"])


def test_a_text_with_markup_is_a_level_like_others():
    covariate = Covariate("segment", ("<b>", "x"), (), 0)
    assert covariate.codes(["x", "<b>"]).tolist() == [1, 0]


def test_a_book_without_due_dates_counts_from_the_issue():
    rows = [
        invoice("1", "2024-01-01", 10, None, customer_id="a"),
        invoice("2", "2024-03-01", 10, None, customer_id="a"),
    ]
    found = described(ledger_of(rows, [event("1", "2024-01-21", 10)]))
    assert found.loc["2", ["n_settled", "usual"]].tolist() == [1, 20]


def test_usual_days_follow_the_customer():
    ledger = book_of(3, customers=20, days=500)
    snapshot = ledger.as_of("2023-05-01")
    items = snapshot.items[snapshot.items["close_kind"] == "paid"]
    usual = describe_items(snapshot, items)["usual"].to_numpy()
    late = (items["closed_date"] - items["due_date"]).dt.days.to_numpy()
    apart = late[usual > np.median(usual)].mean() - late[usual <= np.median(usual)].mean()
    assert apart > 3
