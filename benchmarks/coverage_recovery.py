"""How often intervals of the share recovered after a write-off hold the truth.

First part, made-up books: a few written-off customers of very different size and age; 40% return nothing, the
others a share that is uniform up to 50%, in two parts, the first 45 to 330 days after the write-off and the
second 90 days later, so that the truth is known in closed form.

Second part, sample ledgers read like any other. Their truth is the same, 0.25 more of what customers with
security return, weighted with what each ledger's customers were written off.

Beside our interval stand the naive share (recovered over written off) and the plain jackknife with n - 1
degrees of freedom.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from scipy import stats

from arrisk.errors import ModelError
from arrisk.ledger.reading import read_ledger
from arrisk.ledger.sample.generator import make_sample
from arrisk.ledger.sample.truth import BASE_TRUTH
from arrisk.models.intervals import jackknife_logit
from arrisk.models.recovery.curves import curve_table, make_curves
from arrisk.models.recovery.months import MONTH, count_months
from arrisk.models.recovery.recovery_curve import fit_recovery
from arrisk.models.recovery.write_offs import WriteOffs

SECOND_AFTER = 90
FIRST_PART = 0.5
MONTHS = (6, 9, 12, 18)


def truth_at(month: int, ultimate: float = 1.0) -> float:
    """Share of a write-off recovered within so many months, for an ultimate share."""
    low, high = BASE_TRUTH.recovery_days
    day = np.arange(low, high + 1)
    first, second = ((day + wait <= month * MONTH).mean() for wait in (0, SECOND_AFTER))
    return ultimate * (FIRST_PART * first + (1 - FIRST_PART) * second)


def ultimate_share(secured: np.ndarray) -> np.ndarray:
    """Expected share of each customer."""
    some = 1 - BASE_TRUTH.no_recovery_share
    return some * (BASE_TRUTH.recovery_mean + np.where(secured, 0.25, 0.0))


def draw_book(rng: np.random.Generator, customers: int, sigma: float, days: int) -> WriteOffs:
    """Write-offs of customers, one each, with what came back by the as-of day."""
    amount = np.rint(100 * rng.lognormal(10, sigma, customers)).astype(np.int64)
    booked = rng.integers(0, days, customers)
    some = rng.random(customers) >= BASE_TRUTH.no_recovery_share
    share = np.where(some, 2 * BASE_TRUTH.recovery_mean * rng.random(customers), 0.0)
    back = np.rint(amount * share).astype(np.int64)
    first = np.rint(back * rng.uniform(0.3, 0.7, customers)).astype(np.int64)
    low, high = BASE_TRUTH.recovery_days
    day = booked + rng.integers(low, high + 1, customers)
    lot = np.concatenate([np.arange(customers)] * 2)
    days_back, cents = np.concatenate([day, day + SECOND_AFTER]), np.concatenate([first, back - first])
    known = (days_back <= days) & (cents > 0)
    order = np.lexsort((days_back[known], lot[known]))
    parts = (x[known][order] for x in (lot, days_back, cents))
    names = np.array([f"{k:04d}" for k in range(customers)])
    return WriteOffs(days, 100, names, np.arange(customers), booked, amount, *parts, {})


def plain(share: float, without: np.ndarray, level: float) -> tuple[float, float]:
    try:
        return tuple(jackknife_logit(share, without, level, "customers"))
    except ModelError:
        return (share, share)


def try_book(seed: int, number: int, given: argparse.Namespace, customers: int, sigma: float) -> list[dict]:
    rng = np.random.default_rng(np.random.SeedSequence([seed, number, customers]))
    book = draw_book(rng, customers, sigma, given.days)
    cells = count_months(book, max(MONTHS))
    curves = make_curves(cells, np.zeros(customers, dtype=np.int64), 1, 2)
    table = curve_table(cells, ("all",), curves, given.level).set_index("month")
    naive = float(book.back.sum() / book.amount.sum())
    rows = []
    for month in MONTHS:
        if month not in table.index:
            continue
        one = table.loc[month]
        low, high = plain(one["share"], 1 - curves.without[:, month], given.level)
        rows.append(
            {
                "customers": customers, "sigma": sigma, "month": month, "naive": naive,
                "share": one["share"], "low": one["ci_low"], "high": one["ci_high"],
                "how": one["interval"].split(",")[0], "plain_low": low, "plain_high": high,
                "truth": truth_at(month, float(ultimate_share(np.array([False]))[0])),
            }
        )  # fmt: skip
    return rows


def try_ledger(seed: int, given: argparse.Namespace) -> list[dict]:
    frames = make_sample(given.invoices, seed, round(given.invoices / 60))
    ledger = read_ledger(frames, currency="EUR")
    snapshot = ledger.as_of(ledger.last_date)
    curve = fit_recovery(snapshot, months=max(MONTHS), level=given.level)
    w = curve.write_offs
    if not curve.identified:
        return [{"seed": seed, "month": m, "customers": w.customers.size, "how": "none"} for m in MONTHS]
    known = snapshot.customers.set_index("customer_id")["security"].notna()
    written = w.by_customer(w.amount)
    mix = float(written @ ultimate_share(known.reindex(w.customers).to_numpy(bool)) / written.sum())
    facts, table = curve.diagnostics, curve.table.set_index("month")
    return [
        {
            "seed": seed, "customers": w.customers.size, "month": month,
            "naive": facts["recovered"] / facts["written_off"], "truth": truth_at(month, mix),
            "share": table.loc[month, "share"], "low": table.loc[month, "ci_low"],
            "high": table.loc[month, "ci_high"], "how": table.loc[month, "interval"].split(",")[0],
        }
        for month in MONTHS
        if month in table.index
    ]  # fmt: skip


def summary(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Coverage with its binomial error, bias and width."""
    good = rows[rows["how"] != "none"].copy()
    good["holds"] = (good["low"] <= good["truth"]) & (good["truth"] <= good["high"])
    good["too_low"] = good["high"] < good["truth"]
    good["jackknife"] = good["how"].str.startswith("jackknife")
    good["width"] = good["high"] - good["low"]
    if "plain_low" in good:
        good["plain"] = (good["plain_low"] <= good["truth"]) & (good["truth"] <= good["plain_high"])
    groups = good.groupby(keys)
    columns = ["truth", "share", "naive", "holds", "too_low", "jackknife", "width"]
    out = groups[columns + (["plain"] if "plain" in good else [])].mean()
    out.insert(0, "books", groups.size())
    out["error"] = np.sqrt(out["holds"] * (1 - out["holds"]) / out["books"])
    out["share_error"] = groups["share"].std() / np.sqrt(out["books"])
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--customers", type=int, nargs="+", default=[6, 15, 40, 150])
    parser.add_argument("--sigma", type=float, nargs="+", default=[1.2])
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--ledgers", type=int, default=100)
    parser.add_argument("--invoices", type=int, default=12000)
    parser.add_argument("--level", type=float, default=0.95)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    show = {"float_format": "{:.3f}".format, "na_rep": "-"}
    if given.replicates:
        tasks = [(k, n, s) for n in given.customers for s in given.sigma for k in range(given.replicates)]
        parts = joblib.Parallel(n_jobs=given.workers)(
            joblib.delayed(try_book)(given.seed, k, given, n, s) for k, n, s in tasks
        )
        rows = pd.DataFrame([row for part in parts for row in part])
        print(summary(rows, ["customers", "sigma", "month"]).to_string(**show))
        print(f"nominal {given.level:.0%}, {given.replicates} books of {given.days} days, seed {given.seed}")
    if given.ledgers:
        parts = joblib.Parallel(n_jobs=given.workers, return_as="generator")(
            joblib.delayed(try_ledger)(given.seed + k, given) for k in range(given.ledgers)
        )
        rows = []
        with open(given.json or os.devnull, "w", encoding="utf-8") as file:
            for part in parts:
                rows += part
                file.writelines(json.dumps(row, default=float) + "\n" for row in part)
                file.flush()
        table = pd.DataFrame(rows)
        print(summary(table, ["month"]).to_string(**show))
        people = table.groupby("seed")["customers"].first()
        print(
            f"nominal {given.level:.0%}, {given.ledgers} ledgers of {given.invoices} invoices, seeds from "
            f"{given.seed}; customers written off: median {stats.scoreatpercentile(people, 50):.0f}, "
            f"{people.min()} to {people.max()}"
        )


if __name__ == "__main__":
    main()
