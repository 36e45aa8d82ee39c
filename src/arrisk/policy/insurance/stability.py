"""Which insurance structure is best over the levels of losses and correlations that a ledger leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.tail import weighted_quantile
from arrisk.policy.insurance import page as insurance_page
from arrisk.policy.insurance import pictures
from arrisk.policy.insurance.case import InsuranceCase
from arrisk.policy.insurance.retained import NO_INSURANCE, retain_all
from arrisk.policy.insurance.risk_cost import cost_errors, risk_adjusted_cost

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["StabilityMap", "expected_regret", "map_stability"]

FloatArray = NDArray[np.float64]
DRAWS = 2048
CENT = 0.01
ROUNDED = 6


@dataclass(frozen=True, slots=True, eq=False)
class StabilityMap:
    """Which structure is best, over what the ledger leaves open.

    Parameters
    ----------
    table : DataFrame
        case, level (of customers lost a year), correlation, weight (posterior probability of the case),
        structure, cost (risk-adjusted, a year), regret (cost above the best there), best (bool).
    weights : DataFrame
        structure, mean_cost, mean_regret, worst_regret, p_best: over the cases with their weights;
        gain_error: simulation error of the mean gain over no insurance, at most.
    gain : dict of structure to array of shape (cases,)
        Cost of no insurance less cost of the structure.
    gain_cut : dict of structure to array of shape (cases,)
        The same when the insurer cuts limits in a downturn.
    weight : array of shape (cases,)
        Adds up to 1.
    as_of : Timestamp
    currency : str
    what_if : str
        What is assumed because the ledger does not show it; empty when it shows enough losses.
    """

    table: pd.DataFrame
    weights: pd.DataFrame
    gain: dict[str, FloatArray]
    gain_cut: dict[str, FloatArray]
    weight: FloatArray
    as_of: pd.Timestamp
    currency: str
    what_if: str = ""

    @property
    def best(self) -> str:
        """Structure with the least expected regret, which is the least expected cost; of equals the first."""
        regret = self.weights["mean_regret"].to_numpy(dtype=float)
        return str(self.weights["structure"].iloc[int(np.argmax(regret <= regret.min() + CENT))])

    @property
    def ranking(self) -> tuple[str, ...]:
        """Structures from the least expected regret up."""
        order = np.argsort(self.weights["mean_regret"].to_numpy(dtype=float), kind="stable")
        return tuple(self.weights["structure"].iloc[order])

    def chance(self, structure: str) -> float:
        """Posterior probability of the cases in which a structure is the best."""
        return float(self.weights.set_index("structure")["p_best"][structure])

    def mean_gain(self, structure: str, cut: bool = False) -> float:
        """Expected gain over no insurance; with `cut`, when limits are cut in a downturn."""
        return float(self.weight @ (self.gain_cut if cut else self.gain)[structure])

    def gain_range(self, structure: str, level: float) -> tuple[float, float]:
        """Range of the gain over no insurance that holds it with a probability, over the cases."""
        low, high = (
            weighted_quantile(self.gain[structure], p, self.weight)
            for p in ((1 - level) / 2, (1 + level) / 2)
        )
        return low, high

    def along(self, axis: str, structure: str) -> tuple[FloatArray, FloatArray]:
        """Expected gain over no insurance at each "level" or "correlation", averaged over the other."""
        cases = self.table.drop_duplicates("case").sort_values("case")
        seen = pd.DataFrame({"at": cases[axis].to_numpy(), "weight": self.weight})
        seen["gain"] = seen["weight"] * self.gain[structure]
        sums = seen.groupby("at").sum()
        return sums.index.to_numpy(dtype=float), (sums["gain"] / sums["weight"]).to_numpy(dtype=float)

    def finding(self) -> str:
        """The structure of least regret and how often it is the best, in one sentence."""
        kind = "What-if, least expected regret" if self.what_if else "Least expected regret"
        return f"{kind}: {self.best}, cheapest with probability {self.chance(self.best):.0%}"

    def to_table(self, name: str = "insurance_regret") -> Table:
        """Cost and regret by structure, ready to be shown."""
        return insurance_page.regret_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Best structure by level of losses and correlation, with what it saves against self-insuring."""
        return pictures.plot_map(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def map_stability(case: InsuranceCase, draws: int = DRAWS, n_jobs: int = 1) -> StabilityMap:
    """Compare the structures at every level of losses and correlation that the ledger leaves open.

    Parameters
    ----------
    case : InsuranceCase
        Its model gives the cases with their posterior weights.
    draws : int
        Simulated years at each case; the same random numbers at all of them.
    n_jobs : int

    Returns
    -------
    StabilityMap

    Notes
    -----
    As the cases share their random numbers, their errors are added up as if they always went the same way.
    """
    cases = case.model.cases
    names = [NO_INSURANCE, *(policy.name for policy in case.structures)]
    held = (None, *case.structures, *(case.cut(policy) for policy in case.structures))
    costs, errors = np.empty((len(cases), len(held))), np.empty((len(cases), len(names)))
    for at, row in enumerate(cases.itertuples(index=False)):
        runs = case.simulate(float(row.scale), float(row.rho), draws, n_jobs)  # type: ignore[arg-type]
        found = retain_all(runs, held, case.sales, case.facts, case.capital_rate)
        years = np.column_stack([kept.cost for kept in found])
        costs[at] = risk_adjusted_cost(years, runs.weight, case.cost_of_risk)
        errors[at] = cost_errors(runs, years[:, : len(names)], case.cost_of_risk)[1]
    plain, cut = costs[:, : len(names)], np.column_stack([costs[:, 0], costs[:, len(names) :]])
    weight = cases["weight"].to_numpy(dtype=float)
    return StabilityMap(
        _tidy(cases, case.model.level, names, plain),
        expected_regret(names, plain, weight).assign(gain_error=weight @ errors),
        _gains(names, plain),
        _gains(names, cut),
        weight,
        case.as_of,
        case.currency,
        case.what_if,
    )


def expected_regret(names: Sequence[str], costs: ArrayLike, weight: ArrayLike) -> pd.DataFrame:
    """Mean cost and regret of choices over cases.

    Parameters
    ----------
    names : sequence of str
        Choices.
    costs : array of shape (cases, choices)
    weight : array of shape (cases,)
        Probabilities that add up to 1.

    Returns
    -------
    DataFrame
        structure, mean_cost, mean_regret, worst_regret (over cases of any weight), p_best (of equals the
        first).

    Raises
    ------
    ModelError
        If shapes do not fit.

    Examples
    --------
    >>> expected_regret(["none", "whole"], [[1.0, 3.0], [9.0, 4.0]], [0.8, 0.2])["mean_regret"].tolist()
    [1.0, 1.6]
    """
    grid, likely = np.asarray(costs, dtype=float), np.asarray(weight, dtype=float)
    if grid.shape != (likely.size, len(names)):
        raise ModelError(f"costs of shape {grid.shape} are not {likely.size} cases of {len(names)} choices")
    regret = grid - grid.min(axis=1, keepdims=True)
    first = np.argmax(regret <= CENT, axis=1)
    return pd.DataFrame(
        {
            "structure": list(names),
            "mean_cost": likely @ grid,
            "mean_regret": likely @ regret,
            "worst_regret": regret[likely > 0].max(axis=0),
            "p_best": np.bincount(first, weights=likely, minlength=len(names)),
        }
    )


def _gains(names: Sequence[str], costs: FloatArray) -> dict[str, FloatArray]:
    """Cost of the first less cost of each, by case; no more digits than there are."""
    return {name: np.round(costs[:, 0] - costs[:, k], ROUNDED) + 0.0 for k, name in enumerate(names)}


def _tidy(cases: pd.DataFrame, level: float, names: list[str], costs: FloatArray) -> pd.DataFrame:
    each, count = len(names), len(cases)
    table = pd.DataFrame(
        {
            "case": np.repeat(np.arange(count), each),
            "level": np.repeat(level * cases["scale"].to_numpy(dtype=float), each),
            "correlation": np.repeat(cases["rho"].to_numpy(dtype=float), each),
            "weight": np.repeat(cases["weight"].to_numpy(dtype=float), each),
            "structure": names * count,
            "cost": costs.ravel(),
        }
    )
    table["regret"] = (costs - costs.min(axis=1, keepdims=True)).ravel()
    table["best"] = table["regret"] <= CENT
    return table
