"""What became of every invoice within a time from its issue: days to payment, and what the money was worth.

Only invoices old enough to be seen for the whole time count, so nothing is censored, and a row once shown
does not change on later days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.ledger.days import day_numbers
from arrisk.ledger.statements import KINDS, OWED

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["OUTCOMES", "observe_outcomes"]

OUTCOMES = {
    "days": "days from issue to payment",
    "value": "present value per 100 invoiced",
    "unpaid": "unpaid per 100 invoiced",
}
PAYMENT, DISCOUNT, CREDIT_NOTE = (KINDS[k] for k in ("payment", "discount", "credit_note"))
SETTLED = f"""
SELECT item, kind, event_day, CAST(SUM(amount) AS BIGINT) AS amount FROM movements
WHERE side = {OWED} AND kind IN ({PAYMENT}, {DISCOUNT}, {CREDIT_NOTE}) AND item IS NOT NULL
GROUP BY item, kind, event_day ORDER BY item, kind, event_day
"""
DISPUTES = "SELECT item, dispute_opened FROM items WHERE dispute_opened IS NOT NULL ORDER BY item"
Floats = NDArray[np.float64]


def observe_outcomes(
    snapshot: Snapshot, *, horizon: int = 120, cost_of_capital: float = 0.08, rest: float = 1.0
) -> pd.DataFrame:
    """Every positive item that was issued at least `horizon` days ago, and what became of it by then.

    Every payment counts on its own day and with its own amount. Credit notes of that time are taken off the
    amount; an item credited in full is left out. Money written off is unpaid. Disputed items stay in, with a
    flag: whether a customer disputes may itself depend on an offer.

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
        of credit notes), `billed` (before them), `terms` (days from issue to due date, NaN without one),
        `offered`, `taken`, `disputed` (flags), `rate`, `window` (of the offer; NaN without), `discount`
        (amount taken), and the outcomes `days` (weighted with the parts paid), `value`, `unpaid` (see
        `OUTCOMES`).

    Raises
    ------
    ModelError
        If no item is old enough.

    Examples
    --------
    >>> import arrisk as ar
    >>> ledger = ar.read_ledger({"invoices": pd.DataFrame({
    ...     "invoice_id": ["1"], "customer_id": ["c"], "issue_date": ["2025-01-01"], "amount": [100.0]}),
    ...     "events": pd.DataFrame({"invoice_id": ["1", "1"], "date": ["2025-01-11", "2025-01-31"],
    ...     "kind": ["payment"] * 2, "amount": [50.0, 40.0]})}, currency="EUR")
    >>> seen = observe_outcomes(ledger.as_of("2025-12-31"), horizon=100)
    >>> seen[["days", "unpaid"]].iloc[0].to_list()
    [27.0, 10.0]
    """
    items = snapshot.items.assign(item=snapshot.item_numbers)
    last = snapshot.date - pd.Timedelta(days=horizon)
    items = items[(items["amount"] > 0) & (items["issue_date"] <= last)].reset_index(drop=True)
    settled = _settled(snapshot, items, horizon)
    credit = _sum(settled[settled["kind"] == CREDIT_NOTE], len(items))
    frame = _facts(snapshot, items).assign(billed=items["amount"], amount=items["amount"] - credit)
    paid = settled[settled["kind"] != CREDIT_NOTE]
    cash = paid[paid["kind"] == PAYMENT]
    amount = frame["amount"].to_numpy(dtype=float)
    open_then = np.maximum(amount - _sum(paid, len(items)), 0.0)
    net = np.where(amount > 0, amount, np.nan)
    frame["discount"] = _sum(paid[paid["kind"] == DISCOUNT], len(items))
    frame["taken"] = frame["discount"] > 0
    frame["disputed"] = _disputed(snapshot, items, horizon)
    frame["days"] = (_sum(paid, len(items), paid["day"]) + horizon * open_then) / net
    late = rest * open_then * (1 + cost_of_capital) ** (-horizon / 365)
    worth = _sum(cash, len(items), (1 + cost_of_capital) ** (-cash["day"] / 365)) + late
    frame["value"] = 100 * worth / net
    frame["unpaid"] = 100 * open_then / net
    frame = frame[amount > 0].reset_index(drop=True)
    if frame.empty:
        raise ModelError(f"no invoice was issued {horizon} days or more before {snapshot.date.date()}")
    return frame


def _facts(snapshot: Snapshot, items: pd.DataFrame) -> pd.DataFrame:
    """What was known of an item when it was issued."""
    segment = items["customer_id"].map(snapshot.customers.set_index("customer_id")["segment"])
    rate = pd.to_numeric(items["discount_rate"]).astype(float)
    return pd.DataFrame(
        {
            "invoice_id": items["invoice_id"],
            "customer_id": items["customer_id"],
            "segment": segment.fillna("no segment").astype(str),
            "issue_date": items["issue_date"],
            "month": items["issue_date"].dt.year * 12 + items["issue_date"].dt.month - 1,
            "terms": (items["due_date"] - items["issue_date"]).dt.days.astype(float),
            "offered": rate.fillna(0.0) > 0,
            "rate": rate,
            "window": pd.to_numeric(items["discount_days"]).astype(float),
        }
    )


def _settled(snapshot: Snapshot, items: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """What settled the items by the horizon: `row` of the items, `kind`, `day` since issue, `amount`."""
    found = snapshot.query(SETTLED)
    place = pd.Index(items["item"]).get_indexer(found["item"].to_numpy(dtype=np.int64))
    found = found[place >= 0]
    row = place[place >= 0]
    issued = day_numbers(items["issue_date"]).to_numpy(dtype=np.int64)[row]
    day = np.maximum(found["event_day"].to_numpy(dtype=np.int64) - issued, 0)
    amount = -found["amount"].to_numpy(dtype=float) / snapshot.scale
    kind = found["kind"].to_numpy(dtype=np.int64)
    settled = pd.DataFrame({"row": row, "kind": kind, "day": day, "amount": amount})
    return settled[settled["day"] <= horizon]


def _sum(settled: pd.DataFrame, rows: int, weight: pd.Series | None = None) -> Floats:
    amount = settled["amount"] if weight is None else settled["amount"] * weight
    return np.bincount(settled["row"], weights=amount, minlength=rows).astype(float)


def _disputed(snapshot: Snapshot, items: pd.DataFrame, horizon: int) -> NDArray[np.bool_]:
    found = snapshot.query(DISPUTES).set_index("item")["dispute_opened"]
    opened = items["item"].map(found).to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(opened - day_numbers(items["issue_date"]).to_numpy(dtype=float) <= horizon, dtype=bool)
