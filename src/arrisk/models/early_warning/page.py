"""How the back-test of alerts is shown."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.early_warning.backtest import AlertBacktest

__all__ = ["backtest_table", "losses_table", "plot_backtest"]

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8C8C8C"


def _labels(test: AlertBacktest) -> list[str]:
    return [test.rules[name].label for name in test.table["rule"]]


def _times(value: float, low: float, high: float) -> str:
    if not np.isfinite(value):
        return ""
    return f"{value:.1f} ({low:.1f} to {high:.1f})" if np.isfinite(high) else f"{value:.1f} (from {low:.1f})"


def _share(value: float, low: float, high: float) -> str:
    return f"{value:.0%} ({low:.0%} to {high:.0%})" if np.isfinite(value) else ""


def _days(value: float, low: float, high: float) -> str:
    return f"{value:.0f} ({low:.0f} to {high:.0f})" if np.isfinite(value) else ""


def _percent(value: float) -> str:
    return f"{value:.1%}" if np.isfinite(value) else "unknown share"


def _column(test: AlertBacktest, name: str, write: Callable[[float, float, float], str]) -> list[str]:
    ends = test.table[[name, f"{name}_low", f"{name}_high"]].to_numpy(dtype=float)
    return [write(*row) for row in ends]


def finding(test: AlertBacktest) -> str:
    """How many rules tell customers apart, in one sentence."""
    if test.doubt:
        return f"No rule can be judged: {test.doubt}"
    good = test.separating
    many = f"{len(good)} of {len(test.table)} rules foretell default better than chance"
    if not good:
        return f"None of {len(test.table)} rules foretells default better than chance"
    best = test.row(good[0])
    sharpest = f"the sharpest, {test.rules[good[0]].label}, is right in {best['precision']:.0%}"
    return f"{many}; {sharpest} (chance {test.base:.0%})"


def backtest_table(test: AlertBacktest, name: str) -> Table:
    """A row a rule: alerts a week, precision, lift, recall, lead time, and the verdict in words."""
    table, outcomes = test.table, test.outcomes
    frame = pd.DataFrame(
        {
            "rule": _labels(test),
            "alerts": table["alerts"],
            "customers": table["customers"],
            "alerts_a_week": table["alerts_a_week"].round(2),
            "precision": _column(test, "precision", _share),
            "lift": _column(test, "lift", _times),
            "recall": _column(test, "recall", _share),
            "recall_by_chance": [f"{x:.0%}" if np.isfinite(x) else "" for x in table["chance_recall"]],
            "lead_days": _column(test, "lead_days", _days),
            "verdict": table["verdict"],
        }
    )
    horizon = f"{outcomes.horizon_days} days"
    note = (
        f"Right: default ({outcomes.definition}) within {horizon} strictly after the alert; customers in "
        f"default are left out. Alerts judged: {outcomes.start:%Y-%m-%d} to {outcomes.last:%Y-%m-%d}; "
        f"{outcomes.defaulters} customers defaulted. Lift: precision over the {_percent(test.base)} of "
        f"ordinary days that a default followed. Recall: of {len(outcomes.defaults)} defaults, those with an "
        f"alert within {horizon} before; by chance: the same before an ordinary day. Lead: median days from "
        f"that first alert to default. {test.level:.0%} intervals by customer. Of {len(table)} rules "
        "that say nothing, one in forty would still seem to separate."
    )
    formats: dict[str, Format] = {"alerts": "integer", "customers": "integer"}
    return Table(name, finding(test), frame, note, formats)


def losses_table(test: AlertBacktest, name: str) -> Table:
    """Alerts against defaults that ended in a write-off."""
    frame = pd.DataFrame(
        {
            "rule": _labels(test),
            "followed_by_default": _column(test, "precision", _share),
            "followed_by_a_loss": _column(test, "lost_share", _share),
            "lift_for_default": _column(test, "lift", _times),
            "lift_for_a_loss": _column(test, "lost_lift", _times),
        }
    )
    note = (
        "An item 30 or 60 days overdue is on its way to 90 days by the calendar alone, so its alert must be "
        "right often; the harder test is whether the money was lost. A loss: that default ended in a "
        f"write-off known by {test.outcomes.as_of:%Y-%m-%d}, so young defaults may still become one; "
        f"{_percent(test.base_lost)} of ordinary days were followed by one."
    )
    return Table(name, "Do the alerts foretell losses, or only lateness?", frame, note)


def plot_backtest(test: AlertBacktest, ax: Axes | None = None) -> Axes:
    """Precision of each rule with its interval; the dashed line is what alerts at random would meet."""
    import matplotlib.pyplot as plt

    ax = ax if ax is not None else plt.subplots(figsize=(9, 0.42 * len(test.table) + 1.8))[1]
    labels = _labels(test)[::-1]
    for at, row in enumerate(test.table.iloc[::-1].to_dict("records")):
        _draw_rule(ax, at, row)
    if np.isfinite(test.base):
        ax.axvline(100 * test.base, color="black", linestyle="--", linewidth=1)
    ax.set_yticks(range(len(labels)), labels)
    ax.set(xlim=(0, 101), ylim=(-0.7, len(labels) - 0.3), xlabel="alerts followed by default (%)")
    ax.grid(visible=False, axis="y")
    ax.set_title(_headline(test))
    remark = f"dashed: chance; blue: above chance; {test.level:.0%} intervals by customer"
    return stamp(ax, test.outcomes.as_of, remark)


def _draw_rule(ax: Axes, at: int, row: dict[Hashable, Any]) -> None:
    if row["alerts"] == 0:
        ax.annotate("never spoke in the time judged", (1, at), va="center", fontsize=9, color=GREY)
        return
    colour = {"separates": BLUE, "worse than chance": ORANGE}.get(row["verdict"], GREY)
    ends = (100 * row["precision_low"], 100 * row["precision_high"])
    ax.hlines(at, *ends, color=colour, linewidth=2)
    ax.plot(100 * row["precision"], at, "o", color=colour)
    where = ax.get_yaxis_transform()
    ax.annotate(_beside(row), (1.01, at), xycoords=where, va="center", fontsize=9, color="0.35")


def _headline(test: AlertBacktest) -> str:
    if test.doubt:
        return f"No alarm can be judged:\n{test.doubt}"
    good = len(test.separating)
    verb = "foretells" if good == 1 else "foretell"
    return f"{good or 'None'} of {len(test.table)} alarms {verb} default better than chance"


def _beside(row: dict[Hashable, Any]) -> str:
    if not np.isfinite(row["recall"]):
        return ""
    ahead = f", {row['lead_days']:.0f} days ahead" if np.isfinite(row["lead_days"]) else ""
    return f"catches {row['recall']:.0%}{ahead}"
