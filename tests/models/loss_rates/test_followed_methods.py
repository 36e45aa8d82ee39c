"""What all methods that follow money to its end have in common."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.ledger.assembly import build_ledger
from arrisk.models.loss_rates.fit import METHODS, fit_loss_rates
from arrisk.models.loss_rates.loss_counts import leave_one_out
from arrisk.models.loss_rates.month_ends import make_provision_counts
from arrisk.models.loss_rates.realised import count_realised
from tests.loss_book import loss_book

DATE = pd.Timestamp("2024-12-31")
FOLLOWED = ("cohort", "vintage", "competing", "realised")


@pytest.fixture(scope="module")
def book():
    return loss_book(customers=40, invoices=1500, lost_share=0.3, recovery=0.2)


@pytest.fixture(scope="module")
def books():
    return [loss_book(customers=120, invoices=4000, lost_share=0.3, seed=seed) for seed in range(4)]


def rebuilt(ledger, keep_items, keep_events=None):
    """The ledger of some of its items and what happened to them."""
    last = ledger.as_of(ledger.last_date)
    items = last.items[keep_items(last.items)]
    events = last.events[last.events["invoice_id"].isin(items["invoice_id"])]
    events = events if keep_events is None else events[keep_events(events)]
    frames = {
        "invoices": items[["invoice_id", "customer_id", "issue_date", "due_date", "amount"]].copy(),
        "events": events[["invoice_id", "date", "kind", "amount"]].copy(),
    }
    for frame in frames.values():
        frame["amount"] = pd.array((frame["amount"] * 100).round().astype("int64"), dtype="Int64")
    return build_ledger({name: frame.reset_index(drop=True) for name, frame in frames.items()}, "EUR")


@pytest.mark.parametrize("method", FOLLOWED)
def test_leaving_a_customer_out_is_as_if_it_had_never_been(book, method):
    counts = METHODS[method](book.as_of(DATE))
    found = leave_one_out(counts)
    losers = np.flatnonzero(counts.hit.any(axis=1))
    for place in (losers[0], losers[-1], 1):
        others = rebuilt(book, lambda items: items["customer_id"] != counts.customers[place])  # noqa: B023
        fresh = METHODS[method](others.as_of(DATE))
        np.testing.assert_allclose(found[place], fresh.rates(fresh.totals())[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("method", FOLLOWED)
def test_nothing_later_than_the_date_changes_a_number(book, method):
    early = pd.Timestamp("2024-03-31")
    short = rebuilt(book, lambda rows: rows["issue_date"] <= early, lambda rows: rows["date"] <= early)
    one, other = (METHODS[method](ledger.as_of(early)) for ledger in (book, short))
    np.testing.assert_array_equal(one.rates(one.totals()), other.rates(other.totals()))
    np.testing.assert_array_equal(leave_one_out(one), leave_one_out(other))
    np.testing.assert_array_equal(one.balances(), other.balances())


@pytest.mark.parametrize("method", FOLLOWED)
def test_the_known_loss_is_recovered(books, method):
    """Of what is not due the lost share of ripe sales; over 60 days late nobody pays, so all is lost."""
    rates, inside = [], 0
    for ledger in books:
        snapshot = ledger.as_of(DATE)
        ripe = snapshot.items[snapshot.items["due_date"] < DATE - pd.Timedelta(days=200)]
        truth = ripe["written_off_amount"].sum() / ripe["amount"].sum()
        row = fit_loss_rates(snapshot, method).table.set_index("bucket")
        rates.append(row.loc["not due", "rate"] / truth)
        inside += row.loc["not due", "ci_low"] <= truth <= row.loc["not due", "ci_high"]
        assert row.loc[["61-90", "over 90"], "rate"].min() > 0.98
        assert row["rate"].is_monotonic_increasing
    assert inside >= 3
    # Stock that is not due has lost its early payers, and cohorts leave out the latest year.
    assert np.mean(rates) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("method", FOLLOWED)
def test_recoveries_come_off_the_last_bucket(book, method):
    counts = METHODS[method](book.as_of(DATE))
    assert counts.rates(counts.totals())[0, -1] == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("method", FOLLOWED)
def test_a_ledger_without_losses_gives_bounds(method):
    snapshot = loss_book(customers=30, invoices=900, lost_share=0.0).as_of(DATE)
    rates = fit_loss_rates(snapshot, method)
    assert not rates.identified
    assert rates.total.value is None
    assert 0 < rates.total.high <= rates.counts.balances().sum()
    assert rates.table["rate"].isna().all()


@pytest.mark.parametrize("method", FOLLOWED)
def test_balances_are_those_of_the_month_ends(book, method):
    counts = METHODS[method](book.as_of(DATE), edges=(15, 45))
    plain = make_provision_counts(book.as_of(DATE), 1, (15, 45))
    np.testing.assert_array_equal(counts.customers, plain.customers)
    np.testing.assert_allclose(counts.today, plain.today, atol=1e-9)


def test_realised_rates_are_written_off_over_balances(book):
    plain = make_provision_counts(book.as_of(DATE), 1, horizon=9)
    counts = count_realised(book.as_of(DATE), horizon=9)
    expected = plain.seasoned_lost.sum(axis=0) / plain.seasoned.sum(axis=0)
    np.testing.assert_allclose(counts.rates(counts.totals())[0], expected, rtol=1e-12)
    with pytest.raises(ModelError, match="no month end lies 60 months before"):
        count_realised(book.as_of(DATE), horizon=60)
