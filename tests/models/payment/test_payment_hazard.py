from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import LookAheadError, ModelError
from arrisk.ledger.days import day_number
from arrisk.models.payment import ahead
from arrisk.models.payment.payment_hazard import fit_hazard
from tests.ledger.frames import event, invoice, ledger_of
from tests.models.payment_books import book_of, rows_of

DATE = pd.Timestamp("2023-09-29")  # a Friday


@pytest.fixture(scope="module")
def book():
    return book_of(5, customers=25)


@pytest.fixture(scope="module")
def snapshot(book):
    return book.as_of(DATE)


@pytest.fixture(scope="module")
def hazard(snapshot):
    return fit_hazard(snapshot, holidays=["12-25"])


def plan(issued, customer="c001", amount=100.0):
    day = pd.to_datetime(issued)
    return pd.DataFrame(
        {
            "customer_id": customer,
            "issue_date": day,
            "due_date": day + pd.Timedelta(days=30),
            "amount": amount,
        }
    )


def test_open_items_are_described_and_rated(hazard, snapshot):
    items = hazard.open_items(snapshot)
    is_open = (snapshot.items["close_kind"] == "open") & (snapshot.items["amount"] > 0)
    assert items["invoice_id"].tolist() == snapshot.items.loc[is_open, "invoice_id"].tolist()
    rates = hazard.rates(items, snapshot.date, 60)
    path = rates.paths()
    assert path.shape == (len(items), 60)
    assert (path >= 0).all()
    total = path.sum(axis=1) + rates.losses().sum(axis=1)
    assert (total > 0).all()
    assert (total < 1).all()


def test_items_of_a_plan_are_not_paid_before_their_issue(hazard, snapshot):
    items = hazard.describe(snapshot, plan(["2023-10-02", "2023-10-12"]).set_axis([4, 2]))
    assert items.index.tolist() == [4, 2]
    path = hazard.rates(items, snapshot.date, 120).paths()
    assert (path[0, :2] == 0).all()
    assert (path[1, :12] == 0).all()
    assert (path.sum(axis=1) > 0.9).all()
    # The same invoice ten days later is paid ten days later, but for the calendar.
    days = np.arange(1, 121)
    assert (path[1] @ days - path[0] @ days) == pytest.approx(10, abs=3)


def test_closed_days_of_a_book_that_is_never_paid_on_them_have_no_rate():
    rng = np.random.default_rng(3)
    invoices, events = [], []
    for n in range(300):
        day = pd.Timestamp("2023-01-02") + pd.Timedelta(days=int(rng.integers(0, 400)))
        paid = day + pd.Timedelta(days=int(rng.integers(5, 50)))
        paid += pd.Timedelta(days=max(0, 7 - paid.dayofweek) * (paid.dayofweek >= 5))
        due = f"{day + pd.Timedelta(days=30):%Y-%m-%d}"
        invoices.append(invoice(f"i{n}", f"{day:%Y-%m-%d}", 10.0, due, customer_id=f"c{n % 9}"))
        events.append(event(f"i{n}", f"{paid:%Y-%m-%d}", 10.0))
    snapshot = ledger_of(invoices, events).as_of("2023-12-29")
    hazard = fit_hazard(snapshot, holidays=["2024-01-01"])
    path = hazard.rates(hazard.open_items(snapshot), snapshot.date, 9).paths()
    assert (path[:, [0, 1, 2, 7, 8]] == 0).all()
    assert (path[:, 3:7] > 0).all()
    assert "closed day" in hazard.diagnostics["empty"]


def test_what_happens_later_changes_neither_fit_nor_prediction():
    invoices, events = rows_of(7, customers=15, days=680)
    known = f"{DATE:%Y-%m-%d}"
    early_events = [e for e in events if e["date"] <= known]
    early = [i for i in invoices if i["issue_date"] <= known]
    later = ledger_of(invoices, events).as_of(known)
    alone = ledger_of(early, early_events).as_of(known)
    assert len(events) > len(early_events)
    one, other = fit_hazard(later), fit_hazard(alone)
    pd.testing.assert_frame_equal(one.table, other.table, check_exact=True)
    pd.testing.assert_frame_equal(one.predict(later), other.predict(alone), check_exact=True)


def test_refit_is_the_fit_of_that_day_without_errors(book, hazard):
    later = book.as_of("2024-01-31")
    again, fresh = hazard.refit(later), fit_hazard(later, holidays=["12-25"])
    assert again.as_of == later.date
    np.testing.assert_array_equal(again.fit.coefficients, fresh.fit.coefficients)
    items = fresh.open_items(later)
    one, other = (m.rates(items, later.date, 30).paths() for m in (again, fresh))
    np.testing.assert_array_equal(one, other)


def test_a_hazard_does_not_tell_the_past(book, hazard):
    with pytest.raises(LookAheadError, match="cannot predict the state of 2023-06-30"):
        hazard.open_items(book.as_of("2023-06-30"))


@pytest.mark.parametrize("clock", ["due", "issue"])
def test_other_clocks_begin_elsewhere(snapshot, clock):
    hazard = fit_hazard(snapshot, clock=clock, pay_days=False, speeds=False, terms=("usual",))
    items = hazard.open_items(snapshot)
    start = items["due_date"] if clock == "due" else items["issue_date"]
    assert items["age"].tolist() == (snapshot.date - start).dt.days.tolist()
    assert hazard.strata == (0, 0, 0)
    path = hazard.rates(items, snapshot.date, 30).paths()
    assert 0.1 < path.sum(axis=1).mean() < 1


def test_a_window_uses_what_happened_in_it(snapshot):
    hazard = fit_hazard(snapshot, window_days=180)
    paid = snapshot.items["closed_date"] > snapshot.date - pd.Timedelta(days=180)
    assert 0 < hazard.fit.events <= int(paid.sum())
    assert hazard.fit.events > 0.9 * int(paid.sum())


def test_a_book_without_due_dates_counts_from_the_issue():
    invoices, events = rows_of(8, customers=12, days=500)
    for row in invoices:
        row["due_date"] = None
    snapshot = ledger_of(invoices, events).as_of("2023-03-31")
    hazard = fit_hazard(snapshot)
    assert hazard.diagnostics["assumed terms"] == "none: days count from the issue"
    items = hazard.open_items(snapshot)
    assert ((snapshot.date - items["issue_date"]).dt.days - items["age"]).between(10, 50).all()
    assert hazard.rates(items, snapshot.date, 60).paths().sum(axis=1).mean() > 0.7


def test_too_few_payments_and_unknown_words_are_refused(snapshot):
    tiny = ledger_of([invoice("1", "2024-01-01", 5, "2024-01-31")], [event("1", "2024-02-05", 5)])
    with pytest.raises(ModelError, match="1 payments known on 2024-03-01; a hazard needs 20"):
        fit_hazard(tiny.as_of("2024-03-01"))
    with pytest.raises(ModelError, match="clock 'moon'"):
        fit_hazard(snapshot, clock="moon")
    with pytest.raises(ModelError, match="no covariate 'colour'"):
        fit_hazard(snapshot, terms=("colour",))


def test_twenty_payments_are_enough():
    rows = [
        invoice(str(n), f"2024-01-{n + 1:02d}", 5, f"2024-02-{n + 1:02d}", customer_id=f"c{n % 4}")
        for n in range(24)
    ]
    paid = [event(str(n), f"2024-02-{n + 4:02d}", 5) for n in range(20)]
    snapshot = ledger_of(rows, paid).as_of("2024-03-01")
    told = fit_hazard(snapshot).predict(snapshot)
    assert len(told) == 4
    assert told["p_paid_90"].between(0.01, 0.999999).all()


def test_slow_customers_have_a_speed_below_one():
    """A customer that stopped paying is expected to go on like that; one that pays as usual is not."""
    invoices, events = rows_of(9, customers=20, days=700)
    stop = "2023-04-01"
    events = [e for e in events if not (e["invoice_id"].startswith("i003") and e["date"] > stop)]
    snapshot = ledger_of(invoices, events).as_of("2023-09-29")
    speeds = fit_hazard(snapshot).speeds
    assert speeds.variance > 0
    table = speeds.table.set_index("customer_id")
    assert table["speed"].idxmin() == "c003"
    assert table.loc["c003", "speed"] < 0.5
    others = table.drop("c003")
    assert others["payments"].sum() == pytest.approx(others["expected"].sum(), rel=0.15)


def test_what_was_expected_of_all_customers_is_what_they_paid(hazard):
    """The fit balances payments and their expectation over all item-days, so over 180 days nearly."""
    table = hazard.speeds.table
    assert table["payments"].sum() == pytest.approx(table["expected"].sum(), rel=0.1)


def test_rates_do_not_depend_on_what_is_rated_together(hazard, snapshot, monkeypatch):
    items = hazard.open_items(snapshot)
    whole = hazard.rates(items, snapshot.date, 20).paths()
    monkeypatch.setattr(ahead, "CHUNK", 3)
    np.testing.assert_array_equal(hazard.rates(items, snapshot.date, 20).paths(), whole)
    np.testing.assert_array_equal(hazard.rates(items.iloc[[4, 1]], snapshot.date, 20).paths(), whole[[4, 1]])
    assert hazard.rates(items.iloc[:0], snapshot.date, 20).paths().shape == (0, 20)


def test_it_renders(hazard):
    assert list(hazard.table.columns[:3]) == ["term", "estimate", "se"]
    table = hazard.to_table()
    assert len(table.frame) == len(hazard.table)
    assert hazard.plot().get_title()
    assert len(hazard.proportionality().table)
    assert "<table" in hazard._repr_html_()
    assert "a day" in hazard.diagnostics["tail"]
    assert hazard.diagnostics["payments"] == hazard.fit.events


def test_rates_of_one_day_are_chances_of_that_day(hazard, snapshot):
    """The rate of the first day, against the look-up by hand of stratum, age, covariates and calendar."""
    items = hazard.open_items(snapshot).iloc[:5]
    monday = day_number("2023-10-02")
    rates = hazard.rates(items, snapshot.date, 3)
    effects = hazard.effects
    design = hazard.calendar.design
    for row, kind in zip(items.itertuples(), rates.kind, strict=True):
        day = hazard.calendar.classes[hazard.calendar.codes(monday, monday)[row.run, 0]]
        ratio = sum(effects[t] for t in design.columns if design.loc[day, t])
        column = min(max(row.age + 3 - hazard.paid.first, 0), hazard.paid.rates.shape[1] - 1)
        wanted = hazard.paid.rates[row.stratum, column] * np.exp(ratio + row.log_ratio)
        assert rates.paid[kind, 2] == pytest.approx(wanted)
