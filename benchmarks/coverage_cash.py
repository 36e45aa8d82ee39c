"""How often intervals of a cash forecast hold the cash that came, on sample ledgers whose future is known.

Each ledger is drawn with its own seed and forecast as of 2025-09-30 from what was known then; 13 weeks of
truth follow. Beside the forecast stands the interval that lets every invoice pay independently and takes the
expected sales for certain. Prints coverage by week with its binomial error; --json writes one line a ledger,
week and part. A ledger of 3,000 invoices takes some seconds.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

from arrisk.ledger.reading import read_ledger
from arrisk.ledger.sample.generator import make_sample
from arrisk.models.cash.cash_forecast import NEW_SALES, OPEN_BOOK, forecast_cash
from arrisk.models.cash.sales import NO_VOLUME_ERROR
from arrisk.models.cash.shocks import NO_SHOCKS
from arrisk.models.cash.simulation import simulate_cash
from arrisk.models.timing.payment_timing import fit_timing
from arrisk.models.timing.rates import PaymentModel

AS_OF = "2025-09-30"
DAYS, WEEK = 91, 7
HOLIDAYS = [f"{year}-{day}" for year in range(2023, 2027) for day in ("01-01", "05-01", "12-25", "12-26")]
PARTS = ("total", OPEN_BOOK, NEW_SALES)


def fit(name: str, snapshot) -> PaymentModel:
    if name == "timing":
        return fit_timing(snapshot, clock="due")
    from arrisk.models.payment.payment_hazard import fit_hazard

    return fit_hazard(snapshot, holidays=HOLIDAYS)


def cash_that_came(ledger) -> dict[str, np.ndarray]:
    """Payments by week after the as-of date: all, on items open then, on invoices issued later."""
    then, now = ledger.as_of(AS_OF), ledger.as_of(ledger.last_date)
    events = now.events[now.events["kind"] == "payment"]
    ahead = (events["date"] - then.date).dt.days
    inside = ((ahead >= 1) & (ahead <= DAYS)).to_numpy()
    week = ((ahead[inside] - 1) // WEEK).to_numpy(dtype=int)
    amount, number = events["amount"].to_numpy(float)[inside], events["invoice_id"][inside]
    is_open = number.isin(then.open_items["invoice_id"]).to_numpy()
    fresh = number.isin(now.items.loc[now.items["issue_date"] > then.date, "invoice_id"]).to_numpy()
    keep = {"total": np.ones(len(week), bool), OPEN_BOOK: is_open, NEW_SALES: fresh}
    return {k: np.bincount(week[m], weights=amount[m], minlength=DAYS // WEEK) for k, m in keep.items()}


def weekly(draws, scale: int) -> dict[str, np.ndarray]:
    """Drawn cash by week, shape (draws, weeks), of each part."""
    cash = draws.minor[..., 1].reshape(len(draws.minor), DAYS // WEEK, WEEK, -1).sum(axis=2) / scale
    each = {name: cash[:, :, k] for k, name in enumerate(draws.groups)}
    return {"total": cash.sum(axis=2)} | each


def try_ledger(seed: int, invoices: int, model: str, draws: int, level: float) -> list[dict]:
    """One row a part and week (week 0 is the sum): what came, expected, both intervals."""
    ledger = read_ledger(make_sample(invoices, seed), currency="EUR")
    came, snapshot = cash_that_came(ledger), ledger.as_of(AS_OF)
    forecast = forecast_cash(snapshot, fit(model, snapshot), days=DAYS, draws=draws, seed=seed)
    inputs = forecast.inputs
    alone = simulate_cash(
        inputs.items, inputs.rates, NO_SHOCKS, DAYS, draws, seed, 1, inputs.items["source"],
        forecast.settlement, NO_VOLUME_ERROR,
    )  # fmt: skip
    ours, plain = weekly(forecast.draws, snapshot.scale), weekly(alone, snapshot.scale)
    rows = []
    for part in PARTS:
        truth = np.append(came[part].sum(), came[part])
        sets = [np.hstack([d[part].sum(axis=1, keepdims=True), d[part]]) for d in (ours, plain)]
        (low, high), (low0, high0) = (
            np.quantile(s, (0.5 - level / 2, 0.5 + level / 2), axis=0) for s in sets
        )
        rank = (sets[0] < truth).mean(axis=0)
        rows += [
            {
                "seed": seed, "invoices": invoices, "part": part, "week": w, "came": truth[w],
                "expected": sets[0][:, w].mean(), "rank": rank[w],
                "inside": bool(low[w] <= truth[w] <= high[w]), "alone": bool(low0[w] <= truth[w] <= high0[w]),
                "width": high[w] - low[w], "width_alone": high0[w] - low0[w],
                "customer_sd": forecast.shocks.customer_sd, "common_sd": forecast.shocks.common_sd,
                "persistence": forecast.shocks.persistence, "level_sd": inputs.sales.volume.level_sd,
                "week_sd": inputs.sales.volume.week_sd,
            }
            for w in range(len(truth))
        ]  # fmt: skip
    return rows


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Coverage by part and week, in percent with its binomial error, bias and relative widths."""
    out = rows.groupby(["part", "week"], sort=False).agg(
        ledgers=("inside", "size"), inside=("inside", "mean"), independent=("alone", "mean"),
        came=("came", "sum"), expected=("expected", "sum"), width=("width", "sum"),
        alone=("width_alone", "sum"),
    )  # fmt: skip
    out["error"] = np.sqrt(out["inside"] * (1 - out["inside"]) / out["ledgers"])
    out["bias"] = out["expected"] / out["came"] - 1.0
    out["width"], out["alone"] = out["width"] / out["came"], out["alone"] / out["came"]
    return out[["ledgers", "inside", "error", "independent", "bias", "width", "alone"]]


def measure(given: argparse.Namespace) -> pd.DataFrame:
    """Rows of all ledgers; with --json each ledger is written when it is done."""
    sizes = given.invoices
    tasks = [(given.seed + k, sizes[k % len(sizes)]) for k in range(given.ledgers)]
    parts = joblib.Parallel(n_jobs=given.workers, return_as="generator")(
        joblib.delayed(try_ledger)(s, n, given.model, given.draws, given.level) for s, n in tasks
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
    parser.add_argument("--ledgers", type=int, default=100)
    parser.add_argument("--invoices", type=int, nargs="+", default=[3000, 6000])
    parser.add_argument("--model", choices=["hazard", "timing"], default="hazard")
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--level", type=float, default=0.9)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rows = measure(given)
    print(summary(rows).to_string(float_format="{:.3f}".format))
    single = rows[rows["week"] > 0].groupby("part", sort=False)[["inside", "alone"]].mean()
    print("single weeks, all 13:")
    print(single.to_string(float_format="{:.3f}".format))
    print(f"nominal {given.level:.0%}, {given.ledgers} ledgers, model {given.model}, seeds from {given.seed}")


if __name__ == "__main__":
    main()
