"""Complementary log-log hazard of whole days with a free effect of each age, fitted on counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError
from arrisk.models.hazard.climb import Top, aliased_terms, climb
from arrisk.models.hazard.counts import ItemDays
from arrisk.models.hazard.design import Designs, make_designs
from arrisk.models.hazard.efron import breslow_parts, breslow_top
from arrisk.models.hazard.likelihood import (
    Block,
    Part,
    ages_with_events,
    columns_of,
    make_blocks,
    part_of,
    summit_of,
)
from arrisk.models.timing.day_counts import Floats

__all__ = ["CloglogFit", "fit_cloglog"]

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CloglogFit:
    """A fitted complementary log-log hazard of one cause.

    Parameters
    ----------
    designs : Designs
        The k terms: those of the cells, then those of the calendar.
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
    cause : int
    prior_sd : float
    blocks, parts : list
        Counts by stratum and their likelihood at the top; clustered errors need them.
    """

    designs: Designs
    coefficients: Floats
    log_baseline: Floats
    bread: Floats
    log_likelihood: float
    iterations: int
    estimated: Flags
    aliased: tuple[str, ...]
    empty: tuple[str, ...]
    days: ItemDays
    cause: int
    prior_sd: float
    blocks: list[Block]
    parts: list[Part]

    @property
    def names(self) -> tuple[str, ...]:
        """The terms."""
        return self.designs.names

    @property
    def of_cell(self) -> Floats:
        """What each cell adds to the terms, shape (cells, k)."""
        return self.designs.of_cell

    @property
    def of_class(self) -> Floats:
        """What each class of days adds to the terms, shape (classes, k)."""
        return self.designs.of_class

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
    designs = make_designs(days, design, calendar_design)
    if cause not in days.events:
        raise ModelError(f"no event of cause {cause} among {days.n} items")
    empty, kept = _empty(days, designs.of_class, cause)
    some, all_ = ages_with_events(days, cause, kept)
    blocks = make_blocks(days, designs.rows(days), cause, kept, some & ~all_)
    if not any(b.ages.size for b in blocks):
        raise ModelError("at every age either none or all of the items at risk left: nothing to compare")
    ridge = 0.0 if np.isinf(prior_sd) else prior_sd**-2
    estimated, top = _fitted(blocks, ~empty, ridge, np.array(designs.names))
    summit = summit_of(top.parts, ridge)
    coefficients = np.where(empty, -np.inf, 0.0)
    coefficients[estimated] = top.beta
    bread = np.full((empty.size,) * 2, np.nan)
    bread[np.ix_(estimated, estimated)] = np.linalg.inv(summit.information)
    return CloglogFit(
        designs=designs,
        coefficients=coefficients,
        log_baseline=_baseline(blocks, top.effects, all_),
        bread=bread,
        log_likelihood=summit.log_likelihood,
        iterations=top.steps,
        estimated=estimated,
        aliased=designs.named(~estimated & ~empty),
        empty=designs.named(empty),
        days=days,
        cause=cause,
        prior_sd=prior_sd,
        blocks=[columns_of(b, estimated) for b in blocks],
        parts=top.parts,
    )


def _fitted(
    blocks: list[Block], candidates: Flags, ridge: float, names: NDArray[np.str_]
) -> tuple[Flags, Top]:
    """Terms that can be estimated, and the top of the likelihood; a climb of Breslow's goes before."""
    estimated = candidates.copy()
    if ridge == 0:
        estimated &= ~aliased_terms(breslow_parts(blocks, np.zeros(candidates.size)), candidates)
    used = [columns_of(b, estimated) for b in blocks]
    told = list(names[estimated])
    beta = breslow_top(used, ridge, told).beta
    start = beta, [np.log(b.left_by_age / (b.at_risk.T @ np.exp(b.z @ beta))) for b in used]
    return estimated, climb(used, part_of, start, told, ridge)


def _empty(days: ItemDays, of_class: Floats, cause: int) -> tuple[Flags, Flags]:
    """Calendar terms (0 or 1) whose days hold no event, and the profiles off these days."""
    busy = np.unique(days.day_class[days.events[cause].profile])
    marks = ((of_class == 0) | (of_class == 1)).all(axis=0)
    empty = marks & of_class[days.day_class].any(axis=0) & ~of_class[busy].any(axis=0)
    off = np.asarray(of_class[:, empty] != 0).any(axis=1)
    return np.asarray(empty), ~np.asarray(off)[days.day_class]


def _baseline(blocks: list[Block], effects: list[Floats], all_left: Flags) -> Floats:
    out = np.where(all_left, np.inf, -np.inf)
    for row, block, effect in zip(out, blocks, effects, strict=True):
        row[block.ages] = effect
    return out
