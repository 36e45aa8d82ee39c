"""Pictures of a discount simulation: the heat map of value and the tornado of assumptions."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from arrisk.display import stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.discount import DiscountGrid

__all__ = ["plot_grid", "plot_tornado"]

BLUE, VERMILLION = "#0072B2", "#D55E00"


def plot_grid(grid: DiscountGrid, ax: Axes | None = None) -> Axes:
    """Heat map of expected value by rate and days, the best scheme marked; the finding is the title."""
    axes = plt.subplots(figsize=(7.5, 4.2), layout="constrained")[1] if ax is None else ax
    best, table = grid.best, grid.table
    same = table[(table["segment"] == best["segment"]) & (table["threshold"] == best["threshold"])]
    cells = same.set_index(["days", "rate"])["npv"].unstack()  # noqa: PD010 - the rows are unique
    bound = max(float(np.abs(cells.to_numpy()).max()), 1e-9)
    image = axes.imshow(cells, cmap="PuOr", vmin=-bound, vmax=bound, aspect="auto", origin="lower")
    axes.set_xticks(range(cells.shape[1]), [f"{100 * r:g}%" for r in cells.columns])
    axes.set_yticks(range(cells.shape[0]), [f"{d:g}" for d in cells.index])
    for (row, column), value in np.ndenumerate(cells.to_numpy()):
        dark = abs(value) > 0.6 * bound
        text = f"{value / 1000:,.1f}"
        axes.text(column, row, text, ha="center", va="center", color="white" if dark else "black", fontsize=8)
    where = (cells.columns.get_loc(best["rate"]), cells.index.get_loc(best["days"]))
    frame = plt.Rectangle((where[0] - 0.5, where[1] - 0.5), 1, 1, fill=False, ec="black", lw=2)
    axes.add_patch(frame)
    axes.grid(visible=False)
    axes.set(xlabel="discount", ylabel="days to take it")
    axes.set_title(fill(grid.finding(), 70), loc="left", fontsize=10)
    axes.figure.colorbar(image, ax=axes, label=f"value, {grid.history.currency} a year")
    return stamp(axes, grid.history.as_of, f"thousand {grid.history.currency} a year in the cells")


def plot_tornado(grid: DiscountGrid, ax: Axes | None = None, scheme: pd.Series | None = None) -> Axes:
    """Bars from the value at the low to the value at the high end of each assumption, largest on top."""
    axes = plt.subplots(figsize=(7.5, 3.6), layout="constrained")[1] if ax is None else ax
    swings = grid.tornado(scheme)
    rows = swings[swings["swing"] > 0].iloc[::-1]
    base = float(rows["npv"].iloc[0]) if len(rows) else 0.0
    for end, colour in (("low", VERMILLION), ("high", BLUE)):
        reached, marks = rows[f"npv_at_{end}"].to_numpy(dtype=float), rows[end].to_numpy(dtype=float)
        axes.barh(range(len(rows)), reached - base, left=base, color=colour, height=0.6)
        for place, (value, mark) in enumerate(zip(reached, marks, strict=True)):
            _mark(axes, f"{mark:g}", value, place, to_right=value >= base)
    axes.axvline(0, color="black", lw=0.8)
    axes.axvline(base, color="0.5", lw=0.8, ls=":")
    axes.set_yticks(range(len(rows)), [str(name).replace("_", " ") for name in rows["assumption"]])
    axes.margins(x=0.12)
    axes.set_xlabel(f"value, {grid.history.currency} a year (low end vermillion, high end blue)")
    top = str(rows["assumption"].iloc[-1]).replace("_", " ") if len(rows) else "nothing"
    axes.set_title(f"The value turns most on: {top}", loc="left", fontsize=10)
    return stamp(axes, grid.history.as_of)


def _mark(axes: Axes, text: str, x: float, y: float, *, to_right: bool) -> None:
    side, shift = ("left", 3) if to_right else ("right", -3)
    axes.annotate(text, (x, y), (shift, 0), textcoords="offset points", ha=side, va="center", fontsize=8)
