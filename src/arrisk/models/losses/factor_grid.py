"""Nodes of the common factor, and shifts of the edge of default that factors of industries add to."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from arrisk.models.losses.portfolio import Dependence

__all__ = ["factor_nodes", "factor_shifts", "factor_weight", "industry_weight"]

FloatArray = NDArray[np.float64]
REACH = 7.5
STEP = 0.125


def factor_nodes(dependence: Dependence) -> FloatArray:
    """Equally spaced values of the common factor; one when it does not matter."""
    count = 2 * round(REACH / STEP) + 1
    return np.linspace(-REACH, REACH, count) if dependence.rho > 0 else np.zeros(1)


def factor_weight(nodes: FloatArray) -> FloatArray:
    """Probability of each node."""
    weight = np.exp(-nodes * nodes / 2)
    return np.asarray(weight / weight.sum(), dtype=float)


def factor_shifts(dependence: Dependence, step: float = STEP) -> FloatArray:
    """Sums of loading times factor: those of the nodes, or a grid when industries have factors too.

    The grid is at most `step`, and half the loading of an industry's factor apart, at which the trapezoid
    rule for a normal law is exact to rounding.
    """
    common, own = math.sqrt(dependence.rho), math.sqrt(dependence.industry_rho)
    if own == 0:
        return np.asarray(common * factor_nodes(dependence))
    reach = REACH * (common + own)
    return np.linspace(-reach, reach, 2 * math.ceil(reach / min(own / 2, step)) + 1)


def industry_weight(nodes: FloatArray, shifts: FloatArray, dependence: Dependence) -> FloatArray:
    """Probability of each shift given each node of the common factor, shape (nodes, shifts)."""
    off = (shifts - math.sqrt(dependence.rho) * nodes[:, None]) / math.sqrt(dependence.industry_rho)
    weight = np.exp(-off * off / 2)
    return np.asarray(weight / weight.sum(axis=1, keepdims=True), dtype=float)
