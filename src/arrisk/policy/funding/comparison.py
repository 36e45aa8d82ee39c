"""Ways of funding side by side: the same cash for a year, the same simulated losses, every cost counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html, money
from arrisk.errors import ModelError
from arrisk.models.losses.events import LossEvents
from arrisk.models.losses.loss_model import LossModel
from arrisk.models.losses.simulation import simulate_losses
from arrisk.models.tail import weighted_quantile
from arrisk.policy.funding import page
from arrisk.policy.funding.break_even import RecourseBreakEven, break_even_level
from arrisk.policy.funding.facility import Facility
from arrisk.policy.funding.funded_book import FundedBook
from arrisk.policy.funding.pool_routes import NonRecourseFactoring
from arrisk.policy.funding.routes import OwnCapital, Route

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FundingComparison", "RouteCost", "compare_routes"]

FloatArray = NDArray[np.float64]
TAIL = 0.995


@dataclass(frozen=True, slots=True, eq=False)
class RouteCost:
    """A year of one way of funding, over the cases that the ledger leaves open.

    Parameters
    ----------
    route : Route
    facility : Facility
    rest : float
        Cash that it does not bring and that own capital brings, currency units.
    kept, worst : arrays of shape (cases,)
        Mean loss kept, and loss kept in one year of 200.
    error : float
        Largest Monte Carlo error of `kept` over the cases.
    total : array of shape (cases,)
        All costs of a year: flows, own capital for the rest, mean loss kept, and capital for the worst year.
    """

    route: Route
    facility: Facility
    rest: float
    kept: FloatArray
    worst: FloatArray
    error: float
    total: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class FundingComparison:
    """Ways of funding compared; make one with `compare_funding`.

    Parameters
    ----------
    book : FundedBook
    wanted : float
        Cash wanted for a year, currency units.
    stated : bool
        Whether the study states what is wanted.
    costs : tuple of RouteCost
        The first is own capital.
    weight : array of shape (cases,)
        Probability of each case.
    capital : float
        Cost of capital a year: for own money, and for the loss of one year in 200 above the mean.
    break_even : RecourseBreakEven or None
        Between the first ways with and without recourse.
    source : str
        Where the terms come from.
    what_if : str
        What is assumed because the ledger shows too few losses.
    """

    book: FundedBook
    wanted: float
    stated: bool
    costs: tuple[RouteCost, ...]
    weight: FloatArray
    capital: float
    break_even: RecourseBreakEven | None
    source: str
    what_if: str

    @property
    def names(self) -> list[str]:
        """Of the ways, in their order."""
        return [c.route.name for c in self.costs]

    @property
    def totals(self) -> FloatArray:
        """All costs of a year, shape (ways, cases)."""
        return np.stack([c.total for c in self.costs])

    @property
    def table(self) -> pd.DataFrame:
        """One row a way: cash, most, rate, simple_rate, cost, kept, worst, total, regret, p_best."""
        totals = self.totals
        regret = totals - totals.min(axis=0)
        best = np.equal(np.arange(len(totals))[:, None], totals.argmin(axis=0)[None, :])
        rows = [
            {
                "route": c.route.name,
                "cash": c.facility.cash,
                "most": c.facility.most,
                "rate": c.facility.rate,
                "simple_rate": c.facility.simple,
                "cost": c.facility.cost,
                "rest": c.rest,
                "kept": float(c.kept @ self.weight),
                "worst": float(c.worst @ self.weight),
                "total": float(totals[k] @ self.weight),
                "regret": float(regret[k] @ self.weight),
                "p_best": float(best[k] @ self.weight),
            }
            for k, c in enumerate(self.costs)
        ]
        return pd.DataFrame(rows)

    @property
    def best(self) -> int:
        """Position of the way with the least expected regret."""
        return int(self.table["regret"].to_numpy().argmin())

    def components(self) -> pd.DataFrame:
        """What a year costs by way and component, currency units; indexed by way."""
        rows = []
        for c in self.costs:
            mean, worst = float(c.kept @ self.weight), float(c.worst @ self.weight)
            rows.append(
                {
                    **c.facility.costs,
                    "own capital for the rest": self.capital * c.rest,
                    "losses kept": mean,
                    "capital for a bad year": self.capital * max(worst - mean, 0.0),
                }
            )
        return pd.DataFrame(rows, index=self.names).fillna(0.0)

    def finding(self) -> str:
        """The way of least regret and what it costs, in one sentence."""
        row = self.table.iloc[self.best]
        kind = "What-if, least regret" if self.what_if or not self.stated else "Least regret"
        cash = money(self.wanted, self.book.currency)
        return (
            f"{kind}: {row['route']}, {money(row['total'], self.book.currency)} a year for {cash} of cash, "
            "losses counted"
        )

    def to_table(self, name: str = "funding_routes") -> Table:
        """Cash, rate, losses kept and all costs of every way."""
        return page.routes_table(self, name)

    def components_table(self, name: str = "funding_components") -> Table:
        """What a year costs, component by component."""
        return page.components_table(self, name)

    def flows_table(self, name: str = "funding_flows") -> Table:
        """The dated flows of every way."""
        return page.flows_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """All costs of a year in parts, way by way."""
        return page.plot_components(self, ax)

    def plot_break_even(self, ax: Axes | None = None) -> Axes:
        """Cost with and without recourse by the level of losses, and where they meet."""
        return page.plot_break_even(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def compare_routes(
    book: FundedBook,
    model: LossModel,
    routes: Sequence[Route],
    wanted: float,
    capital: float,
    draws: int = 4_000,
    seed: int = 0,
    n_jobs: int = 1,
    stated: bool = True,
    source: str = "",
) -> FundingComparison:
    """Compare ways of funding on the same cash, the same days and the same simulated losses.

    Parameters
    ----------
    book : FundedBook
    model : LossModel
        Customers, and the cases of level and correlation that the ledger leaves open.
    routes : sequence of Route
        Names must differ; own capital is added first.
    wanted : float
        Cash for a year, currency units.
    capital : float
        Cost of capital, a year.
    draws : int
        Simulated years of each case; the same random numbers in all of them.
    seed, n_jobs : int
    stated : bool
        Whether the study states what is wanted.
    source : str
        Where the terms come from.

    Returns
    -------
    FundingComparison

    Raises
    ------
    ModelError
        If nothing is wanted or names repeat.

    Notes
    -----
    Every way brings what it can of the cash wanted; own capital brings the rest. A year's cost is what the
    flows cost, own capital for the rest, the mean loss that stays with the seller, and the cost of capital on
    the loss of one year in 200 above the mean.
    """
    if not wanted > 0:
        raise ModelError(f"wanted = {wanted!r}: cash above 0")
    ways: list[Route] = [OwnCapital(capital), *routes]
    names = [r.name for r in ways]
    if len(set(names)) != len(names):
        raise ModelError(f"ways of funding need different names, got {names}")
    facilities = [route.draw(book, wanted) for route in ways]
    cases = model.cases
    kept, worst, errors = (np.zeros((len(ways), len(cases))) for _ in range(3))
    points = cases[["scale", "rho"]].to_numpy(dtype=float)
    for at, (scale, rho) in enumerate(points):
        portfolio, dependence = model.at(float(scale), float(rho))
        events = simulate_losses(portfolio, dependence, draws, seed, n_jobs)
        for k, route in enumerate(ways):
            kept[k, at], worst[k, at], errors[k, at] = _measure(route, book, wanted, events)
    costs = []
    for k, (route, facility) in enumerate(zip(ways, facilities, strict=True)):
        rest = max(wanted - facility.cash, 0.0)
        charge = capital * np.maximum(worst[k] - kept[k], 0.0)
        total = facility.cost + capital * rest + kept[k] + charge
        costs.append(RouteCost(route, facility, rest, kept[k], worst[k], float(errors[k].max()), total))
    weight = cases["weight"].to_numpy(dtype=float)
    return FundingComparison(
        book, wanted, stated, tuple(costs), weight, capital,
        _break_even(book, model, ways, costs, wanted), source, model.what_if,
    )  # fmt: skip


def _measure(route: Route, book: FundedBook, wanted: float, events: LossEvents) -> tuple[float, float, float]:
    """Mean loss kept, that of one year in 200, and the Monte Carlo error of the mean."""
    lost = route.kept(book, wanted, events)
    mean, error = events.mean(lost)
    return float(mean), weighted_quantile(lost, TAIL, events.weight), float(error)


def _break_even(
    book: FundedBook, model: LossModel, ways: Sequence[Route], costs: Sequence[RouteCost], wanted: float
) -> RecourseBreakEven | None:
    """Between the first factoring without recourse and the first with it."""
    without = next((k for k, r in enumerate(ways) if isinstance(r, NonRecourseFactoring)), None)
    with_it = next((k for k, r in enumerate(ways) if r.kind == "recourse factoring"), None)
    if without is None or with_it is None:
        return None
    route = ways[without]
    assert isinstance(route, NonRecourseFactoring)
    extra = costs[without].facility.cost - costs[with_it].facility.cost
    covered = route.covered(book, model.portfolio.exposure)
    return break_even_level(
        extra, covered, model, (costs[with_it].total, costs[without].total), ways[with_it].name, route.name
    )
