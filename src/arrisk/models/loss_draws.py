"""Simulated default events of a book, and the figures drawn from them with their Monte Carlo error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from pandas import DataFrame
from scipy import special, stats

from arrisk.display import frame_html
from arrisk.errors import ModelError
from arrisk.models.losses import conditional_pd, effective_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LossDraws", "loss_measures", "simulate_losses"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
CHUNK = 5_000
PD_GROUP_RATIO = 1.5
CERTAIN = 50.0
LEVELS = (0.95, 0.99, 0.995)


@dataclass(frozen=True, slots=True)
class LossDraws:
    """Default events of many simulated years, stored sparsely: one entry per default.

    Parameters
    ----------
    draws : int
        Simulated years; most have few events.
    draw, obligor : int arrays of shape (events,)
        Year and obligor of each default, sorted by year, then obligor.
    balance, loss : arrays of shape (events,)
        Balance owed at default and loss after recoveries, currency units.
    exposure : array of shape (obligors,)
        Balance of every obligor.
    pd : array of shape (obligors,)
        Probability of default within the year.
    rho : float
        Asset correlation.
    seed : int
        Seed of the run.
    """

    draws: int
    draw: IntArray
    obligor: IntArray
    balance: FloatArray
    loss: FloatArray
    exposure: FloatArray
    pd: FloatArray
    rho: float
    seed: int

    def totals(self, amounts: ArrayLike | None = None) -> FloatArray:
        """Sum per simulated year, shape (draws,): of the losses, or of one amount per event."""
        values = self.loss if amounts is None else np.asarray(amounts, dtype=float)
        return np.bincount(self.draw, weights=values, minlength=self.draws).astype(float)

    @property
    def table(self) -> DataFrame:
        """Expected, quantile and tail losses with Monte Carlo errors (see `loss_measures`)."""
        return loss_measures(self.totals())

    @property
    def diagnostics(self) -> dict[str, float]:
        """Size of the run and concentration of the book."""
        return {
            "draws": float(self.draws),
            "events": float(self.draw.size),
            "obligors": float(self.exposure.size),
            "effective_names": effective_names(self.exposure),
            "rho": self.rho,
            "seed": float(self.seed),
        }

    def plot(self, ax: Axes | None = None) -> Axes:
        """Chance that a year's loss exceeds an amount, with the 99% point marked."""
        import matplotlib.pyplot as plt

        ax = ax if ax is not None else plt.subplots()[1]
        totals = np.sort(self.totals())
        ax.plot(totals, 1 - np.arange(totals.size) / totals.size, color="#0072B2")
        mark = float(np.quantile(totals, 0.99))
        ax.axvline(mark, color="#D55E00", linestyle="--")
        ax.set_title(f"One year in a hundred costs more than {mark:,.0f}")
        ax.set(xlabel="loss in a year (currency units)", ylabel="chance of a larger loss", yscale="log")
        return ax

    def _repr_html_(self) -> str:
        title = f"Loss of a year, {self.draws:,} simulated years"
        return frame_html(self.table, title, "mc_low and mc_high: 95% Monte Carlo range of each figure.")


def simulate_losses(
    pd: ArrayLike,
    exposure: ArrayLike,
    lgd: ArrayLike,
    rho: float,
    draws: int = 20_000,
    seed: int = 0,
    n_jobs: int = 1,
) -> LossDraws:
    """Simulate the defaults of a year under one common factor, storing defaults only.

    Parameters
    ----------
    pd : float or array of shape (obligors,)
        Probability of default within the year.
    exposure : array of shape (obligors,)
        Balance owed at default, currency units.
    lgd : float or array of shape (obligors,)
        Share of the balance lost after recoveries.
    rho : float
        Asset correlation, in [0, 1).
    draws : int
        Simulated years.
    seed : int
        One child seed per chunk of years, so the result does not depend on `n_jobs`.
    n_jobs : int
        Workers.

    Returns
    -------
    LossDraws

    Raises
    ------
    ModelError
        If shapes do not fit or values are out of range.

    Notes
    -----
    Given the factor, obligors of a group (similar PDs) are hit as a Poisson process whose rate makes a hit
    exactly as likely as the largest PD of the group; each hit is kept with the ratio of the obligor's PD to
    that. This is exact and costs work per default, not per obligor.

    Examples
    --------
    >>> runs = simulate_losses(0.02, [100.0] * 50, 0.5, rho=0.15, draws=2000, seed=1)
    >>> bool(abs(runs.totals().mean() - 50) < 10)
    True
    """
    amounts = np.asarray(exposure, dtype=float)
    if amounts.ndim != 1 or amounts.size == 0 or not (amounts >= 0).all():
        raise ModelError("exposure is one amount per obligor, none negative")
    if draws < 1:
        raise ModelError(f"need at least one draw, got {draws}")
    try:
        chance = np.broadcast_to(np.asarray(pd, dtype=float), amounts.shape).copy()
        severity = np.broadcast_to(np.asarray(lgd, dtype=float), amounts.shape)
    except ValueError as error:
        raise ModelError(f"pd and lgd must fit {amounts.size} obligors") from error
    conditional_pd(chance, rho, 0.0)
    if not ((severity >= 0) & (severity <= 1)).all():
        raise ModelError("loss given default lies between 0 and 1")
    sizes = [min(CHUNK, draws - start) for start in range(0, draws, CHUNK)]
    seeds = np.random.SeedSequence(seed).spawn(len(sizes))
    parts = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(_chunk)(chance, rho, size, child) for size, child in zip(sizes, seeds, strict=True)
    )
    draw = np.concatenate([part[0] + CHUNK * i for i, part in enumerate(parts)])
    who = np.concatenate([part[1] for part in parts])
    balance = amounts[who]
    return LossDraws(draws, draw, who, balance, balance * severity[who], amounts, chance, float(rho), seed)


def _chunk(
    chance: FloatArray, rho: float, size: int, seed: np.random.SeedSequence
) -> tuple[IntArray, IntArray]:
    """Events of `size` years: (year within the chunk, obligor), sorted."""
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal(size)
    edge = special.ndtri(chance) / math.sqrt(1 - rho)
    shift = math.sqrt(rho / (1 - rho)) * factor
    years, names = [], []
    for group in _pd_groups(chance):
        ceiling = special.ndtr(edge[group].max() - shift)
        with np.errstate(divide="ignore"):
            rate = np.minimum(-np.log1p(-ceiling), CERTAIN)
        hits = rng.poisson(rate * group.size)
        year = np.repeat(np.arange(size), hits)
        who = group[rng.integers(0, group.size, year.size)]
        pair = _distinct(year * chance.size + who)
        year, who = pair // chance.size, pair % chance.size
        keep = rng.random(pair.size) * ceiling[year] < special.ndtr(edge[who] - shift[year])
        years.append(year[keep])
        names.append(who[keep])
    year, who = np.concatenate(years), np.concatenate(names)
    order = np.argsort(year * chance.size + who)
    return year[order].astype(np.int64), who[order].astype(np.int64)


def _distinct(values: IntArray) -> IntArray:
    """Sorted distinct values; sorting beats the hash table of `numpy.unique` on millions of keys."""
    ordered = np.sort(values)
    first = np.ones(ordered.size, dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return np.asarray(ordered[first], dtype=np.int64)


def _pd_groups(chance: FloatArray) -> list[IntArray]:
    """Obligors with a positive PD, in groups whose PDs differ by at most a fixed ratio."""
    alive = np.flatnonzero(chance > 0)
    if alive.size == 0:
        return [np.array([0], dtype=np.int64)]
    step = np.floor(np.log(chance[alive]) / math.log(PD_GROUP_RATIO)).astype(np.int64)
    return [alive[step == value] for value in np.unique(step)]


def loss_measures(totals: ArrayLike, levels: Sequence[float] = LEVELS, confidence: float = 0.95) -> DataFrame:
    """Mean, quantiles and tail means of simulated totals, each with its Monte Carlo range.

    Parameters
    ----------
    totals : array of shape (draws,)
        Loss per simulated year.
    levels : sequence of float
        Quantile levels, for example 0.99.
    confidence : float
        Coverage of the Monte Carlo ranges.

    Returns
    -------
    DataFrame
        One row per measure: term ("expected", "quantile_99", "tvar_99"), estimate, mc_low, mc_high, mc_error
        (standard error). Quantile ranges come from order statistics and need no density; tail means use the
        variance of Manistre and Hancock (2005).

    Examples
    --------
    >>> list(loss_measures([0.0, 0.0, 10.0, 30.0], levels=[0.5]).term)
    ['expected', 'quantile_50', 'tvar_50']
    """
    values = np.sort(np.asarray(totals, dtype=float))
    if values.size == 0:
        raise ModelError("no draws to measure")
    z = float(stats.norm.ppf(0.5 + confidence / 2))
    error = float(values.std(ddof=1)) / math.sqrt(values.size) if values.size > 1 else math.nan
    mean = float(values.mean())
    rows: list[tuple[str, float, float, float, float]] = [
        ("expected", mean, mean - z * error, mean + z * error, error)
    ]
    for level in levels:
        name = f"{level * 100:g}"
        point, low, high = _quantile(values, level, confidence)
        rows.append((f"quantile_{name}", point, low, high, (high - low) / (2 * z)))
        tail, error = _tail_mean(values, level)
        rows.append((f"tvar_{name}", tail, tail - z * error, tail + z * error, error))
    return DataFrame(rows, columns=["term", "estimate", "mc_low", "mc_high", "mc_error"])


def _quantile(ordered: FloatArray, level: float, confidence: float) -> tuple[float, float, float]:
    """Order statistic at `level` and the pair of order statistics that covers the true quantile."""
    n = ordered.size
    at = math.ceil(level * n) - 1
    tail = (1 - confidence) / 2
    low = int(stats.binom.ppf(tail, n, level)) - 1
    high = int(stats.binom.ppf(1 - tail, n, level))
    low, high = max(low, 0), min(high, n - 1)
    return float(ordered[max(at, 0)]), float(ordered[low]), float(ordered[high])


def _tail_mean(ordered: FloatArray, level: float) -> tuple[float, float]:
    """Mean of the worst ``1 - level`` of the draws, the boundary draw counted in part, and its error."""
    n = ordered.size
    weight = n * (1 - level)
    whole = math.floor(weight + 1e-9)
    top = ordered[n - whole :]
    edge = float(ordered[max(n - whole - 1, 0)])
    mean = (float(top.sum()) + max(weight - whole, 0.0) * edge) / weight
    spread = float(top.var(ddof=1)) if whole > 1 else 0.0
    return mean, math.sqrt((spread + level * (mean - edge) ** 2) / weight)
