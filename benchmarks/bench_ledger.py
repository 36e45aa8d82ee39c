"""Time the ledger's statistics against careful pandas versions; results must be the same to the cent.

    python benchmarks/bench_ledger.py --invoices 10000000

The sample is normalised and stored once, in the folder for temporary files. Each measure then runs in
processes of its own, on two threads, the engine limited to 2 GB so that a process stays within 4. `ours`
and `pandas` have in memory what they need when their time starts: the engine its tables, pandas the columns
it needs; `ratio` compares the two. `from files` is ours from the opening of the stored ledger to the answer,
nothing held; `floor` is the time of only reading the columns needed (pyarrow), and `x floor` the one in
multiples of the other. `peak` is the largest memory of the two processes that run ours. Times are wall
seconds, the best of some runs. With --json, one line a measure.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from cases_ledger import CASES, Case
from stored_sample import stored_sample

from arrisk.ledger.book import Snapshot
from arrisk.ledger.engine import DuckDBEngine
from arrisk.ledger.stored import open_ledger

AS_OF = "2025-12-31"


@dataclass(frozen=True, slots=True)
class Measure:
    name: str
    ours_s: float
    peer: str
    peer_s: float
    ratio: float
    peak_mb: float
    from_files_s: float
    floor_s: float
    floor_multiple: float


def timed(work: Callable[[], Any], runs: int) -> tuple[Any, float]:
    best, result = float("inf"), None
    for _ in range(runs):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return result, best


def peak_mb() -> float:
    """Peak of this process alone; without Linux, what the system counts (it may inherit its parent's)."""
    try:
        return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1024**2 if sys.platform == "darwin" else 1024)


def snapshot(given: argparse.Namespace, hold: bool = False) -> Snapshot:
    engine = DuckDBEngine(memory_limit=given.memory_limit, threads=given.threads, hold=hold)
    return open_ledger(given.store, engine).as_of(AS_OF)


def held(case: Case, given: argparse.Namespace) -> dict[str, float]:
    at = snapshot(given, hold=True)
    case.ours(at)
    _, seconds = timed(lambda: case.ours(at.as_of(AS_OF)), given.runs)
    return {"ours_s": seconds, "peak_mb": peak_mb()}


def from_files(case: Case, given: argparse.Namespace) -> dict[str, float]:
    _, seconds = timed(lambda: case.ours(snapshot(given)), given.runs)
    return {"from_files_s": seconds, "peak_mb": peak_mb()}


def peer(case: Case, given: argparse.Namespace) -> dict[str, float]:
    pa.set_cpu_count(given.threads)
    _, floor = timed(lambda: case.decode(given.store), max(given.runs, 2))
    frames, at = case.frames(given.store), snapshot(given)
    result, seconds = timed(lambda: case.peer(frames, at.day), given.runs)
    case.same(case.ours(at), at.scale, result)
    return {"peer_s": seconds, "floor_s": floor}


def apart(case: Case, side: str, given: argparse.Namespace) -> dict[str, float]:
    """Run one side of a case in a process of its own."""
    command = [sys.executable, __file__, "--case", case.name, "--side", side, "--store", str(given.store)]
    command += ["--runs", str(given.runs), "--threads", str(given.threads)]
    command += ["--memory-limit", given.memory_limit]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure(case: Case, given: argparse.Namespace) -> Measure:
    sides = {side: apart(case, side, given) for side in SIDES}
    peak = max(found.pop("peak_mb", 0.0) for found in sides.values())
    found = sides["held"] | sides["from files"] | sides["peer"]
    return Measure(
        name=case.name,
        peer="pandas",
        ratio=found["peer_s"] / found["ours_s"],
        peak_mb=peak,
        floor_multiple=found["from_files_s"] / found["floor_s"],
        **found,
    )


SIDES = {"held": held, "from files": from_files, "peer": peer}


def show(m: Measure, as_json: bool) -> None:
    if as_json:
        print(json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(m).items()}))
        return
    print(
        f"{m.name:<28}{m.ours_s:>9.2f}{m.peer_s:>11.2f}{m.ratio:>8.1f}{m.peak_mb:>10.0f}"
        f"{m.from_files_s:>12.2f}{m.floor_s:>10.2f}{m.floor_multiple:>8.1f}",
        flush=True,
    )


def arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--invoices", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-limit", default="2GB", help="of the engine alone")
    parser.add_argument("--only", help="measures whose name contains this text")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--case", choices=list(CASES), help=argparse.SUPPRESS)
    parser.add_argument("--side", choices=list(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(given)


def main(words: list[str] | None = None) -> int:
    given = arguments(words)
    if given.case:
        print(json.dumps(SIDES[given.side](CASES[given.case], given)))
        return 0
    given.store = stored_sample(given.invoices)
    if not given.json:
        print(f"{'measure':<28}{'ours, s':>9}{'pandas, s':>11}{'ratio':>8}{'peak, MB':>10}", end="")
        print(f"{'from files':>12}{'floor, s':>10}{'x floor':>8}")
    found = []
    for name, case in CASES.items():
        if given.only is None or given.only in name:
            found.append(measure(case, given))
            show(found[-1], given.json)
    if not given.json and found:
        mean = math.exp(sum(math.log(m.ratio) for m in found) / len(found))
        print(f"{'geometric mean':<28}{'':>20}{mean:>8.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
