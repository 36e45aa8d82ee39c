"""How loss rates are shown: the finding, tables and the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, money, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.loss_rates.loss_rates import LossRates

__all__ = ["describe_rates", "plot_rates", "show_conventions", "show_rates"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
FORMATS: dict[str, Format] = {
    **dict.fromkeys(("balance", "provision"), "money"),
    **dict.fromkeys(("rate", "rate_low", "rate_high"), "percent"),
}


def describe_rates(rates: LossRates) -> str:
    """The finding in one sentence: an amount with its range, or why there is only a bound."""
    owed = f"{money(float(rates.table['balance'].sum()), rates.currency)} owed"
    total, losers = rates.total, rates.diagnostics["losers"]
    if total.value is not None:
        spread = f"{money(total.low)} to {money(total.high)}"
        return f"Provide {money(total.value, rates.currency)} of {owed} (range {spread})"
    if losers < 2:
        seen = "No customer was" if losers == 0 else "Only one customer was"
        return f"{seen} written off, so no rate: at most {money(total.high, rates.currency)} of {owed}"
    short = "A segment that owes money lost too few customers for a rate"
    return f"{short}: at most {money(total.high, rates.currency)} of {owed}"


def show_rates(rates: LossRates, name: str) -> Table:
    """Balance, rate and provision by segment and bucket with their intervals, and the total."""
    frame = rates.table.rename(columns={"ci_low": "rate_low", "ci_high": "rate_high"})
    frame = frame[["segment", "bucket", "balance", "rate", "rate_low", "rate_high", "provision"]]
    total, owed = rates.total, float(frame["balance"].sum())
    ratios = [np.nan] * 3
    if owed > 0:
        value = np.nan if total.value is None else total.value
        ratios = [value / owed, total.low / owed, total.high / owed]
    last = pd.DataFrame([["total", "", round(owed, 2), *ratios, total.value]], columns=frame.columns)
    frame = pd.concat([frame, last.astype({"provision": float})], ignore_index=True)
    if rates.counts.by is None:
        frame = frame.drop(columns="segment")
        frame.loc[len(frame) - 1, "bucket"] = "total"
    note = (
        f"Amounts in {rates.currency}; days overdue, day 0 is not due, both ends of a bucket included. "
        f"{total.level:.0%} intervals, by customer. The range of the total is its own: those of the buckets "
        "do not add up to it."
    )
    return Table(name, rates.finding(), frame, note, FORMATS)


def show_conventions(rates: LossRates, name: str) -> Table:
    """Every convention behind the figures, one a row."""
    frame = pd.DataFrame(list(rates.conventions.items()), columns=["choice", "as done here"])
    return Table(name, "Conventions: with the same choices another hand gets the same figures", frame)


def plot_rates(rates: LossRates, ax: Axes | None = None) -> Axes:
    """Rates by bucket and segment with their intervals; bounds where there are no rates."""
    import matplotlib.pyplot as plt

    ax = ax if ax is not None else plt.subplots()[1]
    shift = 0.6 / len(rates.segments)
    for number, name in enumerate(rates.segments):
        rows = rates.table[rates.table["segment"] == name]
        at = np.arange(len(rows)) + shift * (number - (len(rates.segments) - 1) / 2)
        colour = COLOURS[number % len(COLOURS)]
        ax.vlines(at, 100 * rows["ci_low"], 100 * rows["ci_high"], color=colour, linewidth=2.5, label=name)
        ax.plot(at, 100 * rows["rate"], "o", color=colour, markersize=6)
    ax.set_xticks(range(len(rates.buckets)), rates.buckets)
    ax.set(xlabel="days overdue", ylabel="lost, % of the balance", title=rates.finding())
    ax.set_ylim(bottom=0)
    if len(rates.segments) > 1:
        ax.legend(loc="upper left")
    kind = "intervals" if rates.identified else "bounds"
    return stamp(ax, rates.as_of, f"{rates.total.level:.0%} {kind} by customer")
