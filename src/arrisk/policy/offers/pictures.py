"""What each offer costs, clause on clause."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

from arrisk.display import money, stamp
from arrisk.policy.insurance.retained import NO_INSURANCE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from arrisk.policy.offers.comparison import OfferComparison

__all__ = ["plot_clauses"]

COLOURS = ("#E69F00", "#56B4E9", "#CC79A7", "#F0E442", "#7BC8A4")
BARE, REST, INK = "#0072B2", "#BBBBBB", "#333333"
LONGEST_LABEL = 110
LABELLED = 0.085
"""A clause is named in its bar when it has this part of the dearest offer."""

WRAP, LINE = 14, 30


def plot_clauses(compared: OfferComparison, ax: Axes | None = None) -> Axes:
    """Stacked costs of each offer, cheapest first: the cost without clauses, and each clause on top."""
    import matplotlib.pyplot as plt

    ax = ax if ax is not None else plt.subplots(figsize=(11, 1.6 + 0.8 * len(compared.ranking)))[1]
    wide = LABELLED * float(compared.ranking["cost"].max())
    for row, record in enumerate(compared.ranking.to_dict("records")):
        name = str(record["offer"])
        if name == NO_INSURANCE:
            _segment(ax, row, 0.0, record["cost"], INK, "losses carried", "white")
            continue
        start = compared.bare[name]
        _segment(ax, row, 0.0, start, BARE, "without clauses", "white")
        _stack(ax, row, start, compared.clauses[compared.clauses["offer"] == name], wide)
    _finish(ax, compared)
    return ax


def _stack(ax: Axes, row: int, start: float, own: pd.DataFrame, wide: float) -> None:
    """The clauses of one offer: those that are wide enough with their names, the others together."""
    left = start
    for k, clause in enumerate(own[own["share"] >= wide].to_dict("records")):
        words = fill(str(clause["words"]), WRAP)
        _segment(ax, row, left, clause["share"], COLOURS[k % len(COLOURS)], words, "black")
        left += clause["share"]
    small = own.loc[own["share"] < wide, "share"]
    rest, saved = float(small[small > 0].sum()), float(small[small < 0].sum())
    _segment(ax, row, left, rest, REST, "others" if rest >= wide else "", "black")
    ax.barh(row, saved, color=REST, hatch="//", edgecolor=INK, linewidth=0.5)


def _segment(ax: Axes, row: int, left: float, width: float, colour: str, words: str, ink: str) -> None:
    ax.barh(row, width, left=left, color=colour, edgecolor="white", linewidth=0.5)
    ax.text(left + width / 2, row, words, ha="center", va="center", color=ink, fontsize=7.5)


def _finish(ax: Axes, compared: OfferComparison) -> None:
    names = [str(name) for name in compared.ranking["offer"]]
    costs = compared.ranking["cost"].to_numpy(dtype=float)
    ax.plot(costs, range(len(names)), "d", color="black", markersize=5)
    for row, cost in enumerate(costs):
        ax.annotate(f"{cost:,.0f}", (cost, row), (7, 0), textcoords="offset points", va="center", fontsize=8)
    ax.axvline(0.0, color=INK, linewidth=0.8)
    ax.set_xlim(right=1.12 * float(costs.max()))
    ax.invert_yaxis()
    late = compared.ranking["expired"]
    ticks = [
        _plain(fill(n[:90], LINE)) + ("\n(expired)" if old else "")
        for n, old in zip(names, late, strict=True)
    ]
    ax.set_yticks(range(len(names)), ticks)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.set_xlabel(f"cost a year, capital included ({compared.currency}); hatched, below zero: saved")
    ax.set_title(_plain(_title(compared)), fontsize=10, loc="left")
    stamp(ax, compared.as_of, "what-if" if compared.what_if else "")


def _title(compared: OfferComparison) -> str:
    cost = compared.ranking.loc[compared.ranking["offer"] == compared.best, "cost"].iloc[0]
    kind = "What-if, cheapest" if compared.what_if else "Cheapest"
    return f"{kind}: {compared.best}, {money(float(cost), compared.currency)} a year"


def _plain(text: str, longest: int = LONGEST_LABEL) -> str:
    """Text of others, short and with no mathematics for matplotlib to typeset."""
    short = text if len(text) <= longest else f"{text[: longest - 1]}\u2026"
    return short.replace("$", r"\$")
