"""Customers on one date, item by item from a snapshot: the reference for the panel in one pass."""

from __future__ import annotations

import numpy as np
import pandas as pd

from arrisk.ledger.book import Snapshot
from arrisk.ledger.days import dates
from arrisk.portfolio.customer_panel import PANEL_COLUMNS

WINDOWS = (90, 365)
OVERDUE_DAYS = (0, 30, 60, 90)
COUNTED = ("invoices", "settled", "oldest")


def customers_on(snapshot: Snapshot) -> pd.DataFrame:
    """One date of the panel, from the items, orders and unapplied cash of its snapshot."""
    items = snapshot.items
    owed, credits = items[items["amount"] > 0], items[items["amount"] < 0]
    parts = [_open_position(owed), *(_windows(owed, snapshot, days) for days in WINDOWS)]
    cash = snapshot.unapplied.set_index("customer_id")["amount"]
    parts.append(
        pd.DataFrame({"credit_amount": _sums(credits, -credits["open_amount"]).add(cash, fill_value=0)})
    )
    index = pd.Index(sorted(snapshot.customers["customer_id"]), name="customer_id")
    out = pd.concat([part.reindex(index) for part in parts], axis=1)
    counts = [c for c in PANEL_COLUMNS if c.endswith("_items") or c.startswith(COUNTED)]
    amounts = [c for c in PANEL_COLUMNS if c not in counts and not c.startswith(("mean", "late"))]
    out[counts] = out[counts].fillna(0).astype(np.int32)
    out[amounts] = (out[amounts].fillna(0) * snapshot.scale).round() / snapshot.scale
    out = out.reset_index()
    out.insert(1, "date", dates(np.full(len(out), snapshot.day)))
    return out[["customer_id", "date", *PANEL_COLUMNS]]


def _sums(items: pd.DataFrame, amount: pd.Series) -> pd.Series:
    return amount.groupby(items["customer_id"]).sum()


def _open_position(owed: pd.DataFrame) -> pd.DataFrame:
    held = owed[owed["open_amount"] != 0]
    late = held["days_overdue"]
    more = {f"overdue_{k}" if k else "overdue_amount": held[late > k] for k in OVERDUE_DAYS}
    disputed = held[held["disputed"].astype(bool)]
    return pd.DataFrame(
        {
            "open_amount": _sums(held, held["open_amount"]),
            **{name: _sums(part, part["open_amount"]) for name, part in more.items()},
            "open_items": held.groupby("customer_id").size(),
            "overdue_items": held[late > 0].groupby("customer_id").size(),
            "oldest_overdue_days": late[late > 0].groupby(held["customer_id"]).max(),
            "disputed_amount": _sums(disputed, disputed["open_amount"]),
        }
    )


def _windows(owed: pd.DataFrame, snapshot: Snapshot, days: int) -> pd.DataFrame:
    start = snapshot.date - pd.Timedelta(days=days)
    issued = owed[owed["issue_date"] > start]
    invoiced = _sums(issued, issued["amount"])
    settled = owed[owed["close_kind"].isin(["paid", "written_off"]) & (owed["closed_date"] > start)]
    late = (settled["closed_date"] - settled["due_date"]).dt.days
    by = late.groupby(settled["customer_id"])
    orders = snapshot.orders
    placed = orders[(orders["order_date"] > start) & orders["cancelled_date"].isna()]
    out = {
        f"invoiced_{days}": invoiced,
        f"invoices_{days}": issued.groupby("customer_id").size(),
        f"ordered_{days}": invoiced if orders.empty else _sums(placed, placed["amount"]),
        f"settled_{days}": settled.groupby("customer_id").size(),
        f"mean_days_late_{days}": by.mean(),
        f"late_share_{days}": (late > 0)[late.notna()].groupby(settled["customer_id"]).mean(),
    }
    return pd.DataFrame({name: column for name, column in out.items() if name in PANEL_COLUMNS})
