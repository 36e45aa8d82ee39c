"""The loss of a year by quadrature over the common factor: normal, with skewness, given the factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from arrisk.models.losses.cover import Cover
from arrisk.models.losses.cumulants import Cumulants, YearSum, conditional_cumulants
from arrisk.models.losses.industry_law import industry_law
from arrisk.models.losses.loss_laws import NormalMixture
from arrisk.models.losses.portfolio import Dependence, LossPortfolio

__all__ = ["QuadratureYear", "quadrature_law"]

FloatArray = NDArray[np.float64]
FACTOR_REACH = 7.0
FACTOR_CELLS = 400
COVERED_REACH = 5.0
COVERED_CELLS = 40
LEAST_SPREAD = 1e-9


@dataclass(frozen=True, slots=True)
class QuadratureYear:
    """A year's retained loss by quadrature.

    Parameters
    ----------
    law : NormalMixture
    binds, unused : float
        Chance that the maximum cuts payments, and that covered losses do not exceed the first loss; not a
        number without a cover.
    """

    law: NormalMixture
    binds: float
    unused: float


def quadrature_law(
    portfolio: LossPortfolio,
    dependence: Dependence,
    cover: Cover | None = None,
    cells: int = FACTOR_CELLS,
    skewed: bool = True,
) -> QuadratureYear:
    """Distribution of the retained loss of a year.

    Parameters
    ----------
    portfolio : LossPortfolio
    dependence : Dependence
    cover : Cover, optional
    cells : int
        Parts that the common factor is cut into; half as many with terms of the year.
    skewed : bool
        Whether to correct for the skewness given the factor.

    Returns
    -------
    QuadratureYear

    Notes
    -----
    Without terms of the year the retained loss given the factor is one sum over independent defaults. With a
    first loss or a maximum it is a function of three sums: covered amounts G, what is lost of them N, all
    losses L; it is ``L - N * paid(G) / G``. G is cut into cells, and given G the other two are normal. Within
    a cell of the factor, or of G, the spread of the cell itself is added, so that very large books, whose
    loss is certain given the factor, come out right.
    """
    terms = cover is not None and cover.by_year
    factor, weight = _cells(FACTOR_REACH, cells // 2 if terms else cells)
    if cover is None or not cover.by_year:
        kept = portfolio.exposure - (0.0 if cover is None else cover.share_after * cover.covered)
        if dependence.industry_rho > 0:
            return QuadratureYear(industry_law(portfolio, dependence, kept, skewed), *_chances(cover))
        found = conditional_cumulants(portfolio, dependence, [YearSum(kept)], factor)
        center, extra = _within_cells(found.mean[0], factor)
        spread = _floored(np.sqrt(np.maximum(found.covariance[0, 0], 0.0) + extra), kept)
        skew = found.third / spread**3 if skewed else np.zeros(factor.size)
        return QuadratureYear(NormalMixture(weight, center, spread, skew), *_chances(cover))
    sums = [YearSum(cover.covered, lost=False), YearSum(cover.covered), YearSum(portfolio.exposure)]
    return _with_terms(
        conditional_cumulants(portfolio, dependence, sums, factor),
        cover,
        factor,
        weight,
        skewed,
        portfolio.exposure,
    )


def _chances(cover: Cover | None) -> tuple[float, float]:
    return (np.nan, np.nan) if cover is None else (0.0, np.nan)


def _cells(reach: float, count: int) -> tuple[FloatArray, FloatArray]:
    """Middles and probabilities of equal parts of a standard normal variable."""
    ends = np.linspace(-reach, reach, count + 1)
    weight = np.diff(special.ndtr(ends))
    return (ends[1:] + ends[:-1]) / 2, weight / weight.sum()


def _within_cells(curve: FloatArray, middle: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean over each cell of a curve known at the middles (last axis), and the variance to smooth it with.

    Twice the variance within a cell: normal laws that narrow leave no ripples between the middles of cells,
    and the factor's own variance grows by less than a ten-thousandth.
    """
    slope = np.gradient(curve, axis=-1)
    bend = np.gradient(slope, axis=-1)
    tilt = middle * (middle[1] - middle[0])
    return curve + bend / 24 - tilt * slope / 12, slope**2 / 6


def _floored(spread: FloatArray, amounts: FloatArray) -> FloatArray:
    return np.maximum(spread, max(LEAST_SPREAD * float(amounts.sum()), 1e-300))


def _with_terms(
    found: Cumulants,
    cover: Cover,
    factor: FloatArray,
    weight: FloatArray,
    skewed: bool,
    exposure: FloatArray,
) -> QuadratureYear:
    """Cells of the factor times cells of the covered amount; the rest is normal given both."""
    t, inside = _cells(COVERED_REACH, COVERED_CELLS)
    middle, extra = _within_cells(found.mean, factor)
    spread = np.sqrt(np.maximum(found.covariance[0, 0] + extra[0], 0.0))
    spread = _floored(spread, exposure)
    skew = np.clip(found.third / spread**3, -1.0, 1.0) if skewed else np.zeros(weight.size)
    chance = weight[:, None] * inside * (1 + skew[:, None] / 6 * (t**3 - 3 * t))
    gross = middle[0][:, None] + spread[:, None] * t
    share = cover.paid_share(gross)
    slope = np.gradient(middle, axis=-1)
    within = found.covariance + slope[:, None] * slope[None, :] / 12
    load = within[0] / spread
    net = middle[1][:, None] + load[1][:, None] * t
    loss = middle[2][:, None] + load[2][:, None] * t
    left = within - load[:, None] * load[None, :]
    variance = left[2, 2][:, None] - 2 * share * left[1, 2][:, None] + share**2 * left[1, 1][:, None]
    center, cell = _within_cells(loss - net * share, t)
    law = NormalMixture(
        chance.ravel(),
        center.ravel(),
        _floored(np.sqrt(np.maximum(variance, 0.0) + cell), exposure).ravel(),
        np.zeros(chance.size),
    )
    binds, unused = _tail(cover.first_loss + cover.maximum, middle[0], spread, skew, weight), np.nan
    if cover.first_loss > 0:
        unused = 1 - _tail(cover.first_loss, middle[0], spread, skew, weight)
    return QuadratureYear(law, binds, unused)


def _tail(
    amount: float, center: FloatArray, spread: FloatArray, skew: FloatArray, weight: FloatArray
) -> float:
    if not np.isfinite(amount):
        return 0.0
    return float(NormalMixture(weight, center, spread, skew).exceedance(amount))
