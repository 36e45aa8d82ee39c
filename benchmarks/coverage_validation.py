"""How often the intervals of score validation hold the truth, on made-up books of clustered customers.

`panel`: 500 customers on four days each, a defaulter leaves the book, so most have one event. `invoices`: 500
customers with 1 to 24 invoices each, whose lateness goes with the customer. The score is one behaviour, the
probabilities its true event rates; customers differ beyond it, so rows of one customer are not independent.
The truth is that of very many customers. Prints a table; --trials and --seed change the run.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from scipy.special import expit

from arrisk.models.regression.logit import fit_logit
from arrisk.models.validation.calibration import (
    calibration_intercept,
    calibration_slope,
    observed_over_expected,
)
from arrisk.models.validation.discrimination import auc, auc_by_customer, auc_clustered, auc_delong
from arrisk.models.validation.ks import ks, ks_by_customer
from arrisk.models.validation.paired import difference_by_customer, difference_clustered, difference_delong

CUSTOMERS, MANY = 500, 150_000
CASES = {
    ("panel", 0.6): -4.1,
    ("panel", 1.2): -4.6,
    ("panel", 2.2): -5.9,
    ("invoices", 0.6): -5.9,
    ("invoices", 1.2): -6.4,
    ("invoices", 2.2): -7.6,
}
"""Kind of book and strength of the score, to the constant that makes about 40 defaulters of 500."""


def draw_book(rng: np.random.Generator, kind: str, strength: float, customers: int) -> dict[str, np.ndarray]:
    """Events, score, a rival score and customers of a book."""
    rows = np.full(customers, 4) if kind == "panel" else rng.integers(1, 25, customers)
    who = np.repeat(np.arange(customers), rows)
    score = 0.8 * rng.normal(size=customers)[who] + 0.6 * rng.normal(size=who.size)
    rival = 0.7 * score + 0.7 * rng.normal(size=customers)[who]
    apart = (0.7 if kind == "panel" else 1.2) * rng.normal(size=customers)[who]
    event = rng.random(who.size) < expit(CASES[kind, strength] + strength * score + apart)
    seen = np.ones(who.size, dtype=bool)
    if kind == "panel":
        before = np.cumsum(event.reshape(customers, 4), axis=1) - event.reshape(customers, 4)
        seen = (before == 0).ravel()
    return {"y": event[seen], "score": score[seen], "rival": rival[seen], "who": who[seen]}


def true_rates(book: dict[str, np.ndarray]) -> tuple[float, np.ndarray]:
    """Log-odds of the event by the score, a cubic of very many customers: constant and coefficients."""
    s = book["score"]
    fit = fit_logit(np.column_stack([s, s**2, s**3]), book["y"])
    return float(fit.coefficients[0]), fit.coefficients[1:]


def probabilities(book: dict[str, np.ndarray], rates: tuple[float, np.ndarray]) -> np.ndarray:
    s = book["score"]
    return expit(rates[0] + np.column_stack([s, s**2, s**3]) @ rates[1])


def intervals(book: dict[str, np.ndarray], p: np.ndarray, seed: int) -> dict[str, tuple[float, float]]:
    """Ends of every interval on one book."""
    y, s, r, who = book["y"], book["score"], book["rival"], book["who"]
    found = {
        "AUC, DeLong by row": auc_delong(y, s),
        "AUC, resampled customers": auc_by_customer(y, s, who, seed, 300),
        "AUC, closed form by customer": auc_clustered(y, s, who),
        "KS": ks_by_customer(y, s, who, seed, 300),
        "difference, DeLong by row": difference_delong(y, s, r),
        "difference, resampled customers": difference_by_customer(y, s, r, who, seed, 300),
        "difference, closed form by customer": difference_clustered(y, s, r, who),
        "observed over expected, by row": observed_over_expected(y, p),
        "observed over expected, by customer": observed_over_expected(y, p, who),
        "calibration intercept": calibration_intercept(y, p, who),
        "calibration slope": calibration_slope(y, p, who),
    }
    return {name: (f.low, f.high) for name, f in found.items()}


def truths(book: dict[str, np.ndarray], p: np.ndarray) -> dict[str, float]:
    y, s, r = book["y"], book["score"], book["rival"]
    areas = auc(y, s), auc(y, r)
    known = {"AUC": areas[0], "KS": ks(y, s), "difference": areas[0] - areas[1]}
    level = {"observed over expected": 1.0, "calibration intercept": 0.0, "calibration slope": 1.0}
    return known | level


def measure(trials: int = 500, seed: int = 20251231) -> pd.DataFrame:
    """Coverage of each interval, nominal 95%, and its median width."""
    rows = []
    for number, (kind, strength) in enumerate(CASES):
        many = draw_book(np.random.default_rng([seed, 0, number]), kind, strength, MANY)
        rates = true_rates(many)
        truth = truths(many, probabilities(many, rates))
        ends: dict[str, list[tuple[float, float]]] = {}
        defaulters = []
        for trial in range(trials):
            book = draw_book(np.random.default_rng([seed, 1, number, trial]), kind, strength, CUSTOMERS)
            defaulters.append(np.unique(book["who"][book["y"]]).size)
            for name, pair in intervals(book, probabilities(book, rates), trial).items():
                ends.setdefault(name, []).append(pair)
        for name, pairs in ends.items():
            low, high = np.array(pairs).T
            value = truth[next(t for t in truth if name.startswith(t))]
            held = ((low <= value) & (value <= high)).mean()
            case = (name, kind, round(truth["AUC"], 3), float(np.mean(defaulters)), value)
            rows.append((*case, held, float(np.median(high - low))))
    columns = ["interval", "book", "AUC", "defaulters", "truth", "coverage", "width"]
    return pd.DataFrame(rows, columns=columns).sort_values(["interval", "book", "AUC"], ignore_index=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--seed", type=int, default=20251231)
    given = parser.parse_args()
    table = measure(given.trials, given.seed)
    shown = {"coverage": "{:.1%}".format, "width": "{:.3f}".format, "truth": "{:.3f}".format}
    print(table.to_string(index=False, formatters={**shown, "defaulters": "{:.0f}".format}))
    print(table.groupby("interval")["coverage"].agg(["min", "mean", "max"]).map("{:.1%}".format))
    print(f"nominal 95%, {given.trials} books a row, seed {given.seed}")


if __name__ == "__main__":
    main()
