"""The amounts behind provision rates are those of the flows, and of items told one by one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from arrisk.models.loss_rates.month_ends import ProvisionCounts, bucket_labels, make_provision_counts
from arrisk.portfolio.flows import make_flows
from tests.ledger.frames import event, invoice, ledger_of
from tests.loss_book import loss_book

DATE = "2024-12-31"


@pytest.fixture(scope="module")
def book():
    return loss_book(customers=30, invoices=1500, lost_share=0.25, recovery=0.2).as_of(DATE)


def by_customer(rows: pd.DataFrame, counts: ProvisionCounts) -> np.ndarray:
    """Amounts by customer and month end."""
    wide = rows.pivot_table(index="customer_id", columns="month_end", values="amount", aggfunc="sum")
    return wide.reindex(index=counts.customers, columns=counts.month_ends[1:]).fillna(0.0).to_numpy()


def test_what_the_last_bucket_loses_is_what_flows_write_off(book):
    """Nothing is written off before 150 days, so the panel with write-offs carried on ends as flows do."""
    counts = make_provision_counts(book, months=24)
    table = make_flows(book, months=24, by="customer_id").table
    last = table[table["from_state"] == "over 90"]
    lost = by_customer(last[last["to_state"] == "written off"], counts)
    ended = by_customer(last[last["to_state"].isin(["written off", "paid", "credited"])], counts)
    share = 1 - counts.recovered[:, None]
    np.testing.assert_allclose(counts.lost, lost * share, atol=1e-6)
    np.testing.assert_allclose(counts.ended, ended, atol=1e-6)
    assert lost.sum() > 0


def test_buckets_are_left_and_reached_as_in_flows(book):
    counts = make_provision_counts(book, months=24, not_due="all")
    table = make_flows(book, months=24, by="customer_id").table
    names = bucket_labels(counts.edges)
    for step, (state, older) in enumerate(pairwise(names[1:]), start=1):
        left = by_customer(table[table["from_state"] == state], counts)
        arrived = by_customer(table[table["to_state"] == older], counts)
        np.testing.assert_allclose(counts.left[:, :, step], left, atol=1e-6)
        if older != names[-1]:  # there the amounts carried on after a write-off arrive as well
            np.testing.assert_allclose(counts.arrived[:, :, step], arrived, atol=1e-6)


def test_an_item_known_late_is_no_arrival_from_a_month_it_was_not_there():
    rows = [
        invoice("1", "2025-01-05", 100, "2025-02-20"),
        invoice("2", "2025-01-05", 900, "2025-02-20", recorded_date="2025-02-25"),
    ]
    counts = make_provision_counts(ledger_of(rows).as_of("2025-03-31"), months=2)
    assert counts.left[0, :, 0].tolist() == [100, 0]
    assert counts.arrived[0, :, 0].tolist() == [100, 0]
    assert counts.today.sum() == 1000


def test_past_balances_are_followed_by_whole_months():
    """A loss on 29 February is within twelve months of the 28 February before."""
    rows = [invoice("1", "2023-01-05", 100, "2023-01-31"), invoice("2", "2023-01-05", 50)]
    events = [event("1", "2024-02-29", 60, "write_off")]
    counts = make_provision_counts(ledger_of(rows, events).as_of("2024-02-29"))
    assert counts.facts["seasoned_month_ends"] == [pd.Timestamp("2023-01-31"), pd.Timestamp("2023-02-28")]
    assert counts.seasoned_lost.sum(axis=0).tolist() == [0, 60, 0, 0, 0]
    assert counts.facts["items_without_due_date"] == 1
