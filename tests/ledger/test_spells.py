"""Spells as known on any day say the same of every item as the snapshot of that day."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings

from arrisk.ledger.days import dates
from arrisk.ledger.spells import CAUSES
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import as_of_dates, foreign_ledgers, ledgers

KINDS = {number: name for name, number in CAUSES.items()}
KEYS = ["item", "number"]


def as_known(snapshot):
    spells = snapshot.query("SELECT * FROM spells")
    return spells.sort_values(KEYS, ignore_index=True)


def spells_are_the_items(ledger, date):
    snapshot = ledger.as_of(date)
    last = as_known(snapshot).drop_duplicates("item", keep="last").set_index("item")
    items = snapshot.items
    names = ["invoice_id", "instalment"]
    numbers = ledger.items.set_index(names)["item"]
    last = last.loc[numbers.loc[pd.MultiIndex.from_frame(items[names])]]
    assert (last["next_day"].isna()).all()
    assert ((last["amount"] / ledger.scale).to_numpy() == items["amount"]).all()
    is_open = last["end_day"].isna().to_numpy()
    assert is_open.tolist() == (items["close_kind"] == "open").tolist()
    assert ["open" if pd.isna(c) else KINDS[c] for c in last["cause"]] == items["close_kind"].tolist()
    pd.testing.assert_series_equal(
        pd.Series(dates(last["end_event_day"])), items["closed_date"], check_names=False
    )


def later_rows_change_no_spell(rows, date):
    def known(row):
        day = row.get("issue_date") or row.get("date") or ""
        return max(day, row.get("recorded_date") or "") <= date

    early = ledger_of(**{name: [r for r in part if known(r)] for name, part in rows.items()})
    pd.testing.assert_frame_equal(
        as_known(early.as_of(date)).drop(columns="customer"),
        as_known(ledger_of(**rows).as_of(date)).drop(columns="customer"),
    )


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(ledgers() | foreign_ledgers(), as_of_dates)
def test_spells_are_the_items_of_any_day(rows, date):
    spells_are_the_items(ledger_of(**rows), date)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(ledgers(), as_of_dates)
def test_later_rows_change_no_spell(rows, date):
    later_rows_change_no_spell(rows, date)


@pytest.mark.slow
@settings(max_examples=120, deadline=None)
@given(ledgers() | foreign_ledgers(), as_of_dates)
def test_spells_deeply(rows, date):
    spells_are_the_items(ledger_of(**rows), date)
    later_rows_change_no_spell(rows, date)


@settings(max_examples=20, deadline=None)
@given(ledgers())
def test_spells_of_an_item_follow_each_other(rows):
    spells = ledger_of(**rows).spells
    assert spells[KEYS].equals(spells[KEYS].sort_values(KEYS, ignore_index=True))
    following = spells.groupby("item")["start_day"].shift(-1)
    assert (following.isna() == spells["next_day"].isna()).all()
    assert (following.dropna() == spells["next_day"].dropna()).all()
    assert (spells["end_day"].fillna(spells["start_day"]) >= spells["start_day"]).all()
    before = spells["next_day"].notna()
    assert (spells.loc[before, "end_day"] < spells.loc[before, "next_day"]).all()
    assert (spells.groupby("item")["number"].cumcount() == spells["number"]).all()


def day(text):
    return (pd.Timestamp(text) - pd.Timestamp("1970-01-01")).days


def test_a_bounced_payment_starts_a_second_spell_and_a_restatement_one_without_length():
    rows = [
        event("1", "2025-01-10", 100),
        event("1", "2025-01-20", -100, recorded_date="2025-01-25"),
        event("1", "2025-02-10", 100, "write_off"),
        event("1", "2025-03-01", -100, "write_off"),
        event("1", "2025-03-01", 100),
    ]
    spells = ledger_of([invoice("1", "2025-01-01", 100, "2025-01-31")], rows).spells
    found = spells[["number", "start_day", "end_day", "end_event_day", "cause", "next_day"]]
    paid, lost = CAUSES["paid"], CAUSES["written_off"]
    first, again, restated = day("2025-01-01"), day("2025-01-25"), day("2025-03-01")
    assert found.astype("Int64").to_numpy().tolist() == [
        [0, first, day("2025-01-10"), day("2025-01-10"), paid, again],
        [1, again, day("2025-02-10"), day("2025-02-10"), lost, restated],
        [2, restated, restated, restated, paid, pd.NA],
    ]


def test_what_came_later_is_not_seen():
    rows = [event("1", "2025-01-10", 100), event("1", "2025-01-20", -100)]
    ledger = ledger_of(
        [invoice("1", "2025-01-01", 100, dispute_opened="2025-01-05", dispute_closed="2025-01-09")], rows
    )
    seen = as_known(ledger.as_of("2025-01-04"))
    later = ["end_day", "end_event_day", "cause", "next_day", "dispute_opened", "dispute_closed"]
    assert seen[later].isna().all(axis=None)
    closed = as_known(ledger.as_of("2025-01-19"))
    assert closed[later].isna().to_numpy().tolist() == [[False, False, False, True, False, False]]
    assert as_known(ledger.as_of("2025-01-20"))["next_day"].tolist() == [day("2025-01-20"), pd.NA]


def test_an_item_below_a_minor_unit_is_closed_when_it_is_known():
    rates = [{"date": "2025-01-01", "currency": "JPY", "rate": 0.001}]
    rows = [invoice("1", "2025-01-10", 100), invoice("2", "2025-01-12", 0.01, currency="JPY")]
    ledger = ledger_of(rows, rates=rates)
    assert ledger.spells["end_day"].tolist() == [pd.NA, day("2025-01-12")]
    spells_are_the_items(ledger, "2025-12-31")
