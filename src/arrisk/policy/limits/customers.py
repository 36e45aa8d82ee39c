"""What limits rest on: wanted exposures, default risk and margins of every customer, with their draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from arrisk.models.losses.closed_form import conditional_pd
from arrisk.models.losses.portfolio import Dependence, make_portfolio
from arrisk.models.losses.simulation import simulate_losses
from arrisk.policy.assumptions import Assumption
from arrisk.policy.grade_terms.book import EVERYBODY, GradeBook, read_grade_book
from arrisk.policy.grade_terms.inputs import (
    GradeInputs,
    choose_inputs,
    constant_hazard,
    draw_triangle,
    given_or_typical,
)
from arrisk.policy.limits.limit import BookRisk, Line, mean_within
from arrisk.portfolio.exposure import group_names, make_exposure
from arrisk.portfolio.utilisation import UtilisationPath, make_utilisation_path

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.scoring.scorecard import Scorecard
    from arrisk.policy.study import Study

__all__ = ["LimitInputs", "book_risks", "read_limit_inputs", "yearly_hazard"]

YEAR = 365
STEP = 7
SPAWN_KEY = 15
LONGEST_RUN_UP = 5.0
UNUSED = ("risk_budget", "insured_share")
YEARS = 20_000
NODES = 64
Z95 = float(special.ndtri(0.975))
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LimitInputs:
    """Customers and what is assumed of them; made by `read_limit_inputs`.

    Parameters
    ----------
    table : DataFrame
        One row a customer: customer_id, group, grade, industry, in_default, pd, pd_low, pd_high (within the
        horizon), hazard, hazard_low, hazard_high (failures a year), sales (of the last year), exposure (now),
        today (its limit; NaN: none), usual and peak (mean and largest wanted exposure), run_up.
    wanted : tuple of array
        Exposures of each customer at the ends of the last 52 weeks, those from its first item on.
    draws : mapping of name to array of shape (1 + draws,)
        margin, lgd, cost_of_capital, hurdle, slope and doubt (standard normal: where in its interval the
        default risk of all customers lies); the first is the point.
    multiple : float
        Capital per unit of standard deviation of a year's loss, from simulated years.
    correlation : float
    assumptions : tuple of Assumption
    as_of : Timestamp
    currency : str
    horizon_days : int
    doubt : str
        Why customers cannot be told apart; empty when they can.
    book : GradeBook
    base : GradeInputs
        Of the grades of the book.
    path : UtilisationPath
        Of the customers, up to the day.
    """

    table: pd.DataFrame
    wanted: tuple[Floats, ...]
    draws: dict[str, Floats]
    multiple: float
    correlation: float
    assumptions: tuple[Assumption, ...]
    as_of: pd.Timestamp
    currency: str
    horizon_days: int
    doubt: str
    book: GradeBook
    base: GradeInputs
    path: UtilisationPath

    def assumed(self, name: str) -> Assumption:
        """One of the assumptions."""
        return next(a for a in self.assumptions if a.name == name)

    def line(self, row: int, hazard: str = "hazard", risk: BookRisk | None = None, draw: int = 0) -> Line:
        """The customer of a row of the table, at the point or at a draw of the assumptions."""
        one = self.table.iloc[row]
        at = {name: float(values[draw]) for name, values in self.draws.items()}
        rate = at["margin"] * one["sales"] / one["usual"] - at["cost_of_capital"] if one["usual"] > 0 else 0.0
        return Line(
            self.wanted[row],
            rate,
            float(one[hazard]),
            at["lgd"],
            float(one["run_up"]),
            at["slope"],
            BookRisk() if risk is None else risk,
        )


def yearly_hazard(pd_horizon: ArrayLike, horizon_days: float) -> Floats:
    """Failures a year at a constant hazard, from a probability within a horizon; infinite for 1.

    Examples
    --------
    >>> yearly_hazard([0.0, 0.0244, 1.0], 180).round(4).tolist()
    [0.0, 0.0501, inf]
    """
    with np.errstate(divide="ignore"):
        return np.asarray(
            np.maximum(-np.log1p(-np.asarray(pd_horizon, dtype=float)), 0.0) * YEAR / horizon_days,
            dtype=float,
        )


def read_limit_inputs(study: Study, scorecard: Scorecard, snapshot: Snapshot) -> LimitInputs:
    """Read every customer's wanted exposure, default risk and margin, as known on the snapshot's day.

    Parameters
    ----------
    study : Study
        Gives `hurdle_rate`, `exposure_slope`, `asset_correlation`, `capital_level` (typical values when it
        does not) and what `choose_inputs` takes.
    scorecard : Scorecard
        Without a fit all customers share one default rate, up to its exact bound.
    snapshot : Snapshot
        Not earlier than the scorecard.

    Returns
    -------
    LimitInputs

    Raises
    ------
    LookAheadError
        If the snapshot is earlier than the fit.

    Notes
    -----
    Wanted is what was seen: where a limit was kept, more may have been wanted. How much more than usual a
    failing customer owes comes from the days of sales that defaults caught (see `count_losses`), over the
    days of sales that the customer usually owes; at most five times.
    """
    scored = scorecard.predict(snapshot)
    book = read_grade_book(scorecard, snapshot, scored)
    base = choose_inputs(
        study, snapshot, book.table, scorecard.definition, constant_hazard(scorecard.horizon_days)
    )
    path = make_utilisation_path(snapshot)
    table = _risks(scorecard, snapshot, scored, float(base.pd[0, 0]))
    table, wanted = _exposures(table, snapshot, path, float(base.overrun[0]))
    more = tuple(given_or_typical(study, n) for n in ("hurdle_rate", "exposure_slope"))
    level, rho = (given_or_typical(study, n) for n in ("capital_level", "asset_correlation"))
    draws = _draws(base.margin, base.lgd, base.cost_of_capital, more, study.seed)
    return LimitInputs(
        table=table,
        wanted=wanted,
        draws=draws,
        multiple=_multiple(table, wanted, float(base.lgd[0]), rho.value, level.value, study.seed),
        correlation=rho.value,
        assumptions=(*(a for a in base.assumptions if a.name not in UNUSED), *more, level, rho),
        as_of=snapshot.date,
        currency=snapshot.currency,
        horizon_days=scorecard.horizon_days,
        doubt=scorecard.doubt,
        book=book,
        base=base,
        path=path,
    )


def _risks(scorecard: Scorecard, snapshot: Snapshot, scored: pd.DataFrame, everybody: float) -> pd.DataFrame:
    table = scored[["customer_id", "grade", "pd", "pd_low", "pd_high", "in_default"]].reset_index(drop=True)
    table["in_default"] = table["in_default"].astype(bool)
    if not scorecard.identified:
        rate = np.minimum(everybody, table["pd_high"])
        table["pd"] = np.where(table["in_default"], 1.0, rate)
        table["grade"] = EVERYBODY
    table["grade"] = table["grade"].astype(object)
    for end in ("", "_low", "_high"):
        hazard = yearly_hazard(table[f"pd{end}"], scorecard.horizon_days)
        table[f"hazard{end}"] = np.where(table["in_default"], np.inf, hazard)
    people = snapshot.customers.set_index("customer_id")
    industry = people["industry"].reindex(table["customer_id"]).to_numpy() if "industry" in people else None
    ids = pd.Index(table["customer_id"], dtype=object, name="customer_id")
    return table.assign(industry=industry, group=group_names(snapshot, ids).to_numpy(dtype=object))


def _exposures(
    table: pd.DataFrame, snapshot: Snapshot, path: UtilisationPath, overrun: float
) -> tuple[pd.DataFrame, tuple[Floats, ...]]:
    now = make_exposure(snapshot).table.set_index("customer_id").reindex(table["customer_id"])
    weeks = [snapshot.date - pd.Timedelta(days=STEP * k) for k in range(YEAR // STEP)]
    seen = path.at(weeks)
    first = snapshot.items.groupby("customer_id")["recorded_date"].min()
    seen = seen[seen["date"] >= seen["name"].map(first)]
    by_name = {name: part.clip(lower=0).to_numpy() for name, part in seen.groupby("name")["exposure"]}
    wanted = tuple(np.asarray(by_name.get(c, np.zeros(1)), dtype=float) for c in table["customer_id"])
    items = snapshot.items
    year = items[items["issue_date"] > snapshot.date - pd.Timedelta(days=YEAR)]
    billed = (year["amount"] - year["credited_amount"]).groupby(year["customer_id"]).sum()
    age = (snapshot.date - table["customer_id"].map(first)).dt.days.clip(lower=30, upper=YEAR)
    sales = (table["customer_id"].map(billed).clip(lower=0) * YEAR / age).fillna(0.0)
    usual = np.array([w.mean() for w in wanted])
    days_out = usual / np.maximum(sales.to_numpy() / YEAR, 1e-9)
    run_up = np.clip(1.0 + overrun / np.maximum(days_out, 1.0), 1.0, LONGEST_RUN_UP)
    columns = {
        "sales": sales.to_numpy(),
        "exposure": now["exposure"].fillna(0.0).to_numpy(dtype=float),
        "today": now["credit_limit"].to_numpy(dtype=float),
        "usual": usual,
        "peak": np.array([w.max() for w in wanted]),
        "run_up": run_up,
    }
    return table.assign(**columns), wanted


def _draws(
    margin: Floats, lgd: Floats, cost: Floats, more: tuple[Assumption, ...], seed: int
) -> dict[str, Floats]:
    count = margin.size - 1
    seeds = np.random.SeedSequence(seed, spawn_key=(SPAWN_KEY,)).spawn(len(more) + 1)
    drawn = [
        np.append(a.value, draw_triangle(a, count, np.random.default_rng(s)))
        for a, s in zip(more, seeds, strict=False)
    ]
    doubt = np.append(0.0, np.random.default_rng(seeds[-1]).standard_normal(count))
    names = ("margin", "lgd", "cost_of_capital", "hurdle", "slope", "doubt")
    return dict(zip(names, (margin, lgd, cost, *drawn, doubt), strict=True))


def _chance(hazard: ArrayLike) -> Floats:
    return np.asarray(-np.expm1(-np.asarray(hazard, dtype=float)), dtype=float)


def _multiple(
    table: pd.DataFrame, wanted: tuple[Floats, ...], lgd: float, rho: float, level: float, seed: int
) -> float:
    """Capital over the standard deviation of a simulated year's loss; customers in default left out."""
    live = ~table["in_default"].to_numpy() & (table["usual"].to_numpy() > 0)
    if not live.any() or not (table.loc[live, "hazard"] > 0).any():
        return 0.0
    owed = (table["usual"] * table["run_up"]).to_numpy()[live]
    book = make_portfolio(_chance(table["hazard"].to_numpy()[live]), owed, lgd)
    runs = simulate_losses(book, Dependence(rho), YEARS, seed, sampling="plain")
    totals = runs.totals()
    spread = float(totals.std())
    return float(np.quantile(totals, level) - totals.mean()) / spread if spread > 0 else 0.0


def book_risks(inputs: LimitInputs, limits: ArrayLike) -> list[BookRisk]:
    """The risk of all others as each customer sees it, when everybody has the given limits.

    Parameters
    ----------
    inputs : LimitInputs
    limits : array of shape (customers,)
        Infinite for no limit.

    Returns
    -------
    list of BookRisk
        Defaults depend on each other through one factor; integrated over it by Gauss and Hermite.
    """
    edges = np.asarray(limits, dtype=float)
    alive = ~inputs.table["in_default"].to_numpy()
    chance = np.where(alive, _chance(inputs.table["hazard"]), 0.0)
    stake = np.array(
        [
            float(mean_within(w * u, edge))
            for w, u, edge in zip(inputs.wanted, inputs.table["run_up"], edges, strict=True)
        ]
    ) * np.where(alive, inputs.draws["lgd"][0], 0.0)
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    given = conditional_pd(chance[:, None], inputs.correlation, nodes[None, :])
    weights = weights / weights.sum()
    mean = given @ weights
    joint = given @ (weights * (stake @ given)) - mean * float(stake @ mean)
    own = given**2 @ weights - mean**2
    shared = joint - own * stake
    variance = float(stake @ joint + (chance * (1 - chance) - own) @ stake**2)
    price = inputs.draws["hurdle"][0] * inputs.multiple
    rest = variance - 2 * stake * shared - chance * (1 - chance) * stake**2
    return [
        BookRisk(max(r, 0.0), max(s, 0.0), price) for r, s in zip(rest.tolist(), shared.tolist(), strict=True)
    ]
