"""How the back-test of provisions is shown: the finding, tables and the picture."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Format, Table, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.provision.backtest import ProvisionBacktest

__all__ = ["describe_backtest", "plot_backtest", "show_backtest", "show_buckets"]

Floats = NDArray[np.float64]
BLUE, PALE, VERMILLION = "#0072B2", "#9ecae1", "#D55E00"
THOUSANDS_FROM = 10_000
REACH = 2.5
"""The picture goes up to so many times what was provided and lost at most."""
AMOUNTS = (
    "owed", "provision", "low", "high", "outcome_low", "outcome_high", "lost", "still_open", "lost_if_open",
    "expected",
)  # fmt: skip


def describe_backtest(result: ProvisionBacktest) -> str:
    """How past provisions compare with what was lost, in one sentence."""
    if not result.identified:
        return f"The data cannot say whether the provision is right: {result.shortage}"
    bias, seen = result.bias, result.counts()
    days = sum(seen.values())
    unknown = f", {seen['not yet known']} not yet known" if seen["not yet known"] else ""
    inside = f"the loss lies in the range of the outcome on {seen['inside']} of {days} past days{unknown}"
    inside += _broken_bounds(result)
    if bias.ratio is None or bias.low is None or bias.high is None:
        return f"No ratio of provided to lost can be told; {inside}"
    span = f"{bias.low:.2f} to {bias.high:.2f}"
    word = "too much was provided" if bias.low > 1 else "too little was provided" if bias.high < 1 else ""
    return f"Provided {bias.ratio:.2f} of each 1.00 lost ({span}){': ' + word if word else ''}; {inside}"


def show_backtest(result: ProvisionBacktest, name: str) -> Table:
    """Provided and lost, a row a past day."""
    note = (
        f"Amounts in {result.currency}; each provision made with what was known on its day. low, high: "
        f"{result.basis.level:.0%} interval of the provision (rates only, by customer). outcome_low, "
        "outcome_high: range of the loss itself, which also depends on which customers fail. lost: written "
        f"off by {result.as_of:%Y-%m-%d} of the balance of that day, net of recoveries; lost_if_open: with "
        "all that is still open; expected: lost, and today's provision on what is still open. Inside, "
        "outside: whatever becomes of what is still open. " + _overlap(result)
    )
    return Table(name, result.finding(), result.table, note, dict.fromkeys(AMOUNTS, "money"))


def show_buckets(result: ProvisionBacktest, name: str) -> Table:
    """Provided and lost by age of debt, summed over the days with an amount."""
    given = result.table.loc[result.table["provision"].notna(), "date"]
    rows = result.buckets[result.buckets["date"].isin(given)]
    figures = ["owed", "provision", "lost", "still_open", "lost_if_open", "expected"]
    frame = rows.groupby("bucket", sort=False)[figures].sum().reset_index()
    total = pd.DataFrame([["total", *frame[figures].sum()]], columns=frame.columns)
    frame = pd.concat([frame, total], ignore_index=True) if len(frame) else frame
    frame["provided_over_expected"] = frame["provision"] / frame["expected"].where(frame["expected"] > 0)
    note = (
        f"Sums over {len(given)} past days, amounts in {result.currency}; bucket: that of the past day. "
        + _overlap(result)
    )
    formats: dict[str, Format] = {**dict.fromkeys(figures, "money"), "provided_over_expected": "number"}
    return Table(name, _bucket_finding(frame), frame, note, formats)


def plot_backtest(result: ProvisionBacktest, ax: Axes | None) -> Axes:
    """Each past provision with its ranges beside what was lost."""
    import matplotlib.pyplot as plt

    ax = ax if ax is not None else plt.subplots(figsize=(8, 4.2))[1]
    ax.set_title(fill(result.finding(), 80), fontsize=10)
    table = result.table
    if table.empty:
        return stamp(ax, result.as_of)
    most = float(table[["provision", "lost_if_open", "high"]].max().max())
    scale, unit = (1000, "thousand ") if most >= THOUSANDS_FROM else (1, "")
    at, given = np.arange(len(table)), table["provision"].notna().to_numpy()
    figure = {c: table[c].to_numpy(dtype=np.float64) / scale for c in AMOUNTS}
    left: Floats = np.asarray(at - 0.14, dtype=np.float64)
    right = at + 0.14
    for low, high, width, colour, label in (
        ("outcome_low", "outcome_high", 9, PALE, "range of the outcome, told on that day"),
        ("low", "high", 3, BLUE, "interval of the provision"),
    ):
        ax.vlines(left[given], figure[low][given], figure[high][given], colour, linewidth=width, label=label)
    ax.plot(left[given], figure["provision"][given], "o", color=BLUE, label="provided")
    ax.plot(left[~given], figure["high"][~given], "v", color=BLUE, mfc="none", label="bound, no amount")
    ax.vlines(right, figure["lost"], figure["lost_if_open"], VERMILLION, linewidth=2, alpha=0.5)
    ax.plot(right, figure["lost"], "s", color=VERMILLION, label="lost since (line: still open)")
    ax.set_xticks(at, [f"{day:%b %Y}" for day in table["date"]])
    _limit(ax, left, figure, given)
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.set(xlabel="day of the provision", ylabel=f"{unit}{result.currency}")
    ax.legend(fontsize=8)
    return stamp(ax, result.as_of, f"{result.basis.level:.0%}, customers as units")


def _limit(ax: Axes, at: Floats, figure: dict[str, Floats], given: NDArray[np.bool_]) -> None:
    """Cut ranges and bounds that would hide everything else; an arrow says that they go on."""
    seen = np.nanmax([figure["provision"], figure["lost_if_open"]])
    if not seen > 0:
        return
    ends = np.where(given, np.fmax(figure["high"], figure["outcome_high"]), figure["high"])
    top = 1.25 * min(np.nanmax(ends), REACH * seen)
    ax.set_ylim(0, top)
    beyond = ends > top
    if beyond.any():
        heights = np.full(int(beyond.sum()), 0.97 * top)
        ax.plot(at[beyond], heights, "^", color="0.35", label="goes on above")


def _broken_bounds(result: ProvisionBacktest) -> str:
    """On days without an amount: how often more was lost than the bound."""
    bounds = result.table[result.table["provision"].isna()]
    broken = int((bounds["lost"] > bounds["high"]).sum())
    return f"; more than the bound was lost on {broken} of {len(bounds)} days with a bound only" * bool(
        broken
    )


def _overlap(result: ProvisionBacktest) -> str:
    bias = result.bias
    return (
        f"Days overlap: their losses are {bias.days_apart:.1f} days' worth of different money, from "
        f"{bias.losers} customers."
    )


def _bucket_finding(frame: pd.DataFrame) -> str:
    rows = frame[frame["bucket"] != "total"]
    gap = (rows["provision"] - rows["expected"]).abs()
    if not len(rows) or not rows["expected"].sum() > 0:
        return "Nothing was lost that a bucket could be compared with"
    place = int(gap.to_numpy(dtype=float).argmax())
    provided, lost = (rows[c].to_numpy(dtype=float)[place] for c in ("provision", "expected"))
    word = "more" if provided > lost else "less"
    return f"The bucket {rows['bucket'].iloc[place]} is farthest off: {word} was provided than was lost"
