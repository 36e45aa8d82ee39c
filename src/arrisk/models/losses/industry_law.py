"""The loss of a year over several industries: normal given all factors, which are integrated exactly."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from arrisk.models.losses.cumulants import YearSum, industry_curves
from arrisk.models.losses.factor_grid import factor_nodes, factor_shifts, factor_weight, industry_weight
from arrisk.models.losses.loss_laws import MOST_SKEW, NormalMixture
from arrisk.models.losses.portfolio import Dependence, LossPortfolio

__all__ = ["industry_law"]

FloatArray = NDArray[np.float64]
POINTS = 1024
USED = 0.9
SHIFT_STEP = 0.04
BAD = 5.0
FAR = 8.0


def industry_law(
    portfolio: LossPortfolio, dependence: Dependence, kept: FloatArray, skewed: bool = True
) -> NormalMixture:
    """Distribution of a sum over defaults when industries have factors of their own.

    Parameters
    ----------
    portfolio : LossPortfolio
    dependence : Dependence
    kept : array of shape (obligors,)
        Amount that the share lost applies to, currency units.
    skewed : bool
        Whether to correct for the skewness given all factors.

    Returns
    -------
    NormalMixture
        Narrow normal laws on a grid.

    Notes
    -----
    Given the common factor the loss of one industry is far from normal, so its moments are not enough. Its
    transform is averaged over the industry's factor, transforms of industries are multiplied, and the product
    is averaged over the common factor. Given all factors the loss is normal with a correction
    for skewness, so it costs the same for any number of customers.
    """
    nodes, shifts = factor_nodes(dependence), factor_shifts(dependence, SHIFT_STEP)
    curves = industry_curves(portfolio, dependence, [YearSum(kept)], shifts)
    step = _span(dependence, shifts, curves, float(kept.sum())) / (USED * POINTS)
    turn = np.asarray(2 * math.pi / (POINTS * step) * np.arange(POINTS // 2 + 1), dtype=float)
    given = np.ones((nodes.size, turn.size), dtype=complex)
    spread = industry_weight(nodes, shifts, dependence)
    for figures in curves:
        given = given * (spread @ _transform(figures, turn, skewed))
    # A step of blur: in good years losses are narrower than the grid, and would ring over all of it.
    mixed = (factor_weight(nodes) @ given) * np.exp(-((step * turn) ** 2) / 2)
    weight = np.fft.irfft(np.asarray(mixed), POINTS)
    at = np.arange(POINTS)
    center = step * np.where(at < (1 + USED) / 2 * POINTS, at, at - POINTS)
    return NormalMixture(weight / weight.sum(), center, np.full(POINTS, step / 2), np.zeros(POINTS))


def _transform(figures: FloatArray, turn: FloatArray, skewed: bool) -> NDArray[np.complex128]:
    """Transform of normal laws with the first correction for skewness, shape (shifts, frequencies)."""
    # The part of a cell between two shifts keeps laws that are narrower than a cell from leaving ripples.
    between = np.gradient(figures[0]) ** 2 / 6
    mean, variance = figures[0][:, None], (np.maximum(figures[1], 0.0) + between)[:, None]
    most = MOST_SKEW * variance**1.5
    third = np.clip(figures[2][:, None], -most, most)
    normal = np.exp(-variance * turn**2 / 2 - 1j * mean * turn)
    return np.asarray(normal * (1 + 1j * third * turn**3 / 6) if skewed else normal)


def _span(dependence: Dependence, shifts: FloatArray, curves: list[FloatArray], total: float) -> float:
    """A loss beyond what any year costs."""
    worst = -BAD * (math.sqrt(dependence.rho) + math.sqrt(dependence.industry_rho))
    at = int(np.argmin(np.abs(shifts - worst)))
    seen = sum(float(f[0][at] + FAR * math.sqrt(max(f[1][at], 0.0))) for f in curves)
    return max(min(seen, total), 1e-12)
