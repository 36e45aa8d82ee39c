"""The policies of terms as a table, and the sentence that sums them up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from arrisk.display import Format, Table
from arrisk.policy.cash import about

if TYPE_CHECKING:
    from arrisk.policy.terms.frontier import TermsFrontier

__all__ = ["describe_frontier", "frontier_table"]

SHOWN = 8


def describe_frontier(frontier: TermsFrontier) -> str:
    """What the chosen policy earns and risks against today's."""
    today, chosen = frontier.policy("today"), frontier.policy("chosen")
    if frontier.marked["chosen"] == frontier.marked["today"]:
        return "No other terms are sure to earn more than today's"
    gain, risk = (float(chosen[c] - today[c]) for c in ("profit", "tail_loss"))
    more = "more" if risk >= 0 else "less"
    return (
        f"With {chosen['label']} the book earns {about(gain, frontier.currency)} a year more than today, and "
        f"loses {about(abs(risk), frontier.currency)} {more} in bad years"
    )


def frontier_table(frontier: TermsFrontier, name: str) -> Table:
    """Marked policies and, between them, policies spread over the frontier."""
    rows = [(mark, frontier.policy(mark)) for mark in ("today", "chosen", "most profit")]
    edge = frontier.efficient
    step = max((len(edge) - 1) / (SHOWN - 1), 1.0)
    picked = sorted({round(k * step) for k in range(SHOWN) if round(k * step) < len(edge)})
    rows += [("frontier", edge.iloc[k]) for k in picked]
    frame = pd.DataFrame(
        [
            {
                "policy": mark,
                "terms": row["label"],
                "profit": row["profit"],
                "bad_years_lose": row["tail_loss"],
                "simulation_error": row["tail_error"],
                "dominated": "" if row["efficient"] else "yes",
            }
            for mark, row in rows
        ]
    )
    formats: dict[str, Format] = dict.fromkeys(("profit", "bad_years_lose", "simulation_error"), "money")
    note = (
        f"{frontier.currency} a year. Profit: expected. Bad years: mean credit loss of the worst "
        f"{1 - frontier.tail:.0%} of {frontier.years:,} simulated years under one common factor. Chosen: the "
        "highest expected profit of those that change a grade's terms only where that is sure to pay, with "
        f"bad years within {about(frontier.tail_limit, frontier.currency)}. "
        "Dominated: another policy earns as much with less loss in bad years."
    )
    return Table(name, frontier.finding(), frame, note, formats)
