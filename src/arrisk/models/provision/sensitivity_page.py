"""How the sensitivity of a provision is shown: the finding, a table and a tornado."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from arrisk.display import Format, Table, money, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.provision.sensitivity import ProvisionSensitivity

__all__ = ["WHAT_IFS", "describe_sensitivity", "plot_sensitivity", "show_sensitivity"]

UP, DOWN, BAND = "#D55E00", "#0072B2", "0.88"
THOUSANDS_FROM = 10_000
WHAT_IFS = ("overlay", "terminal loss", "recovery share", "judgement", "enhancements")
"""Groups that ask what if, and are no other way to read the same history."""


def describe_sensitivity(found: ProvisionSensitivity) -> str:
    """How far conventions alone move the amount, and which most, in one sentence."""
    table = found.table
    usual = table[~table["what"].isin(WHAT_IFS) & table["provision"].notna()]
    if usual.empty:
        return "Without losses no convention gives an amount"
    low, high = (money(usual["provision"].min(), found.currency), money(usual["provision"].max()))
    if not found.identified:
        bound = money(float(table["high"].iloc[0]))
        return f"As stated only a bound ({bound}); other conventions give {low} to {high}"
    most = usual.iloc[1:].head(1)
    if most.empty or not most["change"].iloc[0]:
        return f"No convention tried moves the amount of {low}"
    what, choice, relative = (most[c].iloc[0] for c in ("what", "choice", "relative"))
    return f"Conventions move the amount from {low} to {high}; most by {what}: {choice} ({relative:+.0%})"


def show_sensitivity(found: ProvisionSensitivity, name: str) -> Table:
    """The amounts by case, the stated one first."""
    frame = found.table
    frame = frame if (frame["remark"] != "").any() else frame.drop(columns="remark")
    note = (
        f"Amounts in {found.currency}, {found.level:.0%} intervals by customer; one choice changed at a "
        f"time, all others as stated. {', '.join(WHAT_IFS).capitalize()}: what if, not another reading of "
        "the same history. Intervals of two cases rest on the same customers and overlap more than "
        "independent ones."
    )
    formats: dict[str, Format] = {
        **dict.fromkeys(("provision", "low", "high", "change"), "money"),
        "relative": "percent",
    }
    return Table(name, found.finding(), frame, note, formats)


def plot_sensitivity(found: ProvisionSensitivity, ax: Axes | None) -> Axes:
    """Bars from the stated amount to that of each case, over the interval of the stated amount."""
    import matplotlib.pyplot as plt

    shown = found.table.iloc[1:].dropna(subset=["change"]).iloc[::-1]
    ax = ax if ax is not None else plt.subplots(figsize=(8, 1.4 + 0.27 * max(len(shown), 6)))[1]
    ax.set_title(fill(found.finding(), 78), fontsize=10)
    if not found.identified:
        return stamp(ax, found.as_of)
    stated, low, high = (float(found.table[c].iloc[0]) for c in ("provision", "low", "high"))
    scale, unit = (1000, "thousand ") if high >= THOUSANDS_FROM else (1, "")
    at, moves = np.arange(len(shown)), shown["change"].to_numpy(dtype=float) / scale
    ax.axvspan(low / scale, high / scale, color=BAND, label=f"{found.level:.0%} interval as stated", zorder=0)
    ax.axvline(stated / scale, color="0.3", linewidth=1, label=f"as stated, {money(stated, found.currency)}")
    ax.barh(at, moves, left=stated / scale, color=[UP if move > 0 else DOWN for move in moves], height=0.7)
    ax.set_yticks(at, [f"{row.what}: {row.choice}" for row in shown.itertuples()], fontsize=8)
    ax.grid(visible=False, axis="y")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set_xlabel(f"provision, {unit}{found.currency}")
    ax.legend(loc="lower right", fontsize=8)
    absent = len(found.table) - 1 - len(shown)
    return stamp(ax, found.as_of, f"{absent} cases without an amount left out" if absent else "")
