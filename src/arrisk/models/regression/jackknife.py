"""What each customer adds to the estimate of a logistic regression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from arrisk.models.regression.design import Design
from arrisk.models.regression.likelihood import Point, inverse, residuals
from arrisk.models.regression.sandwich import cluster_codes, left_out

__all__ = ["shares_of"]

Floats = NDArray[np.float64]
LIGHT = 0.01


def shares_of(design: Design, top: Point, firth: bool, clusters: NDArray[np.generic]) -> Floats:
    """How far the standardised estimate moves when each cluster is left out, shape (groups, k + 1).

    Clusters whose leverage (their part of the trace of the hat matrix, which sums to k + 1) is below 1% are
    left out to first order; the others, at most 100 a term, with the information that is left.
    """
    code, groups = cluster_codes(clusters, design.event.size)
    residual, bread = residuals(design, top, firth), inverse(top.information)
    sums = np.empty((groups, top.beta.size))
    sums[:, 0] = np.bincount(code, weights=residual, minlength=groups)
    for j, (mean, scale) in enumerate(zip(design.mean, design.scale, strict=True)):
        by_cluster = np.bincount(code, weights=residual * (design.x[:, j] - mean), minlength=groups)
        sums[:, j + 1] = by_cluster / scale
    weight, leverage = _weights(design, top, bread)
    shares = np.asarray(sums @ bread)
    heavy = np.flatnonzero(np.bincount(code, weights=leverage, minlength=groups) > LIGHT)
    number = np.full(groups, -1)
    number[heavy] = np.arange(heavy.size)
    rows = np.flatnonzero(number[code] >= 0)
    if heavy.size:
        of_row = number[code[rows]]
        shares[heavy] = left_out(design.standard(rows), weight[rows], of_row, sums[heavy], bread)
    return shares


def _weights(design: Design, top: Point, bread: Floats) -> tuple[Floats, Floats]:
    """Weight of each row in the information, and its leverage."""
    weight, leverage = np.empty(design.event.size), np.empty(design.event.size)
    for rows, z in design.blocks():
        p = expit(z @ top.beta[1:] + top.beta[0])
        weight[rows] = design.weighted(rows, p * (1.0 - p))
        square = bread[0, 0] + np.einsum("ij,ij->i", z @ bread[1:, 1:] + 2.0 * bread[0, 1:], z)
        leverage[rows] = weight[rows] * square
    return weight, leverage
