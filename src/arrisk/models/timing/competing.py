"""Competing causes of closing in whole days: exact Aalen-Johansen curves with intervals.

Pure functions on arrays, with the conventions of `arrisk.models.timing.curves`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError
from arrisk.models.timing.day_counts import DayRows, Floats, Ints, day_rows
from arrisk.models.timing.incidence_curves import IncidenceCurves
from arrisk.models.timing.influence import Groups, group_rows
from arrisk.models.timing.survival_curve import loglog_limits

__all__ = ["IncidenceCurves", "aalen_johansen"]

ROUNDING = 1e-12


def aalen_johansen(
    duration: ArrayLike,
    cause: ArrayLike,
    entry: ArrayLike | None = None,
    counts: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    names: Mapping[int, str] | None = None,
) -> IncidenceCurves:
    """Cumulative incidence of competing causes in whole days, exact by counting.

    Parameters
    ----------
    duration, entry, counts, weights, clusters, level
        As in `kaplan_meier`.
    cause : array of int, shape (n,)
        0 when censored, otherwise the code of the cause.
    names : mapping of int to str, optional
        Causes in words, for tables and pictures; a cause that is named but was not seen has incidence 0.

    Returns
    -------
    IncidenceCurves

    Raises
    ------
    ModelError
        As `kaplan_meier`, when a cause is no whole number from 0 on, and when nothing but censoring was seen.

    Notes
    -----
    Aalen and Johansen (1978): ``F_k(t) = sum over s <= t of S(s-) d_k(s) / R(s)``. Without weights and
    clusters the variance is that of Dinse and Larson (Biometrika 73, 1986) and Gaynor et al. (JASA 88, 1993),
    the Greenwood formula of competing risks: with D = F_k(t) - F_k(s), the sum over s <= t of
    ``D^2 d / (R (R - d)) + S(s-)^2 d_k (R - d_k) / R^3 - 2 D S(s-) d_k / R^2``. With weights it is the
    infinitesimal jackknife over rows, as in R's survival: the same when nobody enters late and weights are
    equal. With clusters each customer is left out in turn, as in `kaplan_meier`. Limits are on the scale
    ``log(-log(1 - F))``, so one cause alone is Kaplan-Meier with its limits.

    The fitter of lifelines 0.30.3 is not called: it drops what closes on the first day, has late entrants at
    risk from the start, and moves days at random where a lone event is tied with those of another cause.

    Examples
    --------
    Left truncation: the third item is only watched after day 50.

    >>> aj = aalen_johansen([50, 71, 90], [1, 2, 1], entry=[0, 0, 50])
    >>> aj.at([50, 71, 90], 1).tolist(), aj.at([50, 71, 90], 2).tolist()
    ([0.5, 0.5, 0.75], [0.0, 0.25, 0.25])
    """
    rows = day_rows(duration, entry, weights, counts)
    kind, causes = _causes(cause, rows, names or {})
    counted = _count(rows, kind, len(causes) + 1)
    if clusters is None and weights is None:
        groups, spreads = None, [_Spread(v) for v in _greenwood(counted)]
    else:
        grouped = group_rows(rows, kind, clusters)
        groups, spreads = (None if grouped.independent else grouped.number), _robust(counted, grouped)
    columns = {"day": rows.days(), "items_at_risk": counted.items, "at_risk": counted.at_risk}
    for k, code in enumerate(causes):
        columns |= _columns(code, counted, k, spreads[k], level)
    columns["survival"] = counted.survival
    return IncidenceCurves(
        table=pd.DataFrame({name: values[counted.seen] for name, values in columns.items()}),
        causes=causes,
        n=counted.n,
        n_clusters=groups,
        level=level,
        method=_method(weights is not None, groups),
        names=dict(names or {}),
    )


@dataclass(frozen=True, slots=True)
class _Counted:
    """Counts by day and the curves they make; `events` and `incidence` have a row a cause."""

    events: Floats
    at_risk: Floats
    items: Ints
    incidence: Floats
    survival: Floats
    seen: NDArray[np.bool_]
    n: int

    def before(self) -> Floats:
        """Share open before each day."""
        return np.concatenate([[1.0], self.survival[:-1]])

    def per_event(self) -> Floats:
        """``1 / (at risk - events)`` on days with events, 0 where nothing is left."""
        total = self.events.sum(axis=0)
        rest = self.at_risk - total
        some = (total > 0) & (rest > ROUNDING * self.at_risk)
        return np.asarray(np.divide(1.0, rest, out=np.zeros_like(rest), where=some), dtype=float)


@dataclass(frozen=True, slots=True)
class _Spread:
    """Variance of an incidence by day, with its degrees of freedom (None: normal)."""

    variance: Floats
    freedom: Floats | None = None


def _causes(
    cause: ArrayLike, rows: DayRows, names: Mapping[int, str]
) -> tuple[NDArray[np.int64], tuple[int, ...]]:
    """Causes numbered from 1 (0: censored), and their codes."""
    raw = np.asarray(cause)
    if raw.shape != rows.exit.shape:
        raise ModelError(f"cause has {raw.size} values for {rows.exit.size} durations")
    if raw.dtype.kind not in "bui" or bool((raw < 0).any()):
        raise ModelError("causes must be whole numbers from 0 (censored) on")
    seen = np.unique(raw)
    if not seen.any():
        raise ModelError("no closing was seen: every item is censored")
    codes = sorted({*seen.tolist(), *names} - {0})
    return np.searchsorted([0, *codes], raw).astype(np.int64), tuple(int(c) for c in codes)


def _count(rows: DayRows, kind: Ints, kinds: int) -> _Counted:
    left = rows.leaving(kind, kinds)
    gone = left if rows.weights is None else rows.leaving(kind, kinds, weighted=False)
    events, total = left[1:], left[1:].sum(axis=0)
    at_risk = np.maximum(rows.at_risk(left.sum(axis=0)), total)
    items = at_risk if rows.weights is None else rows.at_risk(gone.sum(axis=0), weighted=False)
    hazard = np.divide(events, at_risk, out=np.zeros_like(events), where=at_risk > 0)
    survival = np.cumprod(1.0 - hazard.sum(axis=0))
    survival[survival < ROUNDING] = 0.0
    before = np.concatenate([[1.0], survival[:-1]])
    return _Counted(
        events=events,
        at_risk=at_risk,
        items=np.rint(items).astype(np.int64),
        incidence=np.cumsum(before * hazard, axis=1),
        survival=survival,
        seen=(left.sum(axis=0) > 0) | (gone.sum(axis=0) > 0),
        n=int(gone.sum()),
    )


def _greenwood(counted: _Counted) -> list[Floats]:
    """Variance of each incidence for independent rows, its sums expanded in F_k(t)."""
    at_risk = np.maximum(counted.at_risk, 1.0)
    each = counted.events.sum(axis=0) * counted.per_event() / at_risk
    before, out = counted.before(), []
    for d, share in zip(counted.events, counted.incidence, strict=True):
        cross = before * d / at_risk**2
        alone = before**2 * d * (at_risk - d) / at_risk**3
        square, product = np.cumsum(each), np.cumsum(each * share + cross)
        rest = np.cumsum(each * share**2 + alone + 2.0 * share * cross)
        out.append(np.maximum(share**2 * square - 2.0 * share * product + rest, 0.0))
    return out


def _robust(counted: _Counted, grouped: Groups) -> list[_Spread]:
    """Influences of the clusters on each incidence."""
    causes, unit, before = len(counted.events), counted.per_event(), counted.before()
    hazard = np.divide(
        counted.events, counted.at_risk, out=np.zeros_like(counted.events), where=counted.at_risk > 0
    )
    per_weight = np.divide(before, counted.at_risk, out=np.zeros_like(before), where=counted.at_risk > 0)
    sums = [grouped.spread() for _ in range(causes)]
    for block in grouped.blocks(causes + 1):
        out = grouped.left_out(block, counted.at_risk)
        excess = [block.excess(k, hazard[k]) * out for k in range(causes)]
        total = np.sum(excess, axis=0) * unit
        moved = np.cumsum(total, axis=1)
        for k, share in enumerate(counted.incidence):
            own = np.cumsum(excess[k] * per_weight + share * total, axis=1)
            sums[k].add(own - share * moved, block.members)
    return [_Spread(each.variance(), each.freedom()) for each in sums]


def _columns(
    code: int, counted: _Counted, k: int, spread: _Spread, level: float
) -> dict[str, NDArray[np.float64]]:
    rest = 1.0 - counted.incidence[k]
    rest[rest < ROUNDING] = 0.0
    of_log = np.divide(spread.variance, rest**2, out=np.full_like(rest, np.nan), where=rest > 0)
    se, low, high = loglog_limits(rest, of_log, spread.freedom, level)
    return {
        f"events_{code}": counted.events[k],
        f"incidence_{code}": counted.incidence[k],
        f"se_{code}": se,
        f"ci_low_{code}": 1.0 - high,
        f"ci_high_{code}": 1.0 - low,
    }


def _method(weighted: bool, groups: int | None) -> str:
    weight = "amount-weighted" if weighted else "each item counts once"
    if groups is not None:
        return f"Aalen-Johansen, {weight}; log-log intervals robust to dependence within {groups} clusters"
    kind = "robust (infinitesimal jackknife)" if weighted else "Greenwood-type"
    return f"Aalen-Johansen, {weight}; {kind} standard errors, items taken as independent, log-log intervals"
