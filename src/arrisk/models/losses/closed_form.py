"""Portfolio loss in closed form: one-factor limits, finite pools, the regulatory formula, aggregate losses.

Everywhere a default of obligor i means that ``sqrt(rho) * Z + sqrt(1 - rho) * e_i`` falls below the normal
quantile of its probability of default; Z is common to all, e_i its own (Vasicek, 2002).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import integrate, special, stats

from arrisk.errors import ModelError

__all__ = [
    "aggregate_pmf",
    "basel_correlation",
    "basel_risk_weight",
    "conditional_pd",
    "effective_names",
    "finite_pool_pmf",
    "stop_loss",
    "vasicek_expected_shortfall",
    "vasicek_quantile",
]

FloatArray = NDArray[np.float64]
FACTOR_REACH = 10.0
FACTOR_NODES = 4001
PD_FLOOR = 0.0003


def conditional_pd(pd: ArrayLike, rho: float, factor: ArrayLike) -> FloatArray:
    """Probability of default given the common factor; low factor values are bad years.

    Parameters
    ----------
    pd : float or array
        Unconditional probability of default, in [0, 1].
    rho : float
        Asset correlation, in [0, 1).
    factor : float or array
        Standard normal value; broadcast against `pd`.

    Examples
    --------
    >>> conditional_pd(0.02, 0.15, [-2.0, 0.0, 2.0]).round(4)
    array([0.0827, 0.013 , 0.0011])
    """
    _check(pd, rho)
    threshold = special.ndtri(np.asarray(pd, dtype=float))
    shift = math.sqrt(rho) * np.asarray(factor, dtype=float)
    return np.asarray(special.ndtr((threshold - shift) / math.sqrt(1 - rho)), dtype=float)


def vasicek_quantile(pd: ArrayLike, rho: float, level: ArrayLike) -> FloatArray:
    """Default rate of a very large equal pool that is not exceeded with probability `level` (Vasicek 2002).

    Parameters
    ----------
    pd, level : float or array
        Probability of default, and fraction of years; broadcast against each other.
    rho : float
        Asset correlation, in [0, 1).

    Examples
    --------
    >>> vasicek_quantile(0.02, 0.15, [0.95, 0.99]).round(8)
    array([0.06219237, 0.10558734])
    """
    return conditional_pd(pd, rho, -special.ndtri(_level(level)))


def vasicek_expected_shortfall(pd: ArrayLike, rho: float, level: ArrayLike) -> FloatArray:
    """Mean default rate of a very large equal pool over the worst ``1 - level`` of years.

    Parameters
    ----------
    pd, level : float or array
        Broadcast against each other.
    rho : float
        Asset correlation, in [0, 1).

    Notes
    -----
    The chance that an obligor's own value lies below its edge and the factor below the quantile of
    ``1 - level``: a bivariate normal probability with correlation ``sqrt(rho)``, integrated numerically.

    Examples
    --------
    >>> float(vasicek_expected_shortfall(0.02, 0.15, 0.995).round(8))
    0.15739469
    """
    _check(pd, rho)
    return np.asarray(np.vectorize(_tail_rate, otypes=[float])(pd, rho, _level(level)), dtype=float)


def _tail_rate(pd: float, rho: float, level: float) -> float:
    edge = -float(special.ndtri(level))

    def density(z: float) -> float:
        return float(conditional_pd(pd, rho, z)) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    area, _ = integrate.quad(density, -np.inf, edge, epsabs=1e-14, epsrel=1e-12)
    return float(area / (1 - level))


def finite_pool_pmf(n: int, pd: float, rho: float) -> FloatArray:
    """Distribution of the number of defaults among `n` equal obligors.

    Parameters
    ----------
    n : int
        Obligors.
    pd, rho : float
        Probability of default and asset correlation.

    Returns
    -------
    array of shape (n + 1,)
        Probability of 0, 1, ..., n defaults; the binomial law averaged over the factor.

    Examples
    --------
    >>> finite_pool_pmf(10, 0.1, 0.2)[:2].round(8)
    array([0.45646619, 0.28278148])
    """
    counts = np.arange(n + 1)
    if rho == 0:
        return np.asarray(stats.binom.pmf(counts, n, pd), dtype=float)
    nodes = np.linspace(-FACTOR_REACH, FACTOR_REACH, FACTOR_NODES)
    weights = np.exp(-nodes * nodes / 2)
    weights /= weights.sum()
    given = stats.binom.pmf(counts[:, None], n, conditional_pd(pd, rho, nodes)[None, :])
    return np.asarray(given @ weights, dtype=float)


def basel_correlation(
    pd: ArrayLike, turnover: ArrayLike | None = None, pd_floor: float = PD_FLOOR
) -> FloatArray:
    """Asset correlation that the regulatory formula assigns to a company (Basel II, paragraphs 272 to 274).

    Parameters
    ----------
    pd : float or array
    turnover : float or array, optional
        Annual sales of the company in EUR million; below 50 the correlation is lowered, at most to that of 5.
    pd_floor : float
        Least probability of default that counts.

    Examples
    --------
    >>> basel_correlation(0.01, [5, 50]).round(4)
    array([0.1528, 0.1928])
    """
    p = np.maximum(np.asarray(pd, dtype=float), pd_floor)
    weight = (1 - np.exp(-50 * p)) / (1 - math.exp(-50))
    rho = 0.12 * weight + 0.24 * (1 - weight)
    if turnover is not None:
        rho = rho - 0.04 * (1 - (np.clip(np.asarray(turnover, dtype=float), 5.0, 50.0) - 5) / 45)
    return np.asarray(rho, dtype=float)


def basel_risk_weight(
    pd: ArrayLike,
    lgd: ArrayLike = 0.45,
    maturity: ArrayLike = 2.5,
    turnover: ArrayLike | None = None,
    pd_floor: float = PD_FLOOR,
) -> FloatArray:
    """Risk weight of a corporate exposure, internal-ratings approach (Basel II, Annex 5).

    Parameters
    ----------
    pd : float or array
        Probability of default within a year; 1 is no longer a matter of this formula and weighs 0.
    lgd : float or array
        Loss given default, fraction.
    maturity : float or array
        Effective maturity in years.
    turnover : float or array, optional
        Annual sales in EUR million, for the adjustment for small companies.
    pd_floor : float
        Least probability of default that counts: .03% in Basel II, .05% in its final reform of 2017.

    Returns
    -------
    float or array
        Fraction of the exposure (1.0 is 100%), without the scaling factor of 1.06; arguments are broadcast.

    Examples
    --------
    >>> basel_risk_weight(0.01, turnover=[50, 5]).round(4)
    array([0.9232, 0.7239])
    """
    p = np.maximum(np.asarray(pd, dtype=float), pd_floor)
    _check(p, 0.0)
    share, years = np.asarray(lgd, dtype=float), np.asarray(maturity, dtype=float)
    if not (((share >= 0) & (share <= 1)).all() and (years > 0).all()):
        raise ModelError(
            "loss given default lies between 0 and 1, and maturity is a positive number of years"
        )
    rho = basel_correlation(p, turnover, pd_floor)
    slope = (0.11852 - 0.05478 * np.log(p)) ** 2
    stressed = special.ndtr((special.ndtri(p) + np.sqrt(rho) * special.ndtri(0.999)) / np.sqrt(1 - rho))
    capital = share * (stressed - p) * (1 + (years - 2.5) * slope) / (1 - 1.5 * slope)
    return np.asarray(capital * 12.5, dtype=float)


def aggregate_pmf(pmf_n: ArrayLike, pmf_x: ArrayLike) -> FloatArray:
    """Distribution of a sum of a random number of independent losses on a lattice.

    Parameters
    ----------
    pmf_n : array
        Probability of 0, 1, 2, ... losses.
    pmf_x : array
        Probability that one loss is 0, 1, 2, ... units.

    Returns
    -------
    array
        Probability that the sum is 0, 1, 2, ... units; exact up to rounding (generating function on the
        roots of unity, long enough that nothing wraps around).

    Examples
    --------
    >>> aggregate_pmf([0.5, 0.0, 0.5], [0.0, 0.5, 0.5]).round(3)
    array([0.5  , 0.   , 0.125, 0.25 , 0.125])
    """
    counts, sizes = np.asarray(pmf_n, dtype=float), np.asarray(pmf_x, dtype=float)
    for name, pmf in (("pmf_n", counts), ("pmf_x", sizes)):
        if pmf.ndim != 1 or (pmf < 0).any() or abs(pmf.sum() - 1) > 1e-9:
            raise ModelError(f"{name} must be probabilities that sum to 1")
    length = (counts.size - 1) * (sizes.size - 1) + 1
    transform = np.fft.rfft(sizes, length)
    total = np.fft.irfft(np.polynomial.polynomial.polyval(transform, counts), length)
    return np.maximum(total, 0.0)


def stop_loss(pmf: ArrayLike, retention: ArrayLike) -> FloatArray:
    """Expected part of an aggregate loss above a retention, both in lattice units: E[(S - retention)+].

    Parameters
    ----------
    pmf : array
        Probability of 0, 1, 2, ... units.
    retention : float or array
        Units; need not be whole.

    Examples
    --------
    >>> stop_loss([0.5, 0.25, 0.25], [1, 1.5])
    array([0.25 , 0.125])
    """
    probabilities = np.asarray(pmf, dtype=float)
    kept = np.asarray(retention, dtype=float)
    above = np.maximum(np.arange(probabilities.size) - kept[..., None], 0.0)
    return np.asarray(above @ probabilities)


def effective_names(exposure: ArrayLike) -> float:
    """Number of equal names with the same concentration: one over the Herfindahl index.

    Examples
    --------
    >>> effective_names([50.0, 50.0, 0.0])
    2.0
    """
    amounts = np.asarray(exposure, dtype=float)
    if (amounts < 0).any() or amounts.sum() <= 0:
        raise ModelError("exposures must not be negative, and some must be positive")
    return float(amounts.sum() ** 2 / (amounts**2).sum())


def _check(pd: ArrayLike, rho: float) -> None:
    p = np.asarray(pd, dtype=float)
    if not ((p >= 0) & (p <= 1)).all():
        raise ModelError("a probability of default lies between 0 and 1")
    if not 0 <= rho < 1:
        raise ModelError(f"asset correlation lies in [0, 1), got {rho}")


def _level(level: ArrayLike) -> FloatArray:
    levels = np.asarray(level, dtype=float)
    if not ((levels > 0) & (levels < 1)).all():
        raise ModelError(f"level is a fraction between 0 and 1, got {level!r}")
    return levels
