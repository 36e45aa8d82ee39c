"""Loss rates given by hand, for tests of what is made of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from arrisk.ledger.book import Ledger
from arrisk.models.loss_rates.loss_rates import LossRates
from tests.ledger.frames import invoice, ledger_of

AS_OF = "2025-12-31"
BUCKETS = {"not due": -10, "1-30": 15, "31-60": 45, "61-90": 75, "over 90": 120}
EXAMPLE_12 = {
    "balances": (15_000_000.0, 7_500_000.0, 4_000_000.0, 2_500_000.0, 1_000_000.0),
    "rates": (0.003, 0.016, 0.036, 0.066, 0.106),
    "losses": (45_000.0, 120_000.0, 144_000.0, 165_000.0, 106_000.0),
}


class GivenRates:
    """An overlay that puts rates by bucket in the place of history."""

    def __init__(self, rates: Sequence[float]) -> None:
        self.rates = np.asarray(rates, dtype=float)

    def in_force(self, as_of: pd.Timestamp) -> tuple[str, ...]:
        return ("given",)

    def apply(self, rates: LossRates, as_of: pd.Timestamp) -> tuple[LossRates, pd.DataFrame]:
        change = rates.adjust(lambda x: np.broadcast_to(self.rates, x.shape).copy(), "given", "by hand")
        return change, pd.DataFrame({"id": ["given"]})

    def finding(self) -> str:
        return "rates given by hand"


def book_of(owed: dict[str, Sequence[float]], more: Sequence[dict] = (), **tables) -> Ledger:
    """Customers with one open invoice a bucket, youngest first; 0 is none. Two months of history."""
    rows = [invoice("old", "2025-08-01", 1.0, "2025-08-31", customer_id="old")]
    events = [{"invoice_id": "old", "date": "2025-09-01", "kind": "payment", "amount": 1.0}]
    for customer, amounts in owed.items():
        for (bucket, late), amount in zip(BUCKETS.items(), amounts, strict=True):
            due = pd.Timestamp(AS_OF) - pd.Timedelta(days=late)
            issued = due - pd.Timedelta(days=30)
            if amount:
                number = f"{customer} {bucket}"
                rows.append(
                    invoice(number, str(issued.date()), amount, str(due.date()), customer_id=customer)
                )
    return ledger_of(rows, [*events, *more], **tables)
