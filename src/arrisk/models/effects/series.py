"""Regression of a short monthly series whose errors lean on those of the month before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from statsmodels.regression.linear_model import GLS

from arrisk.models.effects.inference import Judged, t_interval
from arrisk.models.effects.panel import Floats

__all__ = ["SeriesFit", "fit_series"]

GRID = np.linspace(0.0, 0.9, 31)
LEAST_DF = 2.0


@dataclass(frozen=True, slots=True)
class SeriesFit:
    """Generalised least squares with errors of order one.

    Parameters
    ----------
    beta : array, shape (k,)
    covariance : array, shape (k, k)
    scale : float
        Standard deviation of a month's error.
    carry : float
        Part of a month's error that the next one inherits, 0 to 0.9.
    df : float
        Degrees of freedom, fewer when months repeat each other.
    root : array, shape (k, months)
        What each month adds to `beta`.
    """

    beta: Floats
    covariance: Floats
    scale: float
    carry: float
    df: float
    root: Floats

    def judge(self, contrast: Floats, level: float) -> Judged:
        """A weighted sum of coefficients with its interval."""
        se = float(np.sqrt(contrast @ self.covariance @ contrast))
        return t_interval(float(contrast @ self.beta), se, self.df, level)


def fit_series(y: Floats, x: Floats, at: NDArray[np.integer]) -> SeriesFit:
    """Fit a series by generalised least squares, the carry-over by restricted maximum likelihood.

    Parameters
    ----------
    y : array, shape (months,)
    x : array, shape (months, k)
        Of full rank, k < months.
    at : array of int, shape (months,)
        Which month each is; months may be missing.

    Notes
    -----
    On two to three years of months, 95% intervals from Newey-West errors hold the truth in 61% to 87% of
    series and those of restricted likelihood in 89% to 95%, for a carry-over of 0 to 0.6 (see Turner et al.,
    BMC Medical Research Methodology 21, 2021, who find the same order). Degrees of freedom are
    (months - k) (1 - carry) / (1 + carry), at least 2.

    Examples
    --------
    >>> fit = fit_series(np.array([1.0, 2.0, 1.0, 2.0, 1.0, 2.0]), np.ones((6, 1)), np.arange(6))
    >>> float(fit.beta[0].round(6)), fit.carry
    (1.5, 0.0)
    """
    apart = np.abs(np.subtract.outer(at, at))
    carry = float(GRID[int(np.argmin([_restricted(y, x, r**apart) for r in GRID]))])
    shape = carry**apart
    result = GLS(y, x, sigma=shape).fit()
    free = y.size - x.shape[1]
    root = np.linalg.solve(x.T @ np.linalg.solve(shape, x), np.linalg.solve(shape, x).T)
    return SeriesFit(
        np.asarray(result.params, dtype=float),
        np.asarray(result.cov_params(), dtype=float),
        float(np.sqrt(result.scale)),
        carry,
        max(free * (1 - carry) / (1 + carry), LEAST_DF),
        np.asarray(root, dtype=float),
    )


def _restricted(y: Floats, x: Floats, shape: Floats) -> float:
    """Minus the restricted log-likelihood of Harville (1977), but for a constant."""
    inner = x.T @ np.linalg.solve(shape, x)
    beta = np.linalg.solve(inner, x.T @ np.linalg.solve(shape, y))
    rest = y - x @ beta
    free = y.size - x.shape[1]
    error = float(rest @ np.linalg.solve(shape, rest)) / free
    parts = (np.linalg.slogdet(shape)[1], np.linalg.slogdet(inner)[1])
    size = free * float(np.log(max(error, np.finfo(float).tiny)))
    return float(0.5 * (size + parts[0] + parts[1]))
