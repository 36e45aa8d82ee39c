"""Net flow rates from a ledger: the published panel, customers in their worst bucket, loops over items."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from arrisk.models.loss_rates.fit import fit_loss_rates
from arrisk.models.loss_rates.loss_counts import leave_one_out
from arrisk.models.loss_rates.net_flow import count_net_flows
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import as_of_dates, ledgers
from tests.models.loss_rates.plain_moves import bucket_of, items_on, whole_month_ends

PANEL = {
    "2024-01-31": (1000, 400, 160, 80),
    "2024-02-29": (1100, 420, 170, 70),
    "2024-03-31": (1200, 440, 175, 75),
}
EDGES = (30, 60)


def panel_book():
    """A ledger that owes at its month ends what the panel says: each item stands open at one month end."""
    rows, events = [], []
    for end, amounts in PANEL.items():
        day = pd.Timestamp(end)
        for bucket, (amount, late) in enumerate(zip(amounts, (-5, 15, 45, 75), strict=True)):
            due = day - pd.Timedelta(days=late)
            name, known = f"{end}-{bucket}", f"{end[:8]}05"
            issued = min(due, day) - pd.Timedelta(days=40)
            rows.append(invoice(name, f"{issued:%Y-%m-%d}", amount, f"{due:%Y-%m-%d}", recorded_date=known))
            paid = day + pd.Timedelta(days=10)
            events.append(event(name, f"{paid:%Y-%m-%d}", amount))
    return ledger_of(rows, events).as_of("2024-03-31")


@pytest.mark.parametrize(
    ("averaging", "rates", "total"),
    [
        ("simple", (0.075804, 0.184888, 0.439338, 1), 324.2000),
        ("volume", (0.075707, 0.184867, 0.439394, 1), 324.0843),
    ],
)
def test_both_averaging_rules_give_the_published_rates(averaging, rates, total):
    counts = count_net_flows(
        panel_book(), months=2, edges=EDGES, averaging=averaging, not_due="all", terminal_loss=1.0
    )
    found = counts.rates(counts.totals())[0]
    assert found == pytest.approx(rates, abs=5.1e-7)
    assert counts.balances()[0].tolist() == list(PANEL["2024-03-31"])
    assert (counts.balances()[0] * found).sum() == pytest.approx(total, abs=5.1e-5)
    assert counts.conventions["averaging"].startswith(averaging)


def plain_customer_flows(snapshot, months, edges):
    """Left and arrived by month and step, all that a customer owes in its worst bucket."""
    ends = whole_month_ends(snapshot, months)[-(months + 1) :]
    ends = [end for end in ends if end >= snapshot.first_date]
    last = len(edges) + 1
    left, arrived = np.zeros((2, len(ends) - 1, last))
    seen = [items_on(snapshot, end, edges, "customer", None) for end in ends]
    for month, (old, new) in enumerate(pairwise(seen)):
        for item in old.values():
            if item["close_kind"] == "open" and item["bucket"] < last:
                left[month, item["bucket"]] += item["open_amount"]
        for key, item in new.items():
            was = old.get(key)
            is_open = was is not None and was["close_kind"] == "open"
            stood = was["bucket"] if is_open else bucket_of(item, ends[month], edges)
            if item["close_kind"] == "open" and item["bucket"] > 0 and stood < last:
                arrived[month, item["bucket"] - 1] += item["open_amount"]
    return arrived, left


@pytest.mark.slow
@settings(max_examples=20)
@given(ledgers(), as_of_dates)
def test_customers_flow_as_in_loops_over_their_items(rows, day):
    book = ledger_of(**rows).as_of(day)
    counts = count_net_flows(book, 3, (28, 59), unit="customer", write_offs="dropped", not_due="all")
    arrived, left = plain_customer_flows(book, 3, (28, 59))
    sums = counts.totals()[0][:-2].reshape(2, *left.shape)
    np.testing.assert_allclose(sums[0], arrived, atol=1e-6)
    np.testing.assert_allclose(sums[1], left, atol=1e-6)


def test_a_customer_moves_as_a_whole():
    rows = [invoice("1", "2023-11-01", 100, "2024-01-10"), invoice("2", "2023-12-20", 900, "2024-03-31")]
    book = ledger_of(rows).as_of("2024-02-29")
    item, customer = (
        count_net_flows(book, 1, unit=unit, not_due="all", terminal_loss=1.0) for unit in ("item", "customer")
    )
    assert item.totals()[0][:4].tolist() == [0, 100, 0, 0]
    assert item.totals()[0][4:8].tolist() == [900, 100, 0, 0]
    assert customer.totals()[0][:4].tolist() == [0, 1000, 0, 0]
    assert customer.totals()[0][4:8].tolist() == [0, 1000, 0, 0]
    assert customer.balances().tolist() == [[0, 0, 1000, 0, 0]]
    assert "worst bucket" in customer.conventions["unit"]


def test_a_write_off_of_a_customer_in_its_last_bucket_is_lost_once():
    """Item 2 is young when it is written off with item 1; it must not age on and be lost a second time."""
    rows = [invoice("1", "2023-01-05", 100, "2023-01-20"), invoice("2", "2023-05-01", 50, "2023-06-20")]
    rows += [invoice("3", "2023-01-05", 1, "2024-06-30")]
    events = [event(name, "2023-07-10", amount, "write_off") for name, amount in (("1", 100), ("2", 50))]
    counts = count_net_flows(ledger_of(rows, events).as_of("2024-01-31"), 12, unit="customer")
    assert counts.totals()[0][-2:].tolist() == [150, 150]
    months = counts.facts["months"]
    arrived = counts.totals()[0][: months * 4].reshape(months, 4)
    assert arrived[:, 3].sum() == 151  # both, and item 3 of the same customer, once


def test_leaving_one_out_subtracts_its_sums():
    rows = [
        invoice(f"{c}{n}", "2024-01-05", 10 * (n + 1), "2024-01-20", customer_id=c)
        for c in "abc"
        for n in range(3)
    ]
    events = [event("a0", "2024-02-10", 10), event("b1", "2024-06-10", 20, "write_off")]
    book = ledger_of(rows, events).as_of("2024-06-30")
    counts = count_net_flows(book, averaging="simple")
    left_out = leave_one_out(counts)
    for place, customer in enumerate(counts.customers):
        kept = {"a", "b", "c"} - {str(customer)}
        others = ledger_of(
            [row for row in rows if row["customer_id"] in kept],
            [row for row in events if row["invoice_id"][0] in kept],
        )
        alone = count_net_flows(others.as_of("2024-06-30"), averaging="simple")
        assert left_out[place] == pytest.approx(alone.rates(alone.totals())[0])


def test_a_ledger_without_losses_has_no_rate_but_says_how_it_was_counted():
    rates = fit_loss_rates(panel_book(), "net_flow", edges=EDGES)
    assert not rates.identified
    assert rates.conventions["a bucket never seen"] == "passes everything on"
