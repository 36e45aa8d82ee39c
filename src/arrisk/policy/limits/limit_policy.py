"""A limit for every customer, against today's: what it is worth, how sure, and what it risks."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html, money
from arrisk.models.losses.portfolio import Dependence, make_portfolio
from arrisk.models.losses.simulation import simulate_losses
from arrisk.models.tail import expected_shortfall
from arrisk.policy.grade_terms.inputs import given_or_typical
from arrisk.policy.limits.break_even import break_even_of_change
from arrisk.policy.limits.customers import LimitInputs, book_risks, read_limit_inputs
from arrisk.policy.limits.limit import (
    BookRisk,
    Line,
    best_limit,
    mean_within,
    round_limit,
    value_line,
)
from arrisk.policy.limits.limit_page import limits_table, options_table, plot_limits

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot
    from arrisk.models.scoring.scorecard import Scorecard
    from arrisk.policy.study import Study

__all__ = [
    "OPTIONS",
    "LimitPolicy",
    "make_limits",
    "option_tails",
    "turning_risk",
    "value_limits",
    "yearly_values",
]

OPTIONS = ("no limit kept", "today's limits, kept", "the model's limits, kept")
LEVEL = 0.95
TAIL = 0.99
YEARS = 20_000
SEED_KEY = 16
NOTICED = 0.10
HELD = 0.90
FULL = 0.99
SHARES = 65
RISK_FACTORS = tuple(float(f) for f in np.geomspace(1.0, 200.0, 40))
Z95 = 1.959963984540054
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LimitPolicy:
    """The limit of every customer; made by `make_limits`.

    Parameters
    ----------
    table : DataFrame
        One row a customer: customer_id, grade, group, industry, in_default, pd (within the horizon), sales,
        exposure, usual, peak, today (NaN: none), best (before rounding), limit, low, high (limits at the ends
        of the default risk's interval), break_even_margin, break_even_pd (see `break_even_of_change`),
        value_open, value_today, value (a year of the line without a limit, under today's, under the new
        one), gain (value less value_today), change ("raise", "cut", "set", "stop", "keep"), reason.
    draws : array of shape (3, 1 + draws)
        Value of a year of the book under `OPTIONS`; the first is the point.
    tail : DataFrame
        option, loss (expected), tail_loss (99% of years stay below), shortfall (mean beyond it).
    inputs : LimitInputs
    flip : float
        Factor on everybody's default risk from which a limit below what is wanted would be best for a tenth
        of the customers; NaN when no factor up to 200 does.
    level : float
    """

    table: pd.DataFrame
    draws: Floats
    tail: pd.DataFrame
    inputs: LimitInputs
    flip: float
    level: float

    @property
    def as_of(self) -> pd.Timestamp:
        """The day on which everything used was known."""
        return self.inputs.as_of

    @property
    def currency(self) -> str:
        """Of all amounts."""
        return self.inputs.currency

    @property
    def has_limits(self) -> bool:
        """Whether the ledger holds any limit to compare with."""
        return bool(self.table["today"].notna().any())

    @property
    def changes(self) -> pd.DataFrame:
        """Customers whose limit would change, the largest gain first."""
        rows = self.table[self.table["change"] != "keep"]
        return rows.sort_values(["gain", "customer_id"], ascending=[False, True], ignore_index=True)

    @property
    def diagnostics(self) -> dict[str, float]:
        """How often the best limit is nothing, all of what is wanted, or between."""
        live = self.table[~self.table["in_default"] & (self.table["peak"] > 0)]
        nothing = int((live["best"] == 0).sum())
        everything = int((live["best"] >= live["peak"] * (1 - 1e-6)).sum())
        return {
            "customers": float(len(live)),
            "nothing": float(nothing),
            "all_wanted": float(everything),
            "between": float(len(live) - nothing - everything),
            "capital_multiple": self.inputs.multiple,
        }

    def gain(self, base: str) -> tuple[float, float, float]:
        """What the model's limits earn more in a year than another option: point, low, high."""
        more = self.draws[2] - self.draws[OPTIONS.index(base)]
        low, high = np.quantile(more[1:], [0.5 - self.level / 2, 0.5 + self.level / 2])
        return float(more[0]), float(min(low, more[0])), float(max(high, more[0]))

    def shape(self) -> str:
        """Whether limits are all or nothing here, in one sentence."""
        seen = self.diagnostics
        inner = f"for {seen['between']:.0f} of {seen['customers']:.0f} a limit in between is best"
        return (
            "Without risk that grows with exposure, a run-up before failure or a price of risk capital the "
            f"best limit is all of what a customer wants or nothing; with them {inner}, for "
            f"{seen['all_wanted']:.0f} all of it and for {seen['nothing']:.0f} nothing"
        )

    def finding(self) -> str:
        """What today's limits would cost if they were kept, in one sentence."""
        if not self.has_limits:
            return f"The ledger holds no limit; the model's limits sum to {self._sum('limit')}"
        now = self.table["today"].sum()
        total = f"from {money(now)} to {self._sum('limit')} in all"
        many = f"{len(self.changes)} of {len(self.table)} limits would change, {total}"
        return f"{many}; kept, the new ones earn {self._more()} a year more than today's"

    def _sum(self, column: str) -> str:
        return money(float(self.table[column].sum()), self.currency)

    def _more(self) -> str:
        return money(self.gain(OPTIONS[1])[0], self.currency)

    def to_table(self, name: str = "limits", rows: int = 15) -> Table:
        """The changes that earn most, ready to be shown."""
        return limits_table(self, name, rows)

    def options_table(self, name: str = "limit_options") -> Table:
        """Value and losses of a year without limits, under today's and under the model's."""
        return options_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Today's limit against the model's, customer by customer."""
        return plot_limits(self, ax)

    def _repr_html_(self) -> str:
        tables = (self.to_table(), self.options_table())
        return "".join(frame_html(t.frame, t.title, t.note, t.formats) for t in tables)


def make_limits(study: Study, scorecard: Scorecard, snapshot: Snapshot) -> LimitPolicy:
    """Work out the limit of every customer that is worth most in a year.

    Parameters
    ----------
    study : Study
        See `read_limit_inputs`.
    scorecard : Scorecard
    snapshot : Snapshot
        Not earlier than the scorecard.

    Returns
    -------
    LimitPolicy

    Raises
    ------
    LookAheadError
        If the snapshot is earlier than the fit.

    Notes
    -----
    A customer in default gets no line, and no gain is claimed for that. Limits are rounded to steps
    (`round_limit`); today's is kept where the new one is within a tenth of it, or earns less more than a
    change costs (`limit_change_cost`). Values suppose that a limit is kept and that
    sales above it are lost; whether customers would accept that is not known. Draws cover the assumptions'
    ranges and the interval of the default risk, taken at the same end for all customers, which is wide.
    """
    inputs = read_limit_inputs(study, scorecard, snapshot)
    risks = book_risks(inputs, np.full(len(inputs.table), np.inf))
    table = _limits(inputs, risks)
    _keep_small_changes(table, inputs, risks, given_or_typical(study, "limit_change_cost").value)
    return value_limits(study, inputs, table)


def value_limits(study: Study, inputs: LimitInputs, table: pd.DataFrame) -> LimitPolicy:
    """Value the limits of a table (customer_id to `limit`, as in `LimitPolicy.table`) against today's."""
    size = len(table)
    risks = book_risks(inputs, np.full(size, np.inf))
    edges = np.vstack(
        [np.full(size, np.inf), table["today"].fillna(np.inf).to_numpy(), table["limit"].to_numpy()]
    )
    table = table.copy()
    values = np.stack([yearly_values(inputs, row, risks) for row in edges])
    for name, value in zip(("value_open", "value_today", "value"), values, strict=True):
        table[name] = value[:, 0]
    table["gain"] = table["value"] - table["value_today"]
    turning = break_even_of_change(inputs, edges[1], edges[2], risks)
    table["break_even_margin"], table["break_even_pd"] = turning
    table["change"], table["reason"] = _changes(table)
    return LimitPolicy(
        table,
        values.sum(axis=1),
        option_tails(inputs, dict(zip(OPTIONS, edges, strict=True)), study.seed),
        inputs,
        turning_risk(inputs, risks),
        LEVEL,
    )


def _limits(inputs: LimitInputs, risks: list[BookRisk]) -> pd.DataFrame:
    rows = []
    for k, risk in enumerate(risks):
        line = inputs.line(k, risk=risk)
        best = best_limit(line)
        ends = [best_limit(inputs.line(k, end, risk)) for end in ("hazard_high", "hazard_low")]
        rows.append((best, min(*ends, best), max(*ends, best)))
    found = pd.DataFrame(rows, columns=["best", "low", "high"])
    columns = ["customer_id", "grade", "group", "industry", "in_default", "pd", "sales", "exposure"]
    table = inputs.table[[*columns, "usual", "peak", "today"]].copy()
    limit = round_limit(found["best"])
    today = table["today"].to_numpy()
    near = np.abs(limit - today) <= NOTICED * today
    within = np.where(near & (limit > 0), today, limit)
    return table.assign(
        best=found["best"],
        limit=within,
        low=round_limit(found["low"]),
        high=round_limit(found["high"]),
    )


def _keep_small_changes(table: pd.DataFrame, inputs: LimitInputs, risks: list[BookRisk], cost: float) -> None:
    """Leave today's limit where a year under the new one earns less more than the change costs."""
    today = table["today"].to_numpy()
    kept = np.where(np.isnan(today), np.inf, today)
    now, then = (yearly_values(inputs, edge, risks)[:, 0] for edge in (kept, table["limit"].to_numpy()))
    small = ~np.isnan(today) & (table["limit"] > 0).to_numpy() & (then - now < cost)
    table["limit"] = np.where(small, today, table["limit"])


def _changes(table: pd.DataFrame) -> tuple[list[str], list[str]]:
    pairs = [_change(row) for row in table.to_dict("records")]
    return [change for change, _ in pairs], [reason for _, reason in pairs]


def _change(row: dict) -> tuple[str, str]:  # type: ignore[type-arg]
    """What happens to one limit, and why."""
    today, new = row["today"], row["limit"]
    if row["in_default"]:
        return ("keep" if today == 0 else "stop"), "in default: only against payment in advance"
    if row["peak"] == 0:
        return ("keep" if not today > 0 else "stop"), "nothing owed in a year: ask anew at the next order"
    if math.isnan(today):
        return "set", f"has none; wants up to {money(row['peak'])}"
    if new == today:
        return "keep", "a change would earn less than it costs"
    if new < HELD * min(row["best"], row["peak"]):
        return ("raise" if new > today else "cut"), "no more within the risk budget: others earn more with it"
    if new > today:
        return "raise", f"wants up to {money(row['peak'])}, and earns more than it risks"
    if row["best"] < row["peak"] * (1 - 1e-6):
        return "cut", f"above {money(new)} the risk of default costs more than the sales earn"
    return (
        "cut",
        f"never owed more than {money(row['peak'])} in the year; a failing customer would use the rest",
    )


def yearly_values(inputs: LimitInputs, limits: Floats, risks: list[BookRisk]) -> Floats:
    """Value of a year of every customer's line under given limits, by draw.

    Parameters
    ----------
    inputs : LimitInputs
    limits : array of shape (customers,)
        Infinite for none.
    risks : list of BookRisk
        From `book_risks`; the price of capital is taken at the point.

    Returns
    -------
    array of shape (customers, 1 + draws)
        Currency units; zero for customers in default.
    """
    at, table = inputs.draws, inputs.table
    out = np.zeros((len(table), at["margin"].size))
    for k in np.flatnonzero(~table["in_default"].to_numpy() & (table["usual"].to_numpy() > 0)).tolist():
        row, edge = table.iloc[k], limits[k]
        exposure, failing = (float(mean_within(inputs.wanted[k] * u, edge)) for u in (1.0, row["run_up"]))
        low = max(row["hazard_low"], row["hazard"] * 1e-3)
        spread = math.log(max(row["hazard_high"], row["hazard"]) / low) / (2 * Z95)
        hazard = row["hazard"] * np.exp(at["doubt"] * spread)
        hazard = hazard * (1 + at["slope"] * (exposure / row["usual"] - 1))
        rate = at["margin"] * row["sales"] / row["usual"] - at["cost_of_capital"]
        capital = float(value_line(inputs.line(k, risk=risks[k]), edge).capital)
        scale = at["hurdle"] / at["hurdle"][0] if at["hurdle"][0] > 0 else 1.0
        out[k] = rate * exposure - hazard * at["lgd"] * failing - capital * scale
    return out


def option_tails(inputs: LimitInputs, options: dict[str, Floats], seed: int) -> pd.DataFrame:
    """A year's losses under each option's limits, in the same simulated years (see `LimitPolicy.tail`)."""
    table, rows = inputs.table, []
    live = np.flatnonzero(~table["in_default"].to_numpy())
    chance = -np.expm1(-table["hazard"].to_numpy()[live])
    run_up = table["run_up"].to_numpy()
    for name, limits in options.items():
        owed = [float(mean_within(inputs.wanted[k] * run_up[k], limits[k])) for k in live]
        book = make_portfolio(chance, owed, float(inputs.draws["lgd"][0]))
        runs = simulate_losses(book, Dependence(inputs.correlation), YEARS, seed + SEED_KEY, sampling="plain")
        totals = runs.totals()
        worst = float(expected_shortfall(totals, 1 - TAIL)[0])
        rows.append((name, float(totals.mean()), float(np.quantile(totals, TAIL)), worst))
    return pd.DataFrame(rows, columns=["option", "loss", "tail_loss", "shortfall"])


def turning_risk(inputs: LimitInputs, risks: list[BookRisk]) -> float:
    """Factor on all default risks from which a tenth of the customers should get less than they want.

    Returns
    -------
    float
        At least 1 (1: it is so today); NaN when no factor up to 200 does.
    """
    live = np.flatnonzero(~inputs.table["in_default"].to_numpy() & (inputs.table["usual"].to_numpy() > 0))
    numbers = [int(k) for k in live]
    lines = [inputs.line(k, risk=risks[k]) for k in numbers]
    low, high = 0, len(RISK_FACTORS)
    while low < high:
        middle = (low + high) // 2
        worse = [replace(line, hazard=line.hazard * RISK_FACTORS[middle]) for line in lines]
        cut = np.array([_less_is_better(w) for w in worse] or [False])
        if cut.mean() >= NOTICED:
            high = middle
        else:
            low = middle + 1
    return RISK_FACTORS[low] if low < len(RISK_FACTORS) and len(live) else math.nan


def _less_is_better(line: Line) -> bool:
    """Whether some limit clearly below all of what is wanted is worth more than that."""
    shares = np.append(np.linspace(0.0, FULL, SHARES), 1.0)
    values = value_line(line, float(line.wanted[-1]) * shares).value
    return bool(values[:-1].max() > values[-1])
