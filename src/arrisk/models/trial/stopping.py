"""When a trial may stop early: alpha spent over the looks, with exact boundaries by recursive integration.

Lan and DeMets (1983) spending of the error, with the boundaries of Armitage, McPherson and Rowe's (1969)
recursion over the sub-density of the running statistic, as in Jennison and Turnbull (2000, chapter 19).
Looking at a trial several times with the usual 1.96 finds an effect that is not there far more often than
one time in twenty; the boundaries here keep the promised error whatever the looks show.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, special, stats

from arrisk.display import Table

__all__ = ["SPENDINGS", "Crossing", "Spending", "StoppingRule", "crossing", "make_stopping_rule", "spend"]

Spending = Literal["obrien-fleming", "pocock"]
SPENDINGS = ("obrien-fleming", "pocock")
NODES = 128
FAR = 9.0
LEGENDRE = np.polynomial.legendre.leggauss(NODES)
Floats = NDArray[np.float64]


def spend(fraction: float, alpha: float, spending: Spending) -> float:
    """Error that may have been spent by a fraction of the information, on one side.

    Parameters
    ----------
    fraction : float
        Information so far over that of the whole trial, above 0; 1 and more spend all.
    alpha : float
        Of one side, in the end.
    spending : {"obrien-fleming", "pocock"}
        ``2 - 2 Phi(z(1 - alpha / 2) / sqrt(t))``, hardly anything early, or
        ``alpha ln(1 + (e - 1) t)``, evenly.

    Examples
    --------
    >>> round(spend(0.5, 0.025, "obrien-fleming"), 5), round(spend(0.5, 0.025, "pocock"), 5)
    (0.00153, 0.0155)
    """
    if spending not in SPENDINGS:
        raise ValueError(f"spending = {spending!r}: allowed are {', '.join(SPENDINGS)}")
    if fraction <= 0:
        return 0.0
    t = min(fraction, 1.0)
    if spending == "pocock":
        return alpha * math.log(1 + (math.e - 1) * t)
    return float(2 * stats.norm.sf(stats.norm.ppf(1 - alpha / 2) / math.sqrt(t)))


@dataclass(frozen=True, slots=True)
class Crossing:
    """Chances to cross at each look.

    Parameters
    ----------
    benefit, harm : tuple of float, looks
        Chance to stop there across that boundary.
    """

    benefit: tuple[float, ...]
    harm: tuple[float, ...]

    @property
    def power(self) -> float:
        """Chance to stop for benefit at some look."""
        return sum(self.benefit)

    def expected(self, sizes: Sequence[float]) -> float:
        """Mean of a size (of the trial at each look: months, customers, invoices) at the stop."""
        chance = np.add(self.benefit, self.harm)
        chance[-1] = 1 - chance[:-1].sum()
        return float(chance @ np.asarray(sizes, dtype=float))


@dataclass(frozen=True, slots=True)
class StoppingRule:
    """Boundaries of the z statistic at planned looks; above 0 is better. Make one with `make_stopping_rule`.

    Parameters
    ----------
    fractions : tuple of float, looks
        Information at each look over that of the last, rising to 1.
    benefit, harm : tuple of float, looks
        The trial stops when z is at or above `benefit`, or at or below ``-harm``.
    level : float
        One less the chance to cross either boundary when there is no effect.
    spending, harm_spending : str
        See `spend`.
    futility : float
        The trial may stop when its conditional power for the planned effect falls below it; 0 never does.
        Not binding: the error holds when it is ignored.
    """

    fractions: tuple[float, ...]
    benefit: tuple[float, ...]
    harm: tuple[float, ...]
    level: float
    spending: Spending
    harm_spending: Spending
    futility: float

    @property
    def looks(self) -> int:
        """Number of looks."""
        return len(self.fractions)

    def crossing(self, power: float | None = None, *, drift: float = 0.0) -> Crossing:
        """Chances to cross at a drift of z at the end, or at what a single look shows with `power`."""
        end = drift if power is None else _drift(self.level, power)
        return crossing(self.fractions, self.benefit, self.harm, end)

    def conditional_power(self, look: int, z: float, drift: float) -> float:
        """Chance to cross the last benefit boundary from z at a look, if the effect is the planned one.

        Parameters
        ----------
        look : int
            From 1.
        z : float
        drift : float
            Mean of the last z under the planned effect.

        Examples
        --------
        >>> rule = make_stopping_rule((0.5, 1.0))
        >>> round(rule.conditional_power(1, 0.0, 2.8), 2)
        0.21
        """
        t = self.fractions[look - 1]
        if t >= 1:
            return float(z >= self.benefit[-1])
        ahead = self.benefit[-1] - z * math.sqrt(t) - drift * (1 - t)
        return float(stats.norm.sf(ahead / math.sqrt(1 - t)))

    def decide(self, look: int, z: float, drift: float | None = None) -> str:
        """What the rule says at a look: "benefit", "harm", "futility", "go on"; at the last "no effect"."""
        if z >= self.benefit[look - 1]:
            return "benefit"
        if z <= -self.harm[look - 1]:
            return "harm"
        if look >= self.looks:
            return "no effect"
        if drift is not None and self.conditional_power(look, z, drift) < self.futility:
            return "futility"
        return "go on"

    def finding(self) -> str:
        """The rule in one sentence."""
        if self.looks == 1:
            return f"One look at the end, at {self.level:.0%}: no early stop"
        first, last = self.benefit[0], self.benefit[-1]
        return (
            f"{self.looks} looks at {self.level:.0%} in all: stop for benefit from z = {first:.2f} at the "
            f"first look, {last:.2f} at the last; for harm from {-self.harm[0]:.2f} and {-self.harm[-1]:.2f}"
        )

    def to_table(self, name: str = "stopping_rule") -> Table:
        """Boundaries by look, with the error spent and the chance to stop there."""
        none, planned = self.crossing(), self.crossing(0.8)
        frame = pd.DataFrame(
            {
                "look": range(1, self.looks + 1),
                "information": self.fractions,
                "benefit_from_z": self.benefit,
                "harm_to_z": [-h for h in self.harm],
                "stop_without_effect": np.add(none.benefit, none.harm),
                "stop_with_planned_effect": planned.benefit,
            }
        )
        note = (
            f"Chances by the recursion of Armitage, McPherson and Rowe; {self.spending} spending for "
            f"benefit, {self.harm_spending} for harm. Planned effect: what one look shows with 80%."
        )
        shares = ("information", "stop_without_effect", "stop_with_planned_effect")
        return Table(name, self.finding(), frame, note, dict.fromkeys(shares, "percent"))


def make_stopping_rule(
    fractions: Sequence[float],
    *,
    level: float = 0.95,
    spending: Spending = "obrien-fleming",
    harm_spending: Spending | None = None,
    futility: float = 0.1,
) -> StoppingRule:
    """Boundaries for looks at given fractions of the information.

    Parameters
    ----------
    fractions : sequence of float
        Rising, the last 1.
    level : float
        One less the two-sided error in all.
    spending : {"obrien-fleming", "pocock"}
        For benefit.
    harm_spending : {"obrien-fleming", "pocock"}, optional
        For harm; as for benefit by default.
    futility : float
        See `StoppingRule`.

    Returns
    -------
    StoppingRule

    Raises
    ------
    ValueError
        If the fractions do not rise to 1.

    Examples
    --------
    >>> [round(b, 3) for b in make_stopping_rule((0.2, 0.4, 0.6, 0.8, 1.0)).benefit]
    [4.877, 3.357, 2.68, 2.29, 2.031]
    """
    t = tuple(float(f) for f in fractions)
    if not t or t[0] <= 0 or t[-1] != 1.0 or any(b <= a for a, b in pairwise(t)):
        raise ValueError(f"fractions = {t}: rising numbers above 0, the last of them 1")
    if not 0 < level < 1:
        raise ValueError(f"level = {level!r}: between 0 and 1")
    other = spending if harm_spending is None else harm_spending
    up, down = [], []
    state = _start()
    for k in range(len(t)):
        step = t[k] - (t[k - 1] if k else 0.0)
        up.append(_edge(state, step, t, k, (1 - level) / 2, spending))
        down.append(_edge(_mirrored(state), step, t, k, (1 - level) / 2, other))
        state = _advance(state, step, -down[k], up[k])
    root = np.sqrt(t)
    benefit = tuple(float(u / r) for u, r in zip(up, root, strict=True))
    harm = tuple(float(d / r) for d, r in zip(down, root, strict=True))
    return StoppingRule(t, benefit, harm, level, spending, other, futility)


def crossing(
    fractions: Sequence[float], benefit: Sequence[float], harm: Sequence[float], drift: float
) -> Crossing:
    """Chance to cross each boundary first at each look, when z at the end has mean `drift` and variance 1.

    Parameters
    ----------
    fractions, benefit, harm : sequences, looks
        See `StoppingRule`.
    drift : float
        Under no effect 0.

    Examples
    --------
    >>> rule = make_stopping_rule((0.5, 1.0))
    >>> round(sum(crossing(rule.fractions, rule.benefit, rule.harm, 0.0).benefit), 4)
    0.025
    """
    state, before = _start(), 0.0
    up, down = [], []
    for t, high, low in zip(fractions, benefit, harm, strict=True):
        step = t - before
        top, bottom = high * math.sqrt(t), -low * math.sqrt(t)
        up.append(_beyond(state, step, top, drift))
        down.append(_beyond(_mirrored(state), step, -bottom, -drift))
        state, before = _advance(state, step, bottom, top, drift), t
    return Crossing(tuple(up), tuple(down))


@dataclass(frozen=True, slots=True)
class _Density:
    """Nodes of the Brownian motion that has not stopped, and their masses."""

    nodes: Floats
    mass: Floats


def _start() -> _Density:
    return _Density(np.zeros(1), np.ones(1))


def _mirrored(state: _Density) -> _Density:
    return _Density(-state.nodes, state.mass)


def _beyond(state: _Density, step: float, edge: float, drift: float = 0.0) -> float:
    """Chance to stand above an edge after a step of information."""
    ahead = (edge - state.nodes - drift * step) / math.sqrt(step)
    return float(state.mass @ special.ndtr(-ahead))


def _advance(state: _Density, step: float, bottom: float, top: float, drift: float = 0.0) -> _Density:
    """The density after a step, between the boundaries (Gauss-Legendre nodes)."""
    points, weights = LEGENDRE
    middle, half = (top + bottom) / 2, (top - bottom) / 2
    nodes = middle + half * points
    moved = (nodes[:, None] - state.nodes[None, :] - drift * step) / math.sqrt(step)
    density = np.exp(-(moved**2) / 2) @ state.mass / math.sqrt(2 * math.pi * step)
    return _Density(nodes, half * weights * density)


def _edge(
    state: _Density, step: float, fractions: Sequence[float], look: int, alpha: float, spending: Spending
) -> float:
    """The boundary that spends what the spending function allows at this look, on the scale of the motion."""
    before = spend(fractions[look - 1], alpha, spending) if look else 0.0
    allowed = spend(fractions[look], alpha, spending) - before
    far = FAR * math.sqrt(fractions[look])
    if _beyond(state, step, far) >= allowed:
        return far
    return float(optimize.brentq(lambda c: _beyond(state, step, c) - allowed, -far, far, xtol=1e-10))


def _drift(level: float, power: float) -> float:
    return float(stats.norm.ppf(0.5 + level / 2) + stats.norm.ppf(power))
