"""Tables of discount schemes and of the running scheme, as a reader sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from arrisk.display import Format, Table
from arrisk.policy.discount.schemes import describe_scheme

if TYPE_CHECKING:
    from arrisk.policy.discount.running_scheme import RunningScheme
    from arrisk.policy.discount.simulation import DiscountGrid

__all__ = ["running_table", "schemes_table"]

SHOWN: dict[str, Format] = {
    "npv": "money",
    "ci_low": "money",
    "ci_high": "money",
    "p_gain": "percent",
    "p_best": "percent",
    "regret": "money",
    "cash_freed": "money",
    "take_up": "percent",
    "affordable_rate": "percent",
}
NAMES = {
    "npv": "gain_a_year",
    "ci_low": "low",
    "ci_high": "high",
    "p_gain": "chance_of_gain",
    "p_best": "chance_best",
    "affordable_rate": "breaks_even_at",
}
RUNNING: dict[str, Format] = {
    "segment": "text",
    "customers": "integer",
    "offered_amount": "money",
    "take_up": "percent",
    "ci_low": "percent",
    "ci_high": "percent",
    "discount_amount": "money",
    "unearned_amount": "money",
    "days_taken": "days",
    "days_not_taken": "days",
    "early_before": "percent",
}
RUNNING_NAMES = {
    "offered_amount": "offered",
    "ci_low": "take_up_low",
    "ci_high": "take_up_high",
    "discount_amount": "discounts",
    "unearned_amount": "taken_too_late",
}


def schemes_table(grid: DiscountGrid, name: str, rows: int) -> Table:
    """The running scheme and the best ones: what they gain, how surely, and where they break even."""
    currency = grid.history.currency
    shown = grid.table.head(rows)
    if grid.is_running:
        shown = pd.concat([grid.running, shown], ignore_index=True)
    frame = shown.reindex(columns=list(SHOWN)).rename(columns=NAMES)
    frame.insert(0, "scheme", [describe_scheme(row, currency) for _, row in shown.iterrows()])
    formats: dict[str, Format] = {NAMES.get(column, column): kind for column, kind in SHOWN.items()}
    note = (
        f"{currency} a year against no discount, mean of {len(grid.npv):,} draws, {grid.level:.0%} interval. "
        "Chance best: highest of all schemes and no discount. Regret: what the scheme misses on average "
        "against the best of each draw. Cash freed: once. Breaks even at: the discount whose value is zero."
    )
    offered = any(grid.is_offered(row) for _, row in shown.iterrows())
    title = "The best schemes of the grid" + ("" if offered else ": on assumptions, never offered")
    title = "The running scheme, and the best of the grid" if grid.is_running else title
    return Table(name, title, frame, note, formats)


def running_table(running: RunningScheme, name: str, note: str) -> Table:
    """What was offered and taken, a row a segment."""
    frame = running.table.reindex(columns=list(RUNNING)).rename(columns=RUNNING_NAMES)
    formats: dict[str, Format] = {RUNNING_NAMES.get(column, column): kind for column, kind in RUNNING.items()}
    words = (
        f"Amounts in {running.currency}; days from invoice to payment. Too late: over {running.grace_days} "
        "days after the window. Early before: of sales without an offer, paid within the window anyway. "
    )
    return Table(name, running.finding(), frame, words + note, formats)
