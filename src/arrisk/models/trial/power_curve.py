"""Power of a trial from the ledger's own past: it is run on past months many times, with an effect added.

Nothing is assumed of the shape of the outcome: unequal customers, ties, seasons and customers who buy nothing
are those of the book. What is assumed is that the months of the trial will be like the past ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from textwrap import fill
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html, stamp
from arrisk.errors import ModelError
from arrisk.models.trial.ancova import as_normal, draw_allocations, make_ancova
from arrisk.models.trial.past import TrialData
from arrisk.models.trial.stopping import StoppingRule
from arrisk.models.trial.strata import count_treated

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PowerCurve", "TrialDraws", "information", "power_curve", "simulate_trials", "take_up_curve"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
CHUNK = 100
STEPS = 41
WIDTH = 62
LEAST_STEP = 0.01
TAKE_UPS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


@dataclass(frozen=True, slots=True)
class TrialDraws:
    """Simulated trials; see `simulate_trials`.

    Parameters
    ----------
    shift, se : arrays, trials x looks
        Estimate and its standard error.
    df : array, trials x looks
    effect : float
        Mean effect on all treated that was planted; 0 without one.
    treated, units : int
        Treated units and all units of a trial.
    """

    shift: Floats
    se: Floats
    df: Floats
    effect: float
    treated: int
    units: int

    def crossed(self, rule: StoppingRule, sign: int, more: float = 0.0) -> Flags:
        """Which trials cross the boundary on the side of the effect before the other one, at some look.

        Parameters
        ----------
        rule : StoppingRule
        sign : int
            1 when more of the outcome is better, else -1.
        more : float
            Added to the outcome of everyone treated. It moves every estimate by itself and leaves the
            standard errors as they are.
        """
        z = sign * as_normal((self.shift + more) / self.se, self.df)
        over, under = z >= np.asarray(rule.benefit), z <= -np.asarray(rule.harm)
        first = np.where(over.any(axis=1), over.argmax(axis=1), rule.looks)
        hurt = np.where(under.any(axis=1), under.argmax(axis=1), rule.looks)
        return np.asarray(hurt < first if sign * (self.effect + more) < 0 else first < hurt, dtype=bool)


@dataclass(frozen=True, slots=True)
class PowerCurve:
    """Chance to see an effect by its size; make one with `power_curve`.

    Parameters
    ----------
    table : DataFrame
        A row a size: `shift`, `power`, `mc_error` (standard error of the simulation).
    detectable : float
        Size that is seen with the chance `target`.
    target, level : float
    treated, units : int
    trials : int
        Simulated.
    unit : str
        Of the outcome.
    as_of : Timestamp
    """

    table: pd.DataFrame
    detectable: float
    target: float
    level: float
    treated: int
    units: int
    trials: int
    unit: str
    as_of: pd.Timestamp

    def finding(self) -> str:
        """What the trial can show, in one sentence."""
        return (
            f"{self.units:,} customers, {self.treated:,} of them treated, show a shift of "
            f"{self.detectable:.3g} {self.unit} with {self.target:.0%}"
        )

    def power(self, shift: float) -> float:
        """Chance to see a shift in the good direction, read from the curve."""
        return float(np.interp(abs(shift), self.table["shift"], self.table["power"]))

    def to_table(self, name: str = "trial_power") -> Table:
        """The curve, ready to be shown."""
        rows = self.table.iloc[:: max(1, len(self.table) // 10)].reset_index(drop=True)
        note = (
            f"{self.trials:,} trials simulated on the book's own past; two-sided at {self.level:.0%}. "
            "mc_error is the standard error of the simulation."
        )
        shares = dict.fromkeys(("power", "mc_error"), "percent")
        return Table(name, self.finding(), rows, note, shares)  # type: ignore[arg-type]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Power by size of the effect, with the size that is seen with the target chance."""
        axes = plt.subplots()[1] if ax is None else ax
        x, y = self.table["shift"], self.table["power"]
        axes.fill_between(
            x, y - 2 * self.table["mc_error"], y + 2 * self.table["mc_error"], color="#0072B2", alpha=0.2
        )
        axes.plot(x, y, color="#0072B2")
        axes.axhline(self.target, color="0.6", linewidth=0.8)
        axes.axvline(self.detectable, color="#D55E00", linestyle="--")
        axes.set(ylim=(0, 1.02), xlabel=f"size of the effect, {self.unit}", ylabel="chance to see it")
        axes.set_title(fill(self.finding(), WIDTH), loc="left")
        return stamp(axes, self.as_of, f"band: simulation error of {self.trials:,} trials")

    def __repr__(self) -> str:
        return f"PowerCurve, as of {self.as_of:%Y-%m-%d}. {self.finding()}"

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def simulate_trials(
    pasts: Sequence[TrialData], share: float, *, trials: int = 400, take_up: float = 0.0, seed: int = 0
) -> TrialDraws:
    """Run the trial on past months many times.

    Parameters
    ----------
    pasts : sequence of TrialData
        See `past_trials`; each stands for an equal part of the trials.
    share : float
        Treated part of the units.
    trials : int
    take_up : float
        Chance that a treated unit takes what it is offered, which changes its outcome by its `gain`: takers
        take always and others never, the choice that leaves the least power. With 0 an effect is the same
        for everyone treated.
    seed : int

    Returns
    -------
    TrialDraws

    Raises
    ------
    ModelError
        If an arm would be empty.
    """
    many = max(1, -(-trials // len(pasts)))
    roots = np.random.SeedSequence(seed).spawn(len(pasts))
    parts = [
        _simulate(data, share, many, take_up, np.random.default_rng(root))
        for data, root in zip(pasts, roots, strict=True)
    ]
    shift, se, df, treated = (np.concatenate(x) for x in zip(*parts, strict=True))
    effect = take_up * float(np.mean([_mean_gain(data) for data in pasts]))
    units = round(float(np.mean([len(data.units) for data in pasts])))
    return TrialDraws(shift, se, df, effect, round(float(treated.mean())), units)


def _mean_gain(data: TrialData) -> float:
    """Mean of the gain over all units, as the outcome at the last look counts them."""
    return float(np.average(data.gain[:, -1], weights=data.weight[:, -1]))


def _simulate(
    data: TrialData, share: float, many: int, take_up: float, rng: np.random.Generator
) -> tuple[Floats, ...]:
    count = count_treated(data.sizes, share, rng)
    if not 0 < count.sum() < len(data.units):
        raise ModelError(
            f"{int(count.sum())} of {len(data.units)} customers would be treated: an arm is empty"
        )
    baseline = data.units["baseline"].to_numpy(dtype=float)
    fits = [
        make_ancova(y, data.stratum, baseline, w) for y, w in zip(data.outcome.T, data.weight.T, strict=True)
    ]
    df = np.array([float(f.df) for f in fits])
    parts = []
    for begin in range(0, many, CHUNK):
        arms = draw_allocations(data.stratum, count, min(CHUNK, many - begin), rng)
        takes = arms & (rng.random(arms.shape) < take_up)
        found = [f.estimate(arms, takes * g) for f, g in zip(fits, data.gain.T, strict=True)]
        shift, se = (np.column_stack([getattr(f, name) for f in found]) for name in ("shift", "se"))
        parts.append((shift, se, np.tile(df, (len(arms), 1)), arms.sum(axis=1).astype(float)))
    return tuple(np.concatenate(x) for x in zip(*parts, strict=True))


def information(draws: TrialDraws) -> tuple[float, ...]:
    """Information at each look over that of the last: the variance at the end over the variance then.

    More months say less than in proportion, because each customer has its own habit that no month averages
    out; the boundaries are set for what was measured.
    """
    spread = np.nanvar(draws.shift, axis=0)
    looks = np.arange(1, len(spread) + 1)
    # Simulation may show a later look to know less; the recursion needs a step between any two.
    rising = np.maximum.accumulate(spread[-1] / spread + LEAST_STEP * looks)
    capped = np.minimum(rising - LEAST_STEP * looks[-1], 1 - LEAST_STEP * (looks[-1] - looks))
    return (*(float(f) for f in np.maximum(capped, LEAST_STEP * looks)[:-1]), 1.0)


def power_curve(
    draws: TrialDraws,
    rule: StoppingRule,
    *,
    sign: int,
    unit: str,
    as_of: pd.Timestamp,
    power: float = 0.8,
    steps: int = STEPS,
) -> PowerCurve:
    """Chance to see an effect that is the same for everyone treated, by its size.

    Parameters
    ----------
    draws : TrialDraws
        Simulated without an effect: one simulation gives the whole curve.
    rule : StoppingRule
    sign : int
        1 when more of the outcome is better, else -1.
    unit : str
        Of the outcome.
    as_of : Timestamp
    power : float
        The chance that the detectable size is read at.
    steps : int
        Points of the curve.
    """
    sizes = np.linspace(0.0, 6.0 * float(np.nanmedian(draws.se[:, -1])), steps)
    chance = np.array([float(draws.crossed(rule, sign, sign * s).mean()) for s in sizes])
    return _curve(sizes, chance, draws, (power, rule.level), unit, as_of)


def take_up_curve(
    pasts: Sequence[TrialData],
    share: float,
    rule: StoppingRule,
    *,
    sign: int,
    unit: str,
    as_of: pd.Timestamp,
    power: float = 0.8,
    trials: int = 400,
    seed: int = 0,
) -> PowerCurve:
    """Chance to see the effect of an offer by the part of the customers that takes it.

    The size is the shift of all who are offered: the more take, the larger it is.

    Parameters
    ----------
    pasts : sequence of TrialData
        With the `gain` of who takes.
    share : float
        Offered part of the units.
    rule, sign, unit, as_of, power
        See `power_curve`.
    trials, seed : int
        See `simulate_trials`.
    """
    drawn = [simulate_trials(pasts, share, trials=trials, take_up=p, seed=seed) for p in TAKE_UPS]
    side = float(np.sign(drawn[-1].effect)) or sign
    sizes = np.array([abs(d.effect) for d in drawn])
    chance = np.array([float(d.crossed(rule, sign, 1e-12 * side).mean()) for d in drawn])
    curve = _curve(sizes, chance, drawn[-1], (power, rule.level), unit, as_of)
    return replace(curve, table=curve.table.assign(take_up=TAKE_UPS))


def _curve(
    sizes: Floats,
    chance: Floats,
    draws: TrialDraws,
    odds: tuple[float, float],
    unit: str,
    as_of: pd.Timestamp,
) -> PowerCurve:
    count = len(draws.shift)
    error = np.sqrt(np.clip(chance * (1 - chance), 0.0, None) / count)
    table = pd.DataFrame({"shift": sizes, "power": chance, "mc_error": error})
    above = np.maximum.accumulate(chance)
    k = int(np.searchsorted(above, odds[0]))
    near = slice(max(k - 1, 0), k + 1)
    seen = float(np.interp(odds[0], above[near], sizes[near])) if k < len(sizes) else float("inf")
    return PowerCurve(table, seen, *odds, draws.treated, draws.units, count, unit, as_of)
