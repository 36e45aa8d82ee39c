"""How a recovery curve is shown: the finding, tables and the picture."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, money, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.recovery.recovery_curve import RecoveryCurve

__all__ = ["describe_curve", "plot_curve", "show_conventions", "show_curve"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
SHOWN = 6
WIDTH = 72
FORMATS: dict[str, Format] = {
    **dict.fromkeys(("amount", "recovered"), "money"),
    **dict.fromkeys(("share", "share_low", "share_high"), "percent"),
    **dict.fromkeys(("month", "customers"), "integer"),
}


def describe_curve(curve: RecoveryCurve) -> str:
    """The finding in one sentence: the share that comes back with its range, and what is still to come."""
    facts = curve.diagnostics
    n = facts["customers"]
    if n == 0:
        return "Nothing was written off, so nothing is known of what comes back"
    if not curve.identified:
        people = f"{n} customer{'s' * (n != 1)}"
        return f"{people} written off, too few or too young to tell what comes back"
    if len(curve.segments) > 1:
        return f"Back within {int(curve.table['month'].max())} months by segment: {_by_segment(curve)}"
    last = curve.table.iloc[-1]
    within = f"within {int(last['month'])} months of a write-off"
    if facts["paid_something"] == 0:
        return f"Nothing came back from {n} written-off customers: at most {last['ci_high']:.0%} {within}"
    ends = f"{last['ci_low']:.0%} to {last['ci_high']:.0%}"
    ahead = money(curve.ahead.value or 0.0, curve.currency)
    return f"{last['share']:.0%} comes back {within} (range {ends}); {ahead} still to come"


def _by_segment(curve: RecoveryCurve) -> str:
    last = curve.table.groupby("segment").last()
    parts = [
        f"{name} {row.share:.0%} ({row.ci_low:.0%} to {row.ci_high:.0%})" for name, row in last.iterrows()
    ]
    shown = parts if len(parts) <= SHOWN else [*parts[:SHOWN], f"{len(parts) - SHOWN} more"]
    return ", ".join(shown)


def show_curve(curve: RecoveryCurve, name: str) -> Table:
    """Shares recovered by month with their ranges and the customers behind them."""
    frame = curve.table.rename(columns={"ci_low": "share_low", "ci_high": "share_high"})
    frame = frame.drop(columns=["interval", *(["segment"] if len(curve.segments) == 1 else [])])
    facts = curve.diagnostics
    note = (
        f"Amounts in {curve.currency}. A month counts customers and amounts written off so long ago that it "
        f"is over; {curve.ahead.level:.0%} intervals by customer. Written off {money(facts['written_off'])}, "
        f"recovered so far {money(facts['recovered'])}; dividing the two would call young write-offs lost."
    )
    stray = "; ".join(f"{reason}: {money(amount)}" for reason, amount in facts["stray"].items())
    return Table(name, curve.finding(), frame, note + (f" Left out: {stray}." if stray else ""), FORMATS)


def show_conventions(curve: RecoveryCurve, name: str) -> Table:
    """Every convention behind the figures, one a row."""
    frame = pd.DataFrame(list(curve.conventions.items()), columns=["choice", "as done here"])
    return Table(name, "Conventions: with the same choices another hand gets the same figures", frame)


def plot_curve(curve: RecoveryCurve, ax: Axes | None = None) -> Axes:
    """Cumulative share recovered with its range; at the top the customers old enough."""
    import matplotlib.pyplot as plt

    ax = ax if ax is not None else plt.subplots()[1]
    for number, name in enumerate(curve.segments):
        rows = curve.table[curve.table["segment"] == name]
        colour = COLOURS[number % len(COLOURS)]
        month = np.concatenate([[0], rows["month"].to_numpy(dtype=float)])
        low, high, share = (
            np.concatenate([[0.0], 100 * rows[c].to_numpy(dtype=float)])
            for c in ("ci_low", "ci_high", "share")
        )
        ax.fill_between(month, low, high, color=colour, alpha=0.15, linewidth=0)
        label = f"{name} (n = {int(rows['customers'].max()) if len(rows) else 0})"
        ax.plot(month, share, color=colour, label=label)
    last = int(curve.table["month"].max()) if curve.identified else 1
    ticks = range(0, last + 1, 3)
    ax.set_xticks(ticks)
    ax.set(xlim=(0, last), ylim=(0, None), ylabel="recovered, % of what was written off")
    ax.set_xlabel("months since the write-off (n: customers whose write-off is that old)")
    ax.set_title(fill(curve.finding(), WIDTH))
    if len(curve.segments) == 1:
        _mark_sizes(ax, curve, ticks)
    if len(curve.segments) > 1:
        ax.legend(loc="upper left")
    return stamp(ax, curve.as_of, f"{curve.ahead.level:.0%} interval by customer")


def _mark_sizes(ax: Axes, curve: RecoveryCurve, ticks: range) -> None:
    """How many customers are old enough, at the top of the picture."""
    ax.set_ylim(0, 1.1 * ax.get_ylim()[1])
    sizes = dict(zip(curve.table["month"], curve.table["customers"], strict=True))
    for month in ticks:
        if month in sizes:
            ax.text(
                month, 0.98, f"n = {int(sizes[month])}", transform=ax.get_xaxis_transform(), ha="center",
                va="top", color="0.35", size=8,
            )  # fmt: skip
