"""How often the intervals of two notebooks hold the truth, on made-up books whose truth is known.

`still open`: share of overdue money unpaid 30 days later (arrisk.policy.ownership). `DSO`: now, and the
change of it and of days delinquent against a year before (arrisk.policy.payment_days). Customers are drawn
anew in every trial from one population; a larger sigma means that fewer of them carry the money. Prints a
table; --trials and --seed change the run.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from arrisk.policy.ownership import share_interval
from arrisk.policy.payment_days import dso_interval

DAYS, TERMS = 92, 30
KINDS = {"DSO": (0, 0), "change of DSO": (0, 2), "change of days delinquent": (1, 2)}
INVOICES = 24
SHARES = (0.3, 0.7, 0.9)
SIGMAS = (0.5, 1.0, 1.5)
CUSTOMERS = (10, 20, 50, 200)


def draw_overdue(
    rng: np.random.Generator, customers: int, sigma: float, share: float
) -> tuple[np.ndarray, np.ndarray]:
    """Overdue money by customer, and what of it is unpaid later: customers differ in size and in habit."""
    size = rng.lognormal(0, sigma, customers)
    habit = rng.beta(3 * share, 3 * (1 - share), customers)
    items = np.arange(8)[None, :] < 1 + np.minimum(rng.poisson(2, customers), 7)[:, None]
    amount = size[:, None] * rng.lognormal(0, 0.5, items.shape) * items
    unpaid = rng.random(items.shape) < habit[:, None]
    return amount.sum(axis=1), (amount * unpaid).sum(axis=1)


def draw_books(rng: np.random.Generator, customers: int, sigma: float, slower: float) -> np.ndarray:
    """Receivables, overdue and sales by customer, now and a year before; all on terms of 30 days."""
    size, usual = rng.lognormal(0, sigma, customers), rng.normal(45, 12, customers)
    columns = []
    for more in (slower + rng.normal(0, 6, customers), np.zeros(customers)):
        slot = 365 / INVOICES
        age = slot * (np.arange(INVOICES)[None, :] + rng.random((customers, INVOICES)))
        amount = size[:, None] * rng.lognormal(0, 0.4, age.shape)
        takes = np.maximum((usual + more)[:, None] + rng.normal(0, 10, age.shape), 1)
        takes = takes + 120 * (rng.random(age.shape) < 0.02)
        still_open = amount * (takes > age)
        columns += [still_open, still_open * (age > TERMS), amount * (age < DAYS)]
    return np.stack([column.sum(axis=1) for column in columns], axis=1)


def intervals(books: np.ndarray) -> np.ndarray:
    """Intervals of DSO and of days delinquent: (measure, term, estimate and ends)."""
    return np.stack(
        [dso_interval(books[:, columns], (DAYS, DAYS)) for columns in ([0, 2, 3, 5], [1, 2, 4, 5])]
    )


def cover_shares(trials: int, seed: int) -> pd.DataFrame:
    """Coverage of `share_interval`."""
    rows = []
    for share in SHARES:
        for sigma in SIGMAS:
            for customers in CUSTOMERS[:3]:
                rng = np.random.default_rng(np.random.SeedSequence([seed, len(rows)]))
                ranges = np.array(
                    [share_interval(*draw_overdue(rng, customers, sigma, share))[1:] for _ in range(trials)]
                )
                hit = (ranges[:, 0] <= share) & (share <= ranges[:, 1])
                width = float(np.median(ranges[:, 1] - ranges[:, 0]))
                rows.append(("still open", f"{share:.0%}", sigma, customers, hit.mean(), width))
    return pd.DataFrame(rows, columns=["what", "case", "sigma", "customers", "coverage", "width"])


def cover_dso(trials: int, seed: int) -> pd.DataFrame:
    """Coverage of `dso_interval`; the truth is the figure of very many customers."""
    rows = []
    for slower in (0.0, 8.0):
        for sigma in SIGMAS:
            many = np.random.default_rng(np.random.SeedSequence([seed, 0, len(rows)]))
            truth = intervals(draw_books(many, 400_000, sigma, slower))[..., 0]
            for customers in CUSTOMERS:
                rng = np.random.default_rng(np.random.SeedSequence([seed, 1, len(rows)]))
                ranges = np.array(
                    [intervals(draw_books(rng, customers, sigma, slower)) for _ in range(trials)]
                )
                hit = ((ranges[..., 1] <= truth) & (truth <= ranges[..., 2])).mean(axis=0)
                width = np.median(ranges[..., 2] - ranges[..., 1], axis=0)
                for name, k in KINDS.items():
                    rows.append((name, f"{slower:+.0f} days", sigma, customers, hit[k], width[k]))
    return pd.DataFrame(rows, columns=["what", "case", "sigma", "customers", "coverage", "width"])


def measure(trials: int = 1000, seed: int = 20251231) -> pd.DataFrame:
    """Coverage of both intervals, nominal 95%, and their median width."""
    return pd.concat([cover_shares(trials, seed), cover_dso(trials, seed)], ignore_index=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20251231)
    given = parser.parse_args()
    table = measure(given.trials, given.seed)
    print(table.to_string(index=False, formatters={"coverage": "{:.1%}".format, "width": "{:.2f}".format}))
    print(table.groupby("what")["coverage"].agg(["min", "mean", "max"]).map("{:.1%}".format))
    print(f"nominal 95%, {given.trials} trials a row, seed {given.seed}")


if __name__ == "__main__":
    main()
