"""Time the ledger's statistics against careful pandas versions; results must be the same to the cent.

One run prints a table; with --json, one line a measure {name, ours_s, peer, peer_s, ratio, peak_mb}.
Times are wall seconds, the best of a few runs. Both sides start from the ledger's movements in memory; of
item states pandas makes only the amounts and days, not whole rows. `peak_mb` is the peak of the process
during our runs. The sample is written once to the folder for temporary files.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from arrisk import read_ledger
from arrisk.ledger.book import Ledger, Snapshot
from arrisk.ledger.days import month_end, month_index
from arrisk.ledger.sample.generator import write_sample
from arrisk.ledger.statements import CREDIT, KINDS, OWED, UNAPPLIED
from arrisk.portfolio.ageing import make_ageing
from arrisk.portfolio.ageing_panel import make_ageing_panel

EDGES = np.array([30, 60, 90])
NO_DATE, CREDITS, CASH = 5, 6, 7
AS_OF = "2025-12-31"
MONTHS = 36
SUMS = {
    "paid_amount": "payment",
    "discount_amount": "discount",
    "credited_amount": "credit_note",
    "written_off_amount": "write_off",
}


@dataclass(frozen=True, slots=True)
class Measure:
    name: str
    ours_s: float
    peer: str | None
    peer_s: float | None
    ratio: float | None
    peak_mb: float


def sample_folder(invoices: int) -> Path:
    folder = Path(tempfile.gettempdir()) / f"arrisk-bench-{invoices}"
    if not folder.exists():
        write_sample(folder, invoices=invoices, format="parquet")
    return folder


def timed(work: Callable[[], Any], runs: int) -> tuple[Any, float]:
    best, result = float("inf"), None
    for _ in range(runs):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return result, best


def reset_peak() -> None:
    """Let the peak start anew where the system can do that (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak_mb() -> float:
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def buckets(cells: pd.DataFrame, day: int) -> np.ndarray:
    """Column of each cell: not due, 1-30, 31-60, 61-90, over 90, no due date, credits, unapplied cash."""
    due = cells["due_day"].to_numpy(dtype=float, na_value=np.nan)
    age = day - due
    inside = np.where(age <= 0, 0, 1 + np.searchsorted(EDGES, age, side="left"))
    inside = np.where(np.isnan(due), NO_DATE, inside)
    side = cells["side"].to_numpy()
    return np.select([side == CREDIT, side == UNAPPLIED], [CREDITS, CASH], default=inside)


def bucket_sums(cells: pd.DataFrame, day: int) -> np.ndarray:
    out = np.zeros(CASH + 1, dtype=np.int64)
    np.add.at(out, buckets(cells, day), cells["amount"].to_numpy())
    return out


def pandas_ageing(moves: pd.DataFrame, day: int) -> np.ndarray:
    known = moves.loc[moves["day"] <= day, ["side", "due_day", "amount"]]
    cells = known.groupby(["side", "due_day"], dropna=False)["amount"].sum().reset_index()
    return bucket_sums(cells, day)


def pandas_panel(moves: pd.DataFrame, day: int) -> np.ndarray:
    known = moves.loc[moves["day"] <= day, ["side", "due_day", "month", "amount"]]
    cells = known.groupby(["side", "due_day", "month"], dropna=False)["amount"].sum().reset_index()
    now = int(month_index([day])[0])
    months = range(max(now - MONTHS + 1, int(cells["month"].min())), now + 1)
    days = [int(month_end(m)) for m in months[:-1]] + [day]
    return np.array([bucket_sums(cells[cells["month"] <= m], d) for m, d in zip(months, days, strict=True)])


def pandas_states(moves: pd.DataFrame, day: int) -> pd.DataFrame:
    known = moves[(moves["day"] <= day) & (moves["side"] != UNAPPLIED)]
    known = known[["item", "kind", "amount", "event_day"]].astype({"item": "int64"})
    settled = known[known["kind"] != KINDS["invoice"]]
    sums = settled.groupby(["item", "kind"])["amount"].sum().unstack(fill_value=0)
    out = pd.DataFrame({"open_amount": known.groupby("item")["amount"].sum()})
    for column, kind in SUMS.items():
        out[column] = (
            -sums[KINDS[kind]].reindex(out.index).fillna(0).astype("int64") if KINDS[kind] in sums else 0
        )
    out["last_day"] = settled.groupby("item")["event_day"].max().reindex(out.index)
    return out


def minor(values: Any, scale: int) -> np.ndarray:
    return np.asarray(np.rint(np.asarray(values, dtype=float) * scale), dtype=np.int64)


def same_ageing(ledger: Ledger, ours: Any, peer: np.ndarray) -> None:
    np.testing.assert_array_equal(minor(ours.table["amount"], ledger.scale), peer)


def same_panel(ledger: Ledger, ours: Any, peer: np.ndarray) -> None:
    np.testing.assert_array_equal(minor(ours.table.iloc[:, 1:], ledger.scale), peer)


def same_states(ledger: Ledger, ours: pd.DataFrame, peer: pd.DataFrame) -> None:
    order = ledger.items["item"].to_numpy()
    peer = peer.reindex(order[np.isin(order, peer.index)])
    for column in ("open_amount", *SUMS):
        np.testing.assert_array_equal(minor(ours[column], ledger.scale), peer[column].to_numpy())
    closed = ours["closed_date"].notna().to_numpy()
    days = ours["closed_date"].to_numpy().astype("datetime64[D]").astype(np.int64)[closed]
    issued = ours["issue_date"].to_numpy().astype("datetime64[D]").astype(np.int64)[closed]
    last = np.nan_to_num(peer["last_day"].to_numpy(dtype=float)[closed])
    np.testing.assert_array_equal(days, np.maximum(last, issued))


def measure(ledger: Ledger, runs: int) -> list[Measure]:
    moves = ledger.movements
    assert set(moves["side"]) <= {OWED, CREDIT, UNAPPLIED}

    def at() -> Snapshot:
        return ledger.as_of(AS_OF)

    day = at().day
    make_ageing(at())  # hands the movements to the engine, once a ledger
    cases = [
        ("ageing as of a date", lambda: make_ageing(at()), lambda: pandas_ageing(moves, day), same_ageing),
        (
            "36-month panel",
            lambda: make_ageing_panel(at(), MONTHS),
            lambda: pandas_panel(moves, day),
            same_panel,
        ),
        ("item states", lambda: at().items, lambda: pandas_states(moves, day), same_states),
    ]
    found = []
    for name, ours, peer, same in cases:
        reset_peak()
        result, seconds = timed(ours, runs)
        peak = peak_mb()
        other, peer_seconds = timed(peer, runs)
        same(ledger, result, other)
        found.append(Measure(name, seconds, "pandas", peer_seconds, peer_seconds / seconds, peak))
    return found


def show(measures: list[Measure], as_json: bool) -> None:
    if as_json:
        for m in measures:
            print(json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(m).items()}))
        return
    print(f"{'measure':<28}{'ours, s':>10}{'peer':>9}{'peer, s':>10}{'ratio':>8}{'peak, MB':>11}")
    for m in measures:
        peer = f"{m.peer:>9}{m.peer_s:>10.2f}{m.ratio:>8.1f}" if m.peer else f"{'-':>9}{'-':>10}{'-':>8}"
        print(f"{m.name:<28}{m.ours_s:>10.2f}{peer}{m.peak_mb:>11.0f}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--invoices", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    folder = sample_folder(given.invoices)
    reset_peak()
    ledger, seconds = timed(lambda: read_ledger(folder, currency="EUR"), 1)
    reading = Measure("read and check the files", seconds, None, None, None, peak_mb())
    show([reading, *measure(ledger, given.runs)], given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
