"""Rows known later change nothing in an earlier state (oracle A7), and money is conserved."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from tests.ledger.frames import ledger_of
from tests.ledger.random_ledgers import as_of_dates, foreign_ledgers, ledgers


def known(row, date):
    day = row.get("issue_date") or row.get("date") or ""
    return max(day, row.get("recorded_date") or "") <= date


def state(ledger, date):
    snapshot = ledger.as_of(date)
    return snapshot, [snapshot.items, snapshot.unapplied, snapshot.events, snapshot.customers]


def later_rows_change_nothing(rows, date):
    early = {name: [r for r in part if known(r, date)] for name, part in rows.items()}
    before, frames = state(ledger_of(**early), date)
    after, others = state(ledger_of(**rows), date)
    assert before.open_minor == after.open_minor
    for one, other in zip(frames, others, strict=True):
        pd.testing.assert_frame_equal(one, other, check_dtype=False)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(ledgers(), as_of_dates)
def test_oracle_a7_later_rows_change_nothing(rows, date):
    later_rows_change_nothing(rows, date)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(foreign_ledgers(), as_of_dates)
def test_oracle_a7_in_two_currencies_with_strangers(rows, date):
    later_rows_change_nothing(rows, date)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(ledgers(), as_of_dates)
def test_money_is_conserved(rows, date):
    ledger = ledger_of(**rows)
    snapshot = ledger.as_of(date)
    invoiced = snapshot.items["amount"].sum()
    settled = snapshot.events.loc[snapshot.events["kind"] != "recovery", "amount"].sum()
    assert round(100 * (invoiced - settled)) == snapshot.open_minor
    items = snapshot.items
    parts = items[
        ["open_amount", "paid_amount", "discount_amount", "credited_amount", "written_off_amount"]
    ].sum(axis=1)
    assert ((parts - items["amount"]).abs() < 0.005).all()
    assert (items["open_amount"] * items["amount"].map(np.sign) >= 0).all()
    owed = items[items["amount"] > 0]
    assert (owed["recovered_amount"] <= owed["written_off_amount"]).all()
    assert (items.loc[items["amount"] < 0, "recovered_amount"] == 0).all()
    cash = items["paid_amount"] + items["credited_amount"]
    for taken in (cash, items["discount_amount"], items["written_off_amount"]):
        assert (taken.round(2) * items["amount"].map(np.sign) >= 0).all()
    assert ledger.checks.table["rows_in"].sum() == len(rows["invoices"]) + len(rows["events"])


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(ledgers() | foreign_ledgers(), as_of_dates)
def test_oracle_a7_deeply(rows, date):
    later_rows_change_nothing(rows, date)
