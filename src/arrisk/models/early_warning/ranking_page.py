"""How a ranking of alerts is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from arrisk.display import Format, Table, stamp
from arrisk.models.early_warning.points import POINTS_TO_DOUBLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.early_warning.ranking import AlertRanking

__all__ = ["plot_ranking", "points_table", "ranking_table"]

COLOURS = {"combined points": "#D55E00", "best single rule": "#0072B2"}


def finding(ranking: AlertRanking) -> str:
    """Whether the combination beats the best rule, in one sentence."""
    gap = ranking.difference
    if gap is None:
        return f"No ordering can be tested: {ranking.doubt}"
    best = ranking.backtest.rules[ranking.best_rule].label if ranking.best_rule else "none"
    points = f"{100 * ranking.gain:+.0f} points ({100 * gap.low:+.0f} to {100 * gap.high:+.0f})"
    ahead = _earlier(ranking)
    if gap.low > 0:
        return f"The combination catches more defaults in time than the best single rule: {points}{ahead}"
    return f"The combination does not catch more than the best single rule ({best}): {points}{ahead}"


def _earlier(ranking: AlertRanking) -> str:
    """How many days sooner it rings, where that is beyond its interval."""
    ends = ranking.earlier
    if ends is None or not (ends.low > 0 or ends.high < 0):
        return ""
    word = "earlier" if ends.low > 0 else "later"
    low, high = sorted((abs(ends.low), abs(ends.high)))
    return f", but rings {abs(ranking.earlier_days):.0f} days {word} ({low:.0f} to {high:.0f})"


def ranking_table(ranking: AlertRanking, name: str) -> Table:
    """Both orderings at the budget."""
    outcomes = ranking.backtest.outcomes
    columns = [
        "ordering",
        "handled",
        "right",
        "right_low",
        "right_high",
        "caught",
        "caught_low",
        "caught_high",
        "chance",
        "lead_days",
    ]
    frame = pd.DataFrame(columns=columns)
    if ranking.identified:
        at = ranking.table["budget"] == ranking.budget
        frame = ranking.table.loc[at, columns].reset_index(drop=True)
    every = "week" if ranking.backtest.rules.grid == "weekly" else "month"
    since = "" if ranking.start is None else f", {ranking.start:%Y-%m-%d} to {outcomes.as_of:%Y-%m-%d}"
    note = (
        f"At most {ranking.budget} alerts handled a {every}{since}. Right and caught: the alert came "
        f"{ranking.lead_days} to {outcomes.horizon_days} days before default; caught is of "
        f"{ranking.defaults} defaults, chance is what as many customers drawn at random would catch. Points "
        "and best rule are learnt before each quarter, without the customers they are used on. A single rule "
        "that rings less often than the budget leaves the rest of it unused."
    )
    formats: dict[str, Format] = {"handled": "integer", **dict.fromkeys(columns[2:-1], "percent")}  # type: ignore[dict-item]
    return Table(name, finding(ranking), frame, note, formats)


def points_table(ranking: AlertRanking, name: str) -> Table:
    """Points of each rule, most first."""
    rules = ranking.backtest.rules
    rows = sorted(ranking.points.items(), key=lambda pair: -pair[1])
    frame = pd.DataFrame([(rules[r].label, p) for r, p in rows], columns=["rule", "points"]).round(
        {"points": 1}
    )
    note = (
        f"{POINTS_TO_DOUBLE:g} points: the state is on twice as often before a default, each defaulter "
        "counted once and shrunk towards no difference. Points order customers; they are not a probability, "
        "as rules overlap."
    )
    title = (
        "What each alarm adds to a customer's place in the queue" if rows else f"No points: {ranking.doubt}"
    )
    return Table(name, title, frame, note, {"points": "number"})


def plot_ranking(ranking: AlertRanking, ax: Axes | None = None) -> Axes:
    """Defaults caught in time against the budget, for both orderings and chance."""
    import matplotlib.pyplot as plt

    ax = ax if ax is not None else plt.subplots()[1]
    every = "week" if ranking.backtest.rules.grid == "weekly" else "month"
    ax.set(xlabel=f"alerts handled a {every} (at most)", ylabel="defaults caught in time (%)", ylim=(0, 105))
    if not ranking.identified:
        ax.set_title(f"No ordering can be tested:\n{ranking.doubt}")
        return stamp(ax, ranking.backtest.outcomes.as_of)
    for ordering, mine in ranking.table.sort_values("budget").groupby("ordering"):
        colour = COLOURS[str(ordering)]
        ax.plot(mine["budget"], 100 * mine["caught"], "o-", color=colour, label=str(ordering))
        ax.fill_between(
            mine["budget"], 100 * mine["caught_low"], 100 * mine["caught_high"], color=colour, alpha=0.12
        )
    chance = ranking.table.drop_duplicates("budget").sort_values("budget")
    ax.plot(chance["budget"], 100 * chance["chance"], ":", color="0.4", label="customers at random")
    ax.axvline(ranking.budget, color="0.6", linewidth=1)
    ax.set_title(_headline(ranking))
    ax.legend(loc="lower right")
    remark = f"{ranking.lead_days} days or more before {ranking.defaults} defaults; line: the study's budget"
    return stamp(ax, ranking.backtest.outcomes.as_of, remark)


def _headline(ranking: AlertRanking) -> str:
    one = ranking.row("combined points")["caught"]
    other = ranking.row("best single rule")["caught"]
    verb = "beats" if ranking.beats else "does not beat"
    return f"The combination {verb} the best single rule: {one:.0%} against {other:.0%} caught"
