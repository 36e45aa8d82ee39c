"""How a comparison of methods is shown: the finding, the reasons, tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, money, stamp
from arrisk.models.intervals import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.loss_rates.comparison import LossRateComparison

__all__ = [
    "COLUMNS",
    "NAMES",
    "describe_comparison",
    "describe_difference",
    "plot_rates_by_method",
    "plot_totals",
    "show_methods",
    "show_rates_by_method",
]

COLUMNS = (
    "method",
    "path",
    "provision",
    "low",
    "high",
    "difference",
    "difference_low",
    "difference_high",
    "reason",
)
NAMES = {
    "net_flow": "net flow rates",
    "roll": "roll rates",
    "markov": "absorbing chain",
    "cohort": "sales cohorts",
    "vintage": "vintages",
    "competing": "competing risks",
    "realised": "past balances followed",
}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
THOUSANDS_FROM = 10_000
WORTH_A_WORD = 0.01
"""Share of the first amount below which a cause is not told."""


def describe_comparison(found: LossRateComparison) -> str:
    """The range of the amounts, and whether the two independent paths agree."""
    known = found.table.dropna(subset=["provision"])
    owed = money(found.owed, found.currency)
    if known.empty:
        least = found.table["high"].min()
        return f"No method gives a rate: at most {money(least, found.currency)} of {owed} owed"
    low, high = (money(known["provision"].agg(end)) for end in ("min", "max"))
    spread = f"{found.currency} {low}" if low == high else f"{found.currency} {low} to {high}"
    words = f"{len(known)} of {len(found.table)} methods provide {spread} of {owed} owed"
    if not all(found.pair):
        return words
    one, other = (found.fits[m] for m in found.pair)
    agree = "agree" if _overlap(found) else "differ by more than chance"
    amounts = " and ".join(f"{NAMES[r.method]} {money(float(r.total.value or 0.0))}" for r in (one, other))
    return f"{words}; two independent paths {agree}: {amounts}"


def _overlap(found: LossRateComparison) -> bool:
    from arrisk.models.loss_rates.comparison import paired_difference

    _, span = paired_difference(found.fits[found.pair[0]], found.fits[found.pair[1]], found.level)
    return span.low <= 0.0 <= span.high


def describe_difference(
    gap: float,
    span: Interval,
    parts: pd.DataFrame,
    base: float,
    paths: tuple[Mapping[str, str], str, str],
    currency: str,
) -> str:
    """Why a method gives another amount than the first, in words that follow from the figures."""
    of_path, method, first = paths
    if abs(gap) < 0.005:
        return f"no difference from {NAMES[first]}"
    told = parts[parts["amount"].abs() >= WORTH_A_WORD * base]
    words = [f"{cause}: {_signed(amount, currency)}" for _, cause, amount in told.itertuples(index=False)]
    rest = gap - float(told["amount"].sum())
    if of_path[method] == of_path[first]:
        words.append(f"{STEPS[method]} instead of {STEPS[first]}: {_signed(rest, currency)}")
    else:
        words.append(f"{STEPS[method]} instead of {STEPS[first]}, and all else: {_signed(rest, currency)}")
    chance = "within chance" if span.low <= 0.0 <= span.high else "more than chance"
    return f"{'; '.join(words)} ({chance})"


STEPS = {
    "net_flow": "month-end totals set against each other",
    "roll": "each item's moves between month ends",
    "markov": "each item's moves between month ends, stays and returns with them",
    "cohort": "sales followed to their loss",
    "vintage": "losses of invoice months completed to their end",
    "competing": "each settlement on its own day",
    "realised": "past balances followed to their loss",
}


def _signed(amount: float, currency: str) -> str:
    return f"{'+' if amount >= 0 else '-'}{money(abs(amount), currency)}"


def show_methods(found: LossRateComparison, name: str) -> Table:
    """Amounts by method with intervals, differences and reasons."""
    frame = found.table.assign(method=found.table["method"].map(NAMES))
    formats: dict[str, Format] = dict.fromkeys(COLUMNS[2:-1], "money")
    note = (
        f"Amounts in {found.currency}; {found.level:.0%} intervals, by customer, today's balances as given. "
        "Differences are from the first row, with the same customer left out of both. A part of a difference "
        "is measured by changing that one choice; the rest is what no single choice explains. The two paths "
        "share the ledger and nothing else."
    )
    return Table(name, found.finding(), frame, note, formats)


def show_rates_by_method(found: LossRateComparison, name: str) -> Table:
    """Rates by bucket, a column a method."""
    keys = ["segment", "bucket"]
    order = found.rates.drop_duplicates(keys)[keys]
    wide = found.rates.assign(method=found.rates["method"].map(NAMES)).set_index([*keys, "method"])["rate"]
    frame = order.merge(wide.unstack("method").reset_index(), on=keys, how="left")
    names = [NAMES[m] for m in found.table["method"] if m in found.fits]
    frame = frame[[*keys, *names]]
    frame = frame.drop(columns="segment") if len(set(frame["segment"])) == 1 else frame
    formats: dict[str, Format] = dict.fromkeys(names, "percent")
    note = "Shares of the balance of a bucket that are lost in the end. Empty: a bound, or never seen."
    return Table(name, "Loss rates by method", frame, note, formats)


def plot_totals(found: LossRateComparison, ax: Axes | None = None) -> Axes:
    """The amount and its interval by method; a bound is an empty mark at its end."""
    import matplotlib.pyplot as plt

    ax = ax if ax is not None else plt.subplots(figsize=(8.0, 3.8))[1]
    rows = found.table.iloc[::-1].reset_index(drop=True)
    scale, unit = (1000, "thousand ") if rows["high"].max() >= THOUSANDS_FROM else (1, "")
    colours = np.where(rows["path"].str.startswith("chained"), COLOURS[0], COLOURS[1]).tolist()
    ends = (rows[["provision", "low", "high"]] / scale).to_numpy(float).tolist()
    for at, (colour, (value, low, high)) in enumerate(zip(colours, ends, strict=True)):
        ax.hlines(at, low, high, color=colour, linewidth=2.5)
        if np.isnan(value):
            ax.plot(high, at, "<", color=colour, markerfacecolor="none", markersize=7)
        else:
            ax.plot(value, at, "o", color=colour, markersize=6)
    for path, colour in zip(("chained monthly moves", "money followed to its end"), COLOURS, strict=False):
        ax.plot([], [], "o-", color=colour, label=path)
    ax.set_yticks(range(len(rows)), [NAMES[m] for m in rows["method"]])
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.set_xlim(left=0)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set_xlabel(f"provision, {unit}{found.currency}")
    ax.set_title(found.finding(), wrap=True)
    ax.legend(loc="lower left")
    return stamp(ax, found.as_of, f"{found.level:.0%} intervals by customer")


def plot_rates_by_method(found: LossRateComparison, ax: Axes | None = None) -> Axes:
    """Rates by bucket with their intervals, a colour a method; of segments, the first."""
    import matplotlib.pyplot as plt

    ax = ax if ax is not None else plt.subplots(figsize=(8.0, 4.2))[1]
    segment = found.rates["segment"].iloc[0]
    shown = found.rates[found.rates["segment"] == segment]
    width = 0.8 / len(found.fits)
    for place, method in enumerate(found.fits):
        rows = shown[shown["method"] == method]
        at = np.arange(len(rows)) + width * (place - (len(found.fits) - 1) / 2)
        colour = COLOURS[place % len(COLOURS)]
        ax.vlines(at, 100 * rows["ci_low"], 100 * rows["ci_high"], color=colour, linewidth=2)
        ax.plot(at, 100 * rows["rate"], "o", color=colour, markersize=4, label=NAMES[method])
    buckets = list(dict.fromkeys(shown["bucket"]))
    ax.set_xticks(range(len(buckets)), buckets)
    of = "" if segment == "all" else f" of {segment}"
    ax.set(xlabel="days overdue", ylabel="lost, % of the balance", title=f"Loss rates{of} by method")
    ax.set_ylim(bottom=0)
    ax.legend(loc="upper left", ncols=2)
    return stamp(ax, found.as_of, f"{found.level:.0%} intervals by customer")
