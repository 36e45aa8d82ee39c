from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.models.timing.closed_bias import CLOSED, EVERY, LATER, compare_closed_only
from tests.ledger.frames import event, invoice, ledger_of
from tests.models.payment_books import book_of


def test_closed_items_alone_are_too_fast_and_open_ones_mend_it():
    """One invoice a day, each paid after exactly 40 days: on any day those younger than 40 days are open."""
    days = pd.date_range("2023-01-01", periods=400)
    invoices = [invoice(f"i{k}", f"{d:%Y-%m-%d}", 100, customer_id=f"c{k % 7}") for k, d in enumerate(days)]
    paid = [(k, d + pd.Timedelta(days=20 if k % 2 else 60)) for k, d in enumerate(days)]
    events = [event(f"i{k}", f"{d:%Y-%m-%d}", 100) for k, d in paid if d <= days[-1]]
    bias = compare_closed_only(ledger_of(invoices, events).as_of(f"{days[-1]:%Y-%m-%d}"))
    shares = bias.table.set_index("method")["open_after_30"]
    # Half pays on day 20, half on day 60. Of 90 daily invoices 35 slow-or-young ones pass day 30 unseen.
    assert shares[EVERY] == pytest.approx(0.5, abs=0.02)
    assert shares[LATER] == pytest.approx(0.5)
    assert shares[CLOSED] < 0.35
    closed = bias.table.set_index("method")["items"]
    assert closed[EVERY] - closed[CLOSED] == bias.still_open
    assert f"closed items alone said {shares[CLOSED]:.0%}" in bias.finding


def test_the_past_day_knows_nothing_of_what_came_later():
    ledger = book_of(31, customers=40, days=600)
    now = compare_closed_only(ledger.as_of("2023-08-01"))
    assert now.past == pd.Timestamp("2023-02-02")
    later = compare_closed_only(ledger.as_of("2023-08-21"), back_days=200)
    for method in (CLOSED, EVERY):
        pd.testing.assert_frame_equal(now.curves[method].table, later.curves[method].table)


def test_recent_cohort_only():
    snapshot = book_of(32, customers=40, days=600).as_of("2023-08-01")
    bias = compare_closed_only(snapshot, back_days=100, issued_days=60)
    items = snapshot.items
    age = (bias.past - items["issue_date"]).dt.days
    assert bias.curves[LATER].n == int(((age >= 0) & (age < 60)).sum())
    assert bias.to_table().frame["items"].tolist() == [c.n for c in bias.curves.values()]


def test_picture_and_short_ledgers():
    ledger = book_of(33, customers=40, days=400)
    bias = compare_closed_only(ledger.as_of("2023-01-20"))
    ax = bias.plot()
    assert ax.get_title() == bias.finding
    assert [line.get_label() for line in ax.lines] == list(bias.curves)
    assert np.nanmax(ax.lines[0].get_ydata()) <= 100
    short = compare_closed_only(ledger.as_of("2022-05-01"))
    assert not short.curves
    assert len(short.to_table().frame) == 0
    assert short.plot().get_title().startswith("Too few")
