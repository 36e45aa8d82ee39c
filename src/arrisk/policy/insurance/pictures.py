"""Pictures of insurance structures: costs, layers on the loss of a year, frontier, stability map."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.insurance.comparison import PolicyComparison
    from arrisk.policy.insurance.frontier import Frontier
    from arrisk.policy.insurance.loss_layers import LossLayers
    from arrisk.policy.insurance.stability import StabilityMap

__all__ = ["plot_frontier", "plot_layers", "plot_map", "plot_structures"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
PALE = (
    "#9fcbe8", "#f5c09b", "#9adbc5", "#ecc9dd", "#f5dca0", "#cfe8f7", "#bbbbbb", "#c9b8e8", "#e0e89f",
    "#f2a7a7", "#a7d8b0", "#d9c3a5",
)  # fmt: skip
WIDTH, NARROW = 78, 62
THOUSANDS_FROM = 10_000
LAYERS = {
    "first_loss": ("kept: first loss of the year", "#e69f00"),
    "insured": ("paid by the insurer", "#9fcbe8"),
    "outside_cover": ("kept: own share, buyer limits, excesses", "#f5c09b"),
    "beyond_maximum": ("kept: beyond the year's maximum", "#d55e00"),
}


def plot_structures(found: PolicyComparison, ax: Axes | None = None) -> Axes:
    """Stacked bars of what a year costs: premium, mean kept loss, capital for the worst years."""
    import matplotlib.pyplot as plt

    axes = ax if ax is not None else plt.subplots()[1]
    rows = found.summary.iloc[::-1]
    scale, unit = _scale(float(rows["risk_adjusted_cost"].max()), found.currency)
    kept = rows["expected_net_cost"] - rows["premium"]
    capital = rows["risk_adjusted_cost"] - rows["expected_net_cost"]
    left = np.zeros(len(rows))
    parts = (("premium", rows["premium"]), ("mean loss kept", kept), ("capital for worst years", capital))
    for (label, values), colour in zip(parts, COLOURS, strict=False):
        width = values.to_numpy(dtype=float) / scale
        axes.barh(range(len(rows)), width, left=left, color=colour, height=0.6, label=label)
        left = left + width
    for at, total in enumerate(left):
        axes.annotate(f"{total:,.0f}", (total, at), (4, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(rows)), [str(s) for s in rows["structure"]], fontsize="small")
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.12)
    axes.set(xlabel=f"{unit} a year")
    axes.set_title(fill(found.finding(), NARROW))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3)
    return axes if found.as_of is None else stamp(axes, found.as_of)


def plot_layers(found: LossLayers, ax: Axes | None = None) -> Axes:
    """Loss by rarity of the year, stacked by who bears it."""
    import matplotlib.pyplot as plt

    axes = ax if ax is not None else plt.subplots()[1]
    table = found.table
    scale, unit = _scale(float(table["loss"].max()), found.currency)
    shown = {part: style for part, style in LAYERS.items() if part == "insured" or table[part].max() > 0}
    axes.stackplot(
        table["years"],
        [table[part] / scale for part in shown],
        colors=[colour for _, colour in shown.values()],
        labels=[words for words, _ in shown.values()],
    )
    axes.plot(table["years"], table["loss"] / scale, color="black", linewidth=1.2, label="loss of the year")
    axes.set_xscale("log")
    axes.set_xticks([1, 2, 5, 10, 20, 50, 100, 200], ["1", "2", "5", "10", "20", "50", "100", "200"])
    axes.minorticks_off()
    axes.set_xlim(1.0, float(table["years"].max()))
    axes.set(xlabel="a year as bad comes once in so many years", ylabel=f"loss of a year ({unit})")
    axes.set_title(fill(found.finding(), WIDTH))
    axes.legend(loc="upper left")
    return axes if found.as_of is None else stamp(axes, found.as_of)


def plot_frontier(found: Frontier, ax: Axes | None = None) -> Axes:
    """Expected cost against the kept loss of the worst years; numbered points, the frontier as a line."""
    import matplotlib.pyplot as plt

    axes = ax if ax is not None else plt.subplots()[1]
    table = found.table
    scale, unit = _scale(
        float(table[["expected_net_cost", "retained_tvar_99"]].to_numpy().max()), found.currency
    )
    free = (table["dominated_by"] == "").to_numpy()
    x, y = (table[c].to_numpy(dtype=float) / scale for c in ("retained_tvar_99", "expected_net_cost"))
    order = np.flatnonzero(free)[np.argsort(x[free], kind="stable")]
    axes.plot(x[order], y[order], color=COLOURS[0], linewidth=1.5, drawstyle="steps-post", zorder=1)
    for at, name in enumerate(table["structure"]):
        colour = COLOURS[0] if free[at] else "#999999"
        label = f"{at + 1}  {name}{'' if free[at] else ' (dominated)'}"
        axes.plot(x[at], y[at], "o" if free[at] else "x", color=colour, label=label)
        axes.annotate(str(at + 1), (x[at], y[at]), (5, 5), textcoords="offset points", color=colour)
    axes.margins(0.12)
    axes.set(
        xlabel=f"kept in the worst 1% of years ({unit})",
        ylabel=f"expected cost, premium included\n({unit} a year)",
    )
    axes.set_title(fill(found.finding(), NARROW))
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize="small", handlelength=1)
    return axes if found.as_of is None else stamp(axes, found.as_of)


def plot_map(found: StabilityMap, ax: Axes | None = None) -> Axes:
    """Tiles of loss level by correlation: colour is the cheapest structure, the number what it saves."""
    import matplotlib.pyplot as plt
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    axes = ax if ax is not None else plt.subplots()[1]
    names = list(found.weights["structure"])
    winner, saved = _tiles(found, names)
    scale, unit = _scale(float(saved.to_numpy().max()), found.currency)
    axes.imshow(winner, cmap=ListedColormap(PALE[: len(names)]), vmin=-0.5, vmax=len(names) - 0.5,
                aspect="auto", origin="lower")  # fmt: skip
    for (row, column), value in np.ndenumerate(saved.to_numpy() / scale):
        axes.text(column, row, f"{value:,.0f}", ha="center", va="center")
    level, rho = _odds(found, "level"), _odds(found, "correlation")
    axes.set_xticks(
        range(saved.shape[1]),
        [f"{_percent(float(at))} ({p:.0%})" for at, p in zip(level.index, level, strict=True)],
    )
    axes.set_yticks(range(saved.shape[0]), [f"{at:.2f} ({p:.0%})" for at, p in rho.items()])
    axes.vlines(np.arange(1, saved.shape[1]) - 0.5, -0.5, saved.shape[0] - 0.5, color="white", linewidth=1)
    axes.hlines(np.arange(1, saved.shape[0]) - 0.5, -0.5, saved.shape[1] - 0.5, color="white", linewidth=1)
    axes.grid(visible=False)
    axes.set(xlabel="customers lost a year (probability)", ylabel="asset correlation (probability)")
    axes.set_title(fill(found.finding(), NARROW))
    handles = [Patch(color=PALE[i], label=names[i]) for i in sorted(set(winner.ravel().tolist()))]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=min(len(handles), 3))
    return stamp(axes, found.as_of, f"in the tiles: saved against self-insuring, {unit} a year")


def _tiles(found: StabilityMap, names: list[str]) -> tuple[np.ndarray, pd.DataFrame]:
    """Position of the best structure, and what it saves against the first, by correlation and level."""
    wide = found.table.set_index(["correlation", "level", "structure"])["cost"].unstack()[names]
    saved = (wide[names[0]] - wide.min(axis=1)).unstack()
    winner: np.ndarray = wide.to_numpy().argmin(axis=1).reshape(saved.shape)
    return winner, saved


def _odds(found: StabilityMap, axis: str) -> pd.Series:
    """Probability of each value of an axis."""
    return found.table.drop_duplicates("case").groupby(axis)["weight"].sum()


def _percent(rate: float) -> str:
    return f"{rate:.1%}" if rate >= 0.001 else "<0.1%"


def _scale(largest: float, currency: str) -> tuple[float, str]:
    unit = currency or "currency units"
    return (1000.0, f"thousand {unit}") if largest >= THOUSANDS_FROM else (1.0, unit)
