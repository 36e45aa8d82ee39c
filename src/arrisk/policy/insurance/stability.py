"""Which insurance structure is best over the loss rates and correlations that a ledger does not rule out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.policy.insurance import page as insurance_page
from arrisk.policy.insurance.case import InsuranceCase
from arrisk.policy.insurance.comparison import NO_INSURANCE, compare_policies

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["StabilityMap", "map_stability"]

FloatArray = NDArray[np.float64]
POSTERIOR_NODES = (0.005, 0.05, 0.25, 0.5, 0.75, 0.95, 0.995)
POSTERIOR_POINTS = 199


@dataclass(frozen=True, slots=True)
class StabilityMap:
    """Which structure is best, over what the ledger leaves open.

    Parameters
    ----------
    table : DataFrame
        posterior (quantile of the default rate), rate, correlation, structure, cost (risk-adjusted, a year),
        regret (cost above the best there), best (bool).
    weights : DataFrame
        structure, mean_cost, mean_regret, worst_regret, p_best: over the posterior of the rate and equally
        likely correlations.
    gain : dict of structure to array
        Cost of no insurance less cost of the structure, for equally likely draws of rate and correlation.
    as_of : Timestamp
    currency : str
    what_if : str
        What is assumed because the ledger does not show it; empty when it shows enough losses.
    """

    table: pd.DataFrame
    weights: pd.DataFrame
    gain: dict[str, FloatArray]
    as_of: pd.Timestamp
    currency: str
    what_if: str = ""

    @property
    def best(self) -> str:
        """Structure with the least expected regret."""
        return str(self.weights["structure"].iloc[int(self.weights["mean_regret"].to_numpy().argmin())])

    def chance(self, structure: str) -> float:
        """Share of the cases in which a structure is the best."""
        return float(self.weights.set_index("structure")["p_best"][structure])

    def finding(self) -> str:
        """The structure of least regret and how often it is the best, in one sentence."""
        kind = "What-if, least expected regret" if self.what_if else "Least expected regret"
        return f"{kind}: {self.best}, cheapest in {self.chance(self.best):.0%} of cases"

    def to_table(self, name: str = "insurance_regret") -> Table:
        """Cost and regret by structure, ready to be shown."""
        return insurance_page.regret_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Best structure by loss rate and correlation, with what it saves against self-insuring."""
        return insurance_page.plot_map(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def map_stability(case: InsuranceCase, draws: int = 10_000, n_jobs: int = 1) -> StabilityMap:
    """Compare the structures over default rates and correlations that the ledger does not rule out.

    Parameters
    ----------
    case : InsuranceCase
    draws : int
        Simulated years at each of the points; the same random numbers at all of them.
    n_jobs : int

    Returns
    -------
    StabilityMap

    Notes
    -----
    Costs are simulated at seven quantiles of the rate's posterior for each correlation and interpolated in
    between; averages run over equally likely quantiles and correlations.
    """
    rates = case.experience.posterior(POSTERIOR_NODES)
    points = case.experience.posterior((np.arange(POSTERIOR_POINTS) + 0.5) / POSTERIOR_POINTS)
    rows: list[tuple[float, float, float, str, float]] = []
    costs: dict[str, list[FloatArray]] = {}
    for correlation in case.correlations:
        by_node = []
        for quantile, rate in zip(POSTERIOR_NODES, rates, strict=True):
            runs = case.simulate(float(rate), correlation, draws, n_jobs)
            found = compare_policies(runs, case.structures, case.sales, case.cost_of_risk).costs()
            by_node.append(found)
            rows += [(quantile, float(rate), correlation, name, cost) for name, cost in found.items()]
        for name in by_node[0]:
            line = np.interp(points, rates, [node[name] for node in by_node])
            costs.setdefault(name, []).append(line)
    table = pd.DataFrame(rows, columns=["posterior", "rate", "correlation", "structure", "cost"])
    least = table.groupby(["posterior", "correlation"])["cost"].transform("min")
    table["regret"] = table["cost"] - least
    table["best"] = table["regret"] <= 0
    joined = {name: np.concatenate(parts) for name, parts in costs.items()}
    gain = {name: joined[NO_INSURANCE] - cost for name, cost in joined.items()}
    return StabilityMap(table, _weigh(joined), gain, case.as_of, case.currency, case.what_if)


def _weigh(costs: dict[str, FloatArray]) -> pd.DataFrame:
    names = list(costs)
    grid = np.stack([costs[name] for name in names])
    regret = grid - grid.min(axis=0)
    won = np.bincount(grid.argmin(axis=0), minlength=len(names)) / grid.shape[1]
    return pd.DataFrame(
        {
            "structure": names,
            "mean_cost": grid.mean(axis=1),
            "mean_regret": regret.mean(axis=1),
            "worst_regret": regret.max(axis=1),
            "p_best": won,
        }
    )
