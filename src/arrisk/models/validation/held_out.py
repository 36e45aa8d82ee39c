"""Scores of rows by fits that never saw them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from arrisk.errors import ModelError
from arrisk.models.validation.resampling import customer_codes

__all__ = ["Fit", "fit_function", "out_of_fold", "score_held_out"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Fit = Callable[[Any, Bools], Callable[[Any], ArrayLike]]
"""Takes features and events to learn from, gives a function from features to scores, high for events."""


def score_held_out(fit: Any, x: Any, y: ArrayLike, customers: ArrayLike, train: Bools, test: Bools) -> Floats:
    """Scores of the rows of `test` by a fit on those of `train`.

    Parameters
    ----------
    fit : estimator or callable
        A scikit-learn classifier, which is cloned and given `groups` where its `fit` takes them, or a
        function as `Fit` describes.
    x : DataFrame or array, shape (rows, features)
    y : array of bool, shape (rows,)
    customers : array, shape (rows,)
    train, test : array of bool, shape (rows,)

    Returns
    -------
    array, shape (rows in test,)

    Raises
    ------
    ModelError
        If the rows to learn from hold one class only.

    Examples
    --------
    >>> def by_hand(x, y):
    ...     return lambda rows: rows[:, 0] * np.sign(x[y, 0].mean() - x[~y, 0].mean())
    >>> x, y = np.array([[1.0], [2.0], [3.0]]), np.array([True, False, False])
    >>> train = np.array([True, True, False])
    >>> score_held_out(by_hand, x, y, [1, 2, 3], train, ~train).tolist()
    [-3.0]
    """
    event, who = np.asarray(y).astype(bool), customer_codes(customers)[0]
    learnt = event[train]
    if learnt.all() or not learnt.any():
        raise ModelError(f"the rows to learn from hold {learnt.sum()} events in {learnt.size} rows")
    function = fit_function(fit, who[train])
    scores = np.asarray(function(_rows(x, train), learnt)(_rows(x, test)), dtype=float)
    if scores.shape != (int(test.sum()),) or not np.isfinite(scores).all():
        raise ModelError(f"the fit gave scores of shape {scores.shape} for {int(test.sum())} rows")
    return scores


def out_of_fold(fit: Any, x: Any, y: ArrayLike, customers: ArrayLike, fold: NDArray[np.int64]) -> Floats:
    """Scores of all rows, each by a fit on the other folds; parameters as in `score_held_out`.

    Examples
    --------
    >>> constant = lambda x, y: lambda rows: np.full(len(rows), y.mean())
    >>> y, fold = np.array([True, False, True, True]), np.array([0, 0, 1, 1])
    >>> out_of_fold(constant, np.zeros((4, 1)), y, range(4), fold)
    Traceback (most recent call last):
    ...
    arrisk.errors.ModelError: the rows to learn from hold 2 events in 2 rows
    """
    scores = np.full(fold.size, np.nan)
    for k in np.unique(fold):
        scores[fold == k] = score_held_out(fit, x, y, customers, fold != k, fold == k)
    return scores


def fit_function(fit: Any, customers: NDArray[np.int64]) -> Fit:
    """A classifier as a function that learns and gives a function that scores."""
    if not hasattr(fit, "fit"):
        if not callable(fit):
            raise ModelError(f"{type(fit).__name__} is neither a classifier nor a function")
        return fit  # type: ignore[no-any-return]

    def learn(x: Any, y: Bools) -> Callable[[Any], ArrayLike]:
        extra = {"groups": customers} if has_fit_parameter(fit, "groups") else {}
        fitted = clone(fit).fit(x, y, **extra)
        if hasattr(fitted, "predict_proba"):
            return lambda rows: fitted.predict_proba(rows)[:, 1]
        return lambda rows: fitted.decision_function(rows)

    return learn


def _rows(x: Any, mask: Bools) -> Any:
    return x[mask] if isinstance(x, pd.DataFrame) else np.asarray(x)[mask]
