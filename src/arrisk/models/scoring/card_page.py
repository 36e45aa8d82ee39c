"""How a card is shown: points of every bin in a table and in a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, stamp
from arrisk.models.scoring.terms import CardTerm, LinearTerm

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.scoring.card import Card

__all__ = ["plot_points", "points_table"]

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8C8C8C"
MOST_TERMS, MOST_BARS, MOST_LETTERS = 4, 24, 34
COLUMNS = ["term", "bin", "points", "woe", "rows", "share", "events", "rate", "coefficient"]


class Step(NamedTuple):
    """A bin of a term, or a value of a linear one, and what its coefficient multiplies there."""

    label: str
    units: float
    rows: float
    events: float


def points_table(card: Card, name: str) -> Table:
    """One row a bin of each term; a linear term is told at its bounds, at the average and where missing."""
    factor = card.scale.factor
    rows = []
    for term in card.terms:
        steps = _steps(term)
        total = sum(step.rows for step in steps)
        for step in steps:
            points = round(card.base_points - factor * term.coefficient * step.units, 1)
            woe = np.nan if isinstance(term, LinearTerm) else step.units
            share = step.rows / total if total else np.nan
            rate = step.events / step.rows if step.rows else np.nan
            counted = (step.rows, share, step.events, rate)
            rows.append((term.name, step.label, points, woe, *counted, term.coefficient))
    formats: dict[str, Format] = {"rows": "integer", "share": "percent", "events": "integer"}
    frame = pd.DataFrame(rows, columns=COLUMNS).round({"woe": 6, "coefficient": 6})
    return Table(name, _finding(card), frame, _note(card), formats | {"rate": "percent"})


def _note(card: Card) -> str:
    scale = card.scale
    text = (
        "The points of a customer are the sum over the terms, rounded at the end: "
        f"{scale.base:g} stand for odds of {scale.odds:g} good to one bad, {scale.double:g} more double the "
        "odds. Each term carries an equal part of the intercept. woe: ln(share of good / share of bad), "
        "higher is better."
    )
    told = [f"{key}: {value}" for key, value in card.about.items()]
    return " ".join([text, *([f"Card: {'; '.join(told)}."] if told else [])])


def _steps(term: CardTerm) -> list[Step]:
    if isinstance(term, LinearTerm):
        at = {
            f"{term.low:,.4g} or less": term.low,
            f"average, {term.average:,.4g}": term.mean_units * term.step,
            f"{term.high:,.4g} or more": term.high,
            f"missing, as {term.fill:,.4g}": min(max(term.fill, term.low), term.high),
        }
        return [Step(label, value / term.step, np.nan, np.nan) for label, value in at.items()]
    bins = term.bins
    counts = zip(bins.labels, bins.woe, np.add(bins.events, bins.nonevents), bins.events, strict=True)
    return [Step(label, woe, float(n), float(d)) for label, woe, n, d in counts]


def _moves(card: Card, term: CardTerm) -> list[tuple[str, float]]:
    """Points of each bin that has been seen, against the average customer."""
    factor = card.scale.factor * term.coefficient
    return [(s.label, -factor * (s.units - term.mean_units)) for s in _steps(term) if s.rows != 0]


def _spread(moves: list[tuple[str, float]]) -> float:
    points = [p for _, p in moves]
    return max(points) - min(points)


def _finding(card: Card) -> str:
    if not card.terms:
        return "No term tells customers apart: all have the same points"
    spread, name = max((_spread(_moves(card, t)), t.name) for t in card.terms)
    return f"{_short(_plain(name))} moves the score most, by up to {spread:.0f} points"


def plot_points(card: Card, ax: Axes | None) -> Axes:
    """Points of each bin against the average customer, for the terms that move the score most."""
    shown = _shown(card)
    lines = _lines(shown)
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.subplots(figsize=(8.0, max(3.0, 1.2 + 0.27 * len(lines))))[1]
    where = np.arange(len(lines), dtype=float)
    points = np.array([0.0 if p is None else p for _, p in lines])
    ax.barh(where, points, height=0.72, color=np.where(points < 0, ORANGE, BLUE).tolist())
    ax.axvline(0.0, color=GREY, lw=1)
    for y, (_, p) in zip(where, lines, strict=True):
        if p is not None:
            ax.annotate(
                f"{round(p):+d}", (p, y), xytext=(4 if p >= 0 else -4, 0), textcoords="offset points",
                ha="left" if p >= 0 else "right", va="center", fontsize=8,
            )  # fmt: skip
    ax.set_yticks(where, [label for label, _ in lines], parse_math=False)
    for tick, (_, p) in zip(ax.get_yticklabels(), lines, strict=True):
        tick.set_fontweight("bold" if p is None else "normal")
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.invert_yaxis()
    ax.margins(x=0.12)
    ax.set_xlabel("points against the average customer")
    ax.set_title(_finding(card), parse_math=False)
    return _stamped(card, ax, len(shown))


def _shown(card: Card) -> list[tuple[str, list[tuple[str, float]]]]:
    """The terms with the widest spread, as many as there is room for; at least one."""
    moves = sorted(((t.name, _moves(card, t)) for t in card.terms), key=lambda m: -_spread(m[1]))
    bars = np.cumsum([len(m) for _, m in moves])
    room = max(1, int(np.searchsorted(bars, MOST_BARS, side="right")))
    return moves[: min(MOST_TERMS, room)]


def _lines(shown: list[tuple[str, list[tuple[str, float]]]]) -> list[tuple[str, float | None]]:
    lines: list[tuple[str, float | None]] = []
    for name, moves in shown:
        lines += [(_short(_plain(name)), None), *((_short(label), points) for label, points in moves)]
    return lines


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _short(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"


def _stamped(card: Card, ax: Axes, shown: int) -> Axes:
    note = f"{shown} of {len(card.terms)} terms" if shown < len(card.terms) else "all terms"
    as_of = card.about.get("as_of")
    if as_of is not None:
        return stamp(ax, pd.Timestamp(as_of), note)
    ax.annotate(
        note, xy=(1.0, 0.0), xycoords="axes fraction", xytext=(0, -32), textcoords="offset points",
        ha="right", va="top", fontsize=8, color="0.35", annotation_clip=False,
    )  # fmt: skip
    return ax
