"""Pictures of a discount: heat map of value, tornado of assumptions, take-up of the running scheme."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from arrisk.display import stamp
from arrisk.policy.discount.schemes import describe_scheme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.discount.running_scheme import RunningScheme
    from arrisk.policy.discount.simulation import DiscountGrid

__all__ = ["plot_grid", "plot_running", "plot_tornado", "scale_of"]

BLUE, VERMILLION = "#0072B2", "#D55E00"
WIDTH, NARROW = 78, 62
THOUSANDS_FROM = 10_000


def plot_grid(grid: DiscountGrid, ax: Axes | None = None, scheme: pd.Series | None = None) -> Axes:
    """Heat map of expected value by rate and days, with one scheme and the running terms framed.

    Parameters
    ----------
    grid : DiscountGrid
    ax : Axes, optional
    scheme : Series, optional
        A row of `grid.table`: its segment and threshold are shown; by default the best.
    """
    axes = plt.subplots()[1] if ax is None else ax
    best, table = grid.best if scheme is None else scheme, grid.table
    same = table[(table["segment"] == best["segment"]) & (table["threshold"] == best["threshold"])]
    cells = same[same["scale"] == ""].set_index(["days", "rate"])["npv"].unstack()
    values = cells.to_numpy(dtype=float)
    scale, unit = scale_of(float(np.abs(values).max()), grid.history.currency)
    shades = np.sign(values) * np.sqrt(np.abs(values))  # small gains stay visible beside large losses
    bound = max(float(np.abs(shades).max()), 1e-9)
    axes.imshow(shades, cmap="PuOr", vmin=-1.25 * bound, vmax=1.25 * bound, aspect="auto", origin="lower")
    axes.set_xticks(range(cells.shape[1]), [f"{100 * r:g}%" for r in cells.columns])
    axes.set_yticks(range(cells.shape[0]), [f"{d:g}" for d in cells.index])
    for (row, column), value in np.ndenumerate(values / scale):
        axes.text(column, row, f"{value:+,.1f}", ha="center", va="center", fontsize=9.5)
    if not best["scale"]:
        _frame(axes, cells, best["rate"], best["days"], "-")
    offer = grid.history.offer
    if offer is not None:
        _frame(axes, cells, offer.rate, offer.days, ":")
    axes.grid(visible=False)
    axes.set(xlabel="discount", ylabel="days to take it")
    axes.set_title(fill(grid.finding(), WIDTH), loc="left")
    framed = "frame: best" if best.name == grid.best.name else "frame: picked"
    framed += "" if offer is None else "; dotted: terms offered now"
    return stamp(axes, grid.history.as_of, f"in the tiles: gain, {unit} a year; {framed}")


def plot_tornado(grid: DiscountGrid, ax: Axes | None = None, scheme: pd.Series | None = None) -> Axes:
    """Bars from the value at the low to the value at the high end of each assumption, largest on top."""
    axes = plt.subplots()[1] if ax is None else ax
    chosen = grid.subject if scheme is None else scheme
    swings = grid.tornado(chosen)
    rows = swings[swings["swing"] > 0].iloc[::-1]
    values = rows[["npv_at_low", "npv_at_high", "npv"]].to_numpy(dtype=float)
    scale, unit = scale_of(float(np.abs(values).max(initial=0.0)), grid.history.currency)
    base = float(values[0, 2]) / scale if len(rows) else 0.0
    middle = values[:, :2].mean(axis=1) / scale
    units = {a.name: a.unit for a in grid.assumptions}
    for end, colour in (("low", VERMILLION), ("high", BLUE)):
        reached, marks = rows[f"npv_at_{end}"].to_numpy(dtype=float) / scale, rows[end].to_numpy(dtype=float)
        axes.barh(range(len(rows)), reached - base, left=base, color=colour, height=0.6, label=f"{end} end")
        for place, (name, value, mark) in enumerate(zip(rows["assumption"], reached, marks, strict=True)):
            to_right = value > middle[place]
            _mark(axes, _short(mark, units[str(name)]), value, place, to_right=to_right)
    axes.axvline(0, color="black", lw=0.8)
    axes.axvline(float(chosen["npv"]) / scale, color="black", lw=1, ls="--", label="mean of all draws")
    axes.set_yticks(range(len(rows)), [str(name).replace("_", " ") for name in rows["assumption"]])
    axes.margins(x=0.15)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"gain, {unit} a year")
    top = str(rows["assumption"].iloc[-1]).replace("_", " ") if len(rows) else "nothing"
    what = describe_scheme(chosen, grid.history.currency)
    axes.set_title(fill(f"What {what} is worth turns most on: {top}", NARROW), loc="left")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=3)
    return stamp(axes, grid.history.as_of, "bars: one assumption moves, the others as assumed")


def plot_running(running: RunningScheme, ax: Axes | None = None) -> Axes:
    """Take-up of offered amounts by segment with its interval; an empty frame when nothing was offered."""
    rows = running.table[running.table["take_up"].notna()].iloc[::-1] if running.exists else running.table
    axes = plt.subplots(figsize=(7, 1.2) if rows.empty else None)[1] if ax is None else ax
    axes.set_title(fill(running.finding(), NARROW), loc="left")
    if rows.empty:
        axes.set_axis_off()
        text = "no offer in the ledger, so no take-up to show"
        axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", color="0.35")
        return stamp(axes, running.as_of)
    at = np.arange(len(rows))
    axes.hlines(at, 100 * rows["ci_low"], 100 * rows["ci_high"], color=BLUE, linewidth=2.5)
    axes.plot(100 * rows["take_up"], at, "o", color=BLUE, markersize=6)
    names = zip(rows["segment"], rows["customers"], strict=True)
    axes.set_yticks(at, [f"{name} ({count} customers)" for name, count in names])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlim(0, 100)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("discount taken, % of offered amounts")
    return stamp(axes, running.as_of, "intervals by customer")


def scale_of(largest: float, currency: str) -> tuple[float, str]:
    """Divisor and unit in which amounts are drawn."""
    return (1000.0, f"thousand {currency}") if largest >= THOUSANDS_FROM else (1.0, currency)


def _short(value: float, unit: str) -> str:
    share = unit.startswith(("fraction", "probability", "share", "per year"))
    return f"{100 * value:g}%" if share else f"{value:g}"


def _frame(axes: Axes, cells: pd.DataFrame, rate: float, days: int, style: str) -> None:
    rates, windows = cells.columns.to_numpy(dtype=float).tolist(), cells.index.to_numpy(dtype=float).tolist()
    if rate in rates and days in windows:
        corner = (rates.index(rate) - 0.5, windows.index(days) - 0.5)
        axes.add_patch(plt.Rectangle(corner, 1, 1, fill=False, ec="black", lw=2, ls=style))


def _mark(axes: Axes, text: str, x: float, y: float, *, to_right: bool) -> None:
    side, shift = ("left", 3) if to_right else ("right", -3)
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
    axes.annotate(text, (x, y), (shift, 0), textcoords="offset points", ha=side, va="center", bbox=box)
