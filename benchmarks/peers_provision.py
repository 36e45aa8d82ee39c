"""Roll rates in pandas on a panel of items at month ends, and the naive loop over customers.

The panel has a row an item and month end at which something was open (and the month end after, if it closed):
item, month, bucket, balance and written_off within the month, in minor units.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as parquet

from arrisk.ledger.days import month_end, month_index
from arrisk.ledger.statements import KINDS, OWED
from arrisk.models.loss_rates.roll import roll_flows, roll_weights

EDGES = (30, 60, 90)
LAST = len(EDGES) + 1


def item_panel(store: Path, day: int, months: int) -> pd.DataFrame:
    """The panel of the last months of a stored ledger; `day` is a month end."""
    last = int(month_index([day])[0])
    names = ["item", "side", "kind", "day", "month", "due_day", "issue_day", "amount"]
    table = parquet.read_table(store / "relations" / "movements.parquet", columns=names)
    table = table.filter(pc.and_(pc.equal(table["side"], OWED), pc.less_equal(table["day"], day)))
    clock = pc.coalesce(table["due_day"], table["issue_day"]).to_numpy()
    item, month, amount = (table[name].to_numpy() for name in ("item", "month", "amount"))
    gone = np.where(table["kind"].to_numpy() == KINDS["write_off"], -amount, 0)
    order = np.argsort(item.astype(np.int64) * 100_000 + month, kind="stable")
    item, month, clock = item[order], month[order], clock[order]
    new_item = np.append(True, item[1:] != item[:-1])
    starts = np.flatnonzero(new_item | np.append(True, month[1:] != month[:-1]))
    moved, gone = (np.add.reduceat(v[order].astype(np.int64), starts) for v in (amount, gone))
    item, month, clock, first = item[starts], month[starts], clock[starts], new_item[starts]
    total = np.cumsum(moved)
    base = np.repeat((total - moved)[first], np.diff(np.append(np.flatnonzero(first), len(item))))
    after = total - base
    until = np.append(month[1:], last + 1) - 1
    until[np.append(first[1:], True)] = last
    length = np.where(after != 0, np.maximum(until - month + 1, 0), 1)
    at = np.repeat(np.arange(len(item)), length)
    step = np.arange(len(at)) - np.repeat(np.cumsum(length) - length, length)
    when = month[at] + step
    kept = when >= last - months
    at, step, when = at[kept], step[kept], when[kept]
    bucket = np.searchsorted([0, *EDGES], month_end(when) - clock[at], side="left")
    return pd.DataFrame(
        {
            "item": item[at].astype(np.int32),
            "month": when.astype(np.int32),
            "bucket": bucket.astype(np.int8),
            "balance": after[at],
            "written_off": np.where(step == 0, gone[at], 0),
        }
    )


def roll_panel(panel: pd.DataFrame) -> np.ndarray:
    """Sums of `roll_terms` without recoveries, by shifting each item to its next month end."""
    ahead = panel.groupby("item", sort=False)[["month", "bucket", "balance", "written_off"]].shift(-1)
    follows = (ahead["month"] == panel["month"] + 1) & (panel["balance"] != 0)
    rows = pd.DataFrame({"bucket": panel["bucket"], "to": ahead["bucket"], "start": panel["balance"]})
    rows = rows.assign(stays=ahead["balance"], gone=ahead["written_off"])[follows]
    sums = rows.groupby(["bucket", "to"])[["start", "stays", "gone"]].sum().reset_index()
    weights = roll_weights(EDGES)
    out = np.zeros(weights.shape[2])
    for start, to, was, stays, gone in sums.itertuples(index=False):
        out += weights[int(start), int(to)] * stays + weights[int(start), -1] * gone
        out += weights[int(start), -3] * (was - stays - gone)
    return out


def naive_loop(rows: pd.DataFrame, customers: int, scale: int) -> Callable[[], Any]:
    """Filter the transitions of all customers but one, add them up, and make rates; for so many customers."""
    weights = roll_weights(EDGES)

    def one(customer: int) -> np.ndarray:
        others = rows[rows["customer"] != customer]
        sums = others.groupby(["origin", "destination"])["amount"].sum().reset_index()
        sums = sums[sums["origin"] <= LAST]
        terms = (weights[sums["origin"], sums["destination"]] * sums["amount"].to_numpy()[:, None]).sum(
            axis=0
        )
        flows, last = roll_flows(np.append(terms, 0.0) / scale, 1, LAST)
        return np.append(flows, last)

    return lambda: np.array([one(customer) for customer in range(customers)])
