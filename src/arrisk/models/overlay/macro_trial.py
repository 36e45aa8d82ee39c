"""Whether a series would have helped out of time: each period foretold from those before it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.overlay.slope import point_slope

__all__ = ["TRIAL_SHARE", "try_out_of_time"]

Floats = NDArray[np.float64]
TRIAL_SHARE = 1 / 3


def try_out_of_time(series: pd.DataFrame, lags: Sequence[int]) -> pd.DataFrame:
    """Expected events of the last periods with and without the series, from the periods before each.

    Parameters
    ----------
    series : DataFrame
        events, at_risk, lag_<k> by period, in the order of time.
    lags : sequence of int
        Of which the best on the periods before is taken each time.

    Returns
    -------
    DataFrame
        period, events, without, with, gain: log score (Poisson) with the series less without. Both expect
        the same where nothing was seen before, or the slope of the past has no bound.

    Examples
    --------
    >>> months = pd.period_range("2024-01", periods=6, freq="M")
    >>> seen = pd.DataFrame({"events": [1, 2, 4, 8, 16, 32], "at_risk": 100,
    ...     "lag_0": [0, 1, 2, 3, 4, 5]}, index=months)
    >>> try_out_of_time(seen, [0])["with"].round(6).tolist()
    [16.0, 32.0]
    """
    events, at_risk = (series[name].to_numpy(dtype=float) for name in ("events", "at_risk"))
    values = np.stack([series[f"lag_{lag}"].to_numpy(dtype=float) for lag in lags], axis=1)
    first = len(series) - int(len(series) * TRIAL_SHARE)
    rows = []
    for now in range(first, len(series)):
        plain, linked = _expect(events, at_risk, values, now)
        rows.append((str(series.index[now]), events[now], plain, linked, _gain(events[now], plain, linked)))
    return pd.DataFrame(rows, columns=["period", "events", "without", "with", "gain"])


def _expect(events: Floats, at_risk: Floats, values: Floats, now: int) -> tuple[float, float]:
    y, w = events[:now], at_risk[:now]
    if y.sum() <= 0:
        return 0.0, 0.0
    plain = float(at_risk[now] * y.sum() / w.sum())
    best, chosen = -np.inf, plain
    for x in values.T:
        if np.ptp(x[:now]) <= 0:
            continue
        slope, likelihood = point_slope(y, w, x[:now])
        if np.isfinite(slope) and likelihood > best:
            share = float(w @ np.exp(slope * (x[:now] - x[now])))
            best, chosen = likelihood, float(at_risk[now] * y.sum() / share)
    return plain, chosen


def _gain(seen: float, plain: float, linked: float) -> float:
    """Difference of Poisson log scores; nothing where nothing was foretold."""
    if plain <= 0:
        return 0.0
    return float(seen * np.log(linked / plain) - (linked - plain))
