"""How a cash forecast is shown: the table of its periods, the fan, the parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, money, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.cash.cash_forecast import CashForecast, Period, Split

__all__ = ["find_parts", "find_total", "forecast_table", "plot_cash", "plot_parts", "scale_of"]

BLUE, ORANGE = "#0072B2", "#D55E00"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#7F7F7F")
MOST_PARTS = len(COLOURS)
FIGURES = ["expected", "p10", "p50", "p90"]


def forecast_table(cash: CashForecast, name: str, period: Period) -> Table:
    """Periods and the total with P10, P50, P90 and the largest Monte Carlo error of the row."""
    frame = pd.concat([cash.paths(period), cash.total()], ignore_index=True)
    errors = frame[[f"{f}_error" for f in FIGURES]].max(axis=1)
    shown = frame[["ending", *FIGURES]].round(2).assign(mc_error=errors.round(2))
    count = len(frame) - 1
    shown.insert(0, period, [*map(str, range(1, count + 1)), "total"])
    amounts = [*FIGURES, "mc_error"]
    formats: dict[str, Format] = {period: "text", "ending": "date"}
    formats |= dict.fromkeys(amounts, "money")  # type: ignore[arg-type]
    return Table(name, find_total(cash), shown, _note(cash), formats)


def _note(cash: CashForecast) -> str:
    low, high = (0.5 - cash.level / 2, 0.5 + cash.level / 2)
    shocks = cash.shocks
    if cash.identified:
        how = (
            f"P10, P50 and P90 are {low:.0%}, 50% and {high:.0%} of {len(cash.draws.minor):,} draws in which "
            f"customers stray by {shocks.customer_sd:.2f} and the whole book by {shocks.common_sd:.2f} (log "
            "of the daily rates); mc_error is the largest Monte Carlo error of the row. Expected values "
            "add up; limits of single periods do not."
        )
    else:
        how = (
            f"No interval: {len(shocks.windows)} past windows of 28 days are too few to see the whole book "
            "stray."
        )
    return f"Amounts in {cash.currency}, net of discounts taken. New sales: {cash.inputs.sales.rule}. {how}"


def find_total(cash: CashForecast) -> str:
    """What the horizon brings, in one sentence."""
    row = cash.total().iloc[0]
    weeks, rest = divmod(cash.days, 7)
    span = f"{weeks} weeks bring" if not rest else f"{cash.days} days bring"
    if not cash.identified:
        return f"{span} about {money(float(row['expected']), cash.currency)}; no interval yet"
    unit, word = scale_of(float(row["p50"]))
    places = 2 if word else 0
    limits = f"{row['p10'] / unit:,.{places}f} to {row['p90'] / unit:,.{places}f}"
    return f"{span} {cash.currency} {row['p50'] / unit:,.{places}f}{word} ({limits})"


def find_parts(cash: CashForecast, split: Split) -> str:
    """Which part brings most, in one sentence."""
    sums = cash.total(split).set_index("part")["expected"].sort_values(ascending=False, kind="stable")
    total = float(sums.sum())
    if not total > 0:
        return "No cash is expected"
    return f"{sums.iloc[0] / total:.0%} of the cash expected comes from {sums.index[0]}"


def plot_cash(cash: CashForecast, ax: Axes | None, period: Period) -> Axes:
    """Cash by period: the middle forecast, its interval, and the expected part of the open book."""
    ax = _axes(ax)
    own = cash.paths(period)
    unit, word = scale_of(float(own["expected"].max()))
    x = np.arange(len(own))
    if cash.identified:
        low, middle, high = (own[c].to_numpy(float) / unit for c in ("p10", "p50", "p90"))
        ax.fill_between(x, low, high, color=BLUE, alpha=0.2, lw=0, label=f"P10 to P90 of one {period}")
        ax.plot(x, middle, color=BLUE, marker="o", ms=4, label="P50")
    else:
        ax.plot(x, own["expected"] / unit, color=BLUE, marker="o", ms=4, label="expected, no interval yet")
    parts = cash.paths(period, "source")
    book = parts.loc[(parts["part"] == "open book").to_numpy(), "expected"].to_numpy(float)
    if 0 < len(book) < len(parts):
        ax.plot(x, book / unit, color=ORANGE, ls="--", label="expected of items open today")
    step = -(-len(own) // 7)
    ax.set_xticks(x[::step], [f"{d:%d %b}" for d in own["ending"]][::step])
    ax.set(xlabel=f"{period} ending", ylabel=f"{cash.currency}{word} a {period}", ylim=(0, None))
    ax.yaxis.set_major_formatter("{x:,g}")
    ax.set_title(find_total(cash))
    ax.legend()
    return stamp(ax, cash.as_of, "cash net of discounts, open book and new sales")


def plot_parts(cash: CashForecast, ax: Axes | None, split: Split) -> Axes:
    """Expected cash by week, stacked; the smallest parts beyond seven together."""
    ax = _axes(ax)
    parts = cash.paths("week", split)
    wide = parts.pivot(index="ending", columns="part", values="expected")
    order = wide.sum().sort_values(ascending=False, kind="stable").index
    wide = wide[order]
    if len(order) > MOST_PARTS:
        rest = wide.iloc[:, MOST_PARTS - 1 :].sum(axis=1)
        wide = wide.iloc[:, : MOST_PARTS - 1].assign(**{"the others": rest})
    unit, word = scale_of(float(wide.sum(axis=1).max()))
    x, bottom = np.arange(len(wide)), np.zeros(len(wide))
    for colour, (name, column) in zip(COLOURS, wide.items(), strict=False):
        height = column.to_numpy(float) / unit
        ax.bar(x, height, bottom=bottom, color=colour, width=0.8, label=str(name))
        bottom += height
    step = -(-len(wide) // 7)
    ax.set_xticks(x[::step], [f"{d:%d %b}" for d in pd.DatetimeIndex(wide.index)][::step])
    ax.set(
        xlabel="week ending",
        ylabel=f"{cash.currency}{word} a week, expected",
        ylim=(0, 1.2 * float(bottom.max())),
    )
    ax.yaxis.set_major_formatter("{x:,g}")
    ax.set_title(find_parts(cash, split))
    ax.legend(loc="upper center", ncols=4)
    return stamp(ax, cash.as_of, "cash net of discounts")


def scale_of(amount: float) -> tuple[float, str]:
    """Divisor of an axis of money and its word, with a space before it; nothing for small books."""
    if amount >= 1e6:
        return 1e6, " million"
    return (1e3, " thousand") if amount >= 2e4 else (1.0, "")


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    made: Axes = plt.subplots()[1]
    return made
