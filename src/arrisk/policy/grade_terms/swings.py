"""What moves the value of a sale to one grade, and where each input turns it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from arrisk.policy.grade_terms.value import credit_cost, sale_value, turning_points

if TYPE_CHECKING:
    from arrisk.policy.grade_terms.terms import GradeTerms

__all__ = ["find_swings"]

COLUMNS = ["input", "low", "now", "high", "value_at_low", "value_at_high", "turns_at"]


def find_swings(granted: GradeTerms, grade: str) -> pd.DataFrame:
    """One row an input, largest swing first (see `GradeTerms.swings`).

    Raises
    ------
    ValueError
        If there is no such grade.
    """
    table = granted.table.set_index("grade").to_dict("index")
    if grade not in table:
        raise ValueError(f"no grade {grade!r}; there are {', '.join(map(str, table))}")
    row = table[grade]
    days, ranges = float(row["days_out"]), _ranges(granted, row)
    now = {name: middle for name, (_, middle, _) in ranges.items()}
    turns = turning_points(
        now["margin"], now["pd"], days, lgd=now["lgd"], cost_of_capital=now["cost_of_capital"]
    )
    rows = [
        (name, low, middle, high, _value({**now, name: low}, days), _value({**now, name: high}, days))
        for name, (low, middle, high) in ranges.items()
    ]
    out = pd.DataFrame(rows, columns=COLUMNS[:-1]).assign(turns_at=[turns[name] for name in ranges])
    swing = (out["value_at_high"] - out["value_at_low"]).abs()
    return out.loc[swing.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)


def _ranges(granted: GradeTerms, row: Mapping[Hashable, Any]) -> dict[str, tuple[float, float, float]]:
    """Low, point and high of each input."""
    margin, lgd, capital = granted.assumptions[:3]
    failing = (float(row["pd_sale_low"]), float(row["pd_sale"]), float(row["pd_sale_high"]))
    given = {"margin": margin, "lgd": lgd, "cost_of_capital": capital}
    return {"pd": failing, **{name: (a.low, a.value, a.high) for name, a in given.items()}}


def _value(at: dict[str, float], days: float) -> float:
    cost = credit_cost(at["pd"], days, lgd=at["lgd"], cost_of_capital=at["cost_of_capital"])
    return float(sale_value(at["margin"], cost))
