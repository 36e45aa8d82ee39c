"""Interrupted time series: what became of a monthly mean after a start, against how it went before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd

from arrisk.errors import ModelError
from arrisk.models.effects.checks import ALPHA, Check, check_table, unknown
from arrisk.models.effects.effect import Effect
from arrisk.models.effects.inference import Judged, judge, t_interval
from arrisk.models.effects.outcomes import OUTCOMES
from arrisk.models.effects.panel import Floats, Panel, read_panel
from arrisk.models.effects.series import SeriesFit, fit_series

__all__ = ["INTERRUPTED", "estimate_interruption"]

INTERRUPTED = "interrupted series"
LEAST_BEFORE, LEAST_AFTER = 8, 4
LEAST_FALSE = 4
YEAR = 12
HARMONICS = 2
FEW = 0.5
SHOWN = ("estimate", "ci_low", "ci_high", "p_value")
Errors = Literal["series", "customers"]


@dataclass(frozen=True, slots=True)
class Months:
    """A monthly series with what each customer adds to it.

    Parameters
    ----------
    period : array of int, shape (months,)
    y : array, shape (months,)
        Weighted mean of the treated, less that of the comparison if there is one.
    weight, count : array, shape (months,)
        Of the treated rows.
    without : array, shape (clusters, months)
        The series without each customer.
    """

    period: np.ndarray
    y: Floats
    weight: Floats
    count: Floats
    without: Floats


def estimate_interruption(
    rows: pd.DataFrame,
    *,
    outcome: str,
    cluster: str,
    period: str,
    start: int,
    weight: str | None = None,
    comparison: pd.DataFrame | None = None,
    errors: Errors = "series",
    level: float = 0.95,
    whom: str = "the treated",
) -> Effect:
    """Estimate how far a monthly mean left the course it had before a start.

    Parameters
    ----------
    rows : DataFrame
        Rows of those who are treated from `start` on, before and after it.
    outcome, cluster, period : str
        Columns: what is measured, the customer, a whole number of months (12 * year + month - 1).
    start : int
        First treated period.
    weight : str, optional
        Column of weights, for example amounts.
    comparison : DataFrame, optional
        Rows of others who are never treated: then the series is the gap between the two means.
    errors : {"series", "customers"}
        Intervals from the scatter of months about their course, which holds shocks that hit all customers at
        once; or from leaving out customers, which holds no such shocks.
    level : float
        Of the intervals.
    whom : str
        Whose effect it is, in words.

    Returns
    -------
    Effect
        The mean departure from the course over the months since the start. `table`: a row a month with `term`
        (months since the start), `estimate` (seen less expected), `ci_low`, `ci_high`, `p_value`, `weight`,
        `rows`, `seen` and `expected`.

    Raises
    ------
    ModelError
        With fewer than 8 months before or 4 from the start on.

    Notes
    -----
    First and last months with less than half the usual rows are left out. The course is a level, a slope and,
    from 24 months on, two harmonics of the year; after the start the level and the slope may change. Errors
    of months follow `fit_series`.

    Examples
    --------
    >>> months = np.arange(24)
    >>> days = 40 + 0.1 * months - 5 * (months >= 12)
    >>> rows = pd.DataFrame({"customer": "A", "month": months, "days": days})
    >>> found = estimate_interruption(rows, outcome="days", cluster="customer", period="month", start=12)
    >>> round(found.estimate, 6)
    -5.0
    """
    if errors not in get_args(Errors):
        raise ModelError(f"errors={errors!r}; allowed: {', '.join(get_args(Errors))}")
    names = {"outcome": outcome, "cluster": cluster, "period": period, "weight": weight}
    months, panel = _months(rows, comparison, names)
    months = _whole(months)
    _check_length(months, start)
    fit, found = _estimate(months, start, errors, level)
    return Effect(
        outcome=outcome, unit=OUTCOMES.get(outcome, outcome), estimate=found.estimate, se=found.se,
        ci_low=found.ci_low, ci_high=found.ci_high, p_value=found.p_value, df=found.df, level=level,
        design=INTERRUPTED, estimand=f"mean departure of {whom} from their course, after the start",
        rows=int(panel.count.sum()), clusters=int(np.unique(panel.cluster).size),
        assumptions=_assumptions(comparison is not None),
        checks=check_table(_checks(months, start, level)),
        table=_table(months, start, fit, level),
    )  # fmt: skip


def _months(
    rows: pd.DataFrame, comparison: pd.DataFrame | None, names: dict[str, str | None]
) -> tuple[Months, Panel]:
    """Read the treated and the comparison as one panel, so that a customer of both is left out of both."""
    treated = rows.assign(treated_=True)
    both = treated if comparison is None else pd.concat([treated, comparison.assign(treated_=False)])
    customer = both[str(names["cluster"])]
    both = both.assign(unit_=pd.factorize(customer)[0] * 2 + both["treated_"], start_=np.nan)
    both["start_"] = both["start_"].where(~both["treated_"], 0.0)
    panel = read_panel(
        both, outcome=str(names["outcome"]), unit="unit_", cluster=str(names["cluster"]),
        period=str(names["period"]), start="start_", weight=names["weight"],
    )  # fmt: skip
    of = np.isfinite(panel.start)
    months = _means(panel, of, np.unique(panel.period[of]))
    if comparison is None:
        return months, panel
    shared = np.intersect1d(panel.period[of], panel.period[~of])
    months, other = _means(panel, of, shared), _means(panel, ~of, shared)
    return replace(months, y=months.y - other.y, without=months.without - other.without), panel


def _means(panel: Panel, of: np.ndarray, periods: np.ndarray) -> Months:
    """Monthly weighted means, and without each customer; a month that is one customer's alone stays."""
    part = panel.keep(of & np.isin(panel.period, periods))
    place = np.searchsorted(periods, part.period)
    groups, n = int(panel.cluster.max()) + 1, periods.size
    at = part.cluster * n + place
    weight = np.bincount(at, weights=part.weight, minlength=groups * n).reshape(groups, n)
    amount = np.bincount(at, weights=part.weight * part.y, minlength=groups * n).reshape(groups, n)
    total, y = weight.sum(axis=0), amount.sum(axis=0) / weight.sum(axis=0)
    rest = total - weight
    without = np.where(rest > 0, (amount.sum(axis=0) - amount) / np.where(rest > 0, rest, 1.0), y)
    count = np.bincount(place, weights=part.count, minlength=n)
    return Months(periods, y, total, np.asarray(count, dtype=float), without)


def _whole(months: Months) -> Months:
    """Without first and last months that hold less than half the usual rows: days are missing."""
    full = np.flatnonzero(months.count >= FEW * np.median(months.count))
    kept = slice(full[0], full[-1] + 1)
    return Months(
        months.period[kept], months.y[kept], months.weight[kept], months.count[kept], months.without[:, kept]
    )


def _check_length(months: Months, start: int) -> None:
    before, after = int((months.period < start).sum()), int((months.period >= start).sum())
    if before < LEAST_BEFORE or after < LEAST_AFTER:
        raise ModelError(
            f"{before} months before the start and {after} from it on: an interrupted series needs at least "
            f"{LEAST_BEFORE} and {LEAST_AFTER}"
        )


def _design(period: np.ndarray, start: int) -> Floats:
    """Level, slope, season; change of level, change of slope."""
    age = (period - start).astype(float)
    columns = [np.ones(age.size), age]
    if period.max() - period.min() + 1 >= 2 * YEAR:
        turns = 2 * np.pi * period / YEAR
        for k in range(1, HARMONICS + 1):
            columns += [np.cos(k * turns), np.sin(k * turns)]
    after = age >= 0
    return np.column_stack([*columns, after.astype(float), np.where(after, age, 0.0)])


def _estimate(months: Months, start: int, errors: Errors, level: float) -> tuple[SeriesFit, Judged]:
    """Mean departure over the months from the start on, weighted as the treated are."""
    x = _design(months.period, start)
    fit = fit_series(months.y, x, months.period)
    share = np.where(months.period >= start, months.weight, 0.0)
    contrast = np.zeros(x.shape[1])
    contrast[-2:] = share @ x[:, -2:] / share.sum()
    if errors == "series":
        return fit, fit.judge(contrast, level)
    moves = (months.y - months.without) @ (contrast @ fit.root)
    return fit, judge(float(contrast @ fit.beta), moves, level)


def _table(months: Months, start: int, fit: SeriesFit, level: float) -> pd.DataFrame:
    """Every month seen against the course continued, with the reach of a single month."""
    x = _design(months.period, start)
    x[:, -2:] = 0.0
    expected = x @ fit.beta
    reach = np.sqrt(np.einsum("ij,jk,ik->i", x, fit.covariance, x) + fit.scale**2)
    gaps = zip(months.y - expected, reach, strict=True)
    judged = [t_interval(float(gap), float(se), fit.df, level) for gap, se in gaps]
    after = months.period >= start
    return pd.DataFrame(
        {
            "term": (months.period - start).astype(int),
            **{
                name: [getattr(j, name) for j in judged]
                for name in ("estimate", "ci_low", "ci_high", "p_value")
            },
            "weight": np.where(after, months.weight, 0.0) / months.weight[after].sum(),
            "rows": months.count.astype(int),
            "seen": months.y,
            "expected": expected,
        }
    )


def _checks(months: Months, start: int, level: float) -> list[Check]:
    return [_false_starts(months, start, level), _count_stays(months, start, level)]


def _false_starts(months: Months, start: int, level: float) -> Check:
    """The same estimate on the months before the start alone."""
    name = "no effect at false starts"
    early = months.period < start
    before = Months(
        months.period[early], months.y[early], months.weight[early], months.count[early],
        months.without[:, early],
    )  # fmt: skip
    dates = before.period[LEAST_FALSE : before.period.size - LEAST_FALSE + 1]
    judged = [_estimate(before, int(date), "series", level)[1] for date in dates]
    if not judged:
        return unknown(name, f"less than {2 * LEAST_FALSE} months before the start")
    p = np.array([j.p_value for j in judged])
    largest = max(judged, key=lambda j: abs(j.estimate)).estimate
    words = f"{(p < ALPHA).sum()} of {p.size} false starts show an effect; the largest is {largest:+.3g}"
    return Check(name, largest, float(min(1.0, p.min() * p.size)), words)


def _count_stays(months: Months, start: int, level: float) -> Check:
    """A jump in the number of rows says that the mix, or what counts as a row, changed with the start."""
    series = replace(months, y=np.log(months.count), without=np.log(months.count)[None, :])
    found = _estimate(series, start, "series", level)[1]
    change = float(np.expm1(found.estimate))
    words = f"{change:+.0%} a month against the course before the start"
    return Check("as many rows as before the start", change, found.p_value, words)


def _assumptions(compared: bool) -> tuple[str, ...]:
    nothing = "Nothing else changed at the start that changes the outcome"
    return (
        "Without the treatment the mean would have gone on as before: level, slope and season.",
        f"{nothing} of one and not of the other." if compared else f"{nothing}; no other series shows it.",
        "Those who are seen after the start are like those seen before it.",
    )
