"""Survival counts in pandas, written with care: what `bench_ledger` times the engine against.

The frames are the ledger's normal form in narrow whole numbers (`narrow_frames`); what is missing is `NEVER`.
Both sides return the same counts.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from arrisk.ledger.book import Ledger
from arrisk.ledger.relations import make_relation
from arrisk.ledger.statements import KINDS, OWED
from arrisk.portfolio.survival_counts import CAUSES, SurvivalCounts

NEVER = np.int32(np.iinfo(np.int32).max)
NAMES = {name: code for code, name in CAUSES.items()}
KEYS = ["entry", "exit", "cause"]


def narrow_frames(ledger: Ledger) -> dict[str, pd.DataFrame]:
    """Spells and movements as the engine holds them, in narrow columns without missing values."""
    frames = {}
    for name in ("spells", "movements"):
        table = make_relation(name, ledger)
        frames[name] = pd.DataFrame(
            {c: _narrow(table[c], c) for c in table.column_names if c[:7] != "dispute"}
        )
    return frames


def _narrow(column: pa.ChunkedArray, name: str) -> np.ndarray:
    if not column.null_count:
        return np.asarray(column)
    return np.asarray(column.fill_null(-1 if name in ("item", "cause") else int(NEVER)))


def survival_peer(frames: Mapping[str, pd.DataFrame], day: int, clock: str = "issue") -> pd.DataFrame:
    """Counts by entry, exit and cause (number), sorted, as known on a day."""
    start = f"{clock}_day"
    parts = [
        _item_counts(frames["spells"], day, start),
        _settled(frames["movements"], day, start),
        _still_open(frames["movements"], day, start),
    ]
    found = pd.concat(parts).groupby(KEYS, sort=True)[["items", "amount"]].sum().reset_index()
    return found[(found["items"] != 0) | (found["amount"] != 0)].reset_index(drop=True)


def comparable(counts: SurvivalCounts, scale: int) -> pd.DataFrame:
    """Our counts in the form of the peer's."""
    table = counts.table[[*KEYS, "items", "amount"]]
    minor = np.rint(table["amount"].to_numpy() * scale).astype(np.int64)
    out = table.assign(cause=table["cause"].map(NAMES).astype(np.int64), amount=minor)
    return out.sort_values(KEYS, ignore_index=True)


def same_survival(ours: SurvivalCounts, scale: int, peer: pd.DataFrame) -> None:
    """Both must be the same to the minor unit."""
    pd.testing.assert_frame_equal(comparable(ours, scale), peer.astype("int64"), check_exact=True)


def _item_counts(spells: pd.DataFrame, day: int, start: str) -> pd.DataFrame:
    columns = ["issue_day", "end_day", "end_event_day", "cause"]
    known = (spells["start_day"] <= day) & (spells["next_day"] > day)
    known &= (spells["side"] == OWED) & (spells["amount"] > 0) & (spells[start] != NEVER)
    last = spells.loc[known, list(dict.fromkeys([*columns, start]))]
    ended = (last["end_day"] <= day).to_numpy()
    left = np.where(ended, last["end_event_day"], np.int32(day))
    cells = _cells(last, start, left, np.where(ended, last["cause"], np.int8(0)))
    return cells.groupby(KEYS, sort=False).size().rename("items").reset_index().assign(amount=0)


def _settled(moves: pd.DataFrame, day: int, start: str) -> pd.DataFrame:
    chosen = (moves["side"] == OWED) & (moves["kind"] != KINDS["invoice"]) & (moves["day"] <= day)
    columns = ["item", "issue_day", "event_day", "kind", "amount", "day"]
    some = moves.loc[chosen & (moves[start] != NEVER), list(dict.fromkeys([*columns, start]))]
    undone = some["amount"] > 0
    if undone.any():
        touched = some["item"].isin(some.loc[undone, "item"].unique())
        some = pd.concat([some[~touched], _never_taken_back(some[touched])])
    left = np.maximum(some["event_day"], some["issue_day"])
    cells = _cells(some, start, left, np.where(some["kind"] == KINDS["discount"], np.int8(1), some["kind"]))
    cells["amount"] = -some["amount"]
    return cells.groupby(KEYS, sort=False)["amount"].sum().reset_index().assign(items=0)


def _never_taken_back(some: pd.DataFrame) -> pd.DataFrame:
    """What settlements leave after reversals, the latest of a kind taken back first."""
    pool = some["kind"].where(some["kind"] != KINDS["credit_note"], KINDS["payment"])
    some = some.assign(pool=pool, undo=some["amount"] > 0)
    some = some.sort_values(["item", "pool", "day", "undo", "event_day", "kind"], kind="stable")
    keys = [some["item"], some["pool"]]
    total = some.groupby(["item", "pool"])["amount"].cumsum()
    kept = (-total)[::-1].groupby([k[::-1] for k in keys]).cummin()[::-1]
    return some.assign(amount=-(kept - kept.groupby(keys).shift(fill_value=0)))


def _still_open(moves: pd.DataFrame, day: int, start: str) -> pd.DataFrame:
    chosen = (moves["side"] == OWED) & (moves["day"] <= day) & (moves[start] != NEVER)
    days = list(dict.fromkeys(["issue_day", start]))
    sums = moves.loc[chosen, [*days, "amount"]].groupby(days, sort=False)["amount"].sum().reset_index()
    sums = sums[sums["amount"] != 0]
    return _cells(sums, start, np.int32(day), 0).assign(amount=sums["amount"], items=0)


def _cells(rows: pd.DataFrame, start: str, left: object, cause: object) -> pd.DataFrame:
    zero = rows[start]
    return pd.DataFrame({"entry": rows["issue_day"] - zero - 1, "exit": left - zero, "cause": cause})
