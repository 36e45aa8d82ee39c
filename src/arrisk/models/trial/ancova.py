"""The analysis of a randomised trial: one row a customer, adjusted for strata and the customer's own past.

Weighted least squares of the outcome on the arm, a constant a stratum and the baseline; the standard error is
robust to unequal variances (HC3, MacKinnon and White 1985). Written for many allocations at once, because
power, permutation tests and the reading of the trial must all use the very same estimator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from arrisk.errors import ModelError

__all__ = ["Ancova", "ArmEstimates", "draw_allocations", "make_ancova"]

TINY = 1e-9
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ArmEstimates:
    """Estimates of one outcome under many allocations.

    Parameters
    ----------
    shift, se : arrays, allocations
        Treated less control, and its standard error; NaN where an allocation leaves an arm empty.
    df : int
        Degrees of freedom.
    """

    shift: Floats
    se: Floats
    df: int

    @property
    def t(self) -> Floats:
        """Shift over standard error."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.shift / self.se, dtype=float)

    @property
    def z(self) -> Floats:
        """The normal score of the same tail probability as t."""
        return as_normal(self.t, self.df)


@dataclass(frozen=True, slots=True)
class Ancova:
    """Outcomes with what they are adjusted for, ready for any allocation; make one with `make_ancova`.

    Parameters
    ----------
    outcome : array, customers
        Residual of the outcome on strata and baseline, times the root of the weight.
    basis : array, customers x columns
        Orthonormal basis of strata and baseline, likewise weighted.
    root : array, customers
        Root of the weights.
    used : array of bool
        Customers with an outcome, among all given.
    """

    outcome: Floats
    basis: Floats
    root: Floats
    used: Flags

    @property
    def df(self) -> int:
        """Customers less columns less the arm."""
        return len(self.outcome) - int(self.basis.shape[1]) - 1

    def residual(self, column: Floats) -> Floats:
        """What strata and baseline leave of one or many columns (rows: allocations)."""
        scaled = column * self.root
        return np.asarray(scaled - (scaled @ self.basis) @ self.basis.T, dtype=float)

    def estimate(self, treated: Flags, change: Floats | None = None) -> ArmEstimates:
        """Shift and standard error under each allocation.

        Parameters
        ----------
        treated : array of bool, allocations x all customers given
        change : array, allocations x all customers given, optional
            Added to the outcome (of whom it concerns), to plant an effect.
        """
        arm = self.residual(np.atleast_2d(treated)[:, self.used].astype(float))
        outcome = np.broadcast_to(self.outcome, arm.shape)
        if change is not None:
            outcome = outcome + self.residual(np.atleast_2d(change)[:, self.used])
        size = (arm**2).sum(axis=1)
        empty = size < TINY * max(float((self.root**2).mean()), TINY)
        size = np.where(empty, 1.0, size)
        shift = (arm * outcome).sum(axis=1) / size
        left = outcome - shift[:, None] * arm
        leverage = (self.basis**2).sum(axis=1) + arm**2 / size[:, None]
        scores = arm * left / np.clip(1 - leverage, TINY, None)
        se = np.sqrt((scores**2).sum(axis=1)) / size
        return ArmEstimates(np.where(empty, np.nan, shift), np.where(empty, np.nan, se), self.df)


def make_ancova(outcome: Floats, stratum: Ints, baseline: Floats, weight: Floats) -> Ancova:
    """Prepare outcomes for `Ancova.estimate`.

    Parameters
    ----------
    outcome : array, customers
        NaN for a customer without one: it does not count.
    stratum : array of int, customers
    baseline : array, customers
        The same measure before the trial; NaN takes the mean of the others.
    weight : array, customers
        Positive wherever there is an outcome.

    Raises
    ------
    ModelError
        If fewer customers have an outcome than the analysis has columns and two more.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> past, arm = rng.normal(size=80), np.arange(80) % 2 == 0
    >>> now = past + 2.0 * arm + 0.1 * rng.normal(size=80)
    >>> fit = make_ancova(now, np.zeros(80, dtype=int), past, np.ones(80)).estimate(arm[None])
    >>> round(float(fit.shift[0]), 1)
    2.0
    """
    used = np.isfinite(outcome) & (weight > 0)
    _, code = np.unique(stratum[used], return_inverse=True)
    columns = np.eye(code.max() + 1)[code] if used.any() else np.empty((0, 0))
    past = baseline[used]
    if np.isfinite(past).any():
        past = np.where(np.isfinite(past), past, np.nanmean(past))
        columns = np.column_stack([columns, past - past.mean()])
    root = np.sqrt(weight[used] / weight[used].mean()) if used.any() else np.empty(0)
    weighted = columns * root[:, None]
    left, values, _ = np.linalg.svd(weighted, full_matrices=False) if used.any() else (weighted, root, root)
    basis = left[:, values > TINY * values.max()] if used.any() else left
    if len(root) < basis.shape[1] + 3:
        raise ModelError(
            f"{len(root)} customers have an outcome; {basis.shape[1]} strata and baseline need at least "
            f"{basis.shape[1] + 3}"
        )
    y = outcome[used] * root
    return Ancova(y - basis @ (basis.T @ y), basis, root, used)


def draw_allocations(stratum: Ints, treated: Ints, size: int, rng: np.random.Generator) -> Flags:
    """Many allocations of the blocked design: exactly `treated[s]` of stratum s, all choices equally likely.

    Parameters
    ----------
    stratum : array of int, customers
        Codes from 0.
    treated : array of int, strata
        How many of each are treated.
    size : int
        Allocations.
    rng : Generator

    Returns
    -------
    array of bool, size x customers

    Examples
    --------
    >>> arms = draw_allocations(np.array([0, 0, 1, 1]), np.array([1, 1]), 3, np.random.default_rng(0))
    >>> arms[:, :2].sum(axis=1).tolist(), arms[:, 2:].sum(axis=1).tolist()
    ([1, 1, 1], [1, 1, 1])
    """
    out = np.zeros((size, len(stratum)), dtype=bool)
    for code, count in enumerate(treated):
        members = np.flatnonzero(stratum == code)
        order = rng.random((size, len(members))).argsort(axis=1)
        out[:, members] = order.argsort(axis=1) < count
    return out


def as_normal(t: Floats, df: int | Floats) -> Floats:
    """The normal score with the same tail probability as a t value."""
    return np.asarray(np.sign(t) * -stats.norm.ppf(stats.t.sf(np.abs(t), df)), dtype=float)
