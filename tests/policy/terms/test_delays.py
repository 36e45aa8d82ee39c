"""How the day of payment moves with the terms, by hand."""

from __future__ import annotations

import pytest

from arrisk.policy.terms.delays import fit_delay_slope
from tests.ledger.frames import event, invoice, ledger_of
from tests.policy.grade_terms.books import AS_OF, day, two_grades


def book(slope: float):
    """24 customers on 30 or 60 days; paid 40 + slope x (terms - 30) days after issue, a day apart."""
    invoices, events = [], []
    for k in range(24):
        terms = 30 + 30 * (k % 2)
        for issued in (700, 760, 820):
            number, taken = f"{k:02d}-{issued}", 40 + round(slope * (terms - 30)) + (k // 2) % 3
            customer = f"c{k:02d}"
            invoices.append(invoice(number, day(issued), 100.0, day(issued + terms), customer_id=customer))
            events.append(event(number, day(issued + taken), 100.0))
    return ledger_of(invoices, events).as_of(AS_OF)


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_the_slope_is_found(slope):
    found = fit_delay_slope(book(slope), 90)
    assert found.value == pytest.approx(slope, abs=1e-9)
    assert found.low <= found.value <= found.high
    assert found.customers == 24
    assert found.by_terms["days"].tolist() == [30, 60]
    assert found.by_terms["delay"].tolist() == pytest.approx([11, 11 + 30 * slope - 30])


def test_two_customers_keep_their_delay():
    found = fit_delay_slope(two_grades().as_of(AS_OF), 90)
    assert (found.value, found.se) == (1.0, 0.0)
    assert found.assumption().source.startswith("convention")
