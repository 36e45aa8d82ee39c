"""Ways of funding as a reader sees them: costs, components, dated flows, and the break-even."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, money, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.funding.comparison import FundingComparison

__all__ = ["components_table", "flows_table", "plot_break_even", "plot_components", "routes_table"]

WIDTH = 74
COLOURS = (
    "#0072B2", "#56B4E9", "#009E73", "#999999", "#CC79A7", "#F0E442", "#E69F00", "#D55E00", "#000000",
)  # fmt: skip
PARTS = (
    "interest",
    "service fee",
    "credit protection",
    "line fee",
    "set-up",
    "discount given",
    "own capital for the rest",
    "losses kept",
    "capital for a bad year",
)
ROUTES: dict[str, Format] = {
    "route": "text",
    "cash": "money",
    "all_in_rate": "percent",
    "cost_of_funding": "money",
    "losses_kept": "money",
    "kept_in_a_bad_year": "money",
    "cost_in_all": "money",
    "regret": "money",
    "cheapest_in": "percent",
}


def routes_table(found: FundingComparison, name: str) -> Table:
    """Cash, rate and all costs of every way."""
    frame = found.table.rename(
        columns={
            "rate": "all_in_rate",
            "cost": "cost_of_funding",
            "kept": "losses_kept",
            "worst": "kept_in_a_bad_year",
            "total": "cost_in_all",
            "p_best": "cheapest_in",
        }
    )[list(ROUTES)]
    error = max(c.error for c in found.costs)
    stated = "" if found.stated else " (assumed)"
    note = (
        f"{found.book.currency}, one year, {money(found.wanted)} wanted{stated}. All-in rate: effective "
        "annual rate of the dated flows, fees and interest, losses apart. A bad year: one in 200. Cost in "
        f"all: flows, own capital at {found.capital:.1%} for cash that a way does not bring, mean losses "
        "kept, and the cost of capital on the loss of a bad year above the mean. Means over "
        f"{len(found.weight)} cases of level and correlation; Monte Carlo error of a mean loss up to "
        f"{money(error)}. Terms: {found.source}.{_assumed(found)}"
    )
    return Table(name, found.finding(), frame, note, dict(ROUTES))


def components_table(found: FundingComparison, name: str) -> Table:
    """What a year costs, component by component, a column a way."""
    parts = found.components()
    frame = parts.T.rename_axis("component").reset_index()
    frame.loc[len(frame)] = ["in all", *parts.sum(axis=1)]
    formats: dict[str, Format] = dict.fromkeys(parts.index, "money")
    note = f"{found.book.currency} a year for {money(found.wanted)} of cash.{_assumed(found)}"
    return Table(name, "What a year of each way costs, part by part", frame, note, formats)


def flows_table(found: FundingComparison, name: str) -> Table:
    """Dated flows of every way: received positive, paid negative."""
    wide = {
        c.route.name: c.facility.flows.groupby("day")["amount"].sum()
        for c in found.costs
        if c.facility.cash > 0
    }
    frame = pd.DataFrame(wide).fillna(0.0).rename_axis("day").reset_index()
    formats: dict[str, Format] = dict.fromkeys(wide, "money")
    note = (
        f"{found.book.currency}; days from the start. The rate at which a column's present value is nothing "
        "is its all-in rate."
    )
    return Table(name, "The dated flows behind the rates", frame, note, formats)


def plot_components(found: FundingComparison, ax: Axes | None = None) -> Axes:
    """Stacked parts of a year's cost, the cheapest on top."""
    import matplotlib.pyplot as plt

    axes = ax if ax is not None else plt.subplots(figsize=(9, 4.8))[1]
    parts = found.components()
    if "saved in the office" in parts:
        parts["service fee"] = parts.get("service fee", 0.0) + parts.pop("saved in the office")
    order = np.argsort(-parts.sum(axis=1).to_numpy())
    shown = parts.iloc[order]
    unit, scale = (f"thousand {found.book.currency}", 1000.0)
    left = np.zeros(len(shown))
    for part, colour in zip(PARTS, COLOURS, strict=True):
        if part not in shown or not (shown[part] > 0).any():
            continue
        width = shown[part].clip(lower=0.0).to_numpy(dtype=float) / scale
        axes.barh(range(len(shown)), width, left=left, color=colour, height=0.62, label=part)
        left = left + width
    for at, total in enumerate(shown.sum(axis=1).to_numpy(dtype=float) / scale):
        axes.annotate(f"{total:,.0f}", (left[at], at), (4, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(shown)), [fill(str(n), 24) for n in shown.index])
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.1)
    axes.set(xlabel=f"{unit} a year for the same cash")
    axes.set_title(fill(found.finding(), WIDTH), loc="left")
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.16), ncols=3)
    return stamp(axes, found.book.as_of)


def plot_break_even(found: FundingComparison, ax: Axes | None = None) -> Axes:
    """What going without recourse saves by the level of losses, with the book's range and the crossing."""
    import matplotlib.pyplot as plt

    axes = ax if ax is not None else plt.subplots()[1]
    even = found.break_even
    if even is None:
        axes.text(0.5, 0.5, "no pair of factoring offers to compare", ha="center", transform=axes.transAxes)
        axes.set_axis_off()
        return stamp(axes, found.book.as_of)
    axes.axvspan(100 * even.low, 100 * even.high, color="#0072B2", alpha=0.12, label="the ledger leaves open")
    axes.axvline(100 * even.book, color="#0072B2", linestyle=":", label="the book")
    axes.plot(100 * even.levels, even.gap / 1000, color="#0072B2", marker="o", label="capital counted")
    average = even.extra * (even.levels / even.pd - 1) if np.isfinite(even.pd) and even.pd > 0 else None
    if average is not None:
        axes.plot(100 * even.levels, average / 1000, color="#E69F00", label="on average")
    axes.axhline(0, color="black", linewidth=0.8)
    if np.isfinite(even.pd):
        axes.axvline(100 * even.pd, color="#D55E00", linestyle="--", label="breaks even on average")
    axes.set(
        xlabel="customers lost a year (%)",
        ylabel=f"saved without recourse (thousand {found.book.currency} a year)",
    )
    axes.set_title(fill(even.finding(), WIDTH), loc="left")
    axes.legend(loc="lower right")
    return stamp(axes, found.book.as_of)


def _assumed(found: FundingComparison) -> str:
    return f" What-if: {found.what_if}." if found.what_if else ""
