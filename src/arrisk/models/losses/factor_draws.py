"""Values of the common factor of simulated years, and the probability that each year stands for."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from arrisk.errors import ModelError

__all__ = ["SAMPLINGS", "SHIFT", "FactorDraws", "draw_factor"]

FloatArray = NDArray[np.float64]
SAMPLINGS = ("mixture", "plain")
# The worst 1% of years have a mean factor of -2.67, the worst 5% of -2.06: half of the draws lie around them.
SHIFT = -2.4
REACH = 9.0
END = 37.0
GRID = 20_001
GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class FactorDraws:
    """Common factor of each simulated year.

    Parameters
    ----------
    factor : array of shape (draws,)
        Low is bad.
    weight : array of shape (draws,)
        Probability that each draw stands for; adds up to 1.
    stratified : bool
        Whether each draw comes from a part of the line of its own, so that errors are those within parts.
    """

    factor: FloatArray
    weight: FloatArray
    stratified: bool


def draw_factor(draws: int, seed: np.random.SeedSequence, shift: float = SHIFT) -> FactorDraws:
    """Stratified draws of a standard normal factor, half of them where the bad years are.

    Parameters
    ----------
    draws : int
    seed : SeedSequence
    shift : float
        Mean of the second half of the mixture; 0 for equal weights.

    Returns
    -------
    FactorDraws

    Notes
    -----
    The line is cut into `draws` parts that are equally likely under the mixture of N(0, 1) and N(shift, 1)
    (a defensive mixture, Hesterberg 1995: no weight exceeds twice the average). One value is drawn from
    N(0, 1) within each part and weighs the part's probability under N(0, 1): the likelihood ratio, integrated
    over the part. The weights add up to 1 and every mean is unbiased, so nothing is normalised afterwards;
    where precisely the cuts lie matters to neither. Consecutive draws are spread over the whole line.

    Examples
    --------
    >>> drawn = draw_factor(1000, np.random.SeedSequence(1))
    >>> bool(abs(drawn.weight.sum() - 1) < 1e-12), bool(abs(drawn.weight @ drawn.factor) < 0.001)
    (True, True)
    """
    if draws < 1:
        raise ModelError(f"need at least one draw, got {draws}")
    if not math.isfinite(shift):
        raise ModelError(f"shift = {shift!r}: a finite number, 0 for equal weights")
    cuts = _cuts(draws, shift)
    luck = np.random.default_rng(seed).random(draws)
    place = _spread(draws)
    low, high = cuts[:-1][place], cuts[1:][place]
    # Above 0 the upper tail is used, where the lower one has no digits left.
    sign = np.where(low > 0, -1.0, 1.0)
    left, right = special.ndtr(sign * low), special.ndtr(sign * high)
    weight = np.abs(right - left)
    factor = sign * special.ndtri(left + luck * (right - left))
    return FactorDraws(np.clip(factor, -END, END), weight / weight.sum(), True)


def _cuts(draws: int, shift: float) -> FloatArray:
    """Ends of the parts, from minus to plus infinity, shape (draws + 1,)."""
    grid = np.linspace(min(shift, 0.0) - REACH, max(shift, 0.0) + REACH, GRID)
    likely = (special.ndtr(grid) + special.ndtr(grid - shift)) / 2
    inner = np.interp(np.arange(1, draws) / draws, likely, grid)
    return np.concatenate([[-np.inf], inner, [np.inf]])


def _spread(draws: int) -> NDArray[np.int64]:
    """An order of the parts in which every run of neighbours goes over the whole line evenly."""
    step = max(round(draws * GOLDEN), 1)
    while math.gcd(step, draws) != 1:
        step += 1
    return (np.arange(draws, dtype=np.int64) * step) % draws
