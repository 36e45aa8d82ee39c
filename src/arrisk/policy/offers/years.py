"""Simulated years of all cases of a loss model, on which every offer and every clause is costed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import OfferError
from arrisk.models.losses.events import LossEvents
from arrisk.models.losses.simulation import simulate_losses
from arrisk.models.tail import weighted_mean, weighted_quantile
from arrisk.policy.insurance.retained import retain_all
from arrisk.policy.insurance.terms import PolicyTerms

if TYPE_CHECKING:
    from arrisk.models.losses.loss_model import LossModel
    from arrisk.policy.funding.funded_book import FundedBook
    from arrisk.policy.funding.routes import Route
    from arrisk.policy.insurance.exclusions import BuyerFacts

__all__ = ["CaseYears", "Outcome", "simulate_cases"]

FloatArray = NDArray[np.float64]
T = TypeVar("T")
TAIL_SHARE = 0.01
BATCH = 16
FEWEST_YEARS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """All simulated years under one offer, before the charge on capital.

    Parameters
    ----------
    charges : float
        Paid a year on average: premium and fees, or interest and fees, and the owners' money for cash that is
        wanted and does not come.
    retained : array of shape (years,)
        Losses that stay.
    cost : array of shape (years,)
        Charges, kept losses and waiting.
    cash, rate : float
        Obtained, and its effective annual cost; not a number when an offer brings none.
    limit_binds, first_loss_unused : float
        See `Retained`.
    """

    charges: float
    retained: FloatArray
    cost: FloatArray
    cash: float = 0.0
    rate: float = math.nan
    limit_binds: float = 0.0
    first_loss_unused: float = math.nan


@dataclass(frozen=True, slots=True, eq=False)
class CaseYears:
    """Years of all cases, one case after the other, as one set of events.

    Parameters
    ----------
    events : LossEvents
        Weights are those of the years times that of their case; they add up to 1.
    start : int array of shape (cases + 1,)
        The years of case c are ``start[c]:start[c + 1]``.
    weight : array of shape (cases,)
        Probability of each case.
    sales : array of shape (obligors,)
        Of a year, currency units.
    facts : BuyerFacts or None
        What an insurer excludes.
    cost_of_risk : float
        Annual charge on capital for the worst 1% of years of a case.
    money_rate : float
        Cost of money a year, for the wait until a claim is paid, and for cash that an offer does not bring.
    book : FundedBook or None
        What is funded, when there is an offer to fund it.
    wanted : float
        Cash that is wanted, currency units.
    """

    events: LossEvents
    start: NDArray[np.int64]
    weight: FloatArray
    sales: FloatArray
    facts: BuyerFacts | None
    cost_of_risk: float
    money_rate: float = 0.0
    book: FundedBook | None = None
    wanted: float = 0.0

    @property
    def cases(self) -> int:
        """Number of cases."""
        return int(self.weight.size)

    def outcome(self, terms: Any) -> Outcome:
        """All years under terms: a policy, a route of funding, or None for neither."""
        if terms is None or isinstance(terms, PolicyTerms):
            return self._policies([terms])[0]
        return self._route(terms)

    def cost(self, terms: Any) -> FloatArray:
        """Cost of each year under terms, shape (years,), capital included (see `charge`)."""
        return self.charge(self.outcome(terms))

    def costs(self, several: Iterable[Any]) -> Iterator[FloatArray]:
        """The same for many terms of one kind, one after the other."""
        for some in _batches(several, BATCH):
            is_policy = some[0] is None or isinstance(some[0], PolicyTerms)
            found = self._policies(some) if is_policy else [self._route(terms) for terms in some]
            yield from (self.charge(outcome) for outcome in found)

    def _policies(self, policies: list[PolicyTerms | None]) -> list[Outcome]:
        """Cash that is wanted and that insurance does not bring comes from the owners."""
        gap = self.money_rate * self.wanted
        return [
            Outcome(
                kept.premium + gap + self.mean(kept.premium_change),
                kept.retained,
                kept.cost + gap,
                limit_binds=kept.limit_binds,
                first_loss_unused=kept.first_loss_unused,
            )
            for kept in retain_all(self.events, policies, self.sales, self.facts, self.money_rate)
        ]

    def _route(self, route: Route) -> Outcome:
        if self.book is None:
            raise OfferError("the book that is to be funded is missing")
        year = route.draw(self.book, self.wanted)
        charges = year.cost + self.money_rate * (self.wanted - year.cash)
        kept = route.kept(self.book, self.wanted, self.events)
        return Outcome(charges, kept, charges + kept, year.cash, year.rate)

    def charge(self, outcome: Outcome) -> FloatArray:
        """Premium or charges, kept loss and charge on capital of each year, shape (years,).

        Notes
        -----
        The charge on capital is written year by year, so that means of this array (by weight) are costs with
        capital, and its spread is their Monte Carlo error: the mean of the worst share s of years is
        ``q + max(x - q, 0) / s`` on average, q the quantile (Rockafellar and Uryasev 2000).
        """
        cost = outcome.cost
        charged = np.empty_like(cost)
        for years in self.slices():
            edge = weighted_quantile(cost[years], 1 - TAIL_SHARE, self.within(years))
            tail = edge + np.maximum(cost[years] - edge, 0.0) / TAIL_SHARE
            charged[years] = cost[years] + self.cost_of_risk * (tail - cost[years])
        return charged

    def mean(self, values: FloatArray) -> float:
        """Mean over years and cases of one value per year."""
        return float((self.events.weight * values).sum())

    def error(self, values: FloatArray) -> float:
        """Monte Carlo error of the mean: the years of two cases are drawn apart."""
        return float(np.linalg.norm(self.weight * self.by_case(values)[1]))

    def by_case(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean of each case and its Monte Carlo error, shape (cases,) each."""
        strata = self.events.strata
        found = [
            weighted_mean(values[y], self.within(y), None if strata is None else strata[y])
            for y in self.slices()
        ]
        return np.array([float(m) for m, _ in found]), np.array([float(e) for _, e in found])

    def slices(self) -> list[slice]:
        """The years of each case."""
        return [slice(int(a), int(b)) for a, b in pairwise(self.start)]

    def within(self, years: slice) -> FloatArray:
        """Probability of each year of a case, within the case."""
        share = self.events.weight[years]
        return np.asarray(share / share.sum(), dtype=float)


def simulate_cases(
    model: LossModel,
    years: int,
    seed: int,
    cost_of_risk: float,
    facts: BuyerFacts | None = None,
    money_rate: float = 0.0,
    n_jobs: int = 1,
) -> CaseYears:
    """Simulate years of every case of a loss model, more of them the likelier the case.

    Parameters
    ----------
    model : LossModel
    years : int
        Of all cases together, about.
    seed : int
        Each case has a child of it.
    cost_of_risk : float
    facts : BuyerFacts, optional
    money_rate : float
        Cost of money a year, for the wait until a claim is paid.
    n_jobs : int
        Workers; the years do not depend on it.
    """
    cases = model.cases[model.cases["weight"] > 0]
    weight = cases["weight"].to_numpy(dtype=float) / float(cases["weight"].sum())
    draws = np.maximum(np.rint(years * weight), FEWEST_YEARS).astype(int)
    seeds = np.random.SeedSequence(seed).generate_state(len(cases), np.uint32)
    runs = []
    for k, (scale, rho) in enumerate(cases[["scale", "rho"]].to_numpy(dtype=float)):
        book, dependence = model.at(float(scale), float(rho))
        runs.append(simulate_losses(book, dependence, int(draws[k]), int(seeds[k]), n_jobs))
    return _join(runs, weight, model.sales, cost_of_risk, facts, money_rate)


def _join(
    runs: list[LossEvents],
    weight: FloatArray,
    sales: FloatArray,
    cost_of_risk: float,
    facts: BuyerFacts | None,
    money_rate: float,
) -> CaseYears:
    """One set of events after the other; the portfolio of the first stands for all, for they owe the same."""
    counts = np.concatenate([np.diff(run.start) for run in runs])
    events = replace(
        runs[0],
        weight=np.concatenate([w * run.weight for w, run in zip(weight, runs, strict=True)]),
        factor=np.concatenate([run.factor for run in runs]),
        start=np.concatenate([[0], np.cumsum(counts)]),
        obligor=np.concatenate([run.obligor for run in runs]),
        severity=np.concatenate([run.severity for run in runs]),
    )
    start = np.concatenate([[0], np.cumsum([run.draws for run in runs])]).astype(np.int64)
    return CaseYears(events, start, weight, np.asarray(sales, dtype=float), facts, cost_of_risk, money_rate)


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
