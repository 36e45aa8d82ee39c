from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.models.cash.methods import RIVALS, PastCash, make_book
from arrisk.models.timing.payment_timing import fit_timing
from tests.ledger.frames import event, invoice, ledger_of

MONTHS = pd.date_range("2023-01-01", "2023-12-01", freq="MS")


def halves(extra=(), loose=()):
    """Twelve months of three invoices: one paid in its month, one in the next, the third after two months."""
    invoices, events = [*extra], [*loose]
    for m, first in enumerate(MONTHS):
        for k in range(3):
            number = f"i{m:02d}-{k}"
            due = first + pd.Timedelta(days=30)
            invoices.append(invoice(number, f"{first:%Y-%m-%d}", 100, f"{due:%Y-%m-%d}", customer_id=f"c{k}"))
            paid = first + pd.DateOffset(months=k) + pd.Timedelta(days=14)
            events.append(event(number, f"{paid:%Y-%m-%d}", 100))
    return ledger_of(invoices, events)


def book_on(ledger, day, until="2024-03-31", weeks=13):
    later = ledger.as_of(until)
    then = later.as_of(day)
    return make_book(then, fit_timing(then, "due"), PastCash.of(later), (), weeks)


def test_chain_ladder_by_hand():
    """On 30 November two invoices of that month and one of October are open; all come by January."""
    book = book_on(halves(), "2023-11-30")
    assert book.held == 300.0
    found = RIVALS["chain-ladder"](book)
    # Factors 2 and 1.5: November brings 100 in December and 100 in January, October 100 in December.
    december, january = 200.0, 100.0
    by_day = np.concatenate([np.full(31, december / 31), np.full(31, january / 31), np.zeros(29)])
    np.testing.assert_allclose(found, by_day.reshape(13, 7).sum(axis=1))


def test_what_came_counts_receipts_of_the_book_alone():
    book = book_on(halves(), "2023-11-30")
    came = book.came(10**6).sum(axis=0)
    # 15 December: one of November, one of October; 15 January: the last of November.
    assert came[2] == 200.0
    assert came[6] == 100.0
    assert came.sum() == 300.0
    early = book.came(book.day + 20).sum(axis=0)
    assert early[2] == 200.0
    assert early.sum() == 200.0


def test_credits_and_cash_on_account_reduce_the_book():
    credit = invoice("cr", "2023-11-10", -40, customer_id="c1")
    loose = event(None, "2023-11-12", 30, customer_id="c2")
    book = book_on(halves([credit], [loose]), "2023-11-30")
    # c1 owes 100 less 40, c2 200 less 30.
    assert book.held == pytest.approx(60 + 170)
    assert RIVALS["terms only"](book).sum() == pytest.approx(230)


def test_rules_by_hand():
    book = book_on(halves(), "2023-11-30")
    # November's are due on 1 December, October's are overdue: everything in the first week.
    assert RIVALS["terms only"](book)[0] == 300.0
    # c1 pays 15 days late or so, c2 45: from the day of November's due date 1 December.
    late = RIVALS["customer mean"](book)
    assert late[0] == 0.0
    assert late.sum() == 300.0
    assert np.isnan(RIVALS["ageing percentages"](book)).all()


def test_receipts_recorded_late_are_unknown_until_then():
    invoices = [invoice(f"i{k}", "2023-01-01", 10, "2023-01-31", customer_id=f"c{k}") for k in range(30)]
    events = [event(f"i{k}", "2023-02-10", 10, recorded_date="2023-02-20") for k in range(30)]
    past = PastCash.of(ledger_of(invoices, events).as_of("2023-12-31"))
    day = past.paid_day[0]
    assert past.between(day - 1, day, day).size == 0
    assert past.between(day - 1, day, day + 10).size == 30
