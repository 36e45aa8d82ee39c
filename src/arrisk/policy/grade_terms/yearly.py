"""What a year of the book's sales is worth on today's terms and on the granted ones."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.policy.grade_terms.book import GradeBook
from arrisk.policy.grade_terms.inputs import GradeInputs
from arrisk.policy.grade_terms.summary import spread
from arrisk.policy.grade_terms.value import sale_value

__all__ = ["value_year", "yearly_table"]

Floats = NDArray[np.float64]


def value_year(book: GradeBook, inputs: GradeInputs, table: pd.DataFrame) -> tuple[Floats, Floats]:
    """Value of the year's sales by grade and draw: on today's terms and on the table's.

    Parameters
    ----------
    book : GradeBook
    inputs : GradeInputs
    table : DataFrame
        From `make_summary`.

    Returns
    -------
    (array, array) of shape (grades, 1 + draws)
        Currency units a year. On the table's terms, longer ones are shortened to the longest bearable;
        where none is, today's stand with the needed share in advance.
    """
    today, granted = np.zeros_like(inputs.pd), np.zeros_like(inputs.pd)
    for k, (row, delay) in enumerate(zip(table.to_dict("records"), book.table["delay"], strict=True)):
        sold = book.sold[book.sold["grade"] == row["grade"]]
        for days, sales in zip(sold["days"], sold["sales"], strict=True):
            now = inputs.cost(k, days, max(days + delay, 0.0))
            today[k] += sales * sale_value(inputs.margin, now)
            granted[k] += sales * _granted(inputs, k, row, days, delay)
    return today, granted


def _granted(
    inputs: GradeInputs, grade: int, row: Mapping[Hashable, Any], days: float, delay: float
) -> Floats:
    """Value of a sale of 1 as the table has it: shortened, partly in advance, or not made at this price."""
    if not np.isnan(row["longest"]):
        term = min(days, row["longest"])
        return sale_value(inputs.margin, inputs.cost(grade, term, max(term + delay, 0.0)))
    if inputs.margin[0] < 0:
        return np.zeros_like(inputs.margin)
    share = 1.0 if np.isnan(row["advance"]) else row["advance"]
    return sale_value(inputs.margin, inputs.cost(grade, days, max(days + delay, 0.0)), share)


def yearly_table(table: pd.DataFrame, today: Floats, granted: Floats, level: float) -> pd.DataFrame:
    """Both values with their intervals, and where they differ (see `GradeTerms.yearly`)."""
    rows = [
        {
            "grade": grade,
            **spread("today", now, level),
            **spread("granted", then, level),
            "changes": bool((now != then).any()),
            "today_chance": float((now[1:] >= 0).mean()),
        }
        for grade, now, then in zip(table["grade"], today, granted, strict=True)
    ]
    return pd.DataFrame(rows)
