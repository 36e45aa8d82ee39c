"""How often the designs hold what a running discount really changed, on ledgers whose truth is known.

A sample ledger is drawn twice from one seed, with the discount and without it: all else is the same draw, so
that the difference of an invoice's outcomes is what the discount did to it (nothing, where it was not taken).
The truth of each design:

- difference in differences, interrupted series: mean over the invoices within the rule, by money;
- designs at the threshold: a line through the invoices within the rule near it, read at it;
- takers against others: mean over the takers, by money (what a naive reader takes it for).

Every interval counts, whether or not the checks of its design passed; how often they passed stands beside it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from arrisk.ledger.reading import read_ledger
from arrisk.ledger.sample.generator import BASE_TRUTH, make_sample
from arrisk.models.effects.assignment import find_offer_rules
from arrisk.models.effects.outcomes import observe_outcomes
from arrisk.policy.discount.designs import BOTH, THRESHOLD, compare_takers, design_rows, read_designs

NEVER = replace(BASE_TRUTH, discount_from=dt.date(2099, 1, 1))
SETTINGS = {"horizon": 120, "cost_of_capital": 0.08}
NAIVE = "takers against others"
NEAR = 0.7  # distance in logarithms from the threshold within which its truth is read


def true_effects(rows: pd.DataFrame, without: pd.DataFrame, outcome: str) -> np.ndarray:
    """What the discount did to each invoice."""
    otherwise = rows["invoice_id"].map(without.set_index("invoice_id")[outcome])
    return np.where(rows["taken"] & otherwise.notna(), rows[outcome] - otherwise, 0.0)


def truth_of(design: str, rows: pd.DataFrame, effect: np.ndarray, cutoff: float) -> float:
    """The estimand of a design, see above."""
    if design == NAIVE:
        kept = (rows["offered"] & rows["taken"]).to_numpy()
        return float(np.average(effect[kept], weights=rows["amount"][kept]))
    kept = (rows["ruled"] & rows["comparable"]).to_numpy()
    if design not in (BOTH, THRESHOLD):
        return float(np.average(effect[kept], weights=rows["amount"][kept]))
    x = rows["log_amount"].to_numpy() - np.log(cutoff)
    kept &= x < NEAR
    return float(np.polyfit(x[kept], effect[kept], 1)[1])


def try_ledger(seed: int, invoices: int, outcomes: list[str], level: float) -> list[dict]:
    """Every design on one ledger, with its truth."""
    given, never = (
        read_ledger(make_sample(invoices, seed, truth=t), currency="EUR") for t in (BASE_TRUTH, NEVER)
    )
    date = pd.Timestamp(BASE_TRUTH.end)
    without = observe_outcomes(never.as_of(date), **SETTINGS)
    snapshot = given.as_of(date)
    rules = find_offer_rules(snapshot)
    rows = design_rows(snapshot, rules, **SETTINGS)
    cutoff = float(rules.ruled["threshold"].max())
    found = []
    for outcome in outcomes:
        effect = true_effects(rows, without, outcome)
        readings = [
            (r.design, r.effect.estimate, r.effect.ci_low, r.effect.ci_high, r.effect.identified)
            for r in read_designs(rows, rules, outcome, level)
            if r.effect is not None
        ]
        naive = compare_takers(rows, outcome, level)
        readings.append((NAIVE, naive["estimate"], naive["ci_low"], naive["ci_high"], False))
        found += [
            {
                "seed": seed, "outcome": outcome, "design": design, "estimate": estimate, "low": low,
                "high": high, "passed": passed, "truth": truth_of(design, rows, effect, cutoff),
            }
            for design, estimate, low, high, passed in readings
        ]  # fmt: skip
    return found


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Coverage with its Wilson interval, bias, width, and how often the checks passed."""
    good = rows.assign(
        covers=(rows["low"] <= rows["truth"]) & (rows["truth"] <= rows["high"]),
        bias=rows["estimate"] - rows["truth"],
        width=rows["high"] - rows["low"],
        sure=(rows["low"] > 0) | (rows["high"] < 0),
    )
    groups = good.groupby(["outcome", "design"], sort=False)
    out = groups[["truth", "estimate", "bias", "width", "covers", "sure", "passed"]].mean()
    out.insert(0, "ledgers", groups.size())
    ends = proportion_confint(groups["covers"].sum(), groups.size(), method="wilson")
    out["covers_low"], out["covers_high"] = ends
    out["bias_error"] = groups["bias"].std() / np.sqrt(groups.size())
    passed = good[good["passed"]].groupby(["outcome", "design"], sort=False)["covers"].mean()
    out["covers_if_passed"] = passed
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ledgers", type=int, default=200)
    parser.add_argument("--invoices", type=int, default=12_000)
    parser.add_argument("--outcomes", nargs="+", default=["days", "value", "unpaid"])
    parser.add_argument("--level", type=float, default=0.95)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    parts = joblib.Parallel(n_jobs=given.workers, return_as="generator")(
        joblib.delayed(try_ledger)(given.seed + k, given.invoices, given.outcomes, given.level)
        for k in range(given.ledgers)
    )
    rows = []
    with open(given.json or os.devnull, "w", encoding="utf-8") as file:
        for part in parts:
            rows += part
            file.writelines(json.dumps(row, default=float) + "\n" for row in part)
            file.flush()
    print(summary(pd.DataFrame(rows)).to_string(float_format="{:.3f}".format, na_rep="-"))
    print(f"nominal {given.level:.0%}, {given.ledgers} ledgers of {given.invoices} invoices")


if __name__ == "__main__":
    main()
