"""How often intervals of the level of losses and of the asset correlation hold the truth.

First part, made-up counts: `years` years of `customers` customers under Vasicek's one-factor model, whose
level and correlation are known. For the correlation three intervals: profile likelihood, likelihood with the
level averaged out, and the posterior with a prior that has 90% between 0.05 and 0.25. For the level the joint
posterior, with that prior, and the usual interval that counts customer-years as independent (Jeffreys).
Nominal 95%. `estimate` is the mean of the estimates, `width` the median width.

Second part, sample ledgers that go on for two and a half years after an early day and know no slump: the
level against the share of customers that are lost in the year after it (all known at the end), balances and
losses expected against those that came, with balances of the day and grown as those of past losses were,
and the spread of yearly rates over all ledgers as the correlation that is really there
(`ledger/sample/truth.py`: a common monthly shock of 0.25 on the log-hazard, and the PMI).

Found on 42 ledgers with a scorecard (seeds from 1000): mean rate 0.0350 against 0.0351 in truth; the range of
the level, from one counted year and the prior, always held it (median 0.7% to 19%: the prior's correlation is
far above the 0.002 that is there, so it is too wide). Expected over actual: customers lost of those owing
1.04 +- 0.09, owed by them on the day 1.18 +- 0.13, losses 0.66 +- 0.09 with balances of the day and
1.03 +- 0.15 with grown ones. Without a scorecard (60 ledgers) the last two are 0.41 +- 0.04 and 0.62 +- 0.07.

Prints the tables; --json writes one line a ledger.
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
from scipy import optimize, special

from arrisk.ledger.reading import read_ledger
from arrisk.ledger.sample.generator import make_sample
from arrisk.ledger.sample.truth import BASE_TRUTH
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.experience import read_default_experience
from arrisk.models.intervals import jeffreys
from arrisk.models.losses.correlation_curves import correlation_curves, rho_grid
from arrisk.models.losses.factor_counts import CountGrid, count_likelihood, level_grid
from arrisk.models.losses.level_posterior import CorrelationPrior, LevelPosterior, level_prior
from arrisk.models.losses.loss_model import fit_loss_model
from arrisk.models.scoring.fitting import fit_scorecard

AS_OF = "2025-12-31"
END = dt.date(2028, 6, 30)
LONGER = (END - BASE_TRUTH.start) / (pd.Timestamp(AS_OF).date() - BASE_TRUTH.start)
LEVEL = 0.95
PRIOR = CorrelationPrior(0.05, 0.25)
DEFINITION = DefaultDefinition(90, 500)


def draw_counts(
    rng: np.random.Generator, customers: int, years: int, pd_: float, rho: float, size: int
) -> np.ndarray:
    """Lost customers, shape (size, years)."""
    z = rng.standard_normal((size, years))
    chance = special.ndtr((special.ndtri(pd_) - np.sqrt(rho) * z) / np.sqrt(1 - rho))
    return rng.binomial(customers, chance)


def yearly_tables(customers: int, counts: np.ndarray, probit: np.ndarray) -> tuple[dict, np.ndarray]:
    """Log-likelihood of each count that occurs, over levels and correlations; and the spread of rates."""
    rho = rho_grid()
    grids = {int(k): count_likelihood([customers], [k], rho, probit) for k in np.unique(counts)}
    spread = next(iter(grids.values())).spread
    return {k: grid.log_likelihood for k, grid in grids.items()}, spread


def level_range(grid: CountGrid) -> tuple[float, float]:
    """The level's interval from the joint posterior, on the grid of the curves."""
    chance = PRIOR.density(grid.rho) * np.gradient(grid.rho)
    mass = np.exp(grid.log_likelihood - grid.log_likelihood.max()) * level_prior(grid) * chance
    low, high = LevelPosterior(grid.level, grid.rho, mass / mass.sum(), PRIOR).level_quantile(
        [0.5 - LEVEL / 2, 0.5 + LEVEL / 2]
    )
    return float(low), float(high)


def try_counts(
    counts: np.ndarray, customers: int, probit: np.ndarray, tables: dict, spread: np.ndarray
) -> dict:
    """Estimate and ends of every interval for one set of years."""
    total = sum(tables[int(k)] for k in counts)
    grid = CountGrid(probit, rho_grid(), np.asarray(total), spread)
    curves = correlation_curves(grid, PRIOR)
    ranges = {
        "profile": curves.by_profile(LEVEL),
        "averaged": curves.by_average(LEVEL),
        "posterior": curves.by_posterior(LEVEL),
    }
    out = {name: (r.estimate, r.low, r.high) for name, r in ranges.items()}
    k, n = int(counts.sum()), customers * counts.size
    out["level, joint posterior"] = (k / n, *level_range(grid))
    out["level, independent"] = (k / n, *jeffreys(k, n, LEVEL))
    return out | {"test": curves.p_value}


def cover_counts(given: argparse.Namespace) -> pd.DataFrame:
    """Coverage with binomial errors by customers, years, correlation and interval."""
    rows = []
    for customers in given.customers:
        for rho in given.rho:
            rng = np.random.default_rng(np.random.SeedSequence([given.seed, customers, round(1000 * rho)]))
            longest = draw_counts(rng, customers, max(given.years), given.pd, rho, given.draws)
            middle = level_grid(customers * 10, round(customers * 10 * given.pd))
            tables, spread = yearly_tables(customers, longest, middle)
            for years in given.years:
                found = [try_counts(c, customers, middle, tables, spread) for c in longest[:, :years]]
                rows += summarise(pd.DataFrame(found), customers, rho, years, given.pd)
    return pd.DataFrame(rows)


def summarise(found: pd.DataFrame, customers: int, rho: float, years: int, pd_: float) -> list[dict]:
    """One row an interval."""
    rows = []
    for name in [column for column in found.columns if column != "test"]:
        estimate, low, high = np.array(found[name].tolist()).T
        truth = pd_ if name.startswith("level") else rho
        held = float(((low <= truth) & (truth <= high)).mean())
        rows.append(
            {
                "customers": customers, "rho": rho, "years": years, "interval": name, "coverage": held,
                "error": np.sqrt(held * (1 - held) / len(found)), "too low": (high < truth).mean(),
                "estimate": estimate.mean(), "width": np.median(high - low),
                "0 rejected at 5%": (found["test"] < 0.05).mean() if name == "profile" else np.nan,
            }
        )  # fmt: skip
    return rows


def try_ledger(seed: int, given: argparse.Namespace) -> dict:
    """What the model said on the early day, and what became of its customers within a year."""
    share = BASE_TRUTH.new_share
    truth = replace(
        BASE_TRUTH, end=END, pmi_slump=0.0, new_share=share * LONGER / (1 - share + share * LONGER)
    )
    growth, years = 1 + truth.growth, 3
    invoices = round(given.invoices * (growth ** (years * LONGER) - 1) / (growth**years - 1))
    customers = round(given.invoices / 60 * (1 - share) / (1 - truth.new_share))
    frames = make_sample(invoices, seed, customers, truth)
    ledger = read_ledger({name: frames[name] for name in ("invoices", "events", "customers")}, currency="EUR")
    snapshot, now = ledger.as_of(AS_OF), pd.Timestamp(AS_OF)
    card = fit_scorecard(snapshot, definition=DEFINITION, seed=given.seed) if given.card else None
    model = fit_loss_model(snapshot, card, DEFINITION, PRIOR, level=LEVEL)
    after = read_default_experience(ledger.as_of(END), DEFINITION).losses
    day = after["default_date"]
    after = after[(day > now) & (day <= now + pd.Timedelta(days=365))].set_index("customer_id")
    items = snapshot.items
    active = items[(items["amount"] > 0) & (items["issue_date"] > now - pd.Timedelta(days=365))]
    alive = np.setdiff1d(active["customer_id"].unique(), model.experience.in_default)
    book = model.portfolio
    gone = np.isin(book.name, after.index.to_numpy(dtype=str))
    end = after.reindex(book.name[gone])
    low, high = model.posterior.level_quantile([0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    return {
        "seed": seed, "identified": model.identified, "level": model.level, "low": float(low),
        "high": float(high), "mean_level": model.posterior.mean_level, "growth": model.growth.factor,
        "growth_low": model.growth.low, "growth_high": model.growth.high, "at_risk": len(alive),
        "failed": int(np.isin(alive.astype(str), after.index.to_numpy(dtype=str)).sum()),
        "owing_failed": int(gone.sum()), "expected_failed": float(book.pd.sum()),
        "owed_by_failed": float(book.exposure[gone].sum()),
        "expected_owed": float((book.pd * book.exposure).sum()), "owed_in_the_end": float(end["owed"].sum()),
        "grown_owed": float((book.pd * book.exposure).sum()) * model.growth.factor,
        "loss": float((end["written_off"] - end["recovered"]).sum()),
        "expected_loss": book.expected_loss, "grown_loss": book.expected_loss * model.growth.factor,
        "lgd": model.severity.mean, "lgd_low": model.severity.low, "lgd_high": model.severity.high,
        "auc": _auc(book.pd, gone),
    }  # fmt: skip


def _auc(score: np.ndarray, hit: np.ndarray) -> float:
    if not 0 < hit.sum() < hit.size:
        return float("nan")
    rank = pd.Series(score).rank().to_numpy()
    return float((rank[hit].sum() - hit.sum() * (hit.sum() + 1) / 2) / (hit.sum() * (~hit).sum()))


def true_correlation(rates: np.ndarray, size: float) -> float:
    """Correlation behind what yearly rates vary over ledgers beyond those of independent customers."""
    level, extra = float(rates.mean()), float(rates.var(ddof=1) - rates.mean() * (1 - rates.mean()) / size)
    if extra <= 0:
        return 0.0
    z = np.linspace(-8, 8, 801)
    weight = np.exp(-z * z / 2) / np.exp(-z * z / 2).sum()

    def off(rho: float) -> float:
        given = special.ndtr((special.ndtri(level) - np.sqrt(rho) * z) / np.sqrt(1 - rho))
        return float(weight @ given**2 - level**2 - extra)

    return float(optimize.brentq(off, 1e-9, 0.9))


def cover_ledgers(given: argparse.Namespace) -> pd.DataFrame:
    """Bias and coverage over sample ledgers, with errors by ledger."""
    seeds = range(given.seed, given.seed + given.ledgers)
    parts = joblib.Parallel(n_jobs=given.workers, return_as="generator")(
        joblib.delayed(try_ledger)(seed, given) for seed in seeds
    )
    rows = []
    with open(given.json or os.devnull, "w", encoding="utf-8") as file:
        for row in parts:
            rows.append(row)
            file.write(json.dumps(row, default=float) + "\n")
            file.flush()
    return pd.DataFrame(rows)


def show_ledgers(rows: pd.DataFrame) -> None:
    """Print what was expected over what happened, and how often the level's interval holds the true level."""
    level = rows["failed"].sum() / rows["at_risk"].sum()
    held = ((rows["low"] <= level) & (level <= rows["high"])).mean()
    print(f"{len(rows)} ledgers, {rows['identified'].sum()} identified; level of the next year {level:.4f}")
    print(f"95% range of the level holds it in {held:.3f} of ledgers, median {rows['low'].median():.3f} to "
          f"{rows['high'].median():.3f}; mean rate {rows['level'].mean():.4f}, posterior mean "
          f"{rows['mean_level'].mean():.4f}")  # fmt: skip
    pairs = {
        "failed of those owing": ("expected_failed", "owing_failed"),
        "owed by them on the day": ("expected_owed", "owed_by_failed"),
        "owed by them in the end": ("expected_owed", "owed_in_the_end"),
        "owed by them in the end, balances grown": ("grown_owed", "owed_in_the_end"),
        "loss": ("expected_loss", "loss"),
        "loss, balances grown": ("grown_loss", "loss"),
    }
    for name, (ours, true) in pairs.items():
        ratio = rows[ours].sum() / rows[true].sum()
        error = np.std(rows[ours] - ratio * rows[true], ddof=1) * np.sqrt(len(rows)) / rows[true].sum()
        print(f"expected over actual, {name}: {ratio:.3f} +- {error:.3f}")
    growth = rows["owed_in_the_end"].sum() / rows["owed_by_failed"].sum()
    share = rows["loss"].sum() / rows["owed_in_the_end"].sum()
    for name, true, column in (("growth", growth, "growth"), ("share lost", share, "lgd")):
        inside = (rows[f"{column}_low"] <= true) & (true <= rows[f"{column}_high"])
        print(
            f"{name}: {true:.3f} in truth, mean estimate {rows[column].mean():.3f}, held {inside.mean():.3f}"
        )
    print(f"area under the curve of the order: {rows['auc'].mean():.3f} +- {rows['auc'].sem():.3f}")
    rates = (rows["failed"] / rows["at_risk"]).to_numpy(dtype=float)
    there = true_correlation(rates, rows["at_risk"].mean())
    print(f"correlation behind the spread of yearly rates: {there:.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--pd", type=float, default=0.04)
    parser.add_argument("--customers", type=int, nargs="*", default=[200, 1000])
    parser.add_argument("--rho", type=float, nargs="*", default=[0.0, 0.05, 0.15, 0.3])
    parser.add_argument("--years", type=int, nargs="*", default=[1, 3, 5, 10, 20])
    parser.add_argument("--ledgers", type=int, default=0)
    parser.add_argument("--invoices", type=int, default=12_000)
    parser.add_argument("--card", action="store_true", help="order customers by a fitted scorecard")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.draws:
        with pd.option_context("display.width", 160, "display.float_format", "{:.3f}".format):
            print(cover_counts(given).to_string(index=False))
    if given.ledgers:
        show_ledgers(cover_ledgers(given))


if __name__ == "__main__":
    main()
