"""The best few bins from many fine ones: an exact search over all ways to join neighbours.

The search maximises the likelihood of the events given the bins, over every division into neighbouring fine
bins that respects the smallest sizes and the course of the weight of evidence asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

__all__ = ["Division", "Limits", "Monotone", "best_division", "order_categories"]

Floats = NDArray[np.float64]
Monotone = Literal["auto", "either", "increasing", "decreasing"] | None
# Twice the log-likelihood that a turn must gain: chi-square with one degree of freedom, p = .005.
TURN_PRICE = 8.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a division into bins must respect.

    Parameters
    ----------
    bins : int
        Most bins.
    share : float
        Least share of a bin in the rows counted (those with an ordinary value).
    events : float
        Least number of events, and of non-events, in a bin.
    smoothing : float
        Of the weight of evidence that must be monotone.
    """

    bins: int
    share: float
    events: float
    smoothing: float


@dataclass(frozen=True, slots=True)
class Division:
    """Fine bins joined: bin k holds the fine bins ``cuts[k-1]`` to ``cuts[k] - 1``.

    Parameters
    ----------
    cuts : tuple of int
        First fine bin of each bin after the first.
    direction : str
        Of the weight of evidence: "increasing", "decreasing", "peak", "valley", "free" or "one bin".
    gain : float
        Twice the gain in log-likelihood over one bin, less the price of a turn.
    """

    cuts: tuple[int, ...]
    direction: str
    gain: float


def best_division(
    events: Floats,
    nonevents: Floats,
    totals: tuple[float, float],
    limits: Limits,
    monotone: Monotone,
) -> Division:
    """The division of fine bins with the largest gain; of equal ones the fewer bins, then the first found.

    Parameters
    ----------
    events, nonevents : array, shape (m,)
        Of the fine bins, in order.
    totals : (float, float)
        Events and non-events of all rows, those with missing or special values included.
    limits : Limits
    monotone : {"auto", "either", "increasing", "decreasing", None}
        How the weight of evidence must run. "either" takes the direction with the larger gain, increasing
        when equal; "auto" also lets it turn once (a peak or a valley) where the turn gains more than 8 in
        twice the log-likelihood over the better direction; None allows any course.

    Examples
    --------
    >>> good, bad = np.array([10.0, 10, 30, 30]), np.array([30.0, 30, 10, 10])
    >>> limits = Limits(bins=4, share=0.05, events=5, smoothing=0.5)
    >>> division = best_division(bad, good, (80.0, 80.0), limits, "auto")
    >>> division.cuts, division.direction
    ((2,), 'increasing')
    """
    likelihood, evidence = _segments(events, nonevents, totals, limits)
    most = min(limits.bins, events.size)
    if monotone is None:
        return _read([_fill(likelihood, np.zeros_like(evidence), most, "right")], likelihood, "free", 0.0)
    up = _fill(likelihood, evidence, most) if monotone != "decreasing" else None
    down = _fill(likelihood, -evidence, most) if monotone != "increasing" else None
    found = [_read([up], likelihood, "increasing", 0.0)] if up else []
    found += [_read([down], likelihood, "decreasing", 0.0)] if down else []
    if monotone == "auto" and up and down:
        peak, valley = (
            _fill(likelihood, -evidence, most, "left", up),
            _fill(likelihood, evidence, most, "left", down),
        )
        found.append(_read([up, peak], likelihood, "peak", TURN_PRICE))
        found.append(_read([down, valley], likelihood, "valley", TURN_PRICE))
    return max(found, key=lambda division: division.gain)


def _segments(
    events: Floats, nonevents: Floats, totals: tuple[float, float], limits: Limits
) -> tuple[Floats, Floats]:
    """Of each run of fine bins i to j - 1, at [i, j]: log-likelihood (-inf when too small), evidence."""
    bad, good = (np.concatenate([[0.0], np.cumsum(x)]) for x in (events, nonevents))
    e, g = (np.maximum(x[None, :] - x[:, None], 0.0) for x in (bad, good))
    n = e + g
    likelihood = xlogy(e, e) + xlogy(g, g) - xlogy(n, n)
    # Sums of weights are not exact: a bin just at the limit is in.
    enough = 1.0 - 1e-9
    fits = (n >= limits.share * n[0, -1] * enough) & (np.minimum(e, g) >= limits.events * enough)
    fits[0, -1] = True
    fits &= np.triu(np.ones_like(fits), 1)
    added = limits.smoothing / min(totals)
    with np.errstate(divide="ignore", invalid="ignore"):
        evidence = np.log((g / totals[1] + added) / (e / totals[0] + added))
    return np.where(fits, likelihood, -np.inf), evidence


@dataclass(frozen=True, slots=True)
class _Course:
    """Best likelihood of k + 1 bins over [0, j), the last being [i, j), at [k, i, j]; and the bin before.

    `before` is where the bin before starts; counted on from the number of ends when that bin is still of the
    course before the turn.
    """

    value: Floats
    before: NDArray[np.intp]


def _fill(
    likelihood: Floats,
    evidence: Floats,
    most: int,
    side: Literal["left", "right"] = "left",
    earlier: _Course | None = None,
) -> _Course:
    """Dynamic programme: each bin has more evidence than the one before ("right": or as much).

    With `earlier`, the bins before the turn ran by that course.
    """
    size = likelihood.shape[0]
    value = np.full((most, size, size), -np.inf)
    before = np.zeros((most, size, size), dtype=np.intp)
    if earlier is None:
        value[0, 0] = likelihood[0]
    for i in range(1, size - 1):
        after = i + 1 + np.flatnonzero(np.isfinite(likelihood[i, i + 1 :]))
        held = np.flatnonzero(np.isfinite(likelihood[:i, i]))
        if not after.size or not held.size:
            continue
        held = held[np.argsort(evidence[held, i], kind="stable")]
        source, start = value[:-1, held, i], np.broadcast_to(held, (most - 1, held.size))
        if earlier is not None:
            turning = earlier.value[:-1, held, i]
            start = np.where(turning > source, start + size, start)
            source = np.maximum(turning, source)
        best, which = _running_best(source)
        at = np.searchsorted(evidence[held, i], evidence[i, after], side=side) - 1
        value[1:, i, after] = np.where(at >= 0, best[:, at], -np.inf) + likelihood[i, after]
        before[1:, i, after] = np.take_along_axis(start, which[:, at], axis=1)
    return _Course(value, before)


def _running_best(value: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Largest value so far along the last axis and where it stood first."""
    best = np.maximum.accumulate(value, axis=1)
    risen = np.concatenate([np.ones_like(best[:, :1], dtype=bool), best[:, 1:] > best[:, :-1]], axis=1)
    where = np.where(risen, np.arange(value.shape[1]), 0)
    return best, np.maximum.accumulate(where, axis=1)


def _read(courses: list[_Course], likelihood: Floats, direction: str, price: float) -> Division:
    """The best division that ends in the last course, read backwards."""
    at, size = len(courses) - 1, likelihood.shape[0]
    ends = courses[at].value[:, :, -1].max(axis=1)
    gains = 2.0 * (ends - likelihood[0, -1]) - price
    bins = int(np.argmax(gains))
    cuts: list[int] = []
    i, j = int(np.argmax(courses[at].value[bins, :, -1])), size - 1
    for k in range(bins, 0, -1):
        cuts.append(i)
        start = int(courses[at].before[k, i, j])
        at, start, j = at - start // size, start % size, i
        i = start
    return Division(tuple(reversed(cuts)), direction if bins else "one bin", float(gains[bins]))


def order_categories(
    events: Floats, nonevents: Floats, totals: tuple[float, float], smoothing: float
) -> NDArray[np.intp]:
    """Positions of categories from the worst to the best smoothed evidence; equal ones keep their order."""
    added = smoothing / min(totals)
    evidence = np.log((nonevents / totals[1] + added) / (events / totals[0] + added))
    return np.argsort(evidence, kind="stable")
