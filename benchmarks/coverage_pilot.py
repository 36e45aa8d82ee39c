"""How often a pilot's reading holds the true effect, and how often it finds one that is not there.

Books of unequal customers, each with its own habit, half of them drawn to be offered a discount; takers take
always and others never. The truth is the mean shift of the enrolled who bought something in the pilot.

    python benchmarks/coverage_pilot.py --pilots 1000 --workers 2
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.models.trial.trials import OFFER, PLAN, READ, START, make_book, offer_to, rows_of

from arrisk.models.trial.assignment import assign_trial
from arrisk.models.trial.past import enrol
from arrisk.models.trial.reading import read_trial


def try_pilot(seed: int, customers: int, take_up: float, share: float, permutations: int) -> dict:
    """One pilot, drawn and read; what it said, and the truth."""
    book = make_book(seed=seed, customers=customers)
    units = enrol(rows_of(book[book["issue_date"] < START]), PLAN)
    arms = assign_trial(units, pd.Series(units.index, index=units.index), share=share, seed=seed)
    treated = arms.table.loc[arms.table["arm"] == "treated", "customer_id"]
    after, true = offer_to(book, treated, take_up, seed=seed)
    read = read_trial(
        rows_of(after), arms, PLAN, digest=arms.digest, as_of=READ, offer=OFFER, permutations=permutations
    )
    e, looks = read.effect, read.looks
    truth = float(true.reindex(units.index).dropna().mean())
    half = stats.t.ppf(0.975, e.df) * e.se
    return {
        "truth": truth,
        "error": e.estimate - truth,
        "se": e.se,
        "repeated": e.ci_low <= truth <= e.ci_high,
        "always": bool(((looks["ci_low"] <= truth) & (truth <= looks["ci_high"])).all()),
        "single": abs(e.estimate - truth) <= half,
        "stopped": read.decision in ("benefit", "harm"),
        "naive": bool((looks["z"].abs() >= 1.96).any()),
        "permutation": read.permutation_p <= 0.05,
    }


def summarise(rows: pd.DataFrame) -> dict[str, object]:
    """Shares with their 95% intervals (Wilson), and the bias with its standard error."""
    out: dict[str, object] = {"pilots": len(rows)}
    for name in ("repeated", "always", "single", "stopped", "naive", "permutation"):
        low, high = proportion_confint(rows[name].sum(), len(rows), method="wilson")
        out[name] = [round(float(v), 4) for v in (rows[name].mean(), low, high)]
    out["mean_truth"] = round(float(rows["truth"].mean()), 3)
    out["bias"] = [round(float(v), 3) for v in (rows["error"].mean(), rows["error"].sem())]
    out["se_over_spread"] = round(float(np.sqrt((rows["se"] ** 2).mean()) / rows["error"].std()), 3)
    return out


def main() -> None:
    """Run the cases and print a JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pilots", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--permutations", type=int, default=199)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    cases = [(100, 0.0, 0.5), (100, 0.3, 0.5), (100, 0.0, 0.25), (40, 0.0, 0.5)]
    for customers, take_up, share in cases:
        job = joblib.delayed(try_pilot)
        found = joblib.Parallel(options.workers)(
            job(seed, customers, take_up, share, options.permutations) for seed in range(options.pilots)
        )
        case = {"customers": customers, "take_up": take_up, "share": share}
        print(json.dumps(case | summarise(pd.DataFrame(found))), flush=True)


if __name__ == "__main__":
    main()
