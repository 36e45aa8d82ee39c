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
from arrisk.models.losses.measures import loss_measures
from arrisk.policy.insurance import page as insurance_page
from arrisk.policy.insurance.retained import NO_INSURANCE, Retained, retain
from arrisk.policy.insurance.terms import PolicyTerms

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["NO_INSURANCE", "PolicyComparison", "Retained", "compare_policies", "retain"]

FloatArray = NDArray[np.float64]
TAIL = "tvar_99"


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
    >>> book = make_portfolio(0.02, [100.0] * 50, 0.6)
    >>> runs = simulate_losses(book, Dependence(0.15), 2000, seed=1, sampling="plain")
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
