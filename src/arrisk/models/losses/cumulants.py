"""Means, covariances and skewness of sums over the defaults of a year, given the common factor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.interpolate import CubicSpline

from arrisk.models.losses.portfolio import Dependence, LossPortfolio

__all__ = ["Cumulants", "YearSum", "conditional_cumulants", "industry_curves", "severity_moment"]

FloatArray = NDArray[np.float64]
EDGE_STEP = 0.005
EDGE_REACH = 37.0
SHIFT_NODES = 601
INDUSTRY_NODES = 41
REACH = 7.0


@dataclass(frozen=True, slots=True)
class YearSum:
    """A sum over the defaults of a year: of amounts, or of amounts times the share lost.

    Parameters
    ----------
    amount : array of shape (obligors,)
        Currency units.
    lost : bool
        Whether each amount counts only with the share of the balance lost.
    """

    amount: FloatArray
    lost: bool = True


@dataclass(frozen=True, slots=True)
class Cumulants:
    """What k sums are like at each value of the common factor.

    Parameters
    ----------
    mean : array of shape (k, nodes)
    covariance : array of shape (k, k, nodes)
    third : array of shape (nodes,)
        Third cumulant of the first sum.
    """

    mean: FloatArray
    covariance: FloatArray
    third: FloatArray


def severity_moment(portfolio: LossPortfolio, power: int) -> FloatArray:
    """Mean of a power of the share lost, shape (obligors,): of a beta law with the given mean and spread.

    Examples
    --------
    >>> from arrisk.models.losses.portfolio import make_portfolio
    >>> severity_moment(make_portfolio(0.1, [1.0, 1.0], 0.5, [0.0, 0.5]), 3).tolist()
    [0.125, 0.5]
    """
    mean, spread = portfolio.lgd, portfolio.lgd_spread
    moves = spread > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.maximum(np.where(moves, mean * (1 - mean) / spread**2 - 1, 1.0), 0.0)
    found = np.ones(mean.shape)
    for k in range(power):
        found = found * np.where(
            moves & (size + k > 0), (mean * size + k) / np.maximum(size + k, 1e-300), mean
        )
    return np.asarray(found)


def conditional_cumulants(
    portfolio: LossPortfolio, dependence: Dependence, sums: Sequence[YearSum], factor: FloatArray
) -> Cumulants:
    """Cumulants of sums given the common factor; the factors of industries are integrated.

    Parameters
    ----------
    portfolio : LossPortfolio
    dependence : Dependence
    sums : sequence of YearSum
        k sums.
    factor : array of shape (nodes,)

    Returns
    -------
    Cumulants

    Notes
    -----
    Given all factors defaults are independent, so a sum's cumulants add up over obligors: with conditional
    probability p and amount Y, those of one obligor are ``p E[Y]``, ``p E[Y^2] - p^2 E[Y]^2`` and
    ``p E[Y^3] - 3 p^2 E[Y] E[Y^2] + 2 p^3 E[Y]^3``. They depend on an obligor through the normal quantile of
    its probability of default; quantiles are put on a grid of .005, linearly, which changes a conditional
    probability by less than .01% of itself. Industries are independent given the common factor, and their
    cumulants add up after the law of total cumulance over each industry's factor.
    """
    coefficients = _coefficients(portfolio, sums)
    if dependence.industry_rho == 0:
        rest = math.sqrt(1 - dependence.rho)
        return _unpack(
            _on_shift(portfolio, coefficients, math.sqrt(dependence.rho) * factor, rest), len(sums)
        )
    found = [
        _industry(portfolio, dependence, coefficients, factor, portfolio.industry == code, len(sums))
        for code in np.unique(portfolio.industry)
    ]
    return Cumulants(
        sum((part.mean for part in found[1:]), found[0].mean),
        sum((part.covariance for part in found[1:]), found[0].covariance),
        sum((part.third for part in found[1:]), found[0].third),
    )


def industry_curves(
    portfolio: LossPortfolio, dependence: Dependence, sums: Sequence[YearSum], shift: FloatArray
) -> list[FloatArray]:
    """Cumulants of each industry's part of one sum given all factors, at sums of loading times factor.

    Returns
    -------
    list of arrays of shape (3, shifts)
        Mean, variance and third cumulant, for each industry that has customers.
    """
    rest = math.sqrt(1 - dependence.rho - dependence.industry_rho)
    coefficients = _coefficients(portfolio, sums)
    return [
        _on_shift(portfolio, coefficients, shift, rest, portfolio.industry == code)
        for code in np.unique(portfolio.industry)
    ]


def _coefficients(portfolio: LossPortfolio, sums: Sequence[YearSum]) -> FloatArray:
    """What p, p^2 and p^3 of each obligor are multiplied by, shape (figures, 3, obligors)."""
    moment = [severity_moment(portfolio, power) for power in range(4)]
    none = np.zeros(len(portfolio))
    first = [one.amount * moment[int(one.lost)] for one in sums]
    rows = [(mean, none, none) for mean in first]
    for a, one in enumerate(sums):
        for b, other in enumerate(sums):
            both = one.amount * other.amount * moment[int(one.lost) + int(other.lost)]
            rows.append((both, -first[a] * first[b], none))
    lost, amount = int(sums[0].lost), sums[0].amount
    second, third = amount**2 * moment[2 * lost], amount**3 * moment[3 * lost]
    rows.append((third, -3 * first[0] * second, 2 * first[0] ** 3))
    return np.array(rows)


def _on_shift(
    portfolio: LossPortfolio,
    coefficients: FloatArray,
    shift: FloatArray,
    rest: float,
    inside: NDArray[np.bool_] | None = None,
) -> FloatArray:
    """Sums over obligors of the figures at each shift of the edge, shape (figures, shifts)."""
    chosen = portfolio.pd > 0 if inside is None else inside & (portfolio.pd > 0)
    parts = coefficients[:, :, chosen]
    edge = np.clip(special.ndtri(portfolio.pd[chosen]), -EDGE_REACH, EDGE_REACH)
    grid, parts = _gathered(edge, parts)
    chance = special.ndtr((grid[:, None] - shift[None, :]) / rest)
    powers = chance.copy()
    found = parts[:, 0] @ powers
    for k in (1, 2):
        powers *= chance
        found += parts[:, k] @ powers
    return np.asarray(found)


def _gathered(edge: FloatArray, parts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Obligors with alike probabilities put together; on a grid, linearly, when there are many."""
    values, place = np.unique(edge, return_inverse=True)
    if values.size * EDGE_STEP <= np.ptp(values) + 2 * EDGE_STEP or values.size < 64:
        return values, _binned(place, parts, values.size)
    low = values[0]
    steps = (edge - low) / EDGE_STEP
    left = np.floor(steps).astype(np.int64)
    right = steps - left
    size = int(left.max()) + 2
    both = _binned(left, parts * (1 - right), size) + _binned(left + 1, parts * right, size)
    return np.asarray(low + EDGE_STEP * np.arange(size), dtype=float), both


def _binned(place: NDArray[np.int64], parts: FloatArray, size: int) -> FloatArray:
    flat = parts.reshape(-1, parts.shape[-1])
    rows = [np.bincount(place, weights=row, minlength=size) if row.any() else np.zeros(size) for row in flat]
    return np.asarray(np.array(rows).reshape(*parts.shape[:-1], size))


def _industry(
    portfolio: LossPortfolio,
    dependence: Dependence,
    coefficients: FloatArray,
    factor: FloatArray,
    inside: NDArray[np.bool_],
    count: int,
) -> Cumulants:
    """Cumulants of one industry's sums, its factor integrated."""
    common, own = math.sqrt(dependence.rho), math.sqrt(dependence.industry_rho)
    rest = math.sqrt(1 - dependence.rho - dependence.industry_rho)
    reach = common * float(np.abs(factor).max()) + own * REACH
    grid = np.linspace(-reach, reach, SHIFT_NODES)
    curve = CubicSpline(grid, _on_shift(portfolio, coefficients, grid, rest, inside), axis=1)
    nodes = np.linspace(-REACH, REACH, INDUSTRY_NODES)
    weight = np.exp(-nodes * nodes / 2)
    weight /= weight.sum()
    given = _unpack(curve(common * factor[:, None] + own * nodes[None, :]), count)
    mean = np.asarray(given.mean @ weight, dtype=float)
    off = given.mean - mean[..., None]
    between = np.asarray(np.einsum("azj,bzj,j->abz", off, off, weight), dtype=float)
    third = given.third + 3 * off[0] * given.covariance[0, 0] + off[0] ** 3
    return Cumulants(mean, np.asarray(given.covariance @ weight + between), np.asarray(third @ weight))


def _unpack(figures: FloatArray, count: int) -> Cumulants:
    shape = figures.shape[1:]
    mean, third = figures[:count], figures[-1]
    return Cumulants(mean, figures[count:-1].reshape(count, count, *shape), third)
