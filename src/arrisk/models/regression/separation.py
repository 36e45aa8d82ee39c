"""Are events and non-events separated by a combination of terms, so that maximum likelihood is not finite?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog

from arrisk.errors import ModelError
from arrisk.models.regression.design import Design, make_design
from arrisk.models.regression.likelihood import Point, climb, likelihood_point

__all__ = ["Overlap", "find_separation", "overlap_of"]

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
SAMPLE = 20_000
FIRST_ROWS = 500
MORE_ROWS = 500
TRIES = 30
TOUCHING = 1e-6
APART = 1e-5


@dataclass(frozen=True, slots=True)
class Overlap:
    """Whether the classes overlap: terms that separate them (none if they overlap), where a fit may start."""

    apart: tuple[str, ...]
    start: Floats


def find_separation(
    x: pd.DataFrame | ArrayLike, y: ArrayLike, names: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Terms of a combination that separates events from non-events, wholly or nearly; empty if none does.

    Parameters
    ----------
    x : DataFrame or array, shape (n, k)
        Covariates without a constant.
    y : array of bool, shape (n,)
    names : sequence of str, optional
        Terms, in place of the columns.

    Returns
    -------
    tuple of str
        The terms of a sparse separating combination (least sum of absolute standardised coefficients).

    Raises
    ------
    ModelError
        If the rows cannot be used, see `make_design`.

    Notes
    -----
    Albert and Anderson (1984): with signed rows s_i (the covariates with a constant, times 1 for an event and
    -1 for a non-event) the classes are separated when some b has s_i b >= 0 for all rows and > 0 for one.

    *Overlap* is proven without a linear programme, from any b, by its score g = sum of l_i s_i with the
    l_i = |y_i - p_i| > 0 and its information H. A separating d of length one would have
    d'Hd <= sum of l_i (s_i d)^2 <= max|s_i| sum of l_i s_i d = max|s_i| g'd <= max|s_i| |g|, so there is none
    when the smallest eigenvalue of H is above max|s_i| |g|: as it is soon when one climbs the likelihood.
    What holds for some of the rows holds for all, which only add constraints on d.

    *Separation*, or doubt, is settled by the linear programme of Konis (2007), "maximise the sum of s_i b
    subject to s_i b >= 0 and -1 <= b <= 1", whose optimum is positive exactly under separation. It is solved
    on some rows, the most violated of the others are added, and so on until none is: the optimum over all
    rows. Classes that overlap by less than 1e-6 standard deviations count as touching.

    Examples
    --------
    >>> find_separation([[1.0], [2.0], [3.0]], [0, 0, 1], ["days_late"])
    ('days_late',)
    >>> find_separation([[1.0], [3.0], [2.0]], [0, 0, 1])
    ()
    """
    found = overlap_of(make_design(x, y)).apart
    if names is None or not found:
        return found
    labels = dict(zip(make_design(x, y).names[1:], names, strict=True))
    return tuple(labels[n] for n in found)


def overlap_of(design: Design) -> Overlap:
    """Look for separation, and keep what was found on the way as the start of a fit."""
    rows = _sample(design)
    part = design if rows.size == design.event.size else design.take(rows)
    point = _climbed(part)
    if point is None or not _proves_overlap(part, point):
        direction = _separating(design)
        if direction is not None:
            large = np.abs(direction[1:]) > TOUCHING * np.abs(direction).max()
            apart = tuple(n for n, b in zip(design.names[1:], large, strict=True) if b)
            return Overlap(apart, _flat_start(design))
    if point is None:
        return Overlap((), _flat_start(design))
    start = point.beta.copy()
    start[0] += _log_odds(design) - _log_odds(part)
    return Overlap((), start)


def _log_odds(design: Design) -> float:
    total, events = design.counts
    return float(np.log(events / (total - events)))


def _flat_start(design: Design) -> Floats:
    return np.concatenate([[_log_odds(design)], np.zeros(design.mean.size)])


def _sample(design: Design, most: int | None = None) -> Rows:
    """Evenly spaced rows of each class, at most so many; all rows when there are few."""
    chosen = []
    for event in (0.0, 1.0):
        rows = np.flatnonzero(design.event == event)
        chosen.append(rows[:: max(1, -(-rows.size // (most or SAMPLE)))])
    return np.sort(np.concatenate(chosen))


def _climbed(part: Design) -> Point | None:
    """The top of the likelihood of some rows, if it has one that is soon found."""
    try:
        top = climb(lambda beta: likelihood_point(part, beta), _flat_start(part), steps=TRIES)
        return likelihood_point(part, top.beta)
    except ModelError:
        return None


def _proves_overlap(part: Design, point: Point) -> bool:
    """Whether score and information rule out every separating direction, rounding allowed for."""
    longest, doubt, n = 0.0, 0.0, part.event.size
    for rows, z in part.blocks():
        longest = max(longest, float(np.einsum("ij,ij->i", z, z).max()) + 1.0)
        doubt += float(part.weighted(rows, np.ones(len(z))).sum())
    rounding = 4 * n * np.finfo(float).eps
    longest = float(np.sqrt(longest))
    score = float(np.linalg.norm(point.score)) + rounding * doubt * longest
    least = float(np.linalg.eigvalsh(point.information)[0]) - rounding * float(np.trace(point.information))
    return bool(least > longest * score)


def _signed(design: Design, rows: Rows) -> Floats:
    return np.asarray(design.standard(rows) * (2.0 * design.event[rows] - 1.0)[:, None])


def _separating(design: Design) -> Floats | None:
    """A sparse direction that separates, in standardised terms; None when there is none."""
    sign = 2.0 * design.event - 1.0
    total = np.zeros(design.mean.size + 1)
    for rows, z in design.blocks():
        total[0] += sign[rows].sum()
        total[1:] += sign[rows] @ z
    working = _sample(design, FIRST_ROWS)
    while True:
        signed = _signed(design, working)
        widest = linprog(-total, A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1)).x
        if widest is None or np.abs(widest).max() < TOUCHING:
            return None
        more = _violated(design, sign, widest, working)
        if more.size == 0:
            break
        working = np.concatenate([working, more])
    if (sign * design.linear(widest)).max() < APART:
        return None
    return _sparse(design, sign, total, widest, working)


def _sparse(design: Design, sign: Floats, total: Floats, widest: Floats, working: Rows) -> Floats:
    """The direction of least absolute coefficients that separates as far as the widest, in sum."""
    k = widest.size
    cost = np.concatenate([[0.0], np.ones(k - 1)] * 2)
    while True:
        signed = _signed(design, working)
        halves = linprog(
            cost,
            A_ub=np.hstack([-signed, signed]),
            b_ub=np.zeros(len(signed)),
            A_eq=np.concatenate([total, -total])[None, :],
            b_eq=[float(total @ widest)],
        ).x
        if halves is None:
            return widest
        direction = halves[:k] - halves[k:]
        more = _violated(design, sign, direction, working)
        if more.size == 0:
            return np.asarray(direction)
        working = np.concatenate([working, more])


def _violated(design: Design, sign: Floats, direction: Floats, working: Rows) -> Rows:
    """The rows most on the wrong side that the programme has not seen yet."""
    side = sign * design.linear(direction)
    side[working] = 0.0
    wrong = np.flatnonzero(side < -TOUCHING * max(1.0, float(np.abs(direction).max())))
    if wrong.size <= MORE_ROWS:
        return wrong
    return wrong[np.argpartition(side[wrong], MORE_ROWS)[:MORE_ROWS]]
