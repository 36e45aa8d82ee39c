from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.past_due import invoice_defaults
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import DATES, ledgers

AS_OF = "2025-05-31"


def found(invoices, events=(), definition=None):
    book = ledger_of(invoices, list(events)).as_of(AS_OF)
    definition = definition or DefaultDefinition()
    return invoice_defaults(book.items, book.events, book.date, definition).set_index("invoice_id")


def test_what_is_final_and_what_is_not():
    books = [
        invoice("young", "2025-03-01", 10, "2025-03-31"),
        invoice("paid", "2025-03-01", 10, "2025-03-31"),
        invoice("late", "2025-01-01", 10, "2025-01-31"),
        invoice("small", "2025-01-01", 3, "2025-01-31"),
        invoice("undated", "2025-01-01", 10),
    ]
    seen = found(books, [event("paid", "2025-04-10", 10)], DefaultDefinition(materiality=5))
    assert seen["known"].to_dict() == {
        "late": True, "paid": True, "small": True, "undated": False, "young": False,
    }  # fmt: skip
    assert seen.index[seen["cause"] == "overdue"].tolist() == ["late"]
    assert seen.loc["paid", "settled_date"] == pd.Timestamp("2025-04-10")
    assert pd.isna(seen.loc["young", "settled_date"])


def test_a_write_off_counts_once_it_reaches_the_materiality():
    books = [invoice("1", "2025-04-01", 100, "2025-04-30")]
    losses = [event("1", "2025-05-02", 30, "write_off"), event("1", "2025-05-09", 30, "write_off")]
    seen = found(books, losses, DefaultDefinition(materiality=50))
    assert seen.loc["1", ["default_date", "cause"]].tolist() == [pd.Timestamp("2025-05-09"), "written off"]
    assert found(books, losses, DefaultDefinition(materiality=50, write_off=False)).loc["1", "cause"] == ""


def test_an_invoice_booked_late_is_not_in_default_before():
    books = [invoice("1", "2025-01-01", 10, "2025-01-31", recorded_date="2025-05-20")]
    assert found(books).loc["1", "default_date"] == pd.Timestamp("2025-05-20")


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(ledgers(), st.sampled_from([0, 10, 30]), st.sampled_from([0.0, 5.0]), st.booleans())
def test_a_walk_through_the_days_of_each_invoice_finds_the_same(rows, days, least, write_off):
    book = ledger_of(**rows).as_of(DATES[-1])
    definition = DefaultDefinition(days, least, write_off=write_off)
    seen = invoice_defaults(book.items, book.events, book.date, definition).set_index("invoice_id")
    items, events = book.items[book.items["amount"] > 0], book.events
    assert seen.index.tolist() == sorted(items["invoice_id"].unique())
    for number, parts in items.groupby("invoice_id"):
        moved = events[(events["invoice_id"] == number) & (events["kind"] != "recovery")]
        first = pd.NaT
        for day in pd.date_range(DATES[0], book.date):
            done = moved[moved["date"] <= day]
            due = parts[parts["due_date"] + pd.Timedelta(days=days) <= day]
            due = due.loc[due["recorded_date"] <= day, "amount"].sum()
            lost = done.loc[done["kind"] == "write_off", "amount"].sum()
            past = due - max(done["amount"].sum(), 0.0)
            if past >= max(least, 0.005) - 0.0025 or (write_off and lost >= max(least, 0.005) - 0.0025):
                first = day
                break
        got = seen.loc[number, "default_date"]
        assert (pd.isna(first) and pd.isna(got)) or first == got
