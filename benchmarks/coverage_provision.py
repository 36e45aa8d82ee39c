"""How often intervals of loss rates hold the truth, and provisions what is then lost.

First part, made-up books whose loss rate is known (2%): 60 customers with 20 invoices each, chance of loss
by customer Beta(0.5, 24.5), size of customers log-normal with sigma 1.2, nominal 95%. Beside our coverage
stands the one published with the rule never to resample invoices.

Second part, sample ledgers that go on for 30 months after an early day: by then the debts of that day are
paid or written off, and all but the last recoveries have come. Two truths. Bias: the provision over the
loss, both summed over ledgers, by bucket, with errors by ledger. Coverage: whether the interval holds the
expected loss of the balance, its own buckets at the rates of all other ledgers; and, for comparison, the
loss of the day. The interval is one of the rate: it says how far the expected loss is known, not where the
loss of one day falls, so it holds the latter less often than its level.

What is a property of the world, and what of the methods (120 ledgers of 12,000 invoices, seeds from 1000):

- A slump (--slump -4) is centred a little after the middle of all time, here on the as-of date: the past
  then knows less loss than the future. Net flow fell from 1.02 +- 0.05 to 0.91 +- 0.04 of the loss on 95
  ledgers of the same seeds. The books measured have none unless asked for.
- Customers that fail move a share of all orders since the ledger began into their last months (the surge),
  so that loss rates of one bucket rise with the age of the ledger: of what is not due 0.83%, 1.04%, 1.16%,
  1.20% were lost by year when nothing else moved. With --surge 0 it was 0.73%, 0.76%, 0.67%, 0.65%: the
  risky leave, and the past then knows a little more loss than the future.
- Recoveries come up to 14 months after a write-off. Those known on the as-of date leave rates about 8%
  higher than they end (0.900 of the write-offs of the window net of recoveries, 0.833 in the end).
- What stands in a bucket is not what passes through it: those who lose stand longer. The terminal loss, a
  share of what left the last bucket, is too low for the balance over 90 days, most of which waits for its
  write-off; it hides what recoveries add. Monthly buckets to 180 days together with developed recoveries put
  both right (--surge 0, over 90 days: 1.01 +- 0.03 of the loss; developed recoveries alone 0.87 +- 0.04). For
  the same reason roll rates and the chain, which count an invoice once when it leaves, put 27% less on what
  is not due than net flow, which counts it when it falls due.
- Cohorts relate losses to what reached a bucket and not to what stands in it, and follow for a year only;
  realised rates leave out what is written off after a year.

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
from typing import Any

import joblib
import numpy as np
import pandas as pd

from arrisk.errors import ModelError
from arrisk.ledger.book import Ledger, Snapshot
from arrisk.ledger.reading import read_ledger
from arrisk.ledger.sample.generator import make_sample
from arrisk.ledger.sample.truth import BASE_TRUTH, Truth
from arrisk.models.intervals import Interval, clopper_pearson, jackknife_logit, upper_bound, wilson
from arrisk.models.loss_rates.fit import METHODS, fit_loss_rates
from arrisk.models.loss_rates.month_ends import bucket_labels

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
END = dt.date(2028, 6, 30)
YEARS = 3
LONGER = (END - BASE_TRUTH.start) / (pd.Timestamp(AS_OF).date() - BASE_TRUTH.start)
EDGES = (30, 60, 90)
READ = {
    "invoices": ("invoice_id", "customer_id", "issue_date", "due_date", "amount", "currency"),
    "events": (
        "event_id",
        "date",
        "kind",
        "amount",
        "currency",
        "invoice_id",
        "customer_id",
        "recorded_date",
    ),
    "customers": ("customer_id", "segment"),
}
WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    **{method: (method, {}) for method in METHODS},
    "net_flow by segment": ("net_flow", {"by": "segment", "credibility": "buhlmann"}),
    "net_flow developed": ("net_flow", {"recoveries": "developed"}),
    "net_flow to 180": ("net_flow", {"edges": tuple(range(30, 181, 30))}),
    "net_flow to 180 developed": (
        "net_flow",
        {"edges": tuple(range(30, 181, 30)), "recoveries": "developed"},
    ),
}


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


def later_truth(slump: float, surge: float) -> Truth:
    """The process of the ordinary sample, carried on for `FOLLOWED` after the as-of date.

    As many customers start a year as in an ordinary sample: `new_share` is spread over all of the time.
    """
    share = BASE_TRUTH.new_share
    later = share * LONGER / (1 - share + share * LONGER)
    return replace(BASE_TRUTH, end=END, pmi_slump=slump, surge_share=surge, new_share=later)


def read_books(frames: dict[str, pd.DataFrame]) -> Ledger:
    """A ledger of what loss rates read: nothing else is parsed."""
    kept = {name: frames[name][list(columns)] for name, columns in READ.items()}
    return read_ledger(kept, currency="EUR")


def make_book(seed: int, invoices: int, truth: Truth) -> Ledger:
    """A sample ledger with its future: about so many invoices, and their customers, by the as-of date."""
    growth = 1 + truth.growth
    all_of_them = invoices * (growth ** (YEARS * LONGER) - 1) / (growth**YEARS - 1)
    customers = round(invoices / 60 * (1 - BASE_TRUTH.new_share) / (1 - truth.new_share))
    return read_books(make_sample(round(all_of_them), seed, customers, truth))


def lost_of_open(ledger: Ledger, date: str) -> tuple[np.ndarray, np.ndarray, float]:
    """What is open at a date by bucket, what of it is written off in the end net of recoveries, and the share
    that is still open at the end of the ledger.
    """
    then = ledger.as_of(date)
    owed = then.open_items
    owed = owed[owed["open_amount"] > 0].set_index("invoice_id")
    before, after = (s.items.set_index("invoice_id").loc[owed.index] for s in (then, ledger.as_of(END)))
    net = [s["written_off_amount"] - s["recovered_amount"] for s in (before, after)]
    late = (pd.Timestamp(date) - owed["due_date"].fillna(owed["issue_date"])).dt.days
    bucket = np.searchsorted([0, *EDGES], late, side="left")
    money = owed["open_amount"].to_numpy(dtype=float)
    lost = (net[1] - net[0]).to_numpy(dtype=float)
    waits = after["open_amount"].to_numpy(dtype=float).sum() / money.sum()
    return (*(np.bincount(bucket, part, len(EDGES) + 2) for part in (money, lost)), float(waits))


def describe_book(snapshot: Snapshot) -> dict[str, float]:
    """What tells whether a book is like another."""
    items, owed = snapshot.items, snapshot.open_items
    late = (snapshot.date - owed["due_date"].fillna(owed["issue_date"])).dt.days > EDGES[-1]
    return {
        "invoices": len(items),
        "customers": items["customer_id"].nunique(),
        "open": float(owed["open_amount"].sum()),
        "over 90 of it": float(owed["open_amount"][late].sum() / owed["open_amount"].sum()),
        "written off": float(snapshot.losses["written_off_amount"].sum()),
        "customers written off": int((snapshot.losses["written_off_amount"] > 0).sum()),
    }


def compare_books(given: argparse.Namespace, rows: pd.DataFrame) -> pd.DataFrame:
    """The books measured on beside ordinary samples that end on the as-of date: means and errors."""
    ours = pd.DataFrame(rows.drop_duplicates("seed")["book"].tolist())
    truth = replace(BASE_TRUTH, pmi_slump=given.slump, surge_share=given.surge)
    seeds = range(given.seed, given.seed + given.ordinary)
    frames = (make_sample(given.invoices, seed, truth=truth) for seed in seeds)
    others = pd.DataFrame([describe_book(read_books(one).as_of(AS_OF)) for one in frames])
    parts = {"measured on": ours, "ordinary sample": others}
    return pd.concat({name: part.agg(["mean", "sem"]) for name, part in parts.items()}, axis=1).T


def try_ledger(seed: int, given: argparse.Namespace) -> list[dict]:
    """One row a method: provisions by bucket, the interval of their sum, and what was lost."""
    ledger = make_book(seed, given.invoices, later_truth(given.slump, given.surge))
    owed, lost, waits = lost_of_open(ledger, AS_OF)
    snapshot, rows = ledger.as_of(AS_OF), []
    known = {"seed": seed, "owed": owed.tolist(), "lost": lost.tolist(), "waits": waits}
    known["book"] = describe_book(snapshot)
    for name in given.methods:
        method, choices = WAYS[name]
        started = time.perf_counter()
        try:
            found = fit_loss_rates(snapshot, method, level=given.level, **choices)
        except ModelError as problem:
            rows.append({**known, "method": name, "problem": str(problem)})
            continue
        seconds = time.perf_counter() - started
        total, last = found.total, len(EDGES) + 1
        by_bucket = found.table["provision"].to_numpy(float).reshape(len(found.segments), -1).sum(axis=0)
        by_bucket = np.append(by_bucket[:last], by_bucket[last:].sum())
        figures = {"value": total.value, "low": total.low, "high": total.high, "seconds": seconds}
        problem = "" if found.identified else "no rate: too few losses"
        rows.append({**known, "method": name, "problem": problem, "by_bucket": by_bucket.tolist(), **figures})
    return rows


def ratio_of_sums(part: np.ndarray, whole: np.ndarray) -> tuple[float, float]:
    """Ratio of two sums over ledgers with its standard error, by ledger."""
    if len(part) < 2 or whole.sum() <= 0:
        return np.nan, np.nan
    ratio = part.sum() / whole.sum()
    error = np.std(part - ratio * whole, ddof=1) * np.sqrt(len(part)) / whole.sum()
    return float(ratio), float(error)


def show_bias(rows: pd.DataFrame) -> pd.DataFrame:
    """Provision over loss, both summed over ledgers, by method and bucket, with errors by ledger."""
    out = {}
    for method, part in rows[rows["problem"] == ""].groupby("method", sort=False):
        provision, lost = (np.stack(part[name].to_list()) for name in ("by_bucket", "lost"))
        sums = [(name, provision[:, k], lost[:, k]) for k, name in enumerate(bucket_labels(EDGES))]
        sums.append(("all", provision.sum(axis=1), lost.sum(axis=1)))
        cells = {name: ratio_of_sums(a, b) for name, a, b in sums}
        out[method] = {name: f"{ratio:.3f} +- {error:.3f}" for name, (ratio, error) in cells.items()}
    once = rows.drop_duplicates("seed")
    lost, owed = (np.stack(once[name].to_list()).sum(axis=0) for name in ("lost", "owed"))
    shares = [*(lost / lost.sum()), 1.0], [*(lost / owed), lost.sum() / owed.sum()]
    names = [*bucket_labels(EDGES), "all"]
    for label, values in zip(("share of the loss", "lost of the balance"), shares, strict=True):
        out[label] = {name: f"{value:.4f}" for name, value in zip(names, values, strict=True)}
    return pd.DataFrame(out).T


def expect_loss(rows: pd.DataFrame) -> pd.Series:
    """Expected loss of each ledger's balance by seed: its own buckets at the rates of all other ledgers."""
    once = rows.drop_duplicates("seed").set_index("seed")
    lost, owed = (np.stack(once[name].to_list()) for name in ("lost", "owed"))
    others = (lost.sum(axis=0) - lost) / (owed.sum(axis=0) - owed)
    return pd.Series((owed * others).sum(axis=1), once.index)


def show_coverage(rows: pd.DataFrame) -> pd.DataFrame:
    """How often the interval of the provision holds the expected loss, and the loss of its day, with binomial
    errors.
    """
    out, expected = {}, expect_loss(rows)
    for method, part in rows.groupby("method", sort=False):
        good = part[part["problem"] == ""]
        lost = np.stack(good["lost"].to_list()).sum(axis=1)
        mean = good["seed"].map(expected).to_numpy(float)
        value, low, high = (good[name].to_numpy(float) for name in ("value", "low", "high"))
        held, of_day = (float(((low <= true) & (true <= high)).mean()) for true in (mean, lost))
        n = len(good)
        out[method] = {
            "ledgers": len(part), "without a rate": len(part) - n,
            "holds the expected": held, "+-": np.sqrt(held * (1 - held) / n),
            "expected above": (mean > high).mean(),
            "holds the loss": of_day, "+- ": np.sqrt(of_day * (1 - of_day) / n),
            "loss above": (lost > high).mean(),
            "width / provision": np.median((high - low) / value), "seconds": part["seconds"].median(),
        }  # fmt: skip
    return pd.DataFrame(out).T


def measure(given: argparse.Namespace) -> pd.DataFrame:
    """Rows of all ledgers; with --json each ledger is written when it is done."""
    seeds = range(given.seed, given.seed + given.ledgers)
    parts = joblib.Parallel(n_jobs=given.workers, return_as="generator")(
        joblib.delayed(try_ledger)(seed, given) for seed in seeds
    )
    rows = []
    with open(given.json or os.devnull, "w", encoding="utf-8") as file:
        for part in parts:
            rows += part
            file.writelines(json.dumps(row, default=float) + "\n" for row in part)
            file.flush()
    return pd.DataFrame(rows)


def show_ledgers(given: argparse.Namespace) -> None:
    """Measure on sample ledgers and print what was found."""
    rows = measure(given)
    print("provision over loss by bucket, sums over ledgers")
    print(show_bias(rows).to_string())
    print("interval of the provision against the expected loss and the loss of the day")
    print(show_coverage(rows).to_string(float_format="{:.3f}".format, na_rep="-"))
    waits = rows.drop_duplicates("seed")["waits"].mean()
    print(
        f"nominal {given.level:.0%}, {given.ledgers} ledgers of {given.invoices} invoices as of {AS_OF}, "
        f"followed to {END}, when {waits:.2%} was still open; seeds from {given.seed}, slump {given.slump}, "
        f"surge {given.surge}"
    )
    failed = rows[rows["problem"] != ""]
    if len(failed):
        print("no result:", failed.groupby("method")["problem"].first().to_dict())
    if given.ordinary > 1:
        print(compare_books(given, rows).to_string(float_format="{:.3f}".format))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--ledgers", type=int, default=100)
    parser.add_argument("--invoices", type=int, default=12_000)
    parser.add_argument("--methods", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--slump", type=float, default=0.0)
    parser.add_argument("--surge", type=float, default=BASE_TRUTH.surge_share)
    parser.add_argument("--ordinary", type=int, default=0)
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
        show_ledgers(given)


if __name__ == "__main__":
    main()
