"""Two pictures of the terms: the gain by grade and terms, and profit against tail loss of all policies."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from arrisk.display import stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.terms.frontier import TermsFrontier
    from arrisk.policy.terms.terms_policy import TermsPolicy

__all__ = ["plot_policies", "plot_policy", "wrapped"]

GOOD, BAD, INK, GREY = "#0072B2", "#D55E00", "#262626", "#B5B5B5"
MARKS = {
    "today": ("s", INK, (9, -14), "left"),
    "chosen": ("o", "#007A59", (-10, 12), "right"),
    "most profit": ("^", BAD, (-10, 6), "right"),
}


def plot_policy(policy: TermsPolicy, ax: Axes | None = None) -> Axes:
    """A cell for every grade and offered term: gain a year over today's terms, with its interval."""
    from matplotlib import pyplot as plt

    ax = plt.gca() if ax is None else ax
    rows = policy.table[(policy.table["option"] != "today") & (policy.table["sales"] > 0)]
    grades, terms = list(rows["grade"].unique()), list(policy.offered)
    top = max(float(rows["gain"].abs().max()), 1e-9) if len(rows) else 1.0
    unit, label = _unit(top, policy.currency)
    for cell in rows.to_dict("records"):
        _draw_cell(ax, terms.index(int(cell["terms"])), grades.index(cell["grade"]), cell, top, unit)
    today = policy.table[policy.table["option"] == "today"].set_index("grade")["terms"]
    ax.set_xlim(-0.5, len(terms) - 0.5)
    ax.set_ylim(len(grades) - 0.5, -0.5)
    ax.set_xticks(range(len(terms)), [f"{t} days" for t in terms])
    ax.set_yticks(range(len(grades)), [f"{g}\ntoday {today[g]:.0f} days" for g in grades])
    ax.set_xlabel(f"terms for the whole grade; gain over today's, {label} a year")
    ax.grid(visible=False)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.set_title(wrapped(policy.finding()))
    return stamp(ax, policy.as_of, f"{policy.level:.0%} intervals; % = chance to beat today's terms")


def wrapped(text: str, width: int = 78) -> str:
    """A finding in lines that fit above a figure."""
    import textwrap

    return "\n".join(textwrap.wrap(text, width))


def _unit(largest: float, currency: str) -> tuple[float, str]:
    """Thousands where the largest amount has five digits or more."""
    return (1e3, f"thousand {currency}") if largest >= 10_000 else (1.0, currency)


def _draw_cell(ax: Axes, x: int, y: int, cell: Mapping[Hashable, Any], top: float, unit: float) -> None:
    from matplotlib.patches import Rectangle

    depth = 0.08 + 0.5 * min(abs(cell["gain"]) / top, 1.0)
    colour = GOOD if cell["gain"] >= 0 else BAD
    ax.add_patch(Rectangle((x - 0.48, y - 0.47), 0.96, 0.94, facecolor=colour, alpha=depth, edgecolor="none"))
    ends = f"{cell['gain_low'] / unit:+,.0f} to {cell['gain_high'] / unit:+,.0f}"
    centred: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "va": "center"}
    ax.annotate(f"{cell['gain'] / unit:+,.0f}", (x, y), (0, 9), fontsize=11, weight="bold", **centred)
    ax.annotate(ends, (x, y), (0, -5), fontsize=8, color=INK, **centred)
    ax.annotate(f"{cell['chance']:.0%}", (x, y), (0, -17), fontsize=8, color=INK, **centred)


def plot_policies(frontier: TermsFrontier, ax: Axes | None = None) -> Axes:
    """Every assignment of terms to grades: expected profit against the loss of the worst years."""
    from matplotlib import pyplot as plt

    ax = plt.gca() if ax is None else ax
    table = frontier.table
    beaten = table[~table["efficient"]]
    (across, x_label), (up, y_label) = (
        _unit(float(table[c].abs().max()) / 10, frontier.currency) for c in ("tail_loss", "profit")
    )
    ax.scatter(beaten["tail_loss"] / across, beaten["profit"] / up, s=9, color=GREY, lw=0)
    edge = table[table["efficient"]].sort_values("tail_loss")
    ax.plot(edge["tail_loss"] / across, edge["profit"] / up, color=GOOD, marker=".")
    if np.isfinite(frontier.tail_limit):
        ax.axvline(frontier.tail_limit / across, color=INK, ls="--", lw=1)
    _draw_marks(ax, frontier, across, up)
    ax.set_xlabel(f"credit loss of the worst {1 - frontier.tail:.0%} of years, {x_label}")
    ax.set_ylabel(f"expected profit a year, {y_label}")
    ax.margins(x=0.2, y=0.12)
    ax.xaxis.set_major_formatter(lambda v, _: f"{v:,.0f}")
    ax.yaxis.set_major_formatter(lambda v, _: f"{v:,.0f}")
    ax.set_title(wrapped(frontier.finding()))
    return stamp(
        ax,
        frontier.as_of,
        f"line: frontier; grey: dominated, of {len(table):,} policies; dashed: limit on the tail",
    )


def _draw_marks(ax: Axes, frontier: TermsFrontier, across: float, up: float) -> None:
    """Today's policy, the chosen one and the one with the most profit; one mark where they are the same."""
    drawn: dict[int, str] = {}
    for name, place in frontier.marked.items():
        drawn[place] = f"{drawn[place]} and {name}" if place in drawn else name
    for place, name in drawn.items():
        names = name.split(" and ")
        (mark, colour), (offset, side) = MARKS[names[-1]][:2], MARKS[names[0]][2:]
        row = frontier.table.iloc[place]
        x, y = row["tail_loss"] / across, row["profit"] / up
        ax.plot(x, y, mark, ms=10, color=colour, zorder=5)
        text = name if row["label"] == "as they are" else f"{name}: {row['label']}"
        ax.annotate(
            text, (x, y), offset, textcoords="offset points", ha=side, fontsize=9, color=colour, zorder=6,
            bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.0},
        )  # fmt: skip
