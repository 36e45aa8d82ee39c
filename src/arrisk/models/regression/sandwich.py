"""Covariance of an estimate when rows of one customer are not independent."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError

__all__ = ["carried_by", "cluster_codes", "clustered_covariance", "floored", "left_out"]

Floats = NDArray[np.float64]
ALONE = 1.0 - 1e-9


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
    n = rows.shape[0] if n is None else n
    code, groups = cluster_codes(clusters, rows.shape[0])
    sums = np.empty((groups, rows.shape[1]))
    for j, column in enumerate(rows.T):
        sums[:, j] = np.bincount(code, weights=column, minlength=groups)
    k = sums.shape[1]
    if n <= k:
        raise ModelError(f"clustered errors of {k} terms need more than {n:.0f} rows")
    shares = sums @ np.asarray(bread, dtype=float)
    return np.asarray(groups / (groups - 1) * (n - 1) / (n - k) * shares.T @ shares)


def cluster_codes(clusters: ArrayLike, n: int) -> tuple[NDArray[np.intp], int]:
    """Number of the cluster of each row and how many there are."""
    code = pd.factorize(np.asarray(clusters), use_na_sentinel=False)[0]
    groups = int(code.max(initial=-1)) + 1
    if code.shape != (n,):
        raise ModelError(f"clusters have shape {code.shape}: expected ({n},)")
    if groups < 2:
        raise ModelError("clustered errors need at least two customers")
    return code, groups


def left_out(z: Floats, weight: Floats, code: NDArray[np.intp], sums: Floats, bread: Floats) -> Floats:
    """How far the estimate moves when a cluster is left out and one step is made anew.

    Parameters
    ----------
    z : array, shape (rows, k)
        Covariates of the rows of the clusters, with the constant.
    weight : array, shape (rows,)
        Of each row in the information: 1 for least squares, count * p (1 - p) for a logistic regression.
    code : array of int, shape (rows,)
        Cluster of each row.
    sums : array, shape (groups, k)
        Scores summed by cluster.
    bread : array, shape (k, k)
        Inverse of the whole information H.

    Returns
    -------
    array, shape (groups, k)
        (H - H_g)^-1 sums_g: the estimate less the one without the cluster, exactly so for least squares. What
        a cluster alone identifies stays as it is.
    """
    root = np.linalg.cholesky(bread)
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], np.arange(len(sums) + 1))
    turned = z[order] @ root * np.sqrt(weight[order])[:, None]
    inside = np.stack([part.T @ part for part in np.split(turned, starts[1:-1])])
    share, axes = np.linalg.eigh(inside)
    kept = np.where(share < ALONE, 1.0 / np.maximum(1.0 - share, 1.0 - ALONE), 0.0)
    along = np.einsum("gij,gi->gj", axes, sums @ root) * kept
    return np.asarray(np.einsum("gij,gj->gi", axes, along) @ root.T)


def carried_by(shares: Floats) -> Floats:
    """Degrees of freedom of each variance, the sum of the squared shares of the clusters; shape (k,).

    Satterthwaite's 2 V^2 / var(V), var(V) from the spread of the squared shares themselves: a variance that a
    few clusters carry has few degrees of freedom, however many clusters there are. Between 1 and groups - 1.
    """
    groups = len(shares)
    squares = shares**2
    total = squares.sum(axis=0)
    spread = (squares**2).sum(axis=0) - total**2 / groups
    with np.errstate(divide="ignore", invalid="ignore"):
        found = 2.0 * total**2 / spread
    return np.clip(np.where(np.isfinite(found), found, groups - 1.0), 1.0, groups - 1.0)


def floored(variance: Floats, model: Floats) -> Floats:
    """A clustered covariance with no variance below the model's own; correlations stay."""
    own, least = np.diag(variance), np.diag(model)
    up = np.sqrt(np.maximum(1.0, least / np.maximum(own, np.finfo(float).tiny)))
    # A variance of nothing at all has no correlations to keep.
    return np.where(np.eye(own.size) > 0, np.diag(np.maximum(own, least)), variance * np.outer(up, up))
