"""What the insurance decision rests on: the book, its loss experience and the structures compared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.experience import DefaultExperience, read_default_experience
from arrisk.models.losses.events import LossEvents
from arrisk.models.losses.portfolio import Dependence, make_portfolio
from arrisk.models.losses.simulation import simulate_losses
from arrisk.policy.assumptions import KNOWN
from arrisk.policy.insurance import page as insurance_page
from arrisk.policy.insurance.comparison import PolicyComparison, compare_policies
from arrisk.policy.insurance.terms import PolicyTerms

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.policy.assumptions import Assumption
    from arrisk.policy.study import Study

__all__ = ["FIRST_LOSS", "SELECTIVE", "WHOLE", "InsuranceCase", "make_insurance_case"]

FloatArray = NDArray[np.float64]
WHOLE, FIRST_LOSS, SELECTIVE = "whole turnover", "whole turnover above a first loss", "largest buyers only"
SALES_DAYS = 365
LARGEST_SHARE = 0.5
TERMS = (
    "premium_rate",
    "insured_share",
    "cost_of_capital",
    "minimum_premium",
    "buyer_limit",
    "maximum_liability_multiple",
    "non_qualifying_loss",
    "each_and_every",
    "aggregate_first_loss",
    "asset_correlation",
    "default_days",
    "materiality",
)


@dataclass(frozen=True, slots=True)
class InsuranceCase:
    """What the decision is made on.

    Parameters
    ----------
    as_of : Timestamp
    currency : str
    book : DataFrame
        customer_id, exposure (open now), sales (last year); customers not in default, currency units.
    excluded : float
        Open balance of customers in default, which no insurer takes on.
    experience : DefaultExperience
        Rate and severity of losses in the ledger.
    structures : tuple of PolicyTerms
        Policies compared with no insurance.
    correlations : tuple of float
        Asset correlations over which the decision must hold.
    cost_of_risk : float
        Annual charge on capital held for the tail.
    seed : int
    assumptions : tuple of Assumption
        From the study.
    severity : float
        Lost of what a lost customer owes: from the ledger, else assumed.
    what_if : str
        What is assumed because the ledger shows too few losses; empty when it shows enough.
    """

    as_of: pd.Timestamp
    currency: str
    book: pd.DataFrame
    excluded: float
    experience: DefaultExperience
    structures: tuple[PolicyTerms, ...]
    correlations: tuple[float, ...]
    cost_of_risk: float
    seed: int
    assumptions: tuple[Assumption, ...]
    severity: float
    what_if: str = ""

    @property
    def exposure(self) -> FloatArray:
        """Open balance by customer; a single zero when nobody owes anything."""
        return self._amounts("exposure")

    @property
    def sales(self) -> FloatArray:
        """Sales of a year by customer, in the order of `exposure`."""
        return self._amounts("sales")

    def _amounts(self, column: str) -> FloatArray:
        amounts = self.book[column].to_numpy(dtype=float)
        return amounts if amounts.size else np.zeros(1)

    @property
    def rate(self) -> float:
        """Share of customers lost a year: the ledger's, else the highest that it does not rule out."""
        seen = self.experience
        return seen.interval.high if self.what_if else seen.rate

    def simulate(self, rate: float, correlation: float, draws: int = 10_000, n_jobs: int = 1) -> LossEvents:
        """Losses of a year at one default rate for all customers and one correlation."""
        book = make_portfolio(rate, self.exposure, self.severity)
        return simulate_losses(book, Dependence(correlation), draws, self.seed, n_jobs, sampling="plain")

    def compare(
        self, rate: float | None = None, correlation: float | None = None, draws: int = 20_000
    ) -> PolicyComparison:
        """Structures at one rate (default: `rate`) and one correlation (default: the middle one)."""
        middle = self.correlations[len(self.correlations) // 2]
        runs = self.simulate(
            self.rate if rate is None else rate, middle if correlation is None else correlation, draws
        )
        found = compare_policies(
            runs, self.structures, self.sales, self.cost_of_risk, self.currency, self.as_of
        )
        return replace(found, what_if=self.what_if)

    def terms_table(self, name: str = "policy_terms") -> Table:
        """The structures compared and their terms, in the order in which they apply."""
        return insurance_page.terms_table(self, name)

    def trace_table(self, balance: float | None = None, name: str = "policy_trace") -> Table:
        """One loss on its way through every structure; by default the largest balance of the book."""
        return insurance_page.trace_table(self, balance, name)

    def _repr_html_(self) -> str:
        table = self.terms_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def make_insurance_case(study: Study, snapshot: Snapshot) -> InsuranceCase:
    """Gather the book, the ledger's loss experience and the study's policy terms.

    Parameters
    ----------
    study : Study
        Needs the assumptions premium_rate, insured_share and cost_of_capital; the other terms are optional.
    snapshot : Snapshot

    Raises
    ------
    StudyError
        If a needed assumption is missing.
    """
    definition = DefaultDefinition(
        int(_value(study, "default_days", 90)), float(_value(study, "materiality", 500))
    )
    level = _value(study, "confidence_level", 0.95)
    experience = read_default_experience(snapshot, definition, level)
    items = snapshot.items
    owed = items[items["amount"] > 0].groupby("customer_id")["open_amount"].sum()
    recent = items[items["issue_date"] > snapshot.date - pd.Timedelta(days=SALES_DAYS)]
    sold = recent.groupby("customer_id")["amount"].sum().clip(lower=0.0)
    book = pd.DataFrame({"exposure": owed, "sales": sold}).fillna(0.0)
    ill = book.index.isin(experience.in_default)
    healthy = book[~ill & (book["exposure"] > 0)]
    severity, what_if = _severity(study, experience)
    used = (*TERMS, "lgd") if what_if else TERMS
    return InsuranceCase(
        snapshot.date,
        snapshot.currency,
        healthy.rename_axis("customer_id").reset_index(),
        float(book.loc[ill, "exposure"].sum()),
        experience,
        _structures(study, healthy["exposure"].to_numpy(dtype=float)),
        _correlations(study),
        study.assumption("cost_of_capital").value,
        study.seed,
        tuple(a for a in (study.get(name) for name in used) if a is not None),
        severity,
        what_if,
    )


def _severity(study: Study, experience: DefaultExperience) -> tuple[float, str]:
    """Lost share of what a lost customer owes, and what is assumed about it when the ledger cannot say."""
    if experience.identified and experience.lgd is not None:
        return experience.lgd, ""
    assumed = _value(study, "lgd", KNOWN["lgd"].value)
    return assumed, (
        f"up to {experience.interval.high:.1%} of customers lost a year are not ruled out, and "
        f"{assumed:.0%} of what they owe is assumed to be lost"
    )


def _value(study: Study, name: str, default: float) -> float:
    given = study.get(name)
    return default if given is None else given.value


def _structures(study: Study, exposure: FloatArray) -> tuple[PolicyTerms, ...]:
    """Whole turnover, the same above a first loss when the study gives one, and the largest buyers only."""
    common: dict[str, Any] = {
        "premium_rate": study.assumption("premium_rate").value,
        "insured_share": study.assumption("insured_share").value,
        "minimum_premium": _value(study, "minimum_premium", 0.0),
        "non_qualifying_loss": _value(study, "non_qualifying_loss", 0.0),
        "each_and_every": _value(study, "each_and_every", 0.0),
    }
    for name in ("buyer_limit", "maximum_liability_multiple"):
        if study.get(name) is not None:
            common[name] = study.assumption(name).value
    first_loss = _value(study, "aggregate_first_loss", 0.0)
    largest = np.sort(exposure)[::-1].cumsum()
    count = int(np.searchsorted(largest, LARGEST_SHARE * exposure.sum()) + 1) if exposure.size else 0
    structures = [PolicyTerms(WHOLE, **common)]
    if first_loss > 0:
        structures.append(PolicyTerms(FIRST_LOSS, aggregate_first_loss=first_loss, **common))
    return (*structures, PolicyTerms(SELECTIVE, buyers=count, **common))


def _correlations(study: Study) -> tuple[float, ...]:
    given = study.get("asset_correlation")
    return (0.05, 0.15, 0.25) if given is None else tuple(sorted({given.low, given.value, given.high}))
