"""Probabilities of rows from fits that have never seen their customer."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.base import clone

from arrisk.models.scoring.classifier import ScorecardClassifier
from arrisk.models.validation import held_out
from arrisk.models.validation.folds import customer_folds

__all__ = ["FOLDS", "REPEATS", "blind_probabilities", "repeated_folds"]

FOLDS, REPEATS = 5, 4
NEAR_CERTAIN = 1e-12

Floats = NDArray[np.float64]


def blind_probabilities(
    model: ScorecardClassifier,
    x: pd.DataFrame,
    default: NDArray[np.bool_],
    customers: NDArray[np.generic],
    folds: list[NDArray[np.int64]],
) -> Floats:
    """Mean log-odds over repeated folds of whole customers, as a probability.

    Parameters
    ----------
    model : ScorecardClassifier
        Cloned for each fold. The whole procedure is run in each, the choice of terms too; only leaks are not
        looked for again.
    x : DataFrame, shape (n, features)
    default : array of bool, shape (n,)
    customers : array, shape (n,)
    folds : list of array of int, shape (n,)
        From `repeated_folds`.

    Returns
    -------
    array of float, shape (n,)
        Of each row, never from a fit on its customer.
    """
    blank = clone(model).set_params(leak_auc=None, acknowledged=())
    total = np.zeros(len(x))
    for fold in folds:
        p = held_out.out_of_fold(blank, x, default, customers, fold)
        total += logit(np.clip(p, NEAR_CERTAIN, 1 - NEAR_CERTAIN))
    return np.asarray(expit(total / len(folds)), dtype=float)


def repeated_folds(
    default: NDArray[np.bool_], customers: NDArray[np.generic], seed: np.random.SeedSequence
) -> list[NDArray[np.int64]]:
    """Folds of whole customers, drawn anew a few times."""
    rng = np.random.default_rng(seed)
    return [customer_folds(default, customers, FOLDS, rng) for _ in range(REPEATS)]
