"""How far a delete-one-customer interval reaches when a few customers carry most of the money."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from arrisk.errors import ModelError

__all__ = ["jackknife_reach"]

FloatArray = NDArray[np.float64]


def jackknife_reach(leave_one_out: ArrayLike, level: float = 0.95) -> FloatArray:
    """Half the width of a delete-one interval: t quantile x jackknife standard error.

    Parameters
    ----------
    leave_one_out : array of shape (customers, ...)
        The estimates without each customer in turn, on the scale of the interval.
    level : float
        Two-sided coverage.

    Returns
    -------
    array of shape (...)

    Raises
    ------
    ModelError
        With fewer than two customers.

    Notes
    -----
    The standard error is sqrt((n - 1) / n x sum((x - mean)^2)) (Efron and Tibshirani, *An Introduction to
    the Bootstrap*, chapter 11). Its square is itself an estimate, and a poor one where few customers make
    most of it: with kurtosis k of the deviations it has about 2 n / (k - 1) degrees of freedom (matching
    moments as F. E. Satterthwaite, Biometrics Bulletin 2, 1946), at most n - 1 and here at least 2. With
    n - 1 throughout, 95% intervals of DSO hold the truth in 89% of books of a dozen customers of very
    different size. `benchmarks/coverage_intervals.py` measures the coverage.

    Examples
    --------
    >>> alike = [10.1, 9.9, 10.0, 10.2, 9.8, 10.1, 9.9, 10.2, 9.8]
    >>> one_large = [10.0] * 8 + [10.45]
    >>> bool(jackknife_reach(one_large) > jackknife_reach(alike))
    True
    """
    values = np.asarray(leave_one_out, dtype=float)
    n = len(values)
    if n < 2:
        raise ModelError(f"a jackknife needs at least two customers, got {n}")
    squares = (values - values.mean(axis=0)) ** 2
    total = squares.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        kurtosis = np.maximum(n * (squares**2).sum(axis=0) / total**2, 1.0)  # rounding may fall below
        freedom = 2 * n / (kurtosis - 1)
    freedom = np.clip(np.nan_to_num(freedom, nan=n - 1.0, posinf=n - 1.0), min(2, n - 1), n - 1)
    error = np.sqrt((n - 1) / n * total)
    return np.asarray(stats.t.ppf(0.5 + level / 2, freedom) * error, dtype=np.float64)
