from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.ledger.reading import read_ledger
from arrisk.models.payment.calendar import PaymentCalendar
from arrisk.models.payment.closed_days import find_closed_days
from tests.ledger.frames import event, invoice, ledger_of


def test_the_closed_days_of_the_sample_are_found(sample_study):
    found = find_closed_days(sample_study.ledger().as_of("2025-12-31"))
    assert found.calendar == PaymentCalendar(holidays=["01-01", "05-01", "12-25", "12-26"])
    assert found.table["day"].tolist()[:2] == ["Saturday", "Sunday"]
    assert found.to_table().title == "Nothing is paid on Saturday and Sunday; 4 other days look like holidays"
    assert "16 expected" in found._repr_html_()
    assert "customers a day" in found.plot().get_ylabel()


def busy_book(seed: int, closed: tuple[str, ...] = ()):
    """Some 30 payments of as many customers on each weekday of half a year, and a few on Saturdays."""
    rng = np.random.default_rng(seed)
    invoices, events = [], []
    for day in pd.date_range("2024-01-01", "2024-06-30", freq="D"):
        text = f"{day:%Y-%m-%d}"
        mean = (30, 6, 0)[max(day.dayofweek - 4, 0)]
        for k in range(0 if text in closed else rng.poisson(mean)):
            invoices.append(invoice(f"{text}-{k}", "2023-12-01", 10, customer_id=f"c{k}"))
            events.append(event(f"{text}-{k}", text, 10))
    return ledger_of(invoices, events).as_of("2024-06-30")


@pytest.mark.parametrize("seed", [1, 2])
def test_dates_are_found_and_a_slow_saturday_is_not_closed(seed):
    found = find_closed_days(busy_book(seed, ("2024-03-29", "2024-04-01")))
    assert found.calendar == PaymentCalendar([6], ["2024-03-29", "2024-04-01"])
    assert found.table["kind"].tolist() == ["weekday", "date", "date"]
    assert found.weekdays.set_index("day").loc["Saturday", "payments"] > 0
    assert 0.5 < found.diagnostics["judged"] < 1  # Saturdays alone cannot be


def test_the_real_ledger_is_paid_on_all_days(shared_data):
    ledger = read_ledger(shared_data / "ibm-ar", columns="ibm_ar", currency="USD")
    found = find_closed_days(ledger.as_of("2013-07-01"))
    assert found.calendar == PaymentCalendar(weekend=())
    assert found.to_table().title == "The book is paid all week; no other days look like holidays"
    assert found.diagnostics["judged"] == 0.0  # too few payments a day to tell a holiday


def test_few_weeks_tell_nothing():
    book = ledger_of([invoice("1", "2024-01-01", 10)], [event("1", "2024-01-05", 10)])
    with pytest.raises(ModelError, match="fewer than 8 weeks"):
        find_closed_days(book.as_of("2024-02-15"))
