"""Time the hazard regression and the Kaplan-Meier curve against lifelines, statsmodels and scikit-survival.

    python benchmarks/bench_timing.py --rows 1000000 --curve-rows 10000000

Each contestant works on the same rows in a process of its own, on one thread. `cpu` is the processor time,
the least of some runs: for a regression from the rows (whole days, six covariates in four bins each) to
coefficients, for ours with the counting; dummies of the peers are made beforehand. `peak` is the largest
memory of the process, with the rows. `apart` is the largest difference of a coefficient from ours under the
same ties (of the complementary log-log from what the rows were drawn with, in standard errors; of our Cox
from it), of a curve from ours. `ratio` is the contestant's time over that of the first line.

scikit-survival is no dependency of the project. Put it in an environment of its own and name its Python; the
other peers are then run there too:

    python -m venv peers && peers/bin/pip install scikit-survival lifelines statsmodels
    python benchmarks/bench_timing.py --peers peers/bin/python

A peer that is not installed is left out, saying so. With --json, one line a contestant.
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

TERMS, BINS, LAST = 6, 4, 180
ITEMS_A_CUSTOMER = 50
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
Rows = dict[str, Any]
Contestant = tuple[Callable[[Rows], Any], Callable[[Any], Any]]


def truth() -> np.ndarray:
    """Log hazard ratios of the bins above the first of each covariate."""
    return np.random.default_rng(1).normal(0, 0.3, (TERMS, BINS - 1))


def book(rows: int) -> Rows:
    """Items in whole days: proportional hazards in continuous time, seen at the end of the day."""
    rng = np.random.default_rng(2)
    bins = [rng.integers(0, BINS, rows) for _ in range(TERMS)]
    linear = sum(np.concatenate([[0.0], b])[c] for b, c in zip(truth(), bins, strict=True))
    paid = np.floor(60 * (rng.exponential(size=rows) / np.exp(linear)) ** 0.8).astype(np.int64)
    limit = rng.integers(20, LAST + 1, rows)
    customer = rng.integers(0, max(2, rows // ITEMS_A_CUSTOMER), rows)
    return {"bins": bins, "day": np.minimum(paid, limit), "event": paid <= limit, "customer": customer}


def dummies(rows: Rows) -> np.ndarray:
    return np.column_stack([(c == b).astype(float) for c in rows["bins"] for b in range(1, BINS)])


def ours(what: str) -> Contestant:
    import pandas as pd

    from arrisk.models.hazard.cells import combine_codes
    from arrisk.models.hazard.counts import count_item_days
    from arrisk.models.hazard.efron import fit_efron
    from arrisk.models.hazard.fit import fit_daily_hazard

    def work(rows: Rows) -> Any:
        cell, codes = combine_codes(rows["bins"], [BINS] * TERMS)
        days = count_item_days(rows["day"], rows["event"].astype(np.int64), cell, len(codes))
        columns = {f"x{j}_{b}": codes[:, j] == b for j in range(TERMS) for b in range(1, BINS)}
        design = pd.DataFrame(columns).astype(float)
        if what in ("efron", "breslow"):
            return fit_efron(days, design, ties=what)
        customers = rows["customer"] if what == "customers" else None
        return fit_daily_hazard(days, design, customers=customers)

    def told(fit: Any) -> Any:
        return {"b": fit.coefficients.tolist(), "se": np.sqrt(np.diag(fit.covariance)).tolist()}

    return work, told


def lifelines_cox() -> Contestant:
    import pandas as pd
    from lifelines import CoxPHFitter

    def work(frame: Any) -> Any:
        return CoxPHFitter().fit(frame, "day", "event")

    def ready(rows: Rows) -> Any:
        return pd.DataFrame(dummies(rows)).assign(day=rows["day"], event=rows["event"])

    return after(ready, work), lambda fit: {"b": fit.params_.tolist()}


def statsmodels_phreg() -> Contestant:
    from statsmodels.duration.hazard_regression import PHReg

    def work(given: Any) -> Any:
        return PHReg(given[0], given[1], status=given[2]).fit()

    return after(lambda r: (r["day"].astype(float), dummies(r), r["event"]), work), lambda fit: {
        "b": fit.params.tolist()
    }


def sksurv_cox() -> Contestant:
    from sksurv.linear_model import CoxPHSurvivalAnalysis
    from sksurv.util import Surv

    def work(given: Any) -> Any:
        return CoxPHSurvivalAnalysis(ties="efron").fit(*given)

    def ready(rows: Rows) -> Any:
        return dummies(rows), Surv.from_arrays(rows["event"], rows["day"].astype(float))

    return after(ready, work), lambda fit: {"b": fit.coef_.tolist()}


def curve_rows(rows: int) -> Rows:
    """Days of payment as two-byte numbers, a third of them censored."""
    rng = np.random.default_rng(3)
    day = np.minimum(rng.exponential(45, rows), LAST).astype(np.int16)
    return {"day": day, "event": rng.random(rows) < 2 / 3}


def our_curve() -> Contestant:
    from arrisk.models.timing.curves import kaplan_meier

    days = np.arange(0, LAST + 1, 20)
    return lambda r: kaplan_meier(r["day"], r["event"]), lambda c: {"b": c.at(days).tolist()}


def lifelines_curve() -> Contestant:
    from lifelines import KaplanMeierFitter

    days = np.arange(0, LAST + 1, 20)
    return (
        lambda r: KaplanMeierFitter().fit(r["day"], r["event"]),
        lambda c: {"b": c.predict(days).tolist()},
    )


def sksurv_curve() -> Contestant:
    from sksurv.nonparametric import kaplan_meier_estimator

    days = np.arange(0, LAST + 1, 20)

    def told(found: Any) -> Any:
        return {"b": found[1][np.searchsorted(found[0], days, side="right") - 1].tolist()}

    return lambda r: kaplan_meier_estimator(r["event"], r["day"]), told


def after(ready: Callable[[Rows], Any], work: Callable[[Any], Any]) -> Callable[[Rows], Any]:
    """Work on what was made ready once; making it ready is not timed."""
    work.ready = ready  # type: ignore[attr-defined]
    return work


REGRESSIONS: dict[str, Callable[[], Contestant]] = {
    "arrisk, complementary log-log": lambda: ours("cloglog"),
    "arrisk, errors by customer": lambda: ours("customers"),
    "arrisk, Cox on counts, Efron": lambda: ours("efron"),
    "arrisk, Cox on counts, Breslow": lambda: ours("breslow"),
    "lifelines, CoxPHFitter, Efron": lifelines_cox,
    "statsmodels, PHReg, Breslow": statsmodels_phreg,
    "scikit-survival, CoxPH, Efron": sksurv_cox,
}
CURVES: dict[str, Callable[[], Contestant]] = {
    "arrisk, Kaplan-Meier": our_curve,
    "lifelines, Kaplan-Meier": lifelines_curve,
    "scikit-survival, Kaplan-Meier": sksurv_curve,
}


def peak_mb() -> float:
    """Peak of this process alone; without Linux, what the system counts (it may inherit its parent's)."""
    try:
        return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1024**2 if sys.platform == "darwin" else 1024)


def contest(name: str, rows: int, runs: int) -> dict[str, Any]:
    work, told = (REGRESSIONS | CURVES)[name]()
    given = book(rows) if name in REGRESSIONS else curve_rows(rows)
    given = getattr(work, "ready", lambda r: r)(given)
    seconds, found = float("inf"), None
    for _ in range(runs):
        start = time.process_time()
        found = work(given)
        seconds = min(seconds, time.process_time() - start)
    return {"cpu_s": seconds, "peak_mb": peak_mb(), **told(found)}


def apart(name: str, given: argparse.Namespace) -> dict[str, Any] | str:
    """A contestant's figures from a process of its own, or the last line of what went wrong."""
    python = given.peers if given.peers and not name.startswith("arrisk") else sys.executable
    rows = given.rows if name in REGRESSIONS else given.curve_rows
    command = [python, __file__, "--contestant", name, "--rows", str(rows), "--runs", str(given.runs)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | ONE_THREAD)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no message"])[-1]
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def difference(name: str, found: dict[str, Any], seen: dict[str, dict[str, Any]]) -> float:
    """Of the coefficients or the curve from those that they should equal."""
    b = np.array(found["b"])
    if name in CURVES:
        return float(np.abs(b - seen["arrisk, Kaplan-Meier"]["b"]).max())
    if name in ("arrisk, complementary log-log", "arrisk, errors by customer"):
        return float((np.abs(b - truth().ravel()) / found["se"]).max())
    ties = "Breslow" if "Breslow" in name else "Efron"
    if name.startswith("arrisk"):
        return float(np.abs(b - seen["arrisk, complementary log-log"]["b"]).max())
    return float(np.abs(b - seen[f"arrisk, Cox on counts, {ties}"]["b"]).max())


def arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--curve-rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peers", help="a Python that has the peers")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--contestant", choices=list(REGRESSIONS | CURVES), help=argparse.SUPPRESS)
    return parser.parse_args(words)


def show(name: str, found: dict[str, Any], ours_s: float, apart_by: float, as_json: bool) -> None:
    ratio, kind = found["cpu_s"] / ours_s, "regression" if name in REGRESSIONS else "curve"
    if as_json:
        line = {"name": kind, "ours_s": ours_s, "peer": name, "peer_s": found["cpu_s"], "ratio": ratio}
        line |= {"peak_mb": found["peak_mb"], "apart": apart_by}
        short = {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in line.items()}
        print(json.dumps(short), flush=True)
        return
    print(
        f"{name:<32}{found['cpu_s']:>9.3f}{ratio:>8.1f}{found['peak_mb']:>10.0f}{apart_by:>12.1e}", flush=True
    )


def main(words: list[str] | None = None) -> int:
    given = arguments(words)
    if given.contestant:
        print(json.dumps(contest(given.contestant, given.rows, given.runs)))
        return 0
    if not given.json:
        print(f"{'':<32}{'cpu, s':>9}{'ratio':>8}{'peak, MB':>10}{'apart':>12}")
    for contestants in (REGRESSIONS, CURVES):
        seen: dict[str, dict[str, Any]] = {}
        first = next(iter(contestants))
        for name in contestants:
            found = apart(name, given)
            if isinstance(found, str):
                print(f"{name}: left out ({found}); see --help and the top of this file", file=sys.stderr)
                if name.startswith("arrisk"):
                    return 1
                continue
            seen[name] = found
            show(name, found, seen[first]["cpu_s"], difference(name, found, seen), given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
