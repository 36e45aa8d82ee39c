"""Competing risks: the curve of the timing room, conditional on age, and the tail."""

from __future__ import annotations

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.loss_rates.competing import count_competing, eventual_loss
from arrisk.models.timing.endings import fit_incidence
from tests.ledger.frames import event, invoice, ledger_of
from tests.loss_book import loss_book


def rates_of(counts) -> np.ndarray:
    return counts.rates(counts.totals())[0]


def two_items(**choices) -> np.ndarray:
    """100 paid 10 days late and 100 written off 40 days late; due when issued."""
    rows = [invoice(n, "2024-01-01", 100, "2024-01-01") for n in "12"]
    events = [event("1", "2024-01-11", 100), event("2", "2024-02-10", 100, "write_off")]
    return rates_of(count_competing(ledger_of(rows, events).as_of("2024-12-31"), **choices))


def test_rates_by_hand():
    """Up to day 10 half is lost, then all; on the days 1 to 9 200 stand open, on the days 10 to 30 100."""
    first = (9 * 200 * 0.5 + 21 * 100) / (9 * 200 + 21 * 100)
    np.testing.assert_allclose(two_items()[:3], [0.5, first, 1.0])
    np.testing.assert_allclose(two_items(ages="arrival")[:3], [0.5, 0.5, 1.0])


def test_the_chance_at_issue_is_the_curve_of_the_timing_room():
    """All terms alike: what reaches the first day is what was issued."""
    book = loss_book(customers=60, invoices=1500, lost_share=0.3).as_of("2024-12-31")
    counts = count_competing(book, ages="arrival", tail_loss=0.0)
    curve = fit_incidence(book, "due", weights="amount").curves["all"]
    assert rates_of(counts)[0] == pytest.approx(float(curve.table["incidence_3"].iloc[-1]), rel=1e-9)
    assert counts.totals().shape[1] == 4 * (730 + 32) + 2


def test_a_window_lets_older_money_enter_at_its_age():
    book = loss_book(customers=60, invoices=1500, lost_share=0.3).as_of("2024-12-31")
    counts = count_competing(book, months=12)
    assert counts.terms.sum() < count_competing(book).terms.sum()
    assert rates_of(counts)[4] == pytest.approx(1.0)
    assert 0 < rates_of(counts)[0] < 0.1


def test_money_still_open_at_the_longest_age_follows_the_rule_of_the_tail():
    """100 is open after 200 days, 100 was lost after 120 and 100 paid after 130."""
    rows = [invoice(n, "2024-01-01", 100, "2024-01-01") for n in "123"]
    events = [event("2", "2024-04-30", 100, "write_off"), event("3", "2024-05-10", 100)]
    book = ledger_of(rows, events).as_of("2024-12-31")
    arrivals = {
        tail: rates_of(count_competing(book, longest=200, tail_loss=tail, ages="arrival"))[4]
        for tail in (None, 0.0, 1.0)
    }
    assert arrivals == pytest.approx({None: (1 + 0.5) / 3, 0.0: 1 / 3, 1.0: 2 / 3})
    counts = count_competing(book, longest=200)
    assert counts.facts["open_beyond_longest"] == 100.0
    low, high = (counts.facts[f"rates_if_{k}_tail_is_lost"][4] for k in ("no", "all"))
    assert low < rates_of(counts)[4] < high
    assert f"{low:.2%} or {high:.2%}" in counts.conventions["tail"]


def test_todays_ages_weigh_the_days_of_a_bucket():
    """Today's money of the bucket stands on its last day, from where all is lost."""
    rows = [invoice(n, "2024-01-01", 100, "2024-01-01") for n in "12"]
    rows.append(invoice("3", "2024-12-01", 50, "2024-12-01"))
    events = [event("1", "2024-01-11", 100), event("2", "2024-02-10", 100, "write_off")]
    book = ledger_of(rows, events).as_of("2024-12-31")
    assert rates_of(count_competing(book, ages="today"))[1] == pytest.approx(1.0)
    assert rates_of(count_competing(book))[1] < 0.9


def test_chances_run_backwards():
    at_risk, settled, lost = (
        np.array([[4.0, 2.0, 0.0]]),
        np.array([[1.0, 1.0, 0.0]]),
        np.array([[1.0, 0.0, 0.0]]),
    )
    found = eventual_loss(at_risk, settled, lost, np.array([0.4]))
    np.testing.assert_allclose(found, [[0.5 * 0.4, 0.4, 0.4]])


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"longest": 90}, "beyond the last edge"),
        ({"tail_loss": 1.5}, "between 0 and 1"),
        ({"ages": "now"}, "ages is one of"),
        ({"months": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_done_is_said(choices, words):
    with pytest.raises(ModelError, match=words):
        two_items(**choices)
