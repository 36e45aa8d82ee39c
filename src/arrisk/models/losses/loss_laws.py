"""Distributions of a year's loss in two forms: values with probabilities, and a mixture of normal laws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

__all__ = ["LossLaw", "NormalMixture", "WeightedValues"]

FloatArray = NDArray[np.float64]
ROUNDING = 1e-12
MOST_SKEW = 1.0


class LossLaw(Protocol):
    """What every form of a distribution can tell."""

    def mean(self) -> float:
        """Mean."""

    def sd(self) -> float:
        """Standard deviation."""

    def quantile(self, level: float) -> float:
        """Value that is not exceeded with probability `level`."""

    def exceedance(self, amount: ArrayLike) -> FloatArray:
        """Probability of more than an amount, same shape."""

    def excess(self, amount: ArrayLike) -> FloatArray:
        """Mean of the part above an amount, same shape."""


@dataclass(frozen=True, slots=True)
class WeightedValues:
    """Values, each with its probability.

    Parameters
    ----------
    value, weight : arrays of shape (n,)
        Ascending values, and probabilities that add up to 1.
    """

    value: FloatArray
    weight: FloatArray
    above: FloatArray = field(repr=False)
    tail: FloatArray = field(repr=False)

    @classmethod
    def of(cls, value: ArrayLike, weight: ArrayLike) -> WeightedValues:
        """From values in any order."""
        values, weights = np.asarray(value, dtype=float), np.asarray(weight, dtype=float)
        order = np.argsort(values, kind="stable")
        values, weights = values[order], weights[order]
        above = np.append(np.cumsum(weights[::-1])[::-1], 0.0)
        tail = np.append(np.cumsum((weights * values)[::-1])[::-1], 0.0)
        return cls(values, weights, above, tail)

    def mean(self) -> float:
        """Mean."""
        return float(self.weight @ self.value)

    def sd(self) -> float:
        """Standard deviation."""
        return float(np.sqrt(self.weight @ (self.value - self.mean()) ** 2))

    def quantile(self, level: float) -> float:
        """Value that is not exceeded with probability `level`."""
        at = int(np.searchsorted(-self.above[1:], -(1 - level) - ROUNDING))
        return float(self.value[min(at, self.value.size - 1)])

    def exceedance(self, amount: ArrayLike) -> FloatArray:
        """Probability of more than an amount, same shape."""
        return np.asarray(self.above[np.searchsorted(self.value, amount, side="right")])

    def excess(self, amount: ArrayLike) -> FloatArray:
        """Mean of the part above an amount, same shape."""
        at = np.searchsorted(self.value, amount, side="right")
        return np.asarray(self.tail[at] - np.asarray(amount, dtype=float) * self.above[at])


@dataclass(frozen=True, slots=True)
class NormalMixture:
    """Normal laws, each with its probability and a correction for skewness.

    Parameters
    ----------
    weight, center, spread, skew : arrays of shape (n,)
        Probability, mean, standard deviation and skewness of each. The correction is the first term of the
        Edgeworth series, ``- skew / 6 * (t^2 - 1) * density(t)`` in the distribution function; a skewness
        beyond 1, at which the series is of no use, counts as 1.
    """

    weight: FloatArray
    center: FloatArray
    spread: FloatArray
    skew: FloatArray

    def mean(self) -> float:
        """Mean."""
        return float(self.weight @ self.center)

    def sd(self) -> float:
        """Standard deviation."""
        return float(np.sqrt(self.weight @ (self.spread**2 + (self.center - self.mean()) ** 2)))

    def exceedance(self, amount: ArrayLike) -> FloatArray:
        """Probability of more than an amount, same shape."""

        def tail(t: FloatArray, density: FloatArray, skew: FloatArray) -> FloatArray:
            return np.asarray(special.ndtr(-t) + skew / 6 * (t * t - 1) * density)

        found = self._sum(amount, tail, np.ones_like(self.spread))
        return np.asarray(np.where(np.asarray(amount) < 0, 1.0, np.clip(found, 0.0, 1.0)))

    def excess(self, amount: ArrayLike) -> FloatArray:
        """Mean of the part above an amount, same shape."""

        def above(t: FloatArray, density: FloatArray, skew: FloatArray) -> FloatArray:
            return np.asarray(density - t * special.ndtr(-t) + skew / 6 * t * density)

        return self._sum(amount, above, self.spread)

    def quantile(self, level: float) -> float:
        """Value that is not exceeded with probability `level`."""
        top = float((self.center + 40 * self.spread).max())
        if top <= 0 or self.exceedance(0.0) <= 1 - level:
            return 0.0
        found = optimize.brentq(lambda x: float(self.exceedance(x)) - (1 - level), 0.0, top, xtol=top * 1e-10)
        return float(found)

    def _sum(
        self,
        amount: ArrayLike,
        part: Callable[[FloatArray, FloatArray, FloatArray], FloatArray],
        scale: FloatArray,
    ) -> FloatArray:
        wanted = np.asarray(amount, dtype=float)
        skew = np.clip(self.skew, -MOST_SKEW, MOST_SKEW)
        found = np.empty(wanted.size)
        for k, x in enumerate(wanted.ravel()):
            t = (x - self.center) / self.spread
            density = np.exp(-t * t / 2) / np.sqrt(2 * np.pi)
            found[k] = self.weight @ (scale * part(t, density, skew))
        return np.asarray(found.reshape(wanted.shape))
