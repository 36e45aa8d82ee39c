"""What treated rows would have been without the treatment, from the rows that were not treated (yet).

The estimator of Borusyak, Jaravel and Spiess, "Revisiting event-study designs: robust and efficient
estimation", Review of Economic Studies 91 (2024): levels of units, periods and controls are fitted to
untreated rows alone, so that no treated row ever serves as a comparison. In a balanced panel it equals the
extended two-way fixed effects of Wooldridge (2021), saturated by cohort and period.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from statsmodels.regression.linear_model import WLS

from arrisk.errors import ModelError
from arrisk.models.effects.panel import Codes, Floats, Panel
from arrisk.models.regression.sandwich import left_out

__all__ = ["Fit", "Imputed", "Levels", "check_levels", "design_of", "impute", "regress"]

Levels = Literal["unit", "cohort"]
CHUNK = 1_000  # clusters left out together: bounds the memory of their squares
ALIKE = 1e-9


@dataclass(frozen=True, slots=True)
class Fit:
    """A regression and how far it moves when each cluster is left out.

    Parameters
    ----------
    beta : array, shape (k,)
    moves : array, shape (clusters, k)
        The estimate less the one without the cluster.
    """

    beta: Floats
    moves: Floats


@dataclass(frozen=True, slots=True)
class Imputed:
    """Mean effects on treated rows and how far they move when each cluster is left out.

    Parameters
    ----------
    terms : array of int, shape (m,)
        Periods since the start.
    by_term, term_moves : array, shapes (m,) and (clusters, m)
        Mean effect at each age; NaN where a cluster is alone.
    term_weight, term_count : array, shape (m,)
        Weight and rows of each age.
    overall : float
    moves : array, shape (clusters,)
    """

    terms: Codes
    by_term: Floats
    term_moves: Floats
    term_weight: Floats
    term_count: Floats
    overall: float
    moves: Floats


def check_levels(levels: str) -> None:
    """Refuse what is not allowed."""
    if levels not in get_args(Levels):
        raise ModelError(f"levels={levels!r}; allowed: {', '.join(get_args(Levels))}")


def design_of(panel: Panel, base: NDArray[np.bool_], levels: Levels, extra: Floats | None = None) -> Floats:
    """Columns for periods, levels of cohorts (unless each unit has its own), controls and `extra`."""
    periods = np.unique(panel.period[base])
    parts = [(panel.period[:, None] == periods[None, 1:]).astype(float)]
    if levels == "cohort":
        cohorts = np.unique(panel.start)
        parts.append((panel.start[:, None] == cohorts[None, :]).astype(float))
    parts.append(panel.controls)
    if extra is not None:
        parts.append(extra)
    return np.hstack(parts)


def less_levels(values: Floats, panel: Panel, base: NDArray[np.bool_], levels: Levels) -> Floats:
    """Every row less the weighted mean of its unit's rows in `base`."""
    if levels == "cohort":
        return values
    n = int(panel.unit.max()) + 1
    weight = np.where(base, panel.weight, 0.0)
    total = np.bincount(panel.unit, weights=weight, minlength=n)
    total = np.where(total > 0, total, 1.0)
    columns = values if values.ndim == 2 else values[:, None]
    out = np.empty_like(columns)
    for j, column in enumerate(columns.T):
        mean = np.bincount(panel.unit, weights=weight * column, minlength=n) / total
        out[:, j] = column - mean[panel.unit]
    return out if values.ndim == 2 else out[:, 0]


def regress(x: Floats, y: Floats, weight: Floats, cluster: Codes, groups: int) -> Fit:
    """Weighted least squares with every cluster left out in turn, exactly."""
    information = (x * weight[:, None]).T @ x
    scale = np.sqrt(np.maximum(np.diag(information), np.finfo(float).tiny))
    least = np.linalg.eigvalsh(information / np.outer(scale, scale))[0] if scale.size else 1.0
    if least < ALIKE:
        raise ModelError(
            "the untreated rows do not link all periods, levels and controls: a control repeats them, or no "
            "unit is seen both early and late"
        )
    beta = np.asarray(WLS(y, x, weights=weight).fit().params, dtype=float)
    bread = np.linalg.inv(information / np.outer(scale, scale)) / np.outer(scale, scale)
    scores = x * (weight * (y - x @ beta))[:, None]
    moves = np.empty((groups, beta.size))
    order = np.argsort(cluster, kind="stable")
    edges = np.searchsorted(cluster[order], np.arange(groups + 1))
    for first in range(0, groups, CHUNK):
        last = min(first + CHUNK, groups)
        rows = order[edges[first] : edges[last]]
        code = cluster[rows] - first
        sums = np.zeros((last - first, beta.size))
        np.add.at(sums, code, scores[rows])
        moves[first:last] = left_out(x[rows], weight[rows], code, sums, bread)
    return Fit(beta, moves)


def impute(panel: Panel, levels: Levels = "unit", anticipation: int = 0) -> Imputed:
    """Mean effect on the treated rows, by periods since the start and over all of them.

    Parameters
    ----------
    panel : Panel
        Every treated row needs an untreated one of its unit (or cohort) and one of its period.
    levels : {"unit", "cohort"}
        Whose own level is taken out.
    anticipation : int
        Periods before the start that count neither as treated nor as untreated.
    """
    base = panel.age < -anticipation
    treated = panel.age >= 0
    groups = int(panel.cluster.max()) + 1
    x = less_levels(design_of(panel, base, levels), panel, base, levels)
    y = less_levels(panel.y, panel, base, levels)
    fit = regress(x[base], y[base], panel.weight[base], panel.cluster[base], groups)
    return _averages(panel.keep(treated), x[treated], y[treated] - x[treated] @ fit.beta, fit.moves)


def _averages(treated: Panel, x: Floats, gap: Floats, moves: Floats) -> Imputed:
    """Weighted means of gaps by age and over all, with each cluster left out of the fit and of the mean."""
    groups = len(moves)
    terms, code = np.unique(treated.age.astype(np.intp), return_inverse=True)
    m, w, of = terms.size, treated.weight, treated.cluster * terms.size + code
    weight = np.bincount(of, weights=w, minlength=groups * m).reshape(groups, m)
    amount = np.bincount(of, weights=w * gap, minlength=groups * m).reshape(groups, m)
    shift = np.einsum("ij,ij->i", x, moves[treated.cluster])
    inside = np.bincount(of, weights=w * shift, minlength=groups * m).reshape(groups, m)
    columns = np.zeros((m, x.shape[1]))
    np.add.at(columns, code, w[:, None] * x)
    # Without a cluster the fitted levels fall by its moves: every gap that is left rises by x @ moves.
    left = amount.sum(axis=0) - amount + moves @ columns.T - inside
    rest = weight.sum(axis=0) - weight
    alone = rest <= ALIKE * weight.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        without = np.where(alone, np.nan, left / rest)
    by_term = amount.sum(axis=0) / weight.sum(axis=0)
    overall = float(amount.sum() / weight.sum())
    return Imputed(
        terms, by_term, by_term - without, weight.sum(axis=0),
        np.asarray(np.bincount(code, weights=treated.count, minlength=m), dtype=float),
        overall, overall - left.sum(axis=1) / rest.sum(axis=1),
    )  # fmt: skip
