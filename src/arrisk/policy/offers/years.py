"""Simulated years of all cases of a loss model, on which every offer and every clause is costed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from arrisk.models.losses.events import LossEvents
from arrisk.models.losses.simulation import simulate_losses
from arrisk.models.tail import weighted_mean, weighted_quantile
from arrisk.policy.insurance.retained import Retained, retain, retain_all
from arrisk.policy.insurance.terms import PolicyTerms

if TYPE_CHECKING:
    from arrisk.models.losses.loss_model import LossModel
    from arrisk.policy.insurance.exclusions import BuyerFacts

__all__ = ["CaseYears", "simulate_cases"]

FloatArray = NDArray[np.float64]
T = TypeVar("T")
TAIL_SHARE = 0.01
BATCH = 16
FEWEST_YEARS = 200


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
        Cost of money a year, for the wait until a claim is paid.
    """

    events: LossEvents
    start: NDArray[np.int64]
    weight: FloatArray
    sales: FloatArray
    facts: BuyerFacts | None
    cost_of_risk: float
    money_rate: float = 0.0

    @property
    def cases(self) -> int:
        """Number of cases."""
        return int(self.weight.size)

    def retain(self, terms: PolicyTerms | None) -> Retained:
        """All years through a policy; None is no insurance."""
        return retain(self.events, terms, self.sales, None, self.facts, self.money_rate)

    def cost(self, terms: PolicyTerms | None) -> FloatArray:
        """Cost of each year under a policy, shape (years,), capital included (see `charge`)."""
        return self.charge(self.retain(terms))

    def costs(self, policies: Iterable[PolicyTerms | None]) -> Iterator[FloatArray]:
        """The same for many policies, one after the other."""
        for some in _batches(policies, BATCH):
            found = retain_all(self.events, some, self.sales, self.facts, self.money_rate)
            yield from (self.charge(kept) for kept in found)

    def charge(self, kept: Retained) -> FloatArray:
        """Premium, kept loss, waiting and charge on capital of each year, shape (years,).

        Notes
        -----
        The charge on capital is written year by year, so that means of this array (by weight) are costs with
        capital, and its spread is their Monte Carlo error: the mean of the worst share s of years is
        ``q + max(x - q, 0) / s`` on average, q the quantile (Rockafellar and Uryasev 2000).
        """
        cost = kept.cost
        charged = np.empty_like(cost)
        for years in self.slices():
            edge = weighted_quantile(cost[years], 1 - TAIL_SHARE, self.within(years))
            tail = edge + np.maximum(cost[years] - edge, 0.0) / TAIL_SHARE
            charged[years] = cost[years] + self.cost_of_risk * (tail - cost[years])
        return charged

    def mean(self, values: FloatArray) -> float:
        """Mean over years and cases of one value per year."""
        return float(self.events.weight @ values)

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
