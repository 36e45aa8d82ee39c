"""What the benchmark of the ledger measures: each statistic, a careful pandas version, and when both agree.

A case names the columns that its pandas version needs. They are read beforehand, in narrow types and, unless
said otherwise, without missing values (`NEVER` stands for no day, -1 for no item or cause).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import peers_customers
import peers_flows
import peers_survival
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet

from arrisk.ledger.book import Snapshot
from arrisk.ledger.days import month_end, month_index
from arrisk.ledger.statements import CREDIT, UNAPPLIED
from arrisk.portfolio.ageing import make_ageing
from arrisk.portfolio.ageing_panel import make_ageing_panel
from arrisk.portfolio.customer_panel import make_customer_panel
from arrisk.portfolio.flows import make_flows
from arrisk.portfolio.survival_counts import make_survival_counts

MONTHS = 36
EDGES = np.array([30, 60, 90])
NO_DATE, CREDITS, CASH = 5, 6, 7
NEVER = int(peers_flows.NEVER)
NULLABLE = {
    pa.int8(): pd.Int8Dtype(), pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype(),
}  # fmt: skip
Frames = Mapping[str, pd.DataFrame]


@dataclass(frozen=True, slots=True)
class Case:
    """One measure: `ours` of a snapshot, `peer` of frames and the as-of day, `same` raises unless equal."""

    name: str
    needs: Mapping[str, tuple[str, ...]]
    ours: Callable[[Snapshot], Any]
    peer: Callable[[Frames, int], Any]
    same: Callable[[Any, int, Any], None]
    keeps_missing: bool = False

    def frames(self, store: Path) -> dict[str, pd.DataFrame]:
        """The columns needed, as the pandas version starts from them."""
        return {name: _frame(_read(store, name, c), self.keeps_missing) for name, c in self.needs.items()}

    def decode(self, store: Path) -> None:
        """Only read the columns needed."""
        for name, columns in self.needs.items():
            _read(store, name, columns)


def _read(store: Path, name: str, columns: tuple[str, ...]) -> pa.Table:
    return parquet.read_table(store / "relations" / f"{name}.parquet", columns=list(columns))


def _frame(table: pa.Table, keeps_missing: bool) -> pd.DataFrame:
    if keeps_missing:
        return table.to_pandas(types_mapper=NULLABLE.get)
    return pd.DataFrame({c: _filled(table[c], c) for c in table.column_names})


def _filled(column: pa.ChunkedArray, name: str) -> np.ndarray:
    if not column.null_count:
        return column.to_numpy()
    return pc.fill_null(column, -1 if name in ("item", "cause") else NEVER).to_numpy()


def _bucket_sums(side: np.ndarray, due: np.ndarray, amount: np.ndarray, day: int) -> np.ndarray:
    """By column: not due, 1-30, 31-60, 61-90, over 90, no due date, credits, unapplied cash."""
    age = day - due.astype(np.int64)
    inside = np.where(age <= 0, 0, 1 + np.searchsorted(EDGES, age, side="left"))
    inside = np.where(due == NEVER, NO_DATE, inside)
    place = np.select([side == CREDIT, side == UNAPPLIED], [CREDITS, CASH], default=inside)
    out = np.zeros(CASH + 1, dtype=np.int64)
    np.add.at(out, place, amount)
    return out


def _ageing_peer(frames: Frames, day: int) -> np.ndarray:
    moves = frames["movements"]
    known = moves.loc[moves["day"] <= day, ["side", "due_day", "amount"]]
    cells = known.groupby(["side", "due_day"], sort=False)["amount"].sum().reset_index()
    return _bucket_sums(*(cells[c].to_numpy() for c in cells), day)


def _panel_peer(frames: Frames, day: int) -> np.ndarray:
    moves = frames["movements"]
    known = moves.loc[moves["day"] <= day, ["side", "due_day", "month", "amount"]]
    cells = known.groupby(["side", "due_day", "month"], sort=False)["amount"].sum().reset_index()
    side, due, month, amount = (cells[c].to_numpy() for c in cells)
    now = int(month_index([day])[0])
    months = range(max(now - MONTHS + 1, int(month.min())), now + 1)
    days = [int(month_end(m)) for m in months[:-1]] + [day]
    seen = [month <= m for m in months]
    return np.array(
        [_bucket_sums(side[s], due[s], amount[s], d) for s, d in zip(seen, days, strict=True)]
    )  # fmt: skip


def _minor(values: Any, scale: int) -> np.ndarray:
    return np.rint(np.asarray(values, dtype=float) * scale).astype(np.int64)


def _same_ageing(ours: Any, scale: int, peer: np.ndarray) -> None:
    np.testing.assert_array_equal(_minor(ours.table["amount"], scale), peer)


def _same_panel(ours: Any, scale: int, peer: np.ndarray) -> None:
    np.testing.assert_array_equal(_minor(ours.table.iloc[:, 1:], scale), peer)


def _customers_peer(frames: Frames, day: int) -> pd.DataFrame:
    now = int(month_index([day])[0])
    first = max(now - MONTHS + 1, int(month_index([int(frames["movements"]["day"].min())])[0]))
    return peers_customers.peer_customers(frames, np.array([*month_end(np.arange(first, now)), day]))


def _same_customers(ours: Any, scale: int, peer: pd.DataFrame) -> None:
    order = ["date", "customer_id"]
    one, other = (t.sort_values(order, ignore_index=True) for t in (ours.table, peer))
    assert one[order].astype("str").equals(other[order].astype("str"))
    for name in peers_customers.PANEL_COLUMNS:
        np.testing.assert_array_equal(one[name].to_numpy(float), other[name].to_numpy(float), err_msg=name)


_MOVES = ("item", "side", "kind", "event_day", "day", "month", "due_day", "issue_day", "amount", "since")
_ENDS = ("end_day", "end_event_day", "cause", "next_day")
_SPELLS = ("item", "side", "issue_day", "due_day", "since", "amount", "number", "start_day", *_ENDS)
_DISPUTES = ("dispute_opened", "dispute_closed")
_FOR_CUSTOMERS = {
    "movements": ("item", "customer", "side", "day", "due_day", "amount"),
    "customers": ("customer", "customer_id", "first_day"),
    "items": ("item", "customer", "side", "since", "issue_day", "amount", *_DISPUTES),
    "spells": ("item", "customer", "side", "amount", "due_day", "start_day", *_ENDS),
    "orders": ("customer", "order_day", "amount", "cancelled_day"),
}
CASES = {
    "ageing as of a date": Case(
        "ageing as of a date",
        {"movements": ("side", "due_day", "day", "amount")},
        make_ageing,
        _ageing_peer,
        _same_ageing,
    ),
    "36-month panel": Case(
        "36-month panel",
        {"movements": ("side", "due_day", "day", "month", "amount")},
        lambda snapshot: make_ageing_panel(snapshot, MONTHS),
        _panel_peer,
        _same_panel,
    ),
    "36 months of transitions": Case(
        "36 months of transitions",
        {"movements": _MOVES, "spells": (*_SPELLS, *_DISPUTES)},
        lambda snapshot: make_flows(snapshot, MONTHS),
        lambda frames, day: peers_flows.flows_peer(frames, day, MONTHS),
        peers_flows.same_flows,
    ),
    "survival counts": Case(
        "survival counts",
        {"movements": _MOVES, "spells": _SPELLS},
        make_survival_counts,
        peers_survival.survival_peer,
        peers_survival.same_survival,
    ),
    "customers at 36 month ends": Case(
        "customers at 36 month ends",
        _FOR_CUSTOMERS,
        lambda snapshot: make_customer_panel(snapshot, months=MONTHS),
        _customers_peer,
        _same_customers,
        keeps_missing=True,
    ),
}
