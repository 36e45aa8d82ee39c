"""How customers respond to a scheme: who takes it, and on which step of a sliding scale.

Take-up t of a scheme rises with its annual return to the customer, on the log-odds scale. A share `early` of
the takers are the fastest payers, the others are anybody: a customer whose faster fellows make a part q of
the sales takes a scheme when ``early * t > q``, or when his luck u is below
``(1 - early) t / (1 - early t)``. Both say that t exceeds a number of his own, his reluctance; so one number
drawn for a customer settles every scheme, and the same for all (common random numbers). A customer takes
all his invoices or none, which is the most that customers can differ.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

__all__ = ["choose_steps", "reluctance", "take_chance", "take_up_at", "threshold_return", "yearly_return"]

SMALLEST = 1e-9
Floats = NDArray[np.float64]


def yearly_return(rate: float, before: float, days: float) -> float:
    """Annual return of paying ``1 - rate`` instead of ``1 - before``, `days` sooner.

    Examples
    --------
    >>> round(yearly_return(0.02, 0.0, 20), 4)
    0.3724
    """
    return (rate - before) / (1 - rate) * 365 / days


def choose_steps(steps: Sequence[tuple[int, float]], gained: float) -> list[tuple[int, float, float]]:
    """The steps of a scale that anybody chooses, latest first: (day, rate, annual return of going there).

    Parameters
    ----------
    steps : sequence of (day, rate)
        Days rising, rates falling.
    gained : float
        Days from the last step to the usual payment.

    Notes
    -----
    Whoever pays early weighs the return of every further step against what his money is worth. He stops
    where it falls below; a step whose return is below that of going on beyond it is chosen by nobody (the
    upper concave hull of rate by days gained).

    Examples
    --------
    >>> [(d, r, round(y, 2)) for d, r, y in choose_steps([(10, 0.02), (20, 0.01)], 5)]
    [(20, 0.01, 0.74), (10, 0.02, 0.37)]
    """
    last = steps[-1][0]
    chosen: list[tuple[int, float, float]] = []
    place, rate, left = -gained, 0.0, list(steps)
    while left:
        worth = [yearly_return(r, rate, (last - d) - place) for d, r in left]
        best = min(k for k, w in enumerate(worth) if w >= max(worth) - SMALLEST)
        chosen.append((*left[best], worth[best]))
        place, rate, left = float(last - left[best][0]), left[best][1], left[:best]
    return _merge(chosen, last, gained)


def _merge(
    chosen: list[tuple[int, float, float]], last: int, gained: float
) -> list[tuple[int, float, float]]:
    """Join a step to the earlier one when going on pays at least as much."""
    out: list[tuple[int, float, float]] = []
    for day, rate, worth in chosen:
        while out and worth >= out[-1][2] - SMALLEST:
            out.pop()
            before = out[-1] if out else (last + gained, 0.0, 0.0)
            worth = yearly_return(rate, before[1], before[0] - day)
        out.append((day, rate, worth))
    return out


def take_up_at(base: ArrayLike, elasticity: ArrayLike, log_return: ArrayLike) -> Floats:
    """Take-up at a log annual return relative to that of the reference scheme; arrays broadcast.

    Examples
    --------
    >>> round(float(take_up_at(0.3, 1.0, np.log(2.0))), 4)
    0.4615
    """
    odds = logit(np.clip(base, SMALLEST, 1 - SMALLEST))
    return np.asarray(expit(odds + np.asarray(elasticity) * np.asarray(log_return)), dtype=float)


def reluctance(early: float, faster: Floats, luck: Floats) -> Floats:
    """Take-up above which each customer takes.

    Parameters
    ----------
    early : float
        Fraction of takers who are the fastest payers.
    faster : array
        Fraction of sales of faster customers, and a random part of his own.
    luck : array
        Uniform numbers.

    Examples
    --------
    >>> reluctance(0.5, np.array([0.1, 0.9]), np.array([0.9, 0.1])).round(3).tolist()
    [0.2, 0.182]
    """
    anybody = luck / (1 - early + early * luck)
    return np.minimum(faster / early, anybody) if early > 0 else anybody


def take_chance(early: float, take_up: Floats, low: Floats, high: Floats) -> Floats:
    """Chance that a customer takes: the distribution of `reluctance`, customers x schemes.

    Parameters
    ----------
    early : float
        Fraction of takers who are the fastest payers.
    take_up : array, schemes
    low, high : array, customers
        Fraction of sales of faster customers, without and with those as fast as he is.
    """
    fast = early * take_up[None, :]
    width = np.maximum(high - low, SMALLEST)[:, None]
    among = np.clip((fast - low[:, None]) / width, 0.0, 1.0)
    return np.asarray(among + (1 - among) * (take_up[None, :] - fast) / (1 - fast), dtype=float)


def threshold_return(needed: Floats, base: Floats, elasticity: float) -> Floats:
    """Log annual return, relative to the reference, beyond which a take-up exceeds `needed`."""
    gap = logit(np.clip(needed, 1e-15, 1 - 1e-15)) - logit(np.clip(base, SMALLEST, 1 - SMALLEST))
    if elasticity > 0:
        return np.asarray(gap / elasticity, dtype=float)
    return np.where(gap < 0, -np.inf, np.inf)
