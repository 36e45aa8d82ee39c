"""How often the designs over time hold the truth, on made-up panels whose effects are known.

Customers differ in size (invoices log-normal, at least 6), level, and their own effect; a customer's
months lean on each other with 0.6. Half of the customers start, a half of these in month 12 and a half in
month 16 of 24 ("staggered") or all in month 12. The truth is the mean of the effects on the treated rows.
The interrupted series has the treated alone; a month has a shock of its own that leans on the month before.

Told: how often intervals hold the truth, how often an effect is claimed (with none: false alarms), and how
often a test refutes the design (of true assumptions: 5% should).
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from arrisk.models.effects.differences import estimate_differences
from arrisk.models.effects.interrupted import estimate_interruption

COLUMNS = {"outcome": "days", "unit": "customer", "cluster": "customer", "period": "month", "start": "first"}
MONTHS, START, LATE = 24, 12, 16


def leaning(rng: np.random.Generator, shape: tuple[int, int], carry: float, scale: float) -> np.ndarray:
    """Rows of errors of order one with a given standard deviation."""
    out = rng.normal(0, scale, shape)
    for month in range(1, shape[1]):
        out[:, month] = carry * out[:, month - 1] + np.sqrt(1 - carry**2) * out[:, month]
    return out


def panel(rng: np.random.Generator, customers: int, effect: float, staggered: bool) -> pd.DataFrame:
    """Invoices of customers of unequal size; `effect_` is what the offer did to each."""
    sizes = np.maximum(6, np.round(30 * np.exp(rng.normal(-0.5, 1.0, customers)))).astype(int)
    place = rng.permutation(customers)
    late = LATE if staggered else START
    first = np.where(place < customers // 4, START, np.where(place < customers // 2, late, np.nan))
    own = effect + (2.0 if effect else 0.0) * rng.standard_normal(customers)
    shocks = leaning(rng, (customers, MONTHS), 0.6, 4.0)
    level = 40 + 8 * rng.standard_normal(customers)
    code = np.repeat(np.arange(customers), sizes)
    month = rng.integers(0, MONTHS, code.size)
    change = np.where(month >= first[code], own[code], 0.0)
    days = level[code] + shocks[code, month] + rng.gamma(2, 6, code.size) + change
    frame = {"customer": code, "month": month, "first": first[code], "days": days, "effect_": change}
    return pd.DataFrame(frame)


def try_differences(rng: np.random.Generator, customers: int, effect: float, staggered: bool) -> dict:
    rows = panel(rng, customers, effect, staggered)
    found = estimate_differences(rows, **COLUMNS)
    truth = rows.loc[rows["month"] >= rows["first"], "effect_"].mean()
    return told(found, truth)


def try_series(rng: np.random.Generator, months: int, carry: float, effect: float) -> dict:
    """A mean of many customers: a month's shock hits all of them."""
    month = np.arange(months)
    y = 45 + 0.1 * month + 2 * np.cos(2 * np.pi * month / 12) + leaning(rng, (1, months), carry, 1.5)[0]
    y += effect * (month >= months // 2)
    rows = pd.DataFrame({"customer": "all", "month": month, "days": y})
    found = estimate_interruption(rows, outcome="days", cluster="customer", period="month", start=months // 2)
    return told(found, effect)


def told(found, truth: float) -> dict:
    return {
        "miss": found.estimate - truth,
        "width": found.ci_high - found.ci_low,
        "holds": found.ci_low <= truth <= found.ci_high,
        "claims": not found.ci_low <= 0 <= found.ci_high,
        "refuted": found.checks.loc[found.checks["p_value"].notna(), "passed"].eq(False).any(),
    }


CASES = {
    **{
        f"differences, {n} customers, {'staggered' if s else 'at once'}, effect {e:g}": (
            try_differences, (n, e, s),
        )
        for n in (20, 40, 100) for s in (True, False) for e in (0.0, -5.0)
        if s or n == 40
    },
    **{
        f"series, {n} months, carry {c:g}, effect {e:g}": (try_series, (n, c, e))
        for n in (24, 36) for c in (0.0, 0.4) for e in (0.0, -5.0)
        if e == 0.0 or n == 36
    },
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panels", type=int, default=500)
    parser.add_argument("--seed", type=int, default=20250101)
    given = parser.parse_args()
    print("design and case | panels | bias | width | holds | Wilson 95% | claims | refuted (Wilson 95%)")
    for (name, (run, settings)), seed in zip(
        CASES.items(), np.random.SeedSequence(given.seed).spawn(len(CASES)), strict=True
    ):
        begun = time.perf_counter()
        children = seed.spawn(given.panels)
        rows = pd.DataFrame([run(np.random.default_rng(child), *settings) for child in children])
        held, refuted = (
            proportion_confint(rows[c].sum(), len(rows), method="wilson") for c in ("holds", "refuted")
        )
        print(
            f"{name} | {len(rows)} | {rows['miss'].mean():+.3f} | {rows['width'].mean():.2f} | "
            f"{rows['holds'].mean():.3f} | {held[0]:.3f} to {held[1]:.3f} | {rows['claims'].mean():.3f} | "
            f"{rows['refuted'].mean():.3f} ({refuted[0]:.3f} to {refuted[1]:.3f}) | "
            f"{time.perf_counter() - begun:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
