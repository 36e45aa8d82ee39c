"""Time loss rates against pandas on the item panel, and customers left out against the naive loop.

    python benchmarks/bench_provision.py --invoices 10000000 --customers 200000

Roll rates: 36 months of a stored sample. `before` is the engine's pass that makes our count table of monthly
moves, and the making of the panel in pandas; `ours` and `peer` are what comes after, from counts or panel to
rates, and both must be the same to the cent. With new buckets ours starts from the engine's cells of items
alike, which know no buckets yet; the panel has its own. Customers left out: sums by customer of a smaller
sample, its customers repeated until there are as many as asked for; the peer filters the transitions of all
but one customer, adds up and makes rates. It is timed on a few customers of the smaller sample and scaled to
all customers and all rows, which its name says. Each side runs in a process of its own. Wall seconds, the
best of some runs; `peak` is the largest memory of our process. With --json, one line a measure.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from bench_ledger import AS_OF, peak_mb, timed
from peers_provision import EDGES, LAST, item_panel, naive_loop, roll_panel
from scipy import sparse
from stored_sample import stored_sample

from arrisk.ledger.book import Snapshot
from arrisk.ledger.engine import DuckDBEngine
from arrisk.ledger.stored import open_ledger
from arrisk.models.loss_rates.customer_moves import read_customer_moves
from arrisk.models.loss_rates.fit import METHODS
from arrisk.models.loss_rates.loss_counts import LossCounts, leave_one_out
from arrisk.models.loss_rates.roll import roll_flows, roll_terms
from arrisk.portfolio.flow_cells import read_exact_flow_cells
from arrisk.portfolio.transitions import Transitions, make_transitions

MONTHS = 36
LOOPED = 5
LEFT_OUT = ("roll", "markov", "net_flow")
Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Measure:
    name: str
    ours_s: float
    peer: str
    peer_s: float
    ratio: float
    peak_mb: float
    before_s: float
    peer_before_s: float


def snapshot(given: argparse.Namespace) -> Snapshot:
    engine = DuckDBEngine(memory_limit="2GB", threads=given.threads, hold=True)
    return open_ledger(given.store, engine).as_of(AS_OF)


def once(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def roll_ours(given: argparse.Namespace) -> Figures:
    at = snapshot(given)
    at.query("SELECT COUNT(*) AS n FROM movements")
    cells, before = once(lambda: read_exact_flow_cells(at, MONTHS))
    cells = replace(cells.without_disputes(), dated=np.ones_like(cells.dated))

    def rates(found: Transitions) -> np.ndarray:
        sums = roll_terms(found, found.amount / at.scale, EDGES, np.zeros(1)).toarray()[0]
        roll_flows(sums, 1, LAST)
        return sums

    found, bucketed = timed(lambda: make_transitions(cells, EDGES), given.runs)
    sums, seconds = timed(lambda: rates(found), given.runs)
    minor = np.rint(sums[:-1] * at.scale).astype(np.int64).tolist()
    figures = {"before": before, "sums": minor, "peak_mb": peak_mb()}
    return {**figures, "seconds": seconds, "with_buckets": seconds + bucketed}


def roll_peer(given: argparse.Namespace) -> Figures:
    panel, before = once(lambda: item_panel(given.store, snapshot(given).day, MONTHS))
    sums, seconds = timed(lambda: roll_panel(panel), 1)
    return {"seconds": seconds, "before": before, "sums": np.rint(sums).astype(np.int64).tolist()}


def repeated(counts: LossCounts, customers: int) -> LossCounts:
    """The same customers over and over until there are so many."""
    rows = np.arange(customers) % counts.customers.size
    return replace(
        counts,
        customers=rows.astype(str),
        segment=counts.segment[rows],
        terms=sparse.csr_array(counts.terms[rows]),
        exposed=counts.exposed[rows],
        hit=counts.hit[rows],
        today=counts.today[rows],
    )


def left_out_ours(method: str, given: argparse.Namespace) -> Figures:
    counts, before = once(lambda: METHODS[method](snapshot(given), months=MONTHS))
    many = repeated(counts, given.customers)
    _, seconds = timed(lambda: leave_one_out(many), given.runs)
    chosen = leave_one_out(counts)[:LOOPED]
    return {"seconds": seconds, "before": before, "rates": chosen.tolist(), "peak_mb": peak_mb()}


def left_out_peer(given: argparse.Namespace) -> Figures:
    at = snapshot(given)
    moves, before = once(lambda: read_customer_moves(at, MONTHS, EDGES))
    found = moves.found
    rows = pd.DataFrame(
        {
            "customer": found.cell.astype(np.int32),
            "origin": found.origin.astype(np.int8),
            "destination": found.destination.astype(np.int8),
            "amount": found.amount,
        }
    )
    result, seconds = once(naive_loop(rows, LOOPED, at.scale))
    factor = given.customers / LOOPED * given.customers / len(moves.customers)
    return {"seconds": seconds * factor, "before": before, "flows": result.tolist()}


def apart(side: str, given: argparse.Namespace, store: Path) -> Figures:
    """Run one side in a process of its own."""
    command = [sys.executable, __file__, "--side", side, "--store", str(store), "--runs", str(given.runs)]
    command += ["--threads", str(given.threads), "--customers", str(given.customers)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: Figures = json.loads(done.stdout)
    return found


SIDES: dict[str, Callable[[argparse.Namespace], Figures]] = {
    "roll ours": roll_ours,
    "roll peer": roll_peer,
    "left out peer": left_out_peer,
    **{f"left out {m}": (lambda given, m=m: left_out_ours(m, given)) for m in LEFT_OUT},
}


def measures(given: argparse.Namespace) -> list[Measure]:
    large, small = stored_sample(given.invoices), stored_sample(given.sample)
    ours, peer = apart("roll ours", given, large), apart("roll peer", given, large)
    if ours["sums"] != peer["sums"]:
        raise SystemExit(f"roll rates differ: ours {ours['sums']}, pandas {peer['sums']}")
    name = f"roll rates, {MONTHS} months, {given.invoices:,} invoices"
    words = "pandas shift on the panel"
    before = ours["before"] + ours["with_buckets"] - ours["seconds"]
    found = [
        measure(name, ours | {"before": before}, words, peer),
        measure(f"{name}, new buckets", ours | {"seconds": ours["with_buckets"]}, words, peer),
    ]
    peer = apart("left out peer", given, small)
    words = f"naive loop, {LOOPED} customers scaled to all"
    for method in LEFT_OUT:
        ours = apart(f"left out {method}", given, small)
        if method == "roll":
            flows, rates = np.array(peer["flows"]), np.array(ours["rates"])
            np.testing.assert_allclose(rates[:, -2], flows[:, -2] * rates[:, -1])
        found.append(measure(f"{given.customers:,} customers left out, {method}", ours, words, peer))
    return found


def measure(name: str, ours: Figures, words: str, peer: Figures) -> Measure:
    ratio = peer["seconds"] / ours["seconds"]
    figures = (ours["seconds"], words, peer["seconds"], ratio, ours["peak_mb"])
    return Measure(name, *figures, ours["before"], peer["before"])


def show(m: Measure, as_json: bool) -> None:
    if as_json:
        print(json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(m).items()}))
        return
    print(
        f"{m.name:<56}{m.ours_s:>9.3f}{m.peer_s:>14,.1f}{m.ratio:>14,.0f}{m.peak_mb:>10.0f}"
        f"{m.before_s:>10.1f}{m.peer_before_s:>14.1f}  {m.peer}"
    )


def arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--invoices", type=int, default=1_000_000, help="of the roll rates")
    parser.add_argument("--customers", type=int, default=200_000, help="left out in turn")
    parser.add_argument("--sample", type=int, default=300_000, help="invoices behind the customers left out")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--side", choices=list(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(given)


def main(words: list[str] | None = None) -> int:
    given = arguments(words)
    if given.side:
        print(json.dumps(SIDES[given.side](given)))
        return 0
    if not given.json:
        print(f"{'measure':<56}{'ours, s':>9}{'peer, s':>14}{'ratio':>14}{'peak, MB':>10}", end="")
        print(f"{'before, s':>10}{'peer before':>14}  peer")
    for found in measures(given):
        show(found, given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
