"""Draws of assumptions, and how a figure over draws is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from arrisk.policy.assumptions import Assumption
from arrisk.policy.grade_terms.inputs import draw_triangle

if TYPE_CHECKING:
    from arrisk.policy.study import Study

__all__ = ["draw_assumptions", "mean_and_range"]

Floats = NDArray[np.float64]


def draw_assumptions(
    study: Study, given: tuple[Assumption, ...], draws: int, key: tuple[int, ...]
) -> dict[str, Floats]:
    """The value of each assumption and draws from the triangle over its range; arrays of shape (1 + draws,).

    Parameters
    ----------
    study : Study
        Gives the seed.
    given : tuple of Assumption
    draws : int
    key : tuple of int
        Names the branch of the seed, so that no two figures share their draws by accident.
    """
    seeds = np.random.SeedSequence(study.seed, spawn_key=key).spawn(len(given))
    return {
        a.name: np.append(a.value, draw_triangle(a, draws, np.random.default_rng(s)))
        for a, s in zip(given, seeds, strict=True)
    }


def mean_and_range(name: str, draws: Floats, level: float) -> dict[str, float]:
    """Mean of the draws and their quantiles, widened to hold it.

    Examples
    --------
    >>> {k: round(v, 2) for k, v in mean_and_range("x", np.array([1.0, 2.0, 6.0]), 0.5).items()}
    {'x': 3.0, 'x_low': 1.5, 'x_high': 4.0}
    """
    mean = float(draws.mean())
    low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2])
    return {name: mean, f"{name}_low": min(float(low), mean), f"{name}_high": max(float(high), mean)}
