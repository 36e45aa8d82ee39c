"""Cox's partial likelihood on counts of item-days, ties by Efron or Breslow: a cross-check of the hazards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from arrisk.errors import ModelError
from arrisk.models.hazard.climb import Top, aliased_terms, climb
from arrisk.models.hazard.counts import ItemDays
from arrisk.models.hazard.design import make_designs
from arrisk.models.hazard.likelihood import Block, Part, ages_with_events, columns_of, make_blocks, summit_of
from arrisk.models.hazard.ties import tied_sums
from arrisk.models.timing.day_counts import Floats

__all__ = ["CoxFit", "breslow_parts", "breslow_top", "fit_efron"]

Ties = Literal["efron", "breslow"]


@dataclass(frozen=True, slots=True)
class CoxFit:
    """Maximum of a partial likelihood.

    Parameters
    ----------
    names : tuple of str, length k
    coefficients : array, shape (k,)
        Log hazard ratios; 0 for aliased terms.
    covariance : array, shape (k, k)
        Inverse information; missing for aliased terms.
    log_likelihood : float
    aliased : tuple of str
    iterations : int
    """

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    log_likelihood: float
    aliased: tuple[str, ...]
    iterations: int


def fit_efron(
    days: ItemDays,
    design: pd.DataFrame | ArrayLike,
    calendar_design: pd.DataFrame | ArrayLike | None = None,
    cause: int = 1,
    ties: Ties = "efron",
) -> CoxFit:
    """Cox regression on counts; the days are taken for tied times.

    Parameters
    ----------
    days, design, calendar_design, cause
        As in `fit_cloglog`; strata have partial likelihoods of their own.
    ties : {"efron", "breslow"}
        Breslow's coefficients shrink towards zero when many leave on the same day.

    Returns
    -------
    CoxFit

    Raises
    ------
    ModelError
        As `fit_cloglog`.

    Notes
    -----
    Efron (1977): with d leavers at an age, of whom the l-th leaves from the risk ``S - (l/d) E`` (S the sum
    of exp(z b) at risk, E that of the leavers), the log partial likelihood is ``sum of z b - sum over l < d
    of log(S - (l/d) E)``. Sums over items are products of the counts with exp(z b) by profile.

    Examples
    --------
    The first test of Therneau's: log((3 + sqrt 33) / 2) by Breslow.

    >>> from arrisk.models.hazard.counts import count_item_days
    >>> days = count_item_days([1, 1, 6, 6, 8, 9], [1, 0, 1, 1, 0, 1], [1, 1, 1, 0, 0, 0], 2)
    >>> round(float(fit_efron(days, [[0.0], [1.0]], ties="breslow").coefficients[0]), 6)
    1.475285
    """
    designs = make_designs(days, design, calendar_design)
    if cause not in days.events:
        raise ModelError(f"no event of cause {cause} among {days.n} items")
    z, names = designs.rows(days), designs.names
    kept = np.ones(len(z), dtype=bool)
    blocks = make_blocks(days, z, cause, kept, ages_with_events(days, cause, kept)[0])
    zero = np.zeros(len(names))
    aliased = aliased_terms(breslow_parts(blocks, zero), np.ones(zero.size, dtype=bool))
    used = [columns_of(b, ~aliased) for b in blocks]
    top = breslow_top(used, 0.0, designs.named(~aliased))
    start = top.beta, [np.zeros(0 if ties == "efron" else b.ages.size) for b in used]
    top = climb(used, _efron if ties == "efron" else _breslow, start, designs.named(~aliased), 0.0)
    summit = summit_of(top.parts, 0.0)
    coefficients, covariance = zero.copy(), np.full((zero.size,) * 2, np.nan)
    coefficients[~aliased] = top.beta
    covariance[np.ix_(~aliased, ~aliased)] = np.linalg.inv(summit.information)
    left_out = designs.named(aliased)
    return CoxFit(names, coefficients, covariance, summit.log_likelihood, left_out, top.steps)


def breslow_top(blocks: list[Block], ridge: float, names: Sequence[str]) -> Top:
    """Breslow's estimate, near enough to start from: steps that promise less than a thousandth are left."""
    start = np.zeros(len(names)), [np.zeros(b.ages.size) for b in blocks]
    return climb(blocks, _breslow, start, names, ridge, close=1e-3)


def breslow_parts(blocks: list[Block], beta: Floats) -> list[Part]:
    """Breslow's log-likelihood, score and information of each block at coefficients."""
    return [_breslow(b, beta, beta) for b in blocks]


def _breslow(block: Block, beta: Floats, effects: Floats) -> Part:
    """Breslow's part; its age effects are at their best for any coefficients, so those given are not used."""
    linear = block.z @ beta
    u = np.exp(linear)
    risk = block.at_risk.T @ u
    mean = (block.at_risk.T @ (u[:, None] * block.z)) / risk[:, None]
    left, by_profile = block.left_by_age, block.left_by_profile
    value = by_profile @ linear - left @ np.log(risk)
    weight = u * (block.at_risk @ (left / risk))
    information = (block.z * weight[:, None]).T @ block.z
    score, mixed = block.z.T @ by_profile - left @ mean, mean * left[:, None]
    return Part(float(value), score, information, np.zeros(left.size), left, mixed)


def _efron(block: Block, beta: Floats, effects: Floats) -> Part:
    """Efron's part: its information is not that of age effects eliminated, so it shows none."""
    linear = block.z @ beta
    u = np.exp(linear)
    weighted = u[:, None] * block.z
    leavers = block.by_age(block.count)
    risk, going = block.at_risk.T @ u, leavers @ u
    of_risk, of_going = np.asarray(block.at_risk.T @ weighted), np.asarray(leavers @ weighted)
    sums = tied_sums(risk, going, block.left_by_age)
    value = block.left_by_profile @ linear - sums[0].sum()
    one, part = sums[1], sums[2]
    score = block.z.T @ block.left_by_profile - one @ of_risk + part @ of_going
    weight = u * (block.at_risk @ one - leavers.T @ part)
    information = (block.z * weight[:, None]).T @ block.z
    crossed = (of_risk * sums[4][:, None]).T @ of_going
    information -= (of_risk * sums[3][:, None]).T @ of_risk - crossed - crossed.T
    information -= (of_going * sums[5][:, None]).T @ of_going
    none = np.zeros(0)
    return Part(float(value), score, information, none, none, np.zeros((0, score.size)))
