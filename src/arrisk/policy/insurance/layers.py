"""Policies on simulated years: what each pays a year, for many policies at once.

What a policy covers of a buyer depends on its balance alone, so the defaults are gone through once, for all
policies together: one product of the sparse table of defaults with the covered amounts (obligors, policies).
The terms of the year then work on totals. An order that puts a step on single losses behind one on the year
does not allow that; such a policy goes through its losses one by one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from arrisk.models.losses.events import LossEvents
from arrisk.models.losses.portfolio import LossPortfolio
from arrisk.policy.insurance.buyer_limits import BuyerTerms, grant_cover
from arrisk.policy.insurance.downturn_cuts import cut_limits, downturn_years
from arrisk.policy.insurance.exclusions import BuyerFacts
from arrisk.policy.insurance.premium import Premium, price_policy
from arrisk.policy.insurance.steps import BUYER_STEPS, IDLE, YEAR_STEPS, run_steps
from arrisk.policy.insurance.terms import PolicyTerms

__all__ = ["Layer", "LayerYears", "make_layer", "pay_layers", "split_order"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
CHUNK_EVENTS = 1_000_000


@dataclass(frozen=True, slots=True)
class Layer:
    """One policy, ready for a portfolio.

    Parameters
    ----------
    terms : PolicyTerms
        With the maximum liability as an amount.
    premium : Premium
    granted : tuple of BuyerTerms
        What buyers are granted; a second entry when limits are cut in a downturn.
    """

    terms: PolicyTerms
    premium: Premium
    granted: tuple[BuyerTerms, ...]


@dataclass(frozen=True, slots=True)
class LayerYears:
    """What one policy pays in simulated years.

    Parameters
    ----------
    indemnity, insured : arrays of shape (draws,)
        Paid on balances, and what of it is left after the insurer's part of the recoveries.
    binds : bool array of shape (draws,)
        Whether the maximum liability cuts the payments.
    unused : bool array of shape (draws,) or None
        Whether the covered losses do not exceed the aggregate first loss; None without one.
    """

    indemnity: FloatArray
    insured: FloatArray
    binds: BoolArray
    unused: BoolArray | None


def make_layer(
    terms: PolicyTerms, portfolio: LossPortfolio, sales: FloatArray, facts: BuyerFacts | None = None
) -> Layer:
    """Price a policy and work out what it grants the customers of a portfolio."""
    premium = price_policy(terms, portfolio, sales, facts)
    fixed = terms.with_premium(premium.paid)
    granted = grant_cover(terms, portfolio, facts)
    if terms.downturn_cut > 0 and terms.downturn_share > 0:
        return Layer(fixed, premium, (granted, cut_limits(terms, granted, portfolio)))
    return Layer(fixed, premium, (granted,))


def split_order(terms: PolicyTerms, granted: BuyerTerms) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """Steps on single losses, and those on the year's total behind them.

    The second is None when a step behind works on single losses and cannot be moved to the total. A share
    can, when it is the same for all buyers.
    """
    at = next((i for i, step in enumerate(terms.order) if step in YEAR_STEPS), len(terms.order))
    first, rest = terms.order[:at], terms.order[at:]
    alike = float(np.ptp(granted.share)) == 0
    fits = all(
        step in YEAR_STEPS or _idle(terms, step) or (step == "insured_share" and alike) for step in rest
    )
    return first, rest if fits else None


def cover_buyers(
    terms: PolicyTerms, granted: BuyerTerms, portfolio: LossPortfolio, steps: Sequence[str]
) -> FloatArray:
    """What steps on single losses leave of each balance, shape (obligors,)."""
    amounts = portfolio.exposure * granted.insurable
    values = granted.step_values(terms)
    for step in steps:
        amounts = BUYER_STEPS[step](amounts, values[step])
    return np.asarray(amounts, dtype=float)


def pay_layers(events: LossEvents, layers: Sequence[Layer]) -> tuple[FloatArray, list[LayerYears]]:
    """Loss of each simulated year, and what each policy pays in it.

    Parameters
    ----------
    events : LossEvents
    layers : sequence of Layer

    Returns
    -------
    total : array of shape (draws,)
    years : list of LayerYears
        In the order of the layers.

    Notes
    -----
    Recoveries are shared in the proportion in which a balance was paid, so the insurer bears the indemnity of
    a default times the share of its balance that is lost. Losses of a simulated year have no order: first
    loss and maximum liability fall on all in proportion.
    """
    columns = _Columns()
    columns.add(events.portfolio.exposure)
    places: list[tuple[int, ...] | None] = []
    for layer in layers:
        first, rest = split_order(layer.terms, layer.granted[0])
        covered = [cover_buyers(layer.terms, g, events.portfolio, first) for g in layer.granted]
        places.append(None if rest is None else tuple(columns.add(values) for values in covered))
    gross, net = _sums(events, columns.stacked())
    total = net[0].copy()
    years = []
    for layer, place in zip(layers, places, strict=True):
        if place is None:
            found = _one_by_one(events, layer)
        else:
            found = _on_totals(layer, _pick(events, layer, gross, place), _pick(events, layer, net, place))
        years.append(_within(found, total))
    return total, years


@dataclass(slots=True)
class _Columns:
    """Distinct columns of covered amounts: policies that differ in terms of the year share one."""

    place: dict[bytes, int] = field(default_factory=dict)
    found: list[FloatArray] = field(default_factory=list)

    def add(self, values: FloatArray) -> int:
        """Position of a column, added unless it is there already."""
        key = values.tobytes()
        if key not in self.place:
            self.place[key] = len(self.found)
            self.found.append(values)
        return self.place[key]

    def stacked(self) -> FloatArray:
        """All columns, shape (obligors, columns)."""
        return np.ascontiguousarray(np.stack(self.found, axis=1))


def _sums(events: LossEvents, columns: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Covered amounts of each year, on balances and on what is lost of them, shape (columns, draws)."""
    severity = events.severity
    if severity.size and severity.min() < severity.max():
        gross, net = events.both_by_draw(columns)
        return np.ascontiguousarray(gross.T), np.ascontiguousarray(net.T)
    severity = events.severity
    if severity.size == 0 or float(np.ptp(severity)) == 0:
        gross = np.ascontiguousarray(events.by_draw(columns).T)
        return gross, gross * (float(severity[0]) if severity.size else 1.0)
    gross, net = events.both_by_draw(columns)
    return np.ascontiguousarray(gross.T), np.ascontiguousarray(net.T)


def _pick(events: LossEvents, layer: Layer, sums: FloatArray, place: tuple[int, ...]) -> FloatArray:
    """A policy's totals; those after the cut in the years of a downturn."""
    if len(place) == 1:
        return np.asarray(sums[place[0]], dtype=float)
    bad = downturn_years(layer.terms, events.factor)
    return np.asarray(np.where(bad, sums[place[1]], sums[place[0]]), dtype=float)


def _on_totals(layer: Layer, gross: FloatArray, net: FloatArray) -> LayerYears:
    """Terms of the year on totals: covered amounts on balances, and on what is lost of them."""
    terms, paid = layer.terms, gross
    values = layer.granted[0].step_values(terms)
    before: dict[str, FloatArray] = {}
    for step in split_order(terms, layer.granted[0])[1] or ():
        before[step] = paid
        if step == "insured_share":
            paid = paid * float(np.ravel(values[step])[0])
        elif not _idle(terms, step):
            paid = YEAR_STEPS[step](paid, values[step])
    if paid is not gross:
        net = net * np.divide(paid, gross, out=np.zeros_like(gross), where=gross > 0)
    return LayerYears(paid, net, *_aggregates(terms, before, gross.size))


def _one_by_one(events: LossEvents, layer: Layer) -> LayerYears:
    """Losses one by one through the policy, some years at a time."""
    marks = np.searchsorted(events.start, np.arange(0, int(events.start[-1]) + CHUNK_EVENTS, CHUNK_EVENTS))
    edges = np.unique(np.concatenate([[0], np.minimum(marks, events.draws), [events.draws]]))
    parts = [_some_years(events, layer, a, b) for a, b in pairwise(edges.tolist())]
    before = {step: np.concatenate([part[2][step] for part in parts]) for step in layer.terms.order}
    paid, net = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    return LayerYears(paid, net, *_aggregates(layer.terms, before, events.draws))


def _some_years(
    events: LossEvents, layer: Layer, first: int, last: int
) -> tuple[FloatArray, FloatArray, dict[str, FloatArray]]:
    """Paid and borne in years first to last, and what entered each step."""
    terms, days = layer.terms, slice(int(events.start[first]), int(events.start[last]))
    who, size = events.obligor[days], last - first
    year = np.repeat(np.arange(size), np.diff(events.start[first : last + 1]))
    usual, worst = layer.granted[0], layer.granted[-1]
    values = {
        step: value[who] if isinstance(value, np.ndarray) else value
        for step, value in usual.step_values(terms).items()
    }
    if worst is not usual:
        bad = downturn_years(terms, events.factor[first:last])[year]
        values["buyer_limit"] = np.where(bad, worst.limit[who], usual.limit[who])
    start = events.portfolio.exposure[who] * usual.insurable[who]
    after = run_steps(start, terms.order, values, year, "pro rata")
    names = ("covered", *terms.order)
    totals = {step: _sum_years(year, amounts, size) for step, amounts in after.items()}
    net = _sum_years(year, after[names[-1]] * events.severity[days], size)
    before = {step: totals[entered] for entered, step in zip(names, terms.order, strict=False)}
    return totals[names[-1]], net, before


def _sum_years(year: NDArray[np.int64], amounts: FloatArray, size: int) -> FloatArray:
    return np.bincount(year, weights=amounts, minlength=size).astype(float)


def _aggregates(
    terms: PolicyTerms, before: dict[str, FloatArray], draws: int
) -> tuple[BoolArray, BoolArray | None]:
    """Whether the maximum liability cuts, and whether the first loss is not exceeded, year by year."""
    binds = np.zeros(draws, dtype=bool)
    if "maximum_liability" in terms.order and math.isfinite(terms.maximum_liability):
        binds = before["maximum_liability"] > terms.maximum_liability
    if "aggregate_first_loss" in terms.order and terms.aggregate_first_loss > 0:
        return binds, before["aggregate_first_loss"] <= terms.aggregate_first_loss
    return binds, None


def _within(years: LayerYears, total: FloatArray) -> LayerYears:
    """The same with rounding kept from paying more than was lost."""
    return LayerYears(years.indemnity, np.minimum(years.insured, total), years.binds, years.unused)


def _idle(terms: PolicyTerms, step: str) -> bool:
    return bool(getattr(terms, step) == IDLE[step]) and step not in ("buyer_limit", "insured_share")
