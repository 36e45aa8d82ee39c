"""Events of an invoice that falls due in parts: which part each of them settles.

The part named by the event comes first, then the oldest part still open; a reversal undoes the newest part first.
Rows are taken in the order in which they became known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

__all__ = ["spread_over_instalments"]


@dataclass(slots=True)
class _Part:
    item: int
    instalment: int
    day: int
    amount: int
    settled: int = 0

    def room(self, amount: int) -> int:
        """How much of an amount fits: up to what is open, or back down to nothing."""
        low, high = min(0, self.amount), max(0, self.amount)
        return min(max(self.settled + amount, low), high) - self.settled


def spread_over_instalments(items: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Split events of invoices with several parts into one row a part.

    Parameters
    ----------
    items : DataFrame
        item, invoice, instalment, amount, due_day, day.
    events : DataFrame
        event, invoice, item (set where the event needs no split), instalment, amount, event_day, day.

    Returns
    -------
    DataFrame
        The events with `item` filled; an event that covers two parts is two rows with the same `event`.
    """
    counts = items["invoice"].value_counts()
    several = set(counts.index[counts > 1])
    mine = events["invoice"].isin(several)
    if not mine.any():
        return events
    due = items["due_day"].fillna(items["issue_day"]).astype("int64")
    parts = items[items["invoice"].isin(several)].assign(due_order=due).sort_values(
        ["invoice", "due_order", "instalment"], kind="stable"
    )
    by_invoice = {invoice: group for invoice, group in parts.groupby("invoice", sort=False)}
    rows: list[dict[str, Any]] = []
    ordered = events[mine].sort_values(["invoice", "day", "event_day", "event"], kind="stable")
    for invoice, group in ordered.groupby("invoice", sort=False):
        frame = by_invoice[invoice]
        state = [
            _Part(int(i), int(n), int(d), int(a))
            for i, n, d, a in zip(frame["item"], frame["instalment"], frame["day"], frame["amount"], strict=True)
        ]
        for record in group.to_dict("records"):
            rows.extend(_spread(record, state))
    split = pd.DataFrame(rows, columns=list(events.columns))
    split["item"] = split["item"].astype("Int64")
    return pd.concat([events[~mine], split.astype(events.dtypes.to_dict())], ignore_index=True)


def _spread(event: dict[str, Any], parts: list[_Part]) -> list[dict[str, Any]]:
    """Rows of one event: what it adds to or takes from each part."""
    is_cash = event["kind"] in ("payment", "credit_note")
    order = _in_line(event, parts if is_cash else [p for p in parts if p.day <= event["day"]])
    left = int(event["amount"])
    pieces: dict[int, int] = {}
    if event["kind"] != "recovery":
        for part in order:
            if take := part.room(left):
                pieces[part.item] = take
                left -= take
    if left and not is_cash:
        return [{**event, "item": order[0].item}]
    for part in order:
        part.settled += pieces.get(part.item, 0)
    if left:
        # The excess stays with the first part in line, where it becomes unapplied cash.
        pieces[order[0].item] = pieces.get(order[0].item, 0) + left
    return [{**event, "item": item, "amount": amount} for item, amount in pieces.items()]


def _in_line(event: dict[str, Any], parts: list[_Part]) -> list[_Part]:
    """Parts in the order in which an event takes them.

    Cash reaches parts known by its day before parts known later, and a reversal leaves them in the opposite order, so
    that a part known later changes nothing before it is known.
    """
    forward = event["amount"] >= 0
    named = None if pd.isna(event["instalment"]) else int(event["instalment"])

    def rank(part: _Part) -> tuple[int, bool]:
        known = max(part.day, int(event["day"]))
        return (known if forward else -known, named is not None and part.instalment != named)

    return sorted(parts if forward else parts[::-1], key=rank)
