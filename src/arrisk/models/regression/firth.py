"""Firth's re-centred intercept and intervals from the profile of a (penalised) likelihood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit

from arrisk.errors import ModelError
from arrisk.models.regression.design import Design
from arrisk.models.regression.likelihood import Point, climb, firth_point, inverse, likelihood_point

__all__ = ["Profile", "profile_of", "recentring"]

Floats = NDArray[np.float64]
MAX_STEPS = 50
CLOSE = 1e-7
SMALLEST_STEP = 1e-6


@dataclass(frozen=True, slots=True)
class Profile:
    """Ends of profile-likelihood intervals, shape (k, 2), and likelihood-ratio p-values, shape (k,)."""

    ends: Floats
    p_values: Floats

    def shifted(self, by: float) -> Profile:
        """With the interval of the constant moved along with it."""
        ends = self.ends.copy()
        ends[0] += by
        return Profile(ends, self.p_values)


def recentring(design: Design, beta: Floats) -> float:
    """Shift of the intercept after which fitted probabilities sum to the events (FLIC, Puhr et al. 2017)."""
    eta = design.linear(beta)
    everything = slice(0, eta.size)
    _, events = design.counts
    shift = 0.0
    for _ in range(MAX_STEPS):
        p = expit(eta + shift)
        slope = float(design.weighted(everything, p * (1 - p)).sum())
        change = float(np.clip((events - design.weighted(everything, p).sum()) / slope, -1.0, 1.0))
        shift += change
        if abs(change) < 1e-12:
            return shift
    raise ModelError("the intercept could not be re-centred")


def profile_of(design: Design, top: Point, firth: bool, level: float) -> Profile:
    """Profile every coefficient, in the units of the covariates.

    The interval of b_j holds the values whose profile lies within half a chi-squared quantile of the top:
    2 (l(b) - max l(b | b_j)) <= chi2(level, 1). Firth's penalty always takes the whole information matrix, as
    logistf does (Heinze and Schemper 2002).
    """
    ends, p_values = np.empty((top.beta.size, 2)), np.empty(top.beta.size)
    turn = design.from_standard
    beside = replace(design, mean=np.zeros_like(design.mean))
    # Only without centring is the constant a coordinate of its own.
    raw = np.concatenate([[(turn @ top.beta)[0]], top.beta[1:]])
    for j, line in enumerate(
        [_Line(beside, raw, top.value, firth, 0)]
        + [_Line(design, top.beta, top.value, firth, j) for j in range(1, top.beta.size)]
    ):
        unit = turn[j, j]
        ends[j] = [unit * line.end(side, np.sqrt(stats.chi2.ppf(level, 1))) for side in (-1.0, 1.0)]
        p_values[j] = stats.chi2.sf(line.fall(0.0), 1)
    return Profile(ends, p_values)


class _Line:
    """The profile of one coefficient: the highest likelihood with the coefficient held at a value."""

    def __init__(self, design: Design, top: Floats, value: float, firth: bool, j: int) -> None:
        self.at: Callable[[Floats], Point] = lambda beta: (firth_point if firth else likelihood_point)(
            design, beta
        )
        self.top, self.value, self.j = top, value, j
        self.free = np.arange(top.size) != j
        spread = inverse(self.at(top).information)
        self.along, self.error = spread[:, j] / spread[j, j], float(np.sqrt(spread[j, j]))

    def held(self, value: float, near: Floats) -> Point:
        """The top of the others, searched from where the information expects it, seen from a point near."""
        start = near + (value - near[self.j]) * self.along
        return climb(self.at, start, self.free, smallest_step=SMALLEST_STEP)

    def fall(self, value: float) -> float:
        """Twice the fall of the likelihood from its top."""
        return max(0.0, 2.0 * (self.value - self.held(value, self.top).value))

    def end(self, side: float, target: float) -> float:
        """Where the root of the fall, nearly a straight line, reaches the target: Newton within a bracket."""
        near, far = 0.0, np.inf
        away, at = target * self.error, self.top
        for _ in range(MAX_STEPS):
            point = self.held(float(self.top[self.j] + side * away), at)
            at = point.beta
            root = float(np.sqrt(max(0.0, 2.0 * (self.value - point.value))))
            if abs(root - target) < CLOSE:
                return float(self.top[self.j] + side * away)
            near, far = (away, far) if root < target else (near, away)
            slope = -side * float(point.score[self.j]) / max(root, CLOSE)
            guess = away + (target - root) / slope if slope > 0 else np.inf
            away = guess if near < guess < min(far, 3 * away) else min((near + far) / 2, 2 * away)
        raise ModelError("an end of a profile-likelihood interval was not found")
