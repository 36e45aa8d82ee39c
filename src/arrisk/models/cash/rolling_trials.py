"""Forecasts of past days beside what came, with quantiles: simulated ones, and those of past errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.cash.methods import WEEK, CashBook
from arrisk.models.cash.scores import past_quantiles, windows_apart

__all__ = ["PastDay", "make_ahead", "make_trials"]

SHARES = (0.05, 0.1, 0.5, 0.9, 0.95)
QUANTILES = [f"q{round(100 * s):02d}" for s in SHARES]
COLUMNS = ["date", "method", "first_week", "last_week", "forecast", "came", "open_amount", *QUANTILES]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PastDay:
    """A past book with the forecasts made of it.

    Parameters
    ----------
    book : CashBook
    forecasts : mapping of method to array, shape (weeks,)
    drawn : array, shape (draws, weeks)
        Simulated cash of the model.
    """

    book: CashBook
    forecasts: dict[str, Floats]
    drawn: Floats


def make_trials(tried: list[PastDay], names: tuple[str, ...], weeks: int, until: int) -> pd.DataFrame:
    """Rows of the days on which every method could forecast, as in `CashBacktest.trials`.

    Parameters
    ----------
    tried : list of PastDay
        By date.
    names : tuple of str
        Methods, the model last.
    weeks : int
    until : int
        Day number until which outcomes are known.
    """
    usable = [d for d in tried if all(np.isfinite(f).all() for f in d.forecasts.values())]
    spans = [(k, k + 1) for k in range(weeks)] + ([(0, weeks)] if weeks > 1 else [])
    frames = []
    for i, day in enumerate(usable):
        limits = _past_limits(usable[:i], day, names[:-1], spans)
        drawn = _spans(day.drawn, spans)
        limits[names[-1]] = np.quantile(drawn, SHARES, axis=0).T
        came = _spans(day.book.came(until).sum(axis=0), spans)
        for name in names:
            rows = {
                "date": day.book.snapshot.date,
                "method": name,
                "first_week": [a + 1 for a, _ in spans],
                "last_week": [b for _, b in spans],
                "forecast": _spans(day.forecasts[name], spans),
                "came": came,
                "open_amount": day.book.held,
                **dict(zip(QUANTILES, limits[name].T, strict=True)),
            }
            frames.append(pd.DataFrame(rows))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=COLUMNS)


def make_ahead(tried: list[PastDay], today: PastDay, rivals: tuple[str, ...], weeks: int) -> pd.DataFrame:
    """Forecasts of today's book by the rivals, over the whole horizon: method, forecast, quantiles.

    Parameters
    ----------
    tried : list of PastDay
        By date; their errors give the quantiles.
    today : PastDay
        Without draws.
    rivals : tuple of str
    weeks : int
    """
    usable = [d for d in tried if all(np.isfinite(d.forecasts[m]).all() for m in rivals)]
    limits = _past_limits(usable, today, rivals, [(0, weeks)])
    rows = [(name, float(today.forecasts[name].sum()), *limits[name][0]) for name in rivals]
    return pd.DataFrame(rows, columns=["method", "forecast", *QUANTILES])


def _spans(weekly: Floats, spans: list[tuple[int, int]]) -> Floats:
    """Sums over weeks of the last axis."""
    sums = np.concatenate([np.zeros((*weekly.shape[:-1], 1)), np.cumsum(weekly, axis=-1)], axis=-1)
    begin, end = np.array(spans).T
    return np.asarray(sums[..., end] - sums[..., begin], dtype=float)


def _past_limits(
    before: list[PastDay], day: PastDay, names: tuple[str, ...], spans: list[tuple[int, int]]
) -> dict[str, Floats]:
    """Quantiles (spans, shares) by method, from its errors in windows that were over on the day."""
    now, held = day.book.day, day.book.held
    days = np.array([d.book.day for d in before], dtype=np.int64)
    came = np.array([_spans(d.book.came(now).sum(axis=0), spans) for d in before])
    size = np.array([d.book.held for d in before])[:, None]
    out = {}
    for name in names:
        forecast = np.array([_spans(d.forecasts[name], spans) for d in before])
        limits = np.full((len(spans), len(SHARES)), np.nan)
        for k, (a, b) in enumerate(spans):
            over = days + WEEK * b <= now
            if over.any():
                errors = ((came - forecast) / size)[over, k]
                limits[k] = past_quantiles(errors, windows_apart(days[over], WEEK * (b - a)), SHARES)
        point = _spans(day.forecasts[name], spans)[:, None]
        out[name] = np.maximum(point + held * limits, 0.0)
    return out
