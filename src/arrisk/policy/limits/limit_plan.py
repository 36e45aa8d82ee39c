"""Limits that earn most while bad years stay within a risk budget, with an insurer's cap for each buyer.

The mean loss of the worst years is the largest of what any choice of so many years would lose: a plane in
what each customer puts at stake, its slope how often the customer fails in those years. So the best limits
follow by cutting planes: a linear programme within the planes found so far, the worst years of its answer,
one plane more, until the answer keeps the budget (Kelley, 1960; Rockafellar and Uryasev, 2000).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linprog

from arrisk.display import Table, frame_html
from arrisk.models.losses.portfolio import Dependence, make_portfolio
from arrisk.models.losses.simulation import simulate_losses
from arrisk.models.tail import expected_shortfall
from arrisk.policy.assumptions import Assumption
from arrisk.policy.grade_terms.inputs import given_or_typical
from arrisk.policy.limits.budget import concave_hull
from arrisk.policy.limits.customers import LimitInputs, book_risks
from arrisk.policy.limits.limit import mean_within, round_down, value_line
from arrisk.policy.limits.limit_policy import SEED_KEY, TAIL, YEARS, LimitPolicy, value_limits
from arrisk.policy.limits.plan_page import CAPPED, MODEL, WITHIN, describe_plan, plan_table

if TYPE_CHECKING:
    from arrisk.policy.study import Study

__all__ = ["LimitPlan", "TailBook", "make_limit_plan", "plan_within"]

ROUNDS = 60
CLOSE = 0.002
POINTS = 25
TODAY = "today's limits, kept"
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class TailBook:
    """Simulated years of defaults, and what a year of each line is worth and risks at some limits.

    Parameters
    ----------
    year, customer : int arrays of shape (defaults,)
    years : int
    limits, stakes, values : tuple of array, one a customer
        Limits from zero up, what is lost by its failure and what a year is worth under each (currency units).
    """

    year: NDArray[np.int64]
    customer: NDArray[np.int64]
    years: int
    limits: tuple[Floats, ...]
    stakes: tuple[Floats, ...]
    values: tuple[Floats, ...]

    def losses(self, stakes: Floats) -> Floats:
        """Loss of every simulated year, shape (years,)."""
        return np.bincount(self.year, weights=stakes[self.customer], minlength=self.years).astype(float)

    def shortfall(self, stakes: Floats) -> float:
        """Mean loss of the worst years."""
        return float(expected_shortfall(self.losses(stakes), 1 - TAIL)[0])

    def worst_rates(self, stakes: Floats) -> Floats:
        """How often each customer fails in the worst years: the slope of the shortfall in its stake."""
        losses = self.losses(stakes)
        count = round(self.years * (1 - TAIL))
        worst = np.zeros(self.years, dtype=bool)
        worst[np.argsort(losses, kind="stable")[self.years - count :]] = True
        hits = np.bincount(self.customer[worst[self.year]], minlength=len(self.limits))
        return np.asarray(hits / count, dtype=float)


@dataclass(frozen=True, slots=True, eq=False)
class LimitPlan:
    """Limits without and within a risk budget; made by `make_limit_plan`.

    Parameters
    ----------
    table : DataFrame
        plan, grade ("all" last), limits (their sum), value, loss (expected), bad_year (mean loss of the worst
        year in a hundred; a grade's part of the book's); currency units a year.
    policy : LimitPolicy
        The limits to set: the model's, or those within the budget where the model's would pass it.
    budget : float
        Most that the worst year in a hundred may lose on average, currency units.
    price : float
        What one more unit of the budget would earn a year; zero when it does not bind.
    prices : DataFrame
        budget, value, price: the same at the ends of the budget's range.
    free, free_error : float
        Mean loss of the worst year in a hundred under the model's limits, and its Monte Carlo error.
    cap : float
        The insurer's most for one customer.
    capped : int
        Customers whose limit the cap cuts.
    stated : Assumption
        `risk_budget`.
    currency : str
    """

    table: pd.DataFrame
    policy: LimitPolicy
    budget: float
    price: float
    prices: pd.DataFrame
    free: float
    free_error: float
    cap: float
    capped: int
    stated: Assumption
    currency: str

    @property
    def binds(self) -> bool:
        """Whether the model's limits would pass the budget."""
        return self.free > self.budget

    def total(self, plan: str, column: str) -> float:
        """A figure of one plan for all grades."""
        rows = self.table[(self.table["plan"] == plan) & (self.table["grade"] == "all")]
        return float(rows[column].iloc[0])

    def finding(self) -> str:
        """Whether the budget binds and what it costs, in one sentence."""
        return describe_plan(self)

    def to_table(self, name: str = "limit_plan") -> Table:
        """Plans by grade, ready to be shown."""
        return plan_table(self, name)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def make_limit_plan(study: Study, policy: LimitPolicy, cap: float | None = None) -> LimitPlan:
    """Hold the model's limits against a risk budget and an insurer's cap, and cut them where it costs least.

    Parameters
    ----------
    study : Study
        Gives `risk_budget` (of the yearly margin) and `buyer_limit`; typical values when it does not.
    policy : LimitPolicy
    cap : float, optional
        Most for one customer, in place of the study's `buyer_limit`; infinite for none.

    Returns
    -------
    LimitPlan
    """
    stated = given_or_typical(study, "risk_budget")
    cap = given_or_typical(study, "buyer_limit").value if cap is None else cap
    margin = float(policy.inputs.draws["margin"][0] * policy.table["sales"].sum())
    model = policy.table["limit"].to_numpy(dtype=float)
    book = make_tail_book(policy.inputs, model, study.seed)
    free_stakes = stakes_at(policy.inputs, model)
    free, error = (float(x) for x in expected_shortfall(book.losses(free_stakes), 1 - TAIL))
    budget = stated.value * margin
    within, price = plan_within(book, budget, model)
    within = np.where(within < model, round_down(within), model)
    capped, _ = plan_within(book, budget, np.minimum(within, cap))
    rows = [_priced(book, share * margin, model) for share in (stated.low, stated.value, stated.high)]
    edges = [policy.table["today"].fillna(np.inf).to_numpy(dtype=float), model, within, capped]
    named = dict(zip((TODAY, MODEL, WITHIN, CAPPED), edges, strict=True))
    if not policy.has_limits:
        del named[TODAY]
    chosen = (
        policy if free <= budget else value_limits(study, policy.inputs, policy.table.assign(limit=within))
    )
    return LimitPlan(
        pd.concat([_by_grade(policy, book, name, edge) for name, edge in named.items()], ignore_index=True),
        chosen,
        budget,
        price,
        pd.DataFrame(rows, columns=["budget", "value", "price"]),
        free,
        error,
        cap,
        int((within > cap).sum()),
        stated,
        policy.currency,
    )


def stakes_at(inputs: LimitInputs, limits: Floats) -> Floats:
    """What each customer's failure would lose under given limits, currency units; zero when in default."""
    lgd, alive = float(inputs.draws["lgd"][0]), ~inputs.table["in_default"].to_numpy()
    rows = zip(inputs.wanted, inputs.table["run_up"], limits, strict=True)
    lost = np.array([lgd * float(mean_within(w * u, edge)) for w, u, edge in rows])
    return np.where(alive, lost, 0.0)


def make_tail_book(inputs: LimitInputs, limits: Floats, seed: int) -> TailBook:
    """Simulate defaults, and value each customer's line at limits from zero to the given one."""
    alive = ~inputs.table["in_default"].to_numpy()
    chance = np.where(alive, -np.expm1(-inputs.table["hazard"].to_numpy()), 0.0)
    book = make_portfolio(chance, np.ones(chance.size), 1.0)
    runs = simulate_losses(book, Dependence(inputs.correlation), YEARS, seed + SEED_KEY, sampling="plain")
    risks = book_risks(inputs, np.full(limits.size, np.inf))
    menus, stakes, values = [], [], []
    for k, top in enumerate(np.where(alive, limits, 0.0)):
        menu = np.linspace(0.0, top, POINTS) if top > 0 else np.zeros(1)
        line = inputs.line(k, risk=risks[k])
        year = value_line(line, menu)
        menus.append(menu)
        stakes.append(line.lgd * year.at_failure)
        values.append(year.value if alive[k] else np.zeros(1))
    who = runs.obligor.astype(np.int64)
    return TailBook(runs.draw, who, YEARS, tuple(menus), tuple(stakes), tuple(values))


def plan_within(book: TailBook, budget: float, most: Floats) -> tuple[Floats, float]:
    """Limits of the most value whose shortfall is within a budget.

    Parameters
    ----------
    book : TailBook
    budget : float
        Most that the worst years may lose on average.
    most : array of shape (customers,)
        No limit above it.

    Returns
    -------
    limits : array of shape (customers,)
    price : float
        Value of one more unit of the budget; zero when it does not bind.
    """
    menus = [np.minimum(menu, top) for menu, top in zip(book.limits, most, strict=True)]
    rows = zip(menus, book.limits, book.stakes, book.values, strict=True)
    curves = [(np.interp(m, x, s), np.interp(m, x, v)) for m, x, s, v in rows]
    stakes = np.array([s[-1] for s, _ in curves])
    if book.shortfall(stakes) <= budget:
        return np.array([m[-1] for m in menus]), 0.0
    stakes, price = _best_stakes(book, curves, stakes, budget)
    rows_at = zip(stakes, curves, menus, strict=True)
    return np.array([float(np.interp(x, s, m)) for x, (s, _), m in rows_at]), price


def _best_stakes(
    book: TailBook, curves: list[tuple[Floats, Floats]], start: Floats, budget: float
) -> tuple[Floats, float]:
    """Stakes of the most value within the budget, by cutting planes, and the price of the budget."""
    who, length, slope = _steps(curves)
    stakes, cuts = start, []
    for _ in range(ROUNDS):
        cuts.append(book.worst_rates(stakes)[who])
        bounds = np.column_stack([np.zeros(length.size), length])
        found = linprog(-slope, A_ub=np.array(cuts), b_ub=np.full(len(cuts), budget), bounds=bounds)
        stakes = np.bincount(who, weights=found.x, minlength=len(curves)).astype(float)
        worst = book.shortfall(stakes)
        if worst <= budget * (1 + CLOSE):
            break
    # The shortfall grows in proportion with all stakes.
    return stakes * min(1.0, budget / worst if worst > 0 else 1.0), float(-found.ineqlin.marginals.sum())


def _steps(curves: list[tuple[Floats, Floats]]) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Customer, length and slope of every step of the concave hulls of value against stake."""
    rows = []
    for k, (stake, value) in enumerate(curves):
        for a, b in pairwise(concave_hull(stake, value).tolist()):
            rows.append((k, stake[b] - stake[a], (value[b] - value[a]) / (stake[b] - stake[a])))
    table = np.array(rows, dtype=float).reshape(-1, 3)
    return table[:, 0].astype(np.int64), table[:, 1], table[:, 2]


def _priced(book: TailBook, budget: float, most: Floats) -> tuple[float, float, float]:
    limits, price = plan_within(book, budget, most)
    rows = zip(limits, book.limits, book.values, strict=True)
    return budget, float(sum(np.interp(edge, x, v) for edge, x, v in rows)), price


def _by_grade(policy: LimitPolicy, book: TailBook, name: str, limits: Floats) -> pd.DataFrame:
    inputs, table = policy.inputs, policy.table
    stakes = stakes_at(inputs, limits)
    risks = book_risks(inputs, np.full(limits.size, np.inf))
    alive = ~table["in_default"].to_numpy()
    rate = np.bincount(book.customer, minlength=limits.size) / book.years
    rows = enumerate(np.where(alive, limits, 0.0))
    value = [float(value_line(inputs.line(k, risk=risks[k]), edge).value) for k, edge in rows]
    frame = pd.DataFrame(
        {
            "grade": table["grade"],
            "limits": np.where(np.isfinite(limits) & alive, limits, 0.0),
            "value": value,
            "loss": rate * stakes,
            "bad_year": book.worst_rates(stakes) * stakes,
        }
    )
    by = frame.groupby("grade", as_index=False).sum()
    total = frame.drop(columns="grade").sum().to_frame().T.assign(grade="all")
    both = pd.concat([by, total], ignore_index=True).drop_duplicates("grade")
    return both.assign(plan=name)[["plan", "grade", "limits", "value", "loss", "bad_year"]]
