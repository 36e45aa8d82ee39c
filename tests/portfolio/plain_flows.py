"""Flows told item by item: the state of each item at one month end against its state at the next."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from arrisk.ledger.book import Snapshot

OPEN = "open"
KINDS = {"paid": ("paid_amount", "discount_amount"), "credited": ("credited_amount",)} | {
    "written off": ("written_off_amount",)
}


def month_ends(snapshot: Snapshot, months: int) -> list[pd.Timestamp]:
    """The day before the window, its month ends, and the as-of date for the last."""
    start = max(
        snapshot.date.to_period("M") - months + 1, pd.Timestamp(snapshot.first_date).to_period("M")
    ).start_time
    ends = list(pd.date_range(start - pd.Timedelta(days=1), snapshot.date, freq="ME"))
    return ends if ends[-1] == snapshot.date else [*ends, snapshot.date]


def state_of(item: dict[str, Any], edges: tuple[int, ...], disputes: str) -> str:
    late = item["days_overdue"]
    if item["disputed"] and disputes == "apart":
        return "disputed"
    if pd.isna(late):
        return "no due date"
    if late <= 0:
        return "not due"
    starts = [1, *(e + 1 for e in edges)]
    for low, high in zip(starts, edges, strict=False):
        if late <= high:
            return f"{low}-{high}"
    return f"over {edges[-1]}"


def items_at(snapshot: Snapshot, day: pd.Timestamp, edges: tuple[int, ...], disputes: str) -> dict[Any, Any]:
    """By item: its state (or how it was closed), and minor units open and settled by each kind."""
    if day < snapshot.first_date:
        return {}
    out = {}
    for item in snapshot.as_of(day).items.to_dict("records"):
        if item["amount"] <= 0:
            continue
        settled = {kind: round(100 * sum(item[c] for c in columns)) for kind, columns in KINDS.items()}
        is_open = item["close_kind"] == OPEN
        state = state_of(item, edges, disputes) if is_open else item["close_kind"].replace("_", " ")
        key = item["invoice_id"], item["instalment"]
        out[key] = (is_open, state, round(100 * item["open_amount"]), settled, item)
    return out


def plain_flows(
    snapshot: Snapshot,
    months: int = 36,
    edges: tuple[int, ...] = (30, 60, 90),
    disputes: str = "apart",
    by: str | None = None,
) -> dict[tuple[Any, ...], tuple[int, int]]:
    """(month end, cell, from, to) -> (items, minor units); transitions of nothing are left out."""
    items: Counter[tuple[Any, ...]] = Counter()
    amounts: Counter[tuple[Any, ...]] = Counter()
    ends = month_ends(snapshot, months)
    cells = snapshot.customers.set_index("customer_id")
    seen = [items_at(snapshot, end, edges, disputes) for end in ends]
    for old, new, after in zip(seen, seen[1:], ends[1:], strict=False):
        for key, (is_open, state, balance, settled, item) in new.items():
            was_open, was, _, had, _ = old.get(key, (False, "new", 0, dict.fromkeys(KINDS, 0), None))
            gone = {kind: settled[kind] - had[kind] for kind in KINDS}
            origin = was if was_open or key not in old else "reopened"
            if origin == "reopened":
                if not is_open and not any(gone.values()):
                    continue
                gone = {kind: max(amount, 0) for kind, amount in gone.items()}
            value = item[by] if by in item else cells.loc[item["customer_id"], by] if by else ""
            cell = after, "not given" if pd.isna(value) else str(value)
            items[(*cell, origin, state)] += 1
            amounts[(*cell, origin, state)] += balance
            for kind, amount in gone.items():
                amounts[(*cell, origin, kind)] += amount
    keys = {key for key in {*items, *amounts} if items[key] or amounts[key]}
    return {key: (items[key], amounts[key]) for key in keys}
