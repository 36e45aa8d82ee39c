"""Covariance of an estimate when rows of one customer are not independent."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError

__all__ = ["cluster_codes", "clustered_covariance", "sandwich"]

Floats = NDArray[np.float64]


def clustered_covariance(
    scores: ArrayLike, bread: ArrayLike, clusters: ArrayLike, n: float | None = None
) -> Floats:
    """Sandwich whose middle is summed within clusters, with the factor G/(G-1) * (n-1)/(n-k).

    Parameters
    ----------
    scores : array, shape (rows, k)
        What each row adds to the estimating equations: for least squares its residual times its covariates.
    bread : array, shape (k, k)
        Inverse of minus the derivative of their sum: for least squares (X'X)^-1.
    clusters : array, shape (rows,)
        Customer of each row; a missing one is a customer too.
    n : float, optional
        Rows counted in the factor, when rows stand for several; the rows given by default.

    Returns
    -------
    array, shape (k, k)

    Raises
    ------
    ModelError
        If there are fewer than two clusters, or shapes do not fit.

    Notes
    -----
    Liang and Zeger (1986) with the small-sample factor of Stata and statsmodels ("CR1").

    Examples
    --------
    The variance of a mean from the sums of two customers.

    >>> x = np.array([1.0, 2.0, 4.0, 5.0])
    >>> clustered_covariance((x - 3)[:, None], [[1 / 4]], ["a", "a", "b", "b"]).tolist()
    [[2.25]]
    """
    rows = np.asarray(scores, dtype=float)
    code, groups = cluster_codes(clusters, rows.shape[0])
    sums = np.empty((groups, rows.shape[1]))
    for j, column in enumerate(rows.T):
        sums[:, j] = np.bincount(code, weights=column, minlength=groups)
    return sandwich(sums, np.asarray(bread, dtype=float), rows.shape[0] if n is None else n)


def cluster_codes(clusters: ArrayLike, n: int) -> tuple[NDArray[np.intp], int]:
    """Number of the cluster of each row and how many there are."""
    code = pd.factorize(np.asarray(clusters), use_na_sentinel=False)[0]
    groups = int(code.max(initial=-1)) + 1
    if code.shape != (n,):
        raise ModelError(f"clusters have shape {code.shape}: expected ({n},)")
    if groups < 2:
        raise ModelError("clustered errors need at least two customers")
    return code, groups


def sandwich(sums: Floats, bread: Floats, n: float) -> Floats:
    """Covariance from the scores summed by cluster, shape (groups, k), with the small-sample factor."""
    groups, k = sums.shape
    if n <= k:
        raise ModelError(f"clustered errors of {k} terms need more than {n:.0f} rows")
    factor = groups / (groups - 1) * (n - 1) / (n - k)
    return np.asarray(factor * bread @ (sums.T @ sums) @ bread)
