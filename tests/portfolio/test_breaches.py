"""Breaches of limits: start, end, length, peak and cause by hand, and against a daily loop."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.errors import LedgerError
from arrisk.portfolio.breaches import find_breaches
from arrisk.portfolio.exposure import make_exposure
from arrisk.portfolio.utilisation import make_utilisation_path
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import as_of_dates
from tests.portfolio.credit_books import credit_books

LIMITS = [{"customer_id": "c", "valid_from": "2025-01-01", "credit_limit": 100.0}]


def breaches_of(invoices, events=None, limits=None, as_of="2025-03-31", threshold=1.0, **tables):
    ledger = ledger_of(invoices, events, limits=LIMITS if limits is None else limits, **tables)
    return find_breaches(make_utilisation_path(ledger.as_of(as_of)), threshold)


def rows_of(breaches, *columns: str) -> list[tuple]:
    table = breaches.table
    shown = [
        table[c].dt.strftime("%m-%d") if c in ("start", "end", "peak_date") else table[c] for c in columns
    ]
    return list(zip(*shown, strict=True))


def limit(date: str, amount: float) -> dict:
    return {"customer_id": "c", "valid_from": date, "credit_limit": amount}


def test_a_breach_ends_on_the_first_day_that_ends_within_the_limit():
    found = breaches_of(
        [invoice("1", "2025-01-10", 90), invoice("2", "2025-01-12", 40), invoice("3", "2025-01-13", 5)],
        [event("1", "2025-01-20", 35)],
    )
    assert rows_of(found, "start", "end", "days", "cause", "credit_limit", "exposure") == [
        ("01-12", "01-20", 8, "new invoices", 100, 130)
    ]
    assert rows_of(found, "peak_exposure", "peak_excess", "peak_date") == [(135, 35, "01-13")]
    assert found.open.empty


def test_the_limit_itself_is_not_a_breach_and_one_day_is():
    assert breaches_of([invoice("1", "2025-01-10", 100)]).table.empty
    found = breaches_of([invoice("1", "2025-01-10", 100.01)], [event("1", "2025-01-11", 0.01)])
    assert rows_of(found, "days", "peak_excess") == [(1, 0.01)]


def test_a_breach_that_lasts_counts_the_last_day_too():
    found = breaches_of([invoice("1", "2025-03-30", 150)])
    assert found.table["end"].isna().all()
    assert found.table["days"].tolist() == [2]
    assert found.finding() == "The limit was passed 1 time; 1 customers are above it now"


def test_within_one_day_only_its_end_counts():
    found = breaches_of([invoice("1", "2025-01-10", 150)], [event("1", "2025-01-10", 60)])
    assert found.table.empty


def test_a_payment_booked_late_ends_the_breach_when_it_is_known():
    late = event("1", "2025-01-15", 60, recorded_date="2025-02-01")
    assert rows_of(breaches_of([invoice("1", "2025-01-10", 150)], [late]), "end") == [("02-01",)]


def test_causes():
    big = invoice("1", "2025-01-10", 90)
    cut = breaches_of([big], limits=[*LIMITS, limit("2025-02-01", 50)])
    assert rows_of(cut, "start", "cause", "peak_excess") == [("02-01", "limit cut", 40)]
    first = breaches_of([big], limits=[limit("2025-02-01", 50)])
    assert rows_of(first, "start", "cause") == [("02-01", "limit set")]
    both = breaches_of([big, invoice("2", "2025-02-01", 5)], limits=[*LIMITS, limit("2025-02-01", 92)])
    assert rows_of(both, "start", "cause") == [("02-01", "limit cut and growth")]
    order = {"order_id": "o", "customer_id": "c", "order_date": "2025-02-01", "amount": 20.0}
    assert rows_of(breaches_of([big], orders=[order]), "start", "cause") == [("02-01", "new orders")]
    back = [event("1", "2025-01-15", 90), event("1", "2025-03-01", -90)]
    undone = breaches_of([big, invoice("2", "2025-01-20", 60)], back)
    assert rows_of(undone, "start", "cause") == [("03-01", "payment undone")]


def test_an_order_that_is_billed_moves_nothing():
    order = {
        "order_id": "o", "customer_id": "c", "order_date": "2025-01-10", "amount": 120.0, "invoice_id": "1",
        "invoiced_date": "2025-02-10",
    }  # fmt: skip
    found = breaches_of([invoice("1", "2025-02-10", 120), invoice("0", "2025-01-01", 1)], orders=[order])
    assert rows_of(found, "start", "cause", "days") == [("01-10", "new orders", 81)]


def test_a_limit_of_zero_can_be_breached_and_no_limit_cannot():
    assert rows_of(
        breaches_of([invoice("1", "2025-01-10", 1)], limits=[limit("2025-01-01", 0)]), "start"
    ) == [("01-10",)]
    none = breaches_of([invoice("1", "2025-01-10", 1)], limits=[])
    assert none.table.empty
    assert none.finding() == "No credit limit is set: none can be breached"
    plt.figure()
    assert none.plot().get_title() == none.finding()
    assert none.causes().frame.empty


def test_a_share_of_the_limit_is_compared_exactly():
    invoices = [invoice("1", "2025-01-10", 80), invoice("2", "2025-01-20", 0.01)]
    found = breaches_of(invoices, threshold=0.8)
    assert rows_of(found, "start", "peak_excess") == [("01-20", 0.01)]
    assert breaches_of([invoice("1", "2025-01-10", 7)], threshold=0.07).table.empty
    for share in (0, -1, float("nan"), float("inf")):
        with pytest.raises(LedgerError, match="share of the limit above zero"):
            breaches_of(invoices, threshold=share)


def daily_loop(path, threshold: float) -> list[tuple]:
    """Breaches day by day and name by name."""
    days = pd.date_range("2024-01-30", path.as_of)
    states = {(r.date, r.name): (r.exposure, r.credit_limit) for r in path.at(days).itertuples(index=False)}
    out = []
    for name in path.names:
        run: list[tuple] = []
        for day in [*days, None]:
            exposure, line = states.get((day, name), (0.0, float("nan")))
            excess = round(100 * exposure - 100 * threshold * line, 6) if line == line else -1
            if excess > 1e-5:
                run.append((day, excess, exposure))
            elif run:
                peak = max(row[1] for row in run)
                first = next(row[0] for row in run if row[1] == peak)
                out.append((name, run[0][0], day, len(run), max(row[2] for row in run), first))
                run = []
    return sorted(out, key=lambda row: (row[1], row[0]))


def breaches_are_those_of_a_daily_loop(rows, date, threshold):
    rows["limits"] = [r | {"credit_limit": 4 * r["credit_limit"]} for r in rows["limits"]]
    path = make_utilisation_path(ledger_of(**rows).as_of(date))
    breaches = find_breaches(path, threshold)
    columns = ["name", "start", "end", "days", "peak_exposure", "peak_date"]
    plain = daily_loop(path, threshold)
    found = [
        tuple(None if v is pd.NaT else v for v in row)
        for row in breaches.table[columns].itertuples(index=False, name=None)
    ]
    assert found == plain
    if len(breaches.daily):
        last = breaches.daily.iloc[-1]
        exposure = path.at([path.as_of])
        over = (exposure["exposure"] - threshold * exposure["credit_limit"]).clip(lower=0)
        assert last["names"] == (over > 1e-9).sum() == len(breaches.open)
        assert last["excess"] == pytest.approx(over.sum(), abs=1e-6)


def what_is_known_later_changes_no_earlier_breach(rows, one, other):
    early, late = sorted((one, other))
    ledger = ledger_of(**rows)
    before, after = (find_breaches(make_utilisation_path(ledger.as_of(d))).table for d in (early, late))
    cut = after[after["start"] <= early].reset_index(drop=True)
    cut["end"] = cut["end"].where(cut["end"] <= early)
    lasts = cut["end"].isna()
    cut["days"] = cut["days"].where(~lasts, (pd.Timestamp(early) - cut["start"]).dt.days + 1)
    same = ["name", "start", "end", "days", "cause", "credit_limit", "exposure"]
    pd.testing.assert_frame_equal(before[same], cut[same], check_dtype=False)
    closed = ["peak_exposure", "peak_excess", "peak_date"]
    pd.testing.assert_frame_equal(before.loc[~lasts, closed], cut.loc[~lasts, closed], check_dtype=False)


thresholds = st.sampled_from([1.0, 0.75, 0.5])


@settings(max_examples=6, deadline=None)
@given(credit_books(), as_of_dates, thresholds)
def test_breaches_are_those_of_a_daily_loop(rows, date, threshold):
    breaches_are_those_of_a_daily_loop(rows, date, threshold)


@settings(max_examples=6, deadline=None)
@given(credit_books(), as_of_dates, as_of_dates)
def test_what_is_known_later_changes_no_earlier_breach(rows, one, other):
    what_is_known_later_changes_no_earlier_breach(rows, one, other)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(credit_books(), as_of_dates, as_of_dates, thresholds)
def test_breaches_deeply(rows, one, other, threshold):
    breaches_are_those_of_a_daily_loop(rows, one, threshold)
    what_is_known_later_changes_no_earlier_breach(rows, one, other)


def test_the_sample(sample_study):
    snapshot = sample_study.snapshot()
    path = make_utilisation_path(snapshot)
    breaches, above = find_breaches(path), make_exposure(snapshot).above
    assert set(breaches.open["name"]) == set(above["customer_id"])
    assert breaches.daily["excess"].iloc[-1] == pytest.approx(above["excess"].sum())
    assert breaches.limited == 194
    assert len(find_breaches(path, 0.8).table) > len(breaches.table)
    assert breaches.causes().frame["breaches"].sum() == len(breaches.table)
    assert len(breaches.to_table().frame) == 12
