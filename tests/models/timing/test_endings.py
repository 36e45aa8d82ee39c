from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.timing.endings import fit_incidence
from arrisk.models.timing.payment_timing import fit_timing
from tests.ledger.frames import event, invoice, ledger_of
from tests.models.payment_books import book_of

ENDS = [("payment", "2025-01-11", 100)] * 6 + [("credit_note", "2025-01-03", 100)] * 2
ENDS += [("write_off", "2025-03-02", 100)]


def small_book(ends=ENDS, still_open: int = 1):
    """Ten invoices a customer: six paid on day 10, two credited on day 2, one written off on day 60."""
    invoices, events = [], []
    for c in range(5):
        for k in range(len(ends) + still_open):
            number = f"{c}-{k}"
            invoices.append(invoice(number, "2025-01-01", 100, "2025-01-31", customer_id=f"c{c}"))
            if k < len(ends):
                kind, day, amount = ends[k]
                events.append(event(number, day, amount, kind))
    return ledger_of(invoices, events).as_of("2025-04-30")


def test_invoices_end_as_they_ended():
    found = fit_incidence(small_book())
    curves = found.curves["all"]
    assert [curves.at([60], c)[0] for c in (1, 2, 3)] == pytest.approx([0.6, 0.2, 0.1])
    assert curves.still_open([60])[0] == pytest.approx(0.1)
    assert curves.at([1, 2, 9], 2) == pytest.approx([0.0, 0.2, 0.2])
    row = found.to_table().frame.iloc[0]
    assert row[["invoices", "by_day", "paid", "credited", "written_off", "open"]].tolist() == pytest.approx(
        [50, 119, 0.6, 0.2, 0.1, 0.1]
    )
    assert found.plot().get_title() == "By day 119: 60.0% paid, 20.0% credited, 10.0% written off, 10.0% open"
    table = found.table
    assert table.columns.tolist() == ["group", "term", "estimate", "ci_low", "ci_high"]
    assert table.set_index("term").loc["paid by day 30", "estimate"] == pytest.approx(0.6)


def test_part_payments_are_slices_and_the_rest_is_open():
    """Of each amount 40% is paid on day 10 and 50% written off on day 60; 10% is still open."""
    invoices = [invoice(f"{k}", "2025-01-01", 100, customer_id=f"c{k % 5}") for k in range(40)]
    events = [event(f"{k}", "2025-01-11", 40) for k in range(40)]
    events += [event(f"{k}", "2025-03-02", 50, "write_off") for k in range(40)]
    snapshot = ledger_of(invoices, events).as_of("2025-04-30")
    by_amount = fit_incidence(snapshot, weights="amount").curves["all"]
    assert by_amount.at([9, 10, 60], 1) == pytest.approx([0.0, 0.4, 0.4])
    assert by_amount.at([59, 60], 3) == pytest.approx([0.0, 0.5])
    assert by_amount.still_open([100])[0] == pytest.approx(0.1)
    with pytest.raises(ModelError, match="no closing"):
        fit_incidence(snapshot)


def test_paid_in_the_end_is_more_than_paid():
    """Censoring what is written off answers another question, and says more."""
    snapshot = small_book()
    paid = fit_incidence(snapshot).curves["all"].at([60], 1)[0]
    assert 1 - fit_timing(snapshot).curves["all"].at([60])[0] > paid + 0.1


def test_intervals_know_the_customers_and_groups_are_apart():
    book = book_of(21, customers=40, days=500)
    snapshot = book.as_of("2023-05-01")
    found = fit_incidence(snapshot, clock="due")
    curves = found.curves["all"]
    assert curves.n_clusters == 40
    low, high = curves.figures([0], 1)[["ci_low", "ci_high"]].to_numpy()[0]
    assert low < curves.at([0], 1)[0] < high
    groups = fit_incidence(small_book(), by="customer_id")
    assert set(groups.curves) == {"all", *(f"c{c}" for c in range(5))}
    # A single customer does not tell how customers vary.
    assert np.isnan(groups.curves["c1"].figures([10], 1)["se"][0])
    assert "Items left out: none" in groups._repr_html_()


def test_what_cannot_be_followed_is_refused():
    with pytest.raises(ModelError, match="no column"):
        fit_incidence(small_book(), by="shoe_size")
    undated = [invoice(str(n), "2025-01-05", 10.0, customer_id=f"c{n}") for n in range(30)]
    with pytest.raises(ModelError, match="clock 'due'"):
        fit_incidence(ledger_of(undated).as_of("2025-06-30"), clock="due")


def test_as_of_date_is_shown():
    ax = fit_incidence(small_book()).plot()
    assert any("as of 2025-04-30" in text.get_text() for text in ax.texts)
    assert isinstance(fit_incidence(small_book()).diagnostics["closed"], dict)
    assert pd.api.types.is_numeric_dtype(fit_incidence(small_book()).table["estimate"])
