"""The limits as tables and a picture that a credit manager reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.limits.limit_policy import LimitPolicy

__all__ = ["limits_table", "options_table", "plot_limits"]

SHOWN = ["customer_id", "grade", "pd", "break_even_pd", "break_even_margin", "peak", "today", "limit"]
SHOWN += ["low", "high", "gain", "reason"]
MONEY = ("peak", "today", "limit", "low", "high", "gain")
COLOURS = {"raise": "#0072B2", "cut": "#D55E00", "stop": "black", "set": "#009E73", "keep": "#999999"}


def limits_table(policy: LimitPolicy, name: str, rows: int) -> Table:
    """The changes that earn most: today's limit, the new one with its interval, the reason."""
    frame = policy.changes[SHOWN].head(rows).dropna(axis=1, how="all")
    formats: dict[str, Format] = {
        **dict.fromkeys(("pd", "break_even_pd", "break_even_margin"), "percent"),  # type: ignore[arg-type]
        **dict.fromkeys(MONEY, "money"),  # type: ignore[arg-type]
    }
    margin = policy.inputs.draws["margin"][0]
    note = (
        f"Amounts in {policy.currency}. pd: default within {policy.inputs.horizon_days} days. Break-even: "
        f"the default risk above which, and the margin (now {margin:.0%} of sales) below which "
        "a raise would lose; blank: no risk turns it, or the limit lets through the same. Peak: most "
        "owed at a week's end in the last year; low and high: the limit at the ends of the interval of "
        "default risk. Gain: a year under the new limit against today's, both kept, sales above one lost. "
        f"{policy.shape()}."
    )
    return Table(name, policy.finding(), frame.reset_index(drop=True), note, formats)


def options_table(policy: LimitPolicy, name: str) -> Table:
    """A year without limits, under today's and under the model's."""
    low, high = np.quantile(policy.draws[:, 1:], [0.5 - policy.level / 2, 0.5 + policy.level / 2], axis=1)
    point = policy.draws[:, 0]
    frame = policy.tail.assign(
        value=point, value_low=np.minimum(low, point), value_high=np.maximum(high, point)
    )
    if not policy.has_limits:
        frame = frame.drop(index=1)
    frame = frame[["option", "value", "value_low", "value_high", "loss", "tail_loss", "shortfall"]]
    formats: dict[str, Format] = dict.fromkeys(frame.columns[1:], "money")
    note = (
        f"{policy.currency} a year. Value: margin less cost of money, expected loss and price of risk "
        f"capital, with its {policy.level:.0%} range over assumptions and default risk. Tail loss: "
        "99 of 100 simulated years stay below; shortfall: mean of the others. Customers in default left out."
    )
    best = str(pd.DataFrame(frame).sort_values("value")["option"].iloc[-1])
    return Table(name, f"Worth most in a year: {best}", frame.reset_index(drop=True), note, formats)


def plot_limits(policy: LimitPolicy, ax: Axes | None = None) -> Axes:
    """Today's limit against the model's; without limits the model's against what is wanted."""
    import matplotlib.pyplot as plt

    ax = plt.gca() if ax is None else ax
    table = policy.table[policy.table["limit"].gt(0) | policy.table["today"].gt(0)]
    across = table["today"] if policy.has_limits else table["usual"]
    floor = max(float(pd.concat([across, table["limit"]]).where(lambda v: v > 0).min()), 1.0) / 2
    for change, part in table.groupby("change"):
        x, y = across[part.index].fillna(floor).clip(lower=floor), part["limit"].clip(lower=floor)
        words = f"{change} ({len(part)})"
        ax.scatter(x, y, s=16, color=COLOURS[str(change)], label=words, alpha=0.75, linewidths=0)
    ends = [floor, float(max(table["limit"].max(), across.max())) * 1.3]
    ax.plot(ends, ends, color="black", linewidth=0.8)
    ax.set_xscale("log")
    ax.set_yscale("log")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter("{x:,.0f}")
    now = "today's limit" if policy.has_limits else "usual exposure"
    ax.set_xlabel(f"{now}, {policy.currency} (zero and none at the edge)")
    ax.set_ylabel(f"best limit, {policy.currency}")
    counts = table["change"].value_counts()
    told = ", ".join(f"{c} {counts.get(c, 0)}" for c in ("raise", "cut", "stop", "set") if counts.get(c, 0))
    ax.set_title(f"Limits that would change: {told}" if told else "No limit would change")
    ax.legend(loc=(0.80, 0.14))
    return stamp(ax, policy.as_of)
