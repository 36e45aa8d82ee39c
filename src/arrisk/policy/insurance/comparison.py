"""Structures of credit insurance compared on the same simulated losses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.display import Table, frame_html, money
from arrisk.errors import ModelError
from arrisk.models.losses.events import LossEvents
from arrisk.policy.insurance import page as insurance_page
from arrisk.policy.insurance import pictures
from arrisk.policy.insurance.exclusions import BuyerFacts
from arrisk.policy.insurance.forms import Programme
from arrisk.policy.insurance.frontier import Frontier, find_frontier
from arrisk.policy.insurance.premium import price_policy
from arrisk.policy.insurance.retained import NO_INSURANCE, Retained, Structure, retain_all
from arrisk.policy.insurance.risk_cost import cost_errors, risk_adjusted_cost

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PolicyComparison", "compare_policies"]

FloatArray = NDArray[np.float64]
ROUNDED = 6
DIGITS = 4
RATE_DIGITS = 12


@dataclass(frozen=True, slots=True, eq=False)
class PolicyComparison:
    """Structures side by side on the same simulated losses.

    Parameters
    ----------
    table : DataFrame
        Tidy: structure, term, estimate, mc_low, mc_high, mc_error.
    summary : DataFrame
        One row a structure: premium, expected_retained, expected_net_cost, retained_95, retained_99,
        retained_99.5, retained_tvar_99, risk_adjusted_cost and its cost_error, waiting_cost (mean financing
        of claims), saving (against no insurance) and its saving_error, break_even_premium (with fees, at
        which the risk-adjusted cost equals that of no insurance), break_even_rate (premium rate at which the
        expected cost does), break_even_rate_risk (the same for the risk-adjusted cost), p_limit_binds,
        p_first_loss_unused.
    results : tuple of Retained
        The draws behind it.
    weight : array of shape (draws,)
        Probability of each simulated year.
    cost_of_risk : float
        Annual charge on capital held against the tail.
    currency : str
        Unit of all amounts, for captions.
    as_of : Timestamp or None
        Day of the book, for the mark on the figure.
    what_if : str
        What is assumed because the ledger does not show it; empty when it shows enough losses.
    basis : str
        Level of losses and correlation that were simulated, in words.
    """

    table: pd.DataFrame
    summary: pd.DataFrame
    results: tuple[Retained, ...]
    weight: FloatArray
    cost_of_risk: float
    currency: str = ""
    as_of: pd.Timestamp | None = None
    what_if: str = ""
    basis: str = ""

    def costs(self) -> dict[str, float]:
        """Risk-adjusted cost of a year by structure."""
        return dict(zip(self.summary["structure"], self.summary["risk_adjusted_cost"], strict=True))

    @property
    def best(self) -> str:
        """The structure of least risk-adjusted cost; of equals the first."""
        return str(
            self.summary["structure"].iloc[int(self.summary["risk_adjusted_cost"].to_numpy().argmin())]
        )

    def finding(self) -> str:
        """The cheapest structure, capital included, in one sentence."""
        cost = money(self.costs()[self.best], self.currency)
        kind = "What-if, cheapest" if self.what_if else "Cheapest"
        return f"{kind}: {self.best}, {cost} a year, capital included"

    def frontier(self) -> Frontier:
        """Which structures nothing else beats in both expected cost and kept tail."""
        found = self.summary[["structure", "expected_net_cost", "retained_tvar_99"]]
        return find_frontier(found, self.currency, self.as_of, self.what_if)

    def to_table(self, name: str = "insurance_structures") -> Table:
        """What each structure costs and leaves to bear, ready to be shown."""
        return insurance_page.structures_table(self, name)

    def risk_table(self, name: str = "insurance_retained") -> Table:
        """Kept losses of bad years with their simulation errors, and how often clauses bite."""
        return insurance_page.retained_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """What a year costs by structure: premium, mean kept loss, capital for the worst years."""
        return pictures.plot_structures(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def compare_policies(
    draws: LossEvents,
    structures: Iterable[Structure],
    sales: ArrayLike,
    cost_of_risk: float = 0.08,
    currency: str = "",
    as_of: pd.Timestamp | None = None,
    facts: BuyerFacts | None = None,
    capital_rate: float = 0.0,
) -> PolicyComparison:
    """Compare structures, and no insurance, on one set of simulated losses.

    Parameters
    ----------
    draws : LossEvents
        Common to all structures, so differences carry little Monte Carlo noise.
    structures : iterable of PolicyTerms or Programme
        Names must differ; no insurance is added first.
    sales : array of shape (obligors,)
        Sales of a year by obligor.
    cost_of_risk : float
        Annual charge on capital held for the tail: the risk-adjusted cost is the expected cost of a year
        (premium after bonus and malus, kept losses, waiting for claims) + cost_of_risk x (mean of the worst
        1% of years - expected cost).
    currency, as_of : optional
        For captions.
    facts : BuyerFacts, optional
        Disputes, related parties and overdue buyers.
    capital_rate : float
        Cost of money a year, for the wait until claims are paid.

    Returns
    -------
    PolicyComparison

    Raises
    ------
    ModelError
        If names repeat or shapes do not fit.

    Examples
    --------
    >>> from arrisk.models.losses.portfolio import Dependence, make_portfolio
    >>> from arrisk.models.losses.simulation import simulate_losses
    >>> from arrisk.policy.insurance.terms import PolicyTerms
    >>> book = make_portfolio(0.02, [100.0] * 50, 0.6)
    >>> runs = simulate_losses(book, Dependence(0.15), 2000, seed=1)
    >>> result = compare_policies(runs, [PolicyTerms("whole", premium_rate=0.003)], [600.0] * 50)
    >>> list(result.summary.structure)
    ['self-insure', 'whole']
    """
    policies = list(structures)
    names = [NO_INSURANCE, *(p.name for p in policies)]
    if len(set(names)) != len(names):
        raise ModelError(f"structures need different names, got {names}")
    results = retain_all(draws, [None, *policies], sales, facts, capital_rate)
    tidy = pd.concat([_measures(draws, result) for result in results], ignore_index=True)
    summary = _summary(draws, results, tidy, cost_of_risk)
    charged = [_fees(policy, draws, sales, facts) for policy in policies]
    _add_break_evens(summary, results, np.array([0.0, *charged]))
    return PolicyComparison(tidy, summary, results, draws.weight, cost_of_risk, currency, as_of)


def _measures(draws: LossEvents, result: Retained) -> pd.DataFrame:
    """Premium (before bonus and malus, without error), expected net cost, measures of the kept loss."""
    found = draws.measures(result.retained)
    found["term"] = "retained_" + found["term"].str.replace("quantile_", "")
    premium = pd.DataFrame([("premium", *[result.premium] * 3, 0.0)], columns=list(found.columns))
    net = draws.measures(result.cost, levels=())
    net["term"] = "expected_net_cost"
    tidy = pd.concat([premium, net, found], ignore_index=True)
    tidy.insert(0, "structure", result.name)
    return tidy


def _summary(
    draws: LossEvents, results: tuple[Retained, ...], tidy: pd.DataFrame, cost_of_risk: float
) -> pd.DataFrame:
    wide = tidy.pivot_table(index="structure", columns="term", values="estimate")
    wide = wide.loc[[result.name for result in results]]
    costs = np.column_stack([result.cost for result in results])
    adjusted = risk_adjusted_cost(costs, draws.weight, cost_of_risk)
    own, saved = cost_errors(draws, costs, cost_of_risk)
    columns = ["retained_95", "retained_99", "retained_99.5", "retained_tvar_99"]
    found = pd.DataFrame(
        {
            "structure": wide.index,
            "premium": wide["premium"].to_numpy(),
            "expected_retained": wide["retained_expected"].to_numpy(),
            "expected_net_cost": wide["expected_net_cost"].to_numpy(),
            **{column: wide[column].to_numpy() for column in columns},
            "risk_adjusted_cost": adjusted,
            "cost_error": own,
            "waiting_cost": [float(draws.weight @ result.wait_cost) for result in results],
            "saving": np.round(adjusted[0] - adjusted, ROUNDED) + 0.0,
            "saving_error": saved,
            "p_limit_binds": [result.limit_binds for result in results],
            "p_first_loss_unused": [result.first_loss_unused for result in results],
        }
    )
    return found


def _fees(policy: Structure, draws: LossEvents, sales: ArrayLike, facts: BuyerFacts | None) -> float:
    held = policy.layers if isinstance(policy, Programme) else (policy,)
    return sum(price_policy(terms, draws.portfolio, sales, facts).fees for terms in held)


def _add_break_evens(summary: pd.DataFrame, results: tuple[Retained, ...], fees: FloatArray) -> None:
    """Premium that may be paid, and its rate on the base of each structure less its fees."""
    bases = np.array([r.base for r in results])
    worth = (summary["saving"] + summary["premium"]).round(DIGITS) + 0.0
    summary["break_even_premium"] = worth.where(bases > 0)
    expected = summary["expected_net_cost"]
    plain = float(expected.iloc[0]) - (expected - summary["premium"])
    for column, most in (("break_even_rate", plain), ("break_even_rate_risk", worth)):
        rated = most.to_numpy(dtype=float) - fees
        rate = np.divide(rated, bases, out=np.full(bases.shape, np.nan), where=bases > 0)
        summary[column] = np.round(rate, RATE_DIGITS) + 0.0
