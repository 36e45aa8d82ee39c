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
    """The division of fine bins with the largest gain; of equal ones the first found.

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
    room = min(events.size, int(1.0 / limits.share + 1e-9)) if limits.share > 0 else events.size
    # Bins need counting only where there could be too many.
    most = limits.bins if limits.bins < room else None
    if monotone is None:
        return _read(_fill(likelihood, np.zeros_like(evidence), most, "right"), likelihood, "free")
    up = _fill(likelihood, evidence, most) if monotone != "decreasing" else None
    down = _fill(likelihood, -evidence, most) if monotone != "increasing" else None
    found = [_read(up, likelihood, "increasing")] if up else []
    found += [_read(down, likelihood, "decreasing")] if down else []
    if monotone == "auto":
        found.append(_read(_fill(likelihood, -evidence, most, earlier=up), likelihood, "peak", TURN_PRICE))
        found.append(_read(_fill(likelihood, evidence, most, earlier=down), likelihood, "valley", TURN_PRICE))
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
    """Best likelihood of k + 1 bins (of any number, with one row) over [0, j), the last [i, j), at [j, k, i].

    From one bin to the next `evidence` rises (with `side` "right" it may stay), since the turn if there was
    an `earlier` course.
    """

    value: Floats
    evidence: Floats
    side: Literal["left", "right"]
    earlier: _Course | None

    def source(self, i: int) -> Floats:
        """Best values of divisions of [0, i) by bins less one (rows) and start of the last bin (columns)."""
        own = self.value[i, :, :i]
        return own if self.earlier is None else np.maximum(own, self.earlier.value[i, :, :i])

    def before(self, k: int, i: int, j: int) -> tuple[int, _Course]:
        """Where the bin before [i, j) starts, the last of those in row k, and by which course it ran."""
        keys, key = self.evidence[:i, i], self.evidence[i, j]
        allowed = keys <= key if self.side == "right" else keys < key
        values = np.where(allowed, self.source(i)[k], -np.inf)
        h = int(np.argmax(values))
        turned = self.earlier is not None and self.value[i, k, h] < values[h]
        return h, self.earlier if turned and self.earlier is not None else self


def _fill(
    likelihood: Floats,
    evidence: Floats,
    most: int | None,
    side: Literal["left", "right"] = "left",
    earlier: _Course | None = None,
) -> _Course:
    """Dynamic programme over the ends of bins; before a turn the bins ran by the `earlier` course."""
    size, rows, step = likelihood.shape[0], most or 1, int(most is not None)
    course = _Course(np.full((size, rows, size), -np.inf), evidence, side, earlier)
    if earlier is None:
        course.value[:, 0, 0] = likelihood[0]
    allowed = np.isfinite(likelihood)
    for i in range(1, size - 1):
        after, held = np.flatnonzero(allowed[i]), np.flatnonzero(allowed[:i, i])
        if not after.size or not held.size:
            continue
        keys = evidence[held, i]
        order = np.argsort(keys, kind="stable")
        best = np.maximum.accumulate(course.source(i)[: rows - step, held[order]], axis=1)
        at = np.searchsorted(keys[order], evidence[i, after], side=side)
        best = np.concatenate([np.full((rows - step, 1), -np.inf), best], axis=1)
        course.value[after, step:, i] = best.T[at] + likelihood[i, after, None]
    return course


def _read(course: _Course, likelihood: Floats, direction: str, price: float = 0.0) -> Division:
    """The best division of all fine bins, read backwards from its last bin."""
    j = likelihood.shape[0] - 1
    ends = course.value[j].max(axis=1)
    k, counted = int(np.argmax(ends)), ends.size > 1
    i, cuts = int(np.argmax(course.value[j, k])), []
    gain = 2.0 * float(ends[k] - likelihood[0, j]) - price
    while i > 0:
        cuts.append(i)
        k -= counted
        (h, course), j = course.before(k, i, j), i
        i = h
    return Division(tuple(reversed(cuts)), direction if cuts else "one bin", gain)


def order_categories(
    events: Floats, nonevents: Floats, totals: tuple[float, float], smoothing: float
) -> NDArray[np.intp]:
    """Positions of categories from the worst to the best smoothed evidence; equal ones keep their order."""
    added = smoothing / min(totals)
    evidence = np.log((nonevents / totals[1] + added) / (events / totals[0] + added))
    return np.argsort(evidence, kind="stable")
