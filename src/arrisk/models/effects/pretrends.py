"""Checks of a difference in differences on what came before the start: leads, a drift, false starts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.effects.checks import ALPHA, Check, unknown
from arrisk.models.effects.effect import detectable_effect
from arrisk.models.effects.imputation import Fit, Levels, design_of, impute, less_levels, regress
from arrisk.models.effects.inference import Judged, judge, judge_together
from arrisk.models.effects.panel import Floats, Panel

__all__ = ["BLOCK", "LEAST_CUSTOMERS", "checks_before", "leads"]

BLOCK = 3  # months that leads are pooled over: single months of few customers are noise
MOST_BLOCKS = 4
EVE = 2  # months before the start in which customers might act on it
LEAST_CUSTOMERS = 10
SHOWN = ("estimate", "ci_low", "ci_high", "p_value")

Rows = NDArray[np.bool_]


def checks_before(panel: Panel, levels: Levels, anticipation: int, level: float) -> list[Check]:
    """Every check of what came before the start, and whether enough customers carry the comparison.

    Parameters
    ----------
    panel : Panel
        As the estimate uses it.
    levels : {"unit", "cohort"}
    anticipation : int
        Periods before the start that are left out.
    level : float
    """
    early = panel.keep(panel.age < -anticipation)
    # Without units that are never treated, the last to start are the comparison.
    late = early.start >= panel.start.max()
    early = early.keep(np.isin(early.period, early.period[late]))
    of = early.start < panel.start.max()
    if not of.any():
        names = (
            "same course before the start",
            "no drift before the start",
            "nobody acts ahead of the start",
        )
        return [unknown(name, "nobody to compare with before the start") for name in names]
    return [
        _customers(panel),
        _same_course(early, of, levels),
        _no_drift(early, of, panel, levels, level),
        _nobody_ahead(early, of, levels, anticipation, level),
        _false_starts(early, levels, anticipation, level),
    ]


def fit_leads(early: Panel, levels: Levels, extra: Floats) -> Fit | None:
    """Coefficients of columns beside levels of units and periods, of untreated rows; None if unidentified."""
    base = np.ones(len(early), dtype=bool)
    x = less_levels(design_of(early, base, levels, extra), early, base, levels)
    y = less_levels(early.y, early, base, levels)
    try:
        fit = regress(x, y, early.weight, early.cluster, int(early.cluster.max()) + 1)
    except ModelError:
        return None
    q = extra.shape[1]
    return Fit(fit.beta[-q:], fit.moves[:, -q:])


def leads(panel: Panel, levels: Levels, anticipation: int, level: float) -> pd.DataFrame:
    """How far the treated were from the others in every period before the start.

    Each is a departure from the mean of the periods before the start, which the effects after it are measured
    from too; no single period serves as the zero.
    """
    early = panel.keep(panel.age < 0)
    early = early.keep(np.isin(early.period, early.period[early.start >= panel.start.max()]))
    of = early.start < panel.start.max()
    terms, code = np.unique(early.age[of], return_inverse=True)
    weight = np.bincount(code, weights=early.weight[of], minlength=terms.size)
    rows = np.bincount(code, weights=early.count[of], minlength=terms.size)
    columns = (early.age[:, None] == terms[None, :-1]) & of[:, None]
    fit = fit_leads(early, levels, columns.astype(float)) if terms.size > 1 else None
    if fit is None:
        return pd.DataFrame()
    share = np.where(terms < -anticipation, weight, 0.0) / weight[terms < -anticipation].sum()
    beta, moves = np.append(fit.beta, 0.0), np.column_stack([fit.moves, np.zeros(len(fit.moves))])
    beta, moves = beta - share @ beta, moves - (moves @ share)[:, None]
    judged = [judge(float(b), m, level) for b, m in zip(beta, moves.T, strict=True)]
    return pd.DataFrame(
        {
            "term": terms.astype(int),
            **{name: [getattr(j, name) for j in judged] for name in SHOWN},
            "weight": 0.0,
            "rows": rows.astype(int),
        }
    )


def _customers(panel: Panel) -> Check:
    treated = np.unique(panel.cluster[panel.age >= 0]).size
    others = np.unique(panel.cluster[~np.isfinite(panel.start) | (panel.age < 0)]).size
    fewer = min(treated, others)
    words = f"{treated} treated and {others} to compare with"
    if fewer < LEAST_CUSTOMERS:
        words += f"; with fewer than {LEAST_CUSTOMERS} intervals promise too much"
    return Check("enough customers", float(fewer), np.nan, words, fewer >= LEAST_CUSTOMERS)


def _same_course(early: Panel, of: Rows, levels: Levels) -> Check:
    """Quarters before the start: the last ones against all that came earlier."""
    name = "same course before the start"
    block = np.where(of, np.floor(early.age / BLOCK), np.nan)
    blocks = np.unique(block[of])[-MOST_BLOCKS - 1 :][1:]
    columns = (block[:, None] == blocks[None, :]).astype(float)
    fit = fit_leads(early, levels, columns) if blocks.size else None
    if fit is None:
        return unknown(name, f"less than {2 * BLOCK} months before the start")
    value, p = judge_together(fit.beta, fit.moves)
    alike = "like" if p >= ALPHA else "unlike"
    last = "quarter was" if blocks.size == 1 else f"{blocks.size} quarters were"
    words = f"the last {last} {alike} the time before (F = {value:.2f})"
    return Check(name, value, p, words)


def _no_drift(early: Panel, of: Rows, panel: Panel, levels: Levels, level: float) -> Check:
    name = "no drift before the start"
    age = np.where(of, early.age, 0.0)
    enough = np.unique(early.age[of]).size >= BLOCK
    fit = fit_leads(early, levels, age[:, None]) if enough else None
    if fit is None:
        return unknown(name, f"less than {BLOCK} months before the start")
    slope = judge(float(fit.beta[0]), fit.moves[:, 0], level)
    return Check(name, slope.estimate, slope.p_value, _drift_words(slope, _distance(panel), level))


def _drift_words(slope: Judged, months: float, level: float) -> str:
    """What the test of the slope would have missed (Roth, AER: Insights 4, 2022)."""
    unseen = detectable_effect(slope.se, slope.df, level)
    return (
        f"{slope.estimate:+.3g} a month; a steady drift below {unseen:.3g} a month could well go unseen, and "
        f"over {months:.0f} months make {unseen * months:.3g} of the effect"
    )


def _distance(panel: Panel) -> float:
    """Months from the middle of the time before to the middle of the time after the start."""
    of = np.isfinite(panel.start)
    age, weight = panel.age[of], panel.weight[of]
    after = age >= 0
    middle = [float(np.average(age[side], weights=weight[side])) for side in (after, ~after)]
    return middle[0] - middle[1]


def _nobody_ahead(early: Panel, of: Rows, levels: Levels, anticipation: int, level: float) -> Check:
    name = "nobody acts ahead of the start"
    eve = of & (early.age >= -anticipation - EVE)
    if not eve.any() or not (of & ~eve).any():
        return unknown(name, f"less than {EVE + 1} months before the start")
    fit = fit_leads(early, levels, eve[:, None].astype(float))
    if fit is None:
        return unknown(name, f"less than {EVE + 1} months before the start")
    ahead = judge(float(fit.beta[0]), fit.moves[:, 0], level)
    return Check(name, ahead.estimate, ahead.p_value, f"{ahead.estimate:+.3g} in the last {EVE} months")


def _false_starts(early: Panel, levels: Levels, anticipation: int, level: float) -> Check:
    """The same estimate on the time before the start, from every date that leaves a quarter on each side."""
    name = "no effect at false starts"
    own = early.age[np.isfinite(early.start)]
    longest = int(-own.min()) if own.size else 0
    judged = []
    for months in range(anticipation + BLOCK, longest - BLOCK + 1):
        found = _false_start(early.started(early.start - months), levels, level)
        judged += [found] if found is not None else []
    if not judged:
        return unknown(name, f"less than {2 * BLOCK} months before the start")
    p = np.array([j.p_value for j in judged])
    largest = max(judged, key=lambda j: abs(j.estimate)).estimate
    words = f"{(p < ALPHA).sum()} of {p.size} false starts show an effect; the largest is {largest:+.3g}"
    return Check(name, largest, float(min(1.0, p.min() * p.size)), words)


def _false_start(panel: Panel, levels: Levels, level: float) -> Judged | None:
    base = panel.age < 0
    own = panel.unit if levels == "unit" else panel.start
    usable = ~base & np.isin(own, own[base]) & np.isin(panel.period, panel.period[base])
    if np.unique(panel.cluster[usable]).size < 2:
        return None
    try:
        found = impute(panel.keep(base | usable), levels)
    except ModelError:
        return None
    return judge(found.overall, found.moves, level)
