"""How loss rates are shown: the finding, tables and the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Format, Table, money, stamp
from arrisk.models.loss_rates.loss_counts import words_of_bounds
from arrisk.models.loss_rates.replicates import MINIMUM_LOSERS, NEVER_SEEN, too_young

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.loss_rates.loss_rates import LossRates

__all__ = ["describe_rates", "plot_rates", "show_conventions", "show_rates"]

Floats = NDArray[np.float64]
NAMED = 3
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
FORMATS: dict[str, Format] = {
    **dict.fromkeys(("balance", "provision"), "money"),
    **dict.fromkeys(("rate", "rate_low", "rate_high"), "percent"),
    **dict.fromkeys(("customers", "losers"), "integer"),
}


def describe_rates(rates: LossRates) -> str:
    """The finding in one sentence: an amount with its range, or why there is only a bound."""
    owed = f"{money(float(rates.table['balance'].sum()), rates.currency)} owed"
    total, losers = rates.total, rates.diagnostics["losers"]
    if total.value is not None:
        spread = f"{money(total.low)} to {money(total.high)}"
        return f"Provide {money(total.value, rates.currency)} of {owed} (range {spread})"
    young = too_young(rates.counts.horizon)
    if total.method.startswith(young):
        return f"No rate, and up to all of {owed} may be lost: {young}"
    most = f"at most {money(total.high, rates.currency)} of {owed}"
    if losers < MINIMUM_LOSERS:
        seen = "No customer was" if losers == 0 else "Only one customer was"
        return f"{seen} written off, so no rate: {most}"
    return f"{_without_rate(rates)} lost too few customers for a rate: {most}"


def _without_rate(rates: LossRates) -> str:
    table = rates.table[rates.table["rate"].isna() & (rates.table["balance"] > 0)]
    names = list(dict.fromkeys(table["segment"]))
    shown = names if len(names) <= NAMED else [*names[:NAMED], f"{len(names) - NAMED} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def show_rates(rates: LossRates, name: str) -> Table:
    """Balance, rate and provision by segment and bucket with their intervals, and the total."""
    frame = rates.table.rename(columns={"ci_low": "rate_low", "ci_high": "rate_high"})
    unseen = frame["interval"] == NEVER_SEEN
    frame[["rate_low", "rate_high"]] = frame[["rate_low", "rate_high"]].mask(unseen)
    columns = ["segment", "bucket", "balance", "rate", "rate_low", "rate_high", "provision"]
    frame = frame[[*columns, "customers", "losers"]]
    total, owed = rates.total, float(frame["balance"].sum())
    ratios = [np.nan] * 3
    if owed > 0:
        value = np.nan if total.value is None else total.value
        ratios = [value / owed, total.low / owed, total.high / owed]
    people = (rates.diagnostics["customers"], rates.diagnostics["losers"])
    last = pd.DataFrame([["total", "", round(owed, 2), *ratios, total.value, *people]], columns=frame.columns)
    frame = pd.concat([frame, last.astype({"rate": float, "provision": float})], ignore_index=True)
    if rates.counts.by is None:
        frame = frame.drop(columns="segment")
        frame.loc[len(frame) - 1, "bucket"] = "total"
    note = (
        f"Amounts in {rates.currency}; days overdue, day 0 is not due, both ends of a bucket included. "
        f"{total.level:.0%} intervals, by customer. The range of the total is its own: those of the buckets "
        "do not add up to it. Customers that ever stood in the bucket, and those of them with a loss."
        + ("" if rates.identified else f" Bounds: {words_of_bounds(rates.counts.horizon)}.")
        + (" Without a range: a bucket in which no customer ever stood." if unseen.any() else "")
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
    for number, name in enumerate(rates.segments):
        rows = rates.table[rates.table["segment"] == name]
        at = np.arange(len(rows)) + 0.6 / len(rates.segments) * (number - (len(rates.segments) - 1) / 2)
        _draw_segment(ax, rows, np.asarray(at, dtype=float), COLOURS[number % len(COLOURS)], name)
    ax.set_xticks(range(len(rates.buckets)), rates.buckets)
    ax.set(xlabel="days overdue", ylabel="lost, % of the balance", title=_headline(rates))
    ax.set_ylim(bottom=0)
    if len(rates.segments) > 1:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    kind = "intervals" if rates.identified else "intervals, pale: bounds"
    return stamp(ax, rates.as_of, f"{rates.total.level:.0%} {kind} by customer")


def _headline(rates: LossRates) -> str:
    """What is lost of the youngest and of the oldest money; the finding where a rate is missing."""
    youngest, oldest = rates.replicates.rates[:, 0], rates.replicates.rates[:, -1]
    if not rates.identified or np.isnan([youngest, oldest]).any():
        return rates.finding()
    ends = [_span(end) for end in (youngest, oldest)]
    days = rates.counts.edges[-1]
    return f"{ends[0]} of what is not due is lost, {ends[1]} of what is over {days} days late"


def _span(rates: Floats) -> str:
    low, high = f"{rates.min():.1%}", f"{rates.max():.1%}"
    return low if low == high else f"{low} to {high}"


def _draw_segment(ax: Axes, rows: pd.DataFrame, at: Floats, colour: str, name: str) -> None:
    """Intervals and rates of a segment: bounds are pale, a bucket never seen says so and has no bar."""
    seen = (rows["interval"] != NEVER_SEEN).to_numpy()
    known = rows["rate"].notna().to_numpy()
    low, high = 100 * rows["ci_low"].to_numpy(), 100 * rows["ci_high"].to_numpy()
    for drawn, strength in ((seen & known, 1.0), (seen & ~known, 0.4)):
        ax.vlines(at[drawn], low[drawn], high[drawn], color=colour, linewidth=2.5, alpha=strength)
    ax.plot(at[seen], 100 * rows["rate"].to_numpy()[seen], "o", color=colour, markersize=6, label=name)
    for place in at[~seen]:
        ax.annotate(
            "never seen",
            (place, 0.0),
            xycoords=ax.get_xaxis_transform(),
            rotation=90,
            ha="center",
            va="bottom",
            fontsize=8,
            color=colour,
        )
