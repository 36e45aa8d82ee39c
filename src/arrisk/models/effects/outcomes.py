"""What became of every invoice within a time from its issue: days to payment, and what the money was worth.

Only invoices old enough to be seen for the whole time count, so nothing is censored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.errors import ModelError

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["OUTCOMES", "observe_outcomes"]

OUTCOMES = {
    "days": "days from issue to payment",
    "value": "present value per 100 invoiced",
    "unpaid": "unpaid per 100 invoiced",
}


def observe_outcomes(
    snapshot: Snapshot, *, horizon: int = 120, cost_of_capital: float = 0.08, rest: float = 1.0
) -> pd.DataFrame:
    """Every positive item that was issued at least `horizon` days ago, and what became of it by then.

    Parameters
    ----------
    snapshot : Snapshot
    horizon : int
        Days from issue after which nothing counts; what is unpaid by then counts as paid on that day at
        `rest` of its amount.
    cost_of_capital : float
        Effective annual rate, 365 days.
    rest : float
        Worth of 1 that is unpaid at the horizon.

    Returns
    -------
    DataFrame
        `invoice_id`, `customer_id`, `segment`, `issue_date`, `month` (12 * year + month - 1), `amount` (net
        of credit notes), `terms` (days from issue to due date, NaN without one), `offered`, `taken` (flags),
        `rate`, `window` (of the offer; NaN without), `discount` (amount taken), and the outcomes `days`,
        `value`, `unpaid` (see `OUTCOMES`).

    Raises
    ------
    ModelError
        If no item is old enough.
    """
    items = snapshot.items
    amount = items["amount"] - items["credited_amount"]
    last = snapshot.date - pd.Timedelta(days=horizon)
    items = items[(amount > 0) & (items["issue_date"] <= last) & (items["close_kind"] != "credited")]
    if items.empty:
        raise ModelError(f"no invoice was issued {horizon} days or more before {snapshot.date.date()}")
    segment = items["customer_id"].map(snapshot.customers.set_index("customer_id")["segment"])
    rate = pd.to_numeric(items["discount_rate"]).astype(float)
    frame = pd.DataFrame(
        {
            "invoice_id": items["invoice_id"],
            "customer_id": items["customer_id"],
            "segment": segment.fillna("no segment").astype(str),
            "issue_date": items["issue_date"],
            "month": items["issue_date"].dt.year * 12 + items["issue_date"].dt.month - 1,
            "amount": items["amount"] - items["credited_amount"],
            "terms": (items["due_date"] - items["issue_date"]).dt.days.astype(float),
            "offered": rate.fillna(0.0) > 0,
            "taken": items["discount_amount"] > 0,
            "rate": rate,
            "window": pd.to_numeric(items["discount_days"]).astype(float),
            "discount": items["discount_amount"],
        }
    )
    closed = (items["closed_date"] - items["issue_date"]).dt.days.astype(float)
    paid = items["close_kind"].eq("paid") & (closed <= horizon)
    frame["days"] = np.where(paid, closed, float(horizon))
    worth = np.where(paid, 1 - frame["discount"] / frame["amount"], rest)
    frame["value"] = 100 * worth * (1 + cost_of_capital) ** (-frame["days"] / 365)
    frame["unpaid"] = np.where(paid, 0.0, 100.0)
    return frame.reset_index(drop=True)
