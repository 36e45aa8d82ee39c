"""How often errors by customer are right in a logistic regression with few defaulters, on made-up customers.

Every customer has a level of its own and is seen on several past days. `false finds` is how often a term of
the customer without any effect is significant at 5% (right: 5%); `effect held` how often the 95% interval of
a term with an effect holds the effect on the average customer, `PD held` the same for the probability of a
customer one standard deviation worse. Compared: rows as if independent, the plain sandwich by customer with
clusters - 1 degrees of freedom, and `fit_logit` with clusters. Prints a table; --trials and --seed change it.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from arrisk.errors import ModelError
from arrisk.models.regression.logit import LogitFit, fit_logit
from arrisk.models.regression.sandwich import clustered_covariance

MANY = 40_000


@dataclass(frozen=True)
class Case:
    """So many customers on so many days; `level` is the spread of their own levels, `base` the mean level."""

    name: str
    customers: int
    days: int
    level: float
    base: float
    terms: int
    shape: str = "normal"
    equal: bool = True


CASES = (
    Case("60 customers", 60, 20, 2.0, -1.0, 2),
    Case("60, skewed term", 60, 20, 2.0, -1.0, 2, "skewed"),
    Case("40 customers", 40, 12, 2.0, -2.0, 3),
    Case("300, few defaulters", 300, 8, 2.5, -6.2, 4),
    Case("300, skewed term", 300, 8, 2.5, -6.2, 4, "skewed"),
    Case("300, flag of 5%", 300, 8, 2.5, -6.2, 4, "flag"),
    Case("120, uneven days", 120, 12, 2.0, -4.0, 3, equal=False),
    Case("1000, few defaulters", 1000, 6, 2.0, -7.2, 5),
    Case("300 on one day", 300, 1, 0.0, -2.2, 4),
)


def draw(rng: np.random.Generator, case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Terms (the first without effect, the second with .5), defaults and customers of the rows."""
    many = case.customers
    days = np.full(many, case.days) if case.equal else rng.integers(1, 2 * case.days, many)
    who = np.repeat(np.arange(many), days)
    idle = rng.normal(size=many)
    if case.shape != "normal":
        idle = np.exp(idle) if case.shape == "skewed" else (idle > 1.645).astype(float)
    others = (
        0.6 * rng.normal(size=(who.size, case.terms - 1)) + 0.8 * rng.normal(size=(many, case.terms - 1))[who]
    )
    level = case.base + rng.normal(0, case.level, many)[who] + 0.5 * others[:, 0]
    default = rng.random(who.size) < 1 / (1 + np.exp(-level))
    return np.column_stack([idle[who], others]), default, who


def plain(fit: LogitFit, x: np.ndarray, y: np.ndarray, who: np.ndarray) -> LogitFit:
    """The same coefficients with the plain sandwich (scores without Firth's part, which is small)."""
    z, p = np.column_stack([np.ones(len(x)), x]), fit.probability(x)
    bread = np.linalg.inv((z.T * (p * (1 - p))) @ z)
    covariance = clustered_covariance(z * (y - p)[:, None], bread, who)
    return replace(fit, covariance=covariance, df=np.full(z.shape[1], fit.clusters - 1.0))


def truth(case: Case, seed: int) -> tuple[float, float]:
    """Effect and probability on the average customer, from very many customers."""
    x, y, _ = draw(np.random.default_rng(seed), replace(case, customers=MANY, shape="normal"))
    fit = fit_logit(x, y)
    return float(fit.coefficients[2]), float(fit.probability(worse(case))[0])


def worse(case: Case) -> np.ndarray:
    """A customer who is one worse in the term with an effect, without the idle term's."""
    return np.array([[0.0, 1.0, *np.zeros(case.terms - 2)]])


def judged(fit: LogitFit, case: Case, effect: float, chance: float) -> tuple[bool, bool, bool]:
    """Whether the idle term is found, and whether the intervals hold the truth."""
    table = fit.table
    low, high = fit.interval(worse(case))
    return (
        bool(table["p_value"][1] < 0.05),
        bool(table["ci_low"][2] <= effect <= table["ci_high"][2]),
        bool(low[0] <= chance <= high[0]),
    )


def measure(case: Case, trials: int, seed: int) -> pd.DataFrame:
    """Rates of a case by kind of error."""
    effect, chance = truth(case, seed)
    rates: dict[str, list[tuple[bool, bool, bool]]] = {
        "independent rows": [],
        "plain sandwich": [],
        "fit_logit": [],
    }
    defaulters = []
    for trial in range(trials):
        x, y, who = draw(np.random.default_rng(np.random.SeedSequence([seed, trial])), case)
        try:
            ours = fit_logit(x, y, who, penalty="auto")
        except ModelError:
            continue
        alone = fit_logit(x, y, penalty=ours.penalty)
        for name, fit in zip(rates, (alone, plain(ours, x, y, who), ours), strict=True):
            rates[name].append(judged(fit, case, effect, chance))
        defaulters.append(np.unique(who[y]).size)
    rows = [
        (case.name, np.median(defaulters), name, *np.mean(found, axis=0)) for name, found in rates.items()
    ]
    return pd.DataFrame(
        rows, columns=["case", "defaulters", "errors", "false finds", "effect held", "PD held"]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20251231)
    given = parser.parse_args()
    table = pd.concat([measure(case, given.trials, given.seed) for case in CASES], ignore_index=True)
    shares = dict.fromkeys(["false finds", "effect held", "PD held"], "{:.1%}".format)
    print(table.to_string(index=False, formatters={**shares, "defaulters": "{:.0f}".format}))
    print(f"nominal: 5% false finds, 95% held; {given.trials} trials a row, seed {given.seed}")


if __name__ == "__main__":
    main()
