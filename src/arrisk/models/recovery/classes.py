"""Whether classes of defaulted customers differ in what they return, and how far each speaks for itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.loss_rates.credibility import credibility_factor, estimate_structure
from arrisk.models.recovery.months import MONTH, expect_further, share_left
from arrisk.models.recovery.write_offs import WriteOffs

__all__ = ["ClassComparison", "compare_classes", "permutation_p"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DRAWS = 1999


@dataclass(frozen=True, slots=True, eq=False)
class ClassComparison:
    """What customers say of their classes.

    Attributes
    ----------
    p_value : float
        Chance of classes as different when the class says nothing; NaN with fewer than two.
    credibility : array of shape (classes,)
        Weight of each class's own figure; 0 where nothing shows that classes differ.
    """

    p_value: float
    credibility: Floats


def compare_classes(
    workouts: WriteOffs, classes: Ints, count: int, survival: Floats, seed: int
) -> ClassComparison:
    """Compare what customers of each class return.

    A customer counts with what it returned and, from the curve of all customers, is expected to return yet;
    its weight is its exposure times the part of all recoveries that comes by its age. A young workout, which
    says little, so has little weight and is taken for average.

    Parameters
    ----------
    workouts : WriteOffs
        One lot a customer.
    classes : array of int, shape (customers,)
    count : int
        Number of classes.
    survival : array of shape (months + 1,)
        Of all customers.
    seed : int
    """
    if count < 2:
        return ClassComparison(float("nan"), np.ones(count))
    w, age = workouts, workouts.age / MONTH
    back = w.amount - w.outstanding + expect_further(w.outstanding, age, survival, 0.0)[0]
    ultimate = 1.0 - survival[-1]
    seen = (1.0 - share_left(survival, age)) / ultimate if ultimate > 0 else (age >= 1.0).astype(float)
    values, weights = back / w.amount, w.amount / w.scale * seen
    try:
        found = estimate_structure(values, classes, weights)
    except ModelError:
        return ClassComparison(float("nan"), np.zeros(count))
    total = np.bincount(classes, weights, count)
    return ClassComparison(
        permutation_p(values, weights, classes, count, seed), credibility_factor(total, found.k)
    )


def permutation_p(values: Floats, weights: Floats, classes: Ints, count: int, seed: int) -> float:
    """Share of random assignments of customers to classes with means at least as far apart.

    Parameters
    ----------
    values, weights : arrays of shape (customers,)
    classes : array of int, shape (customers,)
    count : int
        Number of classes.
    seed : int

    Returns
    -------
    float
        (1 + draws as far apart) / (1 + draws): B. Phipson and G. K. Smyth, Statistical Applications in
        Genetics and Molecular Biology 9 (2010), article 39.

    Examples
    --------
    >>> alike, apart = np.array([0.1, 0.2] * 4), np.array([0.1] * 4 + [0.9] * 4)
    >>> classes = np.repeat([0, 1], 4)
    >>> permutation_p(alike, np.ones(8), classes, 2, 1) > 0.5
    True
    >>> permutation_p(apart, np.ones(8), classes, 2, 1) < 0.05
    True
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    seen = _spread(values, weights, classes, count)
    drawn = np.array([_spread(values, weights, rng.permutation(classes), count) for _ in range(DRAWS)])
    return float((1 + np.sum(drawn >= seen * (1 - 1e-9))) / (1 + DRAWS))


def _spread(values: Floats, weights: Floats, classes: Ints, count: int) -> float:
    """Weighted squares of the means of classes about the mean of all."""
    total, first = np.bincount(classes, weights, count), np.bincount(classes, weights * values, count)
    means = np.divide(first, total, out=np.zeros(count), where=total > 0)
    return float(total @ (means - first.sum() / total.sum()) ** 2)
