from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from arrisk.errors import ModelError
from arrisk.models.features.catalogue import ATTRIBUTES
from arrisk.models.features.invoice_catalogue import INVOICE_FEATURES
from arrisk.models.features.invoices import INVOICE_KEYS, make_invoice_features
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import as_of_dates, foreign_ledgers, ledgers
from tests.models.features.plain_invoices import plain_features

END = "2024-12-31"


def as_plainly_as_possible(rows, late_days):
    ledger = ledger_of(**rows)
    snapshot = ledger.as_of(END)
    items = snapshot.items.set_index(["invoice_id", "instalment"])
    for _, row in make_invoice_features(snapshot, late_days).iterrows():
        item = items.loc[(row["invoice_id"], row["instalment"])]
        for name, value in plain_features(ledger, item, late_days).items():
            np.testing.assert_array_equal(row[name], value, err_msg=name)


@pytest.mark.slow
@settings(max_examples=25)
@given(ledgers())
def test_equal_to_one_snapshot_an_invoice(rows):
    as_plainly_as_possible(rows, late_days=0)


@pytest.mark.slow
@settings(max_examples=60)
@given(ledgers() | foreign_ledgers())
def test_equal_to_one_snapshot_an_invoice_with_days_of_grace(rows):
    as_plainly_as_possible(rows, late_days=7)


def known(row, date):
    return max(row.get("issue_date") or row["date"], row.get("recorded_date") or "") <= date


@pytest.mark.slow
@settings(max_examples=25)
@given(ledgers(), as_of_dates)
def test_rows_known_later_and_the_order_of_rows_change_no_bit(rows, date):
    early = {name: [r for r in part if known(r, date)] for name, part in rows.items()}
    turned = {name: part[::-1] for name, part in rows.items()}
    before = make_invoice_features(ledger_of(**early).as_of(date))
    for other in (rows, turned):
        after = make_invoice_features(ledger_of(**other).as_of(date))
        pd.testing.assert_frame_equal(before, after, check_exact=True)
    ever = make_invoice_features(ledger_of(**rows).as_of(END)).set_index(["invoice_id", "instalment"])
    same = ever.reindex(before.set_index(["invoice_id", "instalment"]).index).reset_index()
    pd.testing.assert_frame_equal(before, same[before.columns], check_exact=True)


def features(invoices, events=(), late_days=0, **more):
    ledger = ledger_of(invoices, list(events), **more)
    return make_invoice_features(ledger.as_of(END), late_days).set_index("invoice_id")


def test_an_invoice_sees_the_evening_before_and_no_more():
    found = features(
        [
            invoice("1", "2024-01-10", 100, "2024-02-09", dispute_opened="2024-03-01"),
            invoice("2", "2024-03-01", 300, "2024-03-31"),
            invoice("3", "2024-03-02", 50, "2024-04-01"),
        ],
        [event("1", "2024-03-01", 100)],
    )
    assert found.loc["2", ["n_before", "n_open", "oldest_overdue_days"]].tolist() == [1, 1, 20]
    assert found.loc["2", ["n_settled", "dispute_rate", "mean_days_late"]].tolist() == [0, 0, 20]
    assert found.loc["3", ["n_before", "n_open", "n_settled", "last_days_late"]].tolist() == [2, 1, 1, 21]
    assert found.loc["3", "dispute_rate"] == 0.5
    assert found.loc["2", "late_rate"] == pytest.approx((1 + 4 * 0.75) / 5)


def test_a_payment_taken_back_opens_the_item_again():
    found = features(
        [invoice("1", "2024-01-01", 100, "2024-01-31"), invoice("2", "2024-03-01", 10, "2024-03-31")],
        [event("1", "2024-01-20", 100), event("1", "2024-02-10", -100)],
    )
    assert found.loc["2", ["n_open", "n_settled", "n_late", "mean_days_late"]].tolist() == [1, 0, 1, 29]


def test_only_items_past_their_point_tell_how_late_a_customer_is():
    rows = [invoice(str(k), "2024-03-01", 10, "2024-03-31") for k in range(4)]
    rows += [invoice("x", "2024-03-20", 10, "2024-04-19"), invoice("y", "2024-04-02", 10, "2024-05-02")]
    found = features(rows, [event(str(k), "2024-03-15", 10) for k in range(3)])
    assert found.loc["x", ["n_settled", "n_due", "late_rate"]].tolist() == [3, 0, 0.5]
    assert found.loc["y", ["n_settled", "n_due", "n_late"]].tolist() == [3, 4, 1]


def test_days_of_grace_move_the_point():
    rows = [invoice("1", "2024-01-01", 10, "2024-01-31"), invoice("2", "2024-02-06", 10, "2024-03-07")]
    assert features(rows).loc["2", ["n_due", "n_late"]].tolist() == [1, 1]
    assert features(rows, late_days=5).loc["2", ["n_due", "n_late"]].tolist() == [0, 0]
    assert features(rows, late_days=4).loc["2", ["n_due", "n_late"]].tolist() == [1, 1]
    with pytest.raises(ModelError, match="late_days"):
        features(rows, late_days=-1)


def test_credits_and_items_without_a_due_date_get_no_row():
    found = features(
        [invoice("1", "2024-01-01", 10), invoice("2", "2024-01-02", -5, "2024-02-01"),
         invoice("3", "2024-01-03", 7, "2024-02-02")],
        customers=[{"customer_id": "c", "industry": "food"}],
    )  # fmt: skip
    assert found.index.tolist() == ["3"]
    assert found.loc["3", ["n_before", "n_open", "open_amount"]].tolist() == [1, 1, 10]
    assert found.loc["3", "industry"] == "food"
    assert [*found.reset_index().columns[:5]] == INVOICE_KEYS
    assert [*found.columns[4:]] == [*INVOICE_FEATURES, *ATTRIBUTES]
