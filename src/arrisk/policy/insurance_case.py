"""What the insurance decision rests on: book, loss experience, structures, and a map over the unknowns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import frame_html, stamp
from arrisk.errors import ModelError
from arrisk.models.default_experience import DefaultExperience, read_default_experience
from arrisk.models.labels import DefaultDefinition
from arrisk.models.loss_draws import LossDraws, simulate_losses
from arrisk.policy.insurance import COLOURS, NO_INSURANCE, PolicyComparison, compare_policies
from arrisk.policy.insurance_terms import PolicyTerms

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot
    from arrisk.policy.assumptions import Assumption
    from arrisk.policy.study import Study

__all__ = ["WHOLE", "InsuranceCase", "StabilityMap", "make_insurance_case", "map_stability"]

FloatArray = NDArray[np.float64]
WHOLE, FIRST_LOSS, SELECTIVE = "whole turnover", "whole turnover above a first loss", "largest buyers only"
POSTERIOR_NODES = (0.005, 0.05, 0.25, 0.5, 0.75, 0.95, 0.995)
POSTERIOR_POINTS = 199
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

    def simulate(self, rate: float, correlation: float, draws: int = 10_000, n_jobs: int = 1) -> LossDraws:
        """Losses of a year at one default rate for all customers and one correlation."""
        lgd = self.experience.lgd
        if lgd is None:
            raise ModelError("the ledger holds no loss to take a severity from")
        exposure = self.book["exposure"].to_numpy(dtype=float)
        return simulate_losses(rate, exposure, lgd, correlation, draws, self.seed, n_jobs)

    def compare(
        self, rate: float | None = None, correlation: float | None = None, draws: int = 20_000
    ) -> PolicyComparison:
        """Structures at one rate (default: the ledger's) and correlation (default: the middle one)."""
        rate = self.experience.rate if rate is None else rate
        middle = self.correlations[len(self.correlations) // 2]
        runs = self.simulate(rate, middle if correlation is None else correlation, draws)
        sales = self.book["sales"]
        return compare_policies(runs, self.structures, sales, self.cost_of_risk, self.currency, self.as_of)


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
        tuple(a for a in (study.get(name) for name in TERMS) if a is not None),
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
    """

    table: pd.DataFrame
    weights: pd.DataFrame
    gain: dict[str, FloatArray]
    as_of: pd.Timestamp
    currency: str

    @property
    def best(self) -> str:
        """Structure with the least expected regret."""
        return str(self.weights["structure"].iloc[int(self.weights["mean_regret"].to_numpy().argmin())])

    def chance(self, structure: str) -> float:
        """Share of the cases in which a structure is the best."""
        return float(self.weights.set_index("structure")["p_best"][structure])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Best structure by default rate and correlation."""
        import matplotlib.pyplot as plt

        ax = ax if ax is not None else plt.subplots()[1]
        names = list(self.weights["structure"])
        won = self.table[self.table["best"]]
        for i, name in enumerate(names):
            mine = won[won["structure"] == name]
            ax.plot(
                100 * mine["rate"],
                mine["correlation"],
                "s",
                markersize=16,
                color=COLOURS[i % len(COLOURS)],
                label=name,
            )
        share = self.chance(self.best)
        ax.set_title(f"{self.best.capitalize()}: least expected regret, best in {share:.0%} of cases")
        ax.set(xlabel="customers lost a year (%), within what the ledger allows", ylabel="asset correlation")
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, fontsize=8)
        ax.margins(0.15)
        return stamp(ax, self.as_of)

    def _repr_html_(self) -> str:
        formats = dict.fromkeys(("mean_cost", "mean_regret", "worst_regret"), "money") | {"p_best": "percent"}
        return frame_html(self.weights, "Cost and regret over rate and correlation", "", formats)  # type: ignore[arg-type]


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
            sales = case.book["sales"]
            found = compare_policies(runs, case.structures, sales, case.cost_of_risk).costs()
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
    return StabilityMap(table, _weigh(joined), gain, case.as_of, case.currency)


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
