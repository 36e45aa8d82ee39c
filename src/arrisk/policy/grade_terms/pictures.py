"""Two pictures of the terms of each grade: what a sale leaves, and how far default is from breaking even."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from arrisk.display import stamp
from arrisk.policy.grade_terms.page import capital, describe_finding, name_of
from arrisk.policy.grade_terms.value import break_even_pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle

    from arrisk.policy.grade_terms.terms import GradeTerms

__all__ = ["plot_frontier", "plot_grid"]

GOOD, BAD, INK = "#0072B2", "#D55E00", "#262626"
COLOURS = ("#0072B2", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#56B4E9")
FLOOR = 1e-5
STEPS = 46
Floats = NDArray[np.float64]


def plot_grid(granted: GradeTerms, ax: Axes | None = None) -> Axes:
    """A cell for every grade and offered term: what is left of 100 of sales, with its interval."""
    from matplotlib import pyplot as plt

    ax = plt.gca() if ax is None else ax
    grades = list(granted.table["grade"])
    terms = sorted(granted.cells["days"].unique())
    top = max(float(granted.cells["value"].abs().max()), 1e-9)
    for cell in granted.cells.to_dict("records"):
        x, y = terms.index(cell["days"]), grades.index(cell["grade"])
        _draw_cell(ax, x, y, cell, granted.confidence, top)
    for y, row in enumerate(granted.table.to_dict("records")):
        if row["sales"] > 0:
            nearest = int(np.argmin([abs(t - row["days"]) for t in terms]))
            _frame(ax, nearest, y)
    ax.set_xlim(-0.5, len(terms) - 0.5)
    ax.set_ylim(len(grades) - 0.5, -0.5)
    ax.set_xticks(range(len(terms)), [f"{t} days" for t in terms])
    ax.set_yticks(range(len(grades)), [_label(r) for r in granted.table.to_dict("records")])
    ax.set_xlabel(
        "terms; left of 100 of sales after cost, waiting and expected loss; framed: nearest today's"
    )
    ax.grid(visible=False)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.set_title(describe_finding(granted))
    return stamp(
        ax,
        granted.as_of,
        f"default within {granted.horizon_days} days; {granted.level:.0%} intervals",
    )


def _label(row: Mapping[Hashable, Any]) -> str:
    return f"{row['grade']}\n{row['pd']:.1%} default"


def _draw_cell(ax: Axes, x: int, y: int, cell: Mapping[Hashable, Any], confidence: float, top: float) -> None:
    bearable = cell["chance"] >= confidence
    depth = 0.12 + 0.5 * min(abs(cell["value"]) / top, 1.0)
    ax.add_patch(_box(x, y, facecolor=GOOD if bearable else BAD, alpha=depth, edgecolor="none"))
    ends = f"{100 * cell['value_low']:.1f} to {100 * cell['value_high']:.1f}"
    centred: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "va": "center"}
    ax.annotate(f"{100 * cell['value']:.1f}", (x, y), (0, 4), fontsize=11, weight="bold", **centred)
    ax.annotate(ends, (x, y), (0, -9), fontsize=7.5, color=INK, **centred)


def _frame(ax: Axes, x: int, y: int) -> None:
    ax.add_patch(_box(x, y, facecolor="none", edgecolor=INK, linewidth=1.6, zorder=3))


def _box(x: int, y: int, **style: Any) -> Rectangle:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.48, y - 0.47), 0.96, 0.94, **style)


def plot_frontier(granted: GradeTerms, ax: Axes | None = None) -> Axes:
    """How often a default catches a sale, by grade, rising with the terms, against the break-even."""
    from matplotlib import pyplot as plt

    ax = plt.gca() if ax is None else ax
    last = max(float(granted.cells["days"].max()), float(granted.table["days"].max()))
    terms = np.linspace(0.0, last, STEPS)
    _draw_break_even(ax, granted, terms)
    for k, row in enumerate(granted.table.to_dict("records")):
        _draw_grade(ax, granted, k, row, terms)
    ax.set_yscale("log")
    ax.set_ylim(100 * _floor(granted), 130)
    ax.set_xlim(0, last * 1.2)
    ax.yaxis.set_major_formatter(lambda v, _: f"{v:g}%")
    ax.set_xlabel("days of the terms (dot: today's)")
    ax.set_ylabel("share of sales caught by a default")
    ax.set_title(_frontier_finding(granted))
    return stamp(ax, granted.as_of, f"{granted.level:.0%} intervals")


def _floor(granted: GradeTerms) -> float:
    """A power of ten below all grades."""
    least = max(float(granted.cells["pd_sale"].min()), FLOOR)
    return float(10.0 ** np.floor(np.log10(least / 3)))


def _draw_break_even(ax: Axes, granted: GradeTerms, terms: Floats) -> None:
    inputs = granted.inputs
    delay = float((granted.table["days_out"] - granted.table["days"]).mean())
    turn = break_even_pd(
        inputs.margin[:, None],
        np.maximum(terms + delay, 0.0)[None, :],
        lgd=inputs.lgd[:, None],
        cost_of_capital=inputs.cost_of_capital[:, None],
    )
    share = 100 * np.clip(turn, FLOOR / 10, 1.0)
    low, high = _ends(share[1:], granted.level)
    ax.fill_between(terms, low, high, color=INK, alpha=0.15, linewidth=0)
    ax.plot(terms, share[0], color=INK, ls="--")
    _write_end(ax, "break-even,\nabove it a\nsale loses", terms[-1], share[0, -1], INK)


def _draw_grade(ax: Axes, granted: GradeTerms, k: int, row: Mapping[Hashable, Any], terms: Floats) -> None:
    colour = COLOURS[k % len(COLOURS)]
    inputs = granted.inputs
    draws = 100 * np.array([inputs.caught(k, float(t)) for t in terms]).T
    low, high = _ends(draws[1:], granted.level)
    if not granted.identified:
        bound = 100 * inputs.carry(np.array(row["pd_high"]), terms + inputs.overrun[0])
        high = np.maximum(high, bound)
    ax.fill_between(terms, np.maximum(low, FLOOR), high, color=colour, alpha=0.2, linewidth=0)
    ax.plot(terms, draws[0], color=colour)
    if row["sales"] > 0:
        ax.plot([row["days"]], [100 * row["pd_sale"]], "o", color=colour)
    _write_end(ax, str(row["grade"]), terms[-1], draws[0, -1], colour)


def _write_end(ax: Axes, text: str, x: float, y: float, colour: str) -> None:
    """A line's name at its right end."""
    ax.annotate(text, (x, y), (5, 0), textcoords="offset points", va="center", color=colour, fontsize=8.5)


def _ends(draws: Floats, level: float) -> tuple[Floats, Floats]:
    low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    return low, high


def _frontier_finding(granted: GradeTerms) -> str:
    row = granted.table.set_index("grade").to_dict("index")[granted.weakest]
    caught, turn = float(row["pd_sale"]), float(row["break_even_pd"])
    who = capital(name_of(granted.weakest))
    if turn < 0:
        return "Waiting alone costs more than the margin"
    if caught >= turn:
        return f"A default catches {caught:.1%} of sales to {name_of(granted.weakest)}; {turn:.1%} break even"
    if not granted.identified:
        high = float(row["pd_sale_high"])
        return f"Up to {high:.1%} of sales may be caught by a default; {min(turn, 1.0):.0%} would break even"
    if turn > 1:
        return f"{who} earns its credit at any default rate"
    times = turn / caught
    return (
        f"{who} could default {'over 100' if times > 100 else f'{times:.2g}'} times as often and still earn"
    )
