"""The threshold at which orders stop, as a sentence, a table and the cost curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, money, stamp
from arrisk.portfolio.exposure import money_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.limits.stop_threshold import StopThresholds

__all__ = ["describe", "describe_threshold", "plot_curves", "verdicts_table"]

NEVER = 4.4
COLOURS = ("black", "#0072B2", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#56B4E9")
COLUMNS = ["grade", "orders", "unpaid_customers", "unpaid_share", "expected", "expected_low", "expected_high"]
COLUMNS += ["best", "best_low", "best_high", "saving", "saving_low", "saving_high", "basis", "verdict"]
FORMATS: dict[str, Format] = {
    **dict.fromkeys(("saving", "saving_low", "saving_high"), "money"),  # type: ignore[arg-type]
    **dict.fromkeys(("unpaid_share", "expected", "expected_low", "expected_high"), "percent"),
    **dict.fromkeys(("orders", "unpaid_customers"), "integer"),
}


def describe_threshold(threshold: float) -> str:
    """A threshold in words.

    Examples
    --------
    >>> describe_threshold(0.8), describe_threshold(float("inf"))
    ('80%', 'never')
    """
    return "" if np.isnan(threshold) else "never" if np.isinf(threshold) else f"{threshold:.0%}"


def describe(stops: StopThresholds) -> str:
    """Whether another threshold than 80% would have been cheaper."""
    if stops.orders.empty:
        return "No past order of a customer with a limit: what stopping orders costs cannot be told"
    row = stops.table.iloc[0]
    if row["basis"] != "own past":
        return (
            f"Too few customers with a limit never paid an order ({row['unpaid_customers']}): when to stop "
            "orders cannot be told"
        )
    best = describe_threshold(row["best"])
    lead = "Never stopping orders" if best == "never" else f"Stopping orders at {best} of the limit"
    saving = money(row["saving"], stops.currency)
    ends = f"{money(row['saving_low'])} to {money(row['saving_high'])}"
    return f"{lead} was cheapest; against 80% it saved {saving} a year ({ends})"


def verdicts_table(stops: StopThresholds, name: str) -> Table:
    """The cheapest threshold by grade, and what it saves against 80%."""
    frame = stops.table[COLUMNS].copy()
    for column in ("best", "best_low", "best_high"):
        frame[column] = [describe_threshold(v) for v in frame[column]]
    margin, lost = stops.assumptions
    note = (
        f"{stops.currency} a year, {stops.years:.1f} years of orders old enough to have been paid. A false "
        f"stop loses {margin.value:.0%} margin on the {lost.value:.0%} of orders lost for good, an order "
        f"never paid loses the other {1 - margin.value:.0%}: stopping pays where more than "
        f"{stops.break_even:.0%} of what is stopped would never be paid. Savings: each customer judged by a "
        "threshold chosen without it; 95% interval by customer. Basis default risk: few unpaid orders, so "
        "the expected unpaid share is held against that. The grade before an order comes from a card that "
        "never saw the customer, but saw what other customers did later. No order was stopped by lot."
    )
    return Table(name, describe(stops), frame, note, FORMATS)


def plot_curves(stops: StopThresholds, ax: Axes | None = None) -> Axes:
    """Cost of each threshold above that of 80%, by grade; a dot on the cheapest."""
    import matplotlib.pyplot as plt

    ax = plt.gca() if ax is None else ax
    if stops.orders.empty:
        return _empty(ax, stops)
    curves = stops.curves
    unit, word = money_unit(float(curves["more"].abs().max()))
    for colour, (name, part) in zip(COLOURS, curves.groupby("grade", sort=False), strict=False):
        _draw(ax, str(name), part, colour, unit)
    ax.axvline(0.80, color="0.35", linewidth=1, linestyle="--")
    ax.axhline(0.0, color="0.35", linewidth=0.6)
    ticks = [0.4, 0.8, 1.2, 1.6, 2.0, 2.5, 3.0, 4.0, NEVER]
    ax.set_xticks(ticks, [*(f"{t:.0%}" for t in ticks[:-1]), "never"])
    ax.set_xlabel("stop orders that take a customer above this share of its limit (dashed: 80%)")
    ax.set_ylabel(f"cost against 80%, {word}{stops.currency} a year")
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.set_title(_wrapped(describe(stops)))
    ax.legend(loc="upper right", title="grade (dot: cheapest)")
    return stamp(ax, stops.as_of)


def _empty(ax: Axes, stops: StopThresholds) -> Axes:
    ax.set_title(describe(stops).replace(": ", ":\n"))
    ax.set_xticks([])
    ax.set_yticks([])
    ax.annotate("nothing to compare", (0.5, 0.5), xycoords="axes fraction", ha="center", color="0.35")
    return stamp(ax, stops.as_of)


def _draw(ax: Axes, name: str, part: pd.DataFrame, colour: str, unit: int) -> None:
    x = part["threshold"].replace(np.inf, NEVER).to_numpy()
    y = part["more"].to_numpy() / unit
    words = "all, with 95% band" if name == "all" else name
    ax.plot(x, y, color=colour, label=words, linewidth=2.2 if name == "all" else 1.3)
    if name == "all":
        ax.fill_between(x, part["more_low"] / unit, part["more_high"] / unit, color="0.85", linewidth=0)
    best = len(y) - 1 - int(np.argmin(y[::-1]))
    ax.plot(x[best], y[best], "o", color=colour, markersize=6)


def _wrapped(text: str) -> str:
    return text.replace("; ", ";\n")
