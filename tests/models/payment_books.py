"""Random books for tests of timing and scoring: who pays how fast is known, and who stops paying."""

from __future__ import annotations

import numpy as np
import pandas as pd

from arrisk.ledger.book import Ledger
from tests.ledger.frames import event, invoice, ledger_of

START = pd.Timestamp("2022-01-01")
TERMS = 30


def rows_of(
    seed: int, customers: int = 60, days: int = 900, failing: float = 0.0, every: int = 14
) -> tuple[list[dict], list[dict]]:
    """Invoices and payments; the share `failing` slows down for 120 days and then never pays again."""
    rng = np.random.default_rng(seed)
    invoices, events = [], []
    for c in range(customers):
        fails = c < round(failing * customers)
        stop = int(rng.integers(300, days - 120)) if fails else days * 10
        habit = float(rng.normal(0, 6))
        issued = int(rng.integers(0, every))
        while issued < days:
            number, amount = f"i{c:03d}-{issued:04d}", float(np.round(rng.lognormal(7, 0.7), 2))
            day = START + pd.Timedelta(days=issued)
            due = day + pd.Timedelta(days=TERMS)
            invoices.append(
                invoice(number, f"{day:%Y-%m-%d}", amount, f"{due:%Y-%m-%d}", customer_id=f"c{c:03d}")
            )
            slow = 35 * (fails and stop - 120 <= issued)
            paid = issued + max(0, round(TERMS - 4 + habit + slow + rng.gamma(2, 4)))
            if paid < min(stop, days):
                events.append(event(number, f"{START + pd.Timedelta(days=paid):%Y-%m-%d}", amount))
            issued += int(rng.integers(1, 2 * every))
    return invoices, events


def book_of(seed: int, **options: float) -> Ledger:
    return ledger_of(*rows_of(seed, **options))  # type: ignore[arg-type]
