"""The share of a balance that a default costs: fixed, or random around each obligor's mean."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from arrisk.models.losses.portfolio import LossPortfolio

__all__ = ["SeverityLaw", "make_severity"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
PARTS = 4096
MOST_LAWS = 64
# Beta laws with smaller parameters are all or nothing but for rounding.
ALL_OR_NOTHING = 1e-3


@dataclass(frozen=True, slots=True)
class SeverityLaw:
    """How the share lost is drawn for each default.

    Parameters
    ----------
    mean : array of shape (obligors,)
    law : int array of shape (obligors,)
        Row of `values`.
    values : float32 array of shape (laws, PARTS)
        Equally likely shares lost: the mean of each of `PARTS` equally likely parts of a beta law. No rows
        when nothing is random, or when there are so many laws that each default is drawn from its own.
    shapes : array of shape (obligors, 2)
        Parameters of the beta laws; not a number where the share is fixed.
    random : bool
        Whether any share is random.
    """

    mean: FloatArray
    law: IntArray
    values: NDArray[np.float32]
    shapes: FloatArray
    random: bool

    def draw(
        self, obligor: NDArray[np.int32], rng: np.random.Generator, compiled: bool = False
    ) -> NDArray[np.floating]:
        """Share lost of each default, shape (events,): float32 when random. `compiled` takes `kernels`."""
        if not self.random:
            return np.asarray(self.mean[obligor])
        if self.values.size:
            luck = rng.integers(0, PARTS, obligor.size, dtype=np.uint16)
            if compiled:
                from arrisk.models.losses import kernels

                return kernels.take_severity(obligor, luck, self.law, self.values)
            return np.asarray(self.values[self.law[obligor], luck])
        a, b = self.shapes[obligor].T
        found = self.mean[obligor].astype(np.float32)
        moves = np.isfinite(a)
        found[moves] = rng.beta(a[moves], b[moves])
        return np.asarray(found)


def make_severity(portfolio: LossPortfolio) -> SeverityLaw:
    """The beta laws of a portfolio, with the means and standard deviations of its obligors.

    Parameters
    ----------
    portfolio : LossPortfolio

    Returns
    -------
    SeverityLaw

    Notes
    -----
    Of at most 64 different laws, each is held as 4,096 equally likely values, the means of its equally likely
    parts: the mean is exact, the standard deviation short by less than a thousandth of itself.
    A spread of ``sqrt(lgd * (1 - lgd))`` is all or nothing.

    Examples
    --------
    >>> from arrisk.models.losses.portfolio import make_portfolio
    >>> law = make_severity(make_portfolio(0.1, [1.0, 1.0], 0.6, lgd_spread=[0.2, 0.0]))
    >>> law.draw(np.array([0, 1, 1]), np.random.default_rng(1)).round(2).tolist()[1:]
    [0.6000000238418579, 0.6000000238418579]
    """
    mean, spread = portfolio.lgd, portfolio.lgd_spread
    if not (spread > 0).any():
        none = np.zeros((0, PARTS), dtype=np.float32)
        return SeverityLaw(mean, np.zeros(mean.size, dtype=np.int64), none, np.zeros((0, 2)), False)
    pairs, law = np.unique(np.column_stack([mean, spread]), axis=0, return_inverse=True)
    few = len(pairs) <= MOST_LAWS
    rows = [_values(float(m), float(s)) for m, s in pairs] if few else []
    values = np.array(rows, dtype=np.float32).reshape(-1, PARTS)
    return SeverityLaw(mean, law.reshape(-1).astype(np.int64), values, _shapes(mean, spread), True)


def _shapes(mean: FloatArray, spread: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(spread > 0, mean * (1 - mean) / spread**2 - 1, np.nan)
    size = np.maximum(size, ALL_OR_NOTHING)
    return np.column_stack([mean * size, (1 - mean) * size])


@lru_cache(maxsize=256)
@lru_cache(maxsize=MOST_LAWS)
def _values(mean: float, spread: float) -> FloatArray:
    """Means of the equally likely parts of the beta law; kept, as a book is simulated at many levels."""
    if spread == 0:
        return np.full(PARTS, mean)
    a, b = _shapes(np.array([mean]), np.array([spread]))[0]
    likely = np.linspace(0.0, 1.0, PARTS + 1)
    low, high = special.betaincinv(a, b, likely), special.betaincinv(b, a, likely)
    lost = a / (a + b) * PARTS * np.diff(special.betainc(a + 1, b, low))
    # Close to 1 only the share that is not lost has digits left.
    kept = b / (a + b) * PARTS * np.diff(special.betainc(b + 1, a, high))[::-1]
    return np.asarray(np.clip(np.where(low[1:] < 0.5, lost, 1 - kept), 0.0, 1.0))
