"""How often intervals of loss rates hold the truth, and provisions what is then lost.

First part, made-up books whose loss rate is known (2%): 60 customers with 20 invoices each, chance of loss by
customer Beta(0.5, 24.5), size of customers log-normal with sigma 1.2, nominal 95%. Beside our coverage stands
the one published with the rule never to resample invoices.

Second part, sample ledgers whose future is known: the provision of an early day by every method against what
is finally written off, net of recoveries, of the balance open on that day. The interval is one of the rate:
it says how far the expected loss is known, not where the loss of one day will fall, and its coverage of the
loss shows how much wider a range for that would be. The coverage of the mean loss takes the mean over all
ledgers, by size of the balance, as the truth.

Prints both tables; --json writes one line a ledger and method.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

from arrisk.errors import ModelError
from arrisk.ledger.reading import read_ledger
from arrisk.ledger.sample.generator import make_sample
from arrisk.ledger.sample.truth import BASE_TRUTH
from arrisk.models.intervals import Interval, clopper_pearson, jackknife_logit, upper_bound, wilson
from arrisk.models.loss_rates.fit import METHODS, fit_loss_rates

ALPHA, BETA = 0.5, 24.5
TRUTH = ALPHA / (ALPHA + BETA)
PUBLISHED = {
    "Wilson, invoices": 0.842,
    "bootstrap, invoices": 0.765,
    "bootstrap, customers": 0.852,
    "jackknife, customers, t(n - 1)": 0.928,
}
PUBLISHED_REPLICATES = 400
RESAMPLES = 400
AS_OF = "2025-12-31"
END = dt.date(2028, 12, 31)
START = dt.date(2023, 1, 1)


def draw_book(rng: np.random.Generator, customers: int, invoices: int, sigma: float):
    """Amounts and what of them is lost, shape (customers, invoices)."""
    chance = rng.beta(ALPHA, BETA, customers)
    amount = np.repeat(rng.lognormal(0, sigma, customers)[:, None], invoices, axis=1)
    return amount, amount * (rng.random((customers, invoices)) < chance[:, None])


def resample(
    lost: np.ndarray, owed: np.ndarray, rng: np.random.Generator, level: float
) -> tuple[float, float]:
    """Percentile interval of a ratio of sums when its units are drawn with replacement."""
    rows = rng.integers(0, lost.size, (RESAMPLES, lost.size))
    drawn = lost[rows].sum(axis=1) / owed[rows].sum(axis=1)
    low, high = np.quantile(drawn, (0.5 - level / 2, 0.5 + level / 2))
    return float(low), float(high)


def by_customer(lost: np.ndarray, owed: np.ndarray, level: float, freedom: str) -> Interval:
    """The jackknife, or the exact count where it has none."""
    rate = float(lost.sum() / owed.sum())
    try:
        return jackknife_logit(rate, (lost.sum() - lost) / (owed.sum() - owed), level, freedom)
    except ModelError:
        hit, n = int((lost > 0).sum()), lost.size
        exact = clopper_pearson(hit, n, level) if hit else upper_bound(0, n, level)
        return Interval(min(exact.low, rate), max(exact.high, rate), level, exact.method)


def try_book(seed: int, number: int, level: float) -> dict[str, tuple[float, float]]:
    rng = np.random.default_rng(np.random.SeedSequence([seed, number]))
    amount, gone = draw_book(rng, 60, 20, 1.2)
    owed, lost = amount.sum(axis=1), gone.sum(axis=1)
    return {
        "Wilson, invoices": tuple(wilson(int((gone > 0).sum()), gone.size, level)),
        "bootstrap, invoices": resample(gone.ravel(), amount.ravel(), rng, level),
        "bootstrap, customers": resample(lost, owed, rng, level),
        "jackknife, customers, t(n - 1)": tuple(by_customer(lost, owed, level, "customers")),
        "jackknife, customers, t(effective)": tuple(by_customer(lost, owed, level, "effective")),
    }


def cover_rate(replicates: int, seed: int, level: float) -> pd.DataFrame:
    """Coverage of the known rate with its binomial error, beside the published one."""
    books = [try_book(seed, k, level) for k in range(replicates)]
    rows = []
    for name in books[0]:
        ends = np.array([book[name] for book in books])
        inside = ((ends[:, 0] <= TRUTH) & (ends[:, 1] >= TRUTH)).mean()
        known = PUBLISHED.get(name, np.nan)
        rows.append(
            {
                "interval": name, "coverage": inside, "error": np.sqrt(inside * (1 - inside) / replicates),
                "published": known, "error_published": np.sqrt(known * (1 - known) / PUBLISHED_REPLICATES),
                "too_low": (ends[:, 1] < TRUTH).mean(), "width": np.median(ends[:, 1] - ends[:, 0]),
            }
        )  # fmt: skip
    return pd.DataFrame(rows).set_index("interval")


def lost_of_open(ledger, date: str) -> tuple[float, float]:
    """What is open at a date, and what of it is written off in the end, net of recoveries."""
    then = ledger.as_of(date)
    owed = then.open_items[["invoice_id", "open_amount"]]
    owed = owed[owed["open_amount"] > 0]
    before, after = (s.items.set_index("invoice_id") for s in (then, ledger.as_of(ledger.last_date)))
    names = owed["invoice_id"]
    columns = ["written_off_amount", "recovered_amount"]
    more = (after.loc[names, columns] - before.loc[names, columns]).sum()
    return float(owed["open_amount"].sum()), float(more[columns[0]] - more[columns[1]])


def try_ledger(seed: int, invoices: int, level: float, methods: list[str], kinds: list[str]) -> list[dict]:
    """One row a method and kind of segments: provision, its interval, and what was lost."""
    years = (END - START).days / (pd.Timestamp(AS_OF).date() - START).days
    truth = replace(BASE_TRUTH, end=END)
    frames = make_sample(round(invoices * years), seed, round(invoices / 60), truth)
    ledger = read_ledger(frames, currency="EUR")
    owed, lost = lost_of_open(ledger, AS_OF)
    snapshot, rows = ledger.as_of(AS_OF), []
    for method in methods:
        for kind in kinds:
            given = {} if kind == "all" else {"by": "segment", "credibility": "buhlmann"}
            started = time.perf_counter()
            try:
                found = fit_loss_rates(snapshot, method, level=level, **given)
            except ModelError as problem:
                rows.append({"seed": seed, "method": method, "kind": kind, "problem": str(problem)})
                continue
            total = found.total
            rows.append(
                {
                    "seed": seed, "invoices": invoices, "method": method, "kind": kind, "problem": "",
                    "owed": owed, "lost": lost, "value": total.value, "low": total.low, "high": total.high,
                    "how": total.method, "losers": found.diagnostics["losers"],
                    "seconds": time.perf_counter() - started,
                }
            )  # fmt: skip
    return rows


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Coverage and bias by method, with binomial errors; the mean loss is a share of what is owed."""
    good = rows[rows["problem"] == ""].copy()
    once = good.drop_duplicates(["invoices", "seed"])
    share = (once.groupby("invoices")["lost"].sum() / once.groupby("invoices")["owed"].sum()).to_dict()
    good["expected"] = good["owed"] * good["invoices"].map(share)
    good["named"] = good["value"].notna()
    good["holds_loss"] = (good["low"] <= good["lost"]) & (good["lost"] <= good["high"])
    good["holds_mean"] = (good["low"] <= good["expected"]) & (good["expected"] <= good["high"])
    out = []
    for key, part in good.groupby(["method", "kind"], sort=False):
        sure = part[part["named"]]
        ratio, error = ratio_of_sums(sure["value"].to_numpy(float), sure["lost"].to_numpy(float))
        inside, mean, n = sure["holds_loss"].mean(), sure["holds_mean"].mean(), len(sure)
        out.append(
            {
                "method": key[0], "kind": key[1], "ledgers": len(part), "with a rate": n,
                "provision / lost": ratio, "+-": error,
                "holds the loss": inside, "+- ": np.sqrt(inside * (1 - inside) / n),
                "holds the mean loss": mean, "+-  ": np.sqrt(mean * (1 - mean) / n),
                "mean below": (sure["high"] < sure["expected"]).mean(),
                "width / owed": ((sure["high"] - sure["low"]) / sure["owed"]).median(),
                "seconds": part["seconds"].median(),
            }
        )  # fmt: skip
    return pd.DataFrame(out).set_index(["method", "kind"])


def ratio_of_sums(part: np.ndarray, whole: np.ndarray) -> tuple[float, float]:
    """Ratio of two sums over ledgers with its standard error."""
    if len(part) < 2 or whole.sum() <= 0:
        return np.nan, np.nan
    ratio = part.sum() / whole.sum()
    error = np.std(part - ratio * whole, ddof=1) * np.sqrt(len(part)) / whole.sum()
    return float(ratio), float(error)


def measure(given: argparse.Namespace) -> pd.DataFrame:
    """Rows of all ledgers; with --json each ledger is written when it is done."""
    tasks = [(given.seed + k, given.invoices[k % len(given.invoices)]) for k in range(given.ledgers)]
    methods = given.methods or list(METHODS)
    parts = joblib.Parallel(n_jobs=given.workers, return_as="generator")(
        joblib.delayed(try_ledger)(s, n, given.level, methods, given.kinds) for s, n in tasks
    )
    rows = []
    with open(given.json or os.devnull, "w", encoding="utf-8") as file:
        for part in parts:
            rows += part
            file.writelines(json.dumps(row, default=float) + "\n" for row in part)
            file.flush()
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--ledgers", type=int, default=100)
    parser.add_argument("--invoices", type=int, nargs="+", default=[6000, 12000])
    parser.add_argument("--methods", nargs="+", choices=list(METHODS))
    parser.add_argument("--kinds", nargs="+", choices=["all", "credible"], default=["all", "credible"])
    parser.add_argument("--level", type=float, default=0.95)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.replicates:
        table = cover_rate(given.replicates, given.seed, given.level)
        print(table.to_string(float_format="{:.3f}".format, na_rep="-"))
        print(
            f"nominal {given.level:.0%}, {given.replicates} books, true rate {TRUTH:.1%}, seed {given.seed}"
        )
    if given.ledgers:
        rows = measure(given)
        print(summary(rows).to_string(float_format="{:.3f}".format, na_rep="-"))
        failed = rows[rows["problem"] != ""]
        print(f"nominal {given.level:.0%}, {given.ledgers} ledgers as of {AS_OF}, seeds from {given.seed}")
        if len(failed):
            print("no result:", failed.groupby("method")["problem"].first().to_dict())


if __name__ == "__main__":
    main()
