"""How a cash forecast is shown: tables of weeks and of the back-test, the fan, the past."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from arrisk.display import Format, Table, money, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.cash.forecast import CashForecast

__all__ = ["backtest_table", "plot_fan", "plot_past", "weeks_table"]

BLUE, ORANGE, DARK = "#0072B2", "#D55E00", "#262626"
BACKTEST_WORDS = {
    "wape_week": "error_of_a_week",
    "wape_total": "error_of_the_total",
    "bias": "bias",
    "coverage_week": "weeks_inside",
    "coverage_total": "totals_inside",
    "dates": "past_days",
}


def weeks_table(cash: CashForecast, name: str) -> Table:
    """Weeks of the payment curves and the total, with P10, P50 and P90."""
    amounts = ["expected", "p10", "p50", "p90"]
    last = pd.DataFrame(
        [("total", cash.total_ending, *cash.total())], columns=["week", "week_ending", *amounts]
    )
    frame = pd.concat([cash.table.astype({"week": str}), last], ignore_index=True)
    frame[amounts] = frame[amounts].round(2)
    formats: dict[str, Format] = {"week": "text", "week_ending": "date"}
    formats |= dict.fromkeys(amounts, "money")  # type: ignore[arg-type]
    low, high = (0.5 - cash.level / 2, 0.5 + cash.level / 2)
    if cash.identified:
        how = (
            f"P10, P50 and P90 ({low:.0%}, 50%, {high:.0%}) come from how wrong the same forecast was on "
            f"{cash.n_dates} past days. Limits of single weeks do not add up to those of the total."
        )
    else:
        how = "No interval: the history holds fewer than two windows without overlap to try the forecast on."
    note = f"Amounts in {cash.currency}; cash from the items open today, no new sales. {how}"
    title = f"Cash of the next {cash.weeks} weeks" if cash.identified else find_total(cash)
    return Table(name, title, frame, note, formats)


def backtest_table(cash: CashForecast, name: str) -> Table:
    """Errors, bias and coverage of every method on the same past days."""
    frame = cash.backtest.rename(columns=BACKTEST_WORDS)
    shares = [c for c in BACKTEST_WORDS.values() if c != "past_days"]
    formats: dict[str, Format] = {"past_days": "integer"}
    formats |= dict.fromkeys(shares, "percent")  # type: ignore[arg-type]
    note = (
        f"{cash.n_dates} past days, {cash.independent_windows:.1f} windows of {cash.weeks} weeks without "
        "overlap. Errors: sum of absolute misses over cash received; bias: forecast over cash, less one. "
        f"Inside: share of past days whose cash lay in the {cash.level:.0%} interval of the other days."
    )
    return Table(name, find_ranking(cash), frame, note, formats)


def find_total(cash: CashForecast) -> str:
    """What the weeks bring, in one sentence."""
    expected, low, middle, high = cash.total()
    if not cash.identified:
        return f"{cash.weeks} weeks bring about {money(expected, cash.currency)}; no interval yet"
    unit, word = scale_of(middle)
    places = 2 if word else 0
    limits = f"{low / unit:,.{places}f} to {high / unit:,.{places}f}"
    return f"{cash.weeks} weeks bring {cash.currency} {middle / unit:,.{places}f}{word} ({limits})"


def find_ranking(cash: CashForecast) -> str:
    """Which method was nearest on past days, in one sentence."""
    if not len(cash.backtest):
        return "No past day to try the forecast on"
    errors = cash.backtest.set_index("method")["wape_week"].sort_values(kind="stable")
    first, second = errors.index[:2]
    return f"Nearest by week: {first}, off by {errors.iloc[0]:.0%}; next {second}, {errors.iloc[1]:.0%}"


def scale_of(amount: float) -> tuple[float, str]:
    """Divisor of an axis of money and its word, with a space before it; nothing for small books."""
    if amount >= 1e6:
        return 1e6, " million"
    return (1e3, " thousand") if amount >= 2e4 else (1.0, "")


def plot_fan(cash: CashForecast, ax: Axes | None) -> Axes:
    """Weekly cash: the middle forecast and its interval."""
    ax = _axes(ax)
    own = cash.table
    unit, word = scale_of(float(own["expected"].max()))
    weeks = own["week"].to_numpy()
    if cash.identified:
        low, middle, high = (own[c].to_numpy() / unit for c in ("p10", "p50", "p90"))
        ax.fill_between(weeks, low, high, color=BLUE, alpha=0.2, lw=0, label="P10 to P90 of one week")
        ax.plot(weeks, middle, color=BLUE, marker="o", label="P50")
    else:
        ax.plot(weeks, own["expected"] / unit, color=BLUE, marker="o", label="expected, no interval yet")
    step = 1 if len(weeks) <= 8 else 2
    ax.set_xticks(weeks[::step], [f"{d:%d %b}" for d in own["week_ending"]][::step])
    ax.set(xlabel="week ending", ylabel=f"{cash.currency}{word} a week", ylim=(0, None))
    ax.yaxis.set_major_formatter("{x:,g}")
    ax.set_title(find_total(cash))
    ax.legend()
    return stamp(ax, cash.as_of, "cash from items open today")


def plot_past(cash: CashForecast, ax: Axes | None) -> Axes:
    """What came within the horizon of each past day, beside the forecast made on that day."""
    ax = _axes(ax)
    sums = cash.past_totals()
    unit, word = scale_of(float(sums["realised"].max()) if len(sums) else 0.0)
    days = pd.DatetimeIndex(sums.index)
    ax.plot(days, sums["realised"] / unit, color=DARK, marker="o", label="cash that came")
    ax.plot(
        days, sums["forecast"] / unit, color=BLUE, marker="_", ls="none", ms=14, mew=2.5, label="forecast"
    )
    ax.set(
        xlabel="day of the forecast", ylabel=f"{cash.currency}{word} in {cash.weeks} weeks", ylim=(0, None)
    )
    ax.yaxis.set_major_formatter("{x:,g}")
    ax.margins(y=0.12)
    ax.set_ylim(0, None)
    ax.set_title(_past_finding(cash))
    ax.legend(loc="lower right", ncols=2)
    return stamp(ax, cash.as_of, "each forecast from what was known on its day")


def _past_finding(cash: CashForecast) -> str:
    if not cash.n_dates:
        return "No past day to try the forecast on"
    sums = cash.past_totals()
    miss = (sums["forecast"] / sums["realised"] - 1.0).abs()
    places = 0 if miss.median() >= 0.01 else 1
    return f"Past totals were off by {miss.median():.{places}%} as a rule, {miss.max():.{places}%} at worst"


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    made: Axes = plt.subplots()[1]
    return made
