from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.models.timing.independence import ALONE, CLUSTERED, compare_independent
from arrisk.models.timing.payment_timing import fit_timing
from tests.ledger.frames import event, invoice, ledger_of
from tests.models.payment_books import book_of


@pytest.fixture(scope="module")
def snapshot():
    return book_of(41, customers=30, days=500).as_of("2023-05-01")


def test_the_curve_stays_and_its_interval_widens(snapshot):
    bias = compare_independent(snapshot)
    ours, naive = (bias.curves[name] for name in (CLUSTERED, ALONE))
    np.testing.assert_array_equal(ours.table["survival"], naive.table["survival"])
    row = bias.table.set_index("day").loc[30]
    share = fit_timing(snapshot).curves["all"].late_share([30]).iloc[0]
    assert row["half_width"] == pytest.approx((share["ci_high"] - share["ci_low"]) / 2)
    assert row["ratio"] > 2
    assert "points by customer" in bias.finding
    assert bias.plot().get_title() == bias.finding
    assert "30 customers" in bias._repr_html_()


def test_amounts_are_no_replicates(snapshot):
    by_amount = compare_independent(snapshot, weights="amount").table.set_index("day").loc[30]
    by_count = compare_independent(snapshot).table.set_index("day").loc[30]
    assert 0.5 < by_amount["half_width_independent"] / by_count["half_width_independent"] < 4


def test_alike_or_few_customers_are_said_to_be_so():
    rng = np.random.default_rng(1)
    dates = pd.to_datetime("2023-01-01") + pd.to_timedelta(rng.integers(0, 200, 600), unit="D")
    wait = pd.to_timedelta(rng.integers(0, 60, 600), unit="D")
    invoices = [invoice(str(k), f"{d:%Y-%m-%d}", 10, customer_id=f"c{k % 60}") for k, d in enumerate(dates)]
    events = [event(str(k), f"{d:%Y-%m-%d}", 10) for k, d in enumerate(dates + wait)]
    alike = compare_independent(ledger_of(invoices, events).as_of("2024-01-01"))
    assert "hardly alike" in alike.finding
    one = [{**row, "customer_id": "c"} for row in invoices]
    few = compare_independent(ledger_of(one, events).as_of("2024-01-01"))
    assert not few.curves
    assert few.finding.startswith("Too few customers")
    assert few.plot().get_title() == few.finding
    assert len(few.to_table().frame) == 0
