"""What each grade would get at other margins than the study's: products do not all earn the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.policy.grade_terms.needs import longest_term
from arrisk.policy.grade_terms.summary import find_needs, make_cells

if TYPE_CHECKING:
    from arrisk.policy.grade_terms.terms import GradeTerms

__all__ = ["MARGINS", "grant_at_margins"]

MARGINS = (0.01, 0.02, 0.05, 0.10, 0.20)


def grant_at_margins(granted: GradeTerms, margins: Sequence[float] = MARGINS) -> pd.DataFrame:
    """Longest bearable terms, or the share in advance, by grade and margin.

    Parameters
    ----------
    granted : GradeTerms
    margins : sequence of float
        Price less variable cost, over price; each taken as certain.

    Returns
    -------
    DataFrame
        `margin`, `grade`, `longest` (days, NaN when none), `advance`, `secured` (shares needed on today's
        terms; NaN when not even all would do).
    """
    rows, book = [], granted.book
    offered = sorted(int(d) for d in granted.cells["days"].unique())
    for margin in margins:
        inputs = replace(granted.inputs, margin=np.full_like(granted.inputs.margin, margin))
        cells = make_cells(book, inputs, offered, granted.level)
        bearable = (cells["chance"] >= granted.confidence).to_numpy().reshape(len(book.table), -1)
        longest = longest_term(offered, bearable)
        for k, row in enumerate(granted.table.to_dict("records")):
            needs = find_needs(inputs, k, row["days"], row["days_out"], granted.confidence)
            rows.append({"margin": margin, "grade": row["grade"], "longest": float(longest[k]), **needs})
    return pd.DataFrame(rows)
