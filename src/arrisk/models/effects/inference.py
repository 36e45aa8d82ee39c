"""Errors of an estimate from how far it moves when each customer is left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from arrisk.models.effects.panel import Floats
from arrisk.models.regression.sandwich import carried_by

__all__ = ["Judged", "judge", "judge_together", "t_interval"]


@dataclass(frozen=True, slots=True)
class Judged:
    """An estimate with its error, interval and p-value, all from the same t distribution."""

    estimate: float
    se: float
    df: float
    ci_low: float
    ci_high: float
    p_value: float


def judge(estimate: float, moves: Floats, level: float) -> Judged:
    """Standard error, degrees of freedom, interval and p-value of an estimate.

    Parameters
    ----------
    estimate : float
    moves : array, shape (clusters,)
        The estimate less the one without each cluster.
    level : float

    Notes
    -----
    The delete-one-cluster jackknife ("CR3"; Hansen, "Jackknife standard errors for clustered regression",
    2024), with the degrees of freedom of a variance that few clusters carry (see `carried_by`): clusters of
    unequal size and few treated ones make intervals with clusters - 1 too short.

    Examples
    --------
    >>> judge(1.0, np.array([0.1, -0.1, 0.1, -0.1]), 0.95).df
    3.0
    """
    if not np.isfinite(moves).all():
        nan = float("nan")
        return Judged(estimate, nan, nan, -np.inf, np.inf, nan)
    groups = len(moves)
    se = float(np.sqrt((groups - 1) / groups * (moves**2).sum()))
    df = float(carried_by(moves[:, None])[0])
    return t_interval(estimate, se, df, level)


def t_interval(estimate: float, se: float, df: float, level: float) -> Judged:
    """Interval and p-value of an estimate from Student's t."""
    reach = float(stats.t.ppf(0.5 + level / 2, df)) * se
    p = float(2 * stats.t.sf(abs(estimate) / se, df)) if se > 0 else float(estimate == 0)
    return Judged(estimate, se, df, estimate - reach, estimate + reach, p)


def judge_together(estimates: Floats, moves: Floats) -> tuple[float, float]:
    """F statistic and p-value of the claim that all estimates are zero.

    Parameters
    ----------
    estimates : array, shape (q,)
    moves : array, shape (clusters, q)

    Notes
    -----
    Hotelling's T-squared with the degrees of freedom of the poorest of the variances (Pustejovsky and Tipton,
    Journal of Business & Economic Statistics 36, 2018, in spirit): many claims on few customers need more.
    """
    groups, q = moves.shape
    covariance = (groups - 1) / groups * moves.T @ moves
    df = float(carried_by(moves).min())
    wald = float(estimates @ np.linalg.pinv(covariance, hermitian=True) @ estimates)
    room = max(df - q + 1, 1.0)
    statistic = wald * room / (max(df, q) * q)
    return statistic, float(stats.f.sf(statistic, q, room))
