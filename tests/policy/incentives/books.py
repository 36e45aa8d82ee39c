"""Small books of two salespeople for the tests of scores."""

from __future__ import annotations

import pandas as pd

from tests.ledger.frames import event, invoice, ledger_of


def sales_book(slow: dict[str, int], customers: int = 12, months: int = 27, limits: bool = True):
    """Monthly invoices of 100 to customers of each salesperson; so many of them pay 25 days late.

    The others pay two days before the invoice is due.
    """
    invoices, events, given = [], [], []
    for who, count in slow.items():
        for n in range(customers):
            customer = f"{who}{n:02d}"
            given.append({"customer_id": customer, "valid_from": "2023-01-01", "credit_limit": 500.0})
            for m in range(months):
                issued = pd.Timestamp("2023-10-10") + pd.DateOffset(months=m)
                due = issued + pd.Timedelta(days=30)
                paid = due + pd.Timedelta(days=25 if n < count else -2)
                number = f"{customer}-{m}"
                invoices.append(
                    invoice(number, f"{issued:%Y-%m-%d}", 100.0, f"{due:%Y-%m-%d}", salesperson=who,
                            department=who, customer_id=customer)
                )  # fmt: skip
                if paid <= pd.Timestamp("2025-12-31"):
                    events.append(event(number, f"{paid:%Y-%m-%d}", 100.0))
    more = {"limits": given} if limits else {}
    return ledger_of(invoices, events, **more)
