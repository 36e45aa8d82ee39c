"""Figures of schemes from their draws: means, intervals, tails, ranks, and the Monte Carlo error of each."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.policy.discount.value import Values

__all__ = ["describe_values", "mix_errors", "rank_schemes"]

TAIL = 0.05
BLOCKS = 10
TERMS = ["segment", "threshold", "rate", "days"]
Floats = NDArray[np.float64]


def describe_values(values: Values, labels: pd.DataFrame, level: float) -> pd.DataFrame:
    """Means, intervals and tails of every scheme over the draws.

    Parameters
    ----------
    values : Values
        Arrays draws x schemes.
    labels : DataFrame
        Segment, threshold, rate, days, sales and scale of every scheme.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        See `arrisk.policy.discount.simulation.DiscountGrid`. The affordable rate is that at which the mean
        value is zero; its interval is over the draws in which anybody takes the scheme.
    """
    npv, ends = values.value, ((1 - level) / 2, (1 + level) / 2)
    out = labels[TERMS].copy()
    out["npv"] = npv.mean(axis=0)
    out["ci_low"], out["ci_high"] = np.quantile(npv, ends, axis=0)
    out["mc_error"] = npv.std(axis=0, ddof=1) / np.sqrt(len(npv))
    out["p_gain"] = (npv > 0).mean(axis=0)
    worst = max(1, round(TAIL * len(npv)))
    out["tail"] = np.sort(npv, axis=0)[:worst].mean(axis=0)
    out["cash_freed"] = values.cash.mean(axis=0)
    out["cash_low"], out["cash_high"] = np.quantile(values.cash, ends, axis=0)
    rate, sales = (labels[c].to_numpy(dtype=float) for c in ("rate", "sales"))
    taken = values.taken.mean(axis=0)
    out["take_up"] = _ratio(taken, sales)
    out["already_early"] = _ratio(values.early.mean(axis=0), taken)
    out["affordable_rate"] = rate + _ratio(npv.mean(axis=0), values.slope.mean(axis=0))
    out["rate_low"], out["rate_high"] = _rate_interval(values, rate, ends)
    out["sales"] = sales
    out["scale"] = labels["scale"]
    return out


def _ratio(over: Floats, under: Floats) -> Floats:
    return np.divide(over, under, out=np.full_like(over, np.nan), where=under > 0)


def _rate_interval(values: Values, rate: Floats, ends: tuple[float, float]) -> Floats:
    rates = rate + _ratio(values.value, values.slope)
    some = ~np.isnan(rates)
    out = np.full((2, len(rate)), np.nan)
    full, part = some.all(axis=0), some.any(axis=0) & ~some.all(axis=0)
    out[:, full] = np.quantile(rates[:, full], ends, axis=0)
    out[:, part] = np.nanquantile(rates[:, part], ends, axis=0)
    return out


def rank_schemes(table: pd.DataFrame, npv: Floats) -> tuple[pd.DataFrame, NDArray[np.intp]]:
    """Add the chance to be best and the expected regret, no discount being one choice; best first.

    Returns
    -------
    (DataFrame, array)
        The table in its new order, and the order.
    """
    table = table.copy()
    table["p_best"], table["regret"] = _compare(npv)
    order = np.argsort(-table["npv"].to_numpy(), kind="stable")
    return table.iloc[order].reset_index(drop=True), order


def _compare(npv: Floats) -> tuple[Floats, Floats]:
    with_none = np.column_stack([npv, np.zeros(len(npv))])
    winner = with_none.argmax(axis=1)
    best = (np.bincount(winner, minlength=with_none.shape[1]) / len(npv))[:-1]
    return best, np.asarray((with_none.max(axis=1)[:, None] - npv).mean(axis=0), dtype=float)


def mix_errors(values: Values, table: pd.DataFrame, level: float) -> pd.DataFrame:
    """Monte Carlo error of every figure: the jackknife over tenths of the draws.

    Returns
    -------
    DataFrame
        Segment, threshold, rate, days and scale of every row of `table`, and the error of each figure.
    """
    draws = len(values.value)
    parts = []
    for block in range(BLOCKS):
        rest = np.flatnonzero(np.arange(draws) % BLOCKS != block)
        kept = values.only(rest)
        figures = describe_values(kept, table, level).drop(columns=[*TERMS, "mc_error", "sales", "scale"])
        figures["p_best"], figures["regret"] = _compare(kept.value)
        parts.append(figures)
    stack = np.stack([p.to_numpy(dtype=float) for p in parts])
    error = np.sqrt((BLOCKS - 1) / BLOCKS * ((stack - stack.mean(axis=0)) ** 2).sum(axis=0))
    out = pd.DataFrame(error, columns=parts[0].columns)
    return pd.concat([table[[*TERMS, "scale"]], out], axis=1)
