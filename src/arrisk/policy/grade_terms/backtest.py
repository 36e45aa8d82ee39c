"""Whether the losses that the terms expect are those that came, on orders billed after past gradings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table
from arrisk.policy.grading import order_outcomes

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.scoring.scorecard import Scorecard
    from arrisk.policy.grade_terms.terms import GradeTerms

__all__ = ["check_expected_losses", "losses_table"]

ALL = "all"


def check_expected_losses(granted: GradeTerms, scorecard: Scorecard, snapshot: Snapshot) -> pd.DataFrame:
    """Expected losses of past orders by grade against what became of them.

    Parameters
    ----------
    granted : GradeTerms
    scorecard : Scorecard
        Its past gradings are out of fold.
    snapshot : Snapshot

    Returns
    -------
    DataFrame
        `grade` (the last row, "all", sums them), `sales` (billed after past gradings and old enough to have
        defaulted), `expected`, `expected_low`, `expected_high` and `seen`: losses over sales. What is stuck
        counts with the loss given default. No rows without a fit, or without such orders.

    Notes
    -----
    The interval is that of the expectation, by draws of default rate, loss given default and overrun; what
    is seen hangs on few large customers and spreads wider. The last two inputs were counted in the same
    ledger, so the sum tests the calculation, not the future.
    """
    columns = ["grade", "sales", "expected", "expected_low", "expected_high", "seen"]
    if not granted.identified or scorecard.observations.empty:
        return pd.DataFrame({c: pd.Series(dtype=object if c == "grade" else float) for c in columns})
    inputs, table = granted.inputs, granted.table
    sums = order_outcomes(scorecard, snapshot).groupby("grade")[["sales", "lost", "stuck"]].sum()
    outcomes = sums[sums["sales"] > 0].to_dict("index")
    rows, total, lost = [], np.zeros_like(inputs.margin), 0.0
    for k, row in enumerate(table.to_dict("records")):
        if row["grade"] not in outcomes:
            continue
        sales, gone, stuck = (float(v) for v in outcomes[row["grade"]].values())
        share = inputs.caught(k, row["days"]) * inputs.lgd
        seen = gone + inputs.lgd[0] * stuck
        total, lost = total + sales * share, lost + seen
        rows.append((row["grade"], sales, *_ends(share, granted.level), seen / sales))
    if rows:
        sales = sum(r[1] for r in rows)
        rows.append((ALL, sales, *_ends(total / sales, granted.level), lost / sales))
    return pd.DataFrame(rows, columns=columns)


def _ends(draws: np.ndarray, level: float) -> tuple[float, float, float]:
    low, high = np.quantile(draws[1:], [0.5 - level / 2, 0.5 + level / 2])
    return float(draws[0]), float(min(low, draws[0])), float(max(high, draws[0]))


def losses_table(checked: pd.DataFrame, granted: GradeTerms, name: str) -> Table:
    """Expected and seen losses by grade; a sentence in place of rows where nothing can be compared."""
    formats: dict[str, Format] = {"sales": "money", **dict.fromkeys(checked.columns[2:], "percent")}
    note = (
        f"Amounts in {granted.currency}. Orders billed after past gradings and old enough to have defaulted; "
        "losses over sales. Seen: written off less recovered, and what is stuck with the loss given default; "
        f"it hangs on few customers. Expected with its {granted.level:.0%} interval."
    )
    if checked.empty:
        title = "No grades, so no losses by grade to compare"
    else:
        last = checked.iloc[-1]
        title = f"{last['expected']:.2%} of sales was to be lost by this reckoning, {last['seen']:.2%} was"
    return Table(name, title, checked.round(8), note, formats)
