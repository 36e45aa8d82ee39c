"""From features to the fitted terms of a card: bounds and steps of numbers, the fit, wrong signs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.models.features.catalogue import feature_of
from arrisk.models.regression.logit import LogitFit, Penalty, fit_logit
from arrisk.models.scoring.bins import Bins
from arrisk.models.scoring.selection import Selection, correlations, select_by_strength, select_in_order
from arrisk.models.scoring.terms import BinnedTerm, CardTerm, LinearTerm, units_of
from arrisk.models.scoring.values import numbers_of

__all__ = [
    "Draft",
    "FittedTerms",
    "binned_term",
    "draft_binned",
    "draft_linear",
    "fit_terms",
    "linear_term",
    "unexpected_signs",
]

Floats = NDArray[np.float64]
OUTER_SHARE = 0.01
TYPICAL_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Draft:
    """Terms that are to be fitted.

    Parameters
    ----------
    terms : tuple of CardTerm, length k
        Their coefficients are yet to be found.
    units : array, shape (n, k)
        What the coefficients will multiply.
    dropped : dict of str to str
        Features that do not become terms, and why.
    strength : dict of str to float
        Information value of each binned feature.
    """

    terms: tuple[CardTerm, ...]
    units: Floats
    dropped: dict[str, str]
    strength: dict[str, float]


@dataclass(frozen=True, slots=True)
class FittedTerms:
    """Terms with their coefficients, the fit behind them, and those taken out because of their sign.

    Parameters
    ----------
    terms : tuple of CardTerm
    fit : LogitFit
    dropped : dict of str to str
        Term and reason.
    """

    terms: tuple[CardTerm, ...]
    fit: LogitFit
    dropped: dict[str, str]


def linear_term(values: Any, name: str) -> LinearTerm:
    """A linear term whose coefficient is yet to be found.

    Notes
    -----
    Bounds and step are those of the catalogue of features where it has the column and bounds that hold for
    every ledger. Otherwise the bounds are the quantiles at 1% and 99% (the extremes when these are equal),
    and the step is the standard deviation of the bounded values, rounded to 1, 2 or 5 times a power of ten. A
    missing value is taken for the median.

    Examples
    --------
    >>> term = linear_term([0.0, 10.0, 20.0, None], "weeks")
    >>> round(term.low, 3), round(term.high, 3), term.step, term.fill
    (0.2, 19.8, 10.0, 10.0)
    """
    x = numbers_of(values, name)
    known = x[np.isfinite(x)]
    if not known.size:
        return LinearTerm(name, 0.0, 0.0, 1.0, 0.0, 0.0)
    low, high, step = _bounds(known, name)
    fill = float(np.median(known))
    average = float(np.clip(np.where(np.isnan(x), fill, x), low, high).mean())
    return LinearTerm(name, low, high, step, fill, 0.0, average)


def _bounds(known: Floats, name: str) -> tuple[float, float, float]:
    try:
        feature = feature_of(name)
    except KeyError:
        feature = None
    if feature is not None and feature.bounded:
        return feature.low, feature.high, feature.step
    low, high = (float(q) for q in np.quantile(known, [OUTER_SHARE, 1 - OUTER_SHARE]))
    if low == high:
        low, high = float(known.min()), float(known.max())
    return low, high, _round_step(float(np.clip(known, low, high).std()))


def _round_step(spread: float) -> float:
    """The nearest of 1, 2 and 5 times a power of ten, on the scale of logarithms."""
    if spread <= 0:
        return 1.0
    power = math.floor(math.log10(spread))
    near = min((1, 2, 5, 10), key=lambda m: abs(math.log(m * 10.0**power / spread)))
    return float(f"{near}e{power}")


def binned_term(values: Any, bins: Bins) -> BinnedTerm:
    """A binned term whose coefficient is yet to be found, with the median or the most frequent category.

    The typical value is only told, so at most about 20,000 rows are looked at.
    """
    column = pd.Series(values)
    column = column.iloc[:: max(1, len(column) // TYPICAL_ROWS)].dropna()
    if column.empty:
        return BinnedTerm(bins, -1.0)
    if bins.kind == "text":
        return BinnedTerm(bins, -1.0, str(column.astype(str).mode().iloc[0]))
    known = numbers_of(column, bins.name)
    known = known[~np.isin(known, np.array(bins.specials, dtype=float)) & np.isfinite(known)]
    return BinnedTerm(bins, -1.0, float(np.median(known)) if known.size else None)


def draft_linear(frame: pd.DataFrame, bins: Sequence[Bins], most: int) -> Draft:
    """Terms in the order of the columns: numbers within bounds, texts in bins.

    Parameters
    ----------
    frame : DataFrame
    bins : sequence of Bins
        Of the columns of texts.
    most : int
        Number of terms that the events can carry.
    """
    cut = {b.name: b for b in bins}
    terms = tuple(
        binned_term(frame[name], cut[name]) if name in cut else linear_term(frame[name], name)
        for name in frame.columns
    )
    units = units_of(terms, frame)
    chosen = select_in_order(list(frame.columns), correlations(units), most)
    return _chosen(terms, units, chosen, {}, {b.name: b.iv for b in bins})


def draft_binned(
    frame: pd.DataFrame, bins: Sequence[Bins], least_iv: float, closest: float, most: int
) -> Draft:
    """The binned columns that are strong enough and not too close to a stronger one.

    Parameters
    ----------
    frame : DataFrame
    bins : sequence of Bins
    least_iv : float
        Least information value.
    closest, most
        See `select_by_strength`.
    """
    weak = {
        b.name: f"its information value {b.iv:.3f} is below {least_iv:.2g}" for b in bins if b.iv < least_iv
    }
    strong = [b for b in bins if b.name not in weak]
    terms = tuple(binned_term(frame[b.name], b) for b in strong)
    units = units_of(terms, frame)
    strength = [b.iv for b in strong]
    chosen = select_by_strength([b.name for b in strong], correlations(units), strength, closest, most)
    return _chosen(terms, units, chosen, weak, {b.name: b.iv for b in bins})


def _chosen(
    terms: tuple[CardTerm, ...],
    units: Floats,
    chosen: Selection,
    dropped: dict[str, str],
    strength: dict[str, float],
) -> Draft:
    kept = list(chosen.kept)
    left_out = {terms[j].name: reason for j, reason in chosen.dropped.items()}
    units = units if len(kept) == len(terms) else units[:, kept]
    return Draft(tuple(terms[j] for j in kept), units, dropped | left_out, strength)


def fit_terms(
    draft: Draft, event: ArrayLike, clusters: ArrayLike | None = None, penalty: Penalty = "auto"
) -> FittedTerms:
    """Find the coefficients, and take out binned terms that come out with the wrong sign.

    Parameters
    ----------
    draft : Draft
    event : array of bool, shape (n,)
    clusters : array, shape (n,), optional
        Customers.
    penalty : {"auto", "firth", None}
        See `fit_logit`.

    Notes
    -----
    A weight of evidence is higher where customers are better, so its coefficient must be negative. When,
    given the other terms, it is not, the bins would be read upside down: the term with the largest
    coefficient is taken out and the rest is fitted again, until none is left with the wrong sign. Linear
    terms are never taken out.
    """
    terms, left = draft.terms, list(range(len(draft.terms)))
    dropped: dict[str, str] = {}
    while True:
        fit = _fit(draft, left, event, clusters, penalty)
        found = {j: float(b) for j, b in zip(left, fit.coefficients[1:], strict=True)}
        wrong = [j for j in left if found[j] > 0 and isinstance(terms[j], BinnedTerm)]
        if not wrong:
            return FittedTerms(tuple(replace(terms[j], coefficient=found[j]) for j in left), fit, dropped)
        worst = max(wrong, key=lambda j: found[j])
        dropped[terms[worst].name] = (
            f"given the other terms its coefficient on the weight of evidence is {found[worst]:+.3f}: its "
            "bins would be read upside down"
        )
        left.remove(worst)


def _fit(
    draft: Draft, left: list[int], event: ArrayLike, clusters: ArrayLike | None, penalty: Penalty
) -> LogitFit:
    units = draft.units if len(left) == len(draft.terms) else draft.units[:, left]
    names = [draft.terms[j].name for j in left]
    return fit_logit(pd.DataFrame(units, columns=names, copy=False), event, clusters, penalty)


def unexpected_signs(terms: Sequence[CardTerm]) -> tuple[str, ...]:
    """Linear terms whose coefficient runs against the direction that the catalogue of features expects."""
    odd = []
    for term in terms:
        if not isinstance(term, LinearTerm):
            continue
        try:
            risk = feature_of(term.name).risk
        except KeyError:
            continue
        if risk * term.coefficient < 0:
            odd.append(term.name)
    return tuple(odd)
