"""The loss of a year exactly given the common factor: a product of transforms on a lattice."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from arrisk.models.losses.cover import Cover
from arrisk.models.losses.factor_grid import factor_nodes, factor_shifts, factor_weight, industry_weight
from arrisk.models.losses.lattice import LossLattice, make_lattice, rounding_variance, step_pmf
from arrisk.models.losses.loss_laws import WeightedValues
from arrisk.models.losses.portfolio import Dependence, LossPortfolio, make_portfolio
from arrisk.models.losses.quadrature import quadrature_law

__all__ = ["FourierYear", "fourier_law", "fourier_obstacle"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
POINTS = 2**13
MOST_WORK = 4e9
RARE = 1e-6
ALIKE = 1e-9


@dataclass(frozen=True, slots=True)
class FourierYear:
    """A year's retained loss on a lattice.

    Parameters
    ----------
    law : WeightedValues
    binds, unused : float
        Chance that the maximum cuts payments, and that covered losses do not exceed the first loss; not a
        number without a cover.
    step : float
        Of the lattice, currency units.
    shift : float
        What rounding to the lattice moves a year's loss by at most, but for one year in a million.
    variance : float
        What rounding adds to the variance of a year's loss.
    """

    law: WeightedValues
    binds: float
    unused: float
    step: float
    shift: float
    variance: float


def fourier_obstacle(portfolio: LossPortfolio, dependence: Dependence, cover: Cover | None) -> str:
    """Why the transform cannot be taken, in words; empty when it can."""
    if cover is not None and cover.by_year and _fixed_ratio(portfolio, cover) is None:
        return "with terms of the year the loss kept depends on several sums, which one lattice cannot hold"
    lattice = _lattice(portfolio, dependence, cover)
    work = float(lattice.pd.size) * (lattice.points / 2 + 1) * factor_shifts(dependence).size
    return "" if work <= MOST_WORK else "so many different customers make the exact transform slow"


def fourier_law(portfolio: LossPortfolio, dependence: Dependence, cover: Cover | None = None) -> FourierYear:
    """Distribution of the retained loss of a year on a lattice.

    Parameters
    ----------
    portfolio : LossPortfolio
    dependence : Dependence
    cover : Cover, optional
        With terms of the year only where every cover is the same share of the balance and the share lost is
        the same and fixed, so that covered amounts and losses are in one proportion.

    Returns
    -------
    FourierYear

    Notes
    -----
    Given all factors the transform of the loss is the product over obligors of
    ``1 - p + p * transform of the loss of a default``. An industry's factor enters as a shift of the edge
    below which obligors default; products on a grid of shifts are averaged with the normal law of the
    industry's factor around each value of the common factor, then multiplied over industries, then averaged
    over the common factor (trapezoid, whose error for analytic functions is below 1e-10 here). Nothing wraps
    around: the lattice holds the loss of all customers at once.

    What rounding does: a loss of one default moves by less than a step, with mean 0, so by Hoeffding (1963) a
    year with n defaults moves by more than ``step * sqrt(n * log(2 / q) / 2)`` with probability q at most.
    """
    ratio = None
    kept = portfolio.exposure.copy()
    if cover is not None and cover.by_year:
        ratio = _fixed_ratio(portfolio, cover)
    elif cover is not None:
        kept = kept - cover.share_after * cover.covered
    lattice = _lattice(portfolio, dependence, cover)
    pmf = _pmf(lattice, dependence)
    value = lattice.step * np.arange(pmf.size)
    shift = 0.0 if lattice.exact else _shift(portfolio, dependence, lattice.step)
    variance = 0.0 if lattice.exact else rounding_variance(lattice, portfolio, kept)
    if cover is None or ratio is None:
        law = WeightedValues.of(value, pmf)
        binds = math.nan if cover is None else 0.0
        return FourierYear(law, binds, math.nan, lattice.step, shift, variance)
    gross = value * ratio
    law = WeightedValues.of(np.maximum(value - cover.paid(gross) / _covered_per_net(portfolio), 0.0), pmf)
    unused = float(pmf @ cover.unused(gross * (1 - ALIKE))) if cover.first_loss > 0 else math.nan
    binds = float(pmf @ cover.binds(gross * (1 - ALIKE)))
    return FourierYear(law, binds, unused, lattice.step, shift, variance)


def _covered_per_net(portfolio: LossPortfolio) -> float:
    """Balance per unit lost of it, alike for all."""
    return 1 / float(portfolio.lgd[0])


def _fixed_ratio(portfolio: LossPortfolio, cover: Cover) -> float | None:
    """Covered amount per unit of loss where it is the same for all obligors, else None."""
    owing = portfolio.exposure > 0
    if portfolio.lgd_spread.any() or np.ptp(portfolio.lgd) > 0 or portfolio.lgd[0] == 0 or not owing.any():
        return None
    share = cover.covered[owing] / portfolio.exposure[owing]
    return float(share.mean() / portfolio.lgd[0]) if np.ptp(share) < ALIKE else None


def _lattice(portfolio: LossPortfolio, dependence: Dependence, cover: Cover | None) -> LossLattice:
    kept = portfolio.exposure
    if cover is not None and not cover.by_year:
        kept = kept - cover.share_after * cover.covered
    return make_lattice(portfolio, np.maximum(kept, 0.0), dependence.industry_rho > 0, POINTS)


def _pmf(lattice: LossLattice, dependence: Dependence) -> FloatArray:
    nodes, shifts = factor_nodes(dependence), factor_shifts(dependence)
    weight = factor_weight(nodes)
    rest = math.sqrt(1 - dependence.rho - dependence.industry_rho)
    if dependence.industry_rho == 0:
        mixed: ComplexArray = weight @ _product(lattice, shifts, rest, np.ones(lattice.pd.size, dtype=bool))
    else:
        spread = industry_weight(nodes, shifts, dependence)
        given = np.ones((nodes.size, lattice.points // 2 + 1), dtype=complex)
        for code in np.unique(lattice.industry):
            given *= spread @ _product(lattice, shifts, rest, lattice.industry == code)
        mixed = np.asarray(weight @ given, dtype=complex)
    pmf = np.maximum(np.fft.irfft(np.asarray(mixed), lattice.points), 0.0)
    return np.asarray(pmf / pmf.sum())


def _product(
    lattice: LossLattice, shifts: FloatArray, rest: float, inside: NDArray[np.bool_]
) -> ComplexArray:
    """Product over obligors of their transforms at each shift, shape (shifts, frequencies)."""
    found = np.ones((shifts.size, lattice.points // 2 + 1), dtype=complex)
    edges = special.ndtri(lattice.pd)
    for k in np.flatnonzero(inside):
        pmf = step_pmf(lattice.amount[k], lattice.lgd[k], lattice.spread[k], lattice.step)
        turned = np.fft.rfft(pmf, lattice.points) - 1
        chance = special.ndtr((edges[k] - shifts) / rest)
        one = 1 + chance[:, None] * turned
        found *= one if lattice.count[k] == 1 else one ** int(lattice.count[k])
    return found


def _shift(portfolio: LossPortfolio, dependence: Dependence, step: float) -> float:
    """What rounding moves a year's loss by at most, but for one year in a million."""
    counted = make_portfolio(portfolio.pd, np.ones(len(portfolio)), 1.0, industry=portfolio.industry)
    law = quadrature_law(counted, dependence).law
    most = min(law.quantile(1 - RARE / 2) + 1, float((portfolio.pd > 0).sum()))
    return step * math.sqrt(most * math.log(4 / RARE) / 2)
