"""Roll rates, chains and net flows told item by item and month by month, in plain loops."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Any

import numpy as np
import pandas as pd

from arrisk.ledger.book import Snapshot

KINDS = {
    "paid": ("paid_amount", "discount_amount"),
    "credited": ("credited_amount",),
    "written off": ("written_off_amount",),
}
ENDS = {"paid": "paid", "credited": "credited", "written_off": "written off"}


def whole_month_ends(snapshot: Snapshot, months: int) -> list[pd.Timestamp]:
    """The month ends of a window, and the day before it; a month that has not ended is left out."""
    first = pd.Timestamp(snapshot.first_date).to_period("M").start_time - pd.Timedelta(days=1)
    return list(pd.date_range(first, snapshot.date, freq="ME"))[-(months + 1) :]


def bucket_of(item: dict[str, Any], day: pd.Timestamp, edges: tuple[int, ...]) -> int:
    clock = item["issue_date"] if pd.isna(item["due_date"]) else item["due_date"]
    return sum((day - clock).days > edge for edge in (0, *edges))


def items_on(
    snapshot: Snapshot, day: pd.Timestamp, edges: tuple[int, ...], unit: str, leave_out: str | None
) -> dict[Any, dict[str, Any]]:
    if day < snapshot.first_date:
        return {}
    out = {}
    for item in snapshot.as_of(day).items.to_dict("records"):
        if item["amount"] > 0 and item["customer_id"] != leave_out:
            item["bucket"] = bucket_of(item, day, edges)
            out[item["invoice_id"], item["instalment"]] = item
    if unit == "customer":
        worst: dict[str, int] = defaultdict(int)
        for item in out.values():
            if item["close_kind"] == "open":
                worst[item["customer_id"]] = max(worst[item["customer_id"]], item["bucket"])
        for item in out.values():
            item["bucket"] = worst[item["customer_id"]]
    return out


def moves_between(old: dict[Any, Any], new: dict[Any, Any], of: str) -> list[tuple[str, int, Any, float]]:
    """Customer, bucket left, where to (a bucket, or a word), and how much."""
    out = []
    for key, then in old.items():
        if then["close_kind"] != "open":
            continue
        now = new[key]
        is_open = now["close_kind"] == "open"
        start = (then["customer_id"], then["bucket"])
        if of == "items":
            out.append((*start, now["bucket"] if is_open else ENDS[now["close_kind"]], 1.0))
            continue
        out.append((*start, now["bucket"], now["open_amount"]))
        for kind, columns in KINDS.items():
            out.append((*start, kind, sum(now[c] - then[c] for c in columns)))
    return out


@dataclass
class Plain:
    """What the loops found: the rates by bucket, the flows, the matrix, and what stood where."""

    flows: np.ndarray
    terminal: float
    rates: np.ndarray
    matrix: np.ndarray
    stood: list[dict[int, float]] = field(default_factory=list)


def plain_moves(
    snapshot: Snapshot,
    months: int = 24,
    edges: tuple[int, ...] = (30, 60, 90),
    averaging: str = "volume",
    of: str = "amount",
    unit: str = "item",
    write_offs: str = "migrated",
    leave_out: str | None = None,
) -> Plain:
    ends = whole_month_ends(snapshot, months)
    seen = [items_on(snapshot, day, edges, unit, leave_out) for day in ends]
    found = [moves_between(a, b, of) for a, b in pairwise(seen)]
    everything = list(chain.from_iterable(found))
    last, periods = len(edges) + 1, found if averaging == "simple" else [everything]
    flows = []
    for step in range(last):
        shares = []
        for moves in periods:
            rolled = sum(v for _, b, to, v in moves if rolls(b, to, step, last, write_offs))
            settled = sum(v for _, b, to, v in moves if b == step and settles(b, to, last, write_offs))
            rolled, settled = max(round(rolled, 6), 0), max(round(settled, 6), 0)
            if rolled + settled > 0:
                shares.append(rolled / (rolled + settled))
        flows.append(np.mean(shares) if shares else 1.0)
    terminal = terminal_loss(snapshot, everything, last, write_offs)
    rates = [float(np.prod(flows[b:]) * terminal) for b in range(last + 1)]
    matrix = np.zeros((last + 1, last + 3))
    for _, b, to, v in everything:
        matrix[b, to if isinstance(to, int) else last + 1 + (to == "written off")] += v
    stood = [defaultdict(float) for _ in seen]
    for place, items in zip(stood, seen, strict=True):
        for item in items.values():
            place[item["bucket"]] += item["open_amount"]
    return Plain(np.array(flows), terminal, np.array(rates), matrix, stood)


def rolls(start: int, to: Any, step: int, last: int, write_offs: str) -> bool:
    if to == "written off":
        return start <= step and (write_offs == "migrated" and start < last)
    return isinstance(to, int) and start <= step < to


def settles(start: int, to: Any, last: int, write_offs: str) -> bool:
    if to == "written off":
        return write_offs == "dropped" and start < last
    return to in ("paid", "credited") or (isinstance(to, int) and to < start)


def terminal_loss(snapshot: Snapshot, moves: list[Any], last: int, write_offs: str) -> float:
    share = snapshot.items.groupby("customer_id")[["written_off_amount", "recovered_amount"]].sum()
    lost = net = kept = 0.0
    for customer, b, to, v in moves:
        if to == "written off" and (b == last or write_offs == "migrated"):
            gone, back = share.loc[customer]
            lost, net = lost + v, net + v * (1 - min(back / gone, 1.0) if gone > 0 else 1.0)
        elif b == last and to != last:
            kept += v
    lost, net, kept = max(lost, 0.0), max(net, 0.0), max(kept, 0.0)
    return 1.0 if lost + kept < 1e-9 else net / (lost + kept)


def end_by_walking(matrix: np.ndarray, steps: int = 4000) -> np.ndarray:
    """Chance to be lost by starting state, by making so many steps; rows sum to 1."""
    states = len(matrix)
    whole = np.vstack([matrix, np.eye(states + 2)[states:]])
    walked = np.linalg.matrix_power(whole, steps)
    return walked[:states, -1]
