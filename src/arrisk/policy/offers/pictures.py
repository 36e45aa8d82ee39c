"""What each offer costs, clause on clause."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from arrisk.display import money, stamp
from arrisk.policy.insurance.retained import NO_INSURANCE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.offers.comparison import OfferComparison

__all__ = ["plot_clauses"]

COLOURS = ("#D55E00", "#E69F00", "#F0E442", "#009E73", "#56B4E9", "#CC79A7")
BARE, REST, INK = "#0072B2", "#BBBBBB", "#333333"
LONGEST_LABEL = 44


def plot_clauses(compared: OfferComparison, ax: Axes | None = None) -> Axes:
    """Stacked costs of each offer, cheapest on top: without clauses, and each clause on top of it."""
    import matplotlib.pyplot as plt

    ax = ax if ax is not None else plt.subplots(figsize=(9, 1.6 + 0.7 * len(compared.ranking)))[1]
    names = [str(name) for name in compared.ranking["offer"]]
    shown = _largest(compared)
    start = np.array([compared.bare.get(n, 0.0) for n in names])
    below = np.zeros(len(names))
    ax.barh(names, start, color=BARE, label="without clauses")
    for k, (clause, words) in enumerate([*shown, ("", "other clauses")]):
        width = np.array([_share(compared, n, clause, {c for c, _ in shown}) for n in names])
        up, down = np.maximum(width, 0.0), np.minimum(width, 0.0)
        colour = COLOURS[k] if clause else REST
        ax.barh(names, up, left=start, color=colour, label=words)
        ax.barh(names, down, left=below, color=colour)
        start, below = start + up, below + down
    _finish(ax, compared, names)
    return ax


def _finish(ax: Axes, compared: OfferComparison, names: list[str]) -> None:
    costs = compared.ranking["cost"].to_numpy(dtype=float)
    alone = [cost if n == NO_INSURANCE else np.nan for n, cost in zip(names, costs, strict=True)]
    ax.barh(names, alone, color=INK, label="losses carried")
    ax.plot(costs, np.arange(len(names)), "d", color="black", markersize=5, label="cost in all")
    ax.axvline(0.0, color=INK, linewidth=0.8)
    ax.invert_yaxis()
    late = compared.ranking["expired"]
    ticks = [_plain(n) + (" (expired)" if old else "") for n, old in zip(names, late, strict=True)]
    ax.set_yticks(range(len(names)), ticks)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.set_xlabel(f"cost a year, capital included ({compared.currency})")
    ax.set_title(_plain(_title(compared), 110), fontsize=10, loc="left")
    ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    stamp(ax, compared.as_of, "what-if" if compared.what_if else "")


def _title(compared: OfferComparison) -> str:
    cost = compared.ranking.loc[compared.ranking["offer"] == compared.best, "cost"].iloc[0]
    kind = "What-if, cheapest" if compared.what_if else "Cheapest"
    return f"{kind}: {compared.best}, {money(float(cost), compared.currency)} a year"


def _largest(compared: OfferComparison) -> list[tuple[str, str]]:
    """The clauses that cost most in any offer, in a fixed order of colours."""
    size = compared.clauses.assign(size=compared.clauses["share"].abs())
    most = (
        size.groupby(["clause", "words"], sort=True)["size"].max().sort_values(ascending=False, kind="stable")
    )
    return [(str(c), str(w)) for c, w in most[most > 0].index[: len(COLOURS)]]


def _share(compared: OfferComparison, offer: str, clause: str, shown: set[str]) -> float:
    own = compared.clauses[compared.clauses["offer"] == offer].set_index("clause")["share"]
    if clause:
        return float(own.get(clause, 0.0))
    return float(own[[c for c in own.index if c not in shown]].sum())


def _plain(text: str, longest: int = LONGEST_LABEL) -> str:
    """Text of others, short and with no mathematics for matplotlib to typeset."""
    short = text if len(text) <= longest else f"{text[: longest - 1]}\u2026"
    return short.replace("$", r"\$")
