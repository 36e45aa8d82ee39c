"""Whether risk grows with exposure: a known slope is found, a thin past is refused."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from arrisk.policy.limits.exposure_slope import estimate_exposure_slope


def past(slope: float, rows: int, level: float = 0.05, seed: int = 1) -> SimpleNamespace:
    """A scorecard's observations whose hazards follow exposure with a known slope."""
    rng = np.random.default_rng(seed)
    share, pd_given = np.exp(rng.normal(0, 0.7, rows)), np.full(rows, level)
    hazard = -np.log1p(-pd_given) * share**slope
    seen = pd.DataFrame(
        {
            "customer_id": [f"c{k % (rows // 3)}" for k in range(rows)],
            "open_amount": 1000 * share,
            "amount": 1000.0,
            "pd": pd_given,
            "default": rng.random(rows) < -np.expm1(-hazard),
        }
    )
    return SimpleNamespace(observations=seen, identified=True, doubt="")


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_a_known_slope_lies_in_the_interval(slope):
    hits = [
        (found := estimate_exposure_slope(past(slope, 3000, seed=seed))).low <= slope <= found.high
        for seed in range(12)
    ]
    assert np.mean(hits) >= 0.8


def test_a_thin_past_is_refused():
    thin = estimate_exposure_slope(past(0.5, 90))
    assert thin.doubt
    assert "it takes 20" in thin.finding()
