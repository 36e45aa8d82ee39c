"""How a back-test of cash is shown: tables of scores and of differences, errors by week, the past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from arrisk.display import Format, Table, stamp
from arrisk.errors import ModelError
from arrisk.models.cash.forecast_page import scale_of
from arrisk.models.cash.rolling_scores import BEATS, EVERY, RIVAL, UNKNOWN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.cash.rolling import CashBacktest

__all__ = ["differences_table", "plot_errors", "plot_past", "scores_table", "verdict_words"]

BLUE, DARK = "#0072B2", "#262626"
COLOURS = ("#999999", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
MODEL_WORDS = "the model"
SHORT = {
    "wape": "error",
    "bias": "bias",
    "pinball_10": "pinball_10",
    "pinball_50": "pinball_50",
    "pinball_90": "pinball_90",
    "coverage_80": "inside_80",
    "coverage_90": "inside_90",
}


def scores_table(result: CashBacktest, name: str, horizons: Sequence[str] | None = None) -> Table:
    """Scores of every method, a row a horizon and method."""
    scores = _at(result.scores, horizons)
    frame = scores[["horizon", "method", *SHORT, "dates", "windows", "interval_dates"]].rename(columns=SHORT)
    formats: dict[str, Format] = {"dates": "integer", "windows": "number", "interval_dates": "integer"}
    formats |= dict.fromkeys(SHORT.values(), "percent")  # type: ignore[arg-type]
    note = (
        f"Cash on the items open on each past day, {result.step_weeks} weeks apart, no new sales. Error: "
        "sum of absolute misses over cash, week by week (the total as one sum); bias: forecast over cash, "
        "less one; pinball loss of P10, P50 and P90 over cash; inside: share of weeks (or totals) in the 80% "
        "and 90% interval, from the days on which every method had one. Intervals of the model are "
        "simulated, those of the others come from their own past errors. Windows: so many of the past days' "
        "horizons do not overlap."
    )
    return Table(name, result.reason, frame, note, formats)


def differences_table(result: CashBacktest, name: str, horizons: Sequence[str] | None = None) -> Table:
    """The model against each rival."""
    frame = _at(result.differences, horizons)
    formats: dict[str, Format] = dict.fromkeys(("estimate", "ci_low", "ci_high"), "percent")
    note = (
        f"Error of the model less that of the rival, in shares of the cash that came (negative: the model is "
        f"nearer), with a {result.level:.0%} interval that knows that windows overlap."
    )
    return Table(name, find_verdicts(result), frame, note, formats)


def _at(table: pd.DataFrame, horizons: Sequence[str] | None) -> pd.DataFrame:
    """Rows of the horizons asked for."""
    if horizons is None:
        return table.copy()
    unknown = sorted(set(horizons) - set(table["horizon"]))
    if unknown and len(table):
        raise ModelError(f"no horizon {unknown}; there are {', '.join(table['horizon'].unique())}")
    return table[table["horizon"].isin(list(horizons))].reset_index(drop=True)


def verdict_words(result: CashBacktest) -> str:
    """What to use and why, in one sentence."""
    if not result.identified:
        return f"No method can be preferred: {result.shortage}; use {result.best} until then"
    errors = result.scores[result.scores["horizon"] == EVERY].set_index("method")["wape"]
    best, rivals = result.best, list(result.methods[:-1])
    gaps = result.differences[result.differences["horizon"] == EVERY].set_index("rival")
    if best in rivals:
        sure = gaps.loc[best, "verdict"] == RIVAL
        how = "nearer than the model" if sure else "no farther off than the model"
        return f"Use {best}: off by {errors[best]:.1%} week by week, {how} ({errors[result.methods[-1]]:.1%})"
    if not rivals:
        return f"Nothing to compare: the model was off by {errors[best]:.1%} week by week"
    next_best = str(errors[rivals].idxmin())
    beaten = gaps.loc[next_best, "verdict"] == BEATS
    sure = "" if beaten else "; no difference can be told for certain"
    return (
        f"Use {MODEL_WORDS}: off by {errors[best]:.1%} week by week, next {next_best} "
        f"({errors[next_best]:.1%}){sure}"
    )


def find_verdicts(result: CashBacktest) -> str:
    """How often the model won, was level and lost, in one sentence."""
    if not result.identified:
        return f"No verdict: {result.shortage}"
    every = result.differences[result.differences["horizon"] == EVERY]
    counts = [int((every["verdict"] == v).sum()) for v in (BEATS, UNKNOWN, RIVAL)]
    return (
        f"Week by week the model beats {counts[0]} of {len(every)} rivals, is not told apart from "
        f"{counts[1]} and is worse than {counts[2]}"
    )


def plot_errors(result: CashBacktest, ax: Axes | None) -> Axes:
    """Error of single weeks by how far ahead they are."""
    ax = _axes(ax)
    trials = result.trials[result.trials["first_week"] == result.trials["last_week"]]
    for place, method in enumerate(result.methods):
        own = trials[trials["method"] == method]
        miss = (own["forecast"] - own["came"]).abs().groupby(own["first_week"]).sum()
        cash = own["came"].groupby(own["first_week"]).sum()
        share = 100.0 * (miss / cash.where(cash > 0))
        is_model = method == result.methods[-1]
        ax.plot(
            share.index,
            share,
            marker="o",
            ms=4,
            lw=2.5 if is_model else 1.3,
            color=BLUE if is_model else COLOURS[place % len(COLOURS)],
            label=MODEL_WORDS if is_model else method,
        )
    ax.set(xlabel="week ahead", ylabel="error, % of the cash of the week", ylim=(0, None))
    ax.set_title(result.reason, fontsize=10, wrap=True)
    if len(trials):
        ax.legend(ncols=2, fontsize=8)
    return stamp(ax, result.as_of, f"{result.n_dates} past days, items open on each")


def plot_past(result: CashBacktest, ax: Axes | None, method: str) -> Axes:
    """Intervals of the total on past days beside what came."""
    ax = _axes(ax)
    own = result.totals(method)
    unit, word = scale_of(float(own["came"].max()) if len(own) else 0.0)
    days = pd.DatetimeIndex(own["date"])
    low, high = (own[q].to_numpy(float) / unit for q in ("q10", "q90"))
    ax.fill_between(days, low, high, color=BLUE, alpha=0.2, lw=0, label="P10 to P90")
    ax.plot(days, own["forecast"] / unit, color=BLUE, lw=1.2, label="forecast")
    ax.plot(days, own["came"] / unit, color=DARK, marker="o", ms=4, ls="none", label="cash that came")
    ax.set(xlabel="day of the forecast", ylabel=f"{result.currency}{word} in {result.weeks} weeks")
    ax.set_ylim(0, None)
    ax.yaxis.set_major_formatter("{x:,g}")
    ax.set_title(_past_finding(own, method))
    ax.legend(loc="lower right", ncols=3, fontsize=8)
    return stamp(ax, result.as_of, "each forecast from what was known on its day")


def _past_finding(own: pd.DataFrame, method: str) -> str:
    known = own[own["q10"].notna()]
    who = MODEL_WORDS if method == "model" else method
    if not len(known):
        return f"No past day with an interval by {who}"
    inside = int(((known["came"] >= known["q10"]) & (known["came"] <= known["q90"])).sum())
    return f"{inside} of {len(known)} past totals lay between P10 and P90 of {who}; 80% should"


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    made: Axes = plt.subplots(figsize=(7.2, 4.2))[1]
    return made
