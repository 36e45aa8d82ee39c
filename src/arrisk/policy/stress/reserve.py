"""The reserve of an emergency plan: how much cash and undrawn line last through bad weeks, and how surely."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from arrisk.display import Table, frame_html
from arrisk.policy.assumptions import Assumption
from arrisk.policy.grade_terms.inputs import draw_triangle, given_or_typical
from arrisk.policy.stress import reserve_page as page
from arrisk.policy.stress.quarter_needs import QuarterNeeds, Quarters, draw_quarters, measure_needs
from arrisk.policy.stress.runs import BASELINE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.stress.stress_report import StressReport
    from arrisk.policy.study import Study

__all__ = ["EmergencyReserve", "size_reserve"]

Floats = NDArray[np.float64]
LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.995)
COST_DRAWS = 400
CALM = "no customer fails at all"
FOLLOW = "part of payments that follows the sales of the quarter"
TOGETHER = "payments are slowest just when most customers fail (worst case)"
YEAR = 365.0


@dataclass(frozen=True, slots=True, eq=False)
class EmergencyReserve:
    """How large a reserve has to be; made by `size_reserve`.

    Parameters
    ----------
    table : DataFrame
        One row a level of certainty: level, reserve, low, high (over what is unknown about how often and how
        closely together customers fail), mc_error, holding (cost of holding it a year), shortfall (expected
        emergency money a year beyond it), net_cost (holding and what emergency money costs).
    drivers : DataFrame
        driver, low, high, reserve_low, reserve_high: the reserve at the study's certainty when one thing
        changes, the widest first.
    quarters : QuarterNeeds
    needed, low, high, mc_error : float
        The reserve at the study's certainty, its range over what is unknown about failures widened by the
        Monte Carlo error, and that error.
    uninsured : float
        The same when no insurer pays.
    present : float or None
        Cash, near cash and undrawn line of today.
    minimum : float
        What must always be left, a covenant on liquidity included; part of the reserve.
    enough : tuple of float
        Chance that today's reserve is enough in a quarter, with its range over the cases; missing without a
        balance sheet.
    gain : tuple of float
        What the step is worth a year, with its range: emergency money avoided, at its cost, less the cost of
        holding. The step: from today's reserve to the needed one where that is larger, else from the minimum
        alone to today's.
    break_even : float
        Cost of emergency money, a fraction of the shortfall, from which the step pays for itself.
    assumptions : tuple of Assumption
        `reserve_confidence`, `cost_of_capital`, `emergency_cost`.
    days : int
    as_of : Timestamp
    currency : str
    level : float
        Of the ranges.
    """

    table: pd.DataFrame
    drivers: pd.DataFrame
    quarters: QuarterNeeds
    needed: float
    low: float
    high: float
    mc_error: float
    uninsured: float
    present: float | None
    minimum: float
    enough: tuple[float, float, float]
    gain: tuple[float, float, float]
    break_even: float
    assumptions: tuple[Assumption, ...]
    days: int
    as_of: pd.Timestamp
    currency: str
    level: float

    @property
    def confidence(self) -> float:
        """Certainty that the study asks for."""
        return self.assumptions[0].value

    @property
    def gap(self) -> float:
        """What is missing to the needed reserve; negative when today's is larger."""
        return math.nan if self.present is None else self.needed - self.present

    def driven(self, driver: str, end: str = "reserve_high") -> float:
        """The reserve with one thing changed; see `drivers`."""
        return float(self.drivers.loc[self.drivers["driver"] == driver, end].iloc[0])

    @property
    def diagnostics(self) -> dict[str, Any]:
        """Size of the simulation."""
        cases, draws = self.quarters.needs.shape
        return {
            "cases": cases,
            "quarters": cases * draws,
            "receipt_draws": self.quarters.receipt_draws,
            "mc_error": self.mc_error,
        }

    def finding(self) -> str:
        """How much is needed and how far today's reserve reaches, in one sentence."""
        return page.find_reserve(self)

    def to_table(self, name: str = "emergency_reserve") -> Table:
        """Reserves by level of certainty with what they cost."""
        return page.reserve_table(self, name)

    def drivers_table(self, name: str = "reserve_drivers") -> Table:
        """What moves the reserve."""
        return page.drivers_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Chance that a reserve is enough against its size."""
        return page.plot_reserve(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def size_reserve(
    study: Study, report: StressReport, draws: int = 2000, levels: Sequence[float] = LEVELS
) -> EmergencyReserve:
    """Size the reserve so that no week ends below the minimum cash with the study's certainty.

    Parameters
    ----------
    study : Study
        Gives `reserve_confidence`, `cost_of_capital` and `emergency_cost`; typical values when it does not.
    report : StressReport
        Its book, loss model and balance sheet.
    draws : int
        Simulated quarters of each case of the loss model.
    levels : sequence of float
        Further levels of certainty to show.

    Returns
    -------
    EmergencyReserve

    Notes
    -----
    A quarter needs the minimum cash less the lowest change of cash at the end of any of its weeks. Quarters
    are drawn over failures (at the cases of level and correlation that the loss model allows, with their
    weights), the shocks of payments and the error of sales; the reserve is the quantile of what they need,
    all cases together. Its range is that of the quantile over the cases.
    """
    names = ("reserve_confidence", "cost_of_capital", "emergency_cost")
    wanted, capital, emergency = given = tuple(given_or_typical(study, name) for name in names)
    book, floor, present = report.book, report.floor, report.sheet.liquidity
    drawn = draw_quarters(book, report.model, draws)
    quarters = measure_needs(drawn, floor)
    needed = quarters.quantile(wanted.value)
    low, high = quarters.range(quarters.quantiles(wanted.value), report.level)
    error = quarters.error(wanted.value)
    reach = float(stats.norm.ppf(0.5 + report.level / 2)) * error
    step = (0.0, 0.0) if present is None else _step(present, needed, floor)
    per_year = YEAR / book.receipts.days
    return EmergencyReserve(
        table=_table(quarters, sorted({*levels, wanted.value}), capital, emergency, per_year, report.level),
        drivers=_drivers(study, report, drawn, quarters, wanted, draws),
        quarters=quarters,
        needed=needed,
        low=max(needed - math.hypot(max(needed - low, 0.0), reach), 0.0),
        high=needed + math.hypot(max(high - needed, 0.0), reach),
        mc_error=error,
        uninsured=measure_needs(drawn, floor, with_insurance=False).quantile(wanted.value),
        present=present,
        minimum=floor,
        enough=_enough(quarters, present, report.level),
        gain=_gain(quarters, step, capital, emergency, per_year, study.seed, report.level),
        break_even=_break_even(quarters, step, capital.value, per_year),
        assumptions=given,
        days=book.receipts.days,
        as_of=report.as_of,
        currency=report.currency,
        level=report.level,
    )


def _step(present: float, needed: float, minimum: float) -> tuple[float, float]:
    """The step that is judged: up to what is needed, or from the minimum alone to today's."""
    return (present, needed) if needed > present else (min(minimum, present), present)


def _table(
    quarters: QuarterNeeds,
    levels: Sequence[float],
    capital: Assumption,
    emergency: Assumption,
    per_year: float,
    level: float,
) -> pd.DataFrame:
    rows = []
    for wanted in levels:
        reserve = quarters.quantile(wanted)
        low, high = quarters.range(quarters.quantiles(wanted), level)
        rows.append(
            (wanted, reserve, low, high, quarters.error(wanted), quarters.shortfall(reserve) * per_year)
        )
    table = pd.DataFrame(rows, columns=["level", "reserve", "low", "high", "mc_error", "shortfall"])
    table["holding"] = capital.value * table["reserve"]
    table["net_cost"] = table["holding"] + emergency.value * table["shortfall"]
    return table


def _enough(quarters: QuarterNeeds, present: float | None, level: float) -> tuple[float, float, float]:
    """Chance that today's reserve is enough in a quarter, with its range over the cases."""
    if present is None:
        return math.nan, math.nan, math.nan
    low, high = quarters.range(quarters.chances(present), level)
    chance = quarters.chance(present)
    return chance, min(low, chance), max(high, chance)


def _gain(
    quarters: QuarterNeeds,
    step: tuple[float, float],
    capital: Assumption,
    emergency: Assumption,
    per_year: float,
    seed: int,
    level: float,
) -> tuple[float, float, float]:
    """Worth of a step a year, with its range over cases and over what money costs."""
    before, after = step
    avoided = (quarters.shortfall(before) - quarters.shortfall(after)) * per_year
    value = emergency.value * avoided - capital.value * (after - before)
    rng = np.random.default_rng(np.random.SeedSequence((seed, 2)))
    share = quarters.weight.sum(axis=1)
    case = rng.choice(share.size, COST_DRAWS, p=share / share.sum())
    by_case = (quarters.shortfalls(before) - quarters.shortfalls(after)) * per_year
    price, rent = draw_triangle(emergency, COST_DRAWS, rng), draw_triangle(capital, COST_DRAWS, rng)
    gains = price * by_case[case] - rent * (after - before)
    low, high = np.quantile(gains, (0.5 - level / 2, 0.5 + level / 2))
    return value, min(float(low), value), max(float(high), value)


def _break_even(quarters: QuarterNeeds, step: tuple[float, float], capital: float, per_year: float) -> float:
    before, after = step
    avoided = (quarters.shortfall(before) - quarters.shortfall(after)) * per_year
    return capital * (after - before) / avoided if avoided > 0 else math.inf


def _drivers(
    study: Study,
    report: StressReport,
    drawn: Quarters,
    quarters: QuarterNeeds,
    wanted: Assumption,
    draws: int,
) -> pd.DataFrame:
    """The reserve when one thing changes at a time, the widest first."""
    floor, payments = report.floor, report.book.payments
    planned = given_or_typical(study, "planned_payments")
    rows: list[tuple[str | float, ...]] = []
    if planned.is_range:
        other = [
            measure_needs(drawn, floor, payments * x / planned.value) for x in (planned.low, planned.high)
        ]
        ends = [needs.quantile(wanted.value) for needs in other]
        rows.append(("planned payments, share of expected receipts", planned.low, planned.high, *ends))
    low, high = quarters.range(quarters.quantiles(wanted.value), report.level)
    rows.append(("how often and how closely customers fail", math.nan, math.nan, low, high))
    if wanted.is_range:
        ends = [quarters.quantile(q) for q in (wanted.low, wanted.high)]
        rows.append(("certainty asked for", wanted.low, wanted.high, *ends))
    variable = 1 - given_or_typical(study, "gross_margin").value
    follow = measure_needs(drawn, floor, variable=variable)
    rows.append((FOLLOW, 0.0, variable, quarters.quantile(wanted.value), follow.quantile(wanted.value)))
    worst = measure_needs(draw_quarters(report.book, report.model, draws, together=True), floor)
    rows.append((TOGETHER, math.nan, math.nan, quarters.quantile(wanted.value), worst.quantile(wanted.value)))
    any_year = report.runs[BASELINE]
    calm = replace(any_year, receipts=any_year.usual)
    alone = measure_needs(((1.0, calm),), floor)
    rows.append((CALM, math.nan, math.nan, alone.quantile(wanted.value), math.nan))
    frame = pd.DataFrame(rows, columns=["driver", "low", "high", "reserve_low", "reserve_high"])
    width = (frame["reserve_high"] - frame["reserve_low"]).abs().fillna(-1.0)
    return frame.loc[width.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)
