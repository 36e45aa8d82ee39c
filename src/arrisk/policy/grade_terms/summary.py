"""The table of grades: value, interval, break-even, and what each grade needs on today's terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.policy.grade_terms.book import GradeBook
from arrisk.policy.grade_terms.inputs import GradeInputs
from arrisk.policy.grade_terms.needs import (
    advance_share,
    limit_months,
    longest_term,
    price_surcharge,
    secured_share,
)
from arrisk.policy.grade_terms.value import break_even_pd, sale_value

if TYPE_CHECKING:
    from arrisk.models.scoring.scorecard import Scorecard

__all__ = ["find_needs", "make_cells", "make_summary", "spread"]

YEAR, MONTH = 365, 365 / 12
Floats = NDArray[np.float64]


def _row(inputs: GradeInputs, grade: int, term: float, delay: float, level: float) -> dict[str, float]:
    """Value of a sale of 1 to a grade on some terms: point, interval, chance."""
    days_out = max(term + delay, 0.0)
    out, cost = inputs.caught(grade, term), inputs.cost(grade, term, days_out)
    value = sale_value(inputs.margin, cost)
    turn = break_even_pd(
        inputs.margin[0], days_out, lgd=inputs.lgd[0], cost_of_capital=inputs.cost_of_capital[0]
    )
    return {
        "days_out": days_out,
        **spread("pd_sale", out, level),
        "break_even_pd": float(turn),
        **spread("cost", cost, level),
        **spread("value", value, level),
        "chance": float((value[1:] >= 0).mean()),
    }


def spread(name: str, draws: Floats, level: float) -> dict[str, float]:
    """The point (the first draw) and the quantiles of the others, widened to hold it.

    Examples
    --------
    >>> {k: round(float(v), 3) for k, v in spread("x", np.array([5.0, 1, 2, 3, 4]), 0.5).items()}
    {'x': 5.0, 'x_low': 1.75, 'x_high': 5.0}
    """
    point = float(draws[0])
    low, high = np.quantile(draws[1:], [0.5 - level / 2, 0.5 + level / 2])
    return {name: point, f"{name}_low": min(float(low), point), f"{name}_high": max(float(high), point)}


def make_cells(book: GradeBook, inputs: GradeInputs, offered: list[int], level: float) -> pd.DataFrame:
    """Value of a sale of 1 to every grade on every offered term (see `GradeTerms.cells`)."""
    rows = []
    for k, (grade, delay) in enumerate(zip(book.table["grade"], book.table["delay"], strict=True)):
        for days in offered:
            rows.append({"grade": grade, "days": days, **_row(inputs, k, days, delay, level)})
    return pd.DataFrame(rows)


def make_summary(
    book: GradeBook,
    inputs: GradeInputs,
    cells: pd.DataFrame,
    scorecard: Scorecard,
    offered: list[int],
    confidence: float,
    headroom: float,
) -> pd.DataFrame:
    """What each grade can bear and needs on today's terms (see `GradeTerms.table`)."""
    level, rows = scorecard.level, []
    bearable = (cells["chance"] >= confidence).to_numpy().reshape(len(book.table), len(offered))
    for k, seen in enumerate(book.table.to_dict("records")):
        longest = float(longest_term(offered, bearable[k]))
        days = float(seen["term"]) if seen["sales"] > 0 else float(offered[0])
        row = _row(inputs, k, days, float(seen["delay"]), level)
        rate = spread("pd", inputs.pd[k], level)
        if not scorecard.identified:
            rate["pd_high"] = max(rate["pd_high"], scorecard.upper_bound)
            bound = float(inputs.carry(np.array(rate["pd_high"]), days + inputs.overrun[0]))
            row["pd_sale_high"] = max(row["pd_sale_high"], bound)
        until = days if np.isnan(longest) else longest
        rows.append(
            {
                "grade": seen["grade"],
                "customers": int(seen["customers"]),
                "sales": float(seen["sales"]),
                **rate,
                "days": days,
                **row,
                "surcharge": float(price_surcharge(row["cost"])),
                "longest": longest,
                **find_needs(inputs, k, days, row["days_out"], confidence),
                "limit_months": _limit(inputs, rate["pd_high"], headroom * until / MONTH),
            }
        )
    return _with_limits(pd.DataFrame(rows), book)


def find_needs(
    inputs: GradeInputs, grade: int, term: float, days_out: float, confidence: float
) -> dict[str, float]:
    """Shares in advance, and secured, at which the sale is bearable with the asked chance."""
    advance = advance_share(inputs.margin, inputs.cost(grade, term, days_out))
    kept = 1.0 - inputs.assumed("insured_share").value
    secured = secured_share(
        inputs.margin,
        inputs.caught(grade, term),
        days_out,
        lgd=inputs.lgd,
        secured_lgd=inputs.lgd * kept,
        cost_of_capital=inputs.cost_of_capital,
    )
    return {"advance": _sure_share(advance, confidence), "secured": _sure_share(secured, confidence)}


def _sure_share(shares: Floats, confidence: float) -> float:
    """The share that is enough in so many of the draws; NaN when none is."""
    enough = np.quantile(np.where(np.isnan(shares), np.inf, shares)[1:], confidence, method="higher")
    return float(enough) if np.isfinite(enough) else float("nan")


def _limit(inputs: GradeInputs, pd_high: float, most: float) -> float:
    """Months of sales that keep to the risk budget at the upper end of the default rate."""
    yearly = inputs.carry(np.array(pd_high), YEAR)
    budget = inputs.assumed("risk_budget").value
    return float(limit_months(inputs.margin[0], yearly, lgd=inputs.lgd[0], risk_budget=budget, most=most))


def _with_limits(table: pd.DataFrame, book: GradeBook) -> pd.DataFrame:
    best = float(table["limit_months"].max())
    table["limit_factor"] = table["limit_months"] / best if best > 0 else 0.0
    months = book.table["limited_sales"] / 12
    table["limit_today"] = book.table["limit"] / months.where(months > 0)
    people = book.customers
    allowed = people["sales"] / 12 * people["grade"].map(table.set_index("grade")["limit_months"])
    above = people[people["limit"] > allowed.round(2)].groupby("grade").size()
    table["above"] = table["grade"].map(above).fillna(0).astype(int)
    return table
