"""Complementary log-log hazard of whole days with a free effect of each age, fitted on counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError
from arrisk.models.hazard.counts import ItemDays
from arrisk.models.hazard.likelihood import Block, Part, make_blocks, part_of, summit_of
from arrisk.models.timing.day_counts import Floats

__all__ = ["CloglogFit", "fit_cloglog"]

STEPS = 50
HALVINGS = 30
CLOSE = 1e-10
ALIASED = 1e-9
RUNAWAY = 0.05
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CloglogFit:
    """A fitted complementary log-log hazard of one cause.

    Parameters
    ----------
    names : tuple of str, length k
        Columns of the design, then those of the calendar.
    coefficients : array, shape (k,)
        Log hazard ratios; 0 for aliased terms, -inf for `empty` ones.
    log_baseline : array, shape (strata, ages)
        Effect of each age at covariates of zero, log of the cumulated hazard of the day: -inf at ages without
        an event, +inf where all at risk left.
    bread : array, shape (k, k)
        Inverse information with the age effects eliminated: the covariance if item-days were independent;
        missing for terms that were not estimated.
    log_likelihood : float
        Without the penalty of a prior.
    iterations : int
    estimated : array of bool, shape (k,)
    aliased : tuple of str
        Terms left out because others and the age effects say the same.
    empty : tuple of str
        Calendar terms on whose days nothing happened: hazard 0 there.
    days : ItemDays
    of_cell, of_class : array, shapes (cells, k) and (classes, k)
        What a cell and a class of days add to a row of the design.
    cause : int
    prior_sd : float
    blocks, parts : list
        Counts by stratum and their likelihood at the top; clustered errors need them.
    """

    names: tuple[str, ...]
    coefficients: Floats
    log_baseline: Floats
    bread: Floats
    log_likelihood: float
    iterations: int
    estimated: Flags
    aliased: tuple[str, ...]
    empty: tuple[str, ...]
    days: ItemDays
    of_cell: Floats
    of_class: Floats
    cause: int
    prior_sd: float
    blocks: list[Block]
    parts: list[Part]

    @property
    def events(self) -> int:
        """Events of the cause."""
        return int(self.days.events[self.cause].count.sum())

    @property
    def first_age(self) -> int:
        """Age of the first column of `log_baseline`."""
        return self.days.first

    @property
    def age_means(self) -> Floats:
        """Mean of the estimated terms at each age, weighted by information, shape (strata, ages, k)."""
        out = np.zeros((*self.log_baseline.shape, int(self.estimated.sum())))
        for row, block, part in zip(out, self.blocks, self.parts, strict=True):
            row[block.ages] = part.mixed / part.age_information[:, None]
        return out

    def linear(self, design: ArrayLike) -> Floats:
        """Log hazard ratio of rows of the design, shape (n,); -inf on days of an empty term."""
        rows = np.asarray(design, dtype=float)
        finite = np.where(np.isfinite(self.coefficients), self.coefficients, 0.0)
        out = np.asarray(rows @ finite, dtype=float)
        out[(rows[:, ~np.isfinite(self.coefficients)] != 0).any(axis=1)] = -np.inf
        return out


def fit_cloglog(
    days: ItemDays,
    design: pd.DataFrame | ArrayLike,
    calendar_design: pd.DataFrame | ArrayLike | None = None,
    cause: int = 1,
    prior_sd: float = np.inf,
) -> CloglogFit:
    """Fit a proportional-hazards model in whole days, cause by cause, on counts.

    Parameters
    ----------
    days : ItemDays
        From `count_item_days`.
    design : DataFrame or array, shape (cells, p)
        Covariates of each cell, without a constant; finite. A frame names the terms.
    calendar_design : DataFrame or array, shape (classes, q), optional
        Covariates of each class of days.
    cause : int
        Items that leave for another cause are censored then.
    prior_sd : float
        Standard deviation of a normal prior, of mean 0, of each coefficient: few events then give small
        effects. By default none: maximum likelihood.

    Returns
    -------
    CloglogFit

    Raises
    ------
    ModelError
        Without an event, with a term that runs away to infinity (a level without events: merge it with
        another or give a prior), with designs that do not fit, and when Newton's method finds no top.

    Notes
    -----
    An item of cell c at age t on a day of class m leaves with probability
    ``1 - exp(-exp(a[stratum, t] + x[c] beta + w[m] gamma))``, Cox's model of continuous time seen at the
    end of each day (Prentice and Gloeckler 1978). Newton's method with step-halving; the age effects a have a
    diagonal information and are eliminated by a Schur complement. Ages without an event get hazard 0; ages
    at which all at risk leave get an infinite one; neither says anything of the coefficients. What to do
    after the last age is left to the caller.

    Examples
    --------
    Half of the items of cell 0 leave a day, three quarters of those of cell 1: twice the hazard.

    >>> from arrisk.models.hazard.counts import count_item_days
    >>> days = count_item_days([1, 1, 2, 2, 1, 1, 1, 2], [1, 1, 0, 0, 1, 1, 1, 0], [0] * 4 + [1] * 4, 2)
    >>> fit_cloglog(days, [[0.0], [1.0]]).coefficients.round(9).tolist() == [round(float(np.log(2)), 9)]
    True
    """
    of_cell, of_class, names = _designs(days, design, calendar_design)
    if cause not in days.events:
        raise ModelError(f"no event of cause {cause} among {days.n} items")
    z = of_cell[days.cell] + of_class[days.day_class]
    empty, kept = _empty(days, of_class, cause)
    ridge = 0.0 if np.isinf(prior_sd) else prior_sd**-2
    blocks = make_blocks(days, z, cause, kept)
    if not any(b.ages.size for b in blocks):
        raise ModelError("at every age either none or all of the items at risk left: nothing to compare")
    estimated = ~empty & ~(_aliased(blocks, ~empty) if ridge == 0 else np.zeros_like(empty))
    used = [_columns(b, estimated) for b in blocks]
    beta, effects, parts, steps = _climb(used, ridge, [n for n, e in zip(names, estimated, strict=True) if e])
    summit = summit_of(parts, ridge)
    coefficients = np.where(empty, -np.inf, 0.0)
    coefficients[estimated] = beta
    bread = np.full((len(names),) * 2, np.nan)
    bread[np.ix_(estimated, estimated)] = np.linalg.inv(summit.information)
    return CloglogFit(
        tuple(names),
        coefficients,
        _baseline(blocks, effects, days.at_risk.shape[1]),
        bread,
        summit.log_likelihood,
        steps,
        estimated,
        tuple(n for n, e, o in zip(names, estimated, empty, strict=True) if not e and not o),
        tuple(n for n, o in zip(names, empty, strict=True) if o),
        days,
        of_cell,
        of_class,
        cause,
        prior_sd,
        used,
        parts,
    )


def _designs(
    days: ItemDays, design: pd.DataFrame | ArrayLike, calendar_design: pd.DataFrame | ArrayLike | None
) -> tuple[Floats, Floats, list[str]]:
    """What each cell and each class of days adds to the design, and the names of all terms."""
    x, names = _matrix(design, days.cells, "x", "cells")
    w = np.zeros((days.classes, 0))
    more: list[str] = []
    if calendar_design is not None:
        w, more = _matrix(calendar_design, days.classes, "day", "classes of days")
    names = names + more
    if len(set(names)) < len(names):
        raise ModelError(f"terms share a name: {sorted({n for n in names if names.count(n) > 1})}")
    of_cell = np.hstack([x, np.zeros((x.shape[0], w.shape[1]))])
    return of_cell, np.hstack([np.zeros((w.shape[0], x.shape[1])), w]), names


def _matrix(given: pd.DataFrame | ArrayLike, rows: int, prefix: str, what: str) -> tuple[Floats, list[str]]:
    values = np.asarray(given, dtype=float)
    if values.ndim != 2 or values.shape[0] < rows:
        raise ModelError(f"a design of shape {values.shape} does not cover {rows} {what}")
    if not np.isfinite(values).all():
        raise ModelError(f"missing or infinite values in the design of {what}")
    if isinstance(given, pd.DataFrame):
        return values, [str(c) for c in given.columns]
    return values, [f"{prefix}{j + 1}" for j in range(values.shape[1])]


def _empty(days: ItemDays, of_class: Floats, cause: int) -> tuple[Flags, Flags]:
    """Calendar terms (0 or 1) whose days hold no event, and the profiles off these days."""
    busy = np.unique(days.day_class[days.events[cause].profile])
    marks = ((of_class == 0) | (of_class == 1)).all(axis=0)
    empty = marks & of_class[days.day_class].any(axis=0) & ~of_class[busy].any(axis=0)
    off = np.asarray(of_class[:, empty] != 0).any(axis=1)
    return np.asarray(empty), ~np.asarray(off)[days.day_class]


def _columns(block: Block, chosen: Flags) -> Block:
    if chosen.all():
        return block
    z = np.ascontiguousarray(block.z[:, chosen])
    return Block(block.ages, block.sure, z, block.at_risk, block.profile, block.age, block.count)


def _start(block: Block) -> Floats:
    """Age effects without covariates: the complementary log-log of the share that leaves."""
    exposed = np.asarray(block.at_risk.sum(axis=0)).ravel()
    left = np.bincount(block.age, weights=block.count, minlength=block.ages.size)
    return np.asarray(np.log(-np.log1p(-left / exposed)))


def _aliased(blocks: list[Block], candidates: Flags) -> Flags:
    """Terms that the age effects and the terms before them determine, one by one as Gauss eliminates."""
    zero = np.zeros(candidates.size)
    summit = summit_of([part_of(b, zero, _start(b)) for b in blocks], 0.0)
    left, scale = summit.information.copy(), np.diag(summit.full_information)
    out = np.zeros(candidates.size, dtype=bool)
    for j in np.flatnonzero(candidates):
        if left[j, j] <= ALIASED * max(scale[j], np.finfo(float).tiny):
            out[j] = True
            continue
        left -= np.outer(left[:, j], left[j]) / left[j, j]
    return out


def _climb(
    blocks: list[Block], ridge: float, names: list[str]
) -> tuple[Floats, list[Floats], list[Part], int]:
    """Newton's method with step-halving."""
    beta, effects = np.zeros(len(names)), [_start(b) for b in blocks]
    parts = [part_of(b, beta, a) for b, a in zip(blocks, effects, strict=True)]
    for count in range(1, STEPS + 1):
        move, moves, gain = _newton(parts, beta, ridge, names)
        beta, effects, parts = _halved(blocks, beta, effects, parts, move, moves, ridge)
        if gain < CLOSE:
            if np.abs(move).max(initial=0.0) > RUNAWAY:
                _separated(names, np.abs(move))
            return beta, effects, parts, count
    raise ModelError(f"the hazard regression did not converge in {STEPS} steps")


def _newton(
    parts: list[Part], beta: Floats, ridge: float, names: list[str]
) -> tuple[Floats, list[Floats], float]:
    """Newton's step of the coefficients and of the age effects, and the rise that it promises."""
    summit = summit_of(parts, ridge)
    score = summit.score - ridge * beta
    root = np.sqrt(np.diag(summit.information).clip(np.finfo(float).tiny))
    scaled = summit.information / np.outer(root, root)
    try:
        np.linalg.cholesky(scaled)
    except np.linalg.LinAlgError:
        _separated(names, np.abs(np.linalg.eigh(scaled)[1][:, 0]) if beta.size else beta)
    move = np.linalg.solve(scaled, score / root) / root if beta.size else beta
    moves = [(p.age_score - p.mixed @ move) / p.age_information for p in parts]
    gain = score @ move + sum(p.age_score @ (p.age_score / p.age_information) for p in parts)
    return move, moves, float(gain)


def _halved(
    blocks: list[Block],
    beta: Floats,
    effects: list[Floats],
    parts: list[Part],
    move: Floats,
    moves: list[Floats],
    ridge: float,
) -> tuple[Floats, list[Floats], list[Part]]:
    """The longest of the step, its half, its quarter ... that does not lower the likelihood."""

    def height(of: list[Part], at: Floats) -> float:
        return sum(p.log_likelihood for p in of) - 0.5 * ridge * float(at @ at)

    before = height(parts, beta)
    slack = 1e-12 * (1.0 + abs(before))
    share = 1.0
    for _ in range(HALVINGS):
        at, levels = beta + share * move, [a + share * m for a, m in zip(effects, moves, strict=True)]
        new = [part_of(b, at, a) for b, a in zip(blocks, levels, strict=True)]
        if height(new, at) >= before - slack:
            return at, levels, new
        share /= 2.0
    raise ModelError("the likelihood of the hazard regression does not rise along Newton's step")


def _separated(names: list[str], size: Floats) -> None:
    guilty = [n for n, s in zip(names, size, strict=True) if s > 0.1 * size.max(initial=0.0)]
    raise ModelError(
        f"no finite estimate of {', '.join(guilty)}: events and item-days without one are separated (a level "
        "without events?); merge levels or give a prior_sd"
    )


def _baseline(blocks: list[Block], effects: list[Floats], ages: int) -> Floats:
    out = np.full((len(blocks), ages), -np.inf)
    for row, block, effect in zip(out, blocks, effects, strict=True):
        row[block.ages], row[block.sure] = effect, np.inf
    return out
