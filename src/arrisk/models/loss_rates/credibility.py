"""How far a segment's own losses count against those of all: credibility of Buhlmann and Straub."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError

__all__ = ["Structure", "credibility_factor", "estimate_structure", "make_structure", "structure_of_sums"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Structure:
    """How classes differ and how members of a class do.

    Parameters
    ----------
    mean : float
        Of all classes together.
    within : float
        Expected process variance (EPV): of one unit of weight of a class about the mean of its class.
    between : float
        Variance of hypothetical means (VHM): of the classes' true means. Its estimate may be negative.
    """

    mean: float
    within: float
    between: float

    @property
    def k(self) -> float:
        """Weight at which a class counts half; infinite when nothing shows that classes differ."""
        return self.within / self.between if self.between > 0 else float("inf")

    def blend(self, own: ArrayLike, weight: ArrayLike) -> Floats:
        """Credible means of classes: Z x own + (1 - Z) x mean.

        Examples
        --------
        >>> poisson_or_binomial = make_structure([5, 8 * 0.55], [5, 8 * 0.55 * 0.45], [0.5, 0.5])
        >>> round(float(poisson_or_binomial.blend(np.mean([3, 3, 4]), 3)), 7)
        4.6018617
        """
        z = credibility_factor(weight, self.k)
        return np.asarray(z * np.asarray(own, dtype=float) + (1 - z) * self.mean, dtype=float)


def credibility_factor(weight: ArrayLike, k: float) -> Floats:
    """Share of its own experience in a class's mean, Z = weight / (weight + k).

    Examples
    --------
    >>> credibility_factor([0, 3, 60], 38.7778).round(4)
    array([0.    , 0.0718, 0.6074])
    """
    w = np.asarray(weight, dtype=float)
    if np.isinf(k):
        return np.zeros_like(w)
    return np.asarray(np.divide(w, w + k, out=np.zeros_like(w), where=w > 0), dtype=float)


def make_structure(means: ArrayLike, variances: ArrayLike, shares: ArrayLike) -> Structure:
    """Structure of classes whose means and variances are known.

    Parameters
    ----------
    means, variances : array of shape (classes,)
        Of one unit of each class.
    shares : array of shape (classes,)
        How often a class occurs; they sum to 1.

    Raises
    ------
    ModelError
        If variances or shares are not possible.

    Examples
    --------
    >>> known = make_structure([5, 4.4], [5, 1.98], [0.5, 0.5])
    >>> round(known.mean, 4), round(known.within, 4), round(known.between, 4), round(known.k, 4)
    (4.7, 3.49, 0.09, 38.7778)
    """
    m, v, p = (np.asarray(a, dtype=float) for a in (means, variances, shares))
    if not (m.shape == v.shape == p.shape) or (v < 0).any() or (p < 0).any() or abs(p.sum() - 1) > 1e-9:
        raise ModelError("need one mean, variance and share a class; variances not negative, shares sum to 1")
    mean = float(p @ m)
    return Structure(mean, float(p @ v), float(p @ (m - mean) ** 2))


def estimate_structure(values: ArrayLike, classes: ArrayLike, weights: ArrayLike | None = None) -> Structure:
    """Estimate the structure from the members of classes, without a distribution.

    Parameters
    ----------
    values : array of shape (members,)
        For example loss ratios of customers.
    classes : array of int, shape (members,)
        Class of each member, from 0.
    weights : array of shape (members,), optional
        Exposure of each member: the variance of a value is taken as within / weight (Buhlmann-Straub). By
        default all weigh 1 (Buhlmann).

    Returns
    -------
    Structure
        `mean` is the weighted mean of all members. Both variances are unbiased; `between` may be negative,
        and then nothing shows that classes differ.

    Raises
    ------
    ModelError
        If there are fewer than two classes with weight, or no class has two members.

    Notes
    -----
    H. Buhlmann and A. Gisler, *A Course in Credibility Theory and its Applications* (Springer 2005), sections
    4.8 and 4.9, with members in unequal number: within = sum w (x - mean of class)^2 / sum (n - 1), between
    = (sum W (class mean - mean)^2 - (classes - 1) within) / (W - sum W_i^2 / W).

    Examples
    --------
    >>> found = estimate_structure([625, 675, 600, 700, 750, 800, 650, 700], [0] * 4 + [1] * 4)
    >>> round(found.mean, 1), round(found.within, 1), round(found.between, 1)
    (687.5, 3125.0, 2031.2)
    """
    x, group = np.asarray(values, dtype=float), np.asarray(classes, dtype=np.int64)
    w = np.ones_like(x) if weights is None else np.asarray(weights, dtype=float)
    if not (x.shape == group.shape == w.shape) or (w < 0).any() or not np.isfinite(x[w > 0]).all():
        raise ModelError("need one finite value, class and weight (not negative) a member")
    x, group, w = x[w > 0], group[w > 0], w[w > 0]
    size = int(group.max()) + 1 if group.size else 0
    n, total = np.bincount(group, minlength=size), np.bincount(group, w, size)
    first, second = np.bincount(group, w * x, size), np.bincount(group, w * x * x, size)
    within, between = structure_of_sums(n, total, first, second)
    if (n > 0).sum() < 2 or not np.isfinite(float(within)):
        raise ModelError("credibility needs at least two classes, and one with two members")
    return Structure(float(first.sum() / total.sum()), float(within), float(between))


def structure_of_sums(
    n: ArrayLike, total: ArrayLike, first: ArrayLike, second: ArrayLike
) -> tuple[Floats, Floats]:
    """Within and between from sums by class over the last axis: members, weights, w x and w x^2."""
    n, total, first, second = (np.asarray(a, dtype=float) for a in (n, total, first, second))
    mean = np.divide(first, total, out=np.zeros_like(first), where=total > 0)
    squares = np.maximum(second - total * mean**2, 0.0).sum(axis=-1)
    whole = total.sum(axis=-1)
    centre = first.sum(axis=-1) / whole
    apart = (total * (mean - centre[..., None]) ** 2).sum(axis=-1)
    spare = whole - (total**2).sum(axis=-1) / whole
    with np.errstate(invalid="ignore", divide="ignore"):
        within = squares / np.maximum(n - 1, 0).sum(axis=-1)
        between = (apart - ((n > 0).sum(axis=-1) - 1) * within) / spare
    return np.asarray(within, dtype=float), np.asarray(between, dtype=float)
