"""How an effect is shown: the sentence, its tables, and the pictures of designs over time."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.effects.effect import Effect

__all__ = ["checks_table", "describe_effect", "effect_table", "plot_effect"]

BLUE, GREY, VERMILLION = "#0072B2", "0.55", "#D55E00"
WIDTH = 78
CHECKS: dict[str, Format] = {"check": "text", "found": "text", "p_value": "number", "passed": "text"}


def describe_effect(effect: Effect) -> str:
    """The effect in one sentence: how large, how sure, and whether the checks of its design passed."""
    e = effect
    if not np.isfinite(e.se):
        return f"The effect on {e.unit} cannot be told by {e.design}"
    size = f"{e.estimate:+.2f} ({e.ci_low:+.2f} to {e.ci_high:+.2f}) {e.unit}"
    unclear = e.ci_low <= 0 <= e.ci_high
    start = f"No clear effect by {e.design}: {size}" if unclear else f"By {e.design}: {size}"
    failed = e.checks.loc[~e.checks["passed"].astype(bool), "check"].tolist()
    if failed:
        return f"{start}; not borne out: {', '.join(failed)}"
    return f"{start}; every check passed"


def effect_table(effect: Effect, name: str) -> Table:
    """One effect: its size, its interval, what it would have taken to be seen, and what it rests on."""
    e = effect
    frame = pd.DataFrame(
        {
            "design": [e.design],
            "outcome": [e.unit],
            "effect": [e.estimate],
            "low": [e.ci_low],
            "high": [e.ci_high],
            "p_value": [round(e.p_value, 3)],
            "would_show": [e.mde],
            "rows": [e.rows],
            "customers": [e.clusters],
            "checks_passed": [f"{int(e.checks['passed'].sum())} of {len(e.checks)}"],
        }
    )
    note = (
        f"{e.estimand[:1].upper()}{e.estimand[1:]}; {e.level:.0%} interval. Would show: the smallest effect "
        "seen in 4 of 5 such ledgers. No ledger can prove: " + " ".join(e.assumptions)
    )
    formats: dict[str, Format] = {"rows": "integer", "customers": "integer"}
    return Table(name, describe_effect(e), frame, note, formats)


def checks_table(effect: Effect, name: str) -> Table:
    """What the ledger could refute of the design, and whether it did."""
    frame = pd.DataFrame(
        {
            "check": effect.checks["check"],
            "found": effect.checks["words"],
            "p_value": effect.checks["p_value"].astype(float).round(3),
            "passed": np.where(effect.checks["passed"].astype(bool), "yes", "no"),
        }
    )
    passed = int(effect.checks["passed"].sum())
    title = f"{passed} of {len(frame)} checks of the {effect.design} passed"
    note = (
        "A check that fails speaks against the design; one that passes does not prove it. A check that the "
        f"ledger is too short or too small for counts as failed. In {effect.unit}, where it has a unit."
    )
    return Table(name, title, frame, note, CHECKS)


def plot_effect(effect: Effect, ax: Axes | None = None) -> Axes:
    """Months before and after the start: against the comparison, or seen against expected."""
    import matplotlib.pyplot as plt

    axes = ax if ax is not None else plt.subplots()[1]
    table = effect.table[np.isfinite(effect.table["estimate"])]
    draw = _draw_series if "seen" in table.columns else _draw_events
    draw(effect, table, axes)
    axes.axvline(-0.5, color="black", lw=1, ls=":", label="start")
    axes.set_xlabel("months since the start")
    axes.set_title(fill(describe_effect(effect), WIDTH), loc="left")
    axes.legend(loc="best")
    return axes


def _draw_events(effect: Effect, table: pd.DataFrame, axes: Axes) -> None:
    """Gap to the comparison by month with intervals, and the mean effect."""
    for side, colour, label in ((table["term"] < 0, GREY, "before"), (table["term"] >= 0, BLUE, "after")):
        rows = table[side]
        axes.vlines(rows["term"], *_visible(rows), color=colour, lw=1.5)
        axes.plot(rows["term"], rows["estimate"], "o", ms=4, color=colour, label=label)
    last = table["term"].max() + 0.5
    axes.fill_between(
        [-0.5, last], effect.ci_low, effect.ci_high, color=BLUE, alpha=0.12, lw=0, label="mean effect"
    )
    axes.hlines(effect.estimate, -0.5, last, color=BLUE, lw=1)
    axes.axhline(0, color="black", lw=0.8)
    axes.set_ylabel(f"gap to the comparison,\n{effect.unit}")


def _visible(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Intervals without an end are not drawn."""
    closed = np.isfinite(rows["ci_low"]) & np.isfinite(rows["ci_high"])
    return rows["ci_low"].where(closed, rows["estimate"]), rows["ci_high"].where(closed, rows["estimate"])


def _draw_series(effect: Effect, table: pd.DataFrame, axes: Axes) -> None:
    """Months seen, and the course before the start continued with the reach of a month."""
    axes.plot(table["term"], table["seen"], "o", ms=4, color=BLUE, label="seen")
    axes.plot(table["term"], table["expected"], color=VERMILLION, lw=1.2, label="course before, continued")
    after = table["term"] >= 0
    rows = table[after]
    low, high = rows["seen"] - rows["ci_high"], rows["seen"] - rows["ci_low"]
    axes.fill_between(rows["term"], low, high, color=VERMILLION, alpha=0.12, lw=0)
    axes.set_ylabel(effect.unit)
