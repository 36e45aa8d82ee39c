"""How often a macro link finds a slope, sees one where there is none, and bounds the factor rightly.

Made-up books whose monthly defaults follow an index by a known slope, two months later; seven lags are tried
on each. `found`: share of books with an overlay; where the slope is 0 every one is a false alarm. `held`:
share in which the range of the factor at an index one standard deviation low holds the truth. `width`: median
of the range's upper over its lower end. Prints a table; --trials and --seed change the run.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from arrisk.models.overlay.macro import MacroLink, fit_macro_series
from arrisk.models.overlay.macro_series import MacroSeries

CUSTOMERS, LAG, PERSISTENCE = 1000, 2, 0.8
CASES = [
    (months, rate, slope)
    for slope in (0.0, -0.1)
    for months, rate in ((36, 0.0005), (36, 0.002), (36, 0.01), (120, 0.002), (120, 0.01))
]


def draw_book(
    rng: np.random.Generator, months: int, rate: float, slope: float
) -> tuple[pd.DataFrame, MacroSeries]:
    """Defaults by month, and the index around 50 (standard deviation 2.4) that moves them later."""
    periods = pd.period_range("2010-01", periods=months + LAG, freq="M")
    index = rng.normal(0, 2.4, len(periods))
    for t in range(1, len(periods)):
        index[t] = PERSISTENCE * index[t - 1] + np.sqrt(1 - PERSISTENCE**2) * index[t]
    mean = CUSTOMERS * rate * np.exp(slope * index[:months])
    book = pd.DataFrame({"events": rng.poisson(mean), "at_risk": CUSTOMERS}, index=periods[LAG:])
    dates = periods.end_time.normalize()
    table = pd.DataFrame({"date": dates, "value": 50 + index, "known": dates + pd.Timedelta(days=1)})
    return book, MacroSeries("index", table)


def judge(link: MacroLink, slope: float) -> tuple[bool, bool, float]:
    """Whether there is an overlay, whether the range of a factor holds the truth, and its width."""
    past = link.series[f"lag_{LAG}"].to_numpy(dtype=float)
    low = float(past.mean() - past.std(ddof=1))
    truth = 1 / float(np.mean(np.exp(slope * (past - low))))
    row = link.predict(low).iloc[0]
    width = row["high"] / row["low"] if row["low"] > 0 else np.inf
    return link.identified, bool(row["low"] <= truth <= row["high"]), float(width)


def measure(trials: int = 300, seed: int = 20251231) -> pd.DataFrame:
    """One row a case."""
    rows = []
    for months, rate, slope in CASES:
        rng = np.random.default_rng(np.random.SeedSequence([seed, len(rows)]))
        links = [fit_macro_series(*draw_book(rng, months, rate, slope), "2030-12-31") for _ in range(trials)]
        seen = np.array([judge(link, slope) for link in links], dtype=float)
        found, held = seen[:, :2].mean(axis=0)
        rows.append((slope, months, months * rate * CUSTOMERS, found, held, np.median(seen[:, 2])))
    return pd.DataFrame(rows, columns=["slope", "months", "defaults", "found", "held", "width"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--seed", type=int, default=20251231)
    given = parser.parse_args()
    table = measure(given.trials, given.seed)
    shares = dict.fromkeys(("found", "held"), "{:.1%}".format)
    print(table.to_string(index=False, formatters={**shares, "width": "{:.2f}".format}))
    print(f"nominal 95%, {given.trials} trials a row, seed {given.seed}")


if __name__ == "__main__":
    main()
