"""What the insurance decision rests on: customers, their losses in the ledger, and the structures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html, money
from arrisk.errors import ModelError
from arrisk.models.losses.correlation import CorrelationEvidence, estimate_correlation
from arrisk.models.losses.events import LossEvents
from arrisk.models.losses.simulation import simulate_losses
from arrisk.policy.insurance import page as insurance_page
from arrisk.policy.insurance.comparison import PolicyComparison, compare_policies
from arrisk.policy.insurance.exclusions import BuyerFacts, read_buyer_facts
from arrisk.policy.insurance.forms import Programme
from arrisk.policy.insurance.loss_layers import LossLayers, split_loss
from arrisk.policy.insurance.premium import price_policy
from arrisk.policy.insurance.retained import Structure, retain_all
from arrisk.policy.insurance.structures import (
    EXCESS,
    FIRST_LOSS,
    LARGER_FIRST_LOSS,
    WHOLE,
    Candidate,
    make_structures,
    typical,
)
from arrisk.policy.insurance.terms import PolicyTerms
from arrisk.policy.loss_basis import make_loss_model

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.defaults.experience import DefaultExperience
    from arrisk.models.losses.loss_model import LossModel
    from arrisk.models.scoring.scorecard import Scorecard
    from arrisk.policy.assumptions import Assumption
    from arrisk.policy.study import Study

__all__ = ["InsuranceCase", "make_insurance_case"]

FloatArray = NDArray[np.float64]
DRAWS = 8192
PRICING_DRAWS = 4096
LAYERED = (LARGER_FIRST_LOSS, FIRST_LOSS, EXCESS, WHOLE)
TERMS = (
    "premium_rate",
    "insured_share",
    "minimum_premium",
    "buyer_limit",
    "maximum_liability_multiple",
    "non_qualifying_loss",
    "each_and_every",
    "aggregate_first_loss",
    "waiting_days",
    "asset_correlation",
    "default_days",
    "materiality",
)
TYPICAL = ("selection_loading", "excess_years", "downturn_cut", "downturn_share")


@dataclass(frozen=True, slots=True, eq=False)
class InsuranceCase:
    """What the decision is made on.

    Parameters
    ----------
    model : LossModel
        Customers at risk with their probabilities, balances and severities, and what is open about them.
    candidates : tuple of Candidate
        Structures compared with no insurance, each with the source of its premium.
    cost_of_risk : float
        Annual charge on capital held for the tail.
    capital_rate : float
        Cost of money a year, for the wait until claims are paid.
    facts : BuyerFacts
        Disputes and overdue buyers, which policies exclude.
    downturn : tuple of float
        Part of the limits that an insurer may cut in a downturn, and part of the years that are one.
    seed : int
    assumptions : tuple of Assumption
        From the study, or typical values.
    """

    model: LossModel
    candidates: tuple[Candidate, ...]
    cost_of_risk: float
    capital_rate: float
    facts: BuyerFacts
    downturn: tuple[float, float]
    seed: int
    assumptions: tuple[Assumption, ...]

    @property
    def as_of(self) -> pd.Timestamp:
        """Day of the book."""
        return self.model.as_of

    @property
    def currency(self) -> str:
        """Unit of amounts."""
        return self.model.currency

    @property
    def book(self) -> pd.DataFrame:
        """customer_id, exposure (open now), sales (last year), pd; customers not in default who owe."""
        people = self.model.book.included[["customer_id", "exposure", "sales"]]
        return people.assign(pd=self.model.portfolio.pd[: len(people)])

    @property
    def excluded(self) -> float:
        """Open balance of customers in default, which no insurer takes on."""
        return self.model.excluded

    @property
    def experience(self) -> DefaultExperience:
        """Losses by year in the ledger."""
        return self.model.experience

    @property
    def what_if(self) -> str:
        """What is assumed because the ledger shows too few losses; empty when it shows enough."""
        return self.model.what_if

    @property
    def identified(self) -> bool:
        """Whether the ledger holds enough losses, and somebody out of default owes something."""
        return self.model.identified and not self.model.book.included.empty

    @property
    def exposure(self) -> FloatArray:
        """Open balance by customer; a single zero when nobody owes anything."""
        return self.model.portfolio.exposure

    @property
    def sales(self) -> FloatArray:
        """Sales of a year by customer, in the order of `exposure`."""
        return self.model.sales

    @property
    def structures(self) -> tuple[Structure, ...]:
        """The policies compared."""
        return tuple(candidate.policy for candidate in self.candidates)

    @property
    def scale(self) -> float:
        """Level at which single figures are shown, over the central one: the mean of what is left open."""
        return self.model.mean_scale

    @property
    def basis(self) -> str:
        """Level and correlation of single figures, in words."""
        return (
            f"{self.scale * self.model.level:.1%} of customers lost a year and an asset correlation of "
            f"{self.model.dependence.rho:.2f}, the means of what the ledger leaves open"
        )

    def find(self, name: str) -> Candidate:
        """The structure of a name.

        Raises
        ------
        ModelError
            If there is none.
        """
        names = [candidate.name for candidate in self.candidates]
        if name not in names:
            raise ModelError(f"{name!r} is no structure of this case; there are {', '.join(names)}")
        return self.candidates[names.index(name)]

    def simulate(
        self, scale: float | None = None, rho: float | None = None, draws: int = DRAWS, n_jobs: int = 1
    ) -> LossEvents:
        """Losses of a year at one level (over the central one) and one correlation; the means by default."""
        return _simulate(self.model, self.seed, scale, rho, draws, n_jobs)

    def compare(
        self, scale: float | None = None, rho: float | None = None, draws: int = DRAWS
    ) -> PolicyComparison:
        """Structures at one level and one correlation; by default the means of what is left open."""
        return self._compare(self.structures, scale, rho, draws)

    def compare_cuts(self, draws: int = DRAWS) -> PolicyComparison:
        """The same structures when the insurer cuts buyer limits just in the worst years."""
        return self._compare(tuple(self.cut(policy) for policy in self.structures), None, None, draws)

    def compare_with(self, *policies: Structure) -> PolicyComparison:
        """Other policies at the same level and correlation; their names must differ."""
        return self._compare(policies, None, None, DRAWS)

    def _compare(
        self, policies: Iterable[Structure], scale: float | None, rho: float | None, draws: int
    ) -> PolicyComparison:
        runs = self.simulate(scale, rho, draws)
        found = compare_policies(
            runs,
            policies,
            self.sales,
            self.cost_of_risk,
            self.currency,
            self.as_of,
            self.facts,
            self.capital_rate,
        )
        told = self.basis if scale is None and rho is None else ""
        return replace(found, what_if=self.what_if, basis=told)

    def cut(self, policy: Structure) -> Structure:
        """A structure of the same name whose insurer cuts limits in a downturn."""
        cut, years = self.downturn
        if isinstance(policy, Programme):
            layers = tuple(replace(p, downturn_cut=cut, downturn_share=years) for p in policy.layers)
            return replace(policy, layers=layers)
        return replace(policy, downturn_cut=cut, downturn_share=years)

    def split(self, structure: str | PolicyTerms | None = None, draws: int = DRAWS) -> LossLayers:
        """Who bears which part of a year's loss under a policy, from usual years to the worst.

        Parameters
        ----------
        structure : str or PolicyTerms, optional
            Of several policies held at once, the first. By default one with a first loss, when there is one.
        draws : int
        """
        if structure is None:
            names = [candidate.name for candidate in self.candidates]
            structure = next(name for name in LAYERED if name in names)
        found = self.find(structure).layers[0] if isinstance(structure, str) else structure
        runs = self.simulate(draws=draws)
        return split_loss(runs, found, self.sales, self.facts, self.currency, self.as_of)

    def margin_words(self) -> str:
        """What the insurer earns on the given policy at the level of losses that the ledger shows."""
        terms = self.find(WHOLE).layers[0]
        premium = price_policy(terms, self.model.portfolio, self.sales, self.facts).total
        runs = self.simulate(draws=PRICING_DRAWS)
        claims = float(runs.weight @ retain_all(runs, [terms], self.sales, self.facts)[0].insured)
        paid = f"The whole turnover at the given premium costs {money(premium, self.currency)} a year"
        if claims <= 0:
            return f"{paid} and pays nothing: no balance is insured and reaches the least loss that is paid."
        told = f"{paid} against mean claims of {money(claims, self.currency)} at the losses of this ledger"
        if claims <= premium:
            return f"{told}: the insurer keeps {1 - claims / premium:.0%} for costs and risk."
        return (
            f"{told}: the insurer would lose on it. Expect a dearer quote, refused limits or a rise after "
            "the first claims; the premium at which the verdict turns is the figure to hold on to."
        )

    def correlation(self) -> CorrelationEvidence:
        """What the years of the ledger say about how closely customers fail together."""
        years = self.experience.years
        seen = years[years["counted"] & (years["at_risk"] > 0)]
        counts = pd.DataFrame({"trials": seen["at_risk"], "events": seen["lost"]}).reset_index(drop=True)
        prior, level = self.model.posterior.prior, self.model.level_of_range
        return estimate_correlation(counts, prior, level, as_of=self.as_of)

    def cuts_table(self, name: str = "insurance_limit_cuts", draws: int = DRAWS) -> Table:
        """What it costs when the insurer cuts buyer limits just in the worst years."""
        return insurance_page.cuts_table(self, self.compare(draws=draws), self.compare_cuts(draws), name)

    def terms_table(self, name: str = "policy_terms") -> Table:
        """The structures compared and their terms, in the order in which they apply."""
        return insurance_page.terms_table(self, name)

    def trace_table(self, balance: float | None = None, name: str = "policy_trace") -> Table:
        """One loss on its way through every structure; by default the largest balance of the book."""
        return insurance_page.trace_table(self, balance, name)

    def _repr_html_(self) -> str:
        table = self.terms_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def make_insurance_case(study: Study, snapshot: Snapshot, card: Scorecard | None = None) -> InsuranceCase:
    """Gather the customers, what the ledger says of their losses, and the study's structures.

    Parameters
    ----------
    study : Study
        Needs the assumptions premium_rate, insured_share and cost_of_capital; the other terms are optional,
        as are quotes of further structures (see `make_structures`).
    snapshot : Snapshot
    card : Scorecard, optional
        Orders the customers by risk; without one all have the same probability of loss.

    Returns
    -------
    InsuranceCase

    Raises
    ------
    StudyError
        If a needed assumption is missing.
    """
    money_rate = study.assumption("cost_of_capital")
    model = make_loss_model(study, card, snapshot)
    facts = read_buyer_facts(snapshot, model.portfolio.name)
    charge = study.get("hurdle_rate") or money_rate
    runs = _simulate(model, study.seed, None, None, PRICING_DRAWS, 1)
    candidates = make_structures(study, runs, model.sales, charge.value, facts)
    names = (*TERMS, "lgd") if model.what_if else TERMS
    given = [a for a in (study.get(name) for name in names) if a is not None]
    used = {a.name: a for a in (*given, money_rate, charge, *(typical(study, name) for name in TYPICAL))}
    return InsuranceCase(
        model,
        candidates,
        charge.value,
        money_rate.value,
        facts,
        (used["downturn_cut"].value, used["downturn_share"].value),
        study.seed,
        tuple(used.values()),
    )


def _simulate(
    model: LossModel, seed: int, scale: float | None, rho: float | None, draws: int, n_jobs: int
) -> LossEvents:
    book, dependence = model.at(
        model.mean_scale if scale is None else scale, model.dependence.rho if rho is None else rho
    )
    return simulate_losses(book, dependence, draws, seed, n_jobs)
