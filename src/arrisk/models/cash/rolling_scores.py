"""Scores of past cash forecasts by horizon, and the model against each rival."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.cash.scores import error_difference, pinball, windows_apart
from arrisk.models.validation.estimates import Estimate

__all__ = ["BEATS", "EVERY", "RIVAL", "TOTAL", "UNKNOWN", "compare", "horizons", "score_trials"]

WEEK = 7
EVERY, TOTAL = "every week", "total"
BEATS, UNKNOWN, RIVAL = "the model beats", "no difference can be told", "the rival is better: use it"
MATTERS = 0.001
SCORES = [
    "method", "horizon", "dates", "windows", "wape", "bias", "pinball_10", "pinball_50", "pinball_90",
    "coverage_80", "coverage_90", "interval_dates",
]  # fmt: skip
DIFFERENCES = ["horizon", "rival", "estimate", "ci_low", "ci_high", "verdict"]

Floats = NDArray[np.float64]


def horizons(weeks: int) -> dict[str, tuple[int, int]]:
    """First and last week of each horizon, whose weeks are judged one by one; the total is judged as a sum.

    Examples
    --------
    >>> horizons(13)
    {'week 1': (1, 1), 'weeks 2-4': (2, 4), 'weeks 5-13': (5, 13), 'every week': (1, 13), 'total': (1, 13)}
    >>> list(horizons(3))
    ['week 1', 'weeks 2-3', 'every week', 'total']
    """
    out = {"week 1": (1, 1)}
    if weeks > 1:
        last = min(weeks, 4)
        out["week 2" if last == 2 else f"weeks 2-{last}"] = (2, last)
    if weeks > 4:
        out["week 5" if weeks == 5 else f"weeks 5-{weeks}"] = (5, weeks)
    return out | {EVERY: (1, weeks), TOTAL: (1, weeks)}


def score_trials(trials: pd.DataFrame, methods: tuple[str, ...], weeks: int) -> pd.DataFrame:
    """Errors, bias, pinball loss and coverage of each method and horizon, as in `CashBacktest.scores`."""
    rows = []
    for horizon in horizons(weeks) if len(trials) else ():
        parts = _parts(trials, methods, horizon, weeks)
        judged = _judged(parts)
        rows += [(m, horizon, *_scores(own, judged)) for m, own in parts.items()]
    return pd.DataFrame(rows, columns=SCORES)


def compare(trials: pd.DataFrame, methods: tuple[str, ...], weeks: int, level: float) -> pd.DataFrame:
    """Error of the last method, the model, less that of each other, with a verdict.

    Forecasts made less than their reach apart share what happened in between: the windows of a horizon last
    from the day of the forecast to the end of its last week.
    """
    rows = []
    for horizon, (_, last) in horizons(weeks).items():
        losses = {m: _losses(own) for m, own in _parts(trials, methods, horizon, weeks).items()}
        for rival in methods[:-1]:
            gap = _difference(losses[methods[-1]], losses[rival], WEEK * last, level)
            rows.append((horizon, rival, gap.value, gap.low, gap.high, _verdict(gap)))
    return pd.DataFrame(rows, columns=DIFFERENCES)


def _parts(
    trials: pd.DataFrame, methods: tuple[str, ...], horizon: str, weeks: int
) -> dict[str, pd.DataFrame]:
    """Trials in a horizon by method: its single weeks, or the sum of all."""
    first, last = horizons(weeks)[horizon]
    a, b = (trials[c].to_numpy(dtype=float) for c in ("first_week", "last_week"))
    inside = (a == first) & (b == last) if horizon == TOTAL else (a == b) & (a >= first) & (b <= last)
    own = trials.loc[inside]
    name = own["method"].to_numpy(dtype=object)
    return {m: own.loc[name == m] for m in methods}


def _judged(parts: dict[str, pd.DataFrame]) -> NDArray[np.int64]:
    """Day numbers on which every method had an interval for the whole horizon."""
    days = np.concatenate([_days(own["date"]) for own in parts.values()])
    missing = np.concatenate([own["q05"].isna().to_numpy() for own in parts.values()])
    return np.setdiff1d(days, days[missing])


def _scores(own: pd.DataFrame, judged: NDArray[np.int64]) -> tuple[float, ...]:
    each = _days(own["date"])
    days = np.unique(each)
    apart = WEEK * int(own["last_week"].max())
    forecast, came = own["forecast"].to_numpy(float), own["came"].to_numpy(float)
    cash = came.sum()
    if not cash > 0:
        return (len(days), windows_apart(days, apart), *(np.nan,) * 7, 0)
    given = own.loc[np.isin(each, judged)]
    return (
        len(days),
        windows_apart(days, apart),
        float(np.abs(forecast - came).sum() / cash),
        float(forecast.sum() / cash - 1.0),
        *_interval_scores(given),
        judged.size,
    )


def _interval_scores(given: pd.DataFrame) -> tuple[float, ...]:
    """Pinball losses over cash, and shares inside the limits; rounding of money is inside."""
    came = given["came"].to_numpy(float)
    if not came.sum() > 0:
        return (np.nan,) * 5
    q = {c: given[c].to_numpy(float) for c in ("q05", "q10", "q50", "q90", "q95")}
    losses = [
        float(pinball(q[c], came, s).sum() / came.sum())
        for c, s in (("q10", 0.1), ("q50", 0.5), ("q90", 0.9))
    ]
    slack = 0.005
    inside = [
        float(((came >= q[a] - slack) & (came <= q[b] + slack)).mean())
        for a, b in (("q10", "q90"), ("q05", "q95"))
    ]
    return (*losses, *inside)


def _losses(own: pd.DataFrame) -> pd.DataFrame:
    """Absolute error and cash by day."""
    error = (own["forecast"] - own["came"]).abs()
    return pd.DataFrame({"error": error, "came": own["came"]}).groupby(own["date"]).sum()


def _difference(one: pd.DataFrame, other: pd.DataFrame, span: int, level: float) -> Estimate:
    if not len(one) or not one["came"].sum() > 0:
        return Estimate("difference of errors", np.nan, np.nan, np.nan, level, "no cash came")
    windows = windows_apart(_days(one.index.to_series()), span)
    return error_difference(one["error"], other["error"], one["came"], windows, level)


def _verdict(gap: Estimate) -> str:
    """In words; without an interval nothing can be told, and a thousandth of the cash is no difference."""
    if gap.high < 0 and gap.value <= -MATTERS:
        return BEATS
    return RIVAL if gap.low > 0 and gap.value >= MATTERS else UNKNOWN


def _days(dates: pd.Series) -> NDArray[np.int64]:
    return dates.to_numpy(dtype="datetime64[D]").astype(np.int64)
