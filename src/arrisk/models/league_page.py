"""How a comparison of units is shown: the sentence, the table, the picture of rates and ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.league import League

__all__ = ["describe_league", "league_table", "plot_league"]

BLUE, GREY = "#0072B2", "0.6"
MOST_BARS = 12


def _words(by: str) -> str:
    return by.removesuffix("_id").replace("_", " ")


def describe_league(league: League) -> str:
    """What of the order is more than chance."""
    what = _words(league.by)
    if not league.identified:
        few = f"no {what}" if league.table.empty else f"one {what} alone"
        return f"The ledger names {few}: nothing to compare"
    n = len(league.table)
    if league.apart == 0:
        return f"No two of {n} can be told apart: the data do not rank by {what}"
    lead = league.table.iloc[0]
    return (
        f"{league.apart} of {league.pairs} pairs can be told apart; {lead[league.by]} comes first "
        f"with {lead['p_first']:.0%} probability"
    )


def league_table(league: League, name: str, rows: int) -> Table:
    """Raw rate, shrunk rate and rank with their intervals."""
    frame = league.table.head(rows).drop(columns=["p_last"])
    ranks = [
        f"{low} to {high}" if league.identified else ""
        for low, high in zip(frame["rank_low"], frame["rank_high"], strict=True)
    ]
    frame = frame.assign(rank_interval=ranks).drop(columns=["rank_low", "rank_high"])
    order = [*frame.columns.drop(["p_first", "rank_interval"]), "rank_interval", "p_first"]
    mix = ", with the mix of customers taken out" if league.compare == "mix" else ""
    counted = "items" if league.by == "customer_id" else "customers"
    note = (
        f"rate: {league.measure}{mix}, by amount; shrunk: drawn to the rate of all where {counted} are few "
        f"(own_weight is what the own rate counts; Morris 1983, spread between units integrated out); "
        f"intervals {league.level:.0%}; p_first: probability of being first, Monte Carlo error at most "
        f"{league.error:.1%}. An order of units, not what caused it."
    )
    formats: dict[str, Format] = {
        "base": "money",
        "rank": "integer",
        **dict.fromkeys(("rate", "shrunk", "ci_low", "ci_high", "own_weight", "p_first"), "percent"),
    }
    shown = frame[order].rename(columns={"clusters": counted})
    return Table(name, describe_league(league), shown, note, formats)


def plot_league(league: League, ax: Axes | None) -> Axes:
    """Shrunk rates with intervals over the raw ones, rank 1 on top; the interval of the rank at the side."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    if ax is None:
        rows = min(len(league.table), MOST_BARS) if league.identified else 1
        ax = plt.subplots(figsize=(7.0, 1.3 + 0.24 * rows))[1]
    ax.set_title(describe_league(league))
    table = league.table.head(MOST_BARS)
    if not league.identified:
        for place, rate in enumerate(table["rate"]):
            ax.plot([rate], [place], "o", color=GREY)
        ax.set(xlabel=f"{league.measure}, share of amount", xlim=(0, 1), yticks=[])
        ax.xaxis.set_major_formatter("{x:.0%}")
        return stamp(ax, league.as_of)
    places = np.arange(len(table))
    shrunk = table["shrunk"].to_numpy()
    reach = np.abs(table[["ci_low", "ci_high"]].to_numpy().T - shrunk)
    ax.errorbar(shrunk, places, xerr=reach, fmt="o", color=BLUE, capsize=2, label="shrunk, with interval")
    ax.plot(table["rate"], places, "x", color=GREY, label="raw")
    ax.set_yticks(places, [_label(row, league) for _, row in table.iterrows()])
    ax.invert_yaxis()
    ax.grid(True, axis="x")
    ax.grid(False, axis="y")
    ax.set_xlabel(f"{league.measure}, share of amount; {league.level:.0%} intervals, of ranks in brackets")
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter("{x:.0%}")
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return stamp(ax, league.as_of)


def _label(row: pd.Series, league: League) -> str:
    # A dollar sign would start mathematics.
    name = str(row[league.by]).replace("$", r"\$")
    return f"{name[:24]} ({row['rank_low']}-{row['rank_high']})"
