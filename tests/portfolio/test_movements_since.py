"""Bridges of the open balance: by hand, exact on any ledger, and how they show themselves."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings

from arrisk.errors import LookAheadError
from arrisk.portfolio.movements_since import make_bridge, month_before
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import DATES, as_of_dates, ledgers


def lines(snapshot, since):
    return make_bridge(snapshot, since).table.set_index("line")["amount"].to_dict()


def test_every_kind_of_movement_has_its_line():
    ledger = ledger_of(
        [
            invoice("1", "2025-01-01", 100),
            invoice("2", "2025-02-10", 80),
            invoice("3", "2025-02-11", -15),
            invoice("4", "2025-02-12", 9, recorded_date="2025-03-02"),
        ],
        [
            event("1", "2025-01-20", 10),
            event("1", "2025-02-05", 40),
            event("1", "2025-02-06", 3, kind="discount"),
            event("1", "2025-02-07", 7, kind="credit_note"),
            event("1", "2025-02-08", 20, kind="write_off"),
            event(None, "2025-02-09", 5, customer_id="c"),
            event("1", "2025-02-20", 2, recorded_date="2025-03-01"),
        ],
    )
    assert lines(ledger.as_of("2025-02-28"), "2025-01-31") == {
        "opening balance": 90,
        "invoiced": 80,
        "cash received": -45,
        "discounts taken": -3,
        "credit notes": -22,
        "written off": -20,
        "closing balance": 80,
    }


def test_a_prepayment_is_cash_of_the_day_its_invoice_is_known():
    ledger = ledger_of(
        [invoice("0", "2025-01-01", 1), invoice("1", "2025-02-10", 50)], [event("1", "2025-01-15", 50)]
    )
    found = lines(ledger.as_of("2025-02-28"), "2025-01-31")
    assert (found["opening balance"], found["invoiced"], found["cash received"]) == (1, 50, -50)


def test_a_start_before_the_ledger_opens_at_zero_and_a_later_one_is_refused():
    snapshot = ledger_of([invoice("1", "2025-01-01", 100)]).as_of("2025-01-05")
    assert lines(snapshot, None)["opening balance"] == 0
    with pytest.raises(LookAheadError):
        make_bridge(snapshot, "2025-02-01")
    same = make_bridge(snapshot, snapshot.date)
    assert "is what it was" in same.finding()


def test_month_before_keeps_month_ends():
    pairs = {"2025-02-28": "2025-01-31", "2024-03-31": "2024-02-29", "2025-07-01": "2025-06-01"}
    for day, before in pairs.items():
        assert month_before(pd.Timestamp(day)) == pd.Timestamp(before)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(ledgers(), as_of_dates, as_of_dates)
def test_bridges_foot_to_the_cent(rows, one, other):
    start, end = sorted((one, other))
    ledger = ledger_of(**rows)
    table = make_bridge(ledger.as_of(end), start).table
    minor = (table["amount"] * 100).round().astype(int).tolist()
    assert minor[0] == ledger.as_of(start).open_minor
    assert minor[-1] == ledger.as_of(end).open_minor == sum(minor[:-1])


def test_consecutive_bridges_add_up_to_one():
    ledger = ledger_of(
        [invoice(str(n), day, 10 + n) for n, day in enumerate(DATES[::9])],
        [event(str(n), day, 4) for n, day in enumerate(DATES[5::11])],
    )
    middle = lines(ledger.as_of("2024-05-31"), "2024-03-31")
    last = lines(ledger.as_of("2024-07-31"), "2024-05-31")
    whole = lines(ledger.as_of("2024-07-31"), "2024-03-31")
    assert middle["closing balance"] == last["opening balance"]
    for line in ("invoiced", "cash received"):
        assert whole[line] == pytest.approx(middle[line] + last[line])


def test_it_shows_itself():
    ledger = ledger_of([invoice("1", "2025-01-01", 100)], [event("1", "2025-02-05", 40)])
    bridge = make_bridge(ledger.as_of("2025-02-28"))
    assert "fell by 40" in bridge._repr_html_()
    bridge.plot().figure.canvas.draw()
    heights = [round(patch.get_height() * 1000) for patch in bridge.plot().patches[:7]]
    assert heights == [100, 0, -40, 0, 0, 0, 60]
