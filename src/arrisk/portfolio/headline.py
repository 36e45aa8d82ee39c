"""The six figures at the head of every report."""

from __future__ import annotations

import pandas as pd

from arrisk.display import Table
from arrisk.ledger.book import Snapshot
from arrisk.portfolio.ageing import make_ageing
from arrisk.portfolio.turnover import make_turnover

__all__ = ["make_headline"]


def make_headline(snapshot: Snapshot) -> Table:
    """Where the book stands on the as-of date.

    Parameters
    ----------
    snapshot : Snapshot

    Returns
    -------
    Table
        One row: open_balance, overdue and over_90_days (items owed, currency units), overdue_share (of items
        owed),
        dso (days, three months of sales), largest_customer_share (of items owed).
    """
    by_bucket = make_ageing(snapshot, edges=(30, 60, 90)).table.set_index("bucket")["amount"]
    owed = by_bucket.drop(["credits", "unapplied cash"])
    overdue = owed.drop(["not due", "no due date"]).sum()
    items = snapshot.open_items
    by_customer = items[items["amount"] > 0].groupby("customer_id")["open_amount"].sum()
    dso = make_turnover(snapshot, months=1).table["dso"].iloc[-1]
    total = owed.sum()
    frame = pd.DataFrame(
        {
            "open_balance": [snapshot.open_balance],
            "overdue": [overdue],
            "overdue_share": [overdue / total if total else None],
            "over_90_days": [by_bucket["over 90"]],
            "dso": [dso],
            "largest_customer_share": [by_customer.max() / total if total else None],
        }
    )
    note = f"In {snapshot.currency}; open balance net of credits and unapplied cash, the rest of items owed."
    return Table(
        "headline",
        f"Where the book stands on {snapshot.date:%Y-%m-%d}",
        frame,
        note,
        {
            "open_balance": "money",
            "overdue": "money",
            "overdue_share": "percent",
            "over_90_days": "money",
            "dso": "days",
            "largest_customer_share": "percent",
        },
    )
