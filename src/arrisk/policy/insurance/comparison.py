"""Structures of credit insurance compared on the same simulated losses."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.display import Table, frame_html, money
from arrisk.errors import ModelError
from arrisk.models.losses.events import LossEvents
from arrisk.models.losses.measures import loss_measures
from arrisk.policy.insurance import page as insurance_page
from arrisk.policy.insurance.terms import (
    Payments,
    PolicyTerms,
    apply_terms,
    insured_base,
    insured_buyers,
    share_recovery,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["NO_INSURANCE", "PolicyComparison", "Retained", "compare_policies", "retain"]

FloatArray = NDArray[np.float64]
NO_INSURANCE = "self-insure"
TAIL = "tvar_99"


@dataclass(frozen=True, slots=True)
class Retained:
    """One structure on one set of simulated losses.

    Parameters
    ----------
    name : str
        Structure.
    premium, base : float
        Premium with fees a year, and the insured base it is a rate of, currency units.
    retained, insured : arrays of shape (draws,)
        Loss of each year kept, and borne by the insurer net of its recoveries; they add up to the loss.
    limit_binds : float
        Chance that the maximum liability cuts the payments of a year.
    first_loss_unused : float
        Chance that the covered losses of a year do not exceed the aggregate first loss.
    """

    name: str
    premium: float
    base: float
    retained: FloatArray
    insured: FloatArray
    limit_binds: float
    first_loss_unused: float


def retain(
    draws: LossEvents, terms: PolicyTerms | None, sales: ArrayLike, name: str | None = None
) -> Retained:
    """Take every simulated default through a policy.

    Parameters
    ----------
    draws : LossEvents
        Defaults with balances and losses.
    terms : PolicyTerms or None
        None is no insurance.
    sales : array of shape (obligors,)
        Sales of a year by obligor, for premiums on sales.

    Returns
    -------
    Retained

    Notes
    -----
    Indemnity is paid on the balance; what is recovered later is shared in proportion (see `share_recovery`),
    so the insurer's net payment on a default is never more than the loss.

    Examples
    --------
    >>> from arrisk.models.losses.portfolio import Dependence, make_portfolio
    >>> from arrisk.models.losses.simulation import simulate_losses
    >>> runs = simulate_losses(make_portfolio(0.05, [100.0] * 20, 0.5), Dependence(0.1), draws=500, seed=1)
    >>> kept = retain(runs, PolicyTerms(insured_share=0.8, premium_rate=0.01), [400.0] * 20)
    >>> round(kept.premium, 2), bool(np.allclose(kept.retained, 0.2 * runs.totals()))
    (80.0, True)
    """
    total = draws.totals()
    if terms is None:
        return Retained(name or NO_INSURANCE, 0.0, 0.0, total, np.zeros_like(total), 0.0, math.nan)
    turnover = np.asarray(sales, dtype=float)
    if turnover.shape != draws.portfolio.exposure.shape:
        raise ModelError(f"{turnover.shape} sales do not go with {draws.portfolio.exposure.shape} obligors")
    inside = insured_buyers(terms, draws.portfolio.exposure)
    base = insured_base(terms, draws.portfolio.exposure, turnover)
    premium = terms.premium(base)
    covered = np.where(inside[draws.obligor], draws.balance, 0.0)
    fixed = terms.with_premium(premium)
    paid = apply_terms(covered, fixed, draws.draw)
    recovered = draws.balance - draws.loss
    back, _ = share_recovery(recovered, paid.indemnity, draws.balance)
    insured = draws.totals(np.maximum(paid.indemnity - back, 0.0))
    insured = np.minimum(insured, total)
    binds, unused = _aggregate_chances(draws, paid, fixed)
    return Retained(name or terms.name, premium, base, total - insured, insured, binds, unused)


def _aggregate_chances(draws: LossEvents, paid: Payments, terms: PolicyTerms) -> tuple[float, float]:
    binds, unused = 0.0, math.nan
    if "maximum_liability" in terms.order and math.isfinite(terms.maximum_liability):
        asked = draws.totals(paid.before("maximum_liability"))
        binds = float((asked > terms.maximum_liability).mean())
    if "aggregate_first_loss" in terms.order and terms.aggregate_first_loss > 0:
        reached = draws.totals(paid.before("aggregate_first_loss"))
        unused = float((reached <= terms.aggregate_first_loss).mean())
    return binds, unused


@dataclass(frozen=True, slots=True)
class PolicyComparison:
    """Structures side by side on the same simulated losses.

    Parameters
    ----------
    table : DataFrame
        Tidy: structure, term, estimate, mc_low, mc_high, mc_error.
    summary : DataFrame
        One row a structure: premium, expected_retained, expected_net_cost, retained_95, retained_99,
        retained_99.5, retained_tvar_99, risk_adjusted_cost, break_even_rate (premium rate at which the
        expected cost equals that of no insurance), break_even_rate_risk (the same for the risk-adjusted
        cost), p_limit_binds, p_first_loss_unused.
    results : tuple of Retained
        The draws behind it.
    cost_of_risk : float
        Annual charge on capital held against the tail.
    currency : str
        Unit of all amounts, for captions.
    as_of : Timestamp or None
        Day of the book, for the mark on the figure.
    what_if : str
        What is assumed because the ledger does not show it; empty when it shows enough losses.
    """

    table: pd.DataFrame
    summary: pd.DataFrame
    results: tuple[Retained, ...]
    cost_of_risk: float
    currency: str = ""
    as_of: pd.Timestamp | None = None
    what_if: str = ""

    def costs(self) -> dict[str, float]:
        """Risk-adjusted cost of a year by structure."""
        return dict(zip(self.summary["structure"], self.summary["risk_adjusted_cost"], strict=True))

    def finding(self) -> str:
        """The cheapest structure, capital included, in one sentence."""
        row = self.summary.iloc[int(self.summary["risk_adjusted_cost"].to_numpy().argmin())]
        cost = money(float(row["risk_adjusted_cost"]), self.currency)
        kind = "What-if, cheapest" if self.what_if else "Cheapest"
        return f"{kind}: {row['structure']}, {cost} a year, capital included"

    def to_table(self, name: str = "insurance_structures") -> Table:
        """What each structure costs and leaves to bear, ready to be shown."""
        return insurance_page.structures_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """What a year costs by structure: premium, mean kept loss, capital for the worst years."""
        return insurance_page.plot_structures(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def compare_policies(
    draws: LossEvents,
    structures: Iterable[PolicyTerms],
    sales: ArrayLike,
    cost_of_risk: float = 0.08,
    currency: str = "",
    as_of: pd.Timestamp | None = None,
) -> PolicyComparison:
    """Compare structures, and no insurance, on one set of simulated losses.

    Parameters
    ----------
    draws : LossEvents
        Common to all structures, so differences carry little Monte Carlo noise.
    structures : iterable of PolicyTerms
        Names must differ; no insurance is added first.
    sales : array of shape (obligors,)
        Sales of a year by obligor.
    cost_of_risk : float
        Annual charge on capital held for the tail: the risk-adjusted cost is premium + expected retained
        loss + cost_of_risk x (mean of the worst 1% of years - expected retained loss).
    currency, as_of : optional
        For captions.

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
    >>> runs = simulate_losses(make_portfolio(0.02, [100.0] * 50, 0.6), Dependence(0.15), 2000, seed=1)
    >>> result = compare_policies(runs, [PolicyTerms("whole", premium_rate=0.003)], [600.0] * 50)
    >>> list(result.summary.structure)
    ['self-insure', 'whole']
    """
    policies = list(structures)
    names = [NO_INSURANCE, *(p.name for p in policies)]
    if len(set(names)) != len(names):
        raise ModelError(f"structures need different names, got {names}")
    results = (retain(draws, None, sales), *(retain(draws, p, sales) for p in policies))
    tidy, rows = [], []
    for result in results:
        measures = loss_measures(result.retained)
        measures["term"] = "retained_" + measures["term"].str.replace("quantile_", "")
        tidy.append(_with_costs(result, measures).assign(structure=result.name))
        rows.append(_summary(result, measures, cost_of_risk))
    summary = pd.DataFrame(rows)
    _add_break_evens(summary, results)
    table = pd.concat(tidy, ignore_index=True)
    table = table[["structure", "term", "estimate", "mc_low", "mc_high", "mc_error"]]
    return PolicyComparison(table, summary, results, cost_of_risk, currency, as_of)


def _with_costs(result: Retained, measures: pd.DataFrame) -> pd.DataFrame:
    """Add premium (without error) and expected net cost to the measures of the retained loss."""
    exact = pd.DataFrame(
        [("premium", result.premium, result.premium, result.premium, 0.0)], columns=list(measures.columns)
    )
    net = measures[measures["term"] == "retained_expected"].copy()
    net["term"] = "expected_net_cost"
    net[["estimate", "mc_low", "mc_high"]] += result.premium
    return pd.concat([exact, net, measures], ignore_index=True)


def _summary(result: Retained, measures: pd.DataFrame, cost_of_risk: float) -> dict[str, object]:
    value = measures.set_index("term")["estimate"]
    expected, tail = float(value["retained_expected"]), float(value["retained_tvar_99"])
    return {
        "structure": result.name,
        "premium": result.premium,
        "expected_retained": expected,
        "expected_net_cost": result.premium + expected,
        "retained_95": float(value["retained_95"]),
        "retained_99": float(value["retained_99"]),
        "retained_99.5": float(value["retained_99.5"]),
        "retained_tvar_99": tail,
        "risk_adjusted_cost": result.premium + expected + cost_of_risk * (tail - expected),
        "p_limit_binds": result.limit_binds,
        "p_first_loss_unused": result.first_loss_unused,
    }


def _add_break_evens(summary: pd.DataFrame, results: tuple[Retained, ...]) -> None:
    bases = np.array([r.base for r in results])
    for column, cost in (
        ("break_even_rate", "expected_net_cost"),
        ("break_even_rate_risk", "risk_adjusted_cost"),
    ):
        worth = float(summary[cost].iloc[0]) - (summary[cost] - summary["premium"]).to_numpy(dtype=float)
        summary[column] = np.divide(worth, bases, out=np.full(bases.shape, np.nan), where=bases > 0)
