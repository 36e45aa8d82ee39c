"""Probabilities of default set to a level without changing their order."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError

__all__ = ["HIGHEST_PD", "level_pds", "within_days"]

FloatArray = NDArray[np.float64]
HIGHEST_PD = 0.999
"""Nobody out of default is lost for certain."""


def within_days(pd: ArrayLike, horizon_days: float, days: float = 365.0) -> FloatArray:
    """Probabilities over another horizon at a constant hazard.

    Examples
    --------
    >>> within_days([0.1], 180, 360).round(4).tolist()
    [0.19]
    """
    given = np.minimum(np.asarray(pd, dtype=float), HIGHEST_PD)
    return np.asarray(-np.expm1(np.log1p(-given) * days / horizon_days), dtype=float)


def level_pds(pd: ArrayLike, level: float, counted: ArrayLike | None = None) -> FloatArray:
    """Multiply all probabilities by one number so that their mean is the level.

    Parameters
    ----------
    pd : array of shape (obligors,)
        Probabilities that order the obligors.
    level : float
        Wanted mean, above 0 and at most `HIGHEST_PD`.
    counted : bool array of shape (obligors,), optional
        Those whose mean is set; all by default.

    Returns
    -------
    array of shape (obligors,)
        At most `HIGHEST_PD`; the number is such that the mean is exact all the same.

    Raises
    ------
    ModelError
        If a value is no probability, or nobody with a chance counts.

    Notes
    -----
    A score of falling behind becomes one of being lost: of those who fall behind, the same share is lost
    whatever their score, so probabilities keep their ratios.

    Examples
    --------
    >>> level_pds([0.01, 0.04, 0.04], 0.06).round(4).tolist()
    [0.02, 0.08, 0.08]
    >>> level_pds([0.1, 0.4], 0.7).round(4).tolist()
    [0.401, 0.999]
    """
    given = np.asarray(pd, dtype=float)
    if given.ndim != 1 or not ((given >= 0) & (given <= 1)).all():
        raise ModelError("probabilities of default lie between 0 and 1, one an obligor")
    if not 0 < level <= HIGHEST_PD:
        raise ModelError(f"the level is a probability above 0 and at most {HIGHEST_PD}, got {level}")
    inside = np.ones(given.size, dtype=bool) if counted is None else np.asarray(counted, dtype=bool)
    if inside.shape != given.shape or not inside.any() or not (given[inside] > 0).all():
        raise ModelError("the level is the mean of at least one obligor, each with a chance above 0")
    return np.asarray(np.minimum(given * _multiple(np.sort(given[inside]), level), HIGHEST_PD), dtype=float)


def _multiple(chosen: FloatArray, level: float) -> float:
    """The number that sets the mean of ``min(number * p, HIGHEST_PD)``; `chosen` ascends."""
    wanted = level * chosen.size
    capped = HIGHEST_PD * np.arange(chosen.size)  # the largest 0, 1, ... stand at the cap
    free = np.cumsum(chosen)[::-1]
    multiple = (wanted - capped) / free
    fits = multiple * chosen[::-1] <= HIGHEST_PD * (1 + 1e-12)
    return float(multiple[int(np.argmax(fits))]) if fits.any() else HIGHEST_PD / float(chosen[0])
