"""Scenarios with probabilities: the expectation of the rates, not the rates of the expectation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.overlay.factors import Factor, change_by

__all__ = ["Scenario", "check_scenarios", "expect_over"]

Floats = NDArray[np.float64]
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way the future may go.

    Parameters
    ----------
    name : str
    probability : float
        In (0, 1].
    factors : tuple of Factor
        What it does to the rates; empty leaves them as they are.

    Raises
    ------
    ModelError
        If the name is empty or the probability is none.
    """

    name: str
    probability: float
    factors: tuple[Factor, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ModelError("a scenario has a name")
        if not (math.isfinite(self.probability) and 0 < self.probability <= 1):
            raise ModelError(
                f"scenario {self.name!r}: a probability is above 0 and at most 1, got {self.probability:g}"
            )

    def __str__(self) -> str:
        done = " and ".join(map(str, self.factors)) or "rates as they are"
        return f"{self.name} ({self.probability:.6g}): {done}"


def check_scenarios(scenarios: Sequence[Scenario]) -> tuple[Scenario, ...]:
    """The scenarios, after a look at whether they are one distribution.

    Raises
    ------
    ModelError
        If there is none, two have one name, or their probabilities do not sum to 1.

    Examples
    --------
    >>> check_scenarios([Scenario("base", 0.6), Scenario("bad", 0.3)])
    Traceback (most recent call last):
    arrisk.errors.ModelError: probabilities sum to 1, these (base 0.6, bad 0.3) to 0.9
    """
    if not scenarios:
        raise ModelError("there is no scenario")
    names = [scenario.name for scenario in scenarios]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ModelError(f"two scenarios are named {twice!r}")
    total = math.fsum(scenario.probability for scenario in scenarios)
    if abs(total - 1) > TOLERANCE:
        seen = ", ".join(f"{s.name} {s.probability:.6g}" for s in scenarios)
        raise ModelError(f"probabilities sum to 1, these ({seen}) to {total:.6g}")
    return tuple(scenarios)


def expect_over(
    scenarios: Sequence[Scenario], segments: Sequence[str], buckets: Sequence[str]
) -> Callable[[Floats], Floats]:
    """A function from rates to their expectation over scenarios, shape (..., segments, buckets).

    Each scenario changes and caps the rates first; then they are weighed. Weighing the factors first would
    forget the cap.

    Examples
    --------
    >>> both = [Scenario("base", 0.5), Scenario("bad", 0.5, (Factor(3.0),))]
    >>> expect_over(both, ["all"], ["late"])(np.array([[0.5]]))
    array([[0.75]])
    """
    steps = [
        (s.probability, change_by(s.factors, segments, buckets) if s.factors else None)
        for s in check_scenarios(scenarios)
    ]

    def change(rates: Floats) -> Floats:
        if len(steps) == 1 and steps[0][1] is not None:
            return steps[0][1](rates)
        parts = [chance * (rates if step is None else step(rates)) for chance, step in steps]
        return np.asarray(np.sum(parts, axis=0))

    return change
