"""Checks of a difference in differences on what came before the start: leads, a drift, false starts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from arrisk.errors import ModelError
from arrisk.models.effects.effect import CHECK_COLUMNS, detectable_effect
from arrisk.models.effects.imputation import Fit, Levels, design_of, impute, less_levels, regress
from arrisk.models.effects.inference import Judged, judge, judge_together
from arrisk.models.effects.panel import Floats, Panel

__all__ = ["check_before", "leads"]

ALPHA = 0.05
BLOCK = 3
LEAST = 3
MOST_BLOCKS = 4


def compared(panel: Panel) -> np.ndarray:
    """Rows of units that count as treated when leads are fitted: all but the comparison.

    Without units that are never treated the last to start are the comparison.
    """
    last = panel.start.max()
    return np.asarray(panel.start < last)


def fit_leads(panel: Panel, levels: Levels, extra: Floats) -> Fit | None:
    """Coefficients of columns of untreated rows beside levels of units and periods; None if not identified."""
    base = np.ones(len(panel), dtype=bool)
    x = less_levels(design_of(panel, base, levels, extra), panel, base, levels)
    y = less_levels(panel.y, panel, base, levels)
    try:
        fit = regress(x, y, panel.weight, panel.cluster, int(panel.cluster.max()) + 1)
    except ModelError:
        return None
    q = extra.shape[1]
    return Fit(fit.beta[-q:], fit.moves[:, -q:])


def leads(panel: Panel, levels: Levels, anticipation: int, level: float) -> pd.DataFrame:
    """Departures of the treated from the others in every period before the start, from their own mean."""
    early = panel.keep(panel.age < 0)
    of = compared(early)
    terms, code = np.unique(early.age[of], return_inverse=True)
    weight = np.bincount(code, weights=early.weight[of], minlength=terms.size)
    count = np.bincount(code, weights=early.count[of], minlength=terms.size)
    if terms.size < 2:
        return pd.DataFrame()
    columns = (early.age[:, None] == terms[None, :-1]) & of[:, None]
    fit = fit_leads(early, levels, columns.astype(float))
    if fit is None:
        return pd.DataFrame()
    share = weight / weight.sum()
    beta, moves = np.append(fit.beta, 0.0), np.column_stack([fit.moves, np.zeros(len(fit.moves))])
    beta, moves = beta - share @ beta, moves - (moves @ share)[:, None]
    judged = [judge(float(b), m, level) for b, m in zip(beta, moves.T, strict=True)]
    return pd.DataFrame(
        {
            "term": terms.astype(int),
            "estimate": [j.estimate for j in judged],
            "ci_low": [j.ci_low for j in judged],
            "ci_high": [j.ci_high for j in judged],
            "p_value": [j.p_value for j in judged],
            "weight": 0.0,
            "rows": count.astype(int),
        }
    )


def check_before(panel: Panel, levels: Levels, anticipation: int, level: float) -> pd.DataFrame:
    """Every check of what came before the start; they share a chance of 5% to refute what is true."""
    early = panel.keep(panel.age < 0)
    found = [
        _joint(early, levels),
        _drift(early, panel, levels, level),
        _false_starts(early, levels, level),
    ]
    return pd.DataFrame(found, columns=CHECK_COLUMNS)


def _joint(early: Panel, levels: Levels) -> dict[str, object]:
    of = compared(early)
    name = "same course before the start"
    if not of.any():
        return _unknown(name, "nobody to compare with before the start")
    block = np.where(of, np.floor((early.age + BLOCK * 100) / BLOCK), 0.0)
    blocks = np.unique(block[of])[-MOST_BLOCKS - 1 :]
    columns = (block[:, None] == blocks[None, :-1]) & of[:, None]
    fit = fit_leads(early, levels, columns.astype(float)) if blocks.size > 1 else None
    if fit is None:
        return _unknown(name, f"fewer than {2 * BLOCK} months before the start")
    value, p = judge_together(fit.beta, fit.moves)
    words = f"quarters before the start jointly alike: F = {value:.2f}, p = {p:.2f}"
    return dict(zip(CHECK_COLUMNS, (name, value, p, p >= ALPHA, words), strict=True))


def _drift(early: Panel, panel: Panel, levels: Levels, level: float) -> dict[str, object]:
    of = compared(early)
    name = "no drift before the start"
    if not of.any() or np.unique(early.age[of]).size < LEAST:
        return _unknown(name, f"fewer than {LEAST} months before the start")
    fit = fit_leads(early, levels, np.where(of, early.age, 0.0)[:, None])
    if fit is None:
        return _unknown(name, "everybody is treated in the end: a steady drift cannot be told apart")
    slope = judge(float(fit.beta[0]), fit.moves[:, 0], level)
    return _say_drift(name, slope, _distance(panel), level)


def _distance(panel: Panel) -> float:
    """Months between the middle of the time before and the middle of the time after the start."""
    of = np.isfinite(panel.start)
    age, weight = panel.age[of], panel.weight[of]
    after = age >= 0
    return float(
        np.average(age[after], weights=weight[after]) - np.average(age[~after], weights=weight[~after])
    )


def _say_drift(name: str, slope: Judged, months: float, level: float) -> dict[str, object]:
    seen = detectable_effect(slope.se, slope.df, level)
    words = (
        f"{slope.estimate:+.3g} a month (p = {slope.p_value:.2f}); a steady drift under {seen:.3g} a month "
        f"would likely go unseen and could make {seen * months:.3g} of the effect"
    )
    return dict(
        zip(CHECK_COLUMNS, (name, slope.estimate, slope.p_value, slope.p_value >= ALPHA, words), strict=True)
    )


def _false_starts(early: Panel, levels: Levels, level: float) -> dict[str, object]:
    name = "no effect at false starts"
    longest = int(-early.age[np.isfinite(early.age)].min())
    judged = []
    for months in range(LEAST, longest - LEAST + 1):
        false = early.started(early.start - months)
        try:
            found = impute(_with_base(false, levels), levels)
        except ModelError:
            continue
        judged.append(judge(found.overall, found.moves, level))
    if not judged:
        return _unknown(name, f"fewer than {2 * LEAST} months before the start")
    p = np.array([j.p_value for j in judged])
    largest = max(judged, key=lambda j: abs(j.estimate)).estimate
    lowest = float(min(1.0, p.min() * p.size))
    words = f"{(p < ALPHA).sum()} of {p.size} false starts show an effect; the largest is {largest:+.3g}"
    return dict(zip(CHECK_COLUMNS, (name, largest, lowest, lowest >= ALPHA, words), strict=True))


def _with_base(panel: Panel, levels: Levels) -> Panel:
    base = panel.age < 0
    own = panel.unit if levels == "unit" else panel.start
    usable = ~base & np.isin(own, own[base]) & np.isin(panel.period, panel.period[base])
    if np.unique(panel.cluster[usable]).size < 2:
        raise ModelError("fewer than two customers")
    return panel.keep(base | usable)


def _unknown(name: str, why: str) -> dict[str, object]:
    """A check that the ledger cannot make is not passed."""
    return dict(zip(CHECK_COLUMNS, (name, np.nan, np.nan, False, f"cannot be checked: {why}"), strict=True))
