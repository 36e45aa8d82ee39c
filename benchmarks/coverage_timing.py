"""How often intervals of amount-weighted payment curves hold the truth, on made-up books.

Customers are drawn anew in every trial from one population: each has a size (lognormal; a larger sigma means
that fewer carry the money), a number of invoices and a speed of its own, so its invoices move together. A
third of the invoices is censored. Ways: the robust interval of `kaplan_meier` (degrees of freedom by the
kurtosis of the influences), the same with clusters - 1 degrees of freedom, with invoices as independent, and
`resample_curve`. Prints a table; --trials and --seed change the run.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from scipy import stats

from arrisk.models.timing.curves import kaplan_meier
from arrisk.models.timing.resampled_curve import resample_curve
from arrisk.models.timing.survival_curve import SurvivalCurve

DAYS, HORIZON, LEVEL = (30, 60), 90, 0.95
SIGMAS = (0.5, 1.0, 1.5)
CUSTOMERS = (12, 30, 100, 400)
WAYS = ("robust", "clusters - 1", "independent", "resampled")


def draw_book(rng: np.random.Generator, customers: int, sigma: float) -> dict[str, np.ndarray]:
    """Invoices of customers of unequal size and speed: duration, event, weights, clusters."""
    size = rng.lognormal(0, sigma, customers)
    speed = rng.gamma(6, 7, customers)
    number = 1 + rng.poisson(6, customers)
    who = np.repeat(np.arange(customers), number)
    paid = np.floor(speed[who] * rng.gamma(4, 0.25, who.size)).astype(np.int64)
    seen = np.where(rng.random(who.size) < 0.4, rng.integers(0, 120, who.size), 400)
    return {
        "duration": np.minimum(paid, seen),
        "event": paid <= seen,
        "weights": size[who] * rng.lognormal(0, 0.4, who.size),
        "clusters": who,
    }


def true_figures(rng: np.random.Generator) -> np.ndarray:
    """Shares open after `DAYS` and the restricted mean; size does not depend on speed, so no weights."""
    speed = rng.gamma(6, 7, 4_000_000)
    paid = np.floor(speed * rng.gamma(4, 0.25, speed.size))
    return np.array([*[(paid > d).mean() for d in DAYS], np.minimum(paid, HORIZON).mean()])


def limits(curve: SurvivalCurve) -> np.ndarray:
    """Lower and upper limits of the figures, (figures, 2)."""
    shares = curve.late_share(list(DAYS))[["ci_low", "ci_high"]].to_numpy()
    mean = curve.restricted_mean_interval(HORIZON)
    return np.vstack([shares, [mean.ci_low, mean.ci_high]])


def plain_limits(curve: SurvivalCurve) -> np.ndarray:
    """The robust limits with clusters - 1 degrees of freedom."""
    quantile = stats.t.ppf(0.5 + LEVEL / 2, (curve.n_clusters or 2) - 1)
    share = curve.late_share(list(DAYS))
    s, se = share["estimate"].to_numpy(), share["se"].to_numpy()
    half = quantile * se / s / np.abs(np.log(s))
    mean = curve.restricted_mean_interval(HORIZON)
    shares = np.stack([s ** np.exp(half), s ** np.exp(-half)], axis=1)
    return np.vstack([shares, mean.estimate + np.array([-1, 1]) * quantile * mean.se])


def one_trial(rng: np.random.Generator, customers: int, sigma: float, draws: int) -> np.ndarray:
    """Limits by way, (ways, figures, 2)."""
    book = draw_book(rng, customers, sigma)
    robust = kaplan_meier(**book)
    alone = kaplan_meier(**{k: v for k, v in book.items() if k != "clusters"})
    again = resample_curve(**book, draws=draws, seed=int(rng.integers(2**31)))
    return np.stack([limits(robust), plain_limits(robust), limits(alone), limits(again)])


def measure(trials: int = 400, seed: int = 20251231, draws: int = 400) -> pd.DataFrame:
    """Coverage and median width by sigma, customers, figure and way."""
    truth = true_figures(np.random.default_rng(np.random.SeedSequence([seed, 0])))
    names = [*[f"open after {d}" for d in DAYS], f"mean to {HORIZON}"]
    rows = []
    for sigma in SIGMAS:
        for customers in CUSTOMERS:
            rng = np.random.default_rng(np.random.SeedSequence([seed, 1, len(rows)]))
            ranges = np.stack([one_trial(rng, customers, sigma, draws) for _ in range(trials)])
            hit = (ranges[..., 0] <= truth) & (truth <= ranges[..., 1])
            width = np.nanmedian(ranges[..., 1] - ranges[..., 0], axis=0)
            for w, way in enumerate(WAYS):
                for f, name in enumerate(names):
                    rows.append((name, sigma, customers, way, hit[:, w, f].mean(), width[w, f]))
    return pd.DataFrame(rows, columns=["figure", "sigma", "customers", "way", "coverage", "width"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--seed", type=int, default=20251231)
    given = parser.parse_args()
    table = measure(given.trials, given.seed)
    keys = ["figure", "sigma", "customers"]
    for value in ("coverage", "width"):
        wide = table.pivot(index=keys, columns="way", values=value)[list(WAYS)]
        print(value, wide.round(3).to_string(), sep="\n")
    print(table.groupby("way")["coverage"].agg(["min", "mean", "max"]).round(3))
    print(f"nominal {LEVEL:.0%}, {given.trials} trials a row, seed {given.seed}")


if __name__ == "__main__":
    main()
