"""Time the binning and fit of a scorecard on a large book against optbinning and plain scikit-learn.

    python benchmarks/bench_scoring.py --rows 1000000

Each contestant fits on the same rows in a process of its own, on one thread; `cpu` is the processor time of
binning and fit (`score` that of scoring the same number of held-out rows), the least of some runs; `peak` the
largest memory of the process, with the rows; `auc` is held out. `ratio` is the contestant's time over ours.
The first 10 of 20 features say something (half of them bent), the rest nothing; 5% default.

optbinning is no dependency of the project. Put it in an environment of its own and name its Python:

    python -m venv peers && peers/bin/pip install optbinning
    python benchmarks/bench_scoring.py --peers peers/bin/python

Without --peers it is tried in this environment, and left out, saying so, where it is not there. With --json,
one line a contestant.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FEATURES, TELLING, RATE = 20, 10, 0.05
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
Model = tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]


def book(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features and defaults: log-odds linear in half the telling features, bent in the others."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, FEATURES))
    odds = np.zeros(rows)
    for j in range(TELLING):
        odds += 0.3 * (x[:, j] if j % 2 else np.tanh(2 * x[:, j]) + (x[:, j] > 1))
    odds += rng.logistic(size=rows)
    return x, odds > np.quantile(odds, 1 - RATE)


def auc(y: np.ndarray, score: np.ndarray) -> float:
    ranks = np.empty(score.size)
    ranks[np.argsort(score, kind="stable")] = np.arange(1, score.size + 1)
    up = int(y.sum())
    return float((ranks[y].sum() - up * (up + 1) / 2) / (up * (y.size - up)))


def ours() -> Model:
    from arrisk.models.regression.logit import fit_logit
    from arrisk.models.scoring.binner import WoeBinner

    def fit(x: Any, y: Any) -> Any:
        binner = WoeBinner().fit(x, y)
        return binner, fit_logit(binner.transform(x), y)

    return fit, lambda model, x: model[1].linear(model[0].transform(x))


def raw_logistic() -> Model:
    from sklearn.linear_model import LogisticRegression

    return lambda x, y: LogisticRegression(max_iter=200).fit(x, y), lambda m, x: m.decision_function(x)


def quantile_bins() -> Model:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import KBinsDiscretizer

    def fit(x: Any, y: Any) -> Any:
        cut = KBinsDiscretizer(10, strategy="quantile", quantile_method="averaged_inverted_cdf")
        return make_pipeline(cut, LogisticRegression(max_iter=200)).fit(x, y)

    return fit, lambda m, x: m.decision_function(x)


def optbinning(**given: Any) -> Model:
    import pandas as pd
    from optbinning import BinningProcess, Scorecard
    from sklearn.linear_model import LogisticRegression

    names = [f"x{j}" for j in range(FEATURES)]

    def fit(x: Any, y: Any) -> Any:
        process = BinningProcess(names, **given)
        return Scorecard(process, LogisticRegression()).fit(pd.DataFrame(x, columns=names), y.astype(int))

    return fit, lambda m, x: m.predict_proba(pd.DataFrame(x, columns=names))[:, 1]


def optbinning_quantiles() -> Model:
    rules = {f"x{j}": {"prebinning_method": "quantile"} for j in range(FEATURES)}
    return optbinning(binning_fit_params=rules)


CONTESTANTS: dict[str, Callable[[], Model]] = {
    "arrisk": ours,
    "optbinning": optbinning,
    "optbinning, quantiles": optbinning_quantiles,
    "scikit-learn, 10 quantile bins": quantile_bins,
    "scikit-learn, no bins": raw_logistic,
}


def peak_mb() -> float:
    """Peak of this process alone; without Linux, what the system counts (it may inherit its parent's)."""
    try:
        return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1024**2 if sys.platform == "darwin" else 1024)


def contest(name: str, rows: int, runs: int) -> dict[str, float]:
    fit, score = CONTESTANTS[name]()
    x, y = book(rows, 1)
    seconds, model = float("inf"), None
    for _ in range(runs):
        start = time.process_time()
        model = fit(x, y)
        seconds = min(seconds, time.process_time() - start)
    peak = peak_mb()
    del x, y
    x, y = book(rows, 2)
    start = time.process_time()
    scores = np.asarray(score(model, x))
    return {"cpu_s": seconds, "score_s": time.process_time() - start, "peak_mb": peak, "auc": auc(y, scores)}


def apart(name: str, given: argparse.Namespace) -> dict[str, float] | str:
    """A contestant's figures from a process of its own, or the last line of what went wrong."""
    python = given.peers if given.peers and name.startswith("optbinning") else sys.executable
    command = [python, __file__, "--contestant", name, "--rows", str(given.rows), "--runs", str(given.runs)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | ONE_THREAD)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no message"])[-1]
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--peers", help="a Python that has optbinning")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--contestant", choices=list(CONTESTANTS), help=argparse.SUPPRESS)
    return parser.parse_args(words)


def show(name: str, found: dict[str, float], ours_s: float, as_json: bool) -> None:
    ratio = found["cpu_s"] / ours_s
    if as_json:
        line = {"name": "binning and fit", "ours_s": ours_s, "peer": name, "peer_s": found["cpu_s"]}
        line |= {
            "ratio": ratio,
            "peak_mb": found["peak_mb"],
            "score_s": found["score_s"],
            "auc": found["auc"],
        }
        print(
            json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in line.items()}), flush=True
        )
        return
    print(
        f"{name:<32}{found['cpu_s']:>9.2f}{ratio:>8.1f}{found['score_s']:>11.2f}{found['peak_mb']:>10.0f}"
        f"{found['auc']:>9.4f}",
        flush=True,
    )


def main(words: list[str] | None = None) -> int:
    given = arguments(words)
    if given.contestant:
        print(json.dumps(contest(given.contestant, given.rows, given.runs)))
        return 0
    if not given.json:
        print(f"{'':<32}{'cpu, s':>9}{'ratio':>8}{'score, s':>11}{'peak, MB':>10}{'auc':>9}")
    ours_s = float("nan")
    for name in CONTESTANTS:
        found = apart(name, given)
        if isinstance(found, str):
            print(f"{name}: left out ({found}); see --help and the top of this file", file=sys.stderr)
            if name == "arrisk":
                return 1
            continue
        ours_s = found["cpu_s"] if name == "arrisk" else ours_s
        show(name, found, ours_s, given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
