"""Simulated years of all cases of a loss model, on which every offer and every clause is costed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from arrisk.models.losses.events import LossEvents
from arrisk.models.losses.simulation import simulate_losses
from arrisk.models.tail import weighted_mean
from arrisk.policy.insurance.retained import Retained, retain, retain_all
from arrisk.policy.insurance.terms import PolicyTerms

if TYPE_CHECKING:
    from arrisk.models.losses.loss_model import LossModel
    from arrisk.policy.insurance.exclusions import BuyerFacts

__all__ = ["CaseYears", "simulate_cases"]

FloatArray = NDArray[np.float64]
T = TypeVar("T")
TAIL_SHARE = 0.01
ROUNDING = 1e-12
BATCH = 16


@dataclass(frozen=True, slots=True, eq=False)
class CaseYears:
    """Years of all cases, one case after the other, as one set of events.

    Parameters
    ----------
    events : LossEvents
        Weights are those of the years times that of their case; they add up to 1.
    weight : array of shape (cases,)
        Probability of each case; all cases have the same number of years.
    strata : array of shape (cases, years) or None
        What the years of a case were sorted by, when stratified.
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
    weight: FloatArray
    strata: FloatArray | None
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
        cost = kept.cost.reshape(self.cases, -1)
        edge = _quantiles(cost, self.within, 1 - TAIL_SHARE)[:, None]
        tail = edge + np.maximum(cost - edge, 0.0) / TAIL_SHARE
        return np.asarray(cost + self.cost_of_risk * (tail - cost), dtype=float).ravel()

    def mean(self, values: FloatArray) -> float:
        """Mean over years and cases of one value per year."""
        return float(self.events.weight @ values)

    def error(self, values: FloatArray) -> float:
        """Monte Carlo error of the mean, at most: the cases share their random numbers, so errors add up."""
        return float(self.weight @ self.by_case(values)[1])

    def by_case(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean of each case and its Monte Carlo error, shape (cases,) each."""
        table = values.reshape(self.cases, -1)
        found = [
            weighted_mean(table[c], self.within[c], None if self.strata is None else self.strata[c])
            for c in range(self.cases)
        ]
        return np.array([float(m) for m, _ in found]), np.array([float(e) for _, e in found])

    @property
    def within(self) -> FloatArray:
        """Probability of each year within its case, shape (cases, years)."""
        table = self.events.weight.reshape(self.cases, -1)
        return np.asarray(table / self.weight[:, None], dtype=float)


def simulate_cases(
    model: LossModel,
    draws: int,
    seed: int,
    cost_of_risk: float,
    facts: BuyerFacts | None = None,
    money_rate: float = 0.0,
    n_jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> CaseYears:
    """Simulate the years of every case of a loss model with the same random numbers.

    Parameters
    ----------
    model : LossModel
    draws : int
        Years of each case.
    seed : int
    cost_of_risk : float
    facts : BuyerFacts, optional
    money_rate : float
        Cost of money a year, for the wait until a claim is paid.
    n_jobs : int
        Workers; the years do not depend on it.
    progress : callable, optional
        Told after each case: (done, all).
    """
    cases = model.cases[model.cases["weight"] > 0]
    runs = []
    for k, (scale, rho) in enumerate(cases[["scale", "rho"]].to_numpy(dtype=float)):
        book, dependence = model.at(float(scale), float(rho))
        runs.append(simulate_losses(book, dependence, draws, seed, n_jobs))
        if progress is not None:
            progress(k + 1, len(cases))
    weight = cases["weight"].to_numpy(dtype=float)
    return _join(runs, weight / weight.sum(), model.sales, cost_of_risk, facts, money_rate)


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
    strata = None if runs[0].strata is None else np.array([run.factor for run in runs])
    events = replace(
        runs[0],
        weight=np.concatenate([w * run.weight for w, run in zip(weight, runs, strict=True)]),
        factor=np.concatenate([run.factor for run in runs]),
        start=np.concatenate([[0], np.cumsum(counts)]),
        obligor=np.concatenate([run.obligor for run in runs]),
        severity=np.concatenate([run.severity for run in runs]),
    )
    return CaseYears(events, weight, strata, np.asarray(sales, dtype=float), facts, cost_of_risk, money_rate)


def _quantiles(values: FloatArray, weight: FloatArray, level: float) -> FloatArray:
    """Weighted quantile of each row: the smallest value not exceeded with at least this probability."""
    order = np.argsort(values, axis=1)
    reached = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1)
    at = np.minimum((reached < level - ROUNDING).sum(axis=1), values.shape[1] - 1)
    rows = np.arange(len(values))
    return np.asarray(values[rows, order[rows, at]], dtype=float)


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
