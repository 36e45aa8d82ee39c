"""What a score must beat: the worst bucket, the historical late rate, and gradient boosting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from arrisk.errors import ModelError
from arrisk.models.validation.held_out import Fit, out_of_fold

__all__ = ["as_numbers", "boosted_scores", "boosting", "late_rate", "learn_boosting", "worst_bucket"]

Floats = NDArray[np.float64]
BUCKETS = (0.0, 30.0, 60.0, 90.0)
OWN_ITEMS = 5.0


def worst_bucket(oldest_overdue_days: ArrayLike, edges: Sequence[float] = BUCKETS) -> Floats:
    """Number of the ageing bucket of a customer's oldest open item: 0 not overdue, 1 to 30 days, ...

    Parameters
    ----------
    oldest_overdue_days : array, shape (rows,)
        Days past due; missing counts as not overdue.
    edges : sequence of float
        Last day of each bucket but the last.

    Examples
    --------
    >>> worst_bucket([0, 1, 30, 31, 400, np.nan]).tolist()
    [0.0, 1.0, 1.0, 2.0, 4.0, 0.0]
    """
    days = np.nan_to_num(np.asarray(oldest_overdue_days, dtype=float), nan=0.0)
    return np.asarray(np.searchsorted(np.asarray(edges, dtype=float), days, side="left"), dtype=float)


def late_rate(late: ArrayLike, items: ArrayLike, weight: float = OWN_ITEMS) -> Floats:
    """Share of a customer's items that were late, drawn to the share of all by as many items as `weight`.

    Parameters
    ----------
    late, items : array, shape (rows,)
        Counts known on the day, 0 <= late <= items; missing counts as no item.
    weight : float
        At least 0; with 0 a customer without items is given the share of all.

    Raises
    ------
    ModelError
        If counts are not possible or there is no item at all.

    Examples
    --------
    >>> late_rate([0, 5, 0], [5, 5, 0]).tolist()
    [0.25, 0.75, 0.5]
    """
    n = np.nan_to_num(np.asarray(items, dtype=float), nan=0.0)
    k = np.where(n > 0, np.nan_to_num(np.asarray(late, dtype=float), nan=0.0), 0.0)
    if (k < 0).any() or (k > n).any() or not n.sum() > 0 or weight < 0:
        raise ModelError(f"{k.sum():g} late of {n.sum():g} items, weight {weight:g}: no late rate")
    overall = k.sum() / n.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(
            np.where(n + weight > 0, (k + weight * overall) / (n + weight), overall), dtype=float
        )


def boosting(seed: int = 0) -> HistGradientBoostingClassifier:
    """Gradient boosting of shallow trees as a challenger, with settings that suit few events.

    Examples
    --------
    >>> boosting().max_leaf_nodes
    8
    """
    return HistGradientBoostingClassifier(
        learning_rate=0.1,
        max_iter=50,
        max_leaf_nodes=8,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )


def boosted_scores(
    x: pd.DataFrame | ArrayLike, y: ArrayLike, customers: ArrayLike, fold: NDArray[np.int64], seed: int = 0
) -> Floats:
    """Out-of-fold probabilities of gradient boosting, on the folds of the score it is compared with.

    Parameters
    ----------
    x : DataFrame or array, shape (rows, features)
        Missing values allowed. Texts become numbers by the order of their names, as trees cut them anyhow.
    y : array of bool, shape (rows,)
    customers : array, shape (rows,)
    fold : array of int, shape (rows,)
        From `customer_folds`.
    seed : int

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = pd.DataFrame({"late": rng.normal(size=200), "region": ["a", "b"] * 100})
    >>> p = boosted_scores(x, x["late"] > 0.5, np.arange(200), np.arange(200) % 4)
    >>> bool(p[x["late"] > 0.5].mean() > 0.8)
    True
    """
    return out_of_fold(learn_boosting(seed), as_numbers(x), y, customers, fold)


def learn_boosting(seed: int = 0) -> Fit:
    """Gradient boosting as a function to be judged; columns without a known value to learn from are left out.

    Examples
    --------
    >>> x = np.array([[0.0, np.nan], [1.0, np.nan]] * 30)
    >>> learn_boosting()(x, x[:, 0] > 0)(x[:2]).round(1).tolist()
    [0.0, 1.0]
    """

    def learn(x: Any, y: NDArray[np.bool_]) -> Callable[[Any], ArrayLike]:
        known = ~np.isnan(x).all(axis=0)
        with threadpool_limits(1):  # several threads on small data wait for each other
            fitted = boosting(seed).fit(x[:, known], y)

        def score(rows: Any) -> Floats:
            with threadpool_limits(1):
                return np.asarray(fitted.predict_proba(rows[:, known])[:, 1], dtype=float)

        return score

    return learn


def as_numbers(x: pd.DataFrame | ArrayLike) -> Floats:
    """Texts, categories, truth values and dates as numbers; nothing is learnt from the events."""
    if not isinstance(x, pd.DataFrame):
        return np.asarray(x, dtype=float)
    out = {}
    for j, name in enumerate(x.columns):
        column = x.iloc[:, j]
        if pd.api.types.is_datetime64_any_dtype(column):
            out[str(name)] = (column - column.min()).dt.days.to_numpy(dtype=float)
        elif pd.api.types.is_numeric_dtype(column):
            out[str(name)] = column.to_numpy(dtype=float, na_value=np.nan)
        else:
            codes = pd.factorize(column.astype("string"), sort=True)[0].astype(float)
            out[str(name)] = np.where(codes < 0, np.nan, codes)
    return np.column_stack(list(out.values()))
