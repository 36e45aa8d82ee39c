"""Survival counts item by item, as one would count them by hand: the reference for the engine's collapse."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd

from arrisk.ledger.book import Ledger, Snapshot
from arrisk.ledger.days import day_number
from arrisk.ledger.statements import KINDS

CAUSE_OF_KIND = {"payment": "paid", "discount": "paid", "credit_note": "credited", "write_off": "written off"}
NAMES = {number: name for name, number in KINDS.items()}
Key = tuple[Any, ...]


def plain_counts(
    ledger: Ledger,
    snapshot: Snapshot,
    by: tuple[str, ...] = (),
    clock: str = "issue",
    since: str | None = None,
    issued: tuple[str, str] | None = None,
) -> dict[Key, tuple[int, int]]:
    """Items and minor units by (cell.., entry, exit, cause); cells with neither are left out."""
    out: dict[Key, list[int]] = defaultdict(lambda: [0, 0])
    items = snapshot.items
    customers = snapshot.customers.set_index("customer_id")
    slices = settled_slices(ledger, snapshot.day)
    number = ledger.items.set_index(["invoice_id", "instalment"])["item"]
    for row in items[items["amount"] > 0].to_dict("records"):
        start = row[f"{clock}_date"]
        if pd.isna(start) or not _inside(row["issue_date"], issued):
            continue
        zero, first = day_number(start), day_number(row["issue_date"])
        begin = first if since is None else max(first, day_number(since))
        cell = tuple(_attribute(row, customers, name) for name in by)
        item = int(number[(row["invoice_id"], row["instalment"])])
        is_open = row["close_kind"] == "open"
        left = snapshot.day if is_open else day_number(row["closed_date"])
        ends = [(left, row["close_kind"].replace("_", " "), 1, 0)]
        ends += [(max(day, first), cause, 0, amount) for day, cause, amount in slices[item]]
        open_minor = round(row["open_amount"] * snapshot.scale)
        ends.append((snapshot.day, "open", 0, open_minor))
        for day, cause, one, amount in ends:
            if day >= begin:
                total = out[(*cell, begin - zero - 1, day - zero, cause)]
                total[0] += one
                total[1] += amount
    return {key: (n, amount) for key, (n, amount) in out.items() if n or amount}


def settled_slices(ledger: Ledger, day: int) -> dict[int, list[tuple[int, str, int]]]:
    """Settlements (date, cause, minor units) by item that were not taken back by a day.

    A stack by item and kind: a reversal takes from the top.
    """
    stacks: dict[tuple[int, str], list[list[Any]]] = defaultdict(list)
    moves = ledger.movements
    moves = moves[(moves["day"] <= day) & (moves["side"] == 0) & (moves["kind"] != KINDS["invoice"])]
    moves = moves.assign(undo=moves["amount"] > 0, label=moves["kind"].map(NAMES).map(CAUSE_OF_KIND))
    for row in moves.sort_values(["day", "undo", "event_day", "label"]).to_dict("records"):
        kind = NAMES[row["kind"]]
        stack = stacks[(int(row["item"]), "payment" if kind == "credit_note" else kind)]
        if not row["undo"]:
            stack.append([row["event_day"], CAUSE_OF_KIND[kind], -row["amount"]])
            continue
        left = row["amount"]
        while left:
            taken = min(left, stack[-1][2])
            stack[-1][2] -= taken
            left -= taken
            if not stack[-1][2]:
                stack.pop()
    out: dict[int, list[tuple[int, str, int]]] = defaultdict(list)
    for (item, _), stack in stacks.items():
        out[item] += [(int(when), cause, int(amount)) for when, cause, amount in stack]
    return out


def counted(table: pd.DataFrame, scale: int) -> dict[Key, tuple[int, int]]:
    """The same shape of a `SurvivalCounts` table."""
    keys = [tuple(key) for key in table.drop(columns=["items", "amount"]).itertuples(index=False, name=None)]
    minor = np.rint(table["amount"].to_numpy(float) * scale).astype(np.int64)
    assert len(set(keys)) == len(keys)
    return dict(zip(keys, zip(table["items"].tolist(), minor.tolist(), strict=True), strict=True))


def _inside(date: pd.Timestamp, issued: tuple[str, str] | None) -> bool:
    return issued is None or pd.Timestamp(issued[0]) <= date <= pd.Timestamp(issued[1])


def _attribute(row: dict[str, Any], customers: pd.DataFrame, name: str) -> Any:
    if name == "customer_id":
        return row["customer_id"]
    value = row[name] if name in row else customers.loc[row["customer_id"], name]
    return "not given" if pd.isna(value) else value
