from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.models.timing.entry_bias import ENTERED, IGNORED, WHOLE, compare_entry
from tests.ledger.frames import event, invoice, ledger_of
from tests.models.payment_books import book_of


def daily_book(days: int = 500):
    """One invoice a day: half are paid on day 10, half on day 70."""
    dates = pd.date_range("2023-01-01", periods=days)
    invoices = [
        invoice(
            f"i{k}", f"{d:%Y-%m-%d}", 100, f"{d + pd.Timedelta(days=30):%Y-%m-%d}", customer_id=f"c{k % 7}"
        )
        for k, d in enumerate(dates)
    ]
    paid = [(k, d + pd.Timedelta(days=70 if k % 2 else 10)) for k, d in enumerate(dates)]
    events = [event(f"i{k}", f"{d:%Y-%m-%d}", 100) for k, d in paid if d <= dates[-1]]
    return ledger_of(invoices, events).as_of(f"{dates[-1]:%Y-%m-%d}")


@pytest.mark.parametrize(("clock", "day"), [("issue", 30), ("due", 0)])
def test_ages_at_entry_ignored_make_payment_look_slow(clock, day):
    bias = compare_entry(daily_book(), clock, back_days=120)
    shares = bias.table.set_index("method")[f"open_after_{day}"]
    assert shares[WHOLE] == pytest.approx(0.5, abs=0.01)
    assert shares[ENTERED] == pytest.approx(0.5, abs=0.03)
    # Of those open at the start, seven of eight are slow ones.
    assert shares[IGNORED] > 0.55
    # 10 fast ones and every second of 70 days.
    assert bias.already_open == 40
    assert f"ignoring the age at entry said {shares[IGNORED]:.0%}" in bias.finding
    assert bias.plot().get_title() == bias.finding


def test_the_export_lacks_what_had_closed():
    bias = compare_entry(daily_book(), back_days=120, issued_days=90)
    counts = bias.table.set_index("method")["items"]
    assert counts[WHOLE] - counts[IGNORED] == 90 - bias.already_open
    assert bias.to_table().frame["method"].tolist() == [IGNORED, ENTERED, WHOLE]
    assert "40 were open when the export began" in bias._repr_html_()


def test_a_short_ledger_says_so():
    snapshot = book_of(33, customers=40, days=400).as_of("2022-05-01")
    bias = compare_entry(snapshot)
    assert not bias.curves
    assert len(bias.to_table().frame) == 0
    assert bias.plot().get_title().startswith("Too few")


def test_where_nothing_is_old_nothing_is_biased():
    """All are paid on the day after: hardly any is open when the export begins."""
    dates = pd.date_range("2023-01-01", periods=300)
    number = [(f"i{k}-{n}", d) for k, d in enumerate(dates) for n in range(25)]
    invoices = [invoice(i, f"{d:%Y-%m-%d}", 10, customer_id=i[-1]) for i, d in number]
    events = [event(i, f"{d + pd.Timedelta(days=1):%Y-%m-%d}", 10) for i, d in number if d < dates[-1]]
    bias = compare_entry(ledger_of(invoices, events).as_of(f"{dates[-1]:%Y-%m-%d}"), back_days=100)
    assert bias.already_open == 25
    assert bias.finding.startswith("Ignoring the age at entry does little")
    assert np.isfinite(bias.table["median_days"]).all()
