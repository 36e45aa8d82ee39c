"""How well a score orders: area under the ROC curve with intervals by DeLong and by customer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from arrisk.errors import ModelError

__all__ = ["Auc", "auc", "auc_by_customer", "auc_delong", "customer_weights"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Auc:
    """Area under the ROC curve with its interval at `level` and the method of the interval."""

    value: float
    low: float
    high: float
    level: float
    method: str


def auc(event: ArrayLike, score: ArrayLike) -> float:
    """Probability that an event scores above a non-event, ties counting one half.

    Examples
    --------
    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
    0.875
    """
    happened, scores = _checked(event, score)
    ranks = stats.rankdata(scores)
    m = int(happened.sum())
    return float((ranks[happened].sum() - m * (m + 1) / 2) / (m * (happened.size - m)))


def auc_delong(event: ArrayLike, score: ArrayLike, level: float = 0.95) -> Auc:
    """Interval of DeLong, DeLong and Clarke-Pearson (1988), for independent rows.

    Rows of one customer are not independent: use `auc_by_customer` for those.

    Examples
    --------
    >>> a = auc_delong([0, 0, 0, 1, 1], [1, 2, 4, 3, 5])
    >>> round(a.value, 4), round(a.low, 4), a.high
    (0.8333, 0.3714, 1.0)
    """
    happened, scores = _checked(event, score)
    up, down = scores[happened], scores[~happened]
    every = stats.rankdata(scores)
    above = (every[happened] - stats.rankdata(up)) / down.size
    below = 1.0 - (every[~happened] - stats.rankdata(down)) / up.size
    if min(up.size, down.size) < 2:
        raise ModelError("DeLong's interval needs at least two events and two non-events")
    value = float(above.mean())
    half = stats.norm.ppf(0.5 + level / 2) * np.sqrt(
        above.var(ddof=1) / up.size + below.var(ddof=1) / down.size
    )
    low, high = max(0.0, value - half), min(1.0, value + half)
    return Auc(value, float(low), float(high), level, "DeLong, rows independent")


def auc_by_customer(
    event: ArrayLike,
    score: ArrayLike,
    customers: ArrayLike,
    seed: int | np.random.SeedSequence,
    draws: int = 500,
    level: float = 0.95,
) -> Auc:
    """Percentile interval from resampling whole customers.

    Raises
    ------
    ModelError
        If only one class, or a value is missing.

    Examples
    --------
    >>> a = auc_by_customer([0, 0, 1, 1] * 5, [1, 3, 2, 4] * 5, range(20), seed=1)
    >>> a.value, a.low < 0.75 < a.high
    (0.75, True)
    """
    happened, scores = _checked(event, score)
    weights = customer_weights(customers, draws, seed)
    order = np.argsort(scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) > 0, True))
    values = _weighted_auc(weights[:, order], happened[order], ends)
    values = values[np.isfinite(values)]
    low, high = np.quantile(values, [0.5 - level / 2, 0.5 + level / 2])
    groups = len(pd.unique(pd.Series(list(customers))))  # type: ignore[arg-type]
    method = f"{values.size} resamples of {groups} customers"
    return Auc(auc(happened, scores), float(low), float(high), level, method)


def customer_weights(customers: ArrayLike, draws: int, seed: int | np.random.SeedSequence) -> Floats:
    """How often each row is drawn when customers are resampled with replacement, shape (draws, rows)."""
    code = pd.factorize(np.asarray(customers), use_na_sentinel=False)[0]
    groups = int(code.max()) + 1
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(groups, np.full(groups, 1.0 / groups), size=draws)
    return np.asarray(counts[:, code], dtype=float)


def _weighted_auc(weights: Floats, happened: NDArray[np.bool_], ends: NDArray[np.int64]) -> Floats:
    """AUC of each row of weights; columns are sorted by score, `ends` close the runs of ties."""
    up = np.cumsum(weights * happened, axis=1)[:, ends]
    down = np.cumsum(weights * ~happened, axis=1)[:, ends]
    tied_up = np.diff(up, axis=1, prepend=0.0)
    middle = down - 0.5 * np.diff(down, axis=1, prepend=0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((tied_up * middle).sum(axis=1) / (up[:, -1] * down[:, -1]), dtype=float)


def _checked(event: ArrayLike, score: ArrayLike) -> tuple[NDArray[np.bool_], Floats]:
    happened, scores = np.asarray(event).astype(bool), np.asarray(score, dtype=float)
    if happened.shape != scores.shape or not np.isfinite(scores).all():
        raise ModelError("event and score must be as long as each other, with no score missing")
    if happened.all() or not happened.any():
        raise ModelError(
            f"ordering needs both classes; there are {happened.sum()} events in {happened.size} rows"
        )
    return happened, scores
