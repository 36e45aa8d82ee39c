"""How flows are told: a sentence, a table of the last month, a picture through time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, money, stamp
from arrisk.portfolio.ageing import bucket_names
from arrisk.portfolio.transitions import CREDITED, PAID, WRITTEN_OFF, open_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.portfolio.flows import Flows

__all__ = ["describe_flows", "flows_table", "overdue_ends", "plot_flows"]

STILL_OPEN = "still open"
COLOURS = {PAID: "#0072B2", CREDITED: "#56B4E9", STILL_OPEN: "#E69F00", WRITTEN_OFF: "#B22222"}


def overdue_ends(flows: Flows) -> pd.DataFrame:
    """What became of the amounts overdue at the start of each month, in currency units.

    Parameters
    ----------
    flows : Flows

    Returns
    -------
    DataFrame
        Indexed by month_end: paid, credited, still open, written off.
    """
    rows = flows.table[flows.table["from_state"].isin(bucket_names(flows.edges))]
    ends = rows["to_state"].where(~rows["to_state"].isin(open_names(flows.edges)), STILL_OPEN)
    wide = rows["amount"].groupby([rows["month_end"], ends]).sum().unstack(fill_value=0)
    return wide.reindex(index=flows.month_ends, columns=list(COLOURS), fill_value=0.0).rename_axis(
        columns=None
    )


def describe_flows(flows: Flows) -> str:
    """What became in the last month of what was overdue at its start, in one sentence."""
    ends = overdue_ends(flows)
    last = ends.iloc[-1] if len(ends) else pd.Series(0.0, index=list(COLOURS))
    total = float(last.sum())
    if total <= 0:
        return "Nothing was overdue at the start of the last month"
    shares = f"{last[PAID] / total:.0%} was paid, {last[WRITTEN_OFF] / total:.0%} written off"
    return (
        f"Of {money(total / 1000, flows.currency)} thousand overdue a month before, {shares}, "
        f"{last[STILL_OPEN] / total:.0%} is still open"
    )


def flows_table(flows: Flows, name: str) -> Table:
    """What became of the money of the last month, by the state it was in."""
    month = flows.month_ends[-1] if len(flows.month_ends) else None
    rates = flows.matrix(month)
    frame = rates[["start", PAID, CREDITED, WRITTEN_OFF]].reset_index(names="state")
    frame[STILL_OPEN] = rates[open_names(flows.edges)].sum(axis=1, min_count=1).to_numpy()
    frame = frame.set_axis(["state", "amount", "paid", "credited", "written_off", "still_open"], axis=1)
    frame = frame[frame["amount"] != 0].reset_index(drop=True)
    shares: dict[str, Format] = dict.fromkeys(("paid", "credited", "written_off", "still_open"), "percent")
    note = (
        f"Amounts in {flows.currency}: what was in the state a month before, or came in; then the shares of "
        "it that were paid (with discounts taken), credited, written off, and are still open. Items owed "
        "only: credits and unapplied cash are not set against them."
    )
    return Table(name, flows.finding(), frame, note, {"amount": "money", **shares})


def plot_flows(flows: Flows, ax: Axes | None = None) -> Axes:
    """Bars of what was overdue at the start of each month by what became of it, in thousands."""
    import matplotlib.pyplot as plt

    ax = plt.gca() if ax is None else ax
    ends = overdue_ends(flows).clip(lower=0.0) / 1000
    at, bottom = np.arange(len(ends)), np.zeros(len(ends))
    for end, colour in COLOURS.items():
        if ends[end].any():
            ax.bar(at, ends[end], 0.85, bottom=bottom, color=colour, label=end)
            bottom = bottom + ends[end].to_numpy()
    step = max(1, -(-len(ends) // 12))
    ticks = at[::-1][::step][::-1]
    ax.set_xticks(ticks, [f"{ends.index[k]:%b\n%Y}" for k in ticks])
    ax.set(title=describe_flows(flows), ylabel=f"overdue at the month's start, thousand {flows.currency}")
    ax.yaxis.set_major_formatter("{x:,.0f}")
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), reverse=True, title="a month later")
    return stamp(ax, flows.as_of)
