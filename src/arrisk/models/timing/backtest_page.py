"""How a back-test of the time to payment is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from arrisk.display import Format, Table, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.timing.backtest import TimingBacktest

__all__ = ["find_best", "plot_brier", "scores_table"]

BLUE, SKY, DARK = "#0072B2", "#56B4E9", "#262626"
COLOURS = (BLUE, "#D55E00", "#009E73", "#CC79A7", SKY)
GREYS = ("#262626", "#737373", "#ABABAB")
BRIER = "integrated Brier score"


def scores_table(result: TimingBacktest, name: str) -> Table:
    """Brier score, C-index and calibration, a row a model."""
    rows = []
    for model in result.models:
        low, high = result.interval(model, "concordance")
        gap = result.table[
            (result.table["model"] == model) & (result.table["term"] == "Brier less reference")
        ]
        less = gap[["estimate", "ci_low", "ci_high"]].iloc[0].tolist() if len(gap) else [float("nan")] * 3
        rows.append(
            {
                "model": model,
                "brier": result.value(model, BRIER),
                "less_reference": less[0],
                "less_low": less[1],
                "less_high": less[2],
                "concordance": result.value(model, "concordance"),
                "c_low": low,
                "c_high": high,
                "predicted_over_seen": result.value(model, "paid, predicted over seen"),
                "calibration_p": result.value(model, "D-calibration p"),
                "calibration_gap": result.value(model, "D-calibration gap"),
            }
        )
    frame = pd.DataFrame(rows).round({"calibration_p": 4})
    formats: dict[str, Format] = dict.fromkeys(frame.columns[1:], "number")
    formats |= dict.fromkeys(("predicted_over_seen", "calibration_gap"), "percent")  # type: ignore[arg-type]
    note = (
        f"{result.items:,} open items of {result.customers:,} customers on {len(result.dates)} past days, "
        f"scored over {result.horizon} days ahead; {result.level:.0%} intervals know that items of one "
        "customer move together. Brier score: mean squared error of the chance of being unpaid, 0 is best. "
        "Concordance: share of pairs in the right order. Calibration: D-calibration by tenths, p value by "
        "customer and the largest difference of a tenth from a tenth."
    )
    return Table(name, result.finding, frame, note, formats)


def find_best(result: TimingBacktest) -> str:
    """Which model is nearest, in one sentence."""
    best = result.best
    score = f"{result.value(best, BRIER):.3f}"
    if not result.identified:
        return (
            f"{result.items} open items of {result.customers} customers on past days are too few to tell "
            "models apart"
        )
    simple = best in result.models[result.given :]
    if simple:
        return f"Use {best}: no model given is nearer (integrated Brier score {score})"
    reference = result.models[result.given]
    _, high = result.interval(best, "Brier less reference")
    sure = "sure to be better than" if high < 0 else "not told apart from"
    return (
        f"Nearest: {best}, integrated Brier score {score}, {sure} {reference} "
        f"({result.value(reference, BRIER):.3f})"
    )


def plot_brier(result: TimingBacktest, ax: Axes | None) -> Axes:
    """Brier score by days ahead."""
    ax = _axes(ax)
    for k, model in enumerate(result.models):
        own = k < result.given
        colour = COLOURS[k % len(COLOURS)] if own else GREYS[(k - result.given) % len(GREYS)]
        ax.plot(
            result.by_day.index,
            result.by_day[model],
            color=colour,
            lw=2.2 if own else 1.2,
            ls="-" if own else "--",
            label=model,
        )
    ax.set(xlabel="days ahead", ylabel="Brier score of being unpaid", ylim=(0, None))
    ax.set_title(result.finding, fontsize=10, wrap=True)
    ax.legend(fontsize=8)
    return stamp(ax, result.as_of, f"{len(result.dates)} past days, {result.items:,} open items")


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    made: Axes = plt.subplots(figsize=(7.2, 4.2))[1]
    return made
