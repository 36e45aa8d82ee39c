"""Made-up past windows in which the shocks of customers and of the whole book are known."""

from __future__ import annotations

import numpy as np
import pandas as pd

FIRST = pd.Timestamp("2023-01-02")


def windows_of(
    rng: np.random.Generator,
    windows: int = 26,
    customers: int = 150,
    items: int = 5,
    variance: float = 0.0,
    scale: float = 0.0,
    keep: float = 0.0,
) -> pd.DataFrame:
    """Windows of the process that the estimate assumes: gamma frailty, AR(1) common shock."""
    parts, state = [], rng.standard_normal()
    for w in range(windows):
        rate = rng.gamma(0.8, 1.0, customers * items)
        frailty = rng.gamma(1 / variance, variance, customers) if variance else np.ones(customers)
        moved = np.exp(scale * state) * rate
        need = np.expm1(variance * moved) / variance if variance else moved
        paid = rng.random(rate.size) > np.exp(-np.repeat(frailty, items) * need)
        state = keep * state + np.sqrt(1 - keep**2) * rng.standard_normal()
        who = np.repeat([f"c{k}" for k in range(customers)], items)
        parts.append(
            pd.DataFrame(
                {
                    "date": FIRST + pd.Timedelta(days=28 * w),
                    "customer_id": who,
                    "rate": rate,
                    "paid": paid,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def counts_of(
    rng: np.random.Generator,
    windows: int,
    customers: int = 160,
    items: int = 6,
    chance: float = 0.3,
    correlation: float = 0.0,
    common: float = 0.0,
) -> np.ndarray:
    """Whether equal items were paid, (windows, customers, items): beta-binomial, the mean shocked."""
    mean = np.clip(chance + common * rng.standard_normal((windows, 1)), 0.01, 0.99)
    own = np.broadcast_to(mean, (windows, customers))
    if correlation:
        strength = 1 / correlation - 1
        own = rng.beta(own * strength, (1 - own) * strength)
    return rng.random((windows, customers, items)) < own[..., None]


def frame_of(paid: np.ndarray, chance: float = 0.3) -> pd.DataFrame:
    """The counts as `watch_windows` would return them."""
    windows, customers, items = paid.shape
    return pd.DataFrame(
        {
            "date": FIRST + pd.to_timedelta(28 * np.repeat(np.arange(windows), customers * items), unit="D"),
            "customer_id": np.tile(np.repeat([f"c{k}" for k in range(customers)], items), windows),
            "rate": -np.log1p(-chance),
            "paid": paid.ravel(),
        }
    )


def failures_of(
    rng: np.random.Generator,
    windows: int,
    customers: int = 50,
    items: int = 6,
    chance: float = 0.9,
    failing: float = 0.04,
) -> np.ndarray:
    """Whether equal items were paid, (windows, customers, items): a failing customer pays none of its own."""
    fails = rng.random((windows, customers, 1)) < failing
    return (rng.random((windows, customers, items)) < chance / (1 - failing)) & ~fails
