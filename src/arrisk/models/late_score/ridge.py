"""Logistic regression on standardised terms, drawn towards no effect as far as other customers advise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from arrisk.errors import ModelError
from arrisk.models.regression.sandwich import clustered_covariance
from arrisk.models.validation.brier import log_loss
from arrisk.models.validation.folds import customer_folds

__all__ = ["Ridge", "fit_ridge"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
VARIANCES = tuple(float(v) for v in np.geomspace(1e-3, 1.0, 10))
FOLDS = 10
FEWEST_CUSTOMERS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Ridge:
    """A penalised logistic fit.

    Attributes
    ----------
    coefficients : array, shape (1 + terms,)
        The constant first; each for a standard deviation of its term.
    covariance : array, shape (1 + terms, 1 + terms)
        Sandwich of the penalised estimate, clustered by customer.
    variance : float
        Prior variance of a coefficient (scikit-learn's C).
    held_out : array, shape (rows,)
        Probability of each row from a fit without its customer.
    """

    coefficients: Floats
    covariance: Floats
    variance: float
    held_out: Floats


def fit_ridge(z: Floats, event: Flags, customers: NDArray[np.generic], seed: int) -> Ridge:
    """Fit at the strongest penalty whose log-loss on other customers is within one error of the best.

    Parameters
    ----------
    z : array, shape (rows, terms)
        Standardised.
    event : array of bool, shape (rows,)
    customers : array, shape (rows,)
    seed : int
        Of the folds.

    Raises
    ------
    ModelError
        If only one class was seen, or fewer than 10 customers.

    Notes
    -----
    The rule of one standard error: Breiman, Friedman, Olshen and Stone (1984). The error is that of the mean
    over 10 folds of whole customers.
    """
    number = len(np.unique(customers))
    if event.all() or not event.any():
        raise ModelError(f"{event.sum()} of {event.size} invoices were late: a score needs both kinds")
    if number < FEWEST_CUSTOMERS:
        raise ModelError(f"{number} customers: at least {FEWEST_CUSTOMERS} to learn from")
    fold = customer_folds(event, customers, FOLDS, seed)
    found = [_held_out(z, event, fold, variance) for variance in VARIANCES]
    losses = np.array([[log_loss(event[fold == k], p[fold == k]) for k in range(FOLDS)] for p in found])
    mean, best = losses.mean(axis=1), int(losses.mean(axis=1).argmin())
    limit = mean[best] + losses[best].std(ddof=1) / np.sqrt(FOLDS)
    chosen = int(np.flatnonzero(mean <= limit)[0])
    beta = _fit(z, event, VARIANCES[chosen])
    return Ridge(
        beta, _covariance(z, event, beta, VARIANCES[chosen], customers), VARIANCES[chosen], found[chosen]
    )


def _held_out(z: Floats, event: Flags, fold: NDArray[np.int64], variance: float) -> Floats:
    out = np.empty(len(z))
    for k in range(FOLDS):
        beta = _fit(z[fold != k], event[fold != k], variance)
        out[fold == k] = expit(beta[0] + z[fold == k] @ beta[1:])
    return out


def _fit(z: Floats, event: Flags, variance: float) -> Floats:
    fitted = LogisticRegression(C=variance, solver="newton-cholesky", tol=1e-8).fit(z, event)
    return np.concatenate([fitted.intercept_, fitted.coef_[0]])


def _covariance(
    z: Floats, event: Flags, beta: Floats, variance: float, customers: NDArray[np.generic]
) -> Floats:
    design = np.column_stack([np.ones(len(z)), z])
    p = expit(design @ beta)
    penalty = np.diag([0.0, *np.full(z.shape[1], 1.0 / variance)])
    bread = np.linalg.inv((design.T * (p * (1 - p))) @ design + penalty)
    return clustered_covariance(design * (event - p)[:, None], bread, customers)
